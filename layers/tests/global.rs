//! User code that runs in the middle of an event, and events at a thread's very end, under a process-wide default.
//!
//! `tracing` delivers nested events only where no scoped default was ever set, so these tests have a process of their own.
//! No test here may set one, and each holds the lock while it runs.

#[path = "support/mod.rs"]
mod support;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{LazyLock, Mutex, MutexGuard};

use support::{Any, Harness, Said, Total, Totals, ints};
use tracing::{Level, event};
use tracing_weaver_layers::FieldDropReason;

static HARNESS: LazyLock<Mutex<Harness>> = LazyLock::new(|| {
    let harness = Harness::filtered("info");
    tracing::dispatcher::set_global_default(harness.dispatch.clone()).unwrap();
    Mutex::new(harness)
});

fn harness() -> MutexGuard<'static, Harness> {
    let mut harness = HARNESS.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    harness.drain();
    harness
}

/// Runs user code at each formatting, then writes its text.
struct During<F: Fn()>(&'static str, F);

impl<F: Fn()> fmt::Debug for During<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, rest) = self.0.split_at(1);
        f.write_str(first)?;
        (self.1)();
        f.write_str(rest)
    }
}

/// Names of records with their numbers, in order.
fn numbers(said: &[Said]) -> Vec<(&str, Option<&Any>)> {
    said.iter().map(|said| (said.name.as_str(), said.get("t.seq"))).collect()
}

/// What a node's set came to.
fn of_node(totals: &Totals, id: &str) -> BTreeMap<String, Total> {
    totals
        .iter()
        .filter(|(name, _)| name.contains(&format!("t.node.id={id}}}")))
        .map(|(name, total)| (name.clone(), total.clone()))
        .collect()
}

#[test]
fn a_debug_that_emits_events_loses_neither_its_own_nor_the_one_that_it_stands_on() {
    let mut harness = harness();
    let inner = During("text", || {
        event!(name: "t.node.item", Level::INFO, t.items = 1, t.seq = 1);
        event!(name: "t.node.item", Level::TRACE, t.items = 10);
        tracing::info!(x = "unknown");
    });
    let node = tracing::info_span!("t.node", t.node.id = "emits").entered();
    for n in 0..3 {
        event!(name: "t.say", Level::INFO, t.text = ?inner, t.seq = 2);
        event!(name: "t.node.item", Level::INFO, t.items = 100, t.seq = ?inner, t.delta = n);
    }
    drop(node);
    let said = harness.drain();
    let (one, two, text) = (Any::Int(1), Any::Int(2), Any::from("text"));
    let once = [
        ("t.node.item", Some(&one)),
        ("", None),
        ("t.say", Some(&two)),
        ("t.node.item", Some(&one)),
        ("", None),
        ("t.node.item", Some(&text)),
    ];
    assert_eq!(numbers(&said), once.repeat(3));
    assert!(said.iter().all(|said| said.entities["t.node.id"] == "emits"));
    assert!(said.iter().filter(|said| said.name == "t.say").all(|said| said.text("t.text") == "text"));
    let totals = of_node(&harness.totals(), "emits");
    let expected = [
        ("t.node.items{t.node.id=emits}[]", 6 * 11 + 300),
        ("t.node.calls{t.node.id=emits}[]", 15),
        ("t.node.balance{t.node.id=emits}[]", 3),
    ];
    assert_eq!(totals, ints(expected));
}

