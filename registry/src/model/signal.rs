//! Entities and the three kinds of signal: events, metrics (in sets) and spans.

use super::{Aggregation, AnnotationValue, AttributeRef, Fold, NumberType};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "pack", derive(serde::Serialize, serde::Deserialize))]
        pub struct $name(pub u32);
    )*};
}

ids! {
    /// Index of an [`Entity`] in its registry.
    EntityId,
    /// Index of an [`Event`] in its registry.
    EventId,
    /// Index of a [`Metric`] in its registry.
    MetricId,
    /// Index of a [`MetricSet`] in its registry.
    MetricSetId,
    /// Index of a [`Span`] in its registry.
    SpanId,
}

/// How far an item may still change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[cfg_attr(feature = "pack", derive(serde::Serialize, serde::Deserialize))]
pub enum Stability {
    /// May change at any time. The default.
    #[default]
    Development,
    /// Alpha.
    Alpha,
    /// Beta.
    Beta,
    /// Release candidate.
    ReleaseCandidate,
    /// Changes only as the compatibility rules allow.
    Stable,
}

/// Why an item is deprecated.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "pack", derive(serde::Serialize, serde::Deserialize))]
pub enum DeprecationReason {
    /// Another name took its place.
    Renamed {
        /// That name.
        renamed_to: String,
    },
    /// Nothing took its place.
    Obsoleted,
    /// The note says what happened.
    Uncategorized,
    /// Not said.
    Unspecified,
}

/// Deprecation of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "pack", derive(serde::Serialize, serde::Deserialize))]
pub struct Deprecated {
    /// Why.
    pub reason: DeprecationReason,
    /// Text for people.
    pub note: String,
}

/// Where an item was written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[cfg_attr(feature = "pack", derive(serde::Serialize, serde::Deserialize))]
pub struct Origin {
    /// Schema URL of the dependency it came from; `None` for the registry itself.
    pub dependency: Option<String>,
    /// File, relative to its registry's folder.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
}

/// Severity that an event is expected to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "pack", derive(serde::Serialize, serde::Deserialize))]
pub enum Severity {
    /// `TRACE`.
    Trace,
    /// `DEBUG`.
    Debug,
    /// `INFO`.
    Info,
    /// `WARN`.
    Warn,
    /// `ERROR`.
    Error,
}

/// A type of stable observed thing.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "pack", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Entity {
    /// Name of the type, for example `otelcol.node`.
    pub entity_type: String,
    /// What it is.
    pub brief: String,
    /// Longer text.
    pub note: String,
    /// Stability.
    pub stability: Stability,
    /// Deprecation.
    pub deprecated: Option<Deprecated>,
    /// Attributes that tell one instance from another.
    pub identity: Vec<AttributeRef>,
    /// Attributes that describe an instance.
    pub description: Vec<AttributeRef>,
    /// Stands on the resource, and no span opens it: `resource: true`, or one of upstream's
    /// `service*`, `host*`, `os`, `process*`, `container*`, `k8s.*`, `telemetry.*` without that annotation.
    pub resource: bool,
    /// Annotations as written.
    pub annotations: Vec<(String, AnnotationValue)>,
    /// Where it is defined.
    pub origin: Origin,
}

