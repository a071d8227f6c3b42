//! What integration tests share: the example as a process and its runs, a receiver on loopback,
//! TLS before one, and sums of what arrived.
//!
//! The tests that run the example take what they need. It never looks into the program or into our crates.

#![allow(dead_code)] // Each test binary takes a part of it.

pub(crate) mod door;
pub(crate) mod example;
pub(crate) mod receiver;
pub(crate) mod run;
pub(crate) mod tls;
