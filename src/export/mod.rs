//! The way from the queues of the layers to receivers: one thread, its own runtime, bounded queues, exact counts.
//! The facade's start-up calls [`start`](Exporter::start) and keeps the handle; nobody else calls in.
//! Nothing here ever blocks a producer, waits without a deadline, or uses a runtime of the caller.

mod report;
mod settings;
mod sink;

pub use report::{DestinationReport, DropReason, FlushError, Report, SignalReport, Stats};
pub(crate) use settings::{Compression, ExportSettings, OtlpEndpoint, Protocol, Secret};
pub(crate) use sink::{LocalDestination, LocalSink, SinkError};
