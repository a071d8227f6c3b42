//! Directives decide records and nothing else.
//!
//! Folds and entities are compared under every filter, and records with what the directives say. No test here may install a
//! logger: `log` records come through the function that the bridge calls.

#[path = "support/mod.rs"]
mod support;

use std::sync::mpsc::channel;

use support::{Any, Harness, Totals, filter, ints, settings};
use tracing::{Level, event, info_span};
use tracing_subscriber::Layer;
use tracing_weaver_layers::{ForwardFilter, suppress_this_thread};

/// A neighbour that wants everything.
struct Greedy;

impl<S: tracing_core::Subscriber> Layer<S> for Greedy {}

fn seqs(harness: &mut Harness) -> Vec<i64> {
    harness.drain().iter().map(number).collect()
}

fn number(said: &support::Said) -> i64 {
    if let Some(Any::Int(n)) = said.get("t.seq") { *n } else { -1 }
}

fn log_line(target: &str, level: log::Level, line: u32) {
    let text = format!("line {line}");
    let args = format_args!("{text}");
    let record = log::Record::builder().args(args).level(level).target(target).file(Some("old/code.rs")).line(Some(line)).build();
    tracing_log::format_trace(&record).unwrap();
}

/// Two nodes count events of every level.
fn work() {
    for n in 0..10i64 {
        let node = tracing::trace_span!("t.node", t.node.id = if n % 2 == 0 { "even" } else { "odd" }).entered();
        event!(name: "t.node.item", Level::TRACE, t.items = 1, t.seq = 1);
        event!(name: "t.node.item", Level::DEBUG, t.items = 1, t.seq = 2);
        event!(name: "t.node.item", Level::INFO, t.items = 1, t.seq = 3);
        event!(name: "t.node.item", Level::WARN, t.items = 1, t.seq = 4);
        event!(name: "t.node.item", target: "engine::quiet", Level::ERROR, t.items = 1, t.seq = 5);
        event!(name: "t.channel.send", target: "engine", Level::TRACE, messages = 1, outcome = "success", t.seq = 6);
        event!(name: "t.silent", Level::ERROR, t.items = 1);
        event!(name: "t.mute", Level::ERROR, t.text = "nobody");
        event!(name: "x.other", target: "engine", Level::DEBUG, t.seq = 7);
        drop(node);
    }
}

fn worked() -> Totals {
    ints([
        ("t.node.items{t.node.id=even}[]", 25),
        ("t.node.calls{t.node.id=even}[]", 25),
        ("t.node.items{t.node.id=odd}[]", 25),
        ("t.node.calls{t.node.id=odd}[]", 25),
        ("t.channel.messages{}[t.outcome=success]", 10),
        ("t.silence{}[]", 10),
    ])
}

#[test]
fn folds_and_entities_are_the_same_under_every_filter_and_records_are_what_it_says() {
    let cases: [(&str, &[i64]); 9] = [
        ("off", &[]),
        ("error", &[5]),
        ("warn", &[4, 5]),
        ("info", &[3, 4, 5]),
        ("debug", &[2, 3, 4, 5, 7]),
        ("trace", &[1, 2, 3, 4, 5, 6, 7]),
        ("warn,engine=trace,engine::quiet=off", &[4, 6, 7]),
        ("off,engine=debug", &[5, 7]),
        ("error,[t.node]=debug", &[2, 3, 4, 5, 7]),
    ];
    for (directives, expected) in cases {
        for greedy in [false, true] {
            let mut harness = if greedy { Harness::beside(settings(directives), Greedy) } else { Harness::filtered(directives) };
            harness.run(work);
            assert_eq!(harness.totals(), worked(), "under `{directives}`");
            let said = harness.drain();
            assert!(said.iter().all(|said| said.entities.contains_key("t.node.id")), "under `{directives}`");
            let seen: Vec<_> = said.iter().map(number).collect();
            assert_eq!(seen, expected.repeat(10), "under `{directives}`, beside a neighbour: {greedy}");
            let stats = harness.stats();
            assert_eq!((stats.records_created, stats.records_dropped.len()), (seen.len() as u64, 0));
        }
    }
}

