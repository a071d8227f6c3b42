//! The trace of an event whose parent is named, or which has none: current for as long as the event is handled.
//!
//! The layer asks for it on the slow way of an event. Records then find their ids where they always do.

use std::panic::{AssertUnwindSafe, catch_unwind};

use opentelemetry::ContextGuard;
use tracing_core::Dispatch;
use tracing_core::span::Id;

use crate::otel_context;

/// Keeps a trace current.
pub(crate) struct Attached(#[expect(dead_code, reason = "dropped, never read")] Option<ContextGuard>);

/// Makes the trace of a span current, by the program's id of it; none where there is no span. Starts the span, as looking at it does.
/// `second` is the layer's second subscriber, which leads to its own trace spans, whatever else is in the program's stack.
pub(crate) fn attach(span: Option<&Id>, second: &Dispatch) -> Attached {
    if otel_context::current(|_| ()).is_none() {
        return Attached(None);
    }
    let context = || {
        let of_span = span.and_then(|span| tracing_opentelemetry::get_otel_context(span, second));
        of_span.unwrap_or_default().attach()
    };
    Attached(catch_unwind(AssertUnwindSafe(context)).ok())
}
