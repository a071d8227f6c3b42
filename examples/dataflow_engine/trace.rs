//! The trace that a piece of work belongs to, carried along with it over channels and threads. Whoever hands work on takes it, whoever
//! does the work continues in it. It never decides what is traced.

use tracing::Span;
use tracing_weaver::otel::opentelemetry::trace::TraceContextExt as _;
use tracing_weaver::otel::opentelemetry::{Context, ContextGuard};

/// A place in a trace, or none.
#[derive(Clone, Default)]
pub(crate) struct Trace(Option<Context>);

impl Trace {
    /// Where the calling thread is.
    pub(crate) fn current() -> Trace {
        let context = Context::current();
        Trace(context.has_active_span().then_some(context))
    }

    pub(crate) fn is_some(&self) -> bool {
        self.0.is_some()
    }

    /// What is opened until the guard is dropped continues in the trace.
    pub(crate) fn attach(&self) -> Option<ContextGuard> {
        self.0.clone().map(Context::attach)
    }

    /// Opens a span that continues in the trace; work without a trace gets none.
    pub(crate) fn follow(&self, open: impl FnOnce() -> Span) -> Span {
        let Some(_attached) = self.attach() else { return Span::none() };
        open()
    }
}

/// Marks a span as that of work that failed. It must have been opened with both fields.
pub(crate) fn failed(span: &Span, class: &'static str) {
    span.record("error.type", class).record("otel.status_code", "ERROR");
}
