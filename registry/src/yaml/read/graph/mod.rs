//! A registry and all it depends on, read but not resolved.
//!
//! [`load`](crate::load) has it built and the resolver walks it, dependencies first. It must never hold two versions of one registry.

mod reader;
mod registry;
mod versions;

pub(in crate::yaml) use reader::read;
pub(in crate::yaml) use registry::{Graph, Registry, Unseen};
