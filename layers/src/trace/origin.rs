//! Where a trace span came from, carried along by OpenTelemetry as an attribute that the gate takes off.
//!
//! The tracer puts it first when the span is made, since a span is started only when it is first entered and its processor knows nothing
//! of callsites. Nothing of it is ever exported.

use opentelemetry::{Key, KeyValue, Value};

const KEY: &str = "tracing_weaver.origin";

/// Callsite and context of a trace span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Origin {
    /// Number of the callsite's plan.
    pub(crate) plan: u32,
    /// Entities in force where it was made.
    pub(crate) context: u32,
}

impl Origin {
    /// As an attribute.
    pub(crate) fn attribute(self) -> KeyValue {
        KeyValue::new(Key::from_static_str(KEY), (u64::from(self.plan) << 32 | u64::from(self.context)) as i64)
    }

    /// Takes it off a span's attributes; `None` for a span that our tracer did not make.
    pub(crate) fn take(attributes: &mut Vec<KeyValue>) -> Option<Origin> {
        let first = attributes.first().filter(|first| first.key.as_str() == KEY)?;
        let Value::I64(packed) = first.value else { return None };
        attributes.remove(0);
        Some(Origin { plan: (packed as u64 >> 32) as u32, context: packed as u32 })
    }
}
