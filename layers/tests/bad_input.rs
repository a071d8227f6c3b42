//! Values, records and loads that no sane program would make: telemetry loses what it must, counts it, and goes on.
//!
//! Each test makes one kind of bad input under a layer of its own. It must never need more than seconds or a wait.
#![recursion_limit = "1024"]

#[path = "support/mod.rs"]
mod support;

use std::cell::Cell;
use std::error::Error;
use std::fmt;
use std::sync::Barrier;

use support::{Any, Harness, ints, settings};
use tracing::{Level, event};
use tracing_weaver_layers::{DropReason, FieldDropReason};

const MAX_TEXT: usize = 64 << 10;

/// Runs user code at each formatting.
struct With<F>(F);

impl<F: Fn(&mut fmt::Formatter<'_>) -> fmt::Result> fmt::Debug for With<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (self.0)(f)
    }
}

#[test]
fn a_text_of_ten_mebibytes_is_cut_at_a_characters_boundary_and_counted() {
    let mut harness = Harness::filtered("info");
    let text = "\u{20ac}".repeat((10 << 20) / 3);
    harness.run(|| event!(name: "t.say", Level::INFO, t.text = text, t.seq = 1));
    let said = harness.drain();
    assert!(said[0].text("t.text") == &text[..MAX_TEXT / 3 * 3]);
    assert_eq!(said[0].get("t.seq"), Some(&Any::Int(1)));
    assert_eq!(harness.stats().fields_dropped, [(FieldDropReason::TooLong, 1)]);
}

#[test]
fn a_debug_text_of_ten_mebibytes_is_cut_and_what_is_past_the_bound_is_not_even_made() {
    let mut harness = Harness::filtered("info");
    let pieces = Cell::new(0);
    let value = With(|f: &mut fmt::Formatter<'_>| {
        (0..10_240).try_for_each(|_| {
            pieces.set(pieces.get() + 1);
            f.write_str(&"\u{20ac}".repeat(341))
        })
    });
    harness.run(|| event!(name: "t.say", Level::INFO, t.text = ?value, t.seq = 1));
    let said = harness.drain();
    assert!(said[0].text("t.text") == "\u{20ac}".repeat(MAX_TEXT / 3));
    assert!(pieces.get() <= MAX_TEXT / 1_023 + 2, "{} pieces were made", pieces.get());
    assert_eq!(said[0].get("t.seq"), Some(&Any::Int(1)));
    assert_eq!(harness.stats().fields_dropped, [(FieldDropReason::TooLong, 1)]);
}

#[test]
fn a_debug_that_goes_on_after_it_was_told_to_stop_adds_nothing() {
    let mut harness = Harness::filtered("info");
    let value = With(|f: &mut fmt::Formatter<'_>| {
        let _ = f.write_str(&"x".repeat(MAX_TEXT - 1));
        let _ = f.write_str("\u{20ac}");
        let _ = f.write_str("a");
        Ok(())
    });
    harness.run(|| event!(name: "t.say", Level::INFO, t.text = ?value));
    assert!(harness.drain()[0].text("t.text") == "x".repeat(MAX_TEXT - 1), "a text that is cut is a beginning of the text");
    assert_eq!(harness.stats().fields_dropped, [(FieldDropReason::TooLong, 1)]);
}

#[test]
fn a_debug_that_panics_loses_its_field_alone_wherever_it_stands() {
    /// A payload whose own end panics too.
    struct Worse;
    impl Drop for Worse {
        fn drop(&mut self) {
            if !std::thread::panicking() {
                panic!("the payload ends badly");
            }
        }
    }
    let mut harness = Harness::filtered("info");
    let bad = With(|f: &mut fmt::Formatter<'_>| {
        f.write_str("half a ")?;
        panic!("no text")
    });
    let worse = With(|_: &mut fmt::Formatter<'_>| -> fmt::Result { std::panic::panic_any(Worse) });
    harness.run(|| {
        event!(name: "t.say", Level::INFO, t.text = ?bad, t.seq = 1);
        event!(name: "x.bad", Level::INFO, { message = ?bad, before = 1, bad = ?worse, after = ?"fine" });
        let _node = tracing::info_span!("t.node", t.node.id = "n", t.node.kind = ?bad).entered();
        event!(name: "t.channel.send", Level::INFO, outcome = ?bad, messages = 3);
    });
    let said = harness.drain();
    assert_eq!((said[0].keys(), said[1].keys(), said[1].body.clone()), (vec!["t.seq"], vec!["after", "before"], None));
    assert_eq!((said[2].keys(), said[2].entities.keys().next().map(String::as_str)), (vec!["t.messages"], Some("t.node.id")));
    assert_eq!(harness.totals(), ints([("t.channel.messages{}[]", 3)]));
    assert_eq!(harness.stats().fields_dropped, [(FieldDropReason::Panic, 5)]);
}

