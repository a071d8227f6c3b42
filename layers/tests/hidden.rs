//! Filters of others for the whole subscriber hide callsites from everyone: what is hidden is found, and by nothing else.
//!
//! The most verbose level is one number of the process, so the tests take turns. No test here may leave a dispatcher behind.

#[path = "support/mod.rs"]
mod support;

use std::sync::{Arc, Mutex, MutexGuard};

use support::settings;
use tracing::{Level, event, info_span};
use tracing_core::dispatcher::with_default;
use tracing_core::{Dispatch, LevelFilter, Subscriber};
use tracing_subscriber::filter::{DynFilterFn, Targets, filter_fn};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{EnvFilter, Registry};
use tracing_weaver_layers::{Hidden, Settings, Weaver, WeaverLayer, suppress_this_thread, weave};
use tracing_weaver_registry::model::ResolvedRegistry;

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn ours<S: Subscriber + for<'a> LookupSpan<'a>>() -> (WeaverLayer<S>, Arc<Weaver>) {
    let (layer, weaver, _) = weave(settings("info")).unwrap();
    (layer, weaver)
}

/// Asks as start-up does: on a thread of its own.
fn look(weaver: &Weaver) -> Option<Vec<Hidden>> {
    std::thread::scope(|scope| {
        let look = || {
            suppress_this_thread();
            weaver.hidden_from_folds()
        };
        scope.spawn(look).join().unwrap()
    })
}

/// Folding events of several levels and targets, and entities.
fn work() {
    let _node = info_span!("t.node", t.node.id = "n").entered();
    event!(name: "t.node.item", Level::TRACE, t.items = 1);
    event!(name: "t.node.item", target: "calm", Level::INFO, t.items = 10);
    event!(name: "t.node.item", target: "noisy", Level::ERROR, t.items = 100);
    event!(name: "x.other", target: "noisy", Level::ERROR, t.seq = 1);
}

macro_rules! finds {
    ($($name:ident: |$layer:ident| $stack:expr, $expected:expr;)*) => {$(
        #[test]
        fn $name() {
            let _alone = alone();
            let ($layer, weaver) = ours();
            assert_eq!(look(&weaver), None, "no dispatcher yet");
            let stack = Dispatch::from($stack);
            with_default(&stack, work);
            let expected: &[&str] = &$expected;
            assert_eq!(shown(&look(&weaver).unwrap()), expected);
            assert_eq!(missing(&weaver, expected), Vec::<String>::new());
        }
    )*};
}

fn shown(found: &[Hidden]) -> Vec<String> {
    let shown = found.iter().map(|hidden| match hidden {
        Hidden::Level(level) => format!("past {level}"),
        Hidden::Callsite(metadata) => format!("{} {}", metadata.level(), metadata.target()),
        other => panic!("{other:?}"),
    });
    shown.collect()
}

/// What is hidden and was counted, or is not hidden and was not.
fn missing(weaver: &Weaver, hidden: &[&str]) -> Vec<String> {
    let totals = support::totals(weaver);
    let items: i64 = totals.iter().filter(|(name, _)| name.starts_with("t.node.items")).map(|(_, total)| int(total)).sum();
    let of = [("TRACE hidden", 1), ("INFO calm", 10), ("ERROR noisy", 100)].map(|(callsite, items_of)| {
        let counted = items / items_of % 10 == 1;
        let is_hidden = hidden.iter().any(|hidden| *hidden == callsite || (*hidden == "past info" && callsite.starts_with("TRACE")));
        (counted == is_hidden).then(|| format!("{callsite} is counted: {counted}"))
    });
    of.into_iter().flatten().collect()
}

fn int(total: &support::Total) -> i64 {
    if let support::Total::Int(total) = total { *total } else { panic!("{total:?}") }
}

