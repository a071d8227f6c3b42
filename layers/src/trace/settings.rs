//! What trace spans are made from, and where they go.
//!
//! The facade fills it in. Plain data: nothing is started or read here.

use std::fmt;
use std::sync::Arc;

use opentelemetry_sdk::trace::{Sampler, SpanData, SpanLimits};

/// Takes the spans that ended and passed the gate.
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering};
/// use opentelemetry_sdk::trace::SpanData;
/// use tracing_weaver_layers::SpanSink;
///
/// /// Counts spans and keeps none.
/// #[derive(Debug, Default)]
/// struct Count(AtomicU64);
///
/// impl SpanSink for Count {
///     fn take(&self, _: SpanData) {
///         self.0.fetch_add(1, Ordering::Relaxed);
///     }
/// }
/// ```
pub trait SpanSink: fmt::Debug + Send + Sync {
    /// Takes a span, or drops and counts it. Called on the thread that ended the span: never waits, never panics, emits nothing.
    fn take(&self, span: SpanData);
}

/// How trace spans are sampled, bounded and exported.
#[derive(Debug, Clone)]
pub struct SpanSettings {
    /// Decides which spans are recorded.
    pub sampler: Sampler,
    /// Bounds on a span's attributes, events and links. An attribute that is set again counts once, and its last value leaves; a span keeps
    /// at most 16 values for each attribute that it may have, and what is set past them is dropped and counted.
    pub limits: SpanLimits,
    /// Most characters of an attribute's text, beside the bound of 64 KiB on every text; `None` where that alone holds.
    pub text_limit: Option<usize>,
    /// Where they go.
    pub sink: Arc<dyn SpanSink>,
}
