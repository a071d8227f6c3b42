//! Semantic convention registries in the format of OpenTelemetry Weaver.
//!
//! [`model`] holds a registry with everything resolved and depends on nothing.
#![forbid(unsafe_code)]

#[cfg(feature = "yaml")]
mod fault;
pub mod model;
#[cfg(feature = "pack")]
mod pack;
#[cfg(feature = "yaml")]
mod resolve;
#[cfg(feature = "yaml")]
pub mod yaml;

#[cfg(feature = "yaml")]
pub use fault::{ErrorKind, RegistryError, RegistryErrors};
#[cfg(feature = "pack")]
pub use pack::PackError;
#[cfg(feature = "yaml")]
pub use pack::{PackFolderError, pack};
#[cfg(feature = "yaml")]
pub use yaml::load;