finds! {
    nothing_is_found_in_a_plain_stack: |l| Registry::default().with(l), [];
    nothing_is_found_beside_filters_of_single_layers: |l| {
        let quiet = Silent.with_filter(LevelFilter::OFF);
        let picky = Silent.with_filter(EnvFilter::new("off,[t.node]=warn"));
        Registry::default().with(quiet).with(l).with(picky)
    }, [];
    nothing_is_found_in_a_box_an_option_or_a_list: |l| Registry::default().with(vec![Some(l).boxed(), Silent.boxed()]), [];
    directives_for_all_behind_us_are_found: |l| Registry::default().with(l).with(EnvFilter::new("info")), ["TRACE hidden"];
    directives_for_all_before_us_are_found: |l| Registry::default().with(EnvFilter::new("warn")).with(l), ["INFO hidden", "TRACE hidden", "INFO calm"];
    directives_that_hide_everything_are_found: |l| Registry::default().with(EnvFilter::new("off")).with(l), ["INFO hidden", "TRACE hidden", "INFO calm", "ERROR noisy"];
    a_level_for_all_is_found: |l| Registry::default().with(LevelFilter::DEBUG).with(l), ["TRACE hidden"];
    a_level_for_all_is_found_by_an_optional_layer: |l| Registry::default().with(LevelFilter::DEBUG).with(Some(l)), ["TRACE hidden"];
    a_level_for_all_is_found_by_a_layer_in_a_list: |l| Registry::default().with(vec![l]).with(LevelFilter::DEBUG), ["TRACE hidden"];
    a_filter_for_all_that_is_in_a_list_with_us_hides_nothing_from_us_since_nobody_asks_it:
        |l| Registry::default().with(vec![filter_fn(|metadata| metadata.target() != "calm").boxed(), l.boxed()]), [];
    a_filter_for_all_that_wants_to_be_asked_each_time_hides_even_from_a_list: |l| {
        let each_time = DynFilterFn::new(|metadata, _| metadata.target() != "calm");
        Registry::default().with(vec![each_time.boxed(), l.boxed()]).with(DynFilterFn::new(|_, _| true))
    }, ["INFO calm"];
    a_filter_around_us_is_found: |l| Registry::default().with(l.with_filter(filter_fn(|metadata| metadata.target() != "calm"))), ["INFO calm"];
    a_level_around_us_is_found: |l| Registry::default().with(l.with_filter(LevelFilter::INFO)).with(Silent), ["TRACE hidden"];
    a_level_around_us_alone_is_found_as_what_the_process_lets_through: |l| Registry::default().with(l.with_filter(LevelFilter::INFO)), ["past info"];
    a_filtered_layer_joined_behind_us_is_found: |l| Registry::default().with(l.and_then(Silent.with_filter(LevelFilter::INFO))), ["past info"];
    a_filtered_layer_joined_before_us_hides_nothing: |l| Registry::default().with(Silent.with_filter(LevelFilter::INFO).and_then(l)), [];
    directives_by_target_are_found_where_they_hide_something_behind_us:
        |l| Registry::default().with(l).with(EnvFilter::new("warn,hidden=trace")), ["INFO calm"];
    directives_by_target_are_found_where_they_hide_something_before_us:
        |l| Registry::default().with(EnvFilter::new("warn,hidden=trace")).with(l), ["INFO calm"];
    targets_for_all_are_found_where_they_hide_something: |l| {
        Registry::default().with(l).with(Targets::new().with_default(LevelFilter::TRACE).with_target("noisy", LevelFilter::OFF))
    }, ["ERROR noisy"];
    directives_that_hide_nothing_that_counts_are_no_news: |l| Registry::default().with(l).with(EnvFilter::new("off,hidden=trace,calm=info,noisy=error")), [];
}

/// A neighbour.
struct Silent;

impl<S: Subscriber> Layer<S> for Silent {}

#[test]
fn a_callsite_that_a_filter_for_all_takes_out_is_named_with_its_place() {
    let _alone = alone();
    let (layer, weaver) = ours();
    let stack = Dispatch::from(Registry::default().with(filter_fn(|metadata| metadata.target() != "noisy")).with(layer));
    with_default(&stack, work);
    let found = look(&weaver).unwrap();
    let [Hidden::Callsite(metadata)] = found[..] else { panic!("{found:?}") };
    assert!(metadata.line().is_some_and(|line| line > 0));
    assert_eq!((metadata.name(), metadata.target(), metadata.file()), ("t.node.item", "noisy", Some(file!())));
}

#[test]
fn nothing_is_hidden_from_a_registry_that_counts_nothing() {
    let _alone = alone();
    let (layer, weaver, _) = weave(Settings::new(Arc::new(ResolvedRegistry::default()))).unwrap();
    let stack = Dispatch::from(Registry::default().with(LevelFilter::ERROR).with(layer));
    with_default(&stack, work);
    assert_eq!(look(&weaver), Some(vec![]));
}

#[test]
fn of_a_stack_that_is_gone_nothing_is_said() {
    let _alone = alone();
    let (layer, weaver) = ours();
    drop(Dispatch::from(Registry::default().with(LevelFilter::ERROR).with(layer)));
    assert_eq!(look(&weaver), None);
}

#[test]
fn the_question_costs_no_neighbour_an_event() {
    let _alone = alone();
    let seen = Arc::new(Mutex::new(0));
    struct Counts(Arc<Mutex<u32>>);
    impl<S: Subscriber> Layer<S> for Counts {
        fn on_event(&self, _: &tracing_core::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
            *self.0.lock().unwrap() += 1;
        }
    }
    let (layer, weaver) = ours();
    let picky = Counts(seen.clone()).with_filter(filter_fn(|metadata| metadata.name() != "t.node.item"));
    let stack = Dispatch::from(Registry::default().with(layer).with(picky));
    with_default(&stack, || {
        for n in 0..100 {
            tracing::error!(n, "always wanted");
            look(&weaver);
        }
    });
    assert_eq!(*seen.lock().unwrap(), 100);
}
