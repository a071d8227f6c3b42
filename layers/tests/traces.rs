//! Trace spans: which spans become one, where they hang, what they carry, and what OpenTelemetry's own means see of them.
//!
//! Spans are read where they leave the gate, each test under a dispatcher of its own. Nothing here exports.
#![cfg(feature = "spans")]

#[path = "support/spans.rs"]
mod spans;
mod support;

use std::sync::Arc;

use opentelemetry::Value;
use opentelemetry::trace::{SpanId, SpanKind, Status, TraceContextExt as _, TraceId};
use spans::{REGISTRY, Spans, attributes, traced, traced_with};
use support::{Harness, registry_of};
use tracing::{Dispatch, Level, dispatcher, error_span, event, info_span, span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_weaver_layers::weave;

fn harness(directives: &str) -> (Harness, Arc<Spans>) {
    traced(registry_of(REGISTRY), directives)
}

#[test]
fn a_span_that_no_entity_is_becomes_a_trace_span_and_an_entity_span_never() {
    let (harness, spans) = harness("info");
    harness.run(|| {
        let _node = info_span!("s.node", s.node.id = "batch").entered();
        let _batch = info_span!("s.batch", s.size = 3).entered();
        info_span!("elsewhere").in_scope(|| ());
    });
    let made = spans.take();
    assert_eq!(made.iter().map(|span| span.name.as_ref()).collect::<Vec<_>>(), ["elsewhere", "s.batch"]);
    assert_eq!(made[0].parent_span_id, made[1].span_context.span_id());
    assert_eq!(made[1].parent_span_id, SpanId::INVALID);
}

#[test]
fn the_entities_in_force_stand_on_the_scope_with_the_target_as_its_name() {
    let (harness, spans) = harness("info");
    harness.run(|| {
        let _node = info_span!("s.node", s.node.id = "batch").entered();
        span!(target: "engine", Level::INFO, "s.batch", s.size = 3).in_scope(|| ());
        span!(target: "engine", Level::INFO, "elsewhere").in_scope(|| ());
    });
    let made = spans.take();
    for span in &made {
        assert_eq!(span.instrumentation_scope.name(), "engine");
        let scope: Vec<_> = span.instrumentation_scope.attributes().map(|kv| (kv.key.to_string(), kv.value.to_string())).collect();
        assert_eq!(scope, [("s.node.id".to_owned(), "batch".to_owned())]);
    }
    assert_eq!(made[0].instrumentation_scope.schema_url(), Some("https://example.com/schemas/t/1.0.0"));
    assert_eq!(made[1].instrumentation_scope.schema_url(), None);
}

#[test]
fn a_known_span_carries_what_its_type_declares_and_an_unknown_one_all() {
    let (harness, spans) = harness("info");
    harness.run(|| {
        info_span!("s.batch", size = 3u64, s.note = "x", stray = true, s.token = "secret", s.who = "someone").in_scope(|| ());
        info_span!("elsewhere", size = 3u64, stray = true, s.token = "secret", token = "secret", s.who = "someone").in_scope(|| ());
    });
    let made = spans.take();
    assert_eq!(attributes(&made[0]), [("s.note", "x".into()), ("s.size", 3.into()), ("s.who", "[redacted:personal]".into())]);
    assert_eq!(made[0].span_kind, SpanKind::Consumer);
    assert_eq!(attributes(&made[1]), [("s.who", "[redacted:personal]".into()), ("size", 3.into()), ("stray", true.into())]);
    assert_eq!(made[1].span_kind, SpanKind::Internal);
}

#[test]
fn what_is_set_by_hand_or_recorded_late_passes_the_same_gate() {
    let (harness, spans) = harness("info");
    harness.run(|| {
        let span = info_span!("s.batch", s.size = tracing::field::Empty, s.token = tracing::field::Empty, stray = tracing::field::Empty);
        let _entered = span.enter();
        span.record("s.size", 7);
        span.record("s.size", 8u64);
        span.record("s.token", "secret");
        span.record("stray", 1);
        span.set_attribute("s.note", "by hand");
        span.set_attribute("s.token", "secret");
        span.set_attribute("other", "undeclared");
        span.add_event("note", vec![opentelemetry::KeyValue::new("s.token", "secret"), opentelemetry::KeyValue::new("n", 1)]);
    });
    let made = spans.take();
    assert_eq!(attributes(&made[0]), [("s.note", "by hand".into()), ("s.size", 8.into())]);
    assert!(!format!("{made:?}").contains("secret"));
}

#[test]
fn values_arrive_typed_as_they_are_in_the_program() {
    #[derive(Debug)]
    struct Outer(std::num::ParseIntError);
    impl std::fmt::Display for Outer {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("outer")
        }
    }
    impl std::error::Error for Outer {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }
    struct Panics;
    impl std::fmt::Debug for Panics {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            panic!("in Debug")
        }
    }
    let error = Outer("x".parse::<i32>().unwrap_err());
    let error: &(dyn std::error::Error + 'static) = &error;
    let (harness, spans) = harness("info");
    harness.run(|| {
        info_span!(
            "elsewhere",
            signed = -1i64,
            unsigned = 2u64,
            large = u64::MAX,
            wide = 3u128,
            float = 0.5,
            yes = true,
            text = "t",
            debug = ?Some(1),
            display = %1.5,
            bytes = &b"\x00\xff"[..],
            error,
            none = None::<i64>,
            panics = ?Panics,
        )
        .in_scope(|| ());
    });
    let made = spans.take();
    let is = |key: &str| attributes(&made[0]).into_iter().find(|(known, _)| *known == key).map(|(_, value)| value);
    assert_eq!(is("signed"), Some(Value::I64(-1)));
    assert_eq!(is("unsigned"), Some(Value::I64(2)));
    assert_eq!(is("large"), Some("18446744073709551615".into()));
    assert_eq!(is("wide"), Some(Value::I64(3)));
    assert_eq!(is("float"), Some(Value::F64(0.5)));
    assert_eq!(is("yes"), Some(Value::Bool(true)));
    assert_eq!((is("text"), is("debug"), is("display")), (Some("t".into()), Some("Some(1)".into()), Some("1.5".into())));
    let Some(Value::String(bytes)) = is("bytes") else { panic!("no bytes") };
    assert_eq!(tracing_weaver_layers::bytes_of_marked_text(bytes.as_str()), Some(vec![0, 255]));
    assert_eq!(is("error"), Some("outer".into()));
    assert_eq!(is("error.chain").map(|chain| chain.to_string()), Some("[\"invalid digit found in string\"]".into()));
    assert_eq!((is("none"), is("panics")), (None, None));
    assert!(harness.stats().fields_dropped.contains(&(tracing_weaver_layers::FieldDropReason::Panic, 1)));
}

