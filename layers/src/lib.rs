//! From a `tracing` callsite to a bounded queue.
//!
//! [`weave`] makes a [`WeaverLayer`] that plans each callsite by a semantic convention registry, visits the fields of an event once,
//! folds its measurements into metric sets, redacts and encodes its record as OTLP `LogRecord` bytes, and hands those over without
//! blocking. An export thread reads through [`RecordReader`] and [`Weaver`]. Nothing here is asynchronous or knows a network.

mod filter;
mod read;
mod weaver;

pub use filter::{BadDirective, ForwardFilter};
pub use read::{
    ContextId, DropReason, EntityContext, FieldDropReason, HistogramPoint, LayerStats, MetricsSnapshot, Point, PointValue, Record,
    RecordScope, SetSnapshot, Value,
};
pub use weaver::{PlanError, RecordReader, Settings, Weaver, WeaverLayer, suppress_this_thread, weave};
