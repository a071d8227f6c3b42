//! Any interleaving of spans, threads and events counts what a plain model counts.
//!
//! The model is written from the rules alone: Registry's stack of entered spans, the chain of parents, the cut of a chain at a
//! set's own entity. It must never ask the layer how it came to its numbers.

mod callsites;
mod ops;
mod plain;
mod program;
#[cfg(feature = "spans")]
#[path = "../support/spans.rs"]
mod spans;
#[path = "../support/mod.rs"]
mod support;
#[cfg_attr(not(feature = "spans"), path = "untraced.rs")]
mod traced;
mod view;
mod worker;

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};

use ops::{Op, Setup, ops, setup};
use program::Program;
use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestRunner};
use support::{Harness, Total, ints};
use tracing::{Level, event};

/// How many cases: 200, or what `PROPTEST_CASES` says.
fn config() -> ProptestConfig {
    let variable = |name: &str| std::env::var(name).ok().and_then(|value| value.parse().ok());
    let seed = variable("PROPTEST_RNG_SEED").unwrap_or_else(|| RandomState::new().hash_one(0));
    let cases = variable("PROPTEST_CASES").map_or(200, |cases| cases as u32);
    ProptestConfig { cases, rng_seed: RngSeed::Fixed(seed), failure_persistence: None, ..ProptestConfig::default() }
}

#[test]
fn any_interleaving_of_spans_threads_tasks_and_events_gives_each_layer_the_totals_and_scopes_of_the_plain_model() {
    let config = config();
    let RngSeed::Fixed(seed) = config.rng_seed else { unreachable!() };
    println!("{} cases; the same ones again: PROPTEST_RNG_SEED={seed}", config.cases);
    if let Err(failure) = TestRunner::new(config).run(&(setup(), ops(120)), |(setup, steps)| run(&setup, &steps)) {
        panic!("{failure}\nthe same cases again: PROPTEST_RNG_SEED={seed}");
    }
}

fn run(setup: &Setup, steps: &[Op]) -> Result<(), TestCaseError> {
    let mut program = Program::start(setup);
    steps.iter().try_for_each(|step| program.step(step))?;
    program.finish()
}

#[test]
fn many_threads_at_once_lose_nothing_while_readers_look_on_and_totals_never_go_down() {
    const THREADS: u64 = 4;
    const EACH: u64 = 20_000;
    let harness = Harness::filtered("off");
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let looking = scope.spawn(|| {
            let (mut before, mut looks) = (harness.totals(), 0u64);
            while !stop.load(Ordering::Acquire) {
                let now = harness.totals();
                for (name, old) in &before {
                    match (old, &now[name]) {
                        (Total::Int(old), Total::Int(new)) => assert!(new >= old, "{name} went from {old} to {new}"),
                        other => panic!("{name}: {other:?}"),
                    }
                }
                (before, looks) = (now, looks + 1);
            }
            looks
        });
        let writers: Vec<_> = (0..THREADS)
            .map(|at| {
                let harness = &harness;
                scope.spawn(move || {
                    harness.run(|| {
                        let node = tracing::info_span!("t.node", t.node.id = if at % 2 == 0 { "even" } else { "odd" }).entered();
                        for n in 0..EACH {
                            event!(name: "t.node.item", Level::TRACE, t.items = n % 3, t.delta = 1);
                        }
                        drop(node);
                    });
                })
            })
            .collect();
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        stop.store(true, Ordering::Release);
        assert!(looking.join().unwrap() > 0);
    });
    let items = (0..EACH).map(|n| n % 3).sum::<u64>() * 2;
    let both = |id: &str| {
        [("items", items as i64), ("balance", 2 * EACH as i64), ("calls", 2 * EACH as i64)]
            .map(|(metric, value)| (format!("t.node.{metric}{{t.node.id={id}}}[]"), Total::Int(value)))
    };
    assert_eq!(harness.totals(), both("even").into_iter().chain(both("odd")).collect());
}

#[test]
fn a_span_that_closes_while_entered_leaves_its_entity_with_it() {
    let harness = Harness::filtered("off");
    harness.run(|| {
        let node = tracing::info_span!("t.node", t.node.id = "n");
        std::mem::forget(node.enter());
        event!(name: "t.node.item", Level::TRACE, t.items = 1);
        drop(node);
        event!(name: "t.node.item", Level::TRACE, t.items = 10);
    });
    assert_eq!(
        harness.totals(),
        ints([("t.node.items{t.node.id=n}[]", 1), ("t.node.calls{t.node.id=n}[]", 1), ("t.node.items{}[]", 10), ("t.node.calls{}[]", 1),])
    );
    assert_eq!(harness.stats().measurements_unattributed, 1);
}

