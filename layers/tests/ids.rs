//! Records carry the trace and span id of OpenTelemetry's current span, as its receivers read them.
//!
//! Spans are attached by hand, so that nothing but the layer's asking is under test. It must leave no context attached.
#![cfg(feature = "spans")]

#[path = "support/mod.rs"]
mod support;

use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use opentelemetry::{Context, ContextGuard};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use prost::Message;
use support::{Harness, Said};
use tracing::{Level, event};

const TRACE: [u8; 16] = [0xa0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 0xaf];
const SPAN: [u8; 8] = [0xb0, 1, 2, 3, 4, 5, 6, 0xb7];

fn enter(trace: [u8; 16], span: [u8; 8], flags: TraceFlags) -> ContextGuard {
    let of = SpanContext::new(TraceId::from_bytes(trace), SpanId::from_bytes(span), flags, false, TraceState::default());
    Context::new().with_remote_span_context(of).attach()
}

fn ids(said: &Said) -> (Vec<u8>, Vec<u8>, u32) {
    let record = LogRecord::decode(said.bytes.as_slice()).unwrap();
    (record.trace_id, record.span_id, record.flags)
}

#[test]
fn a_record_carries_the_span_that_is_current_when_it_is_written_and_none_where_none_is() {
    let mut harness = Harness::filtered("info");
    harness.run(|| {
        // Three times, so that the short way is gone too.
        (0..3).for_each(|seq| event!(name: "t.tick", Level::INFO, t.seq = seq));
        let outer = enter(TRACE, SPAN, TraceFlags::SAMPLED);
        (0..3).for_each(|seq| event!(name: "t.tick", Level::INFO, t.seq = seq));
        let inner = enter(TRACE, [1; 8], TraceFlags::NOT_SAMPLED);
        (0..3).for_each(|seq| event!(name: "t.tick", Level::INFO, t.seq = seq));
        drop(inner);
        event!(name: "t.tick", Level::INFO, t.seq = 0);
        drop(outer);
        event!(name: "t.tick", Level::INFO, t.seq = 0);
    });
    let seen: Vec<_> = harness.drain().iter().map(ids).collect();
    let none = (Vec::new(), Vec::new(), 0);
    let (sampled, not) = ((TRACE.to_vec(), SPAN.to_vec(), 1), (TRACE.to_vec(), vec![1; 8], 0));
    let expected =
        [[none.clone(), none.clone(), none.clone()], [sampled.clone(), sampled.clone(), sampled.clone()], [not.clone(), not.clone(), not]];
    assert_eq!(seen, [expected.as_flattened(), &[sampled, none]].concat());
}

#[test]
fn half_an_id_is_none() {
    let mut harness = Harness::filtered("info");
    harness.run(|| {
        for (trace, span) in [([0; 16], SPAN), (TRACE, [0; 8])] {
            let _span = enter(trace, span, TraceFlags::SAMPLED);
            event!(name: "t.tick", Level::INFO, t.seq = 0);
        }
    });
    assert!(harness.drain().iter().all(|said| ids(said) == (Vec::new(), Vec::new(), 0)));
}

#[test]
fn a_root_event_and_what_opentelemetry_itself_says_carry_no_ids() {
    let mut harness = Harness::filtered("info");
    harness.run(|| {
        let _span = enter(TRACE, SPAN, TraceFlags::SAMPLED);
        event!(name: "t.tick", parent: None, Level::INFO, t.seq = 0);
        event!(target: "opentelemetry_sdk", Level::INFO, "of its own");
        event!(target: "mine", Level::INFO, "of mine");
    });
    let seen: Vec<_> = harness.drain().iter().map(|said| ids(said).0.is_empty()).collect();
    assert_eq!(seen, [true, true, false]);
}

#[test]
fn ids_stand_on_a_record_that_moves_to_the_heap_and_on_one_that_folds_too() {
    let mut harness = Harness::filtered("trace");
    harness.run(|| {
        let _span = enter(TRACE, SPAN, TraceFlags::SAMPLED);
        event!(name: "x.large", Level::INFO, text = "x".repeat(5_000), made = ?"x");
        (0..2).for_each(|_| event!(name: "t.node.item", Level::INFO, t.items = 1));
    });
    let said = harness.drain();
    assert_eq!(said.len(), 3);
    assert!(said.iter().all(|said| ids(said) == (TRACE.to_vec(), SPAN.to_vec(), 1)));
}
