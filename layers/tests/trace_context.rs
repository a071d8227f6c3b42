//! A trace goes from process to process in W3C's headers.
//!
//! Headers are maps here; what leaves is read at the gate. Nothing here exports.
#![cfg(feature = "spans")]

#[path = "support/spans.rs"]
mod spans;
mod support;

use std::sync::Arc;

use spans::{REGISTRY, Spans, traced};
use support::{Harness, registry_of};
use tracing::info_span;
use tracing_weaver_layers::trace_context;

fn harness(directives: &str) -> (Harness, Arc<Spans>) {
    traced(registry_of(REGISTRY), directives)
}

const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn headers_of(span: &tracing::Span) -> Vec<(String, String)> {
    let mut headers = Vec::new();
    trace_context::inject(span, |name, value| headers.push((name.to_owned(), value)));
    headers.sort();
    headers
}

#[test]
fn a_trace_goes_on_from_the_headers_of_a_message_and_into_those_of_the_next() {
    let (harness, spans) = harness("info");
    let passed_on = harness.run(|| {
        let given = |name: &str| match name {
            "traceparent" => Some(TRACEPARENT.to_owned()),
            "tracestate" => Some("vendor=1".to_owned()),
            "baggage" => Some("tenant=acme".to_owned()),
            _ => None,
        };
        let request = info_span!("request");
        trace_context::extract(&request, given);
        let _in_request = request.enter();
        headers_of(&request)
    });
    let made = spans.take();
    assert_eq!(made[0].span_context.trace_id().to_string(), "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(made[0].parent_span_id.to_string(), "b7ad6b7169203331");
    assert!(made[0].parent_span_is_remote);
    let own = format!("00-0af7651916cd43dd8448eb211c80319c-{}-01", made[0].span_context.span_id());
    let expected = [("baggage", "tenant=acme"), ("traceparent", own.as_str()), ("tracestate", "vendor=1")];
    assert_eq!(passed_on, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

#[test]
fn headers_that_are_missing_or_malformed_change_nothing() {
    let (harness, spans) = harness("info");
    harness.run(|| {
        let outer = info_span!("outer").entered();
        let inner = info_span!("inner");
        trace_context::extract(&inner, |_| None);
        inner.in_scope(|| ());
        let other = info_span!("other");
        trace_context::extract(&other, |_| Some("nonsense".to_owned()));
        other.in_scope(|| ());
        let entered = info_span!("entered").entered();
        trace_context::extract(&entered, |name| (name == "traceparent").then(|| TRACEPARENT.to_owned()));
        drop((entered, outer));
    });
    let made = spans.take();
    let outer = made.iter().find(|span| span.name == "outer").unwrap();
    for span in made.iter().filter(|span| span.name != "outer") {
        assert_eq!(span.parent_span_id, outer.span_context.span_id(), "{}", span.name);
    }
}

#[test]
fn an_entity_span_takes_no_headers_and_gives_those_of_the_current_trace() {
    let (harness, spans) = harness("info");
    harness.run(|| {
        let node = info_span!("s.node", s.node.id = "n");
        trace_context::extract(&node, |name| (name == "traceparent").then(|| TRACEPARENT.to_owned()));
        assert_eq!(headers_of(&node), []);
        let outer = info_span!("outer").entered();
        assert_eq!(headers_of(&node), headers_of(&outer));
        assert_eq!(headers_of(&tracing::Span::none()), headers_of(&outer));
        assert_eq!(headers_of(&outer).len(), 1);
    });
    assert_eq!(spans.take().len(), 1);
}
