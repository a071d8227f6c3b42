//! Variables that are set and mean nothing here: misspelt ones, and those of the specification that are not supported.
//! The reader of the environment calls it last.
//! It must be silent about variables of other languages, agents and signals.

use super::table::{UNSUPPORTED, holds, names};
use super::variables::Variables;
use crate::escape;

/// What begins like this belongs to the specification and applies to every language: one that we do not know is misspelt, or new.
const FAMILIES: [&str; 10] = [
    "OTEL_EXPORTER_OTLP_",
    "OTEL_BSP_",
    "OTEL_BLRP_",
    "OTEL_TRACES_",
    "OTEL_LOGS_",
    "OTEL_METRICS_",
    "OTEL_METRIC_",
    "OTEL_SPAN_",
    "OTEL_LOGRECORD_",
    "OTEL_ATTRIBUTE_",
];

/// A family of a signal that nobody here has.
const OTHERS: &str = "OTEL_EXPORTER_OTLP_PROFILES_";

/// As far apart as a slip of the hand.
const NEAR: usize = 2;

/// Names each that is set and changes nothing, once.
pub(super) fn report(variables: &mut Variables<'_>) {
    for name in variables.names().filter(|name| !holds(name)) {
        if let Some(unsupported) = UNSUPPORTED.iter().find(|unsupported| unsupported.name == name) {
            let value = variables.text_of_code(name).unwrap_or_default().to_ascii_lowercase();
            if !value.is_empty() && !unsupported.harmless.contains(&value.as_str()) {
                variables.reject(name, format!("not supported: {}", unsupported.instead));
            }
            continue;
        }
        let ours = name.starts_with("TRACING_WEAVER_");
        // A process has many variables, and comparing names takes time.
        if !ours && !name.starts_with("OTEL_") {
            continue;
        }
        let near = nearest(name);
        let in_family = FAMILIES.iter().any(|family| name.starts_with(family)) && !name.starts_with(OTHERS);
        if ours || in_family || near.is_some() {
            let help = near.map(|near| format!(" (did you mean `{near}`?)")).unwrap_or_default();
            variables.reject(&escape::short(name, 100), format!("no such variable is known{help}"));
        }
    }
}

/// The known name that a slip of the hand may have turned into `name`.
fn nearest(name: &str) -> Option<&'static str> {
    let near = names().map(|known| (strsim::damerau_levenshtein(known, name), known)).min_by_key(|(distance, _)| *distance);
    near.filter(|(distance, _)| *distance <= NEAR).map(|(_, known)| known)
}
