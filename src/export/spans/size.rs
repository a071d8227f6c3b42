//! How large a span is, before it is encoded.
//! The queue bounds itself and its requests by it.
//! It counts the memory of a span and its texts, which is never less than what the span takes on the wire.

use std::mem::size_of;

use opentelemetry::trace::{Event, Link, Status, TraceState};
use opentelemetry::{Array, KeyValue, StringValue, Value};
use opentelemetry_sdk::trace::SpanData;

/// An element of an array on the wire, with its frames: more than a number takes in memory.
const ELEMENT: usize = 16;

/// An estimate in bytes, its scope included.
pub(super) fn size(span: &SpanData) -> usize {
    let scope = &span.instrumentation_scope;
    let text = |text: Option<&str>| text.map_or(0, str::len);
    let status = match &span.status {
        Status::Error { description } => description.len(),
        _ => 0,
    };
    let events: usize = span.events.iter().map(|event| size_of::<Event>() + event.name.len() + attributes(&event.attributes)).sum();
    let links =
        span.links.iter().map(|link| size_of::<Link>() + trace_state(link.span_context.trace_state()) + attributes(&link.attributes));
    size_of::<SpanData>()
        + span.name.len()
        + trace_state(span.span_context.trace_state())
        + status
        + attributes(&span.attributes)
        + events
        + links.sum::<usize>()
        + scope.name().len()
        + text(scope.version())
        + text(scope.schema_url())
        + attributes(scope.attributes())
}

fn attributes<'a>(attributes: impl IntoIterator<Item = &'a KeyValue>) -> usize {
    attributes.into_iter().map(|attribute| size_of::<KeyValue>() + attribute.key.as_str().len() + value(&attribute.value)).sum()
}

fn value(value: &Value) -> usize {
    match value {
        Value::String(text) => text.as_str().len(),
        Value::Array(Array::String(texts)) => texts.iter().map(|text| size_of::<StringValue>() + text.as_str().len()).sum(),
        Value::Array(Array::Bool(items)) => items.len() * ELEMENT,
        Value::Array(Array::I64(items)) => items.len() * ELEMENT,
        Value::Array(Array::F64(items)) => items.len() * ELEMENT,
        // A number stands in the attribute itself.
        _ => 0,
    }
}

fn trace_state(state: &TraceState) -> usize {
    state.into_iter().map(|(key, value)| key.len() + value.len() + 2).sum()
}
