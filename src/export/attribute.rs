//! Attributes as OTLP has them.
//! Batches, metrics and the software's own metrics turn their keys and values into messages here.
//! Values pass unchanged: what must not leave was stopped before it came here.

use std::sync::Arc;

use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue};
use tracing_weaver_layers::Value;
use tracing_weaver_registry::model::EnumValue;

/// Attributes of a resource or a scope.
pub(super) fn key_values(attributes: &[(Arc<str>, Value)]) -> Vec<KeyValue> {
    attributes.iter().map(|(key, value)| key_value(key, any(value))).collect()
}

/// Dimensions of a data point.
pub(super) fn dimensions(dimensions: &[(Arc<str>, EnumValue)]) -> Vec<KeyValue> {
    dimensions.iter().map(|(key, value)| key_value(key, member(value))).collect()
}

/// One attribute with a text.
pub(super) fn text(key: &str, value: &str) -> KeyValue {
    key_value(key, Any::StringValue(value.to_owned()))
}

/// One attribute with an integer.
pub(super) fn int(key: &str, value: i64) -> KeyValue {
    key_value(key, Any::IntValue(value))
}

fn key_value(key: &str, value: Any) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..Default::default() }
}

fn any(value: &Value) -> Any {
    match value {
        Value::Str(text) => Any::StringValue(text.to_string()),
        Value::Int(int) => Any::IntValue(*int),
        Value::Double(double) => Any::DoubleValue(*double),
        Value::Bool(bool) => Any::BoolValue(*bool),
        Value::Bytes(bytes) => Any::BytesValue(bytes.to_vec()),
        Value::StrArray(texts) => Any::ArrayValue(ArrayValue {
            values: texts.iter().map(|text| AnyValue { value: Some(Any::StringValue(text.to_string())) }).collect(),
        }),
    }
}

fn member(value: &EnumValue) -> Any {
    match value {
        EnumValue::String(text) => Any::StringValue(text.clone()),
        EnumValue::Int(int) => Any::IntValue(*int),
        EnumValue::Double(double) => Any::DoubleValue(*double),
        EnumValue::Bool(bool) => Any::BoolValue(*bool),
    }
}
