//! Events that were given no name.
//!
//! Plans of records and checks of callsites ask. It compares static texts only.

use tracing_core::Metadata;

/// `tracing`'s name for an event that was given none.
pub(crate) fn is_default_name(metadata: &Metadata<'_>) -> bool {
    let Some(place) = metadata.name().strip_prefix("event ") else { return false };
    match (metadata.file(), metadata.line()) {
        (Some(file), Some(line)) => place.strip_prefix(file).is_some_and(|rest| rest.strip_prefix(':') == Some(line.to_string().as_str())),
        _ => false,
    }
}
