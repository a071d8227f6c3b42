//! Values, from ours to OpenTelemetry's and back.
//!
//! Gate and exceptions use it. Nothing is decided here.

use opentelemetry::{Array, StringValue, Value};

use super::marked::{bytes_of_marked_text, marked_text};
use crate::value::{self, AnyValue};

/// As OpenTelemetry has it; bytes as marked text.
pub(crate) fn to_otel(value: &value::Value) -> Value {
    match value {
        value::Value::Str(text) => Value::String(StringValue::from(text.clone())),
        value::Value::Int(int) => Value::I64(*int),
        value::Value::Double(double) => Value::F64(*double),
        value::Value::Bool(bool) => Value::Bool(*bool),
        value::Value::Bytes(bytes) => Value::String(marked_text(bytes).into()),
        value::Value::StrArray(items) => Value::Array(Array::String(items.iter().map(|item| StringValue::from(item.clone())).collect())),
    }
}

/// Calls `with` with a value as OTLP has it; a list as text.
pub(crate) fn with_any<R>(value: &Value, with: impl FnOnce(AnyValue<'_>) -> R) -> R {
    match value {
        Value::I64(int) => with(AnyValue::Int(*int)),
        Value::F64(double) => with(AnyValue::Double(*double)),
        Value::Bool(bool) => with(AnyValue::Bool(*bool)),
        Value::String(text) => match bytes_of_marked_text(text.as_str()) {
            Some(bytes) => with(AnyValue::Bytes(&bytes)),
            None => with(AnyValue::Str(text.as_str())),
        },
        other => with(AnyValue::Str(&other.as_str())),
    }
}
