//! Exceptions: the one event of a program that also stands on its span, and stack traces.
//!
//! Spans are read where they leave the gate, records where they are drained.
#![cfg(feature = "spans")]

#[path = "support/spans.rs"]
mod spans;
mod support;

use std::sync::Arc;

use opentelemetry::trace::Status;
use spans::{REGISTRY, Spans, traced};
use support::{Harness, filter, registry_of};
use tracing::{Level, event, info_span};

fn harness(directives: &str) -> (Harness, Arc<Spans>) {
    traced(registry_of(REGISTRY), directives)
}

fn events(span: &opentelemetry_sdk::trace::SpanData) -> Vec<(String, Vec<(String, String)>)> {
    let list = |event: &opentelemetry::trace::Event| event.attributes.iter().map(|kv| (kv.key.to_string(), kv.value.to_string())).collect();
    span.events.iter().map(|event| (event.name.to_string(), list(event))).collect()
}

fn exception(attributes: &[(&str, &str)]) -> (String, Vec<(String, String)>) {
    ("exception".to_owned(), attributes.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
}

#[test]
fn an_exception_in_an_error_event_stands_on_the_span_too_and_no_other_event_does() {
    let parse = "x".parse::<i32>().unwrap_err();
    let error: &(dyn std::error::Error + 'static) = &parse;
    let (mut harness, spans) = harness("info");
    harness.run(|| {
        let _span = info_span!("elsewhere").entered();
        event!(Level::INFO, "no exception");
        event!(Level::WARN, error, "no exception");
        event!(Level::ERROR, n = 1, "no exception");
        event!(Level::ERROR, error);
        event!(Level::ERROR, exception.r#type = "E", exception.message = "m", exception.stacktrace = "at f", other = 1);
        event!(name: "s.fail", Level::ERROR, s.error = error, exception.message = "not declared");
        event!(name: "s.fail", Level::ERROR, s.who = error);
        event!(name: "s.fail", Level::ERROR, s.token = error);
    });
    let made = spans.take();
    let text = "invalid digit found in string";
    assert_eq!(
        events(&made[0]),
        [
            exception(&[("exception.message", text)]),
            exception(&[("exception.type", "E"), ("exception.message", "m")]),
            exception(&[("exception.message", text)]),
            exception(&[("exception.message", "[redacted:personal]")]),
            exception(&[]),
        ]
    );
    assert_eq!(made[0].status, Status::error(""));
    let said = harness.drain();
    assert_eq!(said.len(), 8);
    assert!(said.iter().all(|record| !record.bytes.windows(4).any(|bytes| bytes == b"at f")), "stack traces leave at debug severity only");
}

#[test]
fn a_stack_trace_leaves_where_debug_severity_does() {
    let (mut harness, spans) = harness("debug");
    harness.run(|| {
        let span = info_span!("elsewhere").entered();
        event!(Level::ERROR, exception.message = "m", exception.stacktrace = "at f");
        drop(span);
        harness.weaver.set_filter(filter("info"));
        let _span = info_span!("elsewhere").entered();
        event!(Level::ERROR, exception.message = "m", exception.stacktrace = "at f");
    });
    let made = spans.take();
    assert_eq!(events(&made[0]), [exception(&[("exception.message", "m"), ("exception.stacktrace", "at f")])]);
    assert_eq!(events(&made[1]), [exception(&[("exception.message", "m")])]);
    assert_eq!(harness.drain().iter().filter(|record| record.bytes.windows(4).any(|bytes| bytes == b"at f")).count(), 1);
}

#[test]
fn an_error_whose_text_fails_in_turn_keeps_its_own_exception() {
    #[derive(Debug)]
    struct Emits;
    impl std::fmt::Display for Emits {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            event!(Level::ERROR, exception.message = "inner");
            f.write_str("outer")
        }
    }
    impl std::error::Error for Emits {}
    let (harness, spans) = harness("info");
    harness.run(|| {
        let _span = info_span!("elsewhere").entered();
        let error: &(dyn std::error::Error + 'static) = &Emits;
        // Under a scoped dispatcher `tracing` itself swallows what is emitted inside an event; the values are the test's own then.
        event!(Level::ERROR, exception.r#type = "E", error);
    });
    let made = spans.take();
    let own = exception(&[("exception.type", "E"), ("exception.message", "outer")]);
    assert_eq!(events(&made[0]).into_iter().filter(|event| *event == own).count(), 1);
}

#[test]
fn an_exception_of_an_event_whose_parent_is_named_stands_on_that_parent() {
    let (harness, spans) = harness("info");
    harness.run(|| {
        let outer = info_span!("outer");
        let _other = info_span!("other").entered();
        event!(parent: &outer, Level::ERROR, exception.message = "of outer");
    });
    let made = spans.take();
    let of = |name: &str| events(made.iter().find(|span| span.name == name).unwrap());
    assert_eq!((of("outer"), of("other")), (vec![exception(&[("exception.message", "of outer")])], Vec::new()));
}
