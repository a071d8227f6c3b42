//! What tracing-weaver says about itself, as a registry: the folder `self` beside this crate's sources, embedded as text.
//!
//! Tools and tests load it as they load any other registry. It must never declare anything of a program or of an engine.

/// The self registry: each file's name and text, as [`yaml::load_sources`](crate::yaml::load_sources) takes them.
///
/// It declares every metric in the scope `tracing_weaver`: `otel.sdk.*` as OpenTelemetry's conventions have them, and
/// `tracing_weaver.*`.
///
/// ```
/// use tracing_weaver_registry::{SELF_REGISTRY, yaml::load_sources};
///
/// let registry = load_sources(&SELF_REGISTRY)?;
/// assert_eq!(registry.metric(registry.metric_by_name("tracing_weaver.field.dropped").expect("declared")).unit, "{field}");
/// # Ok::<(), tracing_weaver_registry::RegistryErrors>(())
/// ```
pub const SELF_REGISTRY: [(&str, &str); 3] = [
    ("manifest.yaml", include_str!("../self/manifest.yaml")),
    ("attributes.yaml", include_str!("../self/attributes.yaml")),
    ("metrics.yaml", include_str!("../self/metrics.yaml")),
];
