//! What the exporter's own thread does never enters the telemetry that it carries, at any level.
//!
//! A process of its own emits at TRACE, so that whatever hyper, h2, tonic, reqwest and rustls say there would be exported too, and with
//! it what its export says, for ever.
#![cfg(all(feature = "grpc", feature = "http", feature = "spans"))]

#[path = "../src/export/tests/receiver.rs"]
#[allow(dead_code)]
mod receiver;

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use receiver::Receiver;

const LONG: Duration = Duration::from_secs(60);
const CHILD: &str = "EXPORT_FEEDBACK_CHILD";

/// The program under test: three spans with an event in each, a flush after each.
fn emit() {
    let telemetry = tracing_weaver::builder().install().expect("telemetry starts");
    for tick in 0..3 {
        tracing::trace_span!("acme.work").in_scope(|| {
            tracing::event!(name: "acme.tick", tracing::Level::TRACE, acme.tick = tick);
        });
        telemetry.force_flush(LONG).expect("a flush");
    }
    let report = telemetry.shutdown(LONG);
    assert!(report.deadline_met, "{report}");
    for signal in [&report.records, &report.spans] {
        assert_eq!((signal.created, signal.destinations[0].exported), (3, 3), "{report}");
    }
}

/// The caller's own configuration is not the child's.
fn clean(command: &mut Command) -> &mut Command {
    for (name, _) in std::env::vars_os() {
        let shown = name.to_string_lossy();
        if shown.starts_with("OTEL_") || shown.starts_with("TRACING_WEAVER_") || shown == "RUST_LOG" {
            command.env_remove(&name);
        }
    }
    command
}

/// How many records and spans came from which target.
fn targets_at(receiver: &Receiver, protocol: &str) -> BTreeMap<String, (usize, usize)> {
    let status = clean(&mut Command::new(std::env::current_exe().unwrap()))
        .args(["--exact", "exporting_makes_no_telemetry", "--nocapture"])
        .env(CHILD, "1")
        .env("TRACING_WEAVER_LOG", "trace")
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url(""))
        .env("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
        .status()
        .expect("this test as a process");
    assert!(status.success(), "{protocol}");
    let mut targets = BTreeMap::new();
    for scope in receiver.scopes() {
        targets.entry(scope.scope.unwrap().name).or_insert((0, 0)).0 += scope.log_records.len();
    }
    for scope in receiver.span_scopes() {
        targets.entry(scope.scope.unwrap().name).or_insert((0, 0)).1 += scope.spans.len();
    }
    targets
}

#[test]
fn exporting_makes_no_telemetry() {
    if std::env::var_os(CHILD).is_some() {
        return emit();
    }
    for (receiver, protocol) in [(Receiver::http([]), "http/protobuf"), (Receiver::http([]), "http/json"), (Receiver::grpc([]), "grpc")] {
        assert_eq!(targets_at(&receiver, protocol), BTreeMap::from([("export_feedback".to_owned(), (3, 3))]), "{protocol}");
    }
}
