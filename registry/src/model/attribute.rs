//! Attributes: their definitions, and what a signal says of them when it refers to one.

use super::{AnnotationValue, Deprecated, Origin, Privacy, Stability};

/// Index of an [`Attribute`] in its registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "pack", derive(serde::Serialize, serde::Deserialize))]
pub struct AttributeId(pub u32);

/// Type of an attribute's value.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "pack", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum AttributeType {
    /// Text.
    String,
    /// 64-bit signed integer.
    Int,
    /// 64-bit float.
    Double,
    /// Boolean.
    Boolean,
    /// List of texts.
    StringArray,
    /// List of integers.
    IntArray,
    /// List of floats.
    DoubleArray,
    /// List of booleans.
    BooleanArray,
    /// Any value.
    Any,
    /// Any key that begins with the attribute's key and a dot, with a value of this type.
    Template(#[cfg_attr(feature = "pack", serde(deserialize_with = "super::depth::bounded"))] Box<AttributeType>),
    /// One of documented values.
    Enum(EnumType),
}

/// A documented set of values.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "pack", derive(serde::Serialize, serde::Deserialize))]
pub struct EnumType {
    /// The members, in the order in which they were written.
    pub members: Vec<EnumMember>,
}

/// One value of an enum.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "pack", derive(serde::Serialize, serde::Deserialize))]
pub struct EnumMember {
    /// Id, unique in its enum.
    pub id: String,
    /// The value on the wire.
    pub value: EnumValue,
    /// What it means.
    pub brief: String,
    /// Longer text.
    pub note: String,
    /// Stability; `None` where the member does not say.
    pub stability: Option<Stability>,
    /// Deprecation.
    pub deprecated: Option<Deprecated>,
    /// Annotations as written.
    pub annotations: Vec<(String, AnnotationValue)>,
}

/// Value of an enum member.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "pack", derive(serde::Serialize, serde::Deserialize))]
pub enum EnumValue {
    /// Text.
    String(String),
    /// Integer.
    Int(i64),
    /// Float.
    Double(f64),
    /// Boolean.
    Bool(bool),
}

/// Definition of an attribute.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "pack", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Attribute {
    /// Key on the wire, for example `otelcol.node.id`.
    pub key: String,
    /// Type of the value.
    pub attribute_type: AttributeType,
    /// What it means, in a sentence.
    pub brief: String,
    /// Longer text.
    pub note: String,
    /// Stability.
    pub stability: Stability,
    /// Deprecation.
    pub deprecated: Option<Deprecated>,
    /// Examples, as written (a list where several).
    pub examples: Option<AnnotationValue>,
    /// What redaction it asks for.
    pub privacy: Privacy,
    /// Other `tracing` field names that stand for this attribute in events and sets that declare it.
    pub fields: Vec<String>,
    /// Bound on distinct values (`cardinality: {max}`).
    pub cardinality_max: Option<u64>,
    /// All annotations as written, `tracing_weaver` among them.
    pub annotations: Vec<(String, AnnotationValue)>,
    /// Where it is defined.
    pub origin: Origin,
}

/// How strongly a signal asks for an attribute.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[cfg_attr(feature = "pack", derive(serde::Serialize, serde::Deserialize))]
pub enum RequirementLevel {
    /// Always there.
    Required,
    /// There under the condition that the text gives.
    ConditionallyRequired(String),
    /// There unless something speaks against it; the text may say what. The default.
    #[default]
    Recommended,
    /// As [`Recommended`](Self::Recommended), with a text.
    RecommendedWhen(String),
    /// There on request.
    OptIn,
    /// As [`OptIn`](Self::OptIn), with a text.
    OptInWhen(String),
}

/// An attribute as a signal, an entity or a group refers to it, with what the reference changes.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "pack", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct AttributeRef {
    /// The definition.
    pub attribute: AttributeId,
    /// How strongly it is asked for here.
    pub requirement_level: RequirementLevel,
    /// Brief here (the definition's unless the reference gives one).
    pub brief: String,
    /// Note here.
    pub note: String,
    /// Stability here.
    pub stability: Stability,
    /// Deprecation here.
    pub deprecated: Option<Deprecated>,
    /// Examples here.
    pub examples: Option<AnnotationValue>,
    /// Redaction here: the strictest of the definition's and the reference's.
    pub privacy: Privacy,
    /// Field names accepted here: the definition's and the reference's.
    pub fields: Vec<String>,
    /// Bound on distinct values here: the lower of the definition's and the reference's.
    pub cardinality_max: Option<u64>,
    /// Annotations here, the definition's merged with the reference's.
    pub annotations: Vec<(String, AnnotationValue)>,
    /// Of a span's attribute: of weight for sampling.
    pub sampling_relevant: bool,
}
