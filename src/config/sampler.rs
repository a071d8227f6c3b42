//! Which traces are recorded: `OTEL_TRACES_SAMPLER` and its argument.
//! The reader of the environment calls it; start-up makes the SDK's sampler of it.
//! A sampler that is not known is the default, never none.

use std::fmt;

use super::variables::Variables;

/// A sampler of the specification.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sampler {
    /// Whether the parent's word holds where there is a parent.
    pub(crate) parent_based: bool,
    /// What decides otherwise.
    pub(crate) root: RootSampler,
}

/// What decides about a trace that begins here.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum RootSampler {
    /// Every trace is recorded.
    On,
    /// None is.
    Off,
    /// This part of all traces, chosen by their ids.
    Ratio(f64),
}

impl Default for Sampler {
    fn default() -> Self {
        Sampler { parent_based: true, root: RootSampler::On }
    }
}

impl Sampler {
    /// The SDK's.
    #[cfg(feature = "spans")]
    pub(crate) fn to_sdk(self) -> opentelemetry_sdk::trace::Sampler {
        use opentelemetry_sdk::trace::Sampler as Sdk;
        let root = match self.root {
            RootSampler::On => Sdk::AlwaysOn,
            RootSampler::Off => Sdk::AlwaysOff,
            RootSampler::Ratio(ratio) => Sdk::TraceIdRatioBased(ratio),
        };
        if self.parent_based { Sdk::ParentBased(Box::new(root)) } else { root }
    }
}

impl fmt::Display for Sampler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.parent_based {
            f.write_str("parentbased_")?;
        }
        match self.root {
            RootSampler::On => f.write_str("always_on"),
            RootSampler::Off => f.write_str("always_off"),
            RootSampler::Ratio(ratio) => write!(f, "traceidratio {ratio}"),
        }
    }
}

const SAMPLER: &str = "OTEL_TRACES_SAMPLER";
const ARGUMENT: &str = "OTEL_TRACES_SAMPLER_ARG";

/// What the environment says.
pub(super) fn read(variables: &mut Variables<'_>) -> Sampler {
    let expected = "one of `always_on`, `always_off`, `traceidratio`, and these with `parentbased_` before them (`jaeger_remote` and `xray` are not supported)";
    let sampler = variables.parsed(SAMPLER, expected, named).unwrap_or_default();
    if let RootSampler::Ratio(_) = sampler.root {
        let ratio = variables.parsed(ARGUMENT, "a ratio from 0 to 1, like `0.25`", ratio).unwrap_or(1.0);
        return Sampler { root: RootSampler::Ratio(ratio), ..sampler };
    }
    if variables.text(ARGUMENT).is_some() {
        variables.reject(ARGUMENT, format!("the sampler `{sampler}` takes none ({SAMPLER} names `traceidratio`, for one that does)"));
    }
    sampler
}

fn named(name: &str) -> Option<Sampler> {
    let name = name.to_ascii_lowercase();
    let (parent_based, root) = name.strip_prefix("parentbased_").map_or((false, name.as_str()), |root| (true, root));
    let root = match root {
        "always_on" => RootSampler::On,
        "always_off" => RootSampler::Off,
        "traceidratio" => RootSampler::Ratio(1.0),
        _ => return None,
    };
    Some(Sampler { parent_based, root })
}

fn ratio(text: &str) -> Option<f64> {
    text.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio))
}
