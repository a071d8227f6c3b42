//! The environment: filter, sinks, receivers, limits, sampler, resource; read once, at `install` or `build`.
//! The builder calls [`Environment::of_process`], tests call [`Environment::read`] with an environment of their own.
//! Nothing outside this folder reads a variable, and nothing inside fails: what cannot be read is a warning and the default.

mod limits;
mod otlp;
mod pairs;
mod sampler;
mod table;
#[cfg_attr(not(any(feature = "http", feature = "grpc")), path = "tls_off.rs")]
mod tls;
mod unknown;
mod variables;

#[cfg(test)]
mod page;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) use tests::environment;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use tracing_weaver_layers::Propagators;

use crate::export::OtlpEndpoint;
pub(crate) use limits::{AttributeLimits, Batching, SpanLimits};
use otlp::{OtlpVariables, endpoint, locate};
use pairs::pairs;
pub(crate) use sampler::Sampler;
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
    /// Sinks of spans.
    pub(crate) traces: SignalSinks,
    /// How records are gathered.
    pub(crate) log_batches: Batching,
    /// How spans are gathered.
    pub(crate) span_batches: Batching,
    /// What a record may hold.
    pub(crate) log_limits: AttributeLimits,
    /// What a span may hold.
    pub(crate) span_limits: SpanLimits,
    /// Which traces are recorded.
    pub(crate) sampler: Sampler,
    /// What carries a trace from process to process.
    pub(crate) propagators: Propagators,
    /// Time between two collections of metrics.
    pub(crate) metric_interval: Option<Duration>,
    /// File of OTLP-JSON lines, `-` for stdout.
    pub(crate) file: Option<PathBuf>,
    /// Whether findings are looked for.
    pub(crate) findings: Option<bool>,
    /// `OTEL_RESOURCE_ATTRIBUTES`, in the order in which they were written.
    pub(crate) resource: Vec<(String, String)>,
    /// `OTEL_SERVICE_NAME`.
    pub(crate) service_name: Option<String>,
    /// What the pod's variables say: key and value.
    pub(crate) pod: Vec<(&'static str, String)>,
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
    /// Whether a variable asked for it, in its own name.
    pub(crate) asked_for: bool,
}

impl Environment {
    /// The environment of this process. `filter_variable` is asked first for filter directives.
    pub(crate) fn of_process(filter_variable: &str) -> Self {
        let named = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
        Self::read(filter_variable, &named.collect())
    }

    /// An environment with these variables.
    pub(crate) fn read(filter_variable: &str, all: &BTreeMap<String, OsString>) -> Self {
        let mut variables = Variables::new(all);
        let disabled = variables.boolean("OTEL_SDK_DISABLED").unwrap_or(false);
        let filter = [filter_variable, "RUST_LOG"].iter().find_map(|name| Some(((*name).to_owned(), variables.text_of_code(name)?)));
        let general = OtlpVariables::read(&mut variables, "");
        let logs = signal(&mut variables, &general, "LOGS", "/v1/logs", "OTEL_BLRP_EXPORT_TIMEOUT");
        let metrics = signal(&mut variables, &general, "METRICS", "/v1/metrics", "OTEL_METRIC_EXPORT_TIMEOUT");
        let traces = signal(&mut variables, &general, "TRACES", "/v1/traces", "OTEL_BSP_EXPORT_TIMEOUT");
        expect_default(&mut variables, "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", &["cumulative"], &["delta", "lowmemory"]);
        expect_default(
            &mut variables,
            "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
            &["explicit_bucket_histogram"],
            &["base2_exponential_bucket_histogram"],
        );
        let findings = variables.parsed("TRACING_WEAVER_FINDINGS", "`on` or `off`", |value| match value.to_ascii_lowercase().as_str() {
            "on" => Some(true),
            "off" => Some(false),
            _ => None,
        });
        let log_batches = limits::of_log_batches(&mut variables);
        let span_batches = limits::of_span_batches(&mut variables);
        let log_limits = limits::of_records(&mut variables);
        let span_limits = limits::of_spans(&mut variables);
        let sampler = sampler::read(&mut variables);
        let propagators = propagators(&mut variables);
        let metric_interval = variables.millis("OTEL_METRIC_EXPORT_INTERVAL");
        let resource = resource(&mut variables);
        unknown::report(&mut variables);
        Environment {
            disabled,
            filter,
            logs,
            metrics,
            traces,
            log_batches,
            span_batches,
            log_limits,
            span_limits,
            sampler,
            propagators,
            metric_interval,
            file: variables.path("TRACING_WEAVER_FILE"),
            findings,
            resource,
            service_name: variables.text("OTEL_SERVICE_NAME"),
            pod: pod(&variables),
            #[cfg(feature = "console")]
            colour: variables.text("NO_COLOR").is_none() && variables.text("TERM").is_none_or(|term| term != "dumb"),
            warnings: variables.into_warnings(),
        }
    }
}