#[test]
fn a_dimension_whose_debug_emits_events_counts_once_and_they_too() {
    let mut harness = harness();
    let node = tracing::info_span!("t.node", t.node.id = "dimension").entered();
    let channel = tracing::info_span!("t.channel", t.channel.id = 77).entered();
    for _ in 0..2 {
        let outcome = During("failure", || event!(name: "t.channel.send", Level::INFO, outcome = "success", messages = 1, t.seq = 1));
        event!(name: "t.channel.send", Level::INFO, outcome = ?outcome, messages = 10, t.seq = 2);
        event!(name: "t.channel.send", Level::TRACE, outcome = ?outcome, messages = 100, t.seq = 3);
    }
    drop((channel, node));
    let said = harness.drain();
    // The record's own formatting and the fold's may be one or two.
    assert!(said.iter().filter(|said| said.get("t.seq") == Some(&Any::Int(2))).all(|said| said.text("t.outcome") == "failure"));
    assert_eq!(said.iter().filter(|said| said.get("t.seq") == Some(&Any::Int(2))).count(), 2);
    let inner = said.iter().filter(|said| said.get("t.seq") == Some(&Any::Int(1))).count() as i64;
    let totals = of_node(&harness.totals(), "dimension").into_iter().filter(|(name, _)| name.contains("messages")).collect::<Totals>();
    let series = |outcome: &str| format!("t.channel.messages{{t.channel.id=77,t.node.id=dimension}}[t.outcome={outcome}]");
    assert_eq!(totals, ints([(&series("failure"), 220), (&series("success"), inner)]));
}

#[test]
fn a_debug_that_emits_its_own_callsite_again_and_again_ends_and_counts_each() {
    fn say(depth: i64) {
        let inner = During("deep", || {
            if depth > 0 {
                say(depth - 1)
            }
        });
        event!(name: "t.node.item", Level::INFO, t.items = 1, t.delta = ?inner, t.seq = depth);
    }
    let mut harness = harness();
    let node = tracing::info_span!("t.node", t.node.id = "deep").entered();
    say(20);
    drop(node);
    let said = harness.drain();
    assert_eq!(
        said.iter().map(|said| said.get("t.seq").cloned()).collect::<Vec<_>>(),
        (0..=20).map(|n| Some(Any::Int(n))).collect::<Vec<_>>()
    );
    assert_eq!(of_node(&harness.totals(), "deep")["t.node.items{t.node.id=deep}[]"], Total::Int(21));
}

#[test]
fn a_debug_that_enters_and_leaves_spans_changes_no_context_but_its_own() {
    let mut harness = harness();
    let enters = During("text", || {
        let _inner = tracing::info_span!("t.node", t.node.id = "inner").entered();
        event!(name: "t.node.item", Level::INFO, t.items = 1, t.seq = 1);
    });
    let outer = tracing::info_span!("t.node", t.node.id = "outer", t.node.kind = ?enters).entered();
    event!(name: "t.node.item", Level::INFO, t.items = 10, t.delta = ?enters, t.seq = 2);
    event!(name: "t.node.item", Level::INFO, t.items = 100, t.seq = 3);
    // One that leaves the outer span, in the middle of its event.
    let outer = RefCell::new(Some(outer));
    let leaves = During("text", || drop(outer.take()));
    event!(name: "t.node.item", Level::INFO, t.items = 1_000, t.delta = ?leaves, t.seq = 4);
    event!(name: "t.node.item", Level::INFO, t.items = 10_000, t.seq = 5);
    let said = harness.drain();
    let seen: Vec<_> = said.iter().map(|said| said.entities.get("t.node.id").map_or("", String::as_str)).collect();
    assert_eq!(seen, ["inner", "inner", "outer", "outer", "outer", ""]);
    let totals = harness.totals();
    assert_eq!(totals["t.node.items{t.node.id=inner}[]"], Total::Int(2));
    assert_eq!(totals["t.node.items{t.node.id=outer,t.node.kind=text}[]"], Total::Int(1_110));
}

#[test]
fn a_debug_that_emits_and_then_panics_loses_its_field_alone() {
    let mut harness = harness();
    let before = harness.stats().fields_dropped.iter().find(|(reason, _)| *reason == FieldDropReason::Panic).map_or(0, |(_, count)| *count);
    let bad = During("text", || {
        event!(name: "t.node.item", Level::INFO, t.items = 1, t.seq = 1);
        panic!("no text");
    });
    event!(name: "t.say", Level::INFO, t.text = ?bad, t.seq = 2);
    event!(name: "t.say", Level::INFO, t.text = "fine", t.seq = 3);
    let said = harness.drain();
    assert_eq!(said.iter().map(|said| said.keys().len()).collect::<Vec<_>>(), [2, 1, 2]);
    let after = harness.stats().fields_dropped.iter().find(|(reason, _)| *reason == FieldDropReason::Panic).map_or(0, |(_, count)| *count);
    assert_eq!(after - before, 1);
}