#[test]
fn an_error_whose_source_panics_or_leads_in_a_circle_keeps_its_text() {
    #[derive(Debug)]
    struct Odd(&'static str);
    impl fmt::Display for Odd {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }
    impl Error for Odd {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            if self.0 == "circle" { Some(self) } else { panic!("no source") }
        }
    }
    let mut harness = Harness::filtered("info");
    harness.run(|| {
        event!(name: "x.fail", Level::INFO, error = &Odd("panic") as &(dyn Error + 'static), rest = 1);
        event!(name: "x.fail", Level::INFO, error = &Odd("circle") as &(dyn Error + 'static), rest = 1);
    });
    let said = harness.drain();
    assert_eq!((said[0].text("error"), said[0].keys()), ("panic", vec!["error", "rest"]));
    assert_eq!((said[1].text("error"), said[1].keys()), ("circle", vec!["error", "error.chain", "rest"]));
    let Some(Any::List(chain)) = said[1].get("error.chain") else { panic!("{said:?}") };
    assert!((1..=100).contains(&chain.len()), "a circle has an end");
    assert_eq!(harness.stats().fields_dropped, [(FieldDropReason::Panic, 1)]);
}

#[test]
fn of_more_than_128_attributes_the_rest_is_counted_on_the_record() {
    let mut harness = Harness::filtered("info");
    harness.run(|| {
        event!(name: "x.wide", Level::INFO, {
                f000 = 0, f001 = 1, f002 = 2, f003 = 3, f004 = 4, f005 = 5, f006 = 6, f007 = 7, f008 = 8, f009 = 9, f010 = 10, f011 = 11,
                f012 = 12, f013 = 13, f014 = 14, f015 = 15, f016 = 16, f017 = 17, f018 = 18, f019 = 19, f020 = 20, f021 = 21, f022 = 22,
                f023 = 23, f024 = 24, f025 = 25, f026 = 26, f027 = 27, f028 = 28, f029 = 29, f030 = 30, f031 = 31, f032 = 32, f033 = 33,
                f034 = 34, f035 = 35, f036 = 36, f037 = 37, f038 = 38, f039 = 39, f040 = 40, f041 = 41, f042 = 42, f043 = 43, f044 = 44,
                f045 = 45, f046 = 46, f047 = 47, f048 = 48, f049 = 49, f050 = 50, f051 = 51, f052 = 52, f053 = 53, f054 = 54, f055 = 55,
                f056 = 56, f057 = 57, f058 = 58, f059 = 59, f060 = 60, f061 = 61, f062 = 62, f063 = 63, f064 = 64, f065 = 65, f066 = 66,
                f067 = 67, f068 = 68, f069 = 69, f070 = 70, f071 = 71, f072 = 72, f073 = 73, f074 = 74, f075 = 75, f076 = 76, f077 = 77,
                f078 = 78, f079 = 79, f080 = 80, f081 = 81, f082 = 82, f083 = 83, f084 = 84, f085 = 85, f086 = 86, f087 = 87, f088 = 88,
                f089 = 89, f090 = 90, f091 = 91, f092 = 92, f093 = 93, f094 = 94, f095 = 95, f096 = 96, f097 = 97, f098 = 98, f099 = 99,
                f100 = 100, f101 = 101, f102 = 102, f103 = 103, f104 = 104, f105 = 105, f106 = 106, f107 = 107, f108 = 108, f109 = 109,
                f110 = 110, f111 = 111, f112 = 112, f113 = 113, f114 = 114, f115 = 115, f116 = 116, f117 = 117, f118 = 118, f119 = 119,
                f120 = 120, f121 = 121, f122 = 122, f123 = 123, f124 = 124, f125 = 125, f126 = 126, f127 = 127, f128 = 128, f129 = 129,
                f130 = 130, f131 = 131, f132 = 132, f133 = 133, f134 = 134, f135 = 135, f136 = 136, f137 = 137, f138 = 138, f139 = 139,
                f140 = 140, f141 = 141, f142 = 142, f143 = 143,
                message = "wide"
        });
    });
    let said = harness.drain();
    assert_eq!((said[0].attributes.len(), said[0].dropped_attributes, said[0].body.clone()), (128, 16, Some("wide".into())));
    assert_eq!(said[0].get("f127"), Some(&Any::Int(127)), "the first ones stay");
    assert_eq!(harness.stats().attributes_over_limit, 16);
}

#[test]
fn a_record_larger_than_any_chunk_arrives_whole_and_one_past_the_bound_is_counted() {
    let mut harness = Harness::filtered("info");
    let mut small = settings("info");
    small.queue_bytes = 1 << 20;
    let mut bounded = Harness::new(small);
    let text = "y".repeat(60_000);
    let say = || {
        event!(name: "t.tick", Level::INFO, t.seq = 1);
        event!(name: "x.large", Level::INFO, {
            a = text, b = text, c = text, d = text, e = text, f = text, g = text, h = text, i = text, j = text
        });
        event!(name: "t.tick", Level::INFO, t.seq = 2);
    };
    harness.run(say);
    bounded.run(say);
    let said = harness.drain();
    assert_eq!(said.iter().map(|said| said.attributes.len()).collect::<Vec<_>>(), [1, 10, 1]);
    assert!(said[1].attributes.values().all(|value| *value == Any::Str(text.clone())));
    assert_eq!(bounded.drain().len(), 2);
    assert_eq!(bounded.stats().records_dropped, [(DropReason::TooLarge, 1)]);
    assert_eq!((bounded.stats().records_created, bounded.stats().records_taken), (3, 2));
}

#[test]
fn every_record_is_taken_dropped_or_left_whatever_the_bound_on_queues_is() {
    for queue_bytes in [0, 1, 1_000, 16 << 10, 100 << 10, 300 << 10] {
        let mut small = settings("info");
        small.queue_bytes = queue_bytes;
        let mut harness = Harness::new(small);
        let all_hold_a_queue = Barrier::new(4);
        let mut taken = 0;
        for round in 0..3u64 {
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        harness.run(|| (0..2_000).for_each(|n| event!(name: "t.say", Level::INFO, t.text = "some text", t.seq = n)));
                        all_hold_a_queue.wait();
                    });
                }
            });
            let stats = harness.stats();
            let dropped: u64 = stats.records_dropped.iter().map(|(_, count)| count).sum();
            assert_eq!(stats.records_created, (round + 1) * 8_000, "with {queue_bytes} bytes");
            assert!(stats.queue_bytes.0 <= stats.queue_bytes.1, "{:?}", stats.queue_bytes);
            assert!(queue_bytes > 16 << 10 || dropped > 0);
            taken += harness.drain().len() as u64;
            assert_eq!((harness.stats().records_taken, taken + dropped), (taken, (round + 1) * 8_000), "with {queue_bytes} bytes");
        }
    }
}

