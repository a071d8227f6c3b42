//! Spans of OpenTelemetry's own tracer, in the place of the layer's gate.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::trace::{Span as _, Tracer as _, TracerProvider as _};
use opentelemetry::{Context, InstrumentationScope, KeyValue};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider, Span, SpanData, SpanProcessor};
use tracing_weaver_layers::SpanSink as _;

use super::fake::SCHEMA_URL;
use crate::export::settings::ExportSettings;
use crate::export::spans::SpanQueue;

/// Makes spans and puts them into the queue of an exporter.
pub(super) struct Traces {
    queue: Arc<SpanQueue>,
    provider: SdkTracerProvider,
}

#[derive(Debug)]
struct IntoQueue(Arc<SpanQueue>);

impl SpanProcessor for IntoQueue {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        self.0.take(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

impl Traces {
    /// For the exporter that `settings` will make.
    pub(super) fn of(settings: &mut ExportSettings) -> Self {
        Self::into(settings.open_span_queue())
    }

    pub(super) fn into(queue: Arc<SpanQueue>) -> Self {
        let provider = SdkTracerProvider::builder().with_span_processor(IntoQueue(queue.clone())).build();
        Traces { queue, provider }
    }

    /// Of a target that the registry knows, in the node with this id.
    pub(super) fn tracer(&self, node: i64) -> SdkTracer {
        let scope = InstrumentationScope::builder("target::1")
            .with_schema_url(SCHEMA_URL)
            .with_attributes([KeyValue::new("acme.node.id", node)])
            .build();
        self.provider.tracer_with_scope(scope)
    }

    /// Ends `count` spans `prefix.0`, `prefix.1`, …, one after another.
    pub(super) fn end_many(&self, prefix: &str, count: usize) {
        let tracer = self.tracer(7);
        (0..count).for_each(|number| tracer.start(format!("{prefix}.{number}")).end());
    }

    /// Ends `count` spans with a text of `bytes` bytes each.
    pub(super) fn end_large(&self, count: usize, bytes: usize) {
        let tracer = self.tracer(7);
        for _ in 0..count {
            let mut span = tracer.start("acme.large");
            span.set_attribute(KeyValue::new("acme.text", "x".repeat(bytes)));
            span.end();
        }
    }

    /// Spans that wait in the queue.
    pub(super) fn waiting(&self) -> usize {
        self.queue.waiting()
    }
}
