//! Forwarding: from an event to the bytes of a record in this thread's queue.
//!
//! The layer calls [`visit`] with a plan; the export thread drains [`queue`]. Redaction happens in the same
//! visit, so nothing that may not leave is ever written. No producer waits for anyone here.

#[cfg(not(weaver_loom))]
pub(crate) mod encode;
#[cfg(not(weaver_loom))]
pub(crate) mod exception;
#[cfg(not(weaver_loom))]
pub(crate) mod ids;
#[cfg(not(weaver_loom))]
pub(crate) mod plan;
pub(crate) mod queue;
#[cfg(not(weaver_loom))]
pub(crate) mod short_key;
#[cfg(not(weaver_loom))]
pub(crate) mod visit;
#[cfg(not(weaver_loom))]
pub(crate) mod writer;
