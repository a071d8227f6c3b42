//! From code and environment to settings: registry, filter, resource, sinks, and what is to be said about them.
//! `install` and `build` call it before anything is started.
//! A mistake in the environment is a warning and the default; one in code is an error, or a warning too where the caller wants to degrade.

use std::io::Write as _;
use std::sync::Arc;

use tracing_weaver_layers::{ForwardFilter, Settings};
use tracing_weaver_registry::model::ResolvedRegistry;

use crate::builder::{Builder, RegistrySource};
use crate::config::{Environment, SignalSinks};
use crate::describe::{Description, SignalDescription};
use crate::error::Error;
use crate::escape;
use crate::export::{ExportSettings, LocalDestination, LocalSink};
use crate::resource::{Detector, Resource};
use crate::sink::JsonLines;
#[cfg(feature = "console")]
use crate::sink::{Console, EventTally};

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
    pub(crate) tally: Option<Arc<EventTally>>,
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

/// Works everything out: the layer's settings, and all the rest. Starts nothing.
pub(crate) fn prepare(builder: Builder, environment: &mut Environment, mistakes: Mistakes) -> Result<(Settings, Prepared), Error> {
    let mut warnings = std::mem::take(&mut environment.warnings);
    let mut tolerate = |error: Error, instead: &str| match mistakes {
        Mistakes::Fail => Err(error),
        Mistakes::Say => {
            warnings.push(format!("{error}; {instead}"));
            Ok(())
        }
    };

    let (registry, registry_from) = match registry(&builder) {
        Ok(registry) => registry,
        Err(error) => {
            tolerate(error, "records are exported plain")?;
            (ResolvedRegistry::default(), "not readable".to_owned())
        }
    };
    let registry = Arc::new(registry);

    let mut detectors = Vec::new();
    for name in &builder.detectors {
        match Detector::named(name) {
            Ok(detector) => detectors.push(detector),
            Err(error) => tolerate(error, "going on without it")?,
        }
    }
    if let Some(Err(bad)) = builder.filter.as_deref().map(ForwardFilter::parse) {
        tolerate(Error::Filter(bad), "it is skipped")?;
    }
    let mut file = None;
    if let Some(path) = &builder.file {
        match JsonLines::open(path) {
            Ok(lines) => file = Some((path.clone(), lines)),
            Err(error) => tolerate(Error::File { path: path.clone(), error }, "going on without it")?,
        }
    } else if let Some(path) = &environment.file {
        match JsonLines::open(path) {
            Ok(lines) => file = Some((path.clone(), lines)),
            Err(error) => {
                let path = escape::text(&path.to_string_lossy());
                warnings.push(format!("TRACING_WEAVER_FILE: `{path}` cannot be opened: {error}; ignored"));
            }
        }
    }

    let (filter, filter_from) = filter(&builder, environment, &mut warnings);
    let (resource, withheld) = Resource::resolve(&detectors, environment, builder.resource).redacted(&registry);
    if !withheld.is_empty() {
        let keys: Vec<_> = withheld.iter().map(|key| format!("`{}`", escape::text(key))).collect();
        warnings.push(format!("withheld or changed on the resource, as the registry asks: {}", keys.join(", ")));
    }
    if environment.traces_wanted {
        warnings.push("OTEL_TRACES_EXPORTER: this version exports records and metrics, and no traces; ignored".to_owned());
    }

    let mut export = ExportSettings::new(resource.clone());
    export.metric_interval = environment.metric_interval.unwrap_or(export.metric_interval);
    let logs = sinks(&mut environment.logs, builder.console);
    let metrics = sinks(&mut environment.metrics, builder.console);
    (export.logs, export.metrics) = (environment.logs.otlp.take(), environment.metrics.otlp.take());
    let mut everywhere = Vec::new();
    let mut add = |sink: Box<dyn LocalSink>, name: String| {
        everywhere.push(name);
        export.locals.push(LocalDestination { sink, logs: true, metrics: true });
    };
    if let Some((path, lines)) = file {
        add(Box::new(lines), format!("file {}", escape::text(&path.to_string_lossy())));
    }
    if let Some(memory) = builder.memory {
        add(Box::new(memory), "memory".to_owned());
    }
    #[cfg(feature = "console")]
    let tally = (logs.console || metrics.console).then(|| {
        let tally = Arc::new(EventTally::default());
        let colour = environment.colour && std::io::IsTerminal::is_terminal(&std::io::stderr());
        let sink = Box::new(Console::new(Box::new(std::io::stderr()), colour, tally.clone()));
        export.locals.push(LocalDestination { sink, logs: logs.console, metrics: metrics.console });
        export.log_delay = CONSOLE_DELAY;
        tally
    });

    let describe = |switched_on: bool, sinks: Sinks| {
        let mut names: Vec<String> = sinks.otlp.into_iter().collect();
        names.extend(sinks.console.then(|| "console".to_owned()));
        names.extend(everywhere.iter().cloned());
        SignalDescription { switched_on, sinks: names }
    };
    let description = Description {
        registry: match registry.schema_url.is_empty() {
            true => "none".to_owned(),
            false => format!("{} {}", escape::text(registry.name()), escape::text(registry.version())),
        },
        registry_from,
        filter_from,
        records: describe(builder.forward, logs),
        metrics: describe(builder.fold, metrics),
        metric_interval: export.metric_interval,
        resource: resource.clone(),
    };

    let mut settings = Settings::new(registry.clone());
    settings.filter = filter;
    settings.fold = builder.fold;
    // Records that nobody takes are not made.
    settings.forward = builder.forward && !description.records.sinks.is_empty();
    settings.code_location = builder.code_location;
    settings.resource = resource;
    let prepared = Prepared {
        registry,
        export,
        description,
        warnings,
        #[cfg(feature = "console")]
        tally,
    };
    Ok((settings, prepared))
}

