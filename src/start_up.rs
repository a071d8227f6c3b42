//! From code and environment to settings: registry, filter, resource, sinks, and what is to be said about them.
//! `install` and `build` call it before anything is started.
//! A mistake in the environment is a warning and the default; one in code is an error, or a warning too where the caller wants to degrade.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

#[cfg(feature = "spans")]
use tracing_weaver_layers::SpanSettings;
use tracing_weaver_layers::{ForwardFilter, Settings};
use tracing_weaver_registry::model::ResolvedRegistry;

use crate::config::{Environment, SignalSinks};
use crate::describe::{Description, SignalDescription, SinkDescription};
use crate::error::Error;
use crate::escape;
use crate::export::{ExportSettings, LocalDestination, LocalSink};
use crate::options::{Options, RegistrySource};
use crate::resource::{Detector, Resource};
use crate::sink::JsonLines;
#[cfg(feature = "console")]
use crate::sink::{Console, ConsoleTally};

/// What becomes of a mistake in code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mistakes {
    /// It is the error that the caller gets.
    Fail,
    /// It is said on stderr, and telemetry does without.
    Say,
}

/// What the exporter is made from, and what is known about it.
pub(crate) struct Prepared {
    /// The registry, shared with the layer.
    pub(crate) registry: Arc<ResolvedRegistry>,
    /// Of the exporter.
    pub(crate) export: ExportSettings,
    /// For people.
    pub(crate) description: Description,
    /// What to say on stderr once everything runs.
    pub(crate) warnings: Vec<String>,
    /// What the console counts, where it is a sink.
    #[cfg(feature = "console")]
    pub(crate) tally: Option<Arc<ConsoleTally>>,
}

/// Longest time a record waits where a person watches.
#[cfg(feature = "console")]
const CONSOLE_DELAY: std::time::Duration = std::time::Duration::from_millis(100);

