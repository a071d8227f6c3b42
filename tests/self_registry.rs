//! What the software says about itself against the registry in which it says so: same names, units, instruments and attributes.
//!
//! Cargo runs it. It reads what a sink in memory and a file got. It never looks into the crates.

mod support;

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use serde_json::Value;
use support::example::command;
use tracing::{Level, event};
use tracing_subscriber::prelude::*;
use tracing_weaver_registry::SELF_REGISTRY;
use tracing_weaver_registry::model::{AttributeRef, AttributeType, EnumValue, Instrument, RequirementLevel, ResolvedRegistry};
use tracing_weaver_registry::yaml::load_sources;

fn self_registry() -> ResolvedRegistry {
    load_sources(&SELF_REGISTRY).unwrap_or_else(|faults| panic!("{faults}"))
}

/// The metrics in the scope `tracing_weaver` of exported batches.
fn own_metrics(batches: &[String]) -> Vec<Value> {
    let batches = batches.iter().map(|batch| serde_json::from_str::<Value>(batch).expect("a batch is JSON"));
    let scopes = batches.flat_map(|batch| list(&batch["resourceMetrics"])).flat_map(|resource| list(&resource["scopeMetrics"]));
    scopes.filter(|scope| scope["scope"]["name"] == "tracing_weaver").flat_map(|scope| list(&scope["metrics"])).collect()
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}

fn attributes(point: &Value) -> Vec<(String, Value)> {
    list(&point["attributes"]).iter().map(|pair| (pair["key"].as_str().expect("a key").to_owned(), pair["value"].clone())).collect()
}

/// Fails unless the registry declares the metric as it was exported; says which of its points' attributes and values were seen.
fn check(registry: &ResolvedRegistry, metric: &Value, seen: &mut BTreeSet<String>) {
    let name = metric["name"].as_str().expect("a metric has a name");
    let declared = registry.metric_by_name(name).unwrap_or_else(|| panic!("`{name}` is not declared"));
    let declared = registry.metric(declared);
    assert_eq!(metric["unit"], declared.unit, "{name}");
    let sum = &metric["sum"];
    let instrument = if sum["isMonotonic"] == true { Instrument::Counter } else { Instrument::UpDownCounter };
    assert!(sum.is_object() && declared.instrument == instrument, "{name}: {metric}");
    seen.insert(name.to_owned());
    for point in list(&sum["dataPoints"]) {
        assert!(point.get("asInt").is_some(), "{name}: {point}");
        let attributes = attributes(&point);
        for (key, value) in &attributes {
            let Some(reference) = find(registry, &declared.attributes, key) else { panic!("`{name}` does not declare `{key}`") };
            let value = check_value(&registry.attribute(reference.attribute).attribute_type, value)
                .unwrap_or_else(|why| panic!("`{key}` of `{name}` is {value}: {why}"));
            seen.insert(format!("{name} {key}={value}"));
        }
        for reference in declared.attributes.iter().filter(|reference| reference.requirement_level == RequirementLevel::Required) {
            let key = &registry.attribute(reference.attribute).key;
            assert!(attributes.iter().any(|(there, _)| there == key), "a point of `{name}` lacks `{key}`");
        }
    }
}

fn find<'r>(registry: &ResolvedRegistry, attributes: &'r [AttributeRef], key: &str) -> Option<&'r AttributeRef> {
    attributes.iter().find(|reference| registry.attribute(reference.attribute).key == key)
}

fn check_value(declared: &AttributeType, value: &Value) -> Result<String, &'static str> {
    match declared {
        AttributeType::Int => value["intValue"].as_str().map(str::to_owned).or(value["intValue"].as_i64().map(|i| i.to_string())),
        AttributeType::String => value["stringValue"].as_str().map(str::to_owned),
        AttributeType::Enum(closed) => {
            let text = value["stringValue"].as_str().ok_or("no text")?;
            let member = closed.members.iter().any(|member| member.value == EnumValue::String(text.to_owned()));
            return if member { Ok(text.to_owned()) } else { Err("no member of the enum") };
        }
        _ => None,
    }
    .ok_or("not of the type that is declared")
}

const PRIVATE: &str = "
file_format: definition/2
attributes:
  - {key: acme.secret, type: string, brief: A secret., stability: stable, annotations: {tracing_weaver: {sensitivity: secret}}}
  - {key: acme.person, type: string, brief: A person., stability: stable, annotations: {tracing_weaver: {sensitivity: personal}}}
  - {key: acme.address, type: string, brief: An address., stability: stable, annotations: {tracing_weaver: {normalize: [ip_prefix]}}}
  - {key: acme.text, type: string, brief: A text., stability: stable}
  - {key: acme.shown, type: string, brief: What panics., stability: stable}
events:
  - name: acme.event
    brief: It happened.
    stability: stable
    attributes: [{ref: acme.secret}, {ref: acme.person}, {ref: acme.address}, {ref: acme.text}, {ref: acme.shown}]
";

struct Panics;

impl fmt::Debug for Panics {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("on purpose")
    }
}

