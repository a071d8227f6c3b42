//! Bounds on what a trace span carries: how long its texts are, and how many attributes it has.
//!
//! Spans are read where they leave the gate. Nothing here exports.
#![cfg(feature = "spans")]

#[path = "support/spans.rs"]
mod spans;
mod support;

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use opentelemetry::{Array, StringValue, Value};
use spans::{REGISTRY, Spans, attributes, traced_with};
use support::{Harness, registry_of};
use tracing::field::Empty;
use tracing::info_span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_weaver_layers::{FieldDropReason, SpanSettings};

fn harness(change: impl FnOnce(&mut SpanSettings)) -> (Harness, Arc<Spans>) {
    let sink = Arc::new(Spans::default());
    let mut settings = traced_with(registry_of(REGISTRY), "info", sink.clone());
    settings.spans.as_mut().map(change);
    (Harness::new(settings), sink)
}

/// An error with a source.
#[derive(Debug)]
struct Failed(&'static str, Option<Box<Failed>>);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for Failed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.1.as_deref().map(|source| source as _)
    }
}

fn list(texts: &[&str]) -> Value {
    Value::Array(Array::String(texts.iter().map(|text| StringValue::from((*text).to_owned())).collect()))
}

#[test]
fn each_text_of_a_list_is_cut_where_any_other_text_is() {
    let long = "é".repeat(40 << 10);
    for (text_limit, end, cut) in [(None, 64 << 10, 1), (Some(5), 10, 3)] {
        let (harness, spans) = harness(|of| of.text_limit = text_limit);
        harness.run(|| {
            let error: &(dyn Error + 'static) = &Failed("outer", Some(Box::new(Failed("middle", Some(Box::new(Failed("inner", None)))))));
            let span = info_span!("elsewhere", error);
            span.set_attribute("list", list(&["short", &long]));
            span.add_event("event", vec![opentelemetry::KeyValue::new("list", list(&["longer"]))]);
        });
        let made = spans.take();
        let at_most = |text: &'static str| text_limit.map_or(text, |limit| &text[..limit.min(text.len())]);
        let expected =
            [("error", "outer".into()), ("error.chain", list(&[at_most("middle"), "inner"])), ("list", list(&["short", &long[..end]]))];
        assert_eq!(attributes(&made[0]), expected);
        assert_eq!(made[0].events[0].attributes[0].value, list(&[at_most("longer")]));
        assert_eq!(harness.stats().fields_dropped, [(FieldDropReason::TooLong, cut)]);
    }
}

#[test]
fn of_a_key_that_is_set_often_the_last_value_leaves_and_nothing_counts_as_dropped() {
    let (harness, spans) = harness(|_| ());
    harness.run(|| {
        let span = info_span!("s.batch", s.note = "first", s.size = Empty);
        // Before the span has begun, while it runs, and by both of the names that the attribute has.
        for turn in 0..100 {
            span.set_attribute("s.size", turn);
            span.set_attribute("s.note", format!("note {turn}"));
        }
        let _entered = span.enter();
        for turn in 100..400 {
            span.record("s.size", turn);
            span.set_attribute("size", turn + 1);
            span.set_attribute("s.note", format!("note {turn}"));
        }
    });
    let made = spans.take();
    let seen: Vec<_> = made[0].attributes.iter().map(|kv| (kv.key.as_str(), kv.value.clone())).collect();
    assert_eq!(seen, [("s.note", "note 399".into()), ("s.size", 400.into())]);
    assert_eq!(made[0].dropped_attributes_count, 0);
}

#[test]
fn a_span_keeps_as_many_keys_as_its_limit_says_and_counts_the_others() {
    // Where none is kept, each value is one that was dropped.
    for (limit, kept, dropped) in [(0, 0, 41), (3, 3, 37), (39, 39, 1), (40, 40, 0), (u32::MAX, 40, 0)] {
        let (harness, spans) = harness(|of| of.limits.max_attributes_per_span = limit);
        harness.run(|| {
            let span = info_span!("elsewhere", k0 = -1);
            let _entered = span.enter();
            (1..40).for_each(|key| span.set_attribute(format!("k{key}"), key));
            span.set_attribute("k0", 0);
        });
        let made = spans.take();
        let seen: Vec<_> = made[0].attributes.iter().map(|kv| (kv.key.to_string(), kv.value.clone())).collect();
        let expected: Vec<_> = (0..kept).map(|key| (format!("k{key}"), Value::from(key))).collect();
        assert_eq!((seen, made[0].dropped_attributes_count), (expected, dropped), "limit {limit}");
    }
}
