//! Refinements of events, at run time: emitted by their ids or by their base's name.
//!
//! Cargo runs it. It reads what a sink in memory got.

use std::time::Duration;

use serde_json::Value;
use tracing::{Level, event};
use tracing_subscriber::prelude::*;
use tracing_weaver_registry::yaml::load_sources;

const ACME: &str = "
file_format: definition/2
attributes:
  - {key: acme.items, type: int, brief: Items., stability: stable}
  - {key: acme.why, type: string, brief: Why it is tried again., stability: stable}
events:
  - {name: acme.queue.drain, brief: A queue was drained., stability: stable, attributes: [{ref: acme.items}]}
event_refinements:
  - {id: acme.queue.drain.again, ref: acme.queue.drain, attributes: [{ref: acme.why, requirement_level: required}]}
metrics:
  - name: acme.queue.items
    brief: Items drained.
    stability: stable
    unit: '{item}'
    instrument: counter
    annotations: {tracing_weaver: {fold: {event: acme.queue.drain, value: acme.items}}}
";

#[test]
fn a_refined_event_keeps_what_it_adds_and_is_folded_like_its_base_by_either_name() {
    let registry = load_sources(&[("manifest.yaml", "schema_url: https://example.com/schemas/acme/1.0.0"), ("acme.yaml", ACME)]);
    let packed = registry.unwrap_or_else(|faults| panic!("{faults}")).to_bytes();
    let memory = tracing_weaver::Memory::new();
    let builder = tracing_weaver::builder().registry_bytes(packed).console(false).memory(&memory);
    let (telemetry, layer) = builder.build().expect("telemetry starts");
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        event!(name: "acme.queue.drain", Level::INFO, acme.items = 1);
        event!(name: "acme.queue.drain", Level::INFO, acme.items = 2, acme.why = "by its base's name");
        event!(name: "acme.queue.drain.again", Level::INFO, acme.items = 4, acme.why = "by its id", acme.other = 1);
    });
    telemetry.force_flush(Duration::from_secs(30)).expect("everything is exported");
    assert_eq!(telemetry.metrics_snapshot().total("acme.queue.items"), 7.0);

    let mut records = Vec::new();
    for batch in memory.logs() {
        let batch: Value = serde_json::from_str(&batch).expect("a batch is JSON");
        for scope in batch["resourceLogs"][0]["scopeLogs"].as_array().expect("scopes") {
            assert_eq!(scope["schemaUrl"], "https://example.com/schemas/acme/1.0.0");
            for record in scope["logRecords"].as_array().expect("records") {
                let keys = record["attributes"].as_array().into_iter().flatten().map(|pair| pair["key"].as_str().unwrap_or_default());
                records.push(format!("{} {}", record["eventName"].as_str().unwrap_or_default(), keys.collect::<Vec<_>>().join(" ")));
            }
        }
    }
    assert_eq!(
        records,
        ["acme.queue.drain acme.items", "acme.queue.drain acme.items acme.why", "acme.queue.drain.again acme.items acme.why"],
        "what neither declares is left out"
    );
}
