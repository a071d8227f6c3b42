//! The start of the export thread and the handle by which it is asked to flush and to end.
//! `Telemetry` holds the handle.
//! Every call comes back within its deadline, from any thread, inside any runtime, and after a fork or the death of the export thread.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message as _;
use tracing_weaver_layers::{LayerStats, RecordReader, Weaver, suppress_this_thread};

use super::attribute::key_values;
use super::batch::LogBatcher;
use super::control::Control;
use super::destination::{Destinations, Local, Remote};
use super::diagnostic::Diagnostics;
use super::ledger::{Books, Ledger, Reports, Signal};
use super::overflow::Overflow;
use super::own_metrics::fields_dropped;
use super::report::{FlushError, Report, Stats};
use super::settings::ExportSettings;
use super::source::{Readings, RecordSource, SpanCounts, SpanSource};
use super::thread::{ExportThread, unix_nano};

/// Longest deadline that is kept; a longer one is as good as for ever.
const FOR_EVER: Duration = Duration::from_secs(365 * 86_400);

/// Why the export thread could not be started.
#[derive(Debug, thiserror::Error)]
#[error("the export thread could not be started: {0}")]
pub(crate) struct StartError(#[from] std::io::Error);

/// Speaks to the export thread.
pub(crate) struct ExporterHandle {
    control: Arc<Control>,
    ledger: Arc<Ledger>,
    readings: Arc<dyn Readings>,
    spans: Option<Arc<dyn SpanSource>>,
    pid: u32,
}

/// Starts the export thread.
///
/// # Errors
/// If the system gives no thread or no event loop. A receiver that is not there is no error.
pub(crate) fn start(weaver: Arc<Weaver>, reader: RecordReader, settings: ExportSettings) -> Result<ExporterHandle, StartError> {
    start_with(Box::new(reader), weaver, settings)
}

pub(super) fn start_with(
    source: Box<dyn RecordSource>,
    readings: Arc<dyn Readings>,
    settings: ExportSettings,
) -> Result<ExporterHandle, StartError> {
    let control = Arc::new(Control::new());
    let ledger = Arc::new(Ledger::default());
    let diagnostics = Arc::new(Diagnostics::default());
    let remote = |endpoint, signal| Remote::new(endpoint, signal, &ledger, control.wake.clone(), diagnostics.clone());
    let remotes = [(settings.logs, Signal::Records), (settings.traces, Signal::Spans), (settings.metrics, Signal::Points)]
        .map(|(endpoint, signal)| endpoint.map(|endpoint| remote(endpoint, signal)));
    let locals = settings.locals.into_iter().map(|local| Local::new(local, &ledger, diagnostics.clone())).collect();
    let destinations = Destinations::new(remotes, locals, ledger.clone());
    let resource = Resource { attributes: key_values(&settings.resource), ..Default::default() };
    #[cfg(feature = "spans")]
    let spans = settings.spans.and_then(|queue| {
        let taken = destinations.take(Signal::Spans);
        super::spans::source(queue, taken, &resource, control.wake.clone())
    });
    #[cfg(not(feature = "spans"))]
    let spans: Option<Arc<dyn SpanSource>> = None;
    let mut thread = ExportThread {
        batcher: LogBatcher::new(&resource.encode_to_vec(), &readings.registry().schema_url, settings.log_batch),
        source,
        readings: readings.clone(),
        control: control.clone(),
        ledger: ledger.clone(),
        diagnostics,
        destinations,
        resource,
        log_delay: settings.log_delay,
        spans: spans.clone(),
        spans_taken: 0,
        spans_due: 0,
        span_delay: settings.span_delay.clamp(Duration::from_millis(1), FOR_EVER),
        next_spans: Instant::now() + settings.span_delay.min(FOR_EVER),
        metric_interval: settings.metric_interval.clamp(Duration::from_millis(1), FOR_EVER),
        next_collection: Instant::now() + settings.metric_interval.min(FOR_EVER),
        merge_interval: settings.merge_interval,
        next_merge: Instant::now() + settings.merge_interval,
        start_unix_nano: unix_nano(),
        watch: settings.watch,
        overflow: Overflow::new(),
        drained: (0, 0),
        errands: Vec::new(),
        end_by: None,
        end_collected: false,
    };
    let ended = Ended(control.clone(), ledger.clone());
    let (started, has_started) = sync_channel(1);
    std::thread::Builder::new().name("tracing-weaver-export".into()).spawn(move || {
        let _ended = ended;
        suppress_this_thread();
        // Made here: inside a runtime of the caller, a runtime that is given up again would panic.
        let runtime = match runtime() {
            Ok(runtime) => runtime,
            Err(error) => return drop(started.send(Err(error))),
        };
        let _ = started.send(Ok(()));
        runtime.block_on(thread.run());
        // A name that is still being looked up must not hold the end up.
        runtime.shutdown_background();
    })?;
    has_started.recv().unwrap_or_else(|_| Err(std::io::Error::other("the thread ended at once")))?;
    Ok(ExporterHandle { control, ledger, readings, spans, pid: std::process::id() })
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .thread_name("tracing-weaver-io")
        .on_thread_start(suppress_this_thread)
        .build()
}

/// Tells who waits that the thread has ended, also when it fell over.
struct Ended(Arc<Control>, Arc<Ledger>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.1.end();
        self.0.set_ended();
    }
}

