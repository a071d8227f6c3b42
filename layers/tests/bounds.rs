//! What has a bound, at the bound: entities, scopes, and the turns of readers.
//!
//! A program that names things after its users comes here. No test may take more than seconds or a hundred mebibytes.

#[path = "support/mod.rs"]
mod support;

use std::collections::HashSet;

use support::{Any, Harness, Total};
use tracing::{Level, event, info_span};

#[test]
fn past_the_bound_on_entities_a_span_opens_nothing_and_measurements_are_kept_unattributed() {
    const MANY: i64 = 132_000;
    let harness = Harness::filtered("off");
    harness.run(|| {
        for n in 0..MANY {
            let _channel = info_span!("t.channel", t.channel.id = n).entered();
            if n == 5 || n >= MANY - 10 {
                event!(name: "t.channel.send", Level::TRACE, messages = 1);
            }
        }
        // One that counted before the bound was met still does.
        let _channel = info_span!("t.channel", t.channel.id = 5).entered();
        event!(name: "t.channel.send", Level::TRACE, messages = 1);
    });
    let stats = harness.stats();
    assert!((10..MANY as u64).contains(&stats.entities_refused), "{stats:?}");
    let totals = harness.totals();
    let counted: i64 = totals.values().map(|total| if let Total::Int(n) = total { *n } else { 0 }).sum();
    assert_eq!((counted, totals["t.channel.messages{t.channel.id=5}[]"].clone()), (12, Total::Int(2)));
    assert_eq!(stats.measurements_unattributed, 10);
}

#[test]
fn targets_that_a_program_makes_up_are_bounded_and_none_stands_for_another() {
    const MANY: usize = 17_000;
    let mut harness = Harness::filtered("info");
    let mut scopes = HashSet::new();
    harness.run(|| {
        for n in 0..MANY {
            let (target, text) = (format!("user-{n}"), n.to_string());
            let args = format_args!("{text}");
            tracing_log::format_trace(&log::Record::builder().args(args).level(log::Level::Info).target(&target).build()).unwrap();
        }
    });
    for said in harness.drain() {
        let Some(Any::Str(number)) = &said.body else { panic!("{said:?}") };
        assert!(said.scope == format!("user-{number}") || !said.scope.starts_with("user-"), "{} stands under {}", number, said.scope);
        scopes.insert(said.scope);
    }
    assert!((1_000..MANY).contains(&scopes.len()), "{} scopes", scopes.len());
}

#[test]
fn a_thread_that_always_has_more_does_not_keep_others_waiting() {
    let mut harness = Harness::filtered("info");
    let say = |harness: &Harness, from: i64, count: i64| {
        std::thread::scope(|scope| {
            drop(scope.spawn(|| harness.run(|| (0..count).for_each(|n| event!(name: "t.say", Level::INFO, t.seq = from + n)))).join())
        });
    };
    // Two busy ones about a calm one, whatever the order in which they are read.
    for (from, count) in [(1_000, 2_000), (0, 1), (10_000, 2_000)] {
        say(&harness, from, count);
    }
    let mut turns = 0;
    let mut found = false;
    while !found {
        turns += 1;
        harness.reader.drain(1_000, &mut |record| {
            use prost::Message;
            let record = opentelemetry_proto::tonic::logs::v1::LogRecord::decode(record.bytes).unwrap();
            let value = record.attributes[0].value.clone().and_then(|value| value.value);
            found |= value == Some(opentelemetry_proto::tonic::common::v1::any_value::Value::IntValue(0));
        });
        assert!(turns <= 10, "the calm thread's record is still waiting");
    }
}

#[test]
fn a_small_budget_a_turn_hands_out_everything_in_the_order_of_each_thread() {
    let mut harness = Harness::filtered("info");
    std::thread::scope(|scope| {
        for thread in 0..3i64 {
            let harness = &harness;
            scope.spawn(move || {
                harness.run(|| (0..500).for_each(|n| event!(name: "t.say", Level::INFO, t.text = thread.to_string(), t.seq = n)))
            });
        }
    });
    let mut next = [0i64; 3];
    for turn in 0.. {
        assert!(turn < 5_000, "the turns have an end");
        let weaver = harness.weaver.clone();
        let before: i64 = next.iter().sum();
        let mut said = Vec::new();
        let more = harness.reader.drain(1, &mut |record| {
            use prost::Message;
            said.push(opentelemetry_proto::tonic::logs::v1::LogRecord::decode(record.bytes).unwrap());
        });
        for record in said {
            let text = format!("{:?}", record.attributes);
            let thread = (0..3).find(|thread| text.contains(&format!("StringValue(\"{thread}\")"))).unwrap();
            assert!(text.contains(&format!("IntValue({})", next[thread])), "{text}");
            next[thread] += 1;
        }
        assert_eq!(weaver.stats().records_taken as i64, next.iter().sum::<i64>());
        if !more {
            break;
        }
        assert!(next.iter().sum::<i64>() > before, "every turn hands out something");
    }
    assert_eq!(next, [500; 3]);
}

#[test]
fn ten_thousand_spans_deep_the_innermost_entity_is_in_force() {
    const DEEP: usize = 10_000;
    let harness = Harness::filtered("off");
    harness.run(|| {
        let mut spans = Vec::new();
        for n in 0..DEEP {
            spans.push(info_span!("t.node", t.node.id = if n % 2 == 0 { "even" } else { "odd" }).entered());
            if n % 1_000 == 1 {
                event!(name: "t.node.item", Level::TRACE, t.items = 1);
            }
        }
        while let Some(span) = spans.pop() {
            drop(span);
            if spans.len() % 1_000 == 1 {
                event!(name: "t.node.item", Level::TRACE, t.items = 1);
            }
        }
        event!(name: "t.node.item", Level::TRACE, t.items = 100);
    });
    assert_eq!(harness.totals()["t.node.items{t.node.id=odd}[]"], Total::Int(10));
    assert_eq!(harness.totals()["t.node.items{t.node.id=even}[]"], Total::Int(10));
    assert_eq!(harness.totals()["t.node.items{}[]"], Total::Int(100));
}
