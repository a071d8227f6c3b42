//! The layer beside others: they see what they would see without it, and it counts exactly whatever they want.
//!
//! A recorder writes down every call that it gets. No test here may give a neighbour a filter for the whole subscriber, which
//! hides callsites from everyone.

#[path = "support/mod.rs"]
mod support;

use std::fmt::Write;
use std::sync::{Arc, Mutex};

use support::{Any, Harness, Totals, drain, filter, ints, registry, registry_of, totals};
use tracing::{Level, Span, debug_span, event, info_span, trace_span};
use tracing_core::dispatcher::{set_default, with_default};
use tracing_core::{Dispatch, Event, LevelFilter, Subscriber, span};
use tracing_subscriber::filter::{Targets, filter_fn};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{EnvFilter, Registry};
use tracing_weaver_layers::{RecordReader, Settings, Weaver, WeaverLayer, weave};

/// Writes down what it sees.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Vec<String>>>);

impl Recorder {
    fn note(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Recorder {
    fn on_new_span(&self, _: &span::Attributes<'_>, id: &span::Id, context: Context<'_, S>) {
        let span = context.span(id).unwrap();
        self.note(format!("new {} in {:?}", span.name(), span.parent().map(|parent| parent.name())));
    }

    fn on_record(&self, id: &span::Id, values: &span::Record<'_>, context: Context<'_, S>) {
        self.note(format!("record {} on {}", values.len(), context.span(id).unwrap().name()));
    }

    fn on_follows_from(&self, id: &span::Id, _: &span::Id, context: Context<'_, S>) {
        self.note(format!("follow {}", context.span(id).unwrap().name()));
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let scope: Vec<_> = context.event_scope(event).into_iter().flatten().map(|span| span.name()).collect();
        let mut line = format!("event {} {} in {scope:?}:", event.metadata().level(), event.metadata().target());
        event.record(&mut |field: &tracing::field::Field, value: &dyn std::fmt::Debug| write!(line, " {field}={value:?}").unwrap());
        self.note(line);
    }

    fn on_enter(&self, id: &span::Id, context: Context<'_, S>) {
        self.note(format!("enter {}", context.span(id).unwrap().name()));
    }

    fn on_exit(&self, id: &span::Id, context: Context<'_, S>) {
        self.note(format!("exit {}", context.span(id).unwrap().name()));
    }

    fn on_close(&self, id: span::Id, context: Context<'_, S>) {
        self.note(format!("close {}", context.span(&id).unwrap().name()));
    }
}

/// Spans and events of every kind; twice, so that caches are met cold and warm.
fn work() {
    for _ in 0..2 {
        let pipeline = trace_span!("t.pipeline", t.group.id = "g", t.pipeline.id = "p").entered();
        let node = info_span!("t.node", t.node.id = "n", t.node.kind = tracing::field::Empty).entered();
        node.record("t.node.kind", "late");
        event!(name: "t.node.item", Level::TRACE, t.items = 1, t.seq = 1);
        event!(name: "t.node.item", Level::INFO, t.items = 10, t.seq = 2);
        let plain = debug_span!("plain");
        plain.follows_from(&*node);
        plain.in_scope(|| {
            event!(name: "t.node.item", Level::WARN, t.items = 100, t.seq = 3);
            event!(name: "x.other", Level::DEBUG, t.seq = 4);
        });
        let channel = debug_span!(parent: &pipeline, "t.channel", t.channel.id = 7);
        channel.in_scope(|| event!(name: "t.channel.send", Level::INFO, messages = 1, t.seq = 5));
        event!(name: "t.node.item", parent: &channel, Level::ERROR, t.items = 1_000, t.seq = 6);
        event!(name: "t.tick", parent: None, Level::ERROR, t.seq = 7);
        let log = log::Record::builder().args(format_args!("from log")).level(log::Level::Warn).target("old").build();
        tracing_log::format_trace(&log).unwrap();
        drop(pipeline);
        tracing::error!("after the pipeline's guard");
        event!(name: "t.silent", Level::TRACE, t.items = 1);
        drop(node);
        tracing::warn!(t.seq = 8, "at the end");
    }
}

fn worked() -> Totals {
    ints([
        ("t.node.items{t.group.id=g,t.node.id=n,t.pipeline.id=p}[]", 222),
        ("t.node.calls{t.group.id=g,t.node.id=n,t.pipeline.id=p}[]", 6),
        ("t.node.items{}[]", 2_000),
        ("t.node.calls{}[]", 2),
        ("t.channel.messages{t.channel.id=7,t.group.id=g,t.pipeline.id=p}[]", 2),
        ("t.ticks{}[]", 2),
        ("t.ticks.weighed{}[]", 10),
        ("t.silence{}[]", 2),
    ])
}

const SAID_AT_INFO: [i64; 8] = [2, 3, 5, 6, 7, -1, -1, 8];

fn numbers(reader: &mut RecordReader, weaver: &Weaver) -> Vec<i64> {
    let number = |said: support::Said| if let Some(Any::Int(n)) = said.get("t.seq") { *n } else { -1 };
    drain(reader, weaver).into_iter().map(number).collect()
}

fn ours<S: Subscriber + for<'a> LookupSpan<'a>>() -> (WeaverLayer<S>, Arc<Weaver>, RecordReader) {
    let mut settings = Settings::new(registry());
    settings.filter = filter("info");
    weave(settings).unwrap()
}

fn run(stack: impl Into<Dispatch>) {
    with_default(&stack.into(), work);
}

/// Runs the work under a neighbour alone, and with our layer before and behind it in every wrapping.
macro_rules! beside {
    ($($name:ident: $neighbour:expr;)*) => {$(
        #[test]
        fn $name() {
            let recorder = Recorder::default();
            run(Registry::default().with($neighbour(recorder.clone())));
            let alone = recorder.take();
            assert!(!alone.is_empty());
            macro_rules! neighbour { () => { $neighbour(recorder.clone()) }; }
            macro_rules! with_us {
                ($how:literal, |$layer:ident| $stack:expr) => {
                    let ($layer, weaver, mut reader) = ours();
                    run($stack);
                    assert_eq!(recorder.take(), alone, "the neighbour, ours {}", $how);
                    assert_eq!(totals(&weaver), worked(), "ours {}", $how);
                    assert_eq!(numbers(&mut reader, &weaver), SAID_AT_INFO.repeat(2), "ours {}", $how);
                };
            }
            every_way!(with_us, neighbour);
        }
    )*};
}

/// Our layer before and behind the neighbour, in every wrapping.
macro_rules! every_way {
    ($with_us:ident, $neighbour:ident) => {
        $with_us!("before", |l| Registry::default().with(l).with($neighbour!()));
        $with_us!("behind", |l| Registry::default().with($neighbour!()).with(l));
        $with_us!("as an option", |l| Registry::default().with(Some(l)).with($neighbour!()));
        $with_us!("boxed behind", |l| Registry::default().with($neighbour!()).with(WeaverLayer::boxed(l)));
        $with_us!("boxed before", |l| Registry::default().with(WeaverLayer::boxed(l)).with($neighbour!()));
        $with_us!("in a list", |l| Registry::default().with(vec![l]).with($neighbour!()));
        $with_us!("in one list with it", |l| Registry::default().with(vec![WeaverLayer::boxed(l), $neighbour!().boxed()]));
        $with_us!("joined to it", |l| Registry::default().with($neighbour!().and_then(l)));
        $with_us!("among more", |l| {
            let off = Recorder::default().with_filter(LevelFilter::OFF);
            Registry::default().with(off).with(l).with($neighbour!()).with(None::<Recorder>)
        });
    };
}

beside! {
    a_neighbour_without_filter_sees_the_same_with_us_and_we_count_exactly: |recorder: Recorder| recorder;
    a_neighbour_with_a_level_sees_the_same_with_us_and_we_count_exactly: |recorder: Recorder| recorder.with_filter(LevelFilter::WARN);
    a_neighbour_with_directives_sees_the_same_with_us_and_we_count_exactly:
        |recorder: Recorder| recorder.with_filter(EnvFilter::new("warn,[t.node]=debug,old=off"));
    a_neighbour_with_targets_sees_the_same_with_us_and_we_count_exactly:
        |recorder: Recorder| recorder.with_filter(Targets::new().with_target("composition", Level::DEBUG));
    a_neighbour_with_a_function_sees_the_same_with_us_and_we_count_exactly:
        |recorder: Recorder| recorder.with_filter(filter_fn(|metadata| metadata.is_span() || *metadata.level() == Level::INFO));
}

#[test]
fn two_of_our_layers_with_different_registries_each_count_by_their_own() {
    let other = registry_of(
        "
file_format: definition/2
attributes: [{key: t.seq, type: int, brief: Number., stability: development}]
entities: [{type: plain, brief: Plain elsewhere., stability: development, identity: [{ref: t.seq}]}]
events: [{name: x.other, brief: Other., stability: development, attributes: [{ref: t.seq}]}]
metrics:
  - name: x.others
    brief: Others.
    unit: '1'
    instrument: counter
    stability: development
    annotations: {tracing_weaver: {fold: [{event: x.other}]}}
",
    );
    let (first, first_weaver, mut first_reader) = ours();
    let mut settings = Settings::new(other);
    settings.filter = filter("debug");
    let (second, second_weaver, mut second_reader) = weave(settings).unwrap();
    run(Registry::default().with(first).with(second));
    assert_eq!(totals(&first_weaver), worked());
    assert_eq!(totals(&second_weaver), ints([("x.others{}[]", 2)]));
    assert_eq!(numbers(&mut first_reader, &first_weaver), SAID_AT_INFO.repeat(2));
    let said = drain(&mut second_reader, &second_weaver);
    assert_eq!(said.len(), 2 * (SAID_AT_INFO.len() + 1));
    assert!(said.iter().all(|said| said.known == (said.name == "x.other") && said.entities.is_empty()));
}

#[test]
fn more_layers_than_have_a_place_of_their_own_all_count_in_one_stack_and_in_many() {
    let mut layers: Vec<Box<dyn Layer<Registry> + Send + Sync>> = Vec::new();
    let mut readers = Vec::new();
    for _ in 0..12 {
        let (layer, weaver, reader) = ours();
        layers.push(layer.boxed());
        readers.push((weaver, reader));
    }
    let many: Vec<Harness> = (0..12).map(|_| Harness::filtered("info")).collect();
    run(Registry::default().with(layers));
    std::thread::scope(|scope| {
        many.iter().for_each(|harness| harness.run(work));
        scope.spawn(|| many.iter().rev().for_each(|harness| harness.run(work)));
    });
    for (weaver, reader) in &mut readers {
        assert_eq!((totals(weaver), numbers(reader, weaver)), (worked(), SAID_AT_INFO.repeat(2)));
    }
    for mut harness in many {
        assert_eq!(numbers(&mut harness.reader, &harness.weaver), SAID_AT_INFO.repeat(4));
        assert_eq!(harness.totals()["t.node.items{}[]"], support::Total::Int(4_000));
    }
}

#[test]
fn layers_that_come_and_go_on_one_thread_leave_nothing_to_each_other() {
    for round in 0..40 {
        let mut left = Harness::filtered("info");
        left.run(|| {
            let node = info_span!("t.node", t.node.id = "left behind");
            left.dispatch.enter(&node.id().unwrap());
            event!(name: "t.node.item", Level::INFO, t.items = 1);
        });
        assert_eq!((left.drain().len(), left.totals().len()), (1, 2));
        drop(left);
        let next = Harness::filtered("info");
        next.run(work);
        assert_eq!(next.totals(), worked(), "in round {round}");
    }
}

#[test]
fn what_was_written_can_be_read_after_the_layer_is_gone() {
    let (layer, weaver, mut reader) = ours();
    let stack = Dispatch::from(Registry::default().with(layer));
    with_default(&stack, work);
    drop(stack);
    work();
    let again = Harness::filtered("info");
    again.run(work);
    assert_eq!((totals(&weaver), numbers(&mut reader, &weaver)), (worked(), SAID_AT_INFO.repeat(2)));
    assert_eq!(again.totals(), worked());
}

#[test]
fn two_dispatchers_on_one_thread_keep_their_contexts_apart() {
    let (mut a, mut b) = (Harness::filtered("info"), Harness::filtered("info"));
    let say = |n: i64| event!(name: "t.node.item", Level::INFO, t.items = 1, t.seq = n);
    let in_a = set_default(&a.dispatch);
    let node_a = info_span!("t.node", t.node.id = "a").entered();
    say(1);
    {
        let _in_b = set_default(&b.dispatch);
        say(2);
        let node_b = info_span!("t.node", t.node.id = "b").entered();
        say(3);
        b.run(|| say(4));
        a.run(|| say(5));
        // A span belongs to the dispatcher that made it, whichever is the default.
        node_a.exit();
        say(6);
        a.run(|| say(7));
        drop(node_b);
        say(8);
    }
    say(9);
    drop(in_a);
    say(10);
    let places = |harness: &mut Harness| -> Vec<(i64, String)> {
        let place = |said: support::Said| {
            let Some(Any::Int(n)) = said.get("t.seq") else { panic!("{said:?}") };
            (*n, said.entities.get("t.node.id").cloned().unwrap_or_default())
        };
        harness.drain().into_iter().map(place).collect()
    };
    let expected = |of: &[(i64, &str)]| of.iter().map(|(n, place)| (*n, (*place).to_owned())).collect::<Vec<_>>();
    assert_eq!(places(&mut a), expected(&[(1, "a"), (5, "a"), (7, ""), (9, "")]));
    assert_eq!(places(&mut b), expected(&[(2, ""), (3, "b"), (4, "b"), (6, "b"), (8, "")]));
}

#[test]
fn a_layer_that_is_off_changes_nothing_for_others() {
    let recorder = Recorder::default();
    run(Registry::default().with(recorder.clone()));
    let alone = recorder.take();
    run(Registry::default().with(WeaverLayer::off()).with(recorder.clone()));
    assert_eq!(recorder.take(), alone);
    let filtered = || recorder.clone().with_filter(LevelFilter::WARN);
    run(Registry::default().with(filtered()));
    let alone = recorder.take();
    run(Registry::default().with(filtered()).with(WeaverLayer::off()));
    assert_eq!(recorder.take(), alone);
    assert!(Span::current().is_none());
}