/// The sinks of a signal: those of its list, else a receiver where one is named, else the console.
fn signal(variables: &mut Variables<'_>, general: &OtlpVariables, name: &str, path: &str, export_timeout: &str) -> SignalSinks {
    let own = OtlpVariables::read(variables, &format!("{name}_"));
    let receiver = locate(variables, general, &own, path);
    let export_timeout = variables.millis(export_timeout);
    let exporters = exporters(variables, &format!("OTEL_{name}_EXPORTER"));
    let (otlp, console) = exporters.unwrap_or((receiver.is_named, !receiver.is_named));
    let otlp = otlp.then(|| endpoint(variables, general, &own, receiver, export_timeout));
    SignalSinks { otlp, console, asked_for: exporters.is_some_and(|(otlp, console)| otlp || console) }
}

/// A list of exporters: whether OTLP and whether the console is on it. `None` where nothing on it is known.
fn exporters(variables: &mut Variables<'_>, name: &str) -> Option<(bool, bool)> {
    let known = ["otlp", "console", "none"];
    let list = variables.list(name, "`otlp`, `console` or `none`", |exporter| known.into_iter().find(|known| *known == exporter))?;
    Some((list.contains(&"otlp"), list.contains(&"console")))
}

/// Both, unless something else is said.
fn propagators(variables: &mut Variables<'_>) -> Propagators {
    let known = ["tracecontext", "baggage", "none"];
    let list =
        variables.list("OTEL_PROPAGATORS", "`tracecontext`, `baggage` or `none`", |name| known.into_iter().find(|known| *known == name));
    list.map_or_else(Propagators::default, |list| Propagators {
        trace_context: list.contains(&"tracecontext"),
        baggage: list.contains(&"baggage"),
    })
}

/// A variable of which only the default is built.
fn expect_default(variables: &mut Variables<'_>, name: &str, built: &[&str], later: &[&str]) {
    let Some(value) = variables.text(name) else { return };
    let value = value.to_ascii_lowercase();
    if later.contains(&value.as_str()) {
        variables.reject(name, format!("`{value}` is not supported yet, and `{}` holds", built[0]));
    } else {
        let _: Option<()> = variables.parsed(name, &format!("`{}`", built[0]), |_| built.contains(&value.as_str()).then_some(()));
    }
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

/// What the downward API of Kubernetes was asked to put into the environment. `NODE_NAME` alone means other things elsewhere.
fn pod(variables: &Variables<'_>) -> Vec<(&'static str, String)> {
    let in_pod = variables.text("KUBERNETES_SERVICE_HOST").is_some();
    let names: [(&str, &[&str]); 7] = [
        ("k8s.pod.name", &["K8S_POD_NAME", "OTEL_RESOURCE_ATTRIBUTES_POD_NAME", "POD_NAME"]),
        ("k8s.pod.uid", &["K8S_POD_UID", "OTEL_RESOURCE_ATTRIBUTES_POD_UID", "POD_UID"]),
        ("k8s.namespace.name", &["K8S_NAMESPACE_NAME", "OTEL_RESOURCE_ATTRIBUTES_NAMESPACE_NAME", "POD_NAMESPACE"]),
        ("k8s.node.name", &["K8S_NODE_NAME", "OTEL_RESOURCE_ATTRIBUTES_NODE_NAME", "NODE_NAME"]),
        ("k8s.container.name", &["K8S_CONTAINER_NAME", "OTEL_RESOURCE_ATTRIBUTES_CONTAINER_NAME"]),
        ("k8s.deployment.name", &["K8S_DEPLOYMENT_NAME"]),
        ("k8s.cluster.name", &["K8S_CLUSTER_NAME"]),
    ];
    let value = |names: &[&'static str]| names.iter().filter(|name| in_pod || **name != "NODE_NAME").find_map(|name| variables.text(name));
    names.into_iter().filter_map(|(key, names)| Some((key, value(names)?))).collect()
}