/// Reads the registry; where it came from, for people, comes beside it.
fn registry(builder: &Builder) -> Result<(ResolvedRegistry, String), Error> {
    if builder.two_registries {
        return Err(Error::TwoRegistries);
    }
    Ok(match &builder.registry {
        None => (ResolvedRegistry::default(), "not given".to_owned()),
        #[cfg(feature = "yaml")]
        Some(RegistrySource::Folder(folder)) => {
            (tracing_weaver_registry::load(folder)?, format!("folder {}", escape::text(&folder.to_string_lossy())))
        }
        Some(RegistrySource::Bytes(bytes)) => (ResolvedRegistry::from_bytes(bytes)?, "embedded".to_owned()),
    })
}

/// The filter, and where it came from.
pub(crate) fn filter(builder: &Builder, environment: &Environment, warnings: &mut Vec<String>) -> (ForwardFilter, String) {
    let (directives, from) = match (&environment.filter, &builder.filter) {
        (Some((name, directives)), _) => (directives.as_str(), name.as_str()),
        (None, Some(directives)) => (directives.as_str(), "code"),
        (None, None) => ("info", "default"),
    };
    let (filter, bad) = ForwardFilter::parse_lossy(directives);
    if environment.filter.is_some() && !bad.is_empty() {
        let bad: Vec<_> = bad.iter().map(|bad| escape::text(&bad.to_string())).collect();
        warnings.push(format!("{from}: skipped {}", bad.join("; ")));
    }
    (filter, from.to_owned())
}

/// The sinks of one signal.
struct Sinks {
    otlp: Option<String>,
    console: bool,
}

fn sinks(environment: &mut SignalSinks, console: Option<bool>) -> Sinks {
    Sinks {
        otlp: environment.otlp.as_ref().map(|endpoint| format!("otlp {} {}", endpoint.protocol.as_str(), escape::text(&endpoint.shown()))),
        console: cfg!(feature = "console") && console.unwrap_or(environment.console),
    }
}
