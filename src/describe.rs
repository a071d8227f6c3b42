//! What telemetry does, for people: the start-up line and `Telemetry::describe`.
//! Start-up fills it in, and both print it.
//! It shows no header's value, no password and no withheld value.

use std::fmt::Write as _;
use std::time::Duration;

use tracing_weaver_layers::{Propagators, Value};

use crate::config::{AttributeLimits, Sampler, SpanLimits};
use crate::escape;
use crate::export::{Compression, OtlpEndpoint};
use crate::resource::ResourceAttribute;

/// What was configured.
#[derive(Debug)]
pub(crate) struct Description {
    /// Name and version.
    pub(crate) registry: String,
    /// Where the registry was read from.
    pub(crate) registry_from: String,
    /// Where the filter came from.
    pub(crate) filter_from: String,
    /// Where records go.
    pub(crate) records: SignalDescription,
    /// Where metrics go.
    pub(crate) metrics: SignalDescription,
    /// Where spans go.
    pub(crate) spans: SignalDescription,
    /// Which traces are recorded.
    pub(crate) sampler: Sampler,
    /// What carries a trace from process to process.
    pub(crate) propagators: Propagators,
    /// What a record may hold.
    pub(crate) record_limits: AttributeLimits,
    /// What a span may hold.
    pub(crate) span_limits: SpanLimits,
    /// How much waits for the export thread, and how it is gathered; a line each.
    pub(crate) queues: Vec<String>,
    /// Names of the detectors.
    pub(crate) detectors: Vec<&'static str>,
    /// The resource.
    pub(crate) resource: Vec<ResourceAttribute>,
    /// Types of the layers beside ours; `None` where the program made the subscriber.
    pub(crate) neighbours: Option<Vec<&'static str>>,
    /// Whether disagreements between code and registry are looked for.
    pub(crate) findings: bool,
}

/// Where one signal goes.
#[derive(Debug)]
pub(crate) struct SignalDescription {
    /// Why nothing of it is made, where nothing is.
    pub(crate) off: Option<&'static str>,
    /// How often its sinks are served, where that is told.
    pub(crate) every: Option<Duration>,
    /// Whether the console shows it in the summary alone.
    pub(crate) summed_up: bool,
    /// Its sinks.
    pub(crate) sinks: Vec<SinkDescription>,
}

/// One sink.
#[derive(Debug, Clone)]
pub(crate) struct SinkDescription {
    name: String,
    /// How it is spoken to.
    details: Vec<String>,
}

impl SinkDescription {
    /// A sink inside the process.
    pub(crate) fn local(name: impl Into<String>) -> Self {
        SinkDescription { name: name.into(), details: Vec::new() }
    }

    /// A receiver.
    pub(crate) fn otlp(endpoint: &OtlpEndpoint) -> Self {
        let mut details = vec![encryption(endpoint)];
        if endpoint.compression == Compression::Gzip {
            details.push("gzip".to_owned());
        }
        if !endpoint.headers.is_empty() {
            let names: Vec<_> = endpoint.headers.iter().map(|(name, _)| name.as_str()).collect();
            details.push(format!("headers {}", names.join(" ")));
        }
        details.push(format!("timeout {:?}", endpoint.timeout));
        SinkDescription { name: format!("otlp {} {}", endpoint.protocol.as_str(), escape::text(&endpoint.shown())), details }
    }
}

fn encryption(endpoint: &OtlpEndpoint) -> String {
    if !endpoint.url.starts_with("https://") {
        return "not encrypted".to_owned();
    }
    match &endpoint.tls {
        Err(why) => format!("nothing is sent: {}", escape::text(why)),
        Ok(tls) => {
            let roots = if tls.roots.is_some() { "own roots" } else { "the system's roots" };
            let identity = if tls.identity.is_some() { ", client certificate" } else { "" };
            format!("TLS with {roots}{identity}")
        }
    }
}