/// Says sentences on stderr, one or more lines each. A closed stderr is nobody's problem.
pub(crate) fn say(sentences: &[String]) {
    let mut text = String::new();
    for sentence in sentences {
        let mut before = "tracing-weaver: ";
        for line in sentence.lines() {
            text.push_str(before);
            text.push_str(&escape::text(line));
            text.push('\n');
            before = "";
        }
    }
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// What was said so far, and what is done about a mistake in code.
struct Warnings {
    said: Vec<String>,
    mistakes: Mistakes,
}

impl Warnings {
    /// The result, unless it is a mistake that is to be said; then `None`, and `instead` is what happens.
    fn tolerate<T>(&mut self, result: Result<T, Error>, instead: &str) -> Result<Option<T>, Error> {
        match (result, self.mistakes) {
            (Ok(value), _) => Ok(Some(value)),
            (Err(error), Mistakes::Fail) => Err(error),
            (Err(error), Mistakes::Say) => {
                self.said.push(format!("{error}; {instead}"));
                Ok(None)
            }
        }
    }
}

/// Works everything out: the layer's settings, and all the rest. Starts nothing.
pub(crate) fn prepare(options: Options, environment: &mut Environment, mistakes: Mistakes) -> Result<(Settings, Prepared), Error> {
    let mut warnings = Warnings { said: std::mem::take(&mut environment.warnings), mistakes };
    let (registry, registry_from) = warnings
        .tolerate(registry(&options), "records are exported plain")?
        .unwrap_or_else(|| (ResolvedRegistry::default(), "not readable".to_owned()));
    let registry = Arc::new(registry);
    let detectors = detectors(&options, &mut warnings)?;
    if let Some(directives) = &options.filter {
        warnings.tolerate(ForwardFilter::parse(directives).map_err(Error::Filter), "it is skipped")?;
    }
    let file = file(&options, environment, &mut warnings)?;
    let (filter, filter_from) = filter(&options, environment, &mut warnings.said);
    let (attributes, withheld) = Resource::resolve(&detectors, environment, options.resource).redacted(&registry);
    if !withheld.is_empty() {
        warnings.said.push(format!("withheld or changed on the resource, as the registry asks: `{}`", withheld.join("`, `")));
    }
    if environment.traces.asked_for && !cfg!(feature = "spans") {
        warnings.said.push("OTEL_TRACES_EXPORTER: this build makes no spans (enable the feature `spans`); ignored".to_owned());
    }
    let resource: Vec<_> = attributes.iter().map(|attribute| (attribute.key.clone(), attribute.value.clone())).collect();
    let mut export = ExportSettings::new(resource.clone());
    gather(&mut export, environment);

    let mut everywhere = Vec::new();
    let mut add = |sink: Box<dyn LocalSink>, name: String| {
        everywhere.push(SinkDescription::local(name));
        export.locals.push(LocalDestination { sink, logs: true, traces: true, metrics: true });
    };
    if let Some((path, lines)) = file {
        add(Box::new(lines), format!("file {}", escape::text(&path.to_string_lossy())));
    }
    if let Some(memory) = options.memory {
        add(Box::new(memory), "memory".to_owned());
    }
    let console = |sinks: &SignalSinks| cfg!(feature = "console") && options.console.unwrap_or(sinks.console);
    let (console_logs, console_metrics) = (console(&environment.logs), console(&environment.metrics));
    let console_traces = console(&environment.traces);
    #[cfg(feature = "console")]
    let tally = (console_logs || console_metrics || console_traces)
        .then(|| watch(&mut export, environment, Signals { logs: console_logs, metrics: console_metrics, traces: console_traces }));

    let describe = |off: Option<&'static str>, sinks: &SignalSinks, console: bool| {
        let otlp = sinks.otlp.iter().map(SinkDescription::otlp);
        let sinks = otlp.chain(console.then(|| SinkDescription::local("console"))).chain(everywhere.iter().cloned()).collect();
        SignalDescription { off, every: None, summed_up: true, sinks }
    };
    let off_in_code = |is_on: bool| (!is_on).then_some("switched off");
    let no_spans = (!cfg!(feature = "spans")).then_some("not in this build");
    let records = SignalDescription { summed_up: false, ..describe(off_in_code(options.forward), &environment.logs, console_logs) };
    let every = Some(export.metric_interval);
    let metrics = SignalDescription { every, ..describe(off_in_code(options.fold), &environment.metrics, console_metrics) };
    let spans = describe(no_spans.or(off_in_code(options.forward)), &environment.traces, console_traces);
    (export.logs, export.metrics) = (environment.logs.otlp.take(), environment.metrics.otlp.take());
    export.traces = environment.traces.otlp.take();

    let mut settings = Settings::new(registry.clone());
    settings.filter = filter;
    settings.fold = options.fold;
    settings.findings = options.findings.or(environment.findings).unwrap_or(true);
    // Records that nobody takes are not made.
    settings.forward = options.forward && !records.sinks.is_empty();
    settings.code_location = options.code_location;
    settings.resource = resource;
    settings.attribute_count_limit = environment.log_limits.count as usize;
    settings.attribute_length_limit = environment.log_limits.length;
    settings.propagators = environment.propagators;
    #[cfg(feature = "spans")]
    if spans.off.is_none() {
        settings.spans = Some(spans_of(environment, &mut export));
    }

    let description = Description {
        registry: match registry.schema_url.is_empty() {
            true => "none".to_owned(),
            false => format!("{} {}", escape::text(registry.name()), escape::text(registry.version())),
        },
        registry_from,
        filter_from,
        records,
        metrics,
        spans,
        sampler: environment.sampler,
        propagators: environment.propagators,
        record_limits: environment.log_limits,
        span_limits: environment.span_limits,
        queues: queues(&export, &settings),
        detectors: detectors.iter().map(|detector| detector.name()).collect(),
        resource: attributes,
        neighbours: None,
        findings: settings.findings,
    };
    let prepared = Prepared {
        registry,
        export,
        description,
        warnings: warnings.said,
        #[cfg(feature = "console")]
        tally,
    };
    Ok((settings, prepared))
}

/// Those that are always on, and those that code names, each once.
fn detectors(options: &Options, warnings: &mut Warnings) -> Result<Vec<Detector>, Error> {
    let mut detectors = Detector::DEFAULT.to_vec();
    for name in &options.detectors {
        let named = warnings.tolerate(Detector::named(name), "going on without it")?;
        detectors.extend(named.filter(|detector| !detectors.contains(detector)));
    }
    Ok(detectors)
}