impl ExporterHandle {
    /// Sends everything that is there and awaits the answers.
    pub(crate) fn force_flush(&self, timeout: Duration) -> Result<(), FlushError> {
        if self.is_forked() {
            return Err(FlushError::Ended);
        }
        let timeout = timeout.min(FOR_EVER);
        match self.control.ask_flush(timeout).recv_timeout(timeout) {
            Ok(result) => result,
            Err(RecvTimeoutError::Timeout) => Err(FlushError::Deadline(timeout)),
            Err(RecvTimeoutError::Disconnected) => Err(FlushError::Ended),
        }
    }

    /// Sends everything that is there, awaits the answers, and ends the export thread. May be called again and from several threads.
    pub(crate) fn shutdown(&self, timeout: Duration) -> Report {
        let began = Instant::now();
        let mut ended = false;
        if !self.is_forked() {
            let deadline = self.control.ask_end(timeout.min(FOR_EVER));
            ended = self.control.wait_end(deadline);
        }
        let deadline_met = ended && self.control.all_sent();
        let Stats {
            records,
            spans,
            points,
            fields_dropped,
            attributes_over_limit,
            entities_refused,
            measurements_refused,
            measurements_unattributed,
            ..
        } = self.stats();
        Report {
            records,
            spans,
            points,
            fields_dropped,
            attributes_over_limit,
            entities_refused,
            measurements_refused,
            measurements_unattributed,
            duration: began.elapsed(),
            deadline_met,
        }
    }

    /// Counts since start.
    pub(crate) fn stats(&self) -> Stats {
        let (books, stats, spans) = self.read();
        let Reports { records, spans, points } = books.reports(&stats, &spans);
        Stats {
            records,
            spans,
            points,
            fields_dropped: fields_dropped(&stats).collect(),
            attributes_over_limit: stats.attributes_over_limit,
            entities_refused: stats.entities_refused,
            measurements_refused: stats.measurements_refused,
            measurements_unattributed: stats.measurements_unattributed,
            export_faults: books.faults,
        }
    }

    /// A forked child has the handle but not the thread, and perhaps a lock that its parent's thread held.
    pub(crate) fn is_forked(&self) -> bool {
        std::process::id() != self.pid
    }

    fn read(&self) -> (Books, LayerStats, SpanCounts) {
        let forked = self.is_forked();
        let books = if forked { self.ledger.try_read().unwrap_or_default() } else { self.ledger.read() };
        let spans = self.spans.as_ref().and_then(|spans| if forked { spans.try_counts() } else { Some(spans.counts()) });
        (books, self.readings.stats(), spans.unwrap_or_default())
    }
}

/// Without a shutdown before, whatever was not sent is dropped: the thread must not outlive everybody who could ask it to end.
impl Drop for ExporterHandle {
    fn drop(&mut self) {
        if !self.is_forked() {
            self.control.ask_end(Duration::ZERO);
        }
    }
}

impl std::fmt::Debug for ExporterHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ExporterHandle").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_a_forked_child_nobody_waits_for_a_thread_that_is_not_there() {
        let settings = tracing_weaver_layers::Settings::new(Arc::default());
        let (_layer, weaver, reader) = tracing_weaver_layers::weave::<tracing_subscriber::Registry>(settings).unwrap();
        let mut exporter = start(weaver, reader, ExportSettings::new(Vec::new())).unwrap();
        exporter.pid += 1;
        // The thread of the parent holds the book at the moment of the fork.
        let ledger = exporter.ledger.clone();
        let _held = ledger.lock();
        let long = Duration::from_secs(600);
        assert_eq!(exporter.force_flush(long), Err(FlushError::Ended));
        assert!(!exporter.shutdown(long).deadline_met);
        assert_eq!(exporter.stats().export_faults, 0);
    }
}
