//! Batches kept in memory, for tests of programs and of this crate.
//! A test makes one, gives it to the builder and reads it after a flush.
//! It is bounded: past its bound it refuses, which is counted, and never grows.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;

use crate::export::{LocalSink, SinkError, logs_json, metrics_json, traces_json};

/// Most bytes of text that are kept.
const MAX_BYTES: usize = 64 << 20;

/// What a test exports to: batches as OTLP/JSON, in memory.
///
/// Give a clone to [`Builder::memory`](crate::Builder::memory), [flush](crate::Telemetry::force_flush), then read. It keeps up to 64 MiB; what
/// comes after that is dropped as `sink_failed` until [`clear`](Self::clear).
///
/// ```
/// use std::time::Duration;
/// use tracing::{Level, event};
/// use tracing_subscriber::prelude::*;
///
/// let memory = tracing_weaver::Memory::new();
/// let (telemetry, layer) = tracing_weaver::builder().console(false).memory(&memory).build()?;
/// tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
///     event!(name: "acme.order.accept", Level::INFO, acme.order.items = 3);
/// });
/// telemetry.force_flush(Duration::from_secs(5))?;
/// assert!(memory.logs()[0].contains(r#""eventName":"acme.order.accept""#));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct Memory(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    logs: Vec<String>,
    traces: Vec<String>,
    metrics: Vec<String>,
    bytes: usize,
}

impl Memory {
    /// An empty one.
    ///
    /// ```
    /// assert!(tracing_weaver::Memory::new().logs().is_empty());
    /// ```
    pub fn new() -> Self {
        Memory::default()
    }

    /// The batches of records, each an `ExportLogsServiceRequest`.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use tracing_subscriber::prelude::*;
    /// # let memory = tracing_weaver::Memory::new();
    /// # let (telemetry, layer) = tracing_weaver::builder().console(false).memory(&memory).build()?;
    /// # let subscriber = tracing_subscriber::registry().with(layer);
    /// tracing::subscriber::with_default(subscriber, || tracing::info!("an order came in"));
    /// telemetry.force_flush(Duration::from_secs(5))?;
    /// assert!(memory.logs().concat().contains("an order came in"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn logs(&self) -> Vec<String> {
        self.lock().logs.clone()
    }

    /// The batches of trace spans, each an `ExportTraceServiceRequest`.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use tracing_subscriber::prelude::*;
    /// # let memory = tracing_weaver::Memory::new();
    /// # let (telemetry, layer) = tracing_weaver::builder().console(false).memory(&memory).build()?;
    /// # let subscriber = tracing_subscriber::registry().with(layer);
    /// tracing::subscriber::with_default(subscriber, || drop(tracing::info_span!("request")));
    /// telemetry.force_flush(Duration::from_secs(5))?;
    /// # #[cfg(feature = "spans")]
    /// assert!(memory.traces().concat().contains(r#""name":"request""#));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn traces(&self) -> Vec<String> {
        self.lock().traces.clone()
    }

    /// The batches of metrics, each an `ExportMetricsServiceRequest`.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # let memory = tracing_weaver::Memory::new();
    /// # let (telemetry, _layer) = tracing_weaver::builder().console(false).memory(&memory).build::<tracing_subscriber::Registry>()?;
    /// telemetry.force_flush(Duration::from_secs(5))?;
    /// assert!(memory.metrics().concat().contains("otel.sdk.log.created"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn metrics(&self) -> Vec<String> {
        self.lock().metrics.clone()
    }

    /// Forgets everything, in all clones.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # let memory = tracing_weaver::Memory::new();
    /// # let (telemetry, _layer) = tracing_weaver::builder().console(false).memory(&memory).build::<tracing_subscriber::Registry>()?;
    /// telemetry.force_flush(Duration::from_secs(5))?;
    /// memory.clear();
    /// assert!(memory.metrics().is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn clear(&self) {
        *self.lock() = Kept::default();
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, json: Result<String, String>, list: impl FnOnce(&mut Kept) -> &mut Vec<String>) -> Result<(), SinkError> {
        let json = json.map_err(SinkError)?;
        let mut kept = self.lock();
        if kept.bytes + json.len() > MAX_BYTES {
            return Err(SinkError(format!("{MAX_BYTES} bytes are kept already")));
        }
        kept.bytes += json.len();
        list(&mut kept).push(json);
        Ok(())
    }
}

impl LocalSink for Memory {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn logs(&mut self, request: &ExportLogsServiceRequest) -> Result<(), SinkError> {
        self.keep(logs_json(request), |kept| &mut kept.logs)
    }

    fn traces(&mut self, request: &ExportTraceServiceRequest) -> Result<(), SinkError> {
        self.keep(traces_json(request), |kept| &mut kept.traces)
    }

    fn metrics(&mut self, request: &ExportMetricsServiceRequest) -> Result<(), SinkError> {
        self.keep(metrics_json(request), |kept| &mut kept.metrics)
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = self.lock();
        let lengths = [&kept.logs, &kept.traces, &kept.metrics].map(Vec::len);
        f.debug_struct("Memory").field("logs", &lengths[0]).field("traces", &lengths[1]).field("metrics", &lengths[2]).finish()
    }
}
