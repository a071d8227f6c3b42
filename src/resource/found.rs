//! What a detector found: keys and values of resource attributes.
//! Each detector gives one, the resource takes it.
//! Plain data: nothing is looked for here.

use tracing_weaver_layers::Value;

/// What a detector found.
pub(super) type Found = Vec<(&'static str, Value)>;
