//! A process that runs for a day hoards nothing: neither spans nor what is said inside of them.
//!
//! The day is simulated, a turn for each of its seconds. The allocator counts the bytes that live; nothing else may run in this process.
#![cfg(feature = "spans")]

#[path = "support/spans.rs"]
mod spans;
mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use opentelemetry_sdk::trace::{Sampler, SpanData, SpanLimits};
use spans::REGISTRY;
use support::{Harness, registry_of};
use tracing::{Level, event, info_span};
use tracing_weaver_layers::{Settings, SpanSettings, SpanSink};

struct Living;

static BYTES: AtomicI64 = AtomicI64::new(0);

// SAFETY: everything is handed to the system's allocator as it came.
unsafe impl GlobalAlloc for Living {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        BYTES.fetch_add(layout.size() as i64, Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        BYTES.fetch_sub(layout.size() as i64, Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Living = Living;

/// Counts spans and lets them go.
#[derive(Debug, Default)]
struct Passed(AtomicU64);

impl SpanSink for Passed {
    fn take(&self, _: SpanData) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

const SECONDS: u64 = 86_400;

#[test]
fn a_day_of_traces_inside_of_entities_that_live_all_day_leaves_nothing_behind() {
    let passed = Arc::new(Passed::default());
    let mut settings = Settings::new(registry_of(REGISTRY));
    settings.spans =
        Some(SpanSettings { sampler: Sampler::AlwaysOn, limits: SpanLimits::default(), text_limit: None, sink: passed.clone() });
    let mut harness = Harness::new(settings);
    let dispatch = harness.dispatch.clone();
    let mut said = 0;
    let mut second = |at: u64| {
        tracing::dispatcher::with_default(&dispatch, || {
            let batch = info_span!("s.batch", size = at, s.note = "of the day");
            let _in_batch = batch.enter();
            event!(Level::INFO, at, "inside");
            info_span!("elsewhere", at).in_scope(|| event!(Level::ERROR, exception.message = "now and then"));
            // Another instance of an entity every minute, of ten that come again.
            let _node = info_span!("s.node", s.node.id = at / 60 % 10).entered();
            event!(parent: &batch, Level::INFO, "by hand");
        });
        while harness.reader.drain(usize::MAX, &mut |_| said += 1) {}
    };
    let all_day = tracing::dispatcher::with_default(&dispatch, || info_span!("s.node", s.node.id = "all day"));
    let _all_day = tracing::dispatcher::with_default(&dispatch, || all_day.enter());
    (0..SECONDS / 10).for_each(&mut second);
    let after_a_while = BYTES.load(Ordering::Relaxed);
    (SECONDS / 10..SECONDS).for_each(&mut second);
    let grown = BYTES.load(Ordering::Relaxed) - after_a_while;
    assert_eq!((passed.0.load(Ordering::Relaxed), said), (2 * SECONDS, 3 * SECONDS));
    assert!(grown < 64 << 10, "{grown} bytes more after the other nine tenths of the day");
}