#[test]
fn every_reason_for_keeping_a_field_back_is_declared() {
    let registry = load_sources(&[("manifest.yaml", "schema_url: https://example.com/schemas/acme/1.0.0"), ("acme.yaml", PRIVATE)]);
    let packed = registry.unwrap_or_else(|faults| panic!("{faults}")).to_bytes();
    let memory = tracing_weaver::Memory::new();
    let builder = tracing_weaver::builder().registry_bytes(packed).console(false).memory(&memory);
    let (telemetry, layer) = builder.build().expect("telemetry starts");
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        let long = "x".repeat(70_000);
        event!(name: "acme.event", Level::INFO, acme.secret = "s", acme.person = "p", acme.address = "192.0.2.7", acme.text = long);
        event!(name: "acme.event", Level::INFO, acme.other = 1, acme.shown = ?Panics);
    });
    telemetry.force_flush(Duration::from_secs(30)).expect("everything is exported");

    let (registry, mut seen) = (self_registry(), BTreeSet::new());
    own_metrics(&memory.metrics()).iter().for_each(|metric| check(&registry, metric, &mut seen));
    for reason in ["undeclared", "secret", "personal", "normalize", "panic", "too_long"] {
        assert!(seen.contains(&format!("tracing_weaver.field.dropped tracing_weaver.reason={reason}")), "{reason}: {seen:#?}");
    }
    let component = "otel.component.type=memory_log_exporter";
    assert!(seen.contains(&format!("otel.sdk.exporter.log.exported {component}")), "{seen:#?}");
}

#[test]
fn what_is_wrong_with_entities_and_measurements_is_in_stats_report_and_metrics_and_is_declared() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/registry/acme");
    let memory = tracing_weaver::Memory::new();
    let (telemetry, layer) = tracing_weaver::builder().registry(folder).console(false).memory(&memory).build().expect("telemetry starts");
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        let unattributed = 3;
        event!(name: "acme.order.accept", Level::INFO, acme.order.items = unattributed);
        let _nameless = tracing::info_span!("acme.shop").entered();
        let shop = tracing::info_span!("acme.shop", acme.shop.id = "north").entered();
        shop.record("acme.shop.id", "south");
        event!(name: "acme.order.accept", Level::INFO, acme.order.items = 1, acme.shop.id = "west");
        event!(name: "acme.order.accept", Level::INFO, acme.order.items = "many");
    });
    telemetry.force_flush(Duration::from_secs(30)).expect("everything is exported");

    let (registry, mut seen) = (self_registry(), BTreeSet::new());
    own_metrics(&memory.metrics()).iter().for_each(|metric| check(&registry, metric, &mut seen));
    for point in ["field identity_conflict", "field late_value", "entity identity", "measurement refused", "measurement unattributed"] {
        let (of, reason) = point.split_once(' ').expect("two words");
        assert!(seen.contains(&format!("tracing_weaver.{of}.dropped tracing_weaver.reason={reason}")), "{point}: {seen:#?}");
    }
    let (stats, report) = (telemetry.stats(), telemetry.shutdown(Duration::from_secs(30)));
    for fields in [&stats.fields_dropped, &report.fields_dropped] {
        assert!(fields.contains(&("identity_conflict", 1)) && fields.contains(&("late_value", 1)), "{fields:?}");
    }
    assert_eq!((stats.entities_refused, report.entities_refused), (1, 1));
    assert!(stats.measurements_refused > 0 && stats.measurements_refused == report.measurements_refused, "{report:?}");
    assert!(stats.measurements_unattributed > 0 && stats.measurements_unattributed == report.measurements_unattributed, "{report:?}");
    assert!(report.to_string().contains("\nentity spans that opened no entity: 1\n"), "{report}");
}

#[test]
fn everything_that_a_program_with_and_without_a_receiver_says_of_its_telemetry_is_declared() {
    let receiver = support::receiver::Receiver::start();
    let (registry, mut seen) = (self_registry(), BTreeSet::new());
    // Nobody listens on port 1.
    let nobody = "http://127.0.0.1:1".to_owned();
    for (endpoint, protocol) in [(receiver.url(), "http/protobuf"), (nobody.clone(), "http/json"), (nobody, "grpc")] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("telemetry.jsonl");
        let output = command()
            .args(["--rounds", "1", "--threads", "1"])
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))
            .env("OTEL_LOGS_EXPORTER", "otlp,console")
            .env("OTEL_METRICS_EXPORTER", "otlp")
            .env("OTEL_TRACES_EXPORTER", "otlp,console")
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)
            .env("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
            .env("OTEL_EXPORTER_OTLP_TIMEOUT", "300")
            .env("OTEL_METRIC_EXPORT_INTERVAL", "50")
            .env("TRACING_WEAVER_FILE", &file)
            .output()
            .expect("the example runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let lines: Vec<String> = std::fs::read_to_string(&file).expect("the file").lines().map(str::to_owned).collect();
        own_metrics(&lines).iter().for_each(|metric| check(&registry, metric, &mut seen));
    }
    let remote = ["http", "http_json", "grpc"].iter().flat_map(|way| ["log", "metric", "span"].map(|of| format!("otlp_{way}_{of}")));
    let local = ["console_log", "console_span", "file_log", "file_metric", "file_span"].map(str::to_owned);
    for exporter in remote.chain(local) {
        assert!(seen.iter().any(|seen| seen.ends_with(&format!("otel.component.type={exporter}_exporter"))), "{exporter}: {seen:#?}");
    }
    for metric in &registry.metrics {
        let said_only_of_what_is_kept_back = metric.name.starts_with("tracing_weaver.");
        assert!(seen.contains(&metric.name) || said_only_of_what_is_kept_back, "`{}` is declared and never said", metric.name);
    }
}
