//! From code and environment to settings: registry, filter, resource, sinks, and what is to be said about them.
//! `install` and `build` call it before anything is started.
//! A mistake in the environment is a warning and the default; one in code is an error, or a warning too where the caller wants to degrade.

mod sinks;

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

#[cfg(feature = "spans")]
use tracing_weaver_layers::SpanSettings;
use tracing_weaver_layers::{ForwardFilter, Settings};
use tracing_weaver_registry::model::ResolvedRegistry;

use crate::config::Environment;
use crate::describe::Description;
use crate::error::Error;
use crate::escape;
use crate::export::ExportSettings;
use crate::options::{Options, RegistrySource};
use crate::resource::{Detector, Resource};
#[cfg(feature = "console")]
use crate::sink::ConsoleTally;
use crate::sink::JsonLines;

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
    /// Says a sentence once everything runs.
    fn say(&mut self, sentence: String) {
        self.said.push(sentence);
    }

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
pub(crate) fn prepare(mut options: Options, environment: &mut Environment, mistakes: Mistakes) -> Result<(Settings, Prepared), Error> {
    let mut warnings = Warnings { said: std::mem::take(&mut environment.warnings), mistakes };
    let (registry, registry_from) = warnings
        .tolerate(registry(&options), "records are exported plain")?
        .unwrap_or_else(|| (ResolvedRegistry::default(), "not readable".to_owned()));
    let registry = Arc::new(registry);
    let detectors = detectors(&options, &mut warnings)?;
    if let Some(directives) = &options.filter {
        warnings.tolerate(ForwardFilter::parse(directives).map_err(Error::Filter), "it is skipped")?;
    }
    let without_key = options.resource.iter().any(|(key, _)| key.is_empty());
    warnings.tolerate(if without_key { Err(Error::EmptyResourceKey) } else { Ok(()) }, "it is skipped")?;
    options.resource.retain(|(key, _)| !key.is_empty());
    let file = file(&options, environment, &mut warnings)?;
    let (filter, filter_from) = filter(&options, environment, &mut warnings.said);
    let (resource, cut) = Resource::resolve(&detectors, environment, std::mem::take(&mut options.resource)).bounded();
    if !cut.is_empty() {
        warnings.say(format!("cut at 64 KiB on the resource: `{}`", cut.join("`, `")));
    }
    let (attributes, withheld) = resource.redacted(&registry);
    if !withheld.is_empty() {
        warnings.say(format!("withheld or changed on the resource, as the registry asks: `{}`", withheld.join("`, `")));
    }
    if environment.traces.asked_for && !cfg!(feature = "spans") {
        warnings.say("OTEL_TRACES_EXPORTER: this build makes no spans (enable the feature `spans`); ignored".to_owned());
    }
    let resource: Vec<_> = attributes.iter().map(|attribute| (attribute.key.clone(), attribute.value.clone())).collect();
    let mut export = ExportSettings::new(resource.clone());
    sinks::gather(&mut export, environment);
    let sinks = sinks::connect(&mut export, environment, &options, file);

    let mut settings = Settings::new(registry.clone());
    settings.filter = filter;
    settings.fold = options.fold;
    settings.findings = options.findings.or(environment.findings).unwrap_or(true);
    // Records that nobody takes are not made.
    settings.forward = options.forward && !sinks.records.sinks.is_empty();
    settings.code_location = options.code_location;
    settings.resource = resource;
    settings.attribute_count_limit = environment.log_limits.count as usize;
    settings.attribute_length_limit = environment.log_limits.length;
    settings.propagators = environment.propagators;
    #[cfg(feature = "spans")]
    if sinks.spans.off.is_none() {
        settings.spans = Some(spans_of(environment, &mut export));
    }

    let description = Description {
        registry: match registry.schema_url.is_empty() {
            true => "none".to_owned(),
            false => format!("{} {}", escape::text(registry.name()), escape::text(registry.version())),
        },
        registry_from,
        filter_from,
        records: sinks.records,
        metrics: sinks.metrics,
        spans: sinks.spans,
        sampler: environment.sampler,
        propagators: environment.propagators,
        record_limits: environment.log_limits,
        span_limits: environment.span_limits,
        queues: sinks::queues(&export, &settings),
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
        tally: sinks.tally,
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
            warnings.say(format!("TRACING_WEAVER_FILE: `{}` cannot be opened: {error}; ignored", path.display()));
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
