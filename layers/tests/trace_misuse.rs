//! Trace spans as programs get them wrong: forgotten guards by the thousand, guards out of order, layers of others, broken sinks.
//!
//! What must hold is that nothing panics, and nothing hangs under something strange.
#![cfg(feature = "spans")]

#[path = "support/spans.rs"]
mod spans;
mod support;

use std::sync::Arc;

use opentelemetry::trace::{SpanId, TraceContextExt as _};
use opentelemetry_sdk::trace::SpanData;
use spans::{REGISTRY, Spans, ids, ids_of, traced, traced_with};
use support::{Harness, registry_of, settings};
use tracing::{Dispatch, Instrument as _, Level, Span, event, info_span};
use tracing_core::dispatcher::with_default;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::layer::{Layer, SubscriberExt as _};
use tracing_subscriber::{Registry, reload};
use tracing_weaver_layers::{SpanSettings, SpanSink, WeaverLayer, weave};

fn harness() -> (Harness, Arc<Spans>) {
    traced(registry_of(REGISTRY), "info")
}

fn of<'a>(made: &'a [SpanData], name: &str) -> &'a SpanData {
    made.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("no `{name}` in {made:?}"))
}

fn node(id: &str) -> Span {
    info_span!("s.node", s.node.id = id)
}

#[test]
fn guards_that_are_forgotten_by_the_thousand_end_nothing_but_the_order_of_their_thread() {
    let (mut harness, spans) = harness();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            harness.run(|| {
                let shared = info_span!("shared");
                std::mem::forget(shared.enter());
                // More than OpenTelemetry keeps contexts: past them it says so, while it is at work.
                for _ in 0..66_000 {
                    std::mem::forget(opentelemetry::Context::current().attach());
                }
                for _ in 0..1_000 {
                    std::mem::forget(shared.enter());
                }
                event!(Level::INFO, "still here");
                info_span!("after").in_scope(|| event!(Level::INFO, "and inside"));
                node("n").in_scope(|| info_span!("in a node").in_scope(|| ()));
            });
        });
    });
    // A thread that comes later knows nothing of it.
    harness.run(|| info_span!("elsewhere").in_scope(|| ()));
    let made = spans.take();
    assert_eq!(made.len(), 4);
    assert_eq!(of(&made, "after").parent_span_id, of(&made, "shared").span_context.span_id());
    assert_eq!(of(&made, "elsewhere").parent_span_id, SpanId::INVALID);
    let said: Vec<_> = harness.drain().into_iter().filter(|said| said.scope == module_path!()).map(|said| said.body).collect();
    assert_eq!(said, [Some("still here".into()), Some("and inside".into())]);
}

#[test]
fn a_recursion_through_thousands_of_spans_hangs_each_under_the_one_above_it() {
    fn down(depth: i64) {
        let _span = info_span!("deep", depth).entered();
        if depth < 2_000 {
            down(depth + 1);
        }
    }
    let (harness, spans) = harness();
    let deep = || harness.run(|| down(0));
    std::thread::scope(|scope| std::thread::Builder::new().stack_size(64 << 20).spawn_scoped(scope, deep).unwrap().join().unwrap());
    let made = spans.take();
    assert_eq!(made.len(), 2_001);
    // The innermost left first.
    for pair in made.windows(2) {
        assert_eq!(pair[0].parent_span_id, pair[1].span_context.span_id());
    }
}

#[test]
fn after_guards_out_of_order_in_several_layers_no_thread_is_left_inside_of_a_trace() {
    let sink = Arc::new(Spans::default());
    let provider = opentelemetry_sdk::trace::SdkTracerProvider::builder().build();
    let tracer = opentelemetry::trace::TracerProvider::tracer(&provider, "theirs");
    macro_rules! traced {
        () => {
            weave(traced_with(registry_of(REGISTRY), "info", sink.clone())).unwrap().0
        };
    }
    let stacks: [Dispatch; 3] = [
        Registry::default().with(traced!()).into(),
        Registry::default().with(traced!()).with(traced!()).into(),
        Registry::default().with(traced!()).with(tracing_opentelemetry::layer().with_tracer(tracer)).into(),
    ];
    for stack in &stacks {
        with_default(stack, || {
            let (a, n, b, c) = (info_span!("a"), node("n"), info_span!("b"), info_span!("c"));
            let (in_a, in_n, in_b, again, in_c) = (a.enter(), n.enter(), b.enter(), a.enter(), c.enter());
            drop(in_b);
            drop(in_a);
            drop(in_c);
            drop(in_n);
            drop(again);
            assert!(!opentelemetry::Context::current().has_active_span());
            info_span!("after").in_scope(|| ());
        });
        let made = sink.take();
        assert!(made.iter().filter(|span| span.name == "after").all(|span| span.parent_span_id == SpanId::INVALID));
    }
}

