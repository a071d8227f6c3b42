//! The example's telemetry through a real agent: `rotel` receives it over gRPC and over HTTP and hands it on.
//!
//! `.ci/peers` fetches the agent. Without it the test says that it was skipped; with `REQUIRE_PEERS=1` that is a failure.
//! It never sends anything beyond loopback.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use support::receiver::{Receiver, attributes};

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

#[test]
fn what_the_example_counts_arrives_behind_rotel_over_grpc_with_names_scopes_and_schema() {
    through("grpc");
}

#[test]
fn what_the_example_counts_arrives_behind_rotel_over_http_with_names_scopes_and_schema() {
    through("http/protobuf");
}

fn through(protocol: &str) {
    let receiver = Receiver::start();
    let Some(agent) = Agent::start(&receiver) else { return };
    let port = if protocol == "grpc" { agent.grpc } else { agent.http };
    let endpoint = format!("http://127.0.0.1:{port}");
    let output = support::example::command()
        .args([concat!(env!("CARGO_MANIFEST_DIR"), "/registry"), "--rounds", "1", "--threads", "2", "--fail", "0.1"])
        .envs([("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()), ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)])
        .output()
        .expect("the example runs");
    assert!(output.status.success(), "{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let counted: BTreeMap<String, f64> =
        support::example::engine_count(&output).into_iter().map(|(metric, total)| (metric, total as f64)).collect();
    assert!(!counted.is_empty());

    // The agent batches; the last metrics and the last record are what we wait for.
    let all = |arrived: &support::receiver::Arrived| {
        let totals = arrived.totals();
        let records = arrived.logs.iter().flat_map(|r| &r.scope_logs).flat_map(|s| &s.log_records);
        counted.iter().all(|(metric, total)| totals.get(metric) == Some(total))
            && records.filter(|record| record.event_name == "otelcol.pipeline.complete").count() >= 2
    };
    receiver.wait(Duration::from_secs(30), all, |arrived| {
        let totals = arrived.totals();
        for (metric, total) in &counted {
            assert_eq!(totals.get(metric), Some(total), "{metric} over {protocol}");
        }
        let registry = tracing_weaver_registry::load(concat!(env!("CARGO_MANIFEST_DIR"), "/registry/otelcol")).expect("the registry loads");
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
        for scope in arrived.metrics.iter().flat_map(|r| &r.scope_metrics) {
            let name = &scope.scope.as_ref().expect("a scope").name;
            assert_eq!(scope.schema_url == registry.schema_url, registry.metric_set_by_name(name).is_some(), "schema_url of {name}");
        }
    });
}
