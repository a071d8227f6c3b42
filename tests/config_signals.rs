//! What the environment does to records and spans: limits, batches, sampling, propagation, sinks; seen from outside, in processes of their own.
//!
//! Each test runs this binary again as [`program`], with an environment of its own, and reads what it wrote to a file.
#![cfg(all(feature = "console", feature = "spans"))]

#[path = "support/again.rs"]
mod again;

use std::time::Duration;

use again::{Lines, Said, attributes, shown};
use serde_json::Value;
use tracing_weaver::otel::opentelemetry::baggage::BaggageExt as _;
use tracing_weaver::otel::opentelemetry::{Context, KeyValue};
use tracing_weaver::trace_context;

/// Five records inside a trace span, an error among them, and what the span says to another process.
#[test]
#[ignore = "the other tests run it"]
fn program() {
    let telemetry = tracing_weaver::builder().install().unwrap();
    let with_baggage = Context::current_with_baggage([KeyValue::new("tenant", "north")]).attach();
    let span = tracing::info_span!("delivery", first = "äöüäöü", second = 2, third = 3, error = tracing::field::Empty).entered();
    for number in 0..4 {
        tracing::info!(first = "äöüäöü", second = 2, third = number, "delivered");
    }
    let error = std::io::Error::other("no such street");
    tracing::error!(error = &error as &dyn std::error::Error, "lost");
    trace_context::inject(&span, |name, value| println!("header {name}={value}"));
    drop(span);
    drop(with_baggage);
    println!("{}\n{}", telemetry.describe(), telemetry.shutdown(Duration::from_secs(30)));
}

/// Runs the program; nothing but the file gets what it says.
fn run(variables: &[(&str, &str)]) -> (Lines, Said) {
    let lines = Lines::new();
    let path = shown(&lines.path());
    let quiet = [
        ("OTEL_LOGS_EXPORTER", "none"),
        ("OTEL_METRICS_EXPORTER", "none"),
        ("OTEL_TRACES_EXPORTER", "none"),
        ("TRACING_WEAVER_FILE", path.as_str()),
    ];
    let said = again::run("program", &[&quiet, variables].concat());
    (lines, said)
}

fn keys(item: &Value) -> Vec<String> {
    attributes(item).into_iter().map(|(key, _)| key).collect()
}

fn first(item: &Value) -> String {
    again::text(&attributes(item), "first").unwrap()
}

#[test]
fn without_a_word_records_and_spans_are_whole_and_every_trace_is_recorded() {
    let (lines, said) = run(&[]);
    let records: Vec<_> = lines.requests_of_records().concat();
    let spans: Vec<_> = lines.requests_of_spans().concat();
    assert_eq!((records.len(), spans.len()), (5, 1), "{}", lines.text());
    assert_eq!(keys(&records[0]), ["first", "second", "third"]);
    assert_eq!((first(&records[0]), first(&spans[0])), ("äöüäöü".to_owned(), "äöüäöü".to_owned()));
    assert!(records.iter().all(|record| record["traceId"] == spans[0]["traceId"] && record["spanId"] == spans[0]["spanId"]));
    assert!(said.stdout.contains("sampler      parentbased_always_on"), "{}", said.stdout);
    assert!(said.stdout.contains("header traceparent=00-") && said.stdout.contains("header baggage=tenant=north"), "{}", said.stdout);
}

#[test]
fn limits_on_attributes_hold_for_records_and_for_spans() {
    let (lines, said) = run(&[("OTEL_ATTRIBUTE_COUNT_LIMIT", "2"), ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "4")]);
    let (records, spans) = (lines.requests_of_records().concat(), lines.requests_of_spans().concat());
    for item in [&records[0], &spans[0]] {
        assert_eq!(keys(item), ["first", "second"]);
        assert_eq!(item["droppedAttributesCount"], 1);
        assert_eq!(first(item), "äöüä", "four characters, whatever their bytes");
    }
    assert!(said.stdout.contains("record: 2 attributes, texts of 4 characters and 64 KiB"), "{}", said.stdout);
}

#[test]
fn a_signals_own_limits_leave_the_other_alone() {
    let own = [("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "1"), ("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "1")];
    let (lines, _) = run(&own);
    let (records, spans) = (lines.requests_of_records().concat(), lines.requests_of_spans().concat());
    assert_eq!((keys(&records[0]).len(), keys(&spans[0]).len()), (1, 3));
    assert_eq!((first(&records[0]), first(&spans[0])), ("äöüäöü".to_owned(), "ä".to_owned()));
}