#[test]
fn a_directive_for_a_span_and_its_field_lets_pass_what_happens_inside_of_it() {
    for greedy in [false, true] {
        let directives = "off,[request{id=7}]=debug,[t.node]=info";
        let mut harness = if greedy { Harness::beside(settings(directives), Greedy) } else { Harness::filtered(directives) };
        harness.run(|| {
            let say = |n: i64| {
                event!(name: "t.tick", Level::INFO, t.seq = n);
                tracing::debug!(t.seq = n + 100);
            };
            say(1);
            info_span!("request", id = 7).in_scope(|| say(2));
            info_span!("request", id = 8).in_scope(|| say(3));
            info_span!("t.node", t.node.id = "n").in_scope(|| say(4));
            info_span!("t.channel", t.channel.id = 7).in_scope(|| say(5));
            say(6);
        });
        assert_eq!(seqs(&mut harness), [2, 102, 4], "beside a neighbour: {greedy}");
        assert_eq!(harness.totals(), ints([("t.ticks{}[]", 6), ("t.ticks.weighed{}[]", 30)]));
    }
}

#[test]
fn a_filter_that_changes_while_a_thread_works_holds_for_all_callsites_and_all_spans() {
    for greedy in [false, true] {
        let mut harness = if greedy { Harness::beside(settings("info"), Greedy) } else { Harness::filtered("info") };
        let changes: [(&str, &[i64]); 9] = [
            ("info", &[3, 4, 5]),
            ("off", &[]),
            ("trace", &[1, 2, 3, 4, 5, 6, 7]),
            ("warn,engine=trace,engine::quiet=off", &[4, 6, 7]),
            ("error,[t.node]=debug", &[2, 3, 4, 5, 7]),
            ("warn", &[4, 5]),
            ("[t.node]=trace", &[1, 2, 3, 4, 5, 6, 7]),
            ("debug", &[2, 3, 4, 5, 7]),
            ("info", &[3, 4, 5]),
        ];
        for (directives, expected) in changes {
            // From a thread that knows nothing of the dispatcher.
            std::thread::scope(|scope| drop(scope.spawn(|| harness.weaver.set_filter(filter(directives))).join()));
            harness.run(work);
            assert_eq!(seqs(&mut harness), expected.repeat(10), "after `{directives}`, beside a neighbour: {greedy}");
        }
        let totals = harness.totals();
        assert_eq!(totals["t.node.items{t.node.id=even}[]"], support::Total::Int(25 * 9));
        assert_eq!(totals["t.silence{}[]"], support::Total::Int(10 * 9));
    }
}

#[test]
fn a_filter_that_changes_again_and_again_under_working_threads_loses_no_fold() {
    let harness = Harness::filtered("info");
    let (stop, stopped) = channel::<()>();
    std::thread::scope(|scope| {
        let harness = &harness;
        scope.spawn(move || {
            for directives in ["off", "trace", "[t.node]=debug", "warn"].iter().cycle() {
                harness.weaver.set_filter(filter(directives));
                if stopped.try_recv().is_ok() {
                    break;
                }
            }
        });
        let workers: Vec<_> = (0..3).map(|_| scope.spawn(|| harness.run(|| (0..60).for_each(|_| work())))).collect();
        workers.into_iter().for_each(|worker| worker.join().unwrap());
        stop.send(()).unwrap();
    });
    let all = worked().into_iter().map(|(name, total)| match total {
        support::Total::Int(n) => (name, support::Total::Int(n * 180)),
        other => (name, other),
    });
    assert_eq!(harness.totals(), all.collect());
}

