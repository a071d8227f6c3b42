//! What the exporter's own thread does never enters the telemetry that it carries, at any level.
//!
//! A process of its own emits at TRACE, so that whatever hyper, h2, tonic, reqwest and rustls say there would be exported too, and with
//! it what its export says, for ever. Neighbours hear nothing of it either, wherever they stand.
#![cfg(all(feature = "grpc", feature = "http", feature = "spans"))]

#[path = "../src/export/tests/receiver.rs"]
#[allow(dead_code)]
mod receiver;

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use receiver::Receiver;
use tracing::Subscriber;
use tracing_subscriber::layer::Context;
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry::LookupSpan;
use tracing_weaver::Telemetry;

const LONG: Duration = Duration::from_secs(60);
const CHILD: &str = "EXPORT_FEEDBACK_CHILD";

/// How our layer and a neighbour come into the program, which is the variable's value.
const STACKS: [&str; 5] = ["install", "filtered", "ours first", "theirs first", "together"];

/// Hears everything, and remembers the targets.
#[derive(Clone, Default)]
struct Neighbour(Arc<Mutex<Vec<String>>>);

impl<S: Subscriber + for<'a> LookupSpan<'a>> tracing_subscriber::Layer<S> for Neighbour {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        self.0.lock().unwrap().push(event.metadata().target().to_owned());
    }

    fn on_new_span(&self, span: &tracing::span::Attributes<'_>, _: &tracing::span::Id, _: Context<'_, S>) {
        self.0.lock().unwrap().push(span.metadata().target().to_owned());
    }
}

fn start(stack: &str, neighbour: Neighbour) -> Telemetry {
    let builder = tracing_weaver::builder();
    if stack == "install" {
        return builder.layer(neighbour).install().expect("telemetry starts");
    }
    if stack == "filtered" {
        return builder.layer(neighbour.with_filter(tracing_subscriber::EnvFilter::new("trace"))).install().expect("telemetry starts");
    }
    let registry = tracing_subscriber::registry();
    match stack {
        "ours first" => {
            let (telemetry, ours) = builder.build().unwrap();
            registry.with(ours).with(neighbour).init();
            telemetry
        }
        "theirs first" => {
            let (telemetry, ours) = builder.build().unwrap();
            registry.with(neighbour).with(ours).init();
            telemetry
        }
        _ => {
            let (telemetry, ours) = builder.build().unwrap();
            registry.with(vec![neighbour.boxed(), ours.boxed()]).init();
            telemetry
        }
    }
}

/// The program under test: three spans with an event in each, a flush after each.
fn emit(stack: &str) {
    let neighbour = Neighbour::default();
    let telemetry = start(stack, neighbour.clone());
    for tick in 0..3 {
        tracing::trace_span!("acme.work").in_scope(|| {
            tracing::event!(name: "acme.tick", tracing::Level::TRACE, acme.tick = tick);
        });
        telemetry.force_flush(LONG).expect("a flush");
    }
    let report = telemetry.shutdown(LONG);
    assert!(report.deadline_met, "{report}");
    for signal in [&report.records, &report.spans] {
        let made = if std::env::var("TRACING_WEAVER_LOG").as_deref() == Ok("off") { 0 } else { 3 };
        assert_eq!((signal.created, signal.destinations[0].exported), (made, made), "{report}");
    }
    assert_eq!(*neighbour.0.lock().unwrap(), ["export_feedback"; 6], "{stack}");
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
fn targets_at(receiver: &Receiver, protocol: &str, stack: &str, filter: &str) -> BTreeMap<String, (usize, usize)> {
    let status = clean(&mut Command::new(std::env::current_exe().unwrap()))
        .args(["--exact", "exporting_makes_no_telemetry", "--nocapture"])
        .env(CHILD, stack)
        .env("TRACING_WEAVER_LOG", filter)
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url(""))
        .env("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
        .status()
        .expect("this test as a process");
    assert!(status.success(), "{protocol}, {stack}, {filter}");
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
    if let Ok(stack) = std::env::var(CHILD) {
        return emit(&stack);
    }
    for stack in STACKS {
        for (receiver, protocol) in [(Receiver::http([]), "http/protobuf"), (Receiver::http([]), "http/json"), (Receiver::grpc([]), "grpc")]
        {
            let targets = targets_at(&receiver, protocol, stack, "trace");
            assert_eq!(targets, BTreeMap::from([("export_feedback".to_owned(), (3, 3))]), "{protocol}, {stack}");
        }
        assert_eq!(targets_at(&Receiver::grpc([]), "grpc", stack, "off"), BTreeMap::new(), "{stack}");
    }
}
