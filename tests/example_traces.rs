//! The traces of the example `dataflow_engine`: batches from receiver to exporter, and reloads from the controller to the engine
//! threads.
//!
//! Cargo runs it. It never looks into the program.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::Value;
use support::run::{Run, attributes, plain_number};
use tracing_weaver_registry::model::ResolvedRegistry;

/// A span and what stands on its scope.
#[derive(Debug)]
struct Span {
    name: String,
    trace: String,
    parent: String,
    failed: bool,
    attributes: BTreeMap<String, String>,
    entities: BTreeMap<String, String>,
    events: Vec<Value>,
}

/// All spans of a run, by their ids.
fn spans(run: &Run) -> BTreeMap<String, Span> {
    let text = |span: &Value, key: &str| span[key].as_str().unwrap_or_default().to_owned();
    let spans = run.spans();
    let count = spans.len();
    let by_id: BTreeMap<String, Span> = spans
        .into_iter()
        .map(|(scope, span)| {
            assert!(scope["schemaUrl"].as_str().is_some_and(|url| url.contains("/otelcol/")), "{scope}");
            let of = Span {
                name: text(&span, "name"),
                trace: text(&span, "traceId"),
                parent: text(&span, "parentSpanId"),
                failed: plain_number(&span["status"]["code"]) == 2,
                attributes: attributes(&span),
                entities: attributes(&scope["scope"]),
                events: span["events"].as_array().cloned().unwrap_or_default(),
            };
            (text(&span, "spanId"), of)
        })
        .collect();
    assert_eq!(by_id.len(), count, "an id stands for two spans");
    by_id
}

fn named<'s>(spans: &'s BTreeMap<String, Span>, name: &'s str) -> impl Iterator<Item = (&'s String, &'s Span)> {
    spans.iter().filter(move |(_, span)| span.name == name)
}

/// Two files, of which one is long, and configurations: all blocks traced, and one that does not hold.
fn files(folder: &Path) {
    let data = folder.join("data");
    fs::create_dir_all(&data).expect("a folder");
    let text: String = (0..6_000).map(|line| format!("line {line} of a text\n")).collect();
    fs::write(data.join("long"), text).expect("a file");
    fs::write(data.join("short"), "one\ntwo").expect("a file");
    fs::write(folder.join("all"), "batch_lines = 100\ntrace_every = 1\n").expect("a file");
    fs::write(folder.join("wrong"), "batch_lines\n").expect("a file");
}

#[test]
fn a_batch_is_one_trace_from_the_receiver_over_every_channel_to_each_exporter() {
    let args = ["{}/data", "--rounds", "3", "--threads", "2", "--reload-after", "2", "--fail", "0.3", "--config", "{}/all"];
    let run = Run::new("info", &args, files);
    run.assert_success();
    let spans = spans(&run);
    let ways = ["gzip_file", "checksum"].map(|exporter| {
        [
            ("otelcol.batch.export", exporter),
            ("otelcol.batch.process", "fan_out"),
            ("otelcol.batch.process", "batch"),
            ("otelcol.batch.process", "text_only"),
            ("otelcol.batch.process", "parse_lines"),
            ("otelcol.batch.receive", "read_files"),
        ]
    });
    for (_, export) in named(&spans, "otelcol.batch.export") {
        let mut way = Vec::new();
        let mut next = Some(export);
        while let Some(span) = next {
            assert_eq!(span.trace, export.trace);
            assert_eq!(span.entities["thread.id"], export.entities["thread.id"]);
            assert!(span.entities.contains_key("otelcol.pipeline.id"), "{span:?}");
            way.push((span.name.as_str(), span.entities["otelcol.node.id"].as_str()));
            next = (!span.parent.is_empty()).then(|| spans.get(&span.parent).unwrap_or_else(|| panic!("{span:?} lacks its parent")));
        }
        assert!(ways.iter().any(|expected| *expected == way[..]), "{way:?}");
    }
    let batches: i64 = last_counts(&run, "otelcol.pipeline.batch.size").values().sum();
    assert_eq!(named(&spans, "otelcol.batch.export").count() as i64, 2 * batches, "each batch at each exporter");
}

/// How often a histogram was recorded to, by series.
fn last_counts(run: &Run, name: &str) -> BTreeMap<String, i64> {
    let mut counts = BTreeMap::new();
    for (scope, metric) in run.metrics().iter().filter(|(_, metric)| metric["name"] == name) {
        for point in metric["histogram"]["dataPoints"].as_array().into_iter().flatten() {
            counts.insert(format!("{:?} {:?}", attributes(&scope["scope"]), attributes(point)), plain_number(&point["count"]));
        }
    }
    counts
}

#[test]
fn one_block_in_so_many_begins_a_trace_and_what_is_not_traced_has_no_span() {
    let run = Run::new("info", &["{}/data", "--rounds", "4", "--threads", "1", "--reload-after", "0"], files);
    run.assert_success();
    let spans = spans(&run);
    let blocks: i64 = last_counts(&run, "otelcol.node.duration").iter().filter(|(of, _)| of.contains("read_files")).map(|(_, n)| n).sum();
    let begun = named(&spans, "otelcol.batch.receive").count() as i64;
    assert_eq!(begun, (blocks + 15) / 16, "{blocks} blocks");
    let roots: BTreeSet<&str> = spans.values().filter(|span| span.parent.is_empty()).map(|span| span.name.as_str()).collect();
    assert_eq!(roots, ["otelcol.batch.receive", "otelcol.pipeline.build"].into());
    assert!(Run::new("off", &["{}/data"], files).spans().is_empty(), "the filter lets no span through");
}

