//! Reading: from folders and texts to raw definitions with places.
//!
//! [`load`](crate::load) reads with it before anything is resolved. It must never follow a reference.

mod definition;
pub(super) mod fields;
pub(super) mod graph;
mod manifest;
mod node;
mod parse;
pub(super) mod raw;
mod scalar;
pub(super) mod source;

pub(super) use node::shorten;
