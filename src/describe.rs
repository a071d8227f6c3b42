//! What telemetry does, for people: the start-up line and `Telemetry::describe`.
//! Start-up fills it in, and both print it.
//! It shows no header, no password and no withheld value.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use tracing_weaver_layers::Value;

use crate::escape;

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
    /// Time between two collections.
    pub(crate) metric_interval: Duration,
    /// The resource.
    pub(crate) resource: Vec<(Arc<str>, Value)>,
}

/// Where one signal goes.
#[derive(Debug)]
pub(crate) struct SignalDescription {
    /// Whether code left it on.
    pub(crate) switched_on: bool,
    /// Names of its sinks.
    pub(crate) sinks: Vec<String>,
}

impl SignalDescription {
    /// The sinks in words; `every` says how often a sink other than the console is served.
    fn text(&self, every: &str) -> String {
        match (self.switched_on, self.sinks.is_empty()) {
            (false, _) => "switched off".to_owned(),
            (true, true) => "go nowhere".to_owned(),
            (true, false) if self.sinks == ["console"] && !every.is_empty() => "to console, at shutdown".to_owned(),
            (true, false) => format!("to {}{every}", self.sinks.join(" and ")),
        }
    }
}

impl Description {
    fn every(&self) -> String {
        format!(", every {:?}", self.metric_interval)
    }

    /// One line: registry, filter, sinks.
    pub(crate) fn line(&self, filter: &str) -> String {
        format!(
            "registry {} ({}); filter `{}` ({}); records {}; metrics {}",
            self.registry,
            self.registry_from,
            escape::text(filter),
            self.filter_from,
            self.records.text(""),
            self.metrics.text(&self.every())
        )
    }

    /// A few lines, with the resource. `filter_from` is where the filter that is in force now came from.
    pub(crate) fn text(&self, filter: &str, filter_from: &str) -> String {
        let mut out = format!("registry  {} ({})\nfilter    {} ({filter_from})\n", self.registry, self.registry_from, escape::text(filter));
        let _ = write!(out, "records   {}\nmetrics   {}", self.records.text(""), self.metrics.text(&self.every()));
        for (at, (key, value)) in self.resource.iter().enumerate() {
            out.push_str(if at == 0 { "\nresource  " } else { "\n          " });
            let _ = write!(out, "{}=", escape::text(key));
            let _ = match value {
                Value::Str(text) => write!(out, "{}", escape::value(text)),
                Value::Int(int) => write!(out, "{int}"),
                Value::Double(double) => write!(out, "{double}"),
                Value::Bool(bool) => write!(out, "{bool}"),
                other => write!(out, "{}", escape::value(&format!("{other:?}"))),
            };
        }
        out
    }
}