#[test]
fn a_span_that_another_thread_closes_while_it_is_entered_leaves_its_entity_too() {
    let harness = Harness::filtered("off");
    let (closed, wait) = std::sync::mpsc::channel::<()>();
    let (entered, hand) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        let harness = &harness;
        scope.spawn(move || {
            harness.run(|| {
                let node = tracing::info_span!("t.node", t.node.id = "n");
                std::mem::forget(node.enter());
                entered.send(node).unwrap();
                wait.recv().unwrap();
                event!(name: "t.node.item", Level::TRACE, t.items = 10);
            });
        });
        scope.spawn(move || {
            harness.run(|| drop(hand.recv().unwrap()));
            closed.send(()).unwrap();
        });
    });
    assert_eq!(harness.totals(), ints([("t.node.items{}[]", 10), ("t.node.calls{}[]", 1)]));
}

#[test]
fn a_set_keeps_its_own_entitys_ancestor_also_where_an_inner_entity_of_that_type_is_in_force() {
    let harness = Harness::filtered("off");
    harness.run(|| {
        let _outer = tracing::info_span!("t.node", t.node.id = "outer").entered();
        let _channel = tracing::info_span!("t.channel", t.channel.id = 7).entered();
        event!(name: "t.channel.send", Level::TRACE, messages = 1);
        let _inner = tracing::info_span!("t.node", t.node.id = "inner").entered();
        event!(name: "t.channel.send", Level::TRACE, messages = 10);
    });
    assert_eq!(harness.totals(), ints([("t.channel.messages{t.channel.id=7,t.node.id=outer}[]", 11)]));
}

#[test]
fn where_two_types_in_force_carry_one_key_records_and_sets_both_take_the_innermost_value() {
    let mut harness = Harness::filtered("info");
    harness.run(|| {
        let _pipeline = tracing::info_span!("t.pipeline", t.group.id = "outer", t.pipeline.id = "p").entered();
        let _group = tracing::info_span!("t.group", t.group.id = "inner").entered();
        let _node = tracing::info_span!("t.node", t.node.id = "n").entered();
        event!(name: "t.node.item", Level::INFO, t.items = 1);
    });
    assert_eq!(harness.drain()[0].entities["t.group.id"], "inner");
    let scope = "{t.group.id=inner,t.node.id=n,t.pipeline.id=p}[]";
    assert_eq!(harness.totals(), ints([(&format!("t.node.items{scope}"), 1), (&format!("t.node.calls{scope}"), 1)]));
}

#[test]
fn an_id_that_comes_back_after_thousands_of_closes_never_finds_the_entity_of_the_span_before() {
    let harness = Harness::filtered("off");
    harness.run(|| {
        for n in 0..40_000u64 {
            // Every second span is none of an entity, and takes over the id of one that was.
            let _span = match n % 2 {
                0 => tracing::error_span!("t.node", t.node.id = "n").entered(),
                _ => tracing::error_span!(parent: None, "plain").entered(),
            };
            event!(name: "t.node.item", Level::TRACE, t.items = n % 2);
        }
    });
    let totals = harness.totals();
    assert_eq!(totals["t.node.calls{t.node.id=n}[]"], Total::Int(20_000));
    assert_eq!(totals.get("t.node.items{t.node.id=n}[]"), Some(&Total::Int(0)));
}

#[test]
fn spans_that_are_made_entered_and_dropped_by_different_threads_under_load_keep_their_entities() {
    const EACH: i64 = 4_000;
    let harness = Harness::filtered("off");
    let (to_second, from_first) = std::sync::mpsc::sync_channel(64);
    let (to_third, from_second) = std::sync::mpsc::sync_channel(64);
    std::thread::scope(|scope| {
        let harness = &harness;
        for maker in 0..2i64 {
            let to_second = to_second.clone();
            scope.spawn(move || {
                harness.run(|| {
                    for n in 0..EACH {
                        let node = tracing::info_span!("t.node", t.node.id = format!("{maker}{}", n % 10));
                        node.in_scope(|| event!(name: "t.node.item", Level::TRACE, t.items = 1));
                        to_second.send(node).unwrap();
                    }
                });
            });
        }
        drop(to_second);
        scope.spawn(move || {
            harness.run(|| {
                for (n, node) in from_first.iter().enumerate() {
                    let channel = tracing::info_span!(parent: &node, "t.channel", t.channel.id = n as i64 % 3);
                    let _inside = node.enter();
                    event!(name: "t.node.item", Level::TRACE, t.items = 10);
                    to_third.send(channel).unwrap();
                }
            });
        });
        scope.spawn(move || {
            harness.run(|| {
                for channel in from_second {
                    channel.in_scope(|| event!(name: "t.node.item", Level::TRACE, t.items = 100));
                    event!(name: "t.channel.send", parent: &channel, Level::TRACE, messages = 1);
                }
            });
        });
    });
    let totals = harness.totals();
    for node in (0..20).map(|n| format!("{}{}", n / 10, n % 10)) {
        assert_eq!(totals[&format!("t.node.items{{t.node.id={node}}}[]")], Total::Int(EACH / 10 * 111));
    }
    let sent = totals.iter().filter(|(name, _)| name.starts_with("t.channel.messages{t.channel.id="));
    assert_eq!(sent.map(|(_, total)| if let Total::Int(n) = total { *n } else { 0 }).sum::<i64>(), 2 * EACH);
    assert_eq!((totals.len(), harness.stats().measurements_unattributed), (20 * 2 + 20 * 3, 0));
}
