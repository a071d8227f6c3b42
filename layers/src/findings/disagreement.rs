//! What code and registry can disagree about, without words: which kind, and where in the callsite.
//!
//! Checks and cold paths of the layer note it; [`super::text`] puts it into words later. It is small, and holds no value.

use tracing_weaver_registry::model::{AttributeId, MetricId, MetricSetId};

/// One disagreement at a callsite. `field` is an index into the callsite's fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Disagreement {
    /// Under the registry's prefix, or near one of its names.
    UnknownEvent,
    /// Likewise: neither entity nor span type.
    UnknownSpan,
    /// An event without name carries what the registry's events declare.
    UnnamedEvent { field: usize },
    /// Not declared where it stands.
    Undeclared { field: usize },
    /// The key of an entity that was not in force, and not declared either.
    EntityKeyUndeclared { field: usize },
    /// Another field of the callsite stands for the same attribute.
    Duplicate { field: usize },
    /// Required, and the callsite has no field for it.
    RequiredMissing { attribute: AttributeId },
    /// A dimension that a metric requires of the event that feeds it, and the event itself does not.
    DimensionMissing { attribute: AttributeId, metric: MetricId },
    /// Of an entity span, likewise.
    IdentityNotInCode { attribute: AttributeId },
    /// An entity span has the field, but was opened before it had a value.
    IdentityNotGiven { attribute: AttributeId },
    /// Another level than the registry expects.
    Severity,
    /// The event, span type or entity is deprecated.
    Deprecated,
    /// The attribute is.
    DeprecatedAttribute { field: usize },
    /// A value of a type that the attribute does not have.
    Type { field: usize, found: ValueKind },
    /// A value that is none of the closed set's.
    EnumVariant { attribute: AttributeId },
    /// Another value than the entity in force has.
    IdentityConflict { field: usize },
    /// Another value than the resource has.
    ResourceConflict { field: usize },
    /// Folded without the set's own entity in force.
    Unattributed { set: MetricSetId },
    /// Happened without any of its entities in force.
    Unassociated,
    /// Recorded on an entity span after it was opened.
    LateValue { field: usize },
    /// Its metric does not take it.
    Refused { field: Option<usize>, why: Refused },
    /// An entity opened directly under a trace span.
    EntityInTraceSpan,
    /// A trace context extracted into an entity span.
    #[cfg_attr(not(feature = "spans"), allow(dead_code))]
    ExtractOnEntity,
    /// Past the bound on contexts.
    EntityLimit,
}

/// What kind of value a field was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum ValueKind {
    Int,
    Double,
    Bool,
    Text,
    Bytes,
    /// Text by `Debug` or `Display`.
    Formatted,
}

/// Why a measurement was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Refused {
    /// No number at all.
    Type,
    Negative,
    /// A fraction, or no number at all, where the metric counts in whole numbers.
    NotWhole,
    NotFinite,
    /// The value, or the sum with it.
    TooLarge,
}
