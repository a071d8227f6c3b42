//! Carries a trace from process to process: W3C trace context and baggage, in and out of headers.
//!
//! Programs call it where a message comes in or goes out. It names no header but those of W3C, and knows no protocol.

use std::collections::HashMap;

use opentelemetry::Context;
use opentelemetry::baggage::BaggageExt as _;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};
use tracing::Span;
use tracing_core::dispatcher;
use tracing_core::span::Id;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::settings::Propagators;
use crate::trace_headers::{traceparent, tracestate};
use crate::weaver::Weaver;

/// Makes a trace span the child of the one that the headers of a message name, and gives it their baggage.
///
/// `get` gives the value of a header by its name, in lower case: `traceparent`, `tracestate`, `baggage`. Call it where the span was made,
/// and before it is entered for the first time, since its parent is fixed then. On an entity span, which belongs to no trace, it does
/// nothing.
///
/// Headers that are missing or malformed change nothing; with a malformed `traceparent` goes its `tracestate`, while a malformed
/// `tracestate` goes alone. Baggage alone leaves the span where it hangs: for one whose parent is named (`parent:`) that is known, for
/// any other it is OpenTelemetry's current context, asked again.
///
/// ```
/// # use std::collections::HashMap;
/// # let headers = HashMap::from([("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]);
/// let request = tracing::info_span!("request");
/// tracing_weaver_layers::trace_context::extract(&request, |name| headers.get(name).map(|value| value.to_string()));
/// let _in_request = request.enter();
/// ```
///
/// Source: <https://www.w3.org/TR/trace-context/>, <https://www.w3.org/TR/baggage/>
pub fn extract(span: &Span, get: impl Fn(&str) -> Option<String>) {
    let Some((traced, propagators)) = known(span) else { return };
    if !traced {
        return note_entity(span);
    }
    let headers = propagators.headers(get);
    let said = propagators.extract(&Context::new(), &headers);
    let remote = said.has_active_span();
    if !remote && said.baggage().is_empty() {
        return;
    }
    // Where a span of another layer hangs is not known, so that baggage alone leaves it as it is.
    if let Some(around) = context_around(span).or_else(|| remote.then(Context::current)) {
        // It fails for a span that was entered before.
        let _ = span.set_parent(propagators.extract(&around, &headers));
    }
}

/// Writes the headers that let another process go on with the trace of a span.
///
/// `set` takes a header's name, in lower case, and its value. For an entity span, which belongs to no trace, and a span that is disabled it
/// writes the trace that is current on this thread, if there is one.
///
/// ```
/// let mut headers = Vec::new();
/// tracing_weaver_layers::trace_context::inject(&tracing::Span::current(), |name, value| headers.push((name.to_owned(), value)));
/// ```
pub fn inject(span: &Span, mut set: impl FnMut(&str, String)) {
    let (traced, propagators) = known(span).unwrap_or_else(|| {
        let of_thread = dispatcher::get_default(|dispatch| dispatch.downcast_ref::<Weaver>().map(|weaver| weaver.propagators));
        (false, of_thread.unwrap_or_default())
    });
    let own = traced.then(|| span.context());
    let context = own.filter(|own| own.has_active_span()).unwrap_or_else(Context::current);
    for propagator in propagators.of(&TraceContextPropagator::new(), &BaggagePropagator::new()) {
        propagator.inject_context(&context, &mut Setter(&mut set));
    }
}

/// The context that a trace span hangs in.
fn context_around(span: &Span) -> Option<Context> {
    let around = |weaver: &Weaver, id: &Id| weaver.traces.as_ref()?.context_around(weaver.spans.get(id.into_u64()).trace);
    span.with_subscriber(|(id, dispatch)| around(dispatch.downcast_ref::<Weaver>()?, id)).flatten()
}

/// Notes that a trace context was to be extracted into an entity span.
fn note_entity(span: &Span) {
    let note = |weaver: &Weaver, callsite| weaver.findings.note_extract(callsite);
    span.with_subscriber(|(_, dispatch)| {
        dispatch.downcast_ref::<Weaver>().zip(span.metadata()).map(|(weaver, callsite)| note(weaver, callsite))
    });
}

/// Whether a span is a trace span, and what its layer propagates; `None` for a span that is disabled.
fn known(span: &Span) -> Option<(bool, Propagators)> {
    span.with_subscriber(|(id, dispatch)| match dispatch.downcast_ref::<Weaver>() {
        Some(weaver) => (weaver.spans.get(id.into_u64()).trace != 0, weaver.propagators),
        None => (true, Propagators::default()),
    })
}

impl Propagators {
    fn of<'a>(&self, trace: &'a TraceContextPropagator, baggage: &'a BaggagePropagator) -> Vec<&'a dyn TextMapPropagator> {
        let trace = self.trace_context.then_some(trace as &dyn TextMapPropagator);
        trace.into_iter().chain(self.baggage.then_some(baggage as _)).collect()
    }

    /// The headers that are wanted, and well formed.
    fn headers(&self, get: impl Fn(&str) -> Option<String>) -> Headers {
        let names = |propagator: &dyn TextMapPropagator| propagator.fields().map(str::to_owned).collect::<Vec<_>>();
        let (trace, baggage) = (TraceContextPropagator::new(), BaggagePropagator::new());
        let names = self.of(&trace, &baggage).into_iter().flat_map(names);
        let header = |name: String| {
            let value = get(&name)?;
            let value = match name.as_str() {
                "traceparent" => traceparent(&value)?.to_owned(),
                "tracestate" => tracestate(&value)?,
                _ => value,
            };
            Some((name, value))
        };
        Headers(names.filter_map(header).collect())
    }

    /// A context with what headers say.
    fn extract(&self, context: &Context, headers: &Headers) -> Context {
        let (trace, baggage) = (TraceContextPropagator::new(), BaggagePropagator::new());
        let extract = |context: Context, propagator: &dyn TextMapPropagator| propagator.extract_with_context(&context, headers);
        self.of(&trace, &baggage).into_iter().fold(context.clone(), extract)
    }
}

struct Headers(HashMap<String, String>);

impl Extractor for Headers {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }
}

struct Setter<'a>(&'a mut dyn FnMut(&str, String));

impl Injector for Setter<'_> {
    fn set(&mut self, key: &str, value: String) {
        if !value.is_empty() {
            (self.0)(key, value);
        }
    }
}