#[test]
fn a_contextual_span_hangs_under_opentelemetrys_current_one_and_through_entities() {
    let (harness, spans) = harness("info");
    harness.run(|| {
        let _startup = info_span!("startup").entered();
        let node = info_span!("s.node", s.node.id = "n");
        drop(_startup);
        let _node = node.enter();
        info_span!("later").in_scope(|| ());
        let outer = info_span!("outer").entered();
        let _inner_node = info_span!("s.node", s.node.id = "m").entered();
        info_span!("inner").in_scope(|| ());
        drop(_inner_node);
        drop(outer);
    });
    let made = spans.take();
    let of = |name: &str| made.iter().find(|span| span.name == name).unwrap();
    assert_eq!(of("later").parent_span_id, SpanId::INVALID, "the node was made in `startup`, but the work is not its child");
    assert_eq!(of("inner").parent_span_id, of("outer").span_context.span_id());
}

#[test]
fn an_explicit_parent_counts_by_its_nearest_traced_ancestor() {
    let (harness, spans) = harness("info");
    harness.run(|| {
        let outer = info_span!("outer");
        let node = outer.in_scope(|| info_span!("s.node", s.node.id = "n"));
        let quiet = outer.in_scope(|| tracing::debug_span!("quiet"));
        let other = info_span!("other").entered();
        info_span!(parent: &node, "by node").in_scope(|| ());
        info_span!(parent: &outer, "by outer").in_scope(|| ());
        info_span!(parent: None, "root").in_scope(|| ());
        assert!(quiet.is_disabled());
        drop(other);
    });
    let made = spans.take();
    let of = |name: &str| made.iter().find(|span| span.name == name).unwrap();
    assert_eq!(of("by node").parent_span_id, of("outer").span_context.span_id());
    assert_eq!(of("by outer").parent_span_id, of("outer").span_context.span_id());
    assert_eq!(of("root").parent_span_id, SpanId::INVALID);
    assert_ne!(of("root").span_context.trace_id(), of("outer").span_context.trace_id());
}

#[test]
fn the_filter_decides_which_trace_spans_are_made() {
    let (harness, spans) = harness("warn,traces=debug,other=off");
    harness.run(|| {
        tracing::debug_span!("here").in_scope(|| ());
        span!(target: "elsewhere", Level::INFO, "quiet").in_scope(|| ());
        span!(target: "elsewhere", Level::WARN, "loud").in_scope(|| ());
        span!(target: "other", Level::ERROR, "never").in_scope(|| ());
    });
    assert_eq!(spans.take().iter().map(|span| span.name.to_string()).collect::<Vec<_>>(), ["here", "loud"]);
}

