//! The example's telemetry through a real agent: `rotel` receives it over gRPC and over HTTP and hands it on.
//!
//! `.ci/peers` fetches the agent. Without it the test says that it was skipped; with `REQUIRE_PEERS=1` that is a failure.
//! It never sends anything beyond loopback.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::trace::v1::Span;
use rcgen::ExtendedKeyUsagePurpose;
use support::door;
use support::receiver::{Arrived, Receiver, attributes};
use support::tls::Authority;
use tracing_weaver_registry::model::ResolvedRegistry;

/// How many spans left, as the software says itself.
const SPANS_EXPORTED: &str = "otel.sdk.exporter.span.exported";

/// An agent that ends with the test.
struct Agent {
    process: Child,
    grpc: u16,
    http: u16,
    pid_file: PathBuf,
}

impl Agent {
    /// `None` if the agent is not there.
    fn start(receiver: &Receiver) -> Option<Agent> {
        let binary = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/peers/rotel-agent");
        if !binary.exists() {
            assert!(std::env::var_os("REQUIRE_PEERS").is_none(), "{} is not there: run .ci/peers", binary.display());
            println!("skipped: {} is not there; .ci/peers fetches it", binary.display());
            return None;
        }
        let (grpc, http) = (free_port(), free_port());
        let pid_file = std::env::temp_dir().join(format!("tracing-weaver-rotel-{}-{grpc}.pid", std::process::id()));
        let process = Command::new(binary)
            .arg("start")
            .args(["--otlp-grpc-endpoint", &format!("127.0.0.1:{grpc}"), "--otlp-http-endpoint", &format!("127.0.0.1:{http}")])
            .args(["--exporter", "otlp", "--otlp-exporter-protocol", "http", "--otlp-exporter-endpoint", &receiver.url()])
            .arg("--pid-file")
            .arg(&pid_file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the agent starts");
        let agent = Agent { process, grpc, http, pid_file };
        let until = Instant::now() + Duration::from_secs(20);
        for port in [grpc, http] {
            while TcpStream::connect(("127.0.0.1", port)).is_err() {
                assert!(Instant::now() < until, "the agent does not listen on {port}");
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        Some(agent)
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_file(&self.pid_file);
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port on loopback").port()
}

/// How the example speaks to the agent. The agent itself has no TLS: a door before it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encryption {
    None,
    Tls,
    MutualTls,
}

#[test]
fn what_the_example_counts_arrives_behind_rotel_over_grpc_with_names_scopes_and_schema() {
    through("grpc", Encryption::None);
}

#[test]
fn what_the_example_counts_arrives_behind_rotel_over_http_with_names_scopes_and_schema() {
    through("http/protobuf", Encryption::None);
}

#[test]
fn what_the_example_counts_arrives_behind_rotel_by_tls_of_an_authority_of_ones_own() {
    through("grpc", Encryption::Tls);
    through("http/protobuf", Encryption::Tls);
}

#[test]
fn what_the_example_counts_arrives_behind_rotel_where_a_client_certificate_is_asked_for() {
    through("grpc", Encryption::MutualTls);
    through("http/protobuf", Encryption::MutualTls);
}

fn through(protocol: &str, encryption: Encryption) {
    let receiver = Receiver::start();
    let Some(agent) = Agent::start(&receiver) else { return };
    let output = run_example(&agent, protocol, encryption);
    let counted: BTreeMap<String, f64> =
        support::example::engine_count(&output).into_iter().map(|(metric, total)| (metric, total as f64)).collect();
    assert!(!counted.is_empty());

    // The agent batches: the last of each signal is what we wait for. How many spans there are, the last metrics say.
    let all = |arrived: &Arrived| {
        let totals = arrived.totals();
        let records = arrived.logs.iter().flat_map(|r| &r.scope_logs).flat_map(|s| &s.log_records);
        counted.iter().all(|(metric, total)| totals.get(metric) == Some(total))
            && records.filter(|record| record.event_name == "otelcol.pipeline.complete").count() >= 2
            && totals.get(SPANS_EXPORTED) == Some(&(arrived.each_span().count() as f64))
    };
    receiver.wait(Duration::from_secs(30), all, |arrived| {
        let totals = arrived.totals();
        for (metric, total) in &counted {
            assert_eq!(totals.get(metric), Some(total), "{metric} over {protocol} with {encryption:?}");
        }
        let registry = tracing_weaver_registry::load(concat!(env!("CARGO_MANIFEST_DIR"), "/registry/otelcol")).expect("the registry loads");
        check_records(arrived, &registry);
        check_spans(arrived, &registry);
        for scope in arrived.metrics.iter().flat_map(|r| &r.scope_metrics) {
            let name = &scope.scope.as_ref().expect("a scope").name;
            assert_eq!(scope.schema_url == registry.schema_url, registry.metric_set_by_name(name).is_some(), "schema_url of {name}");
        }
    });
}

/// Runs the example against the agent until it ends.
fn run_example(agent: &Agent, protocol: &str, encryption: Encryption) -> Output {
    let (port, alpn) = if protocol == "grpc" { (agent.grpc, "h2") } else { (agent.http, "http/1.1") };
    let authority = Authority::new("the test's own");
    let mut example = support::example::command();
    if encryption == Encryption::None {
        example.env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://127.0.0.1:{port}"));
    } else {
        let agent = authority.issue("localhost", 2100, ExtendedKeyUsagePurpose::ServerAuth);
        let clients = (encryption == Encryption::MutualTls).then_some(&authority);
        example.env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("https://localhost:{}", door::open(&agent, clients, alpn, port)));
        example.env("OTEL_EXPORTER_OTLP_CERTIFICATE", authority.roots());
    }
    if encryption == Encryption::MutualTls {
        let client = authority.issue("client.example", 2100, ExtendedKeyUsagePurpose::ClientAuth);
        example.env("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", client.certificate);
        example.env("OTEL_EXPORTER_OTLP_CLIENT_KEY", client.key);
    }
    let output = example
        .args([concat!(env!("CARGO_MANIFEST_DIR"), "/registry"), "--rounds", "1", "--threads", "2", "--fail", "0.1"])
        .env("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
        .output()
        .expect("the example runs");
    assert!(output.status.success(), "{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    output
}

fn check_records(arrived: &Arrived, registry: &ResolvedRegistry) {
    let mut names = BTreeSet::new();
    for scope in arrived.logs.iter().flat_map(|r| &r.scope_logs) {
        let known = scope.log_records.iter().all(|record| registry.event_by_name(&record.event_name).is_some());
        assert_eq!(scope.schema_url == registry.schema_url, known, "schema_url on what the registry knows, and nowhere else");
        let entities = attributes(&scope.scope.as_ref().expect("a scope").attributes);
        for record in &scope.log_records {
            names.insert(record.event_name.clone());
            let own = attributes(&record.attributes);
            assert!(!own.contains_key("event.name"));
            assert!(own.keys().all(|key| !entities.contains_key(key)), "{own:?} repeats {entities:?}");
            if record.event_name.starts_with("otelcol.pipeline.") {
                assert!(entities.contains_key("otelcol.pipeline.id"), "{} without its pipeline: {entities:?}", record.event_name);
            }
        }
    }
    assert!(names.contains("otelcol.pipeline.start") && names.contains("otelcol.pipeline.complete"), "{names:?}");
    let resource = attributes(&arrived.logs[0].resource.as_ref().expect("a resource").attributes);
    assert_eq!(resource.get("telemetry.sdk.name").map(String::as_str), Some("tracing-weaver"));
}

fn check_spans(arrived: &Arrived, registry: &ResolvedRegistry) {
    let spans: Vec<&Span> = arrived.each_span().collect();
    assert_eq!(arrived.totals().get(SPANS_EXPORTED), Some(&(spans.len() as f64)));
    let by_id: BTreeMap<_, _> = spans.iter().map(|span| ((&span.trace_id, &span.span_id), *span)).collect();
    assert_eq!(by_id.len(), spans.len(), "each span once");
    let names: BTreeSet<&str> = spans.iter().map(|span| span.name.as_str()).collect();
    for name in ["otelcol.batch.receive", "otelcol.batch.process", "otelcol.batch.export"] {
        assert!(names.contains(name), "{name} is not among {names:?}");
    }
    for span in spans {
        let parent = by_id.get(&(&span.trace_id, &span.parent_span_id));
        assert_eq!(parent.is_none(), span.parent_span_id.is_empty(), "{} lost its parent", span.name);
        let parent = parent.map(|parent| parent.name.as_str());
        match span.name.as_str() {
            "otelcol.batch.receive" => assert_eq!(parent, None, "the trace of a batch begins where it is received"),
            // A node works on a batch in its own span, and hands it on out of that.
            "otelcol.batch.process" | "otelcol.batch.export" => {
                assert!(matches!(parent, Some("otelcol.batch.receive" | "otelcol.batch.process")), "{} in {parent:?}", span.name);
            }
            _ => assert!(registry.span_by_type(&span.name).is_some(), "{}", span.name),
        }
    }
    for resource in &arrived.spans {
        assert_eq!(resource.resource, arrived.logs[0].resource, "one resource for all signals");
        for scope in &resource.scope_spans {
            assert_eq!(scope.schema_url, registry.schema_url);
            let entities = attributes(&scope.scope.as_ref().expect("a scope").attributes);
            let in_node = scope.spans.iter().all(|span| span.name.starts_with("otelcol.batch."));
            assert_eq!(entities.contains_key("otelcol.node.id"), in_node, "{:?} in {entities:?}", scope.spans);
        }
    }
}
