//! A trace goes from process to process in W3C's headers.
//!
//! Headers are maps here; what leaves is read at the gate. Nothing here exports.
#![cfg(feature = "spans")]

#[path = "support/spans.rs"]
mod spans;
mod support;

use std::sync::Arc;

use opentelemetry::baggage::BaggageExt as _;
use opentelemetry::trace::SpanId;
use opentelemetry::{Context, KeyValue};
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
fn a_malformed_traceparent_is_none_and_a_malformed_tracestate_leaves_the_trace() {
    let (harness, spans) = harness("info");
    let extract = |traceparent: &str, tracestate: &str| {
        let span = info_span!("request");
        let value = |name: &str| [("traceparent", traceparent), ("tracestate", tracestate)].into_iter().find(|(known, _)| *known == name);
        trace_context::extract(&span, |name| value(name).map(|(_, value)| value.to_owned()));
        let _in_request = span.enter();
    };
    harness.run(|| {
        extract("00-0af7-b7ad-01", "vendor=1");
        extract(TRACEPARENT, "vendor=1,vendor=2");
        extract(TRACEPARENT, "vendor=1, other=2");
        extract(&format!("01{}-more", &TRACEPARENT[2..]), "vendor=1");
    });
    let seen = |span: &opentelemetry_sdk::trace::SpanData| (span.parent_span_id.to_string(), span.span_context.trace_state().header());
    let remote = |tracestate: &str| ("b7ad6b7169203331".to_owned(), tracestate.to_owned());
    let none = (SpanId::INVALID.to_string(), String::new());
    assert_eq!(spans.take().iter().map(seen).collect::<Vec<_>>(), [none, remote(""), remote("vendor=1,other=2"), remote("vendor=1")]);
}

#[test]
fn a_span_stays_where_it_hangs_unless_the_headers_name_a_trace_and_takes_their_baggage() {
    for (headers, baggage) in [("", None), ("nonsense", None), ("tenant=acme", Some("tenant=acme"))] {
        let (harness, spans) = harness("info");
        let seen = harness.run(|| {
            let get = |name: &str| (name == "baggage" || headers == "nonsense").then(|| headers.to_owned());
            let outer = info_span!("outer");
            let under = outer.in_scope(|| info_span!("under"));
            if baggage.is_some() {
                outer.in_scope(|| trace_context::extract(&under, get));
            }
            let node = outer.in_scope(|| info_span!("s.node", s.node.id = "n"));
            let _here = Context::current_with_baggage([KeyValue::new("here", "1")]).attach();
            let _other = info_span!("other").entered();
            let named = [info_span!(parent: &outer, "named"), info_span!(parent: &node, "by node"), info_span!(parent: None, "root")];
            named.iter().for_each(|span| trace_context::extract(span, get));
            if baggage.is_none() {
                // Far from where it was made.
                trace_context::extract(&under, get);
            }
            [under].iter().chain(&named).map(|span| headers_of(span).into_iter().find(|header| header.0 == "baggage")).collect::<Vec<_>>()
        });
        assert!(seen.iter().all(|seen| seen.as_ref().map(|(_, baggage)| baggage.as_str()) == baggage), "{headers}: {seen:?}");
        let made = spans.take();
        let of = |name: &str| made.iter().find(|span| span.name == name).unwrap();
        for name in ["under", "named", "by node"] {
            assert_eq!(of(name).parent_span_id, of("outer").span_context.span_id(), "{headers}: {name}");
        }
        assert_eq!(of("root").parent_span_id, SpanId::INVALID, "{headers}");
        assert!(["root", "other"].iter().all(|name| of(name).span_context.trace_id() != of("outer").span_context.trace_id()));
    }
}

#[test]
fn what_was_known_of_a_spans_parent_ends_with_the_span() {
    let (harness, spans) = harness("info");
    harness.run(|| {
        let _outer = info_span!("outer").entered();
        drop(info_span!(parent: None, "root"));
        // Takes the place of `root`.
        let inner = info_span!("inner");
        trace_context::extract(&inner, |name| (name == "baggage").then(|| "tenant=acme".to_owned()));
    });
    let made = spans.take();
    assert_eq!(made.iter().map(|span| span.name.as_ref()).collect::<Vec<_>>(), ["root", "inner", "outer"]);
    assert_eq!(made[1].parent_span_id, made[2].span_context.span_id());
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