#[test]
fn a_debug_that_reads_the_layer_and_changes_its_filter_waits_for_nobody() {
    let mut harness = harness();
    let weaver = harness.weaver.clone();
    let reads = During("text", || {
        weaver.snapshot();
        weaver.stats();
        weaver.set_filter(support::filter("debug"));
        tracing::debug!(t.seq = 1);
        weaver.set_filter(support::filter("info"));
        tracing::debug!(t.seq = 2);
    });
    event!(name: "t.say", Level::INFO, t.text = ?reads, t.seq = 3);
    assert_eq!(numbers(&harness.drain()), [("", Some(&Any::Int(1))), ("t.say", Some(&Any::Int(3)))]);
}

#[test]
fn what_a_reader_emits_while_it_drains_comes_with_a_later_turn() {
    let mut harness = harness();
    event!(name: "t.say", Level::INFO, t.seq = 1);
    let mut taken = 0;
    let weaver = harness.weaver.clone();
    for _ in 0..3 {
        harness.reader.drain(1 << 20, &mut |_| {
            taken += 1;
            weaver.stats();
            if taken < 3 {
                event!(name: "t.say", Level::INFO, t.text = "again", t.seq = 2);
            }
        });
    }
    assert_eq!(taken, 3);
    let stats = harness.stats();
    assert_eq!(stats.records_created, stats.records_taken);
}

/// Emits when its thread ends.
struct AtEnd(fn());

impl Drop for AtEnd {
    fn drop(&mut self) {
        (self.0)();
    }
}

thread_local! {
    static EARLY: RefCell<Option<AtEnd>> = const { RefCell::new(None) };
    static LATE: RefCell<Option<AtEnd>> = const { RefCell::new(None) };
}

#[test]
fn events_in_destructors_of_thread_locals_count_and_are_said_before_and_after_ours() {
    fn at_end() {
        for n in 0..4 {
            event!(name: "t.tick", Level::TRACE, t.seq = n);
            event!(name: "t.tick", Level::INFO, t.seq = n);
            event!(name: "t.answer", Level::TRACE, t.code = 200);
            event!(name: "t.silent", Level::TRACE, t.items = 1);
            // A reader that comes in between frees what an ended thread left.
            WEAVER.snapshot();
            let weaver = WEAVER.clone();
            std::thread::spawn(move || weaver.snapshot()).join().unwrap();
        }
    }
    static WEAVER: LazyLock<std::sync::Arc<tracing_weaver_layers::Weaver>> =
        LazyLock::new(|| HARNESS_WEAVER.lock().unwrap().clone().unwrap());
    static HARNESS_WEAVER: Mutex<Option<std::sync::Arc<tracing_weaver_layers::Weaver>>> = Mutex::new(None);
    let mut harness = harness();
    *HARNESS_WEAVER.lock().unwrap() = Some(harness.weaver.clone());
    let before = harness.totals();
    for first in [true, false] {
        std::thread::spawn(move || {
            EARLY.set(Some(AtEnd(at_end)));
            if first {
                event!(name: "t.tick", Level::INFO, t.seq = 100);
            }
            LATE.set(Some(AtEnd(at_end)));
        })
        .join()
        .unwrap();
    }
    assert_eq!(harness.drain().len(), 2 * 8 + 1);
    let after = harness.totals();
    let grown = |name: &str| match (before.get(name), &after[name]) {
        (None, Total::Int(after)) => *after,
        (Some(Total::Int(before)), Total::Int(after)) => after - before,
        other => panic!("{other:?}"),
    };
    let grown = ["t.ticks{}[]", "t.ticks.weighed{}[]", "t.answers{}[t.code=200]", "t.silence{}[]"].map(grown);
    assert_eq!(grown, [2 * 16 + 1, 5 * (2 * 16 + 1), 16, 16]);
    let stats = harness.stats();
    assert_eq!(stats.records_created, stats.records_taken);
}