#[test]
fn what_the_program_attaches_by_hand_is_the_parent_through_entities_and_is_left_alone() {
    let (harness, spans) = harness();
    harness.run(|| {
        let remote = opentelemetry::trace::SpanContext::new(
            opentelemetry::TraceId::from(7),
            SpanId::from(9),
            opentelemetry::trace::TraceFlags::SAMPLED,
            true,
            Default::default(),
        );
        let context = opentelemetry::Context::new().with_remote_span_context(remote);
        let guard = context.attach();
        let _node = node("n").entered();
        info_span!("inside").in_scope(|| ());
        info_span!(parent: None, "root").in_scope(|| ());
        drop(guard);
        info_span!("after").in_scope(|| ());
    });
    let made = spans.take();
    assert_eq!(of(&made, "inside").parent_span_id, SpanId::from(9));
    assert_eq!(of(&made, "inside").span_context.trace_id(), opentelemetry::TraceId::from(7));
    assert_eq!((of(&made, "root").parent_span_id, of(&made, "after").parent_span_id), (SpanId::INVALID, SpanId::INVALID));
}

#[test]
fn a_batch_that_goes_through_threads_and_channels_keeps_its_trace_and_each_node_its_entity() {
    let (harness, spans) = harness();
    let (to_second, from_first) = std::sync::mpsc::channel::<Span>();
    let (to_third, from_second) = std::sync::mpsc::channel::<Span>();
    std::thread::scope(|scope| {
        let run = |name: &'static str, work: Box<dyn Fn() + Send>| {
            let harness = &harness;
            scope.spawn(move || harness.run(|| node(name).in_scope(&work)));
        };
        run(
            "receiver",
            Box::new(move || {
                for n in 0..50 {
                    let batch = info_span!("s.batch", s.size = n);
                    batch.in_scope(|| info_span!("receive").in_scope(|| ()));
                    to_second.send(batch).unwrap();
                }
            }),
        );
        run(
            "processor",
            Box::new(move || {
                for batch in &from_first {
                    let step = info_span!(parent: &batch, "process");
                    step.in_scope(|| ());
                    to_third.send(step).unwrap();
                }
            }),
        );
        run("exporter", Box::new(move || from_second.iter().for_each(|step| drop(info_span!(parent: &step, "export").entered()))));
    });
    let made = spans.take();
    assert_eq!(made.len(), 50 * 4);
    let entity = |span: &SpanData| span.instrumentation_scope.attributes().next().unwrap().value.to_string();
    for batch in made.iter().filter(|span| span.name == "s.batch") {
        assert_eq!((batch.parent_span_id, entity(batch).as_str()), (SpanId::INVALID, "receiver"));
        let mut above = batch;
        let of_trace: Vec<_> = made.iter().filter(|span| span.span_context.trace_id() == batch.span_context.trace_id()).collect();
        assert_eq!(of_trace.len(), 4);
        for (name, node) in [("process", "receiver"), ("export", "receiver")] {
            let step = of_trace.iter().find(|span| span.name == name).unwrap();
            // The entity is that of the place which the parent by hand names.
            assert_eq!((step.parent_span_id, entity(step).as_str()), (above.span_context.span_id(), node));
            above = step;
        }
    }
}

