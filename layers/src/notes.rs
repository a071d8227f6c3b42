//! What a registry asks for that is not acted on yet, in sentences for start-up.
//!
//! The weaver asks once; whatever is silently left out of what is exported must be said here or by a layout.

use tracing_weaver_registry::model::{FoldSource, Normalize, ResolvedRegistry};

use crate::redact::is_built;

/// What a registry asks for that is not acted on yet.
pub(crate) fn notes(registry: &ResolvedRegistry) -> Vec<String> {
    let mut notes = Vec::new();
    for metric in &registry.metrics {
        for fold in &metric.folds {
            let name = &metric.name;
            match &fold.source {
                FoldSource::Span { span_type, .. } => {
                    notes.push(format!("metric `{name}`: values from spans (`{span_type}`) are not exported yet"));
                }
                FoldSource::Observe => notes.push(format!("metric `{name}`: observed values are not exported yet")),
                FoldSource::Event { .. } if !fold.when.is_empty() => {
                    notes.push(format!("metric `{name}`: a fold with a condition (`when`) is not exported yet"));
                }
                FoldSource::Event { .. } if fold.unit.is_some() => {
                    notes.push(format!("metric `{name}`: a fold with a unit of its own is not exported yet"));
                }
                FoldSource::Event { .. } => {}
            }
        }
    }
    for attribute in &registry.attributes {
        if let Some(normalize) = attribute.privacy.normalize.iter().find(|normalize| !is_built(normalize)) {
            notes.push(format!("attribute `{}` is not exported: its normalizer `{}` is not built yet", attribute.key, word(normalize)));
        }
    }
    notes
}

/// The annotation's word for a normalizer.
fn word(normalize: &Normalize) -> &'static str {
    match normalize {
        Normalize::UrlTemplate => "url_template",
        Normalize::SqlFingerprint => "sql_fingerprint",
        Normalize::IpPrefix => "ip_prefix",
        Normalize::ErrorType => "error_type",
        Normalize::Truncate(_) => "truncate",
        Normalize::Lowercase => "lowercase",
    }
}
