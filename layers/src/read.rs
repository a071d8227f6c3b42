//! What readers see: records, scopes, metric snapshots and counts.
//!
//! The export thread, in-process readers and tests use these types; the hot path never does. They
//! must stay free of locks and of anything that a producer waits for.

use std::sync::Arc;

use tracing_weaver_registry::model::{EnumValue, MetricId, MetricSetId};

use crate::value::Value;

/// An interned entity context; 0 is the empty one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ContextId(pub u32);

/// The entities in force at a callsite, as they stand on a scope.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EntityContext {
    /// Its id.
    pub id: ContextId,
    /// Entity types in force, outermost first.
    pub types: Vec<Arc<str>>,
    /// Their identity and description attributes, outermost first, redacted, each key once.
    pub attributes: Vec<(Arc<str>, Value)>,
}

/// Which scope a record belongs to. Equal scopes compare equal, so that records can be grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordScope {
    /// Interned scope name (the target); read it by `Weaver::scope_name`.
    pub name: u32,
    /// Whether the registry knows the record, so that its scope carries the schema URL.
    pub known: bool,
    /// Entities in force; read them by `Weaver::context`.
    pub context: ContextId,
}

/// One record on its way out.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// Its scope.
    pub scope: RecordScope,
    /// An OTLP `LogRecord` message, without tag and length.
    pub bytes: &'a [u8],
}

/// All metric sets at one time.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MetricsSnapshot {
    /// When it was taken, in nanoseconds since the Unix epoch.
    pub time_unix_nano: u64,
    /// One entry per metric set and entity context that was written to, sorted by both.
    pub sets: Vec<SetSnapshot>,
}

/// One metric set of one entity context.
#[derive(Debug, Clone, PartialEq)]
pub struct SetSnapshot {
    /// The set.
    pub set: MetricSetId,
    /// The set's own entity and its ancestors; the empty context for the unattributed series.
    pub context: Arc<EntityContext>,
    /// When the series began, in nanoseconds since the Unix epoch; constant.
    pub start_unix_nano: u64,
    /// One point per combination of dimensions that was written to.
    pub points: Vec<Point>,
}

/// One multivariate point: a tuple of dimensions and the members' values.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Dimensions by attribute key, sorted by key; a dimension that was not recorded is absent.
    pub dimensions: Vec<(Arc<str>, EnumValue)>,
    /// Values of the members that were written, cumulative since the series began, sorted by metric.
    pub values: Vec<(MetricId, PointValue)>,
}

/// Value of one member at one point.
///
/// ```
/// use tracing_weaver_layers::PointValue;
///
/// fn total(value: &PointValue) -> f64 {
///     match value {
///         PointValue::Int(int) => *int as f64,
///         PointValue::Double(double) => *double,
///         PointValue::Histogram(histogram) => histogram.sum,
///     }
/// }
/// assert_eq!(total(&PointValue::Int(3)), 3.0);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub enum PointValue {
    /// Sum or last value of an integer instrument.
    Int(i64),
    /// Sum or last value of a float instrument.
    Double(f64),
    /// A distribution.
    Histogram(HistogramPoint),
}

/// A cumulative distribution.
///
/// ```
/// use tracing_weaver_layers::HistogramPoint;
///
/// fn mean(of: &HistogramPoint) -> Option<f64> {
///     let count: u64 = of.counts.iter().sum();
///     (count > 0).then(|| of.sum / count as f64)
/// }
/// let two = HistogramPoint { bounds: [1.0].into(), counts: vec![1, 1], sum: 4.0, min: 0.5, max: 3.5 };
/// assert_eq!(mean(&two), Some(2.0));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct HistogramPoint {
    /// Upper bounds of the buckets but the last; empty for a histogram without buckets.
    pub bounds: Arc<[f64]>,
    /// Count per bucket, one more than there are bounds.
    pub counts: Vec<u64>,
    /// Sum of all measurements.
    pub sum: f64,
    /// Smallest measurement.
    pub min: f64,
    /// Largest measurement.
    pub max: f64,
}

/// Why a record was given up before it reached the export thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum DropReason {
    /// The thread's queue was full.
    QueueFull,
    /// The process-wide byte bound left the thread no queue.
    ThreadLimit,
    /// Larger than any queue may hold.
    TooLarge,
    /// After shutdown.
    Shutdown,
}

/// Why a field was not exported as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum FieldDropReason {
    /// The registry's event, span or set does not declare it.
    Undeclared,
    /// Its sensitivity is secret.
    Secret,
    /// Its sensitivity is personal.
    Personal,
    /// It asks for a normalizer that is not built yet.
    Normalize,
    /// Its formatting panicked.
    Panic,
    /// It was cut at the bound.
    TooLong,
}

/// What the layer counted since start.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct LayerStats {
    /// Records that passed the filter.
    pub records_created: u64,
    /// Records that the export thread took.
    pub records_taken: u64,
    /// Records given up, by reason; only reasons that occurred.
    pub records_dropped: Vec<(DropReason, u64)>,
    /// Fields not exported as they were, by reason; only reasons that occurred.
    pub fields_dropped: Vec<(FieldDropReason, u64)>,
    /// Attributes past the bound on a record.
    pub attributes_over_limit: u64,
    /// Measurements that no metric took: wrong type, negative in a counter, not finite, past the range of a sum; and events that
    /// would have been folded after the layer was closed.
    pub measurements_refused: u64,
    /// Measurements whose set's own entity was not in force.
    pub measurements_unattributed: u64,
    /// Entity keys and resource keys on an event that differ from what is in force.
    pub identity_conflicts: u64,
    /// Entity spans that opened nothing: a part of the identity missing, or past the bound on contexts.
    pub entities_refused: u64,
    /// Values recorded on an entity span after it was opened, which are ignored.
    pub late_values: u64,
    /// Bytes of queues held now, and the bound on them.
    pub queue_bytes: (u64, u64),
}
