//! The queue of spans and the size of a span, without an exporter.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::trace::{Event, Link, SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState};
use opentelemetry::{Array, InstrumentationScope, KeyValue, Value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};
use proptest::prelude::*;
use tokio::sync::Notify;
use tracing_weaver_layers::SpanSink as _;

use super::encode::SpanEncoder;
use super::queue::SpanQueue;
use super::size::size;
use crate::export::batch::MAX_BYTES;
use crate::export::source::SpanCounts;

fn span(attributes: Vec<KeyValue>) -> SpanData {
    SpanData {
        span_context: SpanContext::new(TraceId::from(1), SpanId::from(2), TraceFlags::SAMPLED, false, TraceState::default()),
        parent_span_id: SpanId::INVALID,
        parent_span_is_remote: false,
        span_kind: SpanKind::Internal,
        name: "acme.tick".into(),
        start_time: std::time::SystemTime::now(),
        end_time: std::time::SystemTime::now(),
        attributes,
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: Status::Unset,
        instrumentation_scope: InstrumentationScope::builder("target").build(),
    }
}

fn large(bytes: usize) -> SpanData {
    span(vec![KeyValue::new("text", "x".repeat(bytes))])
}

fn counts(created: u64, queue_full: u64, shutdown: u64, capacity: u64) -> SpanCounts {
    SpanCounts { created, queue_full, shutdown, capacity }
}

#[test]
fn a_full_queue_drops_the_newest_and_counts_it() {
    let queue = SpanQueue::new(10, 4);
    (0..25).for_each(|_| queue.take(span(vec![])));
    assert_eq!((queue.counts(), queue.waiting()), (counts(25, 15, 0, 10), 10));
    assert_eq!([queue.take_request().len(), queue.take_request().len(), queue.take_request().len()], [4, 4, 2]);
    assert!(queue.take_request().is_empty());
    queue.take(span(vec![]));
    assert_eq!(queue.counts(), counts(26, 15, 0, 10), "there is room again");
}

#[test]
fn a_queue_is_bounded_in_bytes_too_and_requests_are() {
    let queue = SpanQueue::new(1000, 512);
    (0..20).for_each(|_| queue.take(large(MAX_BYTES)));
    let kept = queue.waiting();
    assert!((12..=15).contains(&kept), "{kept} spans of 1 MiB in 16 MiB");
    assert_eq!(queue.counts().queue_full, 20 - kept as u64);
    assert_eq!(queue.take_request().len(), 1, "two would be more than a request holds");
    queue.clear();
    queue.take(large(20 << 20));
    assert_eq!(queue.waiting(), 1, "a span that is larger than the queue has room in an empty one");
    queue.take(span(vec![]));
    assert_eq!(queue.waiting(), 1);
}

#[test]
fn after_the_end_spans_are_counted_and_not_kept() {
    let queue = SpanQueue::new(10, 4);
    queue.take(span(vec![]));
    queue.close();
    queue.take(span(vec![]));
    assert_eq!((queue.counts(), queue.waiting()), (counts(2, 0, 1, 10), 1));
    assert_eq!(queue.counts().accepted(), 1);
}

#[test]
fn bounds_that_make_no_sense_are_the_nearest_that_do() {
    let queue = SpanQueue::new(0, 0);
    (0..2).for_each(|_| queue.take(span(vec![])));
    assert_eq!(queue.counts(), counts(2, 1, 0, 1));
    assert_eq!(queue.take_request().len(), 1);
}

#[tokio::test]
async fn the_export_thread_is_woken_once_for_each_request_that_fills_up() {
    let woken = async |wake: &Notify| tokio::time::timeout(Duration::from_millis(1), wake.notified()).await.is_ok();
    let (queue, wake) = (SpanQueue::new(100, 4), Arc::new(Notify::new()));
    queue.wake_by(wake.clone());
    (0..3).for_each(|_| queue.take(span(vec![])));
    assert!(!woken(&wake).await && !queue.is_request_full());
    queue.take(span(vec![]));
    assert!(woken(&wake).await && queue.is_request_full());
    (0..8).for_each(|_| queue.take(span(vec![])));
    assert!(!woken(&wake).await, "it was told already");
    (0..3).for_each(|_| drop(queue.take_request()));
    (0..4).for_each(|_| queue.take(span(vec![])));
    assert!(woken(&wake).await);
}

#[test]
fn while_another_thread_holds_the_queue_its_counts_are_not_waited_for() {
    let queue = SpanQueue::new(10, 4);
    assert_eq!(queue.try_counts(), Some(counts(0, 0, 0, 10)));
    queue.while_held(|| assert_eq!(queue.try_counts(), None));
}

fn values() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::I64),
        any::<f64>().prop_map(Value::F64),
        ".{0,40}".prop_map(|text| Value::String(text.into())),
        prop::collection::vec(any::<bool>(), 0..20).prop_map(|items| Value::Array(Array::Bool(items))),
        prop::collection::vec(any::<i64>(), 0..20).prop_map(|items| Value::Array(Array::I64(items))),
        prop::collection::vec(any::<f64>(), 0..20).prop_map(|items| Value::Array(Array::F64(items))),
        prop::collection::vec(".{0,20}", 0..20).prop_map(|texts| Value::Array(Array::String(texts.into_iter().map(Into::into).collect()))),
    ]
}

fn attributes() -> impl Strategy<Value = Vec<KeyValue>> {
    prop::collection::vec(("[a-z.]{0,20}", values()).prop_map(|(key, value)| KeyValue::new(key, value)), 0..12)
}

fn trace_states() -> impl Strategy<Value = TraceState> {
    prop::collection::btree_map("[a-z]{1,9}", "[a-z]{1,30}", 0..5).prop_map(|pairs| TraceState::from_key_value(pairs).unwrap())
}

prop_compose! {
    fn spans()(
        name in ".{0,40}", own in attributes(), event in attributes(), link in attributes(), scope in attributes(),
        state in trace_states(), message in ".{0,40}", dropped in any::<u32>(),
    ) -> SpanData {
        let context = SpanContext::new(TraceId::from(u128::MAX), SpanId::from(u64::MAX), TraceFlags::SAMPLED, true, state);
        let mut span = span(own);
        span.events.events = vec![Event::new(name.clone(), span.end_time, event, dropped); 2];
        span.events.dropped_count = dropped;
        span.links.links = vec![Link::new(context.clone(), link, dropped); 2];
        span.links.dropped_count = dropped;
        span.dropped_attributes_count = dropped;
        span.parent_span_id = SpanId::from(u64::MAX);
        span.span_context = context;
        span.instrumentation_scope =
            InstrumentationScope::builder(name.clone()).with_version(message.clone()).with_schema_url(name.clone()).with_attributes(scope).build();
        span.name = name.into();
        span.status = Status::error(message);
        span
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_span_is_larger_on_the_wire_than_it_was_taken_to_be(spans in prop::collection::vec(spans(), 1..20)) {
        let estimate: usize = spans.iter().map(size).sum();
        let encoded = SpanEncoder::new(Resource::default()).encode(spans).unwrap();
        prop_assert!(encoded.len() <= estimate + 16, "{} bytes, taken for {estimate}", encoded.len());
    }
}