#[test]
fn kind_name_and_status_fields_of_tracing_opentelemetry_are_understood() {
    let (harness, spans) = harness("info");
    harness.run(|| {
        info_span!("request", otel.name = "GET /", otel.kind = "server", otel.status_code = "error", otel.status_description = "broken")
            .in_scope(|| ());
        info_span!("s.batch", otel.name = "other", otel.kind = "producer", otel.status_code = "error", otel.status_description = "leak")
            .in_scope(|| ());
    });
    let made = spans.take();
    assert_eq!((made[0].name.as_ref(), &made[0].span_kind), ("GET /", &SpanKind::Server));
    assert_eq!(made[0].status, Status::error("broken"));
    assert_eq!((made[1].name.as_ref(), &made[1].span_kind), ("s.batch", &SpanKind::Producer));
    assert_eq!(made[1].status, Status::error(""), "a description that the type does not declare");
    assert!(made.iter().all(|span| attributes(span).is_empty()), "{made:?}");
}

#[test]
fn a_span_of_a_known_type_keeps_the_types_name_whoever_renames_it() {
    let (harness, spans) = harness("info");
    let rename = || opentelemetry::Context::current().span().update_name("renamed by hand");
    harness.run(|| {
        info_span!("s.batch", s.size = 3).in_scope(rename);
        info_span!("elsewhere").in_scope(rename);
    });
    let made = spans.take();
    assert_eq!(made.iter().map(|span| span.name.as_ref()).collect::<Vec<_>>(), ["s.batch", "renamed by hand"]);
}

#[test]
fn a_link_leads_to_the_span_that_was_followed() {
    let (harness, spans) = harness("info");
    harness.run(|| {
        let first = info_span!("first");
        let second = info_span!("second");
        let node = info_span!("s.node", s.node.id = "n");
        second.follows_from(&first);
        second.follows_from(&node);
        second.follows_from(&second);
    });
    let made = spans.take();
    let of = |name: &str| made.iter().find(|span| span.name == name).unwrap();
    assert_eq!(of("second").links.len(), 1);
    assert_eq!(of("second").links[0].span_context.span_id(), of("first").span_context.span_id());
}

#[test]
fn spans_may_end_on_other_threads_and_in_any_order() {
    let (harness, spans) = harness("info");
    harness.run(|| {
        let (a, b) = (info_span!("a"), info_span!("b"));
        let (in_a, in_b) = (a.enter(), b.enter());
        drop(in_a);
        let dispatch = harness.dispatch.clone();
        std::thread::scope(|scope| {
            scope.spawn(|| tracing::dispatcher::with_default(&dispatch, || a.in_scope(|| info_span!("c").in_scope(|| ()))));
        });
        drop(in_b);
        assert!(!opentelemetry::Context::current().has_active_span());
    });
    let made = spans.take();
    let of = |name: &str| made.iter().find(|span| span.name == name).unwrap();
    assert_eq!(of("c").parent_span_id, of("a").span_context.span_id());
}

#[test]
fn opentelemetrys_own_layer_beside_ours_is_not_disturbed() {
    let sink = Arc::new(Spans::default());
    let provider = opentelemetry_sdk::trace::SdkTracerProvider::builder().build();
    let tracer = opentelemetry::trace::TracerProvider::tracer(&provider, "theirs");
    let settings = || traced_with(registry_of(REGISTRY), "info", sink.clone());
    let inside = weave(settings()).unwrap();
    let outside = weave(settings()).unwrap();
    let two = (weave(settings()).unwrap(), weave(settings()).unwrap());
    let stacks: [Dispatch; 3] = [
        tracing_subscriber::registry().with(tracing_opentelemetry::layer().with_tracer(tracer.clone())).with(inside.0).into(),
        tracing_subscriber::registry().with(outside.0).with(tracing_opentelemetry::layer().with_tracer(tracer.clone())).into(),
        tracing_subscriber::registry().with(two.0.0).with(two.1.0).into(),
    ];
    for (stack, made) in stacks.iter().zip([1, 1, 2]) {
        dispatcher::with_default(stack, || info_span!("both").in_scope(|| ()));
        assert_eq!(sink.take().len(), made);
    }
}

#[test]
fn a_span_that_is_sampled_out_keeps_its_ids_and_is_not_exported() {
    let sink = Arc::new(Spans::default());
    let mut settings = traced_with(registry_of(REGISTRY), "info", sink.clone());
    settings.spans.as_mut().unwrap().sampler = opentelemetry_sdk::trace::Sampler::AlwaysOff;
    let harness = Harness::new(settings);
    harness.run(|| {
        let span = error_span!("out");
        let _entered = span.enter();
        let context = opentelemetry::Context::current();
        assert!(context.span().span_context().is_valid());
        assert!(!context.span().span_context().is_sampled());
        assert_ne!(span.context().span().span_context().trace_id(), TraceId::INVALID);
        event!(Level::INFO, "inside");
    });
    assert!(sink.take().is_empty());
}
