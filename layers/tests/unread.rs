//! Where nobody reads, threads that come and go leave a bounded amount, and nothing of it is lost.
//!
//! The allocator knows how many bytes are in use. This file has a process of its own, and its tests take turns.

#[path = "support/mod.rs"]
mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use support::{Harness, Total, settings};
use tracing::{Level, event, info_span};

struct Counting;

static IN_USE: AtomicUsize = AtomicUsize::new(0);
static TURN: Mutex<()> = Mutex::new(());

// SAFETY: everything is handed to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        IN_USE.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How much `threads` threads leave, each of which counts and perhaps says something.
fn growth(harness: &Harness, threads: i64, say: bool) -> usize {
    let before = IN_USE.load(Ordering::Relaxed);
    for n in 0..threads {
        let work = || {
            let _channel = info_span!("t.channel", t.channel.id = n % 3).entered();
            event!(name: "t.channel.send", Level::TRACE, messages = 1, t.outcome = "success", t.latency = 0.5);
            if say {
                event!(name: "t.say", Level::INFO, t.seq = n);
            }
        };
        std::thread::scope(|scope| drop(scope.spawn(|| harness.run(work)).join()));
    }
    IN_USE.load(Ordering::Relaxed).saturating_sub(before)
}

fn sent(harness: &Harness) -> i64 {
    let messages = harness.totals().into_iter().filter(|(name, _)| name.starts_with("t.channel.messages"));
    messages.map(|(_, total)| if let Total::Int(n) = total { n } else { 0 }).sum()
}

#[test]
fn threads_that_only_count_leave_a_bounded_amount_and_lose_nothing() {
    let _turn = TURN.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    for forward in [true, false] {
        let mut settings = settings("info");
        settings.forward = forward;
        let harness = Harness::new(settings);
        growth(&harness, 2_500, false);
        let grown = growth(&harness, 8_000, false);
        assert!(grown < 12 << 20, "{grown} bytes more after 8,000 threads");
        assert_eq!(sent(&harness), 10_500);
    }
}

#[test]
fn threads_that_say_something_leave_no_more_than_the_bound_on_queues() {
    let _turn = TURN.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let mut settings = settings("info");
    settings.queue_bytes = 1 << 20;
    let mut harness = Harness::new(settings);
    growth(&harness, 2_500, true);
    let grown = growth(&harness, 8_000, true);
    assert!(grown < 12 << 20, "{grown} bytes more after 8,000 threads");
    assert_eq!(sent(&harness), 10_500);
    let taken = harness.drain().len() as u64;
    let stats = harness.stats();
    let dropped: u64 = stats.records_dropped.iter().map(|(_, count)| count).sum();
    assert_eq!((stats.records_created, stats.records_taken, taken + dropped), (10_500, taken, 10_500));
    assert!((1 << 20) / (8 << 10) >= taken && taken > 50, "{taken} records in one mebibyte of small chunks");
}

#[test]
fn layers_that_come_and_go_give_everything_back() {
    let _turn = TURN.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let one = || {
        let mut harness = Harness::filtered("info");
        growth(&harness, 3, true);
        harness.run(|| event!(name: "t.say", Level::INFO, t.seq = 1));
        assert_eq!(harness.drain().len(), 4);
    };
    (0..30).for_each(|_| one());
    let before = IN_USE.load(Ordering::Relaxed);
    (0..300).for_each(|_| one());
    let grown = IN_USE.load(Ordering::Relaxed).saturating_sub(before);
    assert!(grown < 4 << 20, "{grown} bytes more after 300 layers");
}
