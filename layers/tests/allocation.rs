//! In steady state an event costs no allocation, whether it is counted, said or both.
//!
//! The allocator counts what the measuring thread asks for. Nothing here may measure a callsite's or a chunk's first time.

#[path = "support/mod.rs"]
mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use support::Harness;
use tracing::{Level, event, info_span};

struct Counting;

thread_local! {
    static ASKED: Cell<u64> = const { Cell::new(0) };
}

fn count() {
    let _ = ASKED.try_with(|asked| asked.set(asked.get() + 1));
}

// SAFETY: everything is handed to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: as the caller promises.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: as the caller promises.
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What a thousand calls of `work` ask for once callsites, series and chunks are no longer new: the least of several turns, since
/// another test's dispatcher may make something new again.
fn least(work: impl Fn(i64), mut between: impl FnMut()) -> u64 {
    let turn = |_| {
        let before = ASKED.get();
        (0..1_000).for_each(&work);
        let asked = ASKED.get() - before;
        between();
        asked
    };
    (0..20).map(turn).min().unwrap()
}

/// The same under a layer of its own, whose records are read in between, so that chunks come back.
fn allocations(directives: &str, work: impl Fn(i64)) -> u64 {
    let Harness { weaver, mut reader, dispatch, .. } = Harness::filtered(directives);
    let mut taken = 0;
    let asked =
        tracing_core::dispatcher::with_default(&dispatch, || least(work, || while reader.drain(usize::MAX, &mut |_| taken += 1) {}));
    assert_eq!(taken, weaver.stats().records_created);
    asked
}

#[test]
fn the_allocator_counts() {
    let asked = allocations("off", |n| drop(std::hint::black_box(vec![n])));
    assert_eq!(asked, 1_000);
}

#[test]
fn a_fold_without_dimension_allocates_nothing() {
    let asked = allocations("off", |n| event!(name: "t.silent", Level::TRACE, t.items = n));
    assert_eq!(asked, 0);
    let asked = allocations("off", |n| event!(name: "t.node.item", Level::TRACE, t.items = n, t.delta = -n, t.seq = n));
    assert_eq!(asked, 0, "also of a set whose entity is not in force");
}

#[test]
fn a_fold_with_dimensions_distribution_and_two_sets_allocates_nothing() {
    let asked = allocations("off", |n| {
        let outcome = ["success", "failure", "unheard of"][n as usize % 3];
        event!(name: "t.channel.send", Level::TRACE, outcome = outcome, t.signal = "logs", messages = n, t.cost = 0.5, t.latency = 1.5);
        event!(name: "t.transfer", Level::TRACE, t.items = n, messages = 1, t.outcome = outcome);
        event!(name: "t.node.depth", Level::TRACE, t.depth = n);
        event!(name: "t.answer", Level::TRACE, t.code = 200, t.retried = true);
    });
    assert_eq!(asked, 0);
}

#[test]
fn a_record_of_four_attributes_allocates_nothing_with_and_without_a_message() {
    let asked = allocations("info", |n| event!(name: "x.other", Level::INFO, a = n, b = "some text", c = true, d = u64::MAX / 3));
    assert_eq!(asked, 0);
    let asked = allocations(
        "info",
        |n| event!(name: "x.other", Level::INFO, { a = n, b = "some text", c = true, d = 1.5 }, "handled {} of {}", n, 7),
    );
    assert_eq!(asked, 0, "with a message");
    let long = "a text that is longer than what goes the short way, which ends at sixty bytes".repeat(8);
    let asked = allocations("info", |n| event!(name: "t.say", Level::WARN, t.text = long.as_str(), t.seq = ?n));
    assert_eq!(asked, 0, "with a long text and a `Debug`");
}

#[test]
fn an_event_that_is_counted_and_said_allocates_nothing() {
    let asked = allocations("info", |n| {
        event!(name: "t.channel.send", Level::INFO, outcome = "success", t.signal = ?"logs", messages = n, t.latency = 0.5, t.seq = n);
    });
    assert_eq!(asked, 0);
}

#[test]
fn entering_and_leaving_entities_allocates_nothing_and_events_inside_of_them_neither() {
    let mut nodes = Vec::new();
    let harness = Harness::filtered("info");
    harness.run(|| (0..30).for_each(|n: i64| nodes.push(info_span!("t.node", t.node.id = n.to_string()))));
    let work = |n: i64| {
        let _outer = nodes[n as usize % 10].enter();
        let _inner = nodes[10 + n as usize % 20].enter();
        event!(name: "t.node.item", Level::TRACE, t.items = n);
        let again = nodes[n as usize % 10].enter();
        event!(name: "t.channel.send", Level::TRACE, outcome = "success", messages = n);
        drop(again);
    };
    harness.run(|| {
        assert_eq!(least(work, || {}), 0);
    });
}

#[test]
fn an_event_that_nobody_wants_or_that_finds_its_queue_full_allocates_nothing() {
    let asked = allocations("error", |n| {
        event!(name: "t.say", Level::INFO, t.text = "not wanted", t.seq = n);
        tracing::debug!(n, "not wanted either");
    });
    assert_eq!(asked, 0);
    let mut small = support::settings("info");
    small.queue_bytes = 20_000;
    let full = Harness::new(small);
    full.run(|| {
        let work = |n: i64| event!(name: "t.say", Level::INFO, t.text = "no room", t.seq = n);
        assert_eq!(least(work, || {}), 0);
    });
    assert!(!full.stats().records_dropped.is_empty());
}