#[test]
fn a_reload_is_one_trace_from_the_controller_to_every_engine_thread() {
    let args = ["{}/data", "--rounds", "3", "--threads", "2", "--reload-after", "1", "--config", "{}/all", "--config", "{}/wrong"];
    let args = [&args[..], &["--config", "{}/all"]].concat();
    let run = Run::new("info", &args, files);
    run.assert_success();
    let spans = spans(&run);
    let mut reloads: Vec<_> = named(&spans, "otelcol.config.reload").collect();
    reloads.sort_by_key(|(_, reload)| !reload.failed);
    let [(wrong_id, wrong), (right_id, right)] = reloads[..] else { panic!("{reloads:?}") };
    assert_eq!(wrong.attributes, [("error.type".to_owned(), "not_a_setting".to_owned())].into());
    assert_eq!(right.attributes, [("otelcol.config.generation".to_owned(), "3".to_owned())].into());
    assert!(!right.failed && [wrong, right].iter().all(|reload| reload.parent.is_empty()), "{reloads:?}");

    let built = |of: &str| -> BTreeSet<&str> {
        let builds = named(&spans, "otelcol.pipeline.build").filter(|(_, build)| build.parent == of);
        builds.map(|(_, build)| build.entities["thread.id"].as_str()).collect()
    };
    assert_eq!(built(right_id), ["1", "2"].into(), "on each thread");
    assert_eq!(built(wrong_id), [].into());
    assert_eq!(built(""), ["1", "2"].into(), "the first ones are in no reload");

    for (event, id) in [("otelcol.pipeline_group.reload.complete", right_id), ("otelcol.pipeline_group.reload.fail", wrong_id)] {
        let (_, record) = run.records().into_iter().find(|(_, record)| record["eventName"] == event).expect("the record");
        assert_eq!((record["spanId"].as_str(), record["traceId"].as_str()), (Some(id.as_str()), Some(spans[id].trace.as_str())), "{event}");
    }
}

#[test]
fn a_failure_is_told_by_a_record_with_the_spans_ids_and_by_the_span_and_never_by_an_event_of_the_span() {
    let args = ["{}/data", "--rounds", "2", "--threads", "1", "--reload-after", "0", "--fail", "1", "--config", "{}/all"];
    let run = Run::new("info", &args, files);
    run.assert_success();
    let spans = spans(&run);
    let failures: Vec<_> = run.records().into_iter().filter(|(_, record)| record["eventName"] == "otelcol.node.batch.fail").collect();
    assert!(!failures.is_empty());
    for (_, record) in failures {
        let span = &spans[record["spanId"].as_str().expect("the span's id")];
        assert_eq!(Some(span.trace.as_str()), record["traceId"].as_str());
        assert!(span.failed && span.events.is_empty(), "{span:?}");
        assert_eq!(span.entities["otelcol.node.id"], "gzip_file");
        assert_eq!(span.attributes["error.type"], "injected_fault");
        assert_eq!(span.attributes["otelcol.attempt"], attributes(&record)["otelcol.attempt"]);
    }
}

#[test]
fn an_exception_is_an_event_of_the_span_that_it_ends() {
    let run = Run::new("info", &["{}/data", "--threads", "1", "--out", "{}/nowhere"], files);
    let spans = spans(&run);
    let (_, build) = named(&spans, "otelcol.pipeline.build").next().expect("the span");
    assert!(build.failed && build.attributes["error.type"] == "not_found", "{build:?}");
    let [exception] = &build.events[..] else { panic!("{build:?}") };
    assert_eq!(exception["name"], "exception");
    assert!(attributes(exception)["exception.message"].contains("os error"), "{exception}");
}

#[test]
fn spans_are_of_the_registrys_types_and_carry_what_it_declares_for_them() {
    let registry: ResolvedRegistry =
        tracing_weaver_registry::load(concat!(env!("CARGO_MANIFEST_DIR"), "/registry/otelcol")).unwrap_or_else(|faults| panic!("{faults}"));
    let args = ["{}/data", "--rounds", "2", "--threads", "1", "--reload-after", "1", "--fail", "0.5", "--config", "{}/all"];
    let run = Run::new("info", &args, files);
    let seen = spans(&run);
    for span_type in &registry.spans {
        let mut of_type = named(&seen, &span_type.span_type).peekable();
        assert!(of_type.peek().is_some(), "no `{}`", span_type.span_type);
        let declared: BTreeSet<&str> =
            span_type.attributes.iter().map(|reference| registry.attribute(reference.attribute).key.as_str()).collect();
        for (_, span) in of_type {
            assert!(span.attributes.keys().all(|key| declared.contains(key.as_str())), "{span:?}");
        }
    }
    assert!(seen.values().all(|span| registry.span_by_type(&span.name).is_some()));
}
