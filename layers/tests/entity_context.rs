//! Which entities are in force, case by case: by threads, guards and parents as programs really use them.
//!
//! The model draws such things at random; here each stands by itself, so that a reader finds it. Nothing here may depend on a filter.

#[path = "support/nodes.rs"]
mod nodes;
mod support;

use std::sync::{Arc, Barrier};

use nodes::{expected, harness, item, items, node};
use support::{Harness, Total, settings};
use tracing::{Level, Span, event, info_span, trace_span};

#[test]
fn an_entity_is_in_force_in_all_that_happens_inside_through_spans_of_others() {
    let harness = harness();
    harness.run(|| {
        let _group = trace_span!("t.group", t.group.id = "g").entered();
        let _plain = info_span!("plain").entered();
        let _node = node("n").entered();
        let _more = info_span!("more", t.node.id = "not this one").entered();
        item(1);
    });
    assert_eq!(items(&harness), expected(&[("t.group.id=g,n", 1)]));
}

#[test]
fn of_one_type_the_innermost_counts_and_the_outer_one_again_after_it() {
    let harness = harness();
    harness.run(|| {
        node("outer").in_scope(|| {
            item(1);
            node("inner").in_scope(|| item(10));
            item(100);
        });
        item(1_000);
    });
    assert_eq!(items(&harness), expected(&[("", 1_000), ("inner", 10), ("outer", 101)]));
    assert_eq!(harness.stats().measurements_unattributed, 1);
}

#[test]
fn a_set_never_gets_what_stands_inside_of_its_own_entity() {
    let harness = harness();
    harness.run(|| {
        let _node = node("n").entered();
        let _channel = trace_span!("t.channel", t.channel.id = 7).entered();
        item(1);
        event!(name: "t.channel.send", Level::TRACE, messages = 1);
    });
    assert_eq!(items(&harness), expected(&[("n", 1)]));
    assert_eq!(harness.totals()["t.channel.messages{t.channel.id=7,t.node.id=n}[]"], Total::Int(1));
}

#[test]
fn a_span_without_its_whole_identity_opens_nothing_and_what_was_in_force_stays() {
    let harness = harness();
    harness.run(|| {
        let _outer = node("outer").entered();
        trace_span!("t.node").in_scope(|| item(1));
        trace_span!("t.node", t.node.kind = "sort", t.node.id = tracing::field::Empty).in_scope(|| item(10));
        trace_span!("t.node", t.node.id = None::<&str>).in_scope(|| item(100));
        let pipeline = trace_span!("t.pipeline", t.pipeline.id = "half").entered();
        item(1_000);
        drop(pipeline);
        trace_span!("t.pipeline", t.group.id = "g", t.pipeline.id = "p").in_scope(|| item(10_000));
    });
    assert_eq!(items(&harness), expected(&[("outer", 11_111)]), "a node's ancestors count, not what is inside of it");
    assert_eq!(harness.stats().entities_refused, 4);
}

#[test]
fn two_live_instances_of_one_identity_share_one_series_and_either_may_end_first() {
    let harness = harness();
    harness.run(|| {
        let (old, new) = (node("n"), node("n"));
        old.in_scope(|| item(1));
        new.in_scope(|| item(10));
        old.in_scope(|| new.in_scope(|| item(100)));
        drop(old);
        new.in_scope(|| item(1_000));
        let newer = node("n");
        drop(new);
        newer.in_scope(|| item(10_000));
    });
    assert_eq!(items(&harness), expected(&[("n", 11_111)]));
    assert_eq!(harness.weaver.snapshot().sets.len(), 1);
}

#[test]
fn guards_that_drop_out_of_order_leave_the_last_one_entered_in_force() {
    let harness = harness();
    harness.run(|| {
        let (a, b, c) = (node("a"), node("b"), node("c"));
        let (in_a, in_b, in_c) = (a.enter(), b.enter(), c.enter());
        drop(in_a);
        item(1);
        drop(in_c);
        item(10);
        let in_a = a.enter();
        item(100);
        drop(in_b);
        item(1_000);
        drop(in_a);
        item(10_000);
    });
    assert_eq!(items(&harness), expected(&[("", 10_000), ("a", 1_100), ("b", 10), ("c", 1)]));
}

