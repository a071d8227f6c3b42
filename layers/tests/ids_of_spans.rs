//! Records carry the ids of the trace span that they belong to, whichever way they belong to it.
//!
//! The spans are the layer's own here; `ids.rs` attaches contexts by hand. Nothing here exports.
#![cfg(feature = "spans")]

#[path = "support/spans.rs"]
mod spans;
mod support;

use std::sync::Arc;

use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_sdk::trace::{Sampler, SpanData};
use prost::Message as _;
use spans::{REGISTRY, Spans, ids, ids_of, traced, traced_with};
use support::{Harness, registry_of};
use tracing::{Dispatch, Level, Span, event, info_span};
use tracing_core::dispatcher::with_default;
use tracing_subscriber::Registry;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_weaver_layers::{SpanSettings, weave};

fn named<'a>(made: &'a [SpanData], name: &str) -> &'a SpanData {
    made.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("no `{name}` in {made:?}"))
}

fn node(id: &str) -> Span {
    info_span!("s.node", s.node.id = id)
}

#[test]
fn a_record_whose_parent_is_named_carries_the_ids_that_its_own_layer_gave_that_span() {
    let sinks = [Arc::new(Spans::default()), Arc::new(Spans::default())];
    let mut readers = Vec::new();
    macro_rules! traced {
        ($at:literal) => {{
            let (layer, weaver, reader) = weave(traced_with(registry_of(REGISTRY), "info", sinks[$at].clone())).unwrap();
            readers.push((weaver, reader));
            layer
        }};
    }
    let provider = opentelemetry_sdk::trace::SdkTracerProvider::builder().build();
    let theirs = tracing_opentelemetry::layer().with_tracer(opentelemetry::trace::TracerProvider::tracer(&provider, "theirs"));
    let stack: Dispatch = Registry::default().with(theirs).with(traced!(0)).with(vec![traced!(1)]).into();
    with_default(&stack, || {
        let outer = info_span!("outer");
        let node = outer.in_scope(|| node("n"));
        let _other = info_span!("other").entered();
        event!(parent: &outer, Level::INFO, "of a span");
        event!(parent: &node, Level::INFO, "of an entity inside of it");
        event!(parent: None, Level::INFO, "of none");
        event!(parent: Span::none(), Level::INFO, "of none either");
    });
    for ((weaver, mut reader), sink) in readers.into_iter().zip(&sinks) {
        let made = sink.take();
        let outer = ids_of(named(&made, "outer"));
        let none = (Vec::new(), Vec::new(), 0);
        let seen: Vec<_> =
            support::drain(&mut reader, &weaver).into_iter().map(|said| LogRecord::decode(said.bytes.as_slice()).unwrap()).collect();
        let seen: Vec<_> = seen.into_iter().map(|record| (record.trace_id, record.span_id, record.flags)).collect();
        assert_eq!(seen, [outer.clone(), outer, none.clone(), none]);
    }
}

#[test]
fn records_in_a_span_that_is_sampled_out_carry_its_ids_without_the_flag_and_so_do_those_of_its_children() {
    let ratio = |ratio| Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(ratio)));
    for (sampler, sampled) in [(Sampler::AlwaysOff, false), (ratio(0.0), false), (ratio(1.0), true)] {
        let sink = Arc::new(Spans::default());
        let mut with = traced_with(registry_of(REGISTRY), "info", sink.clone());
        with.spans = with.spans.map(|spans| SpanSettings { sampler, ..spans });
        let mut harness = Harness::new(with);
        harness.run(|| {
            let outer = info_span!("outer").entered();
            event!(Level::INFO, "inside");
            let _node = node("n").entered();
            info_span!("inner").in_scope(|| event!(Level::INFO, "further inside"));
            event!(parent: &outer, Level::INFO, "by hand");
            event!(Level::ERROR, exception.message = "on a span that nobody records");
        });
        assert_eq!(sink.take().len(), if sampled { 2 } else { 0 });
        let seen = ids(&mut harness);
        let (outer, inner) = (&seen[0], &seen[1]);
        assert_eq!((outer.0.len(), outer.1.len(), inner.1.len()), (16, 8, 8));
        assert_eq!((&outer.0, &outer), (&inner.0, &&seen[2]), "one trace");
        assert_ne!(outer.1, inner.1);
        assert!(seen.iter().all(|(_, _, flags)| *flags == u32::from(sampled)));
    }
}

#[test]
fn a_record_carries_the_ids_of_the_span_that_it_belongs_to() {
    let (mut harness, spans) = traced(registry_of(REGISTRY), "info");
    harness.run(|| {
        event!(Level::INFO, "before");
        let outer = info_span!("outer");
        let node = outer.in_scope(|| node("n"));
        let other = info_span!("other").entered();
        event!(Level::INFO, "in other");
        let _node = node.enter();
        event!(Level::INFO, "still in other");
        event!(parent: &node, Level::INFO, "of the node that outer made");
        event!(parent: &outer, Level::INFO, "of outer");
        event!(parent: None, Level::INFO, "of none");
        event!(parent: &outer, Level::ERROR, exception.message = "of outer");
        event!(Level::INFO, "in other again");
        drop(other);
    });
    let made = spans.take();
    let of = |name: &str| ids_of(named(&made, name));
    let none = (Vec::new(), Vec::new(), 0);
    let (outer, other) = (of("outer"), of("other"));
    let expected = [none.clone(), other.clone(), other.clone(), outer.clone(), outer.clone(), none, outer, other];
    assert_eq!(ids(&mut harness), expected);
}
