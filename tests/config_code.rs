//! What code says: `build()`, mistakes in code, registries that cannot be read.
#![cfg(feature = "yaml")]

use std::time::Duration;

use tracing::{Level, event, info_span};
use tracing_subscriber::prelude::*;
use tracing_subscriber::{Layer, Registry};
use tracing_weaver::{Builder, Error, Memory, Telemetry};
use tracing_weaver_registry::ErrorKind;

const REGISTRY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/registry/acme");

struct Nothing;

impl Layer<Registry> for Nothing {}

fn refused(builder: Builder) -> Error {
    match builder.console(false).build::<Registry>() {
        Ok((telemetry, _)) => panic!("started: {}", telemetry.describe()),
        Err(error) => error,
    }
}

fn started(builder: Builder) -> (Telemetry, String) {
    let memory = Memory::new();
    let (telemetry, layer) = builder.console(false).memory(&memory).build().unwrap();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        let _shop = info_span!("acme.shop", acme.shop.id = "north").entered();
        event!(name: "acme.order.accept", Level::INFO, acme.order.items = 3);
        tracing::info!("plain");
    });
    telemetry.force_flush(Duration::from_secs(5)).unwrap();
    (telemetry, memory.logs().concat())
}

#[test]
fn a_layer_with_build_is_an_error_that_says_where_it_goes() {
    let error = refused(tracing_weaver::builder().layer(Nothing));
    assert!(matches!(error, Error::LayerWithBuild) && error.to_string().contains(".with(layer)"), "{error}");
}

#[test]
fn a_mistake_in_code_is_an_error() {
    let error = refused(tracing_weaver::builder().filter("info,acme=loud"));
    assert!(matches!(error, Error::Filter(_)) && error.to_string().contains("`acme=loud`"), "{error}");
    let error = refused(tracing_weaver::builder().detectors(["os", "hots"]));
    assert!(matches!(error, Error::UnknownDetector { .. }), "{error}");
    let error = refused(tracing_weaver::builder().registry(REGISTRY).registry_bytes(b"".as_slice()));
    assert!(matches!(error, Error::TwoRegistries), "{error}");
    let error = refused(tracing_weaver::builder().resource([("", "x")]));
    assert!(matches!(error, Error::EmptyResourceKey) && error.to_string().contains("a key is empty"), "{error}");
    let error = refused(tracing_weaver::builder().file("/"));
    assert!(matches!(error, Error::File { .. }) && error.to_string().contains("\"/\""), "{error}");
}

#[test]
fn every_fault_of_a_registry_is_in_the_error() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("manifest.yaml"), "schema_url: https://example.com/schemas/bad/1.0.0\n").unwrap();
    std::fs::write(
        folder.path().join("a.yaml"),
        "file_format: definition/2\nattributes:\n  - key: a.b\n    type: sting\n    brief: B.\n    stability: development\n",
    )
    .unwrap();
    std::fs::write(folder.path().join("b.yaml"), "file_format: definition/2\nevents:\n  - name: a.c\n    brief: C.\n    stability: development\n    attributes:\n      - ref: no.such\n").unwrap();
    let error = refused(tracing_weaver::builder().registry(folder.path()));
    let text = error.to_string();
    assert!(text.contains("a.yaml:4:") && text.contains("b.yaml:7:"), "{text}");
    assert_eq!(format!("{error:?}"), text, "a `main` that returns the error prints it for people");
    let Error::Registry(faults) = error else { panic!("{text}") };
    assert!(faults.iter().count() >= 2);
}

#[test]
fn a_registry_that_is_not_there_is_an_error_that_names_it() {
    let error = refused(tracing_weaver::builder().registry("no/such/folder"));
    assert!(error.to_string().contains("no/such/folder"), "{error}");
    let Error::Registry(faults) = error else { panic!("another error") };
    assert!(faults.iter().all(|fault| fault.line == 0 && fault.kind == ErrorKind::SemConvSpecError));
}

#[test]
fn bytes_that_are_no_registry_are_an_error() {
    let error = refused(tracing_weaver::builder().registry_bytes(b"no registry".as_slice()));
    assert!(matches!(error, Error::Packed(_)), "{error}");
}

#[test]
fn a_packed_registry_serves_as_its_folder_does() {
    let bytes = tracing_weaver_registry::load(REGISTRY).unwrap().to_bytes();
    let (packed, _) = started(tracing_weaver::builder().registry_bytes(bytes));
    let (folder, _) = started(tracing_weaver::builder().registry(REGISTRY));
    for telemetry in [packed, folder] {
        assert_eq!(telemetry.metrics_snapshot().total("acme.shop.order.items"), 3.0);
    }
}

#[test]
fn without_a_registry_records_are_plain_and_nothing_is_folded() {
    let (telemetry, logs) = started(tracing_weaver::builder());
    assert!(logs.contains("plain") && logs.contains("acme.order.items") && !logs.contains("schemaUrl\":\"http"), "{logs}");
    assert_eq!(telemetry.metrics_snapshot().sets().count(), 0);
    assert_eq!(telemetry.metrics_snapshot().to_string(), "");
}

#[test]
fn stages_can_be_switched_off_one_by_one() {
    let (telemetry, logs) = started(tracing_weaver::builder().registry(REGISTRY).fold(false));
    assert!(logs.contains("acme.order.accept"));
    assert_eq!(telemetry.metrics_snapshot().sets().count(), 0);
    let (telemetry, logs) = started(tracing_weaver::builder().registry(REGISTRY).forward(false));
    assert_eq!(logs, "");
    assert_eq!(telemetry.metrics_snapshot().total("acme.shop.order.items"), 3.0);
    let (_, logs) = started(tracing_weaver::builder().code_location(true));
    assert!(logs.contains("code.line.number"), "{logs}");
}

#[test]
fn a_snapshot_is_read_by_metric_by_set_and_by_eye() {
    let (telemetry, _) = started(tracing_weaver::builder().registry(REGISTRY));
    let snapshot = telemetry.metrics_snapshot();
    let set = snapshot.sets().next().unwrap();
    assert_eq!((set.name(), set.entity_types()), ("acme.shop.order", &["acme.shop".into()][..]));
    let series: Vec<_> = snapshot.metric("acme.shop.order.count").collect();
    assert_eq!(series.len(), 1);
    assert_eq!(series[0].value, &tracing_weaver::PointValue::Int(1));
    assert_eq!(series[0].set.attributes(), [("acme.shop.id".into(), tracing_weaver::Value::Str("north".into()))]);
    assert!(series[0].set.start() <= snapshot.time());
    assert_eq!(snapshot.metric("acme.no.such").count(), 0);
    assert!(snapshot.to_string().starts_with("acme.shop.order  acme.shop.id=north\n"), "{snapshot}");
}

#[test]
fn telemetry_is_shared_between_threads_and_tasks() {
    fn is_shared<T: Send + Sync + 'static>() {}
    is_shared::<Telemetry>();
    is_shared::<Error>();
    is_shared::<Memory>();
}
