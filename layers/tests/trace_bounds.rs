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
