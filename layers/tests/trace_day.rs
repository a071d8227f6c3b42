//! A process that traces for a day does not hoard: what lives in the evening lived in the morning.
//!
//! The allocator counts the bytes that live. This file has a process of its own and one test.
#![cfg(feature = "spans")]

#[path = "support/spans.rs"]
mod spans;
mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use opentelemetry_sdk::trace::SpanData;
use spans::{REGISTRY, traced_with};
use support::{Harness, registry_of};
use tracing::{Level, Span, event, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_weaver_layers::{SpanSettings, SpanSink};

struct Counting;

static LIVE: AtomicI64 = AtomicI64::new(0);

// SAFETY: everything is handed to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size() as i64, Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size() as i64, Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn node(id: &str) -> Span {
    info_span!("s.node", s.node.id = id)
}

/// Counts spans and forgets them.
#[derive(Debug, Default)]
struct Tally(AtomicI64);

impl SpanSink for Tally {
    fn take(&self, _: SpanData) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_day_of_spans_entities_and_events_leaves_no_memory_behind() {
    let tally = Arc::new(Tally::default());
    let mut with = traced_with(registry_of(REGISTRY), "info", Arc::default());
    with.spans = with.spans.map(|spans| SpanSettings { sink: tally.clone(), ..spans });
    let mut harness = Harness::new(with);
    let mut hour = |batches: i64| {
        harness.run(|| {
            let engine = node("engine");
            let _in_engine = engine.enter();
            for n in 0..batches {
                let node = node(["receiver", "batch", "exporter"][n as usize % 3]).entered();
                let batch = info_span!("s.batch", s.size = n, s.note = tracing::field::Empty).entered();
                batch.record("s.note", "late");
                let inner = info_span!("elsewhere", text = "some text that is not short", n);
                inner.follows_from(&*batch);
                inner.in_scope(|| {
                    event!(Level::INFO, n, "inside");
                    event!(Level::ERROR, exception.message = "something failed");
                });
                inner.set_attribute("by hand", n);
                let handed_on = batch.clone();
                drop((batch, node));
                // A trace that goes on elsewhere, and one that is never entered.
                handed_on.in_scope(|| info_span!("next").in_scope(|| ()));
                drop(info_span!(parent: &handed_on, "never entered"));
            }
        });
        harness.drain();
        LIVE.load(Ordering::Relaxed)
    };
    // What is made once is made in the first hour.
    let morning = hour(1_000);
    let evening = (0..10).map(|_| hour(1_000)).last().unwrap();
    assert_eq!(tally.0.load(Ordering::Relaxed), 11 * 1_000 * 4);
    assert!(evening - morning < 200_000, "{} bytes more in the evening", evening - morning);
}
