//! The way from the queues of the layers to receivers: one thread, its own runtime, bounded queues, exact counts.
//! The facade's start-up calls [`start`] and keeps the handle; nobody else calls in.
//! Nothing here ever blocks a producer, waits without a deadline, or uses a runtime of the caller.

mod attribute;
mod batch;
mod control;
mod destination;
mod diagnostic;
mod errand;
mod handle;
mod json;
mod ledger;
mod metrics;
mod overflow;
mod own_metrics;
mod queue;
mod report;
// Without a transport there is nobody who answers, and nothing to send with a request.
#[cfg_attr(not(any(feature = "http", feature = "grpc")), allow(dead_code))]
mod retry;
#[cfg_attr(not(any(feature = "http", feature = "grpc")), allow(dead_code))]
mod settings;
mod sink;
mod source;
#[cfg(feature = "spans")]
mod spans;
mod thread;
mod transport;
mod watch;

#[cfg(all(test, feature = "http", feature = "grpc"))]
mod tests;

pub(crate) use handle::{ExporterHandle, start};
pub(crate) use json::{logs as logs_json, metrics as metrics_json, traces as traces_json};
pub use report::{DestinationReport, DropReason, FlushError, Report, SignalReport, Stats};
#[cfg(any(feature = "http", feature = "grpc"))]
pub(crate) use settings::Pem;
pub(crate) use settings::{Compression, ExportSettings, OtlpEndpoint, Protocol, Secret, Tls};
pub(crate) use sink::{LocalDestination, LocalSink, SinkError};
#[cfg(any(feature = "http", feature = "grpc"))]
pub(crate) use transport::{provider::settle as settle_tls, tls};
pub(crate) use watch::Watch;
