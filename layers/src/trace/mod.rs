//! Trace spans: the layer of `tracing-opentelemetry`, held inside ours in a store of its own, and what stands before its exporter.
//!
//! The layer calls in for trace spans only, never for entity spans. Values are made plain before OpenTelemetry sees them, so that no
//! code of the program runs under its locks; what ends passes the gate, which redacts, before a sink gets it.

mod attached;
mod convert;
mod exception;
mod gate;
mod made;
mod marked;
mod origin;
mod plan;
mod settings;
mod store;
mod traces;

pub(crate) use attached::attach;
pub(crate) use exception::fail_current;
pub use marked::bytes_of_marked_text;
pub(crate) use plan::TracePlan;
pub use settings::{SpanSettings, SpanSink};
pub(crate) use traces::{Parent, Traces};