#[test]
fn a_span_has_no_more_events_than_its_limit() {
    let events = |lines: Lines| lines.requests_of_spans().concat()[0]["events"].as_array().map_or(0, Vec::len);
    assert_eq!(events(run(&[]).0), 1, "the exception");
    assert_eq!(events(run(&[("OTEL_SPAN_EVENT_COUNT_LIMIT", "0")]).0), 0);
    let (lines, _) = run(&[("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "1")]);
    assert_eq!(keys(&lines.requests_of_spans().concat()[0]["events"][0]).len(), 1, "{}", lines.text());
}

#[test]
fn a_request_holds_no_more_records_than_the_processors_batch() {
    let (lines, said) = run(&[("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "2")]);
    let sizes: Vec<_> = lines.requests_of_records().iter().map(Vec::len).collect();
    assert_eq!(sizes.iter().sum::<usize>(), 5);
    assert!(sizes.iter().all(|size| *size <= 2), "{sizes:?}");
    assert!(said.stdout.contains("requests of 2 records"), "{}", said.stdout);
}

#[test]
fn delays_and_bounds_of_the_processors_are_shown_and_hold() {
    let (_, said) = run(&[
        ("OTEL_BLRP_SCHEDULE_DELAY", "2500"),
        ("OTEL_BSP_SCHEDULE_DELAY", "700"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "100"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "50"),
    ]);
    assert!(said.stdout.contains("requests of 512 records or 1 MiB, after 2.5s at most"), "{}", said.stdout);
    assert!(said.stdout.contains("spans: 100; requests of 50 spans or 1 MiB, after 700ms at most"), "{}", said.stdout);
}

#[test]
fn a_trace_that_is_not_sampled_leaves_its_ids_on_the_records_alone() {
    for sampler in
        [&[("OTEL_TRACES_SAMPLER", "always_off")][..], &[("OTEL_TRACES_SAMPLER", "traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "0")]]
    {
        let (lines, said) = run(sampler);
        assert!(lines.requests_of_spans().is_empty(), "{}", lines.text());
        let records = lines.requests_of_records().concat();
        assert!(records.iter().all(|record| record["traceId"].as_str().is_some_and(|id| id.len() == 32)), "{records:?}");
        assert!(records.iter().all(|record| record["flags"].as_u64().unwrap_or(0) & 1 == 0), "{records:?}");
        assert!(said.stdout.contains("spans: 0 created"), "{}", said.stdout);
    }
}

#[test]
fn a_sampler_that_is_not_known_is_said_once_and_every_trace_is_recorded() {
    let (lines, said) = run(&[("OTEL_TRACES_SAMPLER", "jaeger_remote")]);
    assert_eq!(said.warnings_of("OTEL_TRACES_SAMPLER").len(), 1, "{}", said.stderr);
    assert_eq!(lines.requests_of_spans().concat().len(), 1);
}

#[test]
fn propagators_say_which_headers_are_written() {
    for (list, trace_context, baggage) in
        [("tracecontext", true, false), ("baggage", false, true), ("none", false, false), ("baggage,tracecontext", true, true)]
    {
        let (_, said) = run(&[("OTEL_PROPAGATORS", list)]);
        let has = |name: &str| said.stdout.contains(&format!("header {name}="));
        assert_eq!((has("traceparent"), has("baggage")), (trace_context, baggage), "{list}: {}", said.stdout);
    }
    let (_, said) = run(&[("OTEL_PROPAGATORS", "b3,tracecontext")]);
    let warnings = said.warnings_of("OTEL_PROPAGATORS");
    assert!(warnings.len() == 1 && warnings[0].contains("`b3`"), "{}", said.stderr);
}

#[test]
fn spans_that_nobody_takes_are_made_all_the_same_and_counted_nowhere() {
    let none = [("OTEL_TRACES_EXPORTER", "none"), ("OTEL_METRICS_EXPORTER", "none"), ("OTEL_LOGS_EXPORTER", "console")];
    let said = again::run("program", &none);
    assert!(said.stdout.contains("header traceparent=00-"), "{}", said.stdout);
    assert!(said.stdout.contains("spans        go nowhere"), "{}", said.stdout);
    assert!(!said.stdout.lines().any(|line| line.starts_with("spans: ")), "{}", said.stdout);
    assert!(said.stderr.lines().filter(|line| line.contains("delivered")).count() == 4, "{}", said.stderr);
}

#[test]
fn on_the_console_spans_are_summed_up_by_name() {
    let said =
        again::run("program", &[("OTEL_LOGS_EXPORTER", "none"), ("OTEL_METRICS_EXPORTER", "none"), ("OTEL_TRACES_EXPORTER", "console")]);
    let summary = said.stdout.find("telemetry summary").expect("a summary");
    assert!(said.stdout[summary..].lines().any(|line| line.contains("delivery") && line.contains('1')), "{}", said.stdout);
    assert!(said.records().is_empty(), "{}", said.stderr);
}

#[test]
fn directives_bound_trace_spans_as_they_bound_records() {
    let (lines, _) = run(&[("TRACING_WEAVER_LOG", "error")]);
    assert_eq!(lines.requests_of_spans().len(), 0, "a span at INFO");
    assert_eq!(lines.requests_of_records().concat().len(), 1, "the error");
}
