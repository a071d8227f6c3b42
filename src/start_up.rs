//! From code and environment to settings: registry, filter, resource, sinks, and what is to be said about them.
//! `install` and `build` call it before anything is started.
//! A mistake in the environment is a warning and the default; one in code is an error, or a warning too where the caller wants to degrade.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use tracing_weaver_layers::{ForwardFilter, Settings};
use tracing_weaver_registry::model::ResolvedRegistry;

use crate::config::{Environment, SignalSinks};
use crate::describe::{Description, SignalDescription};
use crate::error::Error;
use crate::escape;
use crate::export::{ExportSettings, LocalDestination, LocalSink, OtlpEndpoint};
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
    let mut detectors = Vec::new();
    for name in &options.detectors {
        detectors.extend(warnings.tolerate(Detector::named(name), "going on without it")?);
    }
    if let Some(directives) = &options.filter {
        warnings.tolerate(ForwardFilter::parse(directives).map_err(Error::Filter), "it is skipped")?;
    }
    let file = file(&options, environment, &mut warnings)?;
    let (filter, filter_from) = filter(&options, environment, &mut warnings.said);
    let (resource, withheld) = Resource::resolve(&detectors, environment, options.resource).redacted(&registry);
    if !withheld.is_empty() {
        warnings.said.push(format!("withheld or changed on the resource, as the registry asks: `{}`", withheld.join("`, `")));
    }
    if environment.traces_wanted {
        warnings.said.push("OTEL_TRACES_EXPORTER: this version exports records and metrics, and no traces; ignored".to_owned());
    }

    let mut export = ExportSettings::new(resource.clone());
    export.metric_interval = environment.metric_interval.unwrap_or(export.metric_interval);
    let mut everywhere = Vec::new();
    let mut add = |sink: Box<dyn LocalSink>, name: String| {
        everywhere.push(name);
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
    #[cfg(feature = "console")]
    let tally = (console_logs || console_metrics).then(|| watch(&mut export, environment.colour, console_logs, console_metrics));
    (export.logs, export.metrics) = (environment.logs.otlp.take(), environment.metrics.otlp.take());

    let describe = |switched_on: bool, otlp: &Option<OtlpEndpoint>, console: bool| {
        let otlp = otlp.iter().map(|endpoint| format!("otlp {} {}", endpoint.protocol.as_str(), escape::text(&endpoint.shown())));
        let sinks = otlp.chain(console.then(|| "console".to_owned())).chain(everywhere.iter().cloned()).collect();
        SignalDescription { switched_on, sinks }
    };
    let description = Description {
        registry: match registry.schema_url.is_empty() {
            true => "none".to_owned(),
            false => format!("{} {}", escape::text(registry.name()), escape::text(registry.version())),
        },
        registry_from,
        filter_from,
        records: describe(options.forward, &export.logs, console_logs),
        metrics: describe(options.fold, &export.metrics, console_metrics),
        metric_interval: export.metric_interval,
        resource: resource.clone(),
    };

    let mut settings = Settings::new(registry.clone());
    settings.filter = filter;
    settings.fold = options.fold;
    // Records that nobody takes are not made.
    settings.forward = options.forward && !description.records.sinks.is_empty();
    settings.code_location = options.code_location;
    settings.resource = resource;
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

/// Adds the console to the sinks, and gives what it counts.
#[cfg(feature = "console")]
fn watch(export: &mut ExportSettings, colour: bool, logs: bool, metrics: bool) -> Arc<ConsoleTally> {
    let tally = Arc::new(ConsoleTally::default());
    let colour = colour && std::io::IsTerminal::is_terminal(&std::io::stderr());
    let sink = Box::new(Console::new(Box::new(std::io::stderr()), colour, tally.clone()));
    export.locals.push(LocalDestination { sink, logs, traces: logs, metrics });
    export.log_delay = CONSOLE_DELAY;
    tally
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
