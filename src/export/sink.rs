//! Destinations inside the process: what console, file and memory implement.
//! The export thread calls them, one batch at a time, with the same requests that go over OTLP.
//! A sink must never emit `tracing` events of its own, and should not block for long: the thread has one life.

use std::fmt;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;

/// Takes batches inside the process.
pub(crate) trait LocalSink: Send {
    /// Name of the sink in reports and in `otel.component.type`: `console`, `file`, `memory`.
    fn name(&self) -> &'static str;

    /// Takes records. An error drops the whole request, counted.
    fn logs(&mut self, request: &ExportLogsServiceRequest) -> Result<(), SinkError>;

    /// Takes spans. An error drops the whole request, counted.
    fn traces(&mut self, request: &ExportTraceServiceRequest) -> Result<(), SinkError>;

    /// Takes metrics. An error drops the whole request, counted.
    fn metrics(&mut self, request: &ExportMetricsServiceRequest) -> Result<(), SinkError>;

    /// Makes what was taken visible to others. Called at every flush and at shutdown.
    fn flush(&mut self) -> Result<(), SinkError>;
}

/// Why a sink did not take something.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct SinkError(pub(crate) String);

impl From<std::io::Error> for SinkError {
    fn from(error: std::io::Error) -> Self {
        SinkError(error.to_string())
    }
}

/// A sink and the signals that it gets.
pub(crate) struct LocalDestination {
    /// The sink.
    pub(crate) sink: Box<dyn LocalSink>,
    /// Whether it gets records.
    pub(crate) logs: bool,
    /// Whether it gets spans.
    pub(crate) traces: bool,
    /// Whether it gets metrics.
    pub(crate) metrics: bool,
}

impl fmt::Debug for LocalDestination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalDestination")
            .field("sink", &self.sink.name())
            .field("logs", &self.logs)
            .field("traces", &self.traces)
            .field("metrics", &self.metrics)
            .finish()
    }
}
