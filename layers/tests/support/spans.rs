//! A layer that makes trace spans, and where they are read.
//!
//! Tests of traces call it. It hides nothing of what passed the gate.
#![allow(dead_code)]

use std::sync::{Arc, Mutex};

use opentelemetry::Value;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_sdk::trace::{Sampler, SpanData, SpanLimits};
use prost::Message as _;
use tracing_weaver_layers::{Settings, SpanSettings, SpanSink};
use tracing_weaver_registry::model::ResolvedRegistry;

use crate::support::{Harness, filter};

/// A node, a span type, and attributes of every sensitivity.
pub(crate) const REGISTRY: &str = r#"
file_format: definition/2
attributes:
  - {key: s.node.id, type: string, brief: Id of a node., stability: development}
  - {key: s.size, type: int, brief: Items in a batch., stability: development, annotations: {tracing_weaver: {field: [size]}}}
  - {key: s.note, type: string, brief: A note., stability: development}
  - {key: s.error, type: string, brief: An error., stability: development}
  - {key: s.token, type: string, brief: A token., stability: development, annotations: {tracing_weaver: {sensitivity: secret, field: [token]}}}
  - {key: s.who, type: string, brief: A person., stability: development, annotations: {tracing_weaver: {sensitivity: personal}}}
entities:
  - {type: s.node, brief: A node., stability: development, identity: [{ref: s.node.id}]}
events:
  - {name: s.fail, brief: Something failed., stability: development, attributes: [{ref: s.error}, {ref: s.who}, {ref: s.token}]}
spans:
  - type: s.batch
    kind: consumer
    name: {note: s.batch}
    brief: A batch through a node.
    stability: development
    attributes: [{ref: s.size}, {ref: s.note}, {ref: s.token}, {ref: s.who}]
"#;

/// Spans that passed the gate.
#[derive(Debug, Default)]
pub(crate) struct Spans(Mutex<Vec<SpanData>>);

impl Spans {
    pub(crate) fn take(&self) -> Vec<SpanData> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl SpanSink for Spans {
    fn take(&self, span: SpanData) {
        self.0.lock().unwrap().push(span);
    }
}

pub(crate) fn traced_with(registry: Arc<ResolvedRegistry>, directives: &str, sink: Arc<Spans>) -> Settings {
    let mut settings = Settings::new(registry);
    settings.filter = filter(directives);
    settings.spans = Some(SpanSettings { sampler: Sampler::AlwaysOn, limits: SpanLimits::default(), text_limit: None, sink });
    settings
}

pub(crate) fn traced(registry: Arc<ResolvedRegistry>, directives: &str) -> (Harness, Arc<Spans>) {
    let sink = Arc::new(Spans::default());
    (Harness::new(traced_with(registry, directives, sink.clone())), sink)
}

/// A span's attributes, sorted by key.
pub(crate) fn attributes(span: &SpanData) -> Vec<(&str, Value)> {
    let mut attributes: Vec<_> = span.attributes.iter().map(|kv| (kv.key.as_str(), kv.value.clone())).collect();
    attributes.sort_by_key(|(key, _)| *key);
    attributes
}

/// Trace id, span id and flags of each record.
pub(crate) fn ids(harness: &mut Harness) -> Vec<(Vec<u8>, Vec<u8>, u32)> {
    let read = |said: crate::support::Said| LogRecord::decode(said.bytes.as_slice()).unwrap();
    harness.drain().into_iter().map(read).map(|record| (record.trace_id, record.span_id, record.flags)).collect()
}

/// Those of a sampled span.
pub(crate) fn ids_of(span: &SpanData) -> (Vec<u8>, Vec<u8>, u32) {
    let ids = &span.span_context;
    (ids.trace_id().to_bytes().to_vec(), ids.span_id().to_bytes().to_vec(), 1)
}