#[test]
fn a_span_that_is_entered_twice_does_not_come_to_the_top_again() {
    let harness = harness();
    harness.run(|| {
        let (a, b) = (node("a"), node("b"));
        let (first, in_b, second) = (a.enter(), b.enter(), a.enter());
        item(1);
        drop(in_b);
        item(10);
        drop(second);
        item(100);
        drop(first);
        item(1_000);
    });
    assert_eq!(items(&harness), expected(&[("", 1_000), ("a", 110), ("b", 1)]));
}

#[test]
fn a_function_that_calls_itself_inside_of_ever_more_spans_comes_back_through_all_of_them() {
    fn down(depth: i64) {
        let name = depth.to_string();
        let span = node(&name);
        let _inside = span.enter();
        item(1);
        if depth < 100 {
            down(depth + 1);
        }
        item(1_000);
    }
    let harness = harness();
    harness.run(|| down(0));
    let all = items(&harness);
    assert!(all.len() == 101 && all.iter().all(|(_, items)| *items == 1_001), "{all:?}");
}

#[test]
fn a_parent_by_hand_counts_and_not_what_is_entered() {
    let harness = harness();
    harness.run(|| {
        let (a, b) = (node("a"), node("b"));
        let _in_b = b.enter();
        event!(name: "t.node.item", parent: &a, Level::TRACE, t.items = 1);
        event!(name: "t.node.item", parent: a.id(), Level::TRACE, t.items = 1);
        info_span!(parent: &a, "plain").in_scope(|| item(10));
        info_span!(parent: None, "root").in_scope(|| item(100));
        event!(name: "t.node.item", parent: None, Level::TRACE, t.items = 100);
        info_span!(parent: Span::none(), "none").in_scope(|| item(1_000));
        event!(name: "t.node.item", parent: Span::current(), Level::TRACE, t.items = 10_000);
        // `Span::none` is entered as nothing.
        Span::none().in_scope(|| item(100_000));
        let _none = Span::none().entered();
        item(1_000_000);
    });
    // Where nobody makes `plain`, `root` and `none`, they are nothing that could be entered.
    assert_eq!(items(&harness), expected(&[("", 100), ("a", 2), ("b", 1_111_110)]));
}

#[test]
fn a_plain_span_hands_on_its_parent_by_hand_where_somebody_makes_it() {
    let harness = Harness::filtered("info");
    harness.run(|| {
        let (a, b) = (node("a"), node("b"));
        let _in_b = b.enter();
        info_span!(parent: &a, "plain").in_scope(|| {
            item(1);
            info_span!("inside").in_scope(|| item(10));
        });
        info_span!(parent: None, "root").in_scope(|| item(100));
        let other = info_span!("other");
        other.follows_from(&a);
        other.in_scope(|| item(1_000));
    });
    assert_eq!(items(&harness), expected(&[("", 100), ("a", 11), ("b", 1_000)]));
}

#[test]
fn the_current_span_can_be_taken_elsewhere_and_stands_for_the_same() {
    let harness = harness();
    harness.run(|| {
        let inside = node("n").in_scope(Span::current);
        item(1);
        inside.in_scope(|| item(10));
        let inside = inside.or_current();
        std::thread::scope(|scope| scope.spawn(|| harness.run(|| inside.in_scope(|| item(100)))).join().unwrap());
    });
    assert_eq!(items(&harness), expected(&[("", 1), ("n", 110)]));
}

#[test]
fn a_panic_through_a_span_leaves_it() {
    let harness = harness();
    harness.run(|| {
        let caught = std::panic::catch_unwind(|| {
            let _node = node("n").entered();
            item(1);
            node("m").in_scope(|| std::panic::resume_unwind(Box::new(())))
        });
        assert!(caught.is_err());
        item(10);
    });
    assert_eq!(items(&harness), expected(&[("", 10), ("n", 1)]));
}

#[test]
fn a_guard_that_is_forgotten_holds_its_entity_until_the_span_ends_and_no_longer() {
    let harness = harness();
    harness.run(|| {
        let outer = node("outer");
        let _outer = outer.enter();
        let n = node("n");
        std::mem::forget(n.enter());
        item(1);
        let kept = n.clone();
        drop(n);
        item(10);
        drop(kept);
        item(100);
        node("next").in_scope(|| item(1_000));
        item(10_000);
    });
    // As for Registry, what was entered last is still the current span, and gone.
    assert_eq!(items(&harness), expected(&[("", 10_100), ("n", 11), ("next", 1_000)]));
    assert_eq!(harness.stats().measurements_unattributed, 2);
}

