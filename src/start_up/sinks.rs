//! Sinks: where each signal goes, by code and environment, how it gets there, and how that is described.
//! `prepare` calls it once it knows the resource.
//! Nothing is opened, sent or started here.

use std::path::PathBuf;
#[cfg(feature = "console")]
use std::sync::Arc;
#[cfg(feature = "console")]
use std::time::Duration;

use tracing_weaver_layers::Settings;

use crate::config::{Environment, SignalSinks};
use crate::describe::{SignalDescription, SinkDescription};
use crate::escape;
use crate::export::{ExportSettings, LocalDestination, LocalSink};
use crate::options::Options;
use crate::sink::JsonLines;
#[cfg(feature = "console")]
use crate::sink::{Console, ConsoleTally};

/// Longest time a record waits where a person watches.
#[cfg(feature = "console")]
const CONSOLE_DELAY: Duration = Duration::from_millis(100);

/// What is known about where the signals go.
pub(super) struct Sinks {
    pub(super) records: SignalDescription,
    pub(super) metrics: SignalDescription,
    pub(super) spans: SignalDescription,
    /// What the console counts, where it is a sink.
    #[cfg(feature = "console")]
    pub(super) tally: Option<Arc<ConsoleTally>>,
}

/// A value for each signal.
struct BySignal<T> {
    records: T,
    metrics: T,
    spans: T,
}

/// Makes all sinks known to the exporter: the file and memory for every signal, the console and receivers for those that they are for.
pub(super) fn connect(
    export: &mut ExportSettings,
    environment: &mut Environment,
    options: &Options,
    file: Option<(PathBuf, JsonLines)>,
) -> Sinks {
    let mut everywhere = Vec::new();
    let mut add = |sink: Box<dyn LocalSink>, name: String| {
        everywhere.push(SinkDescription::local(name));
        export.locals.push(LocalDestination { sink, logs: true, traces: true, metrics: true });
    };
    if let Some((path, lines)) = file {
        add(Box::new(lines), format!("file {}", escape::text(&path.to_string_lossy())));
    }
    if let Some(memory) = &options.memory {
        add(Box::new(memory.clone()), "memory".to_owned());
    }
    let wanted = |sinks: &SignalSinks| cfg!(feature = "console") && options.console.unwrap_or(sinks.console);
    let (logs, metrics, traces) = (&environment.logs, &environment.metrics, &environment.traces);
    let console = BySignal { records: wanted(logs), metrics: wanted(metrics), spans: wanted(traces) };
    #[cfg(feature = "console")]
    let tally = (console.records || console.metrics || console.spans).then(|| watch(export, environment, &console));

    let describe = |off: Option<&'static str>, sinks: &SignalSinks, console: bool| {
        let otlp = sinks.otlp.iter().map(SinkDescription::otlp);
        let sinks = otlp.chain(console.then(|| SinkDescription::local("console"))).chain(everywhere.iter().cloned()).collect();
        SignalDescription { off, every: None, summed_up: true, sinks }
    };
    let off_in_code = |is_on: bool| (!is_on).then_some("switched off");
    let no_spans = (!cfg!(feature = "spans")).then_some("not in this build");
    let every = Some(export.metric_interval);
    let sinks = Sinks {
        records: SignalDescription { summed_up: false, ..describe(off_in_code(options.forward), logs, console.records) },
        metrics: SignalDescription { every, ..describe(off_in_code(options.fold), metrics, console.metrics) },
        spans: describe(no_spans.or(off_in_code(options.forward)), traces, console.spans),
        #[cfg(feature = "console")]
        tally,
    };
    export.logs = environment.logs.otlp.take();
    export.metrics = environment.metrics.otlp.take();
    export.traces = environment.traces.otlp.take();
    sinks
}

/// Adds the console to the sinks, and gives what it counts.
#[cfg(feature = "console")]
fn watch(export: &mut ExportSettings, environment: &Environment, signals: &BySignal<bool>) -> Arc<ConsoleTally> {
    let tally = Arc::new(ConsoleTally::default());
    let colour = environment.colour && std::io::IsTerminal::is_terminal(&std::io::stderr());
    let sink = Box::new(Console::new(Box::new(std::io::stderr()), colour, tally.clone()));
    export.locals.push(LocalDestination { sink, logs: signals.records, traces: signals.spans, metrics: signals.metrics });
    export.log_delay = environment.log_batches.delay.unwrap_or(CONSOLE_DELAY);
    tally
}

/// How records, spans and metrics are gathered into requests.
pub(super) fn gather(export: &mut ExportSettings, environment: &Environment) {
    export.metric_interval = environment.metric_interval.unwrap_or(export.metric_interval);
    let (logs, spans) = (&environment.log_batches, &environment.span_batches);
    export.log_delay = logs.delay.unwrap_or(export.log_delay);
    export.log_batch = logs.batch.unwrap_or(export.log_batch);
    export.span_delay = spans.delay.unwrap_or(export.span_delay);
    export.span_batch = spans.batch.unwrap_or(export.span_batch);
    export.span_queue = spans.queue.unwrap_or(export.span_queue);
}

/// How much waits, and for how long, in words.
pub(super) fn queues(export: &ExportSettings, settings: &Settings) -> Vec<String> {
    let mut queues = vec![format!(
        "records: {} MiB for all threads; requests of {} records or 1 MiB, after {:?} at most",
        settings.queue_bytes >> 20,
        export.log_batch,
        export.log_delay
    )];
    if cfg!(feature = "spans") {
        queues.push(format!(
            "spans: {}; requests of {} spans or 1 MiB, after {:?} at most",
            export.span_queue, export.span_batch, export.span_delay
        ));
    }
    queues.push("before each receiver: 16 MiB".to_owned());
    queues
}
