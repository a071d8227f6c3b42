//! Exceptions on spans: the one event of a program that also stands on the span.
//!
//! Records of ERROR severity come here when they are done. Source: <https://opentelemetry.io/docs/specs/semconv/exceptions/>

use std::sync::Arc;

use opentelemetry::trace::{Status, TraceContextExt as _};
use opentelemetry::{Key, KeyValue};

use super::convert::to_otel;
use crate::otel_context;
use crate::value::Value;

/// The current span has failed; what an exception said, if there was one, becomes its event `exception`.
pub(crate) fn fail_current(exception: Option<Vec<(Arc<str>, Value)>>) {
    otel_context::current(|context| {
        let span = context.span();
        if !span.is_recording() {
            return;
        }
        span.set_status(Status::error(""));
        if let Some(attributes) = exception {
            let attributes = attributes.iter().map(|(key, value)| KeyValue::new(Key::from(key.clone()), to_otel(value))).collect();
            span.add_event("exception", attributes);
        }
    });
}