/// Which entities a signal describes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "pack", derive(serde::Serialize, serde::Deserialize))]
pub enum Association {
    /// An entity of this type.
    Entity(EntityId),
    /// One of these. A bare list means this.
    OneOf(#[cfg_attr(feature = "pack", serde(deserialize_with = "super::depth::bounded"))] Vec<Association>),
    /// All of these.
    AllOf(#[cfg_attr(feature = "pack", serde(deserialize_with = "super::depth::bounded"))] Vec<Association>),
}

/// An event: a record with a name.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "pack", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Event {
    /// Name, for example `otelcol.pipeline.start`.
    pub name: String,
    /// What happened.
    pub brief: String,
    /// Longer text.
    pub note: String,
    /// Stability.
    pub stability: Stability,
    /// Deprecation.
    pub deprecated: Option<Deprecated>,
    /// Attributes on the record.
    pub attributes: Vec<AttributeRef>,
    /// Entities it describes; `None` where it does not say.
    pub association: Option<Association>,
    /// Expected severity.
    pub severity: Option<Severity>,
    /// Whether it becomes a record (`forward: false` for an event that is only folded).
    pub forward: bool,
    /// Annotations as written.
    pub annotations: Vec<(String, AnnotationValue)>,
    /// Where it is defined.
    pub origin: Origin,
}

/// Kind of a metric's instrument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "pack", derive(serde::Serialize, serde::Deserialize))]
pub enum Instrument {
    /// A sum that only grows.
    Counter,
    /// A sum that grows and shrinks.
    UpDownCounter,
    /// A last value.
    Gauge,
    /// A distribution.
    Histogram,
}

/// A metric.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "pack", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Metric {
    /// Name on the wire.
    pub name: String,
    /// What is measured.
    pub brief: String,
    /// Longer text.
    pub note: String,
    /// UCUM unit.
    pub unit: String,
    /// Kind of instrument.
    pub instrument: Instrument,
    /// Stability.
    pub stability: Stability,
    /// Deprecation.
    pub deprecated: Option<Deprecated>,
    /// Its dimensions.
    pub attributes: Vec<AttributeRef>,
    /// Entities it describes; `None` where it does not say.
    pub association: Option<Association>,
    /// The set it belongs to.
    pub set: MetricSetId,
    /// Where its values come from.
    pub folds: Vec<Fold>,
    /// How a histogram sums up; `None` for OpenTelemetry's default bounds.
    pub aggregation: Option<Aggregation>,
    /// Number type, worked out: `value:`, else `code_generation.metric_value_type`, else int for a
    /// count, else the type of the attribute that is folded.
    pub number_type: NumberType,
    /// Annotations as written.
    pub annotations: Vec<(String, AnnotationValue)>,
    /// Where it is defined.
    pub origin: Origin,
}

/// Metrics that share one entity, one tuple of dimensions and one timestamp.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "pack", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct MetricSet {
    /// Id of the set: the public attribute group's id, or the metric's name for a set of one.
    pub name: String,
    /// What is measured together.
    pub brief: String,
    /// The set's own entity: the innermost one in force of these types. Empty: the set describes only the resource.
    pub entities: Vec<EntityId>,
    /// Ancestor types that are kept beside the own entity; `None` keeps all.
    pub keep: Option<Vec<EntityId>>,
    /// Shared dimensions, sorted by key.
    pub dimensions: Vec<AttributeRef>,
    /// Its members, sorted by name.
    pub metrics: Vec<MetricId>,
}

/// Role of a span in a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "pack", derive(serde::Serialize, serde::Deserialize))]
pub enum SpanKind {
    /// Work inside the process.
    Internal,
    /// A request sent.
    Client,
    /// A request served.
    Server,
    /// A message sent.
    Producer,
    /// A message received.
    Consumer,
}

/// A span type.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "pack", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Span {
    /// Name of the type, for example `otelcol.batch.process`.
    pub span_type: String,
    /// Its kind.
    pub kind: SpanKind,
    /// How its name is made, in words.
    pub name_note: String,
    /// What it times.
    pub brief: String,
    /// Longer text.
    pub note: String,
    /// Stability.
    pub stability: Stability,
    /// Deprecation.
    pub deprecated: Option<Deprecated>,
    /// Its attributes.
    pub attributes: Vec<AttributeRef>,
    /// Entities it describes; `None` where it does not say.
    pub association: Option<Association>,
    /// Annotations as written.
    pub annotations: Vec<(String, AnnotationValue)>,
    /// Where it is defined.
    pub origin: Origin,
}
