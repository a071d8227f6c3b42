//! Values of attributes: as readers keep them, and as a visitor holds them for a moment.
//!
//! Everything that takes, compares, redacts or writes a value uses these two. Nothing here copies a text that
//! it need not.

use std::sync::Arc;

/// Value of an attribute, typed as the program wrote it.
///
/// ```
/// use tracing_weaver_layers::Value;
///
/// assert_ne!(Value::Str("3".into()), Value::Int(3));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Text.
    Str(Arc<str>),
    /// Integer.
    Int(i64),
    /// Float.
    Double(f64),
    /// Boolean.
    Bool(bool),
    /// Bytes.
    Bytes(Arc<[u8]>),
    /// List of texts.
    StrArray(Arc<[Arc<str>]>),
}

impl Value {
    /// Whether this is the value that an event wrote.
    pub(crate) fn is(&self, value: AnyValue<'_>) -> bool {
        match (self, value) {
            (Value::Str(a), AnyValue::Str(b)) => **a == *b,
            (Value::Int(a), AnyValue::Int(b)) => *a == b,
            (Value::Double(a), AnyValue::Double(b)) => *a == b,
            (Value::Bool(a), AnyValue::Bool(b)) => *a == b,
            (Value::Bytes(a), AnyValue::Bytes(b)) => **a == *b,
            // `%id` and `id` write the same thing.
            (Value::Int(a), AnyValue::Str(b)) => a.to_string() == b,
            (Value::Str(a), AnyValue::Int(b)) => **a == *b.to_string(),
            _ => false,
        }
    }
}

/// A value as OTLP has it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum AnyValue<'a> {
    Str(&'a str),
    Int(i64),
    Double(f64),
    Bool(bool),
    Bytes(&'a [u8]),
    StrArray(&'a [String]),
}

impl From<AnyValue<'_>> for Value {
    fn from(value: AnyValue<'_>) -> Value {
        match value {
            AnyValue::Str(text) => Value::Str(text.into()),
            AnyValue::Int(int) => Value::Int(int),
            AnyValue::Double(double) => Value::Double(double),
            AnyValue::Bool(bool) => Value::Bool(bool),
            AnyValue::Bytes(bytes) => Value::Bytes(bytes.into()),
            AnyValue::StrArray(items) => Value::StrArray(items.iter().map(|item| item.as_str().into()).collect()),
        }
    }
}

/// Calls `with` with a value as OTLP has it.
pub(crate) fn with_any<R>(value: &Value, with: impl FnOnce(AnyValue<'_>) -> R) -> R {
    match value {
        Value::Str(s) => with(AnyValue::Str(s)),
        Value::Int(i) => with(AnyValue::Int(*i)),
        Value::Double(d) => with(AnyValue::Double(*d)),
        Value::Bool(b) => with(AnyValue::Bool(*b)),
        Value::Bytes(b) => with(AnyValue::Bytes(b)),
        Value::StrArray(items) => {
            let items: Vec<String> = items.iter().map(|item| item.to_string()).collect();
            with(AnyValue::StrArray(&items))
        }
    }
}
