//! User code that runs while a trace span is made, recorded to, or while an event stands in one, and that emits and traces itself.
//!
//! `tracing` delivers what it emits only where no scoped default was ever set, so this file has a process of its own. Each test has a
//! deadline: what could go wrong is a thread that waits for itself.
#![cfg(feature = "spans")]

#[path = "support/spans.rs"]
mod spans;
mod support;

use std::fmt;
use std::sync::mpsc::channel;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard};
use std::time::Duration;

use opentelemetry_sdk::trace::SpanData;
use spans::{REGISTRY, Spans, traced};
use support::{Harness, registry_of};
use tracing::{Level, Span, event, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

static HARNESS: LazyLock<Mutex<(Harness, Arc<Spans>)>> = LazyLock::new(|| {
    let (harness, spans) = traced(registry_of(REGISTRY), "info");
    tracing::dispatcher::set_global_default(harness.dispatch.clone()).unwrap();
    Mutex::new((harness, spans))
});

fn harness() -> MutexGuard<'static, (Harness, Arc<Spans>)> {
    let mut harness = HARNESS.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    harness.0.drain();
    harness.1.take();
    harness
}

/// Runs `work` on a thread of its own; fails if it does not end.
fn in_time(work: impl FnOnce() + Send + 'static) {
    let (say, done) = channel();
    let thread = std::thread::spawn(move || {
        work();
        say.send(()).unwrap();
    });
    done.recv_timeout(Duration::from_secs(60)).expect("no thread waits for itself");
    thread.join().unwrap();
}

/// Runs code when its text is made.
struct During<F: Fn()>(F);

impl<F: Fn()> fmt::Debug for During<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (self.0)();
        f.write_str("text")
    }
}

fn of<'a>(made: &'a [SpanData], name: &str) -> &'a SpanData {
    made.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("no `{name}` in {made:?}"))
}

#[test]
fn a_value_that_opens_spans_of_its_own_while_a_span_is_made() {
    let mut harness = harness();
    in_time(|| {
        let value = During(|| {
            let _inner = info_span!("inner", deep = ?During(|| event!(Level::INFO, "deep inside"))).entered();
            event!(Level::INFO, "inside");
        });
        let outer = info_span!("outer", value = ?value).entered();
        info_span!("after").in_scope(|| ());
        drop(outer);
    });
    let made = harness.1.take();
    assert_eq!(made.len(), 3);
    assert_eq!(of(&made, "after").parent_span_id, of(&made, "outer").span_context.span_id());
    assert_eq!(of(&made, "inner").parent_span_id, opentelemetry::trace::SpanId::INVALID, "the outer one is not there yet");
    for name in ["outer", "inner"] {
        assert_eq!(of(&made, name).attributes.len(), 1, "{made:?}");
    }
    assert_eq!(harness.0.drain().len(), 2);
}

#[test]
fn a_value_that_touches_the_very_span_that_it_is_recorded_on() {
    let harness = harness();
    in_time(|| {
        let span = info_span!("touched", value = tracing::field::Empty, other = tracing::field::Empty);
        let _entered = span.enter();
        let value = During(|| {
            let this = Span::current();
            this.set_attribute("by hand", 1);
            this.record("other", 2);
            this.record("value", "nested");
            let _ = this.context();
            info_span!("child").in_scope(|| ());
            this.clone().in_scope(|| event!(Level::INFO, "inside"));
        });
        span.record("value", tracing::field::debug(&value));
        event!(Level::ERROR, exception.message = ?value, "with it");
        event!(parent: &span, Level::INFO, value = ?value);
    });
    let made = harness.1.take();
    let touched = of(&made, "touched");
    let value = touched.attributes.iter().find(|kv| kv.key.as_str() == "value").map(|kv| kv.value.to_string());
    assert_eq!(value.as_deref(), Some("nested"), "the events record it once more: {touched:?}");
    assert_eq!(touched.events.len(), 1);
    assert!(made.iter().filter(|span| span.name == "child").all(|child| child.parent_span_id == touched.span_context.span_id()));
}

#[test]
fn a_value_that_panics_after_it_entered_a_span_leaves_the_thread_outside_of_it() {
    let harness = harness();
    in_time(|| {
        let bad = During(|| {
            let _inner = info_span!("inner").entered();
            panic!("no text");
        });
        let outer = info_span!("outer", bad = ?bad, good = 1).entered();
        outer.record("good", 2);
        event!(Level::INFO, bad = ?bad, "beside it");
        info_span!("after").in_scope(|| ());
        drop(outer);
        assert!(Span::current().is_none());
        assert!(!opentelemetry::trace::TraceContextExt::has_active_span(&opentelemetry::Context::current()));
    });
    let made = harness.1.take();
    let outer = of(&made, "outer");
    assert_eq!(outer.attributes.iter().map(|kv| (kv.key.as_str(), kv.value.to_string())).collect::<Vec<_>>(), [("good", "2".to_owned())]);
    assert_eq!(of(&made, "after").parent_span_id, outer.span_context.span_id());
}

#[test]
fn a_value_that_changes_the_filter_while_a_span_is_made() {
    let harness = harness();
    let weaver = harness.0.weaver.clone();
    in_time(move || {
        let change = |directives: &'static str| {
            let weaver = weaver.clone();
            During(move || weaver.set_filter(support::filter(directives)))
        };
        info_span!("before", value = ?change("off")).in_scope(|| info_span!("never").in_scope(|| ()));
        weaver.set_filter(support::filter("info"));
        info_span!("again", value = ?change("info,[again]=debug")).in_scope(|| tracing::debug_span!("inside").in_scope(|| ()));
        weaver.set_filter(support::filter("info"));
    });
    let made = harness.1.take();
    assert!(made.iter().any(|span| span.name == "before") && made.iter().all(|span| span.name != "never"), "{made:?}");
}

#[test]
fn hundreds_of_values_that_each_open_the_next_span() {
    fn down(depth: i64) {
        let value = During(|| {
            if depth < 200 {
                down(depth + 1);
            }
        });
        let _span = info_span!("deep", value = ?value, depth).entered();
    }
    let harness = harness();
    in_time(|| std::thread::Builder::new().stack_size(256 << 20).spawn(|| down(0)).unwrap().join().unwrap());
    assert_eq!(harness.1.take().len(), 201);
}
