//! Limits, batches, timeouts of each signal.

use super::*;
use crate::config::limits::{AttributeLimits, Batching, SpanLimits};

#[test]
fn without_a_word_limits_are_those_of_the_specification() {
    let environment = read(&[]);
    assert_eq!(environment.log_limits, AttributeLimits { count: 128, length: None });
    let limits = SpanLimits {
        attributes: AttributeLimits { count: 128, length: None },
        events: 128,
        links: 128,
        event_attributes: 128,
        link_attributes: 128,
    };
    assert_eq!(environment.span_limits, limits);
    assert_eq!((environment.log_batches, environment.span_batches), (Batching::default(), Batching::default()));
}

#[test]
fn a_general_limit_holds_where_a_signal_has_none_of_its_own() {
    let environment = read(&[
        ("OTEL_ATTRIBUTE_COUNT_LIMIT", "10"),
        ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "100"),
        ("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "11"),
        ("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "12"),
        ("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "13"),
        ("OTEL_SPAN_EVENT_COUNT_LIMIT", "14"),
        ("OTEL_SPAN_LINK_COUNT_LIMIT", "0"),
    ]);
    assert_eq!(environment.log_limits, AttributeLimits { count: 11, length: Some(100) });
    let limits = SpanLimits {
        attributes: AttributeLimits { count: 10, length: Some(12) },
        events: 14,
        links: 0,
        event_attributes: 13,
        link_attributes: 10,
    };
    assert_eq!(environment.span_limits, limits);
    assert!(environment.warnings.is_empty(), "{:?}", environment.warnings);
}

#[test]
fn a_limit_that_is_no_number_is_named_once_though_several_ask_for_it() {
    let environment = read(&[("OTEL_ATTRIBUTE_COUNT_LIMIT", "many"), ("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "-1")]);
    assert_eq!(environment.log_limits, AttributeLimits { count: 128, length: None });
    assert_eq!(environment.warnings.len(), 2, "{:?}", environment.warnings);
}

#[test]
fn a_record_holds_no_more_than_the_layers_write() {
    let environment = read(&[("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "1000")]);
    assert_eq!(environment.log_limits.count, 128);
    assert!(environment.warnings[0].contains("128 attributes at most"), "{:?}", environment.warnings);
    let environment = read(&[("OTEL_ATTRIBUTE_COUNT_LIMIT", "1000")]);
    assert_eq!((environment.log_limits.count, environment.span_limits.attributes.count), (128, 1000));
    assert!(environment.warnings.is_empty(), "spans hold as many: {:?}", environment.warnings);
}

#[test]
fn records_and_spans_are_gathered_as_the_environment_says() {
    let environment = read(&[
        ("OTEL_BLRP_SCHEDULE_DELAY", "20"),
        ("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "7"),
        ("OTEL_BSP_SCHEDULE_DELAY", "30"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "40"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "40"),
    ]);
    assert_eq!(environment.log_batches, Batching { delay: Some(Duration::from_millis(20)), batch: Some(7), queue: None });
    assert_eq!(environment.span_batches, Batching { delay: Some(Duration::from_millis(30)), batch: Some(40), queue: Some(40) });
    assert!(environment.warnings.is_empty(), "{:?}", environment.warnings);
}

#[test]
fn a_request_of_spans_holds_no_more_than_their_queue() {
    let environment = read(&[("OTEL_BSP_MAX_QUEUE_SIZE", "40"), ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "41")]);
    assert_eq!(environment.span_batches.batch, Some(40));
    assert!(environment.warnings[0].starts_with("OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "), "{:?}", environment.warnings);
    let environment = read(&[("OTEL_BSP_MAX_QUEUE_SIZE", "40")]);
    assert_eq!(environment.span_batches.batch, Some(40));
    assert!(environment.warnings.is_empty(), "{:?}", environment.warnings);
    let environment = read(&[("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "40000")]);
    assert_eq!(environment.span_batches.batch, None);
    assert!(environment.warnings[0].contains("32768"), "{:?}", environment.warnings);
}

#[test]
fn no_request_and_no_queue_is_empty() {
    let zero = [("OTEL_BSP_MAX_QUEUE_SIZE", "0"), ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "0"), ("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "0")];
    let environment = read(&zero);
    assert_eq!((environment.log_batches, environment.span_batches), (Batching::default(), Batching::default()));
    assert_eq!(environment.warnings.len(), 3, "{:?}", environment.warnings);
}

#[test]
fn a_batch_takes_the_shorter_of_the_processors_and_the_exporters_timeout() {
    let environment = read(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:1"),
        ("OTEL_BLRP_EXPORT_TIMEOUT", "500"),
        ("OTEL_METRIC_EXPORT_TIMEOUT", "30000"),
        ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "700"),
        ("OTEL_BSP_EXPORT_TIMEOUT", "800"),
    ]);
    let timeout = |sinks: &SignalSinks| sinks.otlp.as_ref().unwrap().timeout.as_millis();
    assert_eq!([&environment.logs, &environment.metrics, &environment.traces].map(timeout), [500, 10_000, 700]);
}