/// How records, spans and metrics are gathered into requests.
fn gather(export: &mut ExportSettings, environment: &Environment) {
    export.metric_interval = environment.metric_interval.unwrap_or(export.metric_interval);
    let (logs, spans) = (&environment.log_batches, &environment.span_batches);
    export.log_delay = logs.delay.unwrap_or(export.log_delay);
    export.log_batch = logs.batch.unwrap_or(export.log_batch);
    export.span_delay = spans.delay.unwrap_or(export.span_delay);
    export.span_batch = spans.batch.unwrap_or(export.span_batch);
    export.span_queue = spans.queue.unwrap_or(export.span_queue);
}

/// How much waits, and for how long, in words.
fn queues(export: &ExportSettings, settings: &Settings) -> Vec<String> {
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

/// How trace spans are made, and the queue that they go into.
#[cfg(feature = "spans")]
fn spans_of(environment: &Environment, export: &mut ExportSettings) -> SpanSettings {
    let limits = &environment.span_limits;
    SpanSettings {
        sampler: environment.sampler.to_sdk(),
        limits: opentelemetry_sdk::trace::SpanLimits {
            max_attributes_per_span: limits.attributes.count,
            max_events_per_span: limits.events,
            max_links_per_span: limits.links,
            max_attributes_per_event: limits.event_attributes,
            max_attributes_per_link: limits.link_attributes,
        },
        text_limit: limits.attributes.length,
        sink: export.open_span_queue(),
    }
}

/// Adds the console to the sinks, and gives what it counts.
#[cfg(feature = "console")]
fn watch(export: &mut ExportSettings, environment: &Environment, signals: Signals) -> Arc<ConsoleTally> {
    let tally = Arc::new(ConsoleTally::default());
    let colour = environment.colour && std::io::IsTerminal::is_terminal(&std::io::stderr());
    let sink = Box::new(Console::new(Box::new(std::io::stderr()), colour, tally.clone()));
    let Signals { logs, metrics, traces } = signals;
    export.locals.push(LocalDestination { sink, logs, traces, metrics });
    export.log_delay = environment.log_batches.delay.unwrap_or(CONSOLE_DELAY);
    tally
}

/// The signals of a sink.
#[cfg(feature = "console")]
struct Signals {
    logs: bool,
    metrics: bool,
    traces: bool,
}

/// Opens the file for OTLP-JSON lines, where code or the environment names one.
fn file(options: &Options, environment: &Environment, warnings: &mut Warnings) -> Result<Option<(PathBuf, JsonLines)>, Error> {
    if let Some(path) = &options.file {
        let opened = JsonLines::open(path).map_err(|error| Error::File { path: path.clone(), error });
        return Ok(warnings.tolerate(opened, "going on without it")?.map(|lines| (path.clone(), lines)));
    }
    let Some(path) = &environment.file else { return Ok(None) };
    match JsonLines::open(path) {
        Ok(lines) => Ok(Some((path.clone(), lines))),
        Err(error) => {
            warnings.said.push(format!("TRACING_WEAVER_FILE: `{}` cannot be opened: {error}; ignored", path.display()));
            Ok(None)
        }
    }
}

/// Reads the registry; where it came from, for people, comes beside it.
fn registry(options: &Options) -> Result<(ResolvedRegistry, String), Error> {
    if options.two_registries {
        return Err(Error::TwoRegistries);
    }
    Ok(match &options.registry {
        None => (ResolvedRegistry::default(), "not given".to_owned()),
        #[cfg(feature = "yaml")]
        Some(RegistrySource::Folder(folder)) => {
            (tracing_weaver_registry::load(folder)?, format!("folder {}", escape::text(&folder.to_string_lossy())))
        }
        Some(RegistrySource::Bytes(bytes)) => (ResolvedRegistry::from_bytes(bytes)?, "embedded".to_owned()),
    })
}

/// The filter, and where it came from.
pub(crate) fn filter(options: &Options, environment: &Environment, warnings: &mut Vec<String>) -> (ForwardFilter, String) {
    let (directives, from) = match (&environment.filter, &options.filter) {
        (Some((name, directives)), _) => (directives.as_str(), name.as_str()),
        (None, Some(directives)) => (directives.as_str(), "code"),
        (None, None) => ("info", "default"),
    };
    let (filter, bad) = ForwardFilter::parse_lossy(directives);
    if environment.filter.is_some() && !bad.is_empty() {
        let bad: Vec<_> = bad.iter().map(|bad| bad.to_string()).collect();
        warnings.push(format!("{from}: skipped {}", bad.join("; ")));
    }
    (filter, from.to_owned())
}