impl SignalDescription {
    /// The sinks in words.
    fn text(&self, with_details: bool) -> String {
        if let Some(why) = self.off {
            return why.to_owned();
        }
        let name = |sink: &SinkDescription| match with_details && !sink.details.is_empty() {
            true => format!("{} ({})", sink.name, sink.details.join(", ")),
            false => sink.name.clone(),
        };
        let names: Vec<_> = self.sinks.iter().map(name).collect();
        match (names.is_empty(), self.every) {
            (true, _) => "go nowhere".to_owned(),
            _ if self.summed_up && names == ["console"] => "to console, at shutdown".to_owned(),
            (false, Some(every)) => format!("to {}, every {every:?}", names.join(" and ")),
            (false, None) => format!("to {}", names.join(" and ")),
        }
    }
}

impl Description {
    /// One line: registry, filter, sinks.
    pub(crate) fn line(&self, filter: &str) -> String {
        format!(
            "registry {} ({}); filter `{}` ({}); records {}; metrics {}; spans {}",
            self.registry,
            self.registry_from,
            escape::text(filter),
            self.filter_from,
            self.records.text(false),
            self.metrics.text(false),
            self.spans.text(false)
        )
    }

    /// All of it, a few lines for each. `filter_from` is where the filter that is in force now came from.
    pub(crate) fn text(&self, filter: &str, filter_from: &str) -> String {
        let mut page = Page::default();
        page.line("registry", format!("{} ({})", self.registry, self.registry_from));
        page.line("filter", format!("{} ({filter_from})", escape::text(filter)));
        page.line("records", self.records.text(true));
        page.line("metrics", self.metrics.text(true));
        page.line("spans", self.spans.text(true));
        page.line("limits", format!("record: {}", attributes(&self.record_limits)));
        if self.spans.off.is_none() {
            let SpanLimits { attributes: own, events, links, event_attributes, link_attributes } = &self.span_limits;
            page.line("", format!("span: {}", attributes(own)));
            page.line("", format!("span: {events} events of {event_attributes} attributes, {links} links of {link_attributes} attributes"));
            page.line("sampler", self.sampler.to_string());
            page.line("propagators", propagators(self.propagators));
        }
        page.lines("queues", self.queues.iter().cloned());
        page.line("detectors", self.detectors.join(", "));
        page.lines("resource", self.resource.iter().map(attribute));
        page.line("neighbours", neighbours(self.neighbours.as_deref()));
        page.line("findings", if self.findings { "on" } else { "off" }.to_owned());
        page.0
    }
}

/// Lines with a word before them.
#[derive(Default)]
struct Page(String);

impl Page {
    fn line(&mut self, word: &str, text: String) {
        let new_line = if self.0.is_empty() { "" } else { "\n" };
        // Writing to a string has no way to fail.
        let _ = write!(self.0, "{new_line}{word:<12} {text}");
    }

    fn lines(&mut self, word: &str, texts: impl Iterator<Item = String>) {
        for (at, text) in texts.enumerate() {
            self.line(if at == 0 { word } else { "" }, text);
        }
    }
}

fn propagators(propagators: Propagators) -> String {
    match (propagators.trace_context, propagators.baggage) {
        (true, true) => "tracecontext, baggage",
        (true, false) => "tracecontext",
        (false, true) => "baggage",
        (false, false) => "none",
    }
    .to_owned()
}

fn attributes(limits: &AttributeLimits) -> String {
    let length = limits.length.map(|length| format!("{length} characters and ")).unwrap_or_default();
    format!("{} attributes, texts of {length}64 KiB", limits.count)
}

fn neighbours(types: Option<&[&'static str]>) -> String {
    match types {
        None => "those of the program's own subscriber".to_owned(),
        Some([]) => "none".to_owned(),
        Some(types) => types.iter().map(|name| escape::short(name, 100)).collect::<Vec<_>>().join(", "),
    }
}

fn attribute(attribute: &ResourceAttribute) -> String {
    format!("{}={} ({})", escape::text(&attribute.key), value(&attribute.value), attribute.origin)
}

fn value(value: &Value) -> String {
    match value {
        Value::Str(text) => escape::value(text),
        Value::Int(int) => int.to_string(),
        Value::Double(double) => double.to_string(),
        Value::Bool(bool) => bool.to_string(),
        Value::StrArray(texts) => format!("[{}]", texts.iter().map(|text| escape::value(text)).collect::<Vec<_>>().join(", ")),
        Value::Bytes(bytes) => format!("{} bytes", bytes.len()),
    }
}
