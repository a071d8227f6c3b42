//! Semantic convention registries in the format of OpenTelemetry Weaver.
//!
//! [`model`] holds a registry with everything resolved and depends on nothing.
#![forbid(unsafe_code)]

pub mod model;
