//! Spans in the sinks inside the process: memory and file, beside the records that were emitted in them.
#![cfg(feature = "spans")]

use std::time::Duration;

use serde_json::Value;
use tracing::{Level, event, info_span};
use tracing_subscriber::prelude::*;
use tracing_weaver::Memory;

const LONG: Duration = Duration::from_secs(60);

fn only<'a>(requests: &'a [Value], pointer: &str) -> Vec<&'a Value> {
    requests.iter().filter_map(|request| request.pointer(pointer)).collect()
}

#[test]
fn spans_stand_in_memory_and_in_the_file_with_the_ids_that_records_bear() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("telemetry.jsonl");
    let memory = Memory::new();
    let (telemetry, layer) = tracing_weaver::builder().console(false).memory(&memory).file(&path).filter("info").build().unwrap();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        let batch = info_span!("acme.batch", acme.batch.size = 512u64).entered();
        info_span!("acme.work").in_scope(|| event!(name: "acme.tick", Level::INFO, acme.tick = 1));
        drop(batch);
    });
    telemetry.force_flush(LONG).unwrap();
    let report = telemetry.shutdown(LONG);
    assert!(report.deadline_met, "{report}");
    assert_eq!(report.spans.created, 2);
    for name in ["memory", "file"] {
        let destination = report.spans.destinations.iter().find(|to| to.name == name).unwrap_or_else(|| panic!("no {name} in {report}"));
        assert_eq!(destination.exported, 2, "{report}");
    }

    let parsed = |lines: Vec<String>| -> Vec<Value> { lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect() };
    let file = parsed(std::fs::read_to_string(&path).unwrap().lines().map(str::to_owned).collect());
    let kept = parsed(memory.traces());
    let spans = "/resourceSpans/0/scopeSpans/0/spans";
    assert_eq!(only(&kept, spans), only(&file, spans), "what stands in memory stands in the file");
    let [Value::Array(spans)] = &only(&kept, spans)[..] else { panic!("one request of spans, not {kept:?}") };
    let [work, batch] = &spans[..] else { panic!("two spans, not {spans:?}") };
    assert_eq!((&work["name"], &batch["name"]), (&"acme.work".into(), &"acme.batch".into()));
    assert_eq!((&work["traceId"], &work["parentSpanId"]), (&batch["traceId"], &batch["spanId"]));
    assert_eq!(batch["attributes"][0]["value"]["intValue"], "512");
    let id = batch["traceId"].as_str().unwrap();
    assert!(id.len() == 32 && id.bytes().all(|digit| digit.is_ascii_hexdigit()), "{id}");
    let records = only(&file, "/resourceLogs/0/scopeLogs/0/logRecords/0");
    assert_eq!((&records[0]["traceId"], &records[0]["spanId"]), (&work["traceId"], &work["spanId"]));
}
