//! The environment: filter, sinks, receivers, resource; read once, at `install` or `build`.
//! The builder calls [`Environment::of_process`], tests call [`Environment::read`] with an environment of their own.
//! Nothing outside this folder reads a variable, and nothing inside fails: what cannot be read is a warning and the default.

mod otlp;
mod pairs;
mod variables;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::Duration;

use crate::escape;
use crate::export::OtlpEndpoint;
use otlp::{OtlpVariables, endpoint};
use pairs::pairs;
use variables::Variables;

/// Name of the variable that is asked for filter directives before `RUST_LOG`.
pub(crate) const FILTER_VARIABLE: &str = "TRACING_WEAVER_LOG";

/// What the environment says.
#[derive(Debug)]
pub(crate) struct Environment {
    /// `OTEL_SDK_DISABLED`: everything is to be a no-op.
    pub(crate) disabled: bool,
    /// Name and value of the variable that holds filter directives.
    pub(crate) filter: Option<(String, String)>,
    /// Sinks of records.
    pub(crate) logs: SignalSinks,
    /// Sinks of metrics.
    pub(crate) metrics: SignalSinks,
    /// Traces were asked for by name.
    pub(crate) traces_wanted: bool,
    /// Time between two collections of metrics.
    pub(crate) metric_interval: Option<Duration>,
    /// File of OTLP-JSON lines, `-` for stdout.
    pub(crate) file: Option<PathBuf>,
    /// `OTEL_RESOURCE_ATTRIBUTES`, in the order in which they were written.
    pub(crate) resource: Vec<(String, String)>,
    /// `OTEL_SERVICE_NAME`.
    pub(crate) service_name: Option<String>,
    /// Whether a terminal may be written to in colour.
    #[cfg(feature = "console")]
    pub(crate) colour: bool,
    /// What was ignored and why, a sentence each.
    pub(crate) warnings: Vec<String>,
}

/// Where one signal goes.
#[derive(Debug)]
pub(crate) struct SignalSinks {
    /// To a receiver.
    pub(crate) otlp: Option<OtlpEndpoint>,
    /// To the console.
    pub(crate) console: bool,
}

impl Environment {
    /// The environment of this process. `filter_variable` is asked first for filter directives.
    pub(crate) fn of_process(filter_variable: &str) -> Self {
        Self::read(filter_variable, &|name| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()))
    }

    /// An environment in which `get` knows the variables.
    pub(crate) fn read(filter_variable: &str, get: &dyn Fn(&str) -> Option<String>) -> Self {
        let mut variables = Variables::new(get);
        let disabled = variables.parsed("OTEL_SDK_DISABLED", "`true` or `false`", boolean).unwrap_or(false);
        let filter = [filter_variable, "RUST_LOG"].iter().find_map(|name| Some(((*name).to_owned(), variables.text(name)?)));
        let general = OtlpVariables::read(&mut variables, "");
        let logs = signal(&mut variables, &general, "LOGS", "/v1/logs");
        let metrics = signal(&mut variables, &general, "METRICS", "/v1/metrics");
        let traces = exporters(&mut variables, "OTEL_TRACES_EXPORTER");
        Environment {
            disabled,
            filter,
            logs,
            metrics,
            traces_wanted: traces.is_some_and(|(otlp, console)| otlp || console),
            metric_interval: variables.millis("OTEL_METRIC_EXPORT_INTERVAL"),
            file: variables.text("TRACING_WEAVER_FILE").map(PathBuf::from),
            resource: resource(&mut variables),
            service_name: variables.text("OTEL_SERVICE_NAME"),
            #[cfg(feature = "console")]
            colour: variables.text("NO_COLOR").is_none() && variables.text("TERM").is_none_or(|term| term != "dumb"),
            warnings: variables.into_warnings(),
        }
    }
}

/// The sinks of a signal: those of its list, else a receiver where one is named, else the console.
fn signal(variables: &mut Variables<'_>, general: &OtlpVariables, name: &str, path: &str) -> SignalSinks {
    let own = OtlpVariables::read(variables, &format!("{name}_"));
    let named = own.endpoint.is_some() || general.endpoint.is_some();
    let (otlp, console) = exporters(variables, &format!("OTEL_{name}_EXPORTER")).unwrap_or((named, !named));
    SignalSinks { otlp: otlp.then(|| endpoint(general, &own, path)), console }
}

/// A list of exporters: whether OTLP and whether the console is on it. `None` where nothing on it is known.
fn exporters(variables: &mut Variables<'_>, name: &str) -> Option<(bool, bool)> {
    let list = variables.text(name)?;
    let mut known = None;
    for exporter in list.split(',').map(str::trim).filter(|exporter| !exporter.is_empty()) {
        let (otlp, console) = known.unwrap_or((false, false));
        match exporter.to_ascii_lowercase().as_str() {
            "otlp" => known = Some((true, console)),
            "console" => known = Some((otlp, true)),
            "none" => known = Some((otlp, console)),
            _ => {
                let shown: String = exporter.chars().take(100).collect();
                variables.reject(name, format!("`{}` is not `otlp`, `console` or `none`", escape::text(&shown)));
            }
        }
    }
    known
}

/// One malformed entry spoils the list: half of a resource would be another one.
///
/// Source: <https://opentelemetry.io/docs/specs/otel/resource/sdk/#specifying-resource-information-via-an-environment-variable>
fn resource(variables: &mut Variables<'_>) -> Vec<(String, String)> {
    let name = "OTEL_RESOURCE_ATTRIBUTES";
    let Some(list) = variables.text(name) else { return Vec::new() };
    pairs(&list).collect::<Result<_, _>>().unwrap_or_else(|why| {
        variables.reject(name, format!("{why} (expected `key=value,key2=value2`)"));
        Vec::new()
    })
}

fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}