#[test]
fn instrumented_tasks_that_hop_threads_keep_their_traces() {
    let (harness, spans) = harness();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(3).enable_time().build().unwrap();
    let dispatch = harness.dispatch.clone();
    runtime.block_on(async {
        use tracing::instrument::WithSubscriber as _;
        let tasks: Vec<_> = (0..20)
            .map(|task| {
                let work = async move {
                    for step in 0..20 {
                        tokio::task::yield_now().await;
                        info_span!("step", task, step).in_scope(|| ());
                        async { tokio::task::yield_now().await }.instrument(info_span!("wait", task)).await;
                    }
                };
                tokio::spawn(async move { work.instrument(info_span!("task", task)).await }.with_subscriber(dispatch.clone()))
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    drop(runtime);
    let made = spans.take();
    assert_eq!(made.len(), 20 + 20 * 40);
    let number = |span: &SpanData| span.attributes.iter().find(|kv| kv.key.as_str() == "task").unwrap().value.clone();
    for span in made.iter().filter(|span| span.name != "task") {
        let above = made.iter().find(|above| above.span_context.span_id() == span.parent_span_id).unwrap();
        assert_eq!((above.name.as_ref(), number(above)), ("task", number(span)));
    }
}

/// A sink that panics.
#[derive(Debug)]
struct Broken;

impl SpanSink for Broken {
    fn take(&self, _: SpanData) {
        panic!("a broken sink");
    }
}

#[test]
fn a_sink_that_panics_costs_its_span_and_nothing_else() {
    let mut with = traced_with(registry_of(REGISTRY), "info", Arc::default());
    with.spans = with.spans.map(|spans| SpanSettings { sink: Arc::new(Broken), ..spans });
    let mut harness = Harness::new(with);
    harness.run(|| {
        for _ in 0..3 {
            info_span!("lost").in_scope(|| event!(Level::INFO, "kept"));
        }
    });
    assert_eq!(harness.drain().len(), 3);
}

#[test]
fn opentelemetrys_means_on_a_span_work_in_every_wrapping_of_the_layer() {
    struct Quiet;
    impl<S: tracing_core::Subscriber> Layer<S> for Quiet {}
    macro_rules! works {
        ($($how:literal: |$layer:ident| $stack:expr;)*) => {$({
            let sink = Arc::new(Spans::default());
            let ($layer, _weaver, _reader) = weave(traced_with(registry_of(REGISTRY), "info", sink.clone())).unwrap();
            let stack = Dispatch::from($stack);
            with_default(&stack, || {
                let span = info_span!("one");
                span.set_attribute("by hand", 1);
                let ids = span.context().span().span_context().clone();
                assert!(ids.is_valid(), $how);
                let other = info_span!("other");
                other.set_parent(span.context()).unwrap();
                other.in_scope(|| ());
                span.in_scope(|| assert_eq!(Span::current().context().span().span_context(), &ids, $how));
                assert_eq!(*opentelemetry::Context::current().span().span_context(), opentelemetry::trace::SpanContext::empty_context());
                // On an entity they find nothing, and break nothing.
                let node = node("n");
                node.set_attribute("by hand", 1);
                let _ = node.set_parent(span.context());
                assert!(!node.context().span().span_context().is_valid(), $how);
            });
            let made = sink.take();
            assert_eq!(made.len(), 2, $how);
            assert_eq!(of(&made, "other").parent_span_id, of(&made, "one").span_context.span_id(), $how);
            assert!(of(&made, "one").attributes.iter().any(|kv| kv.key.as_str() == "by hand"), $how);
        })*};
    }
    works! {
        "plain": |l| Registry::default().with(l);
        "boxed": |l| Registry::default().with(WeaverLayer::boxed(l));
        "as an option": |l| Registry::default().with(Some(l));
        "boxed twice in an option": |l| Registry::default().with(Some(WeaverLayer::boxed(l).boxed()));
        "in a list": |l| Registry::default().with(vec![l]);
        "in a list with others": |l| Registry::default().with(vec![Quiet.boxed(), WeaverLayer::boxed(l), Quiet.with_filter(LevelFilter::OFF).boxed()]);
        "behind others": |l| Registry::default().with(Quiet.with_filter(filter_fn(|_| false))).with(Quiet).with(l).with(Quiet);
        "joined": |l| Registry::default().with(Quiet.and_then(l));
    }
    // Nothing can be found inside of a reload, and nothing breaks there.
    let (layer, ..) = weave(traced_with(registry_of(REGISTRY), "info", Arc::default())).unwrap();
    with_default(&Registry::default().with(reload::Layer::new(layer).0).into(), || {
        let span = info_span!("one");
        span.set_attribute("by hand", 1);
        assert!(!span.context().span().span_context().is_valid());
    });
}

#[test]
fn a_layer_without_trace_spans_beside_one_with_them_makes_none() {
    let sink = Arc::new(Spans::default());
    let (with, ..) = weave(traced_with(registry_of(REGISTRY), "info", sink.clone())).unwrap();
    let (without, ..) = weave(settings("info")).unwrap();
    with_default(&Registry::default().with(without).with(with).into(), || info_span!("one").in_scope(|| ()));
    assert_eq!(sink.take().len(), 1);
}

#[test]
fn more_layers_than_have_a_place_of_their_own_all_make_their_spans_and_keep_them_apart() {
    let made: Vec<_> = (0..12).map(|_| harness()).collect();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for (harness, _) in made.iter().chain(made.iter().rev()) {
                    harness.run(|| {
                        let _node = node("n").entered();
                        let outer = info_span!("outer").entered();
                        info_span!("inner").in_scope(|| event!(Level::INFO, "inside"));
                        drop(outer);
                        assert!(!opentelemetry::Context::current().has_active_span());
                    });
                }
            });
        }
    });
    for (mut harness, spans) in made {
        let spans = spans.take();
        assert_eq!(spans.len(), 8);
        for inner in spans.iter().filter(|span| span.name == "inner") {
            assert!(spans.iter().any(|outer| outer.name == "outer" && outer.span_context.span_id() == inner.parent_span_id));
        }
        assert_eq!(harness.drain().len(), 4);
    }
}

