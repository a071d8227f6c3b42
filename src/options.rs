//! What a program said about its telemetry in code.
//! The builder fills it in, start-up reads it.
//! Plain data: nothing is checked, read or started here.

use std::borrow::Cow;
use std::path::PathBuf;

use tracing_subscriber::{Layer, Registry};

use crate::config::FILTER_VARIABLE;
use crate::resource::ResourceValue;
use crate::sink::Memory;

/// A layer beside ours.
pub(crate) type Neighbour = Box<dyn Layer<Registry> + Send + Sync>;

/// Where the registry comes from.
pub(crate) enum RegistrySource {
    /// A folder of YAML.
    #[cfg(feature = "yaml")]
    Folder(PathBuf),
    /// A packed registry.
    Bytes(Cow<'static, [u8]>),
}

/// The builder's calls, summed up; each is documented there.
pub(crate) struct Options {
    pub(crate) registry: Option<RegistrySource>,
    pub(crate) two_registries: bool,
    pub(crate) neighbours: Vec<Neighbour>,
    /// Names of their types.
    pub(crate) neighbour_types: Vec<&'static str>,
    pub(crate) filter: Option<String>,
    pub(crate) filter_variable: String,
    pub(crate) resource: Vec<(String, ResourceValue)>,
    pub(crate) detectors: Vec<String>,
    pub(crate) console: Option<bool>,
    pub(crate) file: Option<PathBuf>,
    pub(crate) memory: Option<Memory>,
    pub(crate) findings: Option<bool>,
    pub(crate) fold: bool,
    pub(crate) forward: bool,
    pub(crate) code_location: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            registry: None,
            two_registries: false,
            neighbours: Vec::new(),
            neighbour_types: Vec::new(),
            filter: None,
            filter_variable: FILTER_VARIABLE.to_owned(),
            resource: Vec::new(),
            detectors: Vec::new(),
            console: None,
            file: None,
            memory: None,
            findings: None,
            fold: true,
            forward: true,
            code_location: false,
        }
    }
}