#[test]
fn threads_that_come_and_go_give_their_memory_back() {
    const THREADS: i64 = 1_500;
    let mut harness = Harness::filtered("info");
    let mut records = 0;
    for n in 0..THREADS {
        std::thread::scope(|scope| drop(scope.spawn(|| harness.run(|| event!(name: "t.tick", Level::INFO, t.seq = n))).join()));
        if n % 500 == 499 {
            records += harness.drain().len();
        }
    }
    records += harness.drain().len();
    assert_eq!(records, THREADS as usize);
    assert!(harness.stats().queue_bytes.0 <= 8 << 20, "{:?}", harness.stats().queue_bytes);
    assert_eq!(harness.totals(), ints([("t.ticks{}[]", THREADS), ("t.ticks.weighed{}[]", 5 * THREADS)]));
    for n in 0..100 {
        std::thread::scope(|scope| drop(scope.spawn(|| harness.run(|| event!(name: "t.tick", Level::INFO, t.seq = n))).join()));
        assert_eq!(harness.drain().len(), 1);
    }
    let before = harness.stats().queue_bytes.0;
    for n in 0..100 {
        std::thread::scope(|scope| drop(scope.spawn(|| harness.run(|| event!(name: "t.tick", Level::INFO, t.seq = n))).join()));
        assert_eq!(harness.drain().len(), 1);
    }
    assert!(harness.stats().queue_bytes.0 <= before, "a thread that ended and was read keeps nothing");
}

#[test]
fn after_close_records_drop_as_shutdown_nothing_folds_and_what_waits_can_still_be_read() {
    let mut harness = Harness::filtered("info");
    harness.run(|| {
        let say = || {
            event!(name: "t.tick", Level::INFO, t.seq = 1);
            event!(name: "t.tick", Level::TRACE, t.seq = 1);
            event!(name: "t.say", Level::INFO, t.seq = 1);
            tracing::info!("hello");
        };
        say();
        harness.weaver.close();
        harness.weaver.close();
        say();
        event!(name: "t.tick", Level::INFO, t.seq = 2);
        event!(name: "t.tick", Level::TRACE, t.seq = 2);
        let _node = tracing::info_span!("t.node", t.node.id = "n").entered();
        say();
    });
    std::thread::scope(|scope| drop(scope.spawn(|| harness.run(|| event!(name: "t.tick", Level::INFO, t.seq = 3)))));
    assert_eq!(harness.drain().len(), 3);
    assert_eq!(harness.totals(), ints([("t.ticks{}[]", 2), ("t.ticks.weighed{}[]", 10)]));
    let stats = harness.stats();
    assert_eq!((stats.records_created, stats.records_dropped), (3 + 8, vec![(DropReason::Shutdown, 8)]));
}

#[test]
fn a_close_under_working_threads_leaves_every_record_taken_dropped_or_left() {
    const EACH: u64 = 3_000;
    let mut harness = Harness::filtered("info");
    let working = Barrier::new(4);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                working.wait();
                harness.run(|| {
                    for n in 0..EACH {
                        event!(name: "t.tick", Level::INFO, t.seq = n);
                        tracing::warn!(n, "also");
                    }
                });
            });
        }
        working.wait();
        harness.weaver.close();
    });
    let taken = harness.drain().len() as u64;
    let stats = harness.stats();
    let dropped: u64 = stats.records_dropped.iter().map(|(_, count)| count).sum();
    assert_eq!((stats.records_created, taken + dropped), (6 * EACH, 6 * EACH));
    let folded = harness.totals().get("t.ticks{}[]").map_or(0, |total| if let support::Total::Int(n) = total { *n as u64 } else { 0 });
    assert!(folded <= 3 * EACH);
}
