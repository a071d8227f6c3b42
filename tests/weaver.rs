//! The registries of this repository in OpenTelemetry Weaver itself, where it is to be had: `WEAVER` names its program, and
//! `WEAVER_POLICIES` folders of its policies, separated as in `PATH`. Without `WEAVER` there is nothing to do.
//!
//! Cargo runs it. It starts Weaver and the example, and talks to loopback alone.

mod support;

use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use support::example::command;

fn weaver() -> Option<OsString> {
    std::env::var_os("WEAVER")
}

fn folder(registry: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("registry").join(registry)
}

#[test]
fn weaver_finds_nothing_in_our_registries_but_that_their_format_is_new() {
    let Some(weaver) = weaver() else { return };
    let policies = std::env::var_os("WEAVER_POLICIES").unwrap_or_default();
    for registry in ["otelcol", "self"] {
        let folder = folder(registry);
        let mut command = Command::new(&weaver);
        // Weaver looks for dependencies from the working directory, and reads nothing of a registry that is called `.`.
        command.current_dir(&folder).args(["registry", "check", "-r", &format!("../{registry}"), "--v2"]);
        command.args(["--diagnostic-format", "json", "--diagnostic-stdout", "--quiet"]);
        for folder in std::env::split_paths(&policies) {
            command.arg("-p").arg(folder);
        }
        let output = command.output().expect("Weaver runs");
        let text = String::from_utf8_lossy(&output.stdout);
        let diagnostics: Vec<Value> = serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("{registry}: {error}: {text}{}", String::from_utf8_lossy(&output.stderr)));
        assert!(output.status.success(), "{registry}: {text}");
        assert!(diagnostics.iter().all(|one| one.to_string().contains("UnstableFileFormat")), "{registry}: {text}");
        let files = std::fs::read_dir(&folder).expect("the registry").flatten().map(|entry| entry.file_name());
        for file in files.filter(|file| file.to_string_lossy().ends_with(".yaml") && file != "manifest.yaml") {
            assert!(text.contains(&*file.to_string_lossy()), "Weaver did not read {}", file.display());
        }
    }
}

/// Weaver's live check of the reference registry, stopped when it is dropped.
struct LiveCheck {
    process: Child,
    otlp: u16,
    admin: u16,
}

impl LiveCheck {
    fn start(weaver: &OsString) -> LiveCheck {
        let [otlp, admin] = [free_port(), free_port()];
        let process = Command::new(weaver)
            .current_dir(folder("otelcol"))
            .args(["registry", "live-check", "-r", "../otelcol", "--v2", "--no-stream", "--format", "json", "--output", "http", "--quiet"])
            .args(["--otlp-grpc-address", "127.0.0.1", "--otlp-grpc-port", &otlp.to_string()])
            .args(["--admin-port", &admin.to_string(), "--inactivity-timeout", "120"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("Weaver runs");
        let check = LiveCheck { process, otlp, admin };
        let until = Instant::now() + Duration::from_secs(60);
        while check.ask("GET /health").is_none_or(|answer| !answer.contains("ready")) {
            assert!(Instant::now() < until, "Weaver's live check does not get ready");
            std::thread::sleep(Duration::from_millis(100));
        }
        check
    }

    /// One request to its administration; `None` where nobody answers.
    fn ask(&self, request: &str) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.admin)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(60))).ok()?;
        write!(stream, "{request} HTTP/1.0\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer.split_once("\r\n\r\n")?.1.to_owned())
    }
}

impl Drop for LiveCheck {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port()
}

#[test]
fn the_examples_telemetry_passes_weavers_live_check() {
    let Some(weaver) = weaver() else { return };
    let check = LiveCheck::start(&weaver);
    let output = command()
        .args(["--rounds", "4", "--reload-after", "2", "--threads", "2", "--fail", "0.3"])
        .args([concat!(env!("CARGO_MANIFEST_DIR"), "/src"), "missing"])
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://127.0.0.1:{}", check.otlp))
        .env("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
        .env("RUST_LOG", "debug,h2=off,hyper=off,hyper_util=off")
        .output()
        .expect("the example runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report = check.ask("POST /stop").expect("Weaver's report");
    let report: Value = serde_json::from_str(&report).unwrap_or_else(|error| panic!("{error}: {report}"));
    let mut violations = Vec::new();
    find_violations(&report["samples"], &mut violations);
    assert!(violations.is_empty(), "{violations:#?}");
    for kind in ["log", "metric", "span"] {
        assert!(report["statistics"]["total_entities_by_type"][kind].as_u64().is_some_and(|count| count > 0), "no {kind} arrived");
    }
}

fn find_violations(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(map) if map.get("type").is_some_and(|kind| kind == "PolicyFinding") && map["level"] == "violation" => {
            found.push(value.to_string());
        }
        Value::Object(map) => map.values().for_each(|inner| find_violations(inner, found)),
        Value::Array(list) => list.iter().for_each(|inner| find_violations(inner, found)),
        _ => {}
    }
}