#[test]
fn a_filter_that_changes_in_one_stack_changes_nothing_in_those_of_other_threads() {
    const TURNS: usize = 200;
    let mut changing = Harness::filtered("info");
    let mut others: Vec<_> = ["off", "info", "trace", "error,[t.node]=debug"].map(Harness::filtered).into();
    let (stop, stopped) = channel::<()>();
    std::thread::scope(|scope| {
        let (weaver, all) = (changing.weaver.clone(), others.iter().chain([&changing]).collect::<Vec<_>>());
        scope.spawn(move || {
            for directives in ["off", "trace", "[t.node]=debug", "warn"].iter().cycle() {
                weaver.set_filter(filter(directives));
                if stopped.try_recv().is_ok() {
                    break;
                }
            }
        });
        let workers: Vec<_> = all.into_iter().map(|harness| scope.spawn(|| harness.run(|| (0..TURNS).for_each(|_| work())))).collect();
        workers.into_iter().for_each(|worker| worker.join().unwrap());
        stop.send(()).unwrap();
    });
    let said: [&[i64]; 4] = [&[], &[3, 4, 5], &[1, 2, 3, 4, 5, 6, 7], &[2, 3, 4, 5, 7]];
    for (harness, said) in others.iter_mut().zip(said) {
        assert_eq!(seqs(harness), said.repeat(10 * TURNS));
    }
    changing.weaver.set_filter(filter("info"));
    changing.drain();
    changing.run(work);
    assert_eq!(seqs(&mut changing), [3, 4, 5].repeat(10), "what was set last holds");
    for (harness, turns) in others.iter().map(|harness| (harness, TURNS)).chain([(&changing, TURNS + 1)]) {
        let all = worked().into_iter().map(|(name, total)| match total {
            support::Total::Int(n) => (name, support::Total::Int(n * turns as i64)),
            other => (name, other),
        });
        assert_eq!(harness.totals(), all.collect());
    }
}

#[test]
fn directives_for_a_spans_field_see_values_of_entities_and_values_that_come_late() {
    for greedy in [false, true] {
        let directives = "off,[t.node{t.node.id=n}]=debug,[request{id=7}]=info,[t.channel{t.channel.id=3}]=trace";
        let mut harness = if greedy { Harness::beside(settings(directives), Greedy) } else { Harness::filtered(directives) };
        harness.run(|| {
            let say = |n: i64| event!(name: "t.tick", Level::INFO, t.seq = n);
            info_span!("t.node", t.node.id = "n").in_scope(|| say(1));
            info_span!("t.node", t.node.id = "m").in_scope(|| say(2));
            let request = info_span!("request", id = tracing::field::Empty);
            request.in_scope(|| say(3));
            request.record("id", 7);
            request.in_scope(|| say(4));
            let channel = info_span!("t.channel", t.channel.id = 3).entered();
            say(5);
            // What is inside stands inside of both.
            info_span!("t.node", t.node.id = "m").in_scope(|| say(6));
            drop(channel);
            say(7);
        });
        assert_eq!(seqs(&mut harness), [1, 4, 5, 6], "beside a neighbour: {greedy}");
        assert_eq!(harness.totals()["t.ticks{}[]"], support::Total::Int(7));
    }
}

#[test]
fn log_records_have_their_own_target_place_and_level_and_pass_by_their_target() {
    for greedy in [false, true] {
        let directives = "info,noisy=warn,noisy::detail=trace";
        let mut harness = if greedy { Harness::beside(settings(directives), Greedy) } else { Harness::filtered(directives) };
        let say = || {
            let _node = info_span!("t.node", t.node.id = "n").entered();
            log_line("noisy", log::Level::Info, 1);
            log_line("noisy", log::Level::Error, 2);
            log_line("noisy::detail", log::Level::Trace, 3);
            log_line("calm", log::Level::Info, 4);
            log_line("calm", log::Level::Debug, 5);
        };
        let check = |harness: &mut Harness, when: &str| {
            let said = harness.drain();
            let seen: Vec<_> =
                said.iter().map(|said| (said.scope.as_str(), said.severity.0, said.get("code.line.number"), said.body.clone())).collect();
            let (two, three, four) = (Any::Int(2), Any::Int(3), Any::Int(4));
            let expected = [
                ("noisy", 17, Some(&two), Some("line 2".into())),
                ("noisy::detail", 1, Some(&three), Some("line 3".into())),
                ("calm", 9, Some(&four), Some("line 4".into())),
            ];
            assert_eq!(seen, expected, "{when}, beside a neighbour: {greedy}");
            for said in &said {
                assert_eq!((said.keys(), said.text("code.file.path")), (vec!["code.file.path", "code.line.number"], "old/code.rs"));
                assert_eq!((said.name.as_str(), said.known, said.entities["t.node.id"].as_str()), ("", false, "n"));
            }
        };
        harness.run(say);
        check(&mut harness, "at first");
        for between in ["trace", "off", directives] {
            harness.weaver.set_filter(filter(between));
        }
        harness.run(say);
        check(&mut harness, "after the filter changed");
    }
}