#[test]
fn a_guard_that_is_forgotten_among_thousands_of_live_spans_holds_no_longer_either() {
    let harness = harness();
    harness.run(|| {
        let live: Vec<Span> = (0..20_000).map(|n| trace_span!("t.channel", t.channel.id = n)).collect();
        let last = node("last");
        std::mem::forget(last.enter());
        item(1);
        drop(last);
        item(10);
        drop(live);
    });
    assert_eq!(items(&harness), expected(&[("", 10), ("last", 1)]));
}

#[test]
fn a_thread_that_ends_inside_of_a_span_leaves_nothing_to_the_next_one() {
    let harness = harness();
    harness.run(|| {
        let n = node("n");
        for _ in 0..8 {
            std::thread::scope(|scope| {
                let inside = scope.spawn(|| {
                    harness.run(|| {
                        item(1);
                        std::mem::forget(n.enter());
                        item(10);
                    });
                });
                inside.join().unwrap();
            });
        }
    });
    assert_eq!(items(&harness), expected(&[("", 8), ("n", 80)]));
}

#[test]
fn one_span_that_many_threads_are_inside_of_counts_for_each_of_them() {
    const THREADS: usize = 4;
    const TURNS: i64 = 2_000;
    let harness = harness();
    let shared = harness.run(|| node("shared"));
    let start = Barrier::new(THREADS);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                harness.run(|| {
                    start.wait();
                    for _ in 0..TURNS {
                        let _inside = shared.enter();
                        item(1);
                        node("own").in_scope(|| item(1));
                        item(1);
                    }
                });
            });
        }
    });
    let turns = THREADS as i64 * TURNS;
    assert_eq!(items(&harness), expected(&[("own", turns), ("shared", 2 * turns)]));
}

#[test]
fn spans_that_were_made_before_the_layer_was_there_have_no_entity() {
    let other = harness();
    let early = other.run(|| node("early"));
    let harness = harness();
    harness.run(|| {
        let _early = early.enter();
        item(1);
        node("n").in_scope(|| item(10));
    });
    assert_eq!(items(&harness), expected(&[("", 1), ("n", 10)]));
    assert_eq!(items(&other), []);
}

#[test]
fn many_layers_at_once_each_have_the_context_of_their_own_stack() {
    let harnesses: Vec<Harness> = (0..20).map(|_| harness()).collect();
    let spans: Vec<Span> = harnesses.iter().enumerate().map(|(at, harness)| harness.run(|| node(&at.to_string()))).collect();
    let harnesses = Arc::new(harnesses);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                // All entered at once, each in its own stack.
                let entered: Vec<_> = spans.iter().map(Span::enter).collect();
                harnesses.iter().for_each(|harness| harness.run(|| item(1)));
                harnesses.iter().step_by(2).for_each(|harness| harness.run(|| node("own").in_scope(|| item(1))));
                drop(entered);
                harnesses.iter().rev().for_each(|harness| harness.run(|| item(1)));
            });
        }
    });
    for (at, harness) in harnesses.iter().enumerate() {
        let own = at.to_string();
        let with_own = [("", 2), (own.as_str(), 2), ("own", 2)];
        assert_eq!(items(harness), expected(if at % 2 == 0 { &with_own } else { &with_own[..2] }), "layer {at}");
    }
}

#[test]
fn a_layer_without_folds_and_one_without_records_have_the_same_entities() {
    let (mut no_fold, mut no_forward) = (settings("trace"), settings("trace"));
    (no_fold.fold, no_forward.forward) = (false, false);
    let (mut no_fold, no_forward) = (Harness::new(no_fold), Harness::new(no_forward));
    for harness in [&no_fold, &no_forward] {
        harness.run(|| {
            node("outer").in_scope(|| {
                item(1);
                node("inner").in_scope(|| item(10));
            });
        });
    }
    let said: Vec<_> = no_fold.drain().into_iter().map(|said| said.entities["t.node.id"].clone()).collect();
    assert_eq!(said, ["outer", "inner"]);
    assert_eq!(items(&no_forward), expected(&[("inner", 10), ("outer", 1)]));
}
