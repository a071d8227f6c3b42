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
pub(crate) fn attach(span: Option<&Id>, dispatch: Option<&Dispatch>) -> Attached {
    if otel_context::current(|_| ()).is_none() {
        return Attached(None);
    }
    let context = || {
        let of_span = span.zip(dispatch).and_then(|(span, dispatch)| tracing_opentelemetry::get_otel_context(span, dispatch));
        of_span.unwrap_or_default().attach()
    };
    Attached(catch_unwind(AssertUnwindSafe(context)).ok())
}
