//! What stands under the annotation key `tracing_weaver`, typed, and every other annotation as it was written.

use super::{AttributeId, EventId};

/// How far a value may travel.
///
/// Ordered from the least to the most strict, so that the strictest of two is their maximum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[cfg_attr(feature = "pack", derive(serde::Serialize, serde::Deserialize))]
pub enum Sensitivity {
    /// A closed set or a number, exported without a look at its content.
    Public,
    /// Exported. The default.
    #[default]
    Internal,
    /// Of a person: replaced before it leaves the callsite.
    Personal,
    /// Never leaves the callsite, key and value.
    Secret,
}

/// What is done to a value in place of exporting it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "pack", derive(serde::Serialize, serde::Deserialize))]
pub enum Redact {
    /// A keyed hash stands in its place.
    Hash,
    /// A fixed mark stands in its place.
    Mask,
    /// Nothing stands in its place.
    Drop,
}

/// A normalizer of a value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "pack", derive(serde::Serialize, serde::Deserialize))]
pub enum Normalize {
    /// A URL becomes its route template.
    UrlTemplate,
    /// A SQL statement becomes its shape.
    SqlFingerprint,
    /// An IP address becomes its network prefix.
    IpPrefix,
    /// An error message becomes its class.
    ErrorType,
    /// At most so many characters.
    Truncate(u32),
    /// Lower case.
    Lowercase,
}

/// What redaction an attribute asks for, on its definition or tightened on a reference.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[cfg_attr(feature = "pack", derive(serde::Serialize, serde::Deserialize))]
pub struct Privacy {
    /// How far the value may travel.
    pub sensitivity: Sensitivity,
    /// What stands in its place, where the annotation says.
    pub redact: Option<Redact>,
    /// Normalizers in the order in which they are applied.
    pub normalize: Vec<Normalize>,
}

/// Number type of a metric's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "pack", derive(serde::Serialize, serde::Deserialize))]
pub enum NumberType {
    /// 64-bit signed integer.
    Int,
    /// 64-bit float.
    Double,
}

/// How a histogram's measurements are summed up.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "pack", derive(serde::Serialize, serde::Deserialize))]
pub enum Aggregation {
    /// Minimum, maximum, sum and count.
    Mmsc,
    /// A base-2 exponential histogram of at most so many buckets a side (160 where the annotation does not say).
    Exponential {
        /// Bound on the number of buckets a side.
        max_size: u32,
    },
    /// Explicit bucket bounds, strictly ascending.
    Explicit(Vec<f64>),
}

/// What a measurement adds.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "pack", derive(serde::Serialize, serde::Deserialize))]
pub enum FoldValue {
    /// A constant, 1 where the annotation gives no value.
    Constant(i64),
    /// The value of this attribute of the event.
    Attribute(AttributeId),
}

/// Which time of a span is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "pack", derive(serde::Serialize, serde::Deserialize))]
pub enum SpanValue {
    /// From its opening to its end.
    Duration,
    /// While it was entered.
    Busy,
    /// While it was not entered.
    Idle,
}

/// Where a metric's value comes from.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "pack", derive(serde::Serialize, serde::Deserialize))]
pub enum FoldSource {
    /// An event of this registry.
    Event {
        /// The event.
        event: EventId,
        /// What each event adds.
        value: FoldValue,
    },
    /// A span of this type.
    Span {
        /// The span type's name.
        span_type: String,
        /// Which of its times.
        value: SpanValue,
    },
    /// A callback at collection.
    Observe,
}

/// One source of a metric's value, with its condition and unit.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "pack", derive(serde::Serialize, serde::Deserialize))]
pub struct Fold {
    /// Where the value comes from.
    pub source: FoldSource,
    /// Only where each of these attributes has one of these values.
    pub when: Vec<(AttributeId, Vec<AnnotationValue>)>,
    /// UCUM unit of the field, where it differs from the metric's.
    pub unit: Option<String>,
}

/// A YAML value as it was written, for annotations that nothing here gives a meaning to.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "pack", derive(serde::Serialize, serde::Deserialize))]
pub enum AnnotationValue {
    /// `null`.
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A float.
    Double(f64),
    /// A string.
    String(String),
    /// A list.
    List(#[cfg_attr(feature = "pack", serde(deserialize_with = "super::depth::bounded"))] Vec<AnnotationValue>),
    /// A map, in the order in which it was written.
    Map(#[cfg_attr(feature = "pack", serde(deserialize_with = "super::depth::bounded"))] Vec<(String, AnnotationValue)>),
}