#[test]
fn spans_of_many_fields_and_odd_names_come_out_whole() {
    let (harness, spans) = harness();
    harness.run(|| {
        info_span!(
            "elsewhere",
            f01 = 1,
            f02 = 1,
            f03 = 1,
            f04 = 1,
            f05 = 1,
            f06 = 1,
            f07 = 1,
            f08 = 1,
            f09 = 1,
            f10 = 1,
            f11 = 1,
            f12 = 1,
            f13 = 1,
            f14 = 1,
            f15 = 1,
            f16 = 1,
            f17 = 1,
            f18 = 1,
            f19 = 1,
            f20 = 1,
            f21 = 1,
            f22 = 1,
            f23 = 1,
            f24 = 1,
            f25 = 1,
            f26 = 1,
            f27 = 1,
            f28 = 1,
            f29 = 1,
            f30 = 1,
            f31 = 1,
            f32 = 1,
            f33 = 1,
            f34 = 1,
            f35 = 1,
            f36 = 1,
            f37 = 1,
            f38 = 1,
            f39 = 1,
            f40 = 1
        )
        .in_scope(|| ());
        info_span!("", "tracing_weaver.origin" = 1, "" = 2, message = "not an event").in_scope(|| ());
        let by_hand = info_span!("by hand");
        by_hand.set_attribute("tracing_weaver.origin", 7);
        by_hand.in_scope(|| ());
    });
    let made = spans.take();
    assert_eq!(of(&made, "elsewhere").attributes.len(), 40);
    assert_eq!(of(&made, "").attributes.len(), 3);
    assert_eq!(of(&made, "by hand").instrumentation_scope.name(), module_path!());
}

#[test]
fn directives_for_spans_let_trace_spans_through_as_they_do_records() {
    struct Greedy;
    impl<S: tracing_core::Subscriber> Layer<S> for Greedy {}
    for greedy in [false, true] {
        let directives = "off,[s.node{s.node.id=n}]=debug,[request{id=7}]=info";
        let sink = Arc::new(Spans::default());
        let with = traced_with(registry_of(REGISTRY), directives, sink.clone());
        let harness = if greedy { Harness::beside(with, Greedy) } else { Harness::new(with) };
        harness.run(|| {
            info_span!("outside").in_scope(|| ());
            node("n").in_scope(|| tracing::debug_span!("in n").in_scope(|| tracing::trace_span!("too verbose").in_scope(|| ())));
            node("m").in_scope(|| info_span!("in m").in_scope(|| ()));
            let request = info_span!("request", id = tracing::field::Empty);
            request.in_scope(|| info_span!("too early").in_scope(|| ()));
            request.record("id", 7);
            request.in_scope(|| info_span!("in time").in_scope(|| ()));
        });
        let made = sink.take();
        assert_eq!(made.iter().map(|span| span.name.as_ref()).collect::<Vec<_>>(), ["in n", "in time", "request"], "greedy: {greedy}");
        assert_eq!(of(&made, "in time").parent_span_id, of(&made, "request").span_context.span_id());
    }
}

#[test]
fn a_filter_that_changes_while_spans_are_open_decides_of_new_ones_only() {
    let (mut harness, spans) = harness();
    harness.run(|| {
        let outer = info_span!("outer").entered();
        let waiting = info_span!("waiting", late = tracing::field::Empty);
        harness.weaver.set_filter(support::filter("off"));
        info_span!("never").in_scope(|| event!(Level::ERROR, "not said"));
        waiting.record("late", 1);
        waiting.in_scope(|| node("n").in_scope(|| ()));
        drop((waiting, outer));
        assert!(!opentelemetry::Context::current().has_active_span());
        harness.weaver.set_filter(support::filter("info,[again]=debug"));
        info_span!("again").in_scope(|| tracing::debug_span!("inside").in_scope(|| event!(Level::DEBUG, "said")));
    });
    let made = spans.take();
    assert_eq!(made.iter().map(|span| span.name.as_ref()).collect::<Vec<_>>(), ["waiting", "outer", "inside", "again"]);
    assert_eq!(of(&made, "waiting").attributes.len(), 1);
    assert_eq!(ids(&mut harness), [ids_of(of(&made, "inside"))]);
}
