//! Start, flush and shutdown through the public calls, on every kind of runtime, with a receiver that is there, dead or silent.
//!
//! Each case is a process of its own, since `install` is for the whole process and reads the environment.
#![cfg(all(feature = "grpc", feature = "http", feature = "spans"))]

#[path = "../src/export/tests/receiver.rs"]
#[allow(dead_code)]
mod receiver;

use std::process::Command;
use std::time::{Duration, Instant};

use receiver::{Receiver, Reply, bound};
use tracing_weaver::Report;

const LONG: Duration = Duration::from_secs(60);
const CHILD: &str = "EXPORT_RUNTIMES_CHILD";
const RUNTIMES: [&str; 3] = ["none", "current_thread", "one_worker"];

/// The program under test: five spans with an event in each, then shutdown with the deadline that the test chose.
fn program(shutdown: Duration) -> Report {
    let telemetry = tracing_weaver::builder().install().expect("telemetry starts, whatever the receiver does");
    for tick in 0..5 {
        tracing::info_span!("acme.work").in_scope(|| {
            tracing::event!(name: "acme.tick", tracing::Level::INFO, acme.tick = tick);
        });
    }
    let began = Instant::now();
    let report = telemetry.shutdown(shutdown);
    assert!(began.elapsed() < shutdown + LONG / 2, "{report}");
    for signal in [&report.records, &report.spans, &report.points] {
        for destination in &signal.destinations {
            let gone = destination.exported + destination.dropped_total() + destination.in_doubt;
            assert_eq!((signal.created, destination.queued), (gone, 0), "{report}");
        }
    }
    report
}

/// In the child: runs the program on the runtime that the test chose and prints what became of records and spans.
fn child(case: &str) {
    let (runtime, shutdown) = case.split_once(' ').unwrap();
    let shutdown = Duration::from_millis(shutdown.parse().unwrap());
    let report = match runtime {
        "none" => program(shutdown),
        "current_thread" => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async { program(shutdown) })
        }
        _ => {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
            runtime.block_on(async { tokio::spawn(async move { program(shutdown) }).await.unwrap() })
        }
    };
    let became = [&report.records, &report.spans].map(|signal| {
        let destination = &signal.destinations[0];
        format!("{} {} {}", destination.exported, destination.dropped_total(), destination.in_doubt)
    });
    println!("became {}", became.join(", "));
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

/// Exported, dropped, in doubt, of records and of spans, in a process of its own.
fn run(test: &str, runtime: &str, url: &str, protocol: &str, shutdown: Duration) -> String {
    let output = clean(&mut Command::new(std::env::current_exe().unwrap()))
        .args(["--exact", test, "--nocapture"])
        .env(CHILD, format!("{runtime} {}", shutdown.as_millis()))
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        .env("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
        .output()
        .expect("this test as a process");
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{runtime} {protocol}: {text}");
    let became = text.lines().find_map(|line| line.strip_prefix("became "));
    became.unwrap_or_else(|| panic!("no result in {text}")).to_owned()
}

#[test]
fn every_record_and_span_arrives_whatever_the_runtime() {
    if let Ok(case) = std::env::var(CHILD) {
        return child(&case);
    }
    for runtime in RUNTIMES {
        for (receiver, protocol) in [(Receiver::http([]), "http/protobuf"), (Receiver::grpc([]), "grpc")] {
            let became = run("every_record_and_span_arrives_whatever_the_runtime", runtime, &receiver.url(""), protocol, LONG);
            assert_eq!(became, "5 0 0, 5 0 0", "{runtime} {protocol}");
            assert_eq!((receiver.records().len(), receiver.spans().len()), (5, 5));
        }
    }
}

#[test]
fn a_dead_receiver_costs_counted_drops_and_no_more_than_the_deadline() {
    if let Ok(case) = std::env::var(CHILD) {
        return child(&case);
    }
    for runtime in RUNTIMES {
        for protocol in ["http/protobuf", "grpc"] {
            let nobody = bound();
            let url = format!("http://{}", nobody.local_addr().unwrap());
            let test = "a_dead_receiver_costs_counted_drops_and_no_more_than_the_deadline";
            assert_eq!(run(test, runtime, &url, protocol, Duration::from_millis(500)), "0 5 0, 0 5 0", "{runtime} {protocol}");
        }
    }
}

#[test]
fn a_silent_receiver_leaves_records_and_spans_in_doubt_and_costs_no_more_than_the_deadline() {
    if let Ok(case) = std::env::var(CHILD) {
        return child(&case);
    }
    for runtime in RUNTIMES {
        for (receiver, protocol) in
            [(Receiver::http(vec![Reply::Hang; 9]), "http/protobuf"), (Receiver::grpc(vec![Reply::Hang; 9]), "grpc")]
        {
            let test = "a_silent_receiver_leaves_records_and_spans_in_doubt_and_costs_no_more_than_the_deadline";
            let became = run(test, runtime, &receiver.url(""), protocol, Duration::from_secs(2));
            assert_eq!(became, "0 0 5, 0 0 5", "{runtime} {protocol}");
        }
    }
}
