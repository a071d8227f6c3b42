//! From a `tracing` callsite to a bounded queue.
//!
//! [`weave`] makes a [`WeaverLayer`] that plans each callsite by a semantic convention registry, visits the fields of an event once,
//! folds its measurements into metric sets, redacts and encodes its record as OTLP `LogRecord` bytes, and hands those over without
//! blocking. An export thread reads through [`RecordReader`] and [`Weaver`]. Nothing here is asynchronous or knows a network.

#![cfg_attr(weaver_loom, allow(dead_code))]

mod fold;
mod forward;
mod read;
mod sync;

#[cfg(all(test, weaver_loom))]
mod model_check;

// Under the model checker only what it checks is built.
#[cfg(not(weaver_loom))]
mod callsite;
#[cfg(not(weaver_loom))]
mod clock;
#[cfg(not(weaver_loom))]
mod count;
#[cfg(not(weaver_loom))]
mod counted;
#[cfg(not(weaver_loom))]
mod default_name;
#[cfg(not(weaver_loom))]
mod entity;
#[cfg(not(weaver_loom))]
mod error_sources;
#[cfg(not(weaver_loom))]
mod filter;
#[cfg(not(weaver_loom))]
mod findings;
#[cfg(not(weaver_loom))]
mod hidden;
#[cfg(not(weaver_loom))]
mod hold;
#[cfg(not(weaver_loom))]
mod layer;
#[cfg(not(weaver_loom))]
mod live;
#[cfg(not(weaver_loom))]
mod notes;
#[cfg(all(feature = "spans", not(weaver_loom)))]
mod otel_context;
#[cfg(not(weaver_loom))]
mod own_filter;
#[cfg(not(weaver_loom))]
mod plans;
#[cfg(not(weaver_loom))]
mod reader;
#[cfg(not(weaver_loom))]
mod redact;
#[cfg(not(weaver_loom))]
mod redaction;
#[cfg(not(weaver_loom))]
mod rules;
#[cfg(not(weaver_loom))]
mod scopes;
#[cfg(not(weaver_loom))]
mod second;
#[cfg(not(weaver_loom))]
mod series;
#[cfg(not(weaver_loom))]
mod settings;
#[cfg(not(weaver_loom))]
mod shared;
#[cfg(not(weaver_loom))]
mod span_ways;
#[cfg(not(weaver_loom))]
mod thread;
#[cfg(not(weaver_loom))]
#[cfg_attr(not(feature = "spans"), path = "trace_off.rs")]
mod trace;
#[cfg(all(feature = "spans", not(weaver_loom)))]
pub mod trace_context;
#[cfg(all(feature = "spans", not(weaver_loom)))]
mod trace_headers;
#[cfg(not(weaver_loom))]
mod user_code;
mod value;
#[cfg(not(weaver_loom))]
mod visit;
#[cfg(not(weaver_loom))]
mod ways;
#[cfg(not(weaver_loom))]
mod weave;
#[cfg(not(weaver_loom))]
mod weaver;

#[cfg(not(weaver_loom))]
pub use filter::{BadDirective, ForwardFilter};
#[cfg(not(weaver_loom))]
pub use findings::{Finding, FindingLevel};
#[cfg(not(weaver_loom))]
pub use hidden::Hidden;
#[cfg(not(weaver_loom))]
pub use layer::WeaverLayer;
pub use read::{
    ContextId, DropReason, EntityContext, FieldDropReason, HistogramPoint, LayerStats, MetricsSnapshot, Point, PointValue, Record,
    RecordScope, SetSnapshot,
};
#[cfg(not(weaver_loom))]
pub use reader::RecordReader;
#[cfg(not(weaver_loom))]
pub use redaction::Redaction;
#[cfg(not(weaver_loom))]
pub use settings::{PlanError, Propagators, Settings};
#[cfg(not(weaver_loom))]
pub use thread::suppress_this_thread;
#[cfg(all(feature = "spans", not(weaver_loom)))]
pub use trace::{SpanSettings, SpanSink, bytes_of_marked_text};
pub use value::Value;
#[cfg(not(weaver_loom))]
pub use weave::weave;
#[cfg(not(weaver_loom))]
pub use weaver::Weaver;