#[test]
fn log_records_inside_a_span_that_a_directive_names_pass() {
    let mut harness = Harness::filtered("off,[t.node]=debug");
    harness.run(|| {
        log_line("old", log::Level::Error, 1);
        info_span!("t.node", t.node.id = "n").in_scope(|| log_line("old", log::Level::Debug, 2));
        log_line("old", log::Level::Error, 3);
    });
    assert_eq!(harness.drain().iter().map(|said| said.body.clone()).collect::<Vec<_>>(), [Some("line 2".into())]);
}

#[test]
fn each_level_of_log_keeps_its_severity_in_every_layer() {
    let levels = [log::Level::Trace, log::Level::Debug, log::Level::Info, log::Level::Warn, log::Level::Error];
    let registry = support::registry();
    // The callsites of `log` are of size zero and may share an address, so that a map takes one for the other once in a while.
    for layer in 0..1_000 {
        let mut settings = tracing_weaver_layers::Settings::new(registry.clone());
        settings.filter = filter("trace");
        let mut harness = Harness::new(settings);
        harness.run(|| levels.iter().for_each(|level| log_line("old", *level, 1)));
        let severities: Vec<_> = harness.drain().iter().map(|said| said.severity.0).collect();
        assert_eq!(severities, [1, 5, 9, 13, 17], "in layer {layer}");
    }
}

#[test]
fn the_level_for_log_is_the_level_that_is_forwarded() {
    for (directives, level) in [("off", "off"), ("warn", "warn"), ("info,engine=trace", "trace"), ("error,engine=debug", "debug")] {
        assert_eq!(Harness::filtered(directives).weaver.forward_level().to_string(), level, "{directives}");
    }
    let mut silent = settings("trace");
    silent.forward = false;
    assert_eq!(Harness::new(silent).weaver.forward_level().to_string(), "off");
}

#[test]
fn either_stage_can_be_switched_off_and_the_other_goes_on() {
    let (mut no_fold, mut no_forward) = (settings("info"), settings("info"));
    (no_fold.fold, no_forward.forward) = (false, false);
    let (mut no_fold, mut no_forward) = (Harness::new(no_fold), Harness::new(no_forward));
    no_fold.run(work);
    no_forward.run(work);
    assert_eq!((no_fold.totals(), seqs(&mut no_fold)), (Totals::new(), [3, 4, 5].repeat(10)));
    assert_eq!((no_forward.totals(), seqs(&mut no_forward)), (worked(), vec![]));
    assert_eq!(no_forward.stats().records_created, 0);
}

#[test]
fn a_thread_that_is_marked_is_not_seen_by_any_layer_and_others_are() {
    let mut harness = Harness::filtered("info");
    harness.run(|| {
        let node = info_span!("t.node", t.node.id = "n");
        std::thread::scope(|scope| {
            scope.spawn(|| {
                harness.run(|| {
                    let _node = node.enter();
                    event!(name: "t.node.item", Level::INFO, t.items = 1, t.seq = 1);
                    suppress_this_thread();
                    event!(name: "t.node.item", Level::INFO, t.items = 10, t.seq = 2);
                    event!(name: "t.node.item", Level::TRACE, t.items = 10, t.seq = 2);
                    log_line("old", log::Level::Error, 1);
                    let _own = info_span!("t.node", t.node.id = "own").entered();
                    event!(name: "t.node.item", Level::INFO, t.items = 10, t.seq = 3);
                });
            });
        });
        node.in_scope(|| event!(name: "t.node.item", Level::INFO, t.items = 100, t.seq = 4));
    });
    assert_eq!(seqs(&mut harness), [1, 4]);
    assert_eq!(harness.totals(), ints([("t.node.items{t.node.id=n}[]", 101), ("t.node.calls{t.node.id=n}[]", 2)]));
}

#[test]
fn directives_that_cannot_be_read_are_named_and_the_others_hold() {
    let (read, bad) = ForwardFilter::parse_lossy(" warn ,, engine=loud,x=y=z, calm=debug");
    assert_eq!((read.directives(), bad.len()), ("warn,calm=debug", 2));
    assert!(bad[0].to_string().contains("engine=loud"), "{}", bad[0]);
    assert_eq!(ForwardFilter::parse_lossy("[{").0.directives(), "info");
    assert_eq!(ForwardFilter::parse_lossy("").0.directives(), "info");
    assert!(ForwardFilter::parse("engine=loud").is_err());
}
