//! Definitions as they stand in the files: typed, with places, references still by name.
//!
//! The readers fill them and the resolver takes them apart. Nothing here must know of another definition.

use super::fields::Placed;
use crate::fault::Mark;
use crate::model::{
    Aggregation, AnnotationValue, AttributeType, Deprecated, Instrument, Normalize, NumberType, Redact, RequirementLevel, Sensitivity,
    Severity, SpanKind, SpanValue, Stability,
};

pub(crate) type Annotations = Vec<(String, AnnotationValue)>;

/// What every definition and reference may say. A definition's brief and stability are always there.
#[derive(Debug, Clone, Default)]
pub(crate) struct Common {
    pub(crate) brief: Option<String>,
    pub(crate) note: Option<String>,
    pub(crate) stability: Option<Stability>,
    pub(crate) deprecated: Option<Deprecated>,
    pub(crate) annotations: Annotations,
    /// `dependency_resolution.exclude: true`.
    pub(crate) excluded: bool,
}

/// What stands under `tracing_weaver` on an attribute or a reference to one.
#[derive(Debug, Clone, Default)]
pub(crate) struct AttributeAnnotations {
    pub(crate) sensitivity: Option<Sensitivity>,
    pub(crate) redact: Option<Redact>,
    pub(crate) normalize: Vec<Normalize>,
    pub(crate) fields: Vec<String>,
    pub(crate) cardinality_max: Option<u64>,
}

#[derive(Debug, Clone)]
pub(crate) struct RawAttribute {
    pub(crate) key: Placed<String>,
    pub(crate) attribute_type: AttributeType,
    pub(crate) examples: Option<AnnotationValue>,
    pub(crate) common: Common,
    pub(crate) ours: AttributeAnnotations,
}

#[derive(Debug, Clone)]
pub(crate) struct RawRef {
    pub(crate) key: Placed<String>,
    pub(crate) requirement_level: Option<RequirementLevel>,
    pub(crate) examples: Option<AnnotationValue>,
    pub(crate) sampling_relevant: Option<bool>,
    pub(crate) common: Common,
    pub(crate) ours: AttributeAnnotations,
}

/// An item of a list of attributes.
#[derive(Debug, Clone)]
pub(crate) enum RawItem {
    Ref(Box<RawRef>),
    Group(Placed<String>),
}

/// `metric_set` on a public group.
#[derive(Debug, Clone, Default)]
pub(crate) struct SetAnnotation {
    pub(crate) entity: Option<Placed<String>>,
    pub(crate) keep: Option<Vec<Placed<String>>>,
}

#[derive(Debug, Clone)]
pub(crate) struct RawGroup {
    pub(crate) id: Placed<String>,
    pub(crate) public: bool,
    pub(crate) common: Common,
    pub(crate) attributes: Vec<RawItem>,
    pub(crate) set: SetAnnotation,
}

#[derive(Debug, Clone)]
pub(crate) struct RawEntity {
    pub(crate) entity_type: Placed<String>,
    pub(crate) common: Common,
    pub(crate) identity: Vec<RawRef>,
    pub(crate) description: Vec<RawRef>,
    pub(crate) resource: Option<bool>,
}

#[derive(Debug, Clone)]
pub(crate) enum RawAssociation {
    Entity(Placed<String>),
    OneOf(Vec<RawAssociation>),
    AllOf(Vec<RawAssociation>),
}

/// What events, metrics and spans have in common.
#[derive(Debug, Clone)]
pub(crate) struct RawSignal {
    pub(crate) name: Placed<String>,
    pub(crate) common: Common,
    pub(crate) attributes: Vec<RawItem>,
    pub(crate) association: Option<RawAssociation>,
}

#[derive(Debug, Clone)]
pub(crate) struct RawEvent {
    pub(crate) signal: RawSignal,
    pub(crate) severity: Option<Severity>,
    pub(crate) forward: Option<bool>,
}

#[derive(Debug, Clone)]
pub(crate) enum RawFoldValue {
    Constant(i64),
    Attribute(Placed<String>),
}

/// A value is `None` where it could not be read: the rest of the fold is still worth a look.
#[derive(Debug, Clone)]
pub(crate) enum RawFoldSource {
    Event { event: Placed<String>, value: Option<RawFoldValue> },
    Span { span: Placed<String>, value: Option<SpanValue> },
    Observe,
}

#[derive(Debug, Clone)]
pub(crate) struct RawFold {
    pub(crate) at: Mark,
    pub(crate) source: RawFoldSource,
    pub(crate) when: Vec<(Placed<String>, Vec<Placed<AnnotationValue>>)>,
    pub(crate) unit: Option<String>,
}

/// What stands under `tracing_weaver` on a metric, and upstream's number type.
#[derive(Debug, Clone, Default)]
pub(crate) struct MetricAnnotations {
    pub(crate) set: Option<Placed<String>>,
    pub(crate) folds: Vec<RawFold>,
    pub(crate) aggregation: Option<Placed<Aggregation>>,
    pub(crate) number_type: Option<Placed<NumberType>>,
    /// `code_generation.metric_value_type`.
    pub(crate) upstream_number_type: Option<Placed<NumberType>>,
}

#[derive(Debug, Clone)]
pub(crate) struct RawMetric {
    pub(crate) signal: RawSignal,
    pub(crate) unit: String,
    pub(crate) instrument: Instrument,
    pub(crate) ours: MetricAnnotations,
}

#[derive(Debug, Clone)]
pub(crate) struct RawSpan {
    pub(crate) signal: RawSignal,
    pub(crate) kind: SpanKind,
    pub(crate) name_note: String,
}

/// The kinds of item that can be refined and imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ItemKind {
    Event,
    Metric,
    Span,
    Entity,
    Group,
}

impl ItemKind {
    /// "event".
    pub(crate) fn word(self) -> &'static str {
        match self {
            ItemKind::Event => "event",
            ItemKind::Metric => "metric",
            ItemKind::Span => "span",
            ItemKind::Entity => "entity",
            ItemKind::Group => "attribute group",
        }
    }
}

/// What only a refinement of that kind says over its base.
#[derive(Debug, Clone)]
pub(crate) enum RawOver {
    Event { severity: Option<Severity>, forward: Option<bool> },
    Metric(MetricAnnotations),
    Span { name_note: Option<String> },
    Entity,
}

/// A refinement of a signal or entity.
#[derive(Debug, Clone)]
pub(crate) struct RawRefinement {
    pub(crate) kind: ItemKind,
    pub(crate) id: Placed<String>,
    pub(crate) base: Placed<String>,
    pub(crate) common: Common,
    pub(crate) over: RawOver,
    pub(crate) attributes: Vec<RawItem>,
    pub(crate) association: Option<RawAssociation>,
    pub(crate) identity: Vec<RawRef>,
    pub(crate) description: Vec<RawRef>,
}

/// A glob over the items of a kind in the direct dependencies.
#[derive(Debug, Clone)]
pub(crate) struct RawImport {
    pub(crate) kind: ItemKind,
    pub(crate) pattern: Placed<String>,
}

/// All definitions of one registry.
#[derive(Debug, Default)]
pub(crate) struct RawDefinitions {
    pub(crate) attributes: Vec<RawAttribute>,
    pub(crate) groups: Vec<RawGroup>,
    pub(crate) entities: Vec<RawEntity>,
    pub(crate) events: Vec<RawEvent>,
    pub(crate) metrics: Vec<RawMetric>,
    pub(crate) spans: Vec<RawSpan>,
    pub(crate) refinements: Vec<RawRefinement>,
    pub(crate) imports: Vec<RawImport>,
}
