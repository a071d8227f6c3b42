//! Requests as OTLP/JSON.
//! The HTTP transport uses it for `http/json`, and so may every sink that writes requests as text.
//! It changes no value: numbers that JSON has no word for are written as the protocol's JSON form wants them.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
use opentelemetry_proto::tonic::metrics::v1::{DataPointFlags, NumberDataPoint};

/// Stands before a number's name while it passes through a type that has no text for it.
const MARK: &str = "\u{0}otlp:";
const NAMES: [&str; 3] = ["NaN", "Infinity", "-Infinity"];

/// A request of records, on one line.
pub(crate) fn logs(request: &ExportLogsServiceRequest) -> Result<String, String> {
    let text = serde_json::to_string(request).map_err(failed)?;
    if !text.contains("\"doubleValue\":null") {
        return Ok(text);
    }
    let mut request = request.clone();
    for resource in &mut request.resource_logs {
        mark_all(resource.resource.iter_mut().flat_map(|resource| &mut resource.attributes));
        for scope in &mut resource.scope_logs {
            mark_all(scope.scope.iter_mut().flat_map(|scope| &mut scope.attributes));
            for record in &mut scope.log_records {
                mark_all(&mut record.attributes);
                record.body.iter_mut().for_each(mark);
            }
        }
    }
    serde_json::to_string(&request).map(unmark).map_err(failed)
}

/// A request of spans, on one line.
pub(crate) fn traces(request: &ExportTraceServiceRequest) -> Result<String, String> {
    let text = serde_json::to_string(request).map_err(failed)?;
    if !text.contains("\"doubleValue\":null") {
        return Ok(text);
    }
    let mut request = request.clone();
    for resource in &mut request.resource_spans {
        mark_all(resource.resource.iter_mut().flat_map(|resource| &mut resource.attributes));
        for scope in &mut resource.scope_spans {
            mark_all(scope.scope.iter_mut().flat_map(|scope| &mut scope.attributes));
            for span in &mut scope.spans {
                mark_all(&mut span.attributes);
                mark_all(span.events.iter_mut().flat_map(|event| &mut event.attributes));
                mark_all(span.links.iter_mut().flat_map(|link| &mut link.attributes));
            }
        }
    }
    serde_json::to_string(&request).map(unmark).map_err(failed)
}

/// A request of metrics, on one line. A point that is no finite number is one without a value.
pub(crate) fn metrics(request: &ExportMetricsServiceRequest) -> Result<String, String> {
    let text = serde_json::to_string(request).map_err(failed)?;
    if !text.contains("\"doubleValue\":null") && !text.contains("\"asDouble\":null") {
        return Ok(text);
    }
    let mut request = request.clone();
    for resource in &mut request.resource_metrics {
        mark_all(resource.resource.iter_mut().flat_map(|resource| &mut resource.attributes));
        for scope in &mut resource.scope_metrics {
            mark_all(scope.scope.iter_mut().flat_map(|scope| &mut scope.attributes));
            for metric in &mut scope.metrics {
                match &mut metric.data {
                    Some(Data::Gauge(data)) => data.data_points.iter_mut().for_each(point),
                    Some(Data::Sum(data)) => data.data_points.iter_mut().for_each(point),
                    Some(Data::Histogram(data)) => mark_all(data.data_points.iter_mut().flat_map(|point| &mut point.attributes)),
                    _ => {}
                }
            }
        }
    }
    serde_json::to_string(&request).map(unmark).map_err(failed)
}

fn failed(error: serde_json::Error) -> String {
    format!("JSON: {error}")
}

fn point(point: &mut NumberDataPoint) {
    mark_all(&mut point.attributes);
    if matches!(point.value, Some(Number::AsDouble(double)) if !double.is_finite()) {
        point.value = None;
        point.flags |= DataPointFlags::NoRecordedValueMask as u32;
    }
}

fn mark_all<'a>(attributes: impl IntoIterator<Item = &'a mut KeyValue>) {
    attributes.into_iter().filter_map(|attribute| attribute.value.as_mut()).for_each(mark);
}

fn mark(value: &mut AnyValue) {
    match &mut value.value {
        Some(Any::DoubleValue(double)) if !double.is_finite() => {
            let name = if double.is_nan() {
                NAMES[0]
            } else if *double > 0.0 {
                NAMES[1]
            } else {
                NAMES[2]
            };
            value.value = Some(Any::StringValue(format!("{MARK}{name}")));
        }
        Some(Any::ArrayValue(array)) => array.values.iter_mut().for_each(mark),
        Some(Any::KvlistValue(list)) => mark_all(&mut list.values),
        _ => {}
    }
}

/// Quotes inside a text are escaped, so what is replaced here is never part of one.
fn unmark(text: String) -> String {
    NAMES
        .iter()
        .fold(text, |text, name| text.replace(&format!("\"stringValue\":\"\\u0000otlp:{name}\""), &format!("\"doubleValue\":\"{name}\"")))
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::common::v1::ArrayValue;
    use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
    use opentelemetry_proto::tonic::metrics::v1::{Gauge, Metric, ResourceMetrics, ScopeMetrics};
    use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
    use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};

    use super::*;

    fn any(value: Any) -> Option<AnyValue> {
        Some(AnyValue { value: Some(value) })
    }

    fn attribute(key: &str, value: Any) -> KeyValue {
        KeyValue { key: key.into(), value: any(value), ..Default::default() }
    }

    fn request(record: LogRecord) -> ExportLogsServiceRequest {
        ExportLogsServiceRequest {
            resource_logs: vec![ResourceLogs {
                scope_logs: vec![ScopeLogs { log_records: vec![record], ..Default::default() }],
                ..Default::default()
            }],
        }
    }

    #[test]
    fn ids_are_hex_long_integers_are_texts_and_enums_are_numbers() {
        let json = logs(&request(LogRecord {
            time_unix_nano: u64::MAX,
            severity_number: 9,
            trace_id: vec![0xab; 16],
            span_id: vec![1; 8],
            event_name: "a.b".into(),
            attributes: vec![attribute("i", Any::IntValue(i64::MIN)), attribute("b", Any::BytesValue(vec![255, 0]))],
            ..Default::default()
        }));
        let json: serde_json::Value = serde_json::from_str(&json.unwrap()).unwrap();
        let record = &json["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0];
        assert_eq!(record["timeUnixNano"], "18446744073709551615");
        assert_eq!(record["severityNumber"], 9);
        assert_eq!(record["traceId"], "abababababababababababababababab");
        assert_eq!(record["spanId"], "0101010101010101");
        assert_eq!(record["eventName"], "a.b");
        assert_eq!(record["attributes"][0]["value"]["intValue"], "-9223372036854775808");
        assert_eq!(record["attributes"][1]["value"]["bytesValue"], "/wA=");
    }

    #[test]
    fn a_double_that_is_no_number_is_named_as_the_format_names_it() {
        let array = ArrayValue { values: vec![AnyValue { value: Some(Any::DoubleValue(f64::NEG_INFINITY)) }] };
        let json = logs(&request(LogRecord {
            body: any(Any::DoubleValue(f64::INFINITY)),
            attributes: vec![
                attribute("nan", Any::DoubleValue(f64::NAN)),
                attribute("list", Any::ArrayValue(array)),
                attribute("text", Any::StringValue("\"doubleValue\":null".into())),
            ],
            ..Default::default()
        }));
        let json: serde_json::Value = serde_json::from_str(&json.unwrap()).unwrap();
        let record = &json["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0];
        assert_eq!(record["body"]["doubleValue"], "Infinity");
        assert_eq!(record["attributes"][0]["value"]["doubleValue"], "NaN");
        assert_eq!(record["attributes"][1]["value"]["arrayValue"]["values"][0]["doubleValue"], "-Infinity");
        assert_eq!(record["attributes"][2]["value"]["stringValue"], "\"doubleValue\":null");
    }

    #[test]
    fn a_span_has_ids_in_hex_and_every_double_of_it_is_named() {
        let nan = || vec![attribute("nan", Any::DoubleValue(f64::NAN))];
        let span = Span {
            trace_id: vec![0xab; 16],
            span_id: vec![1; 8],
            parent_span_id: vec![2; 8],
            kind: 3,
            start_time_unix_nano: u64::MAX,
            attributes: nan(),
            events: vec![Event { attributes: nan(), ..Default::default() }],
            links: vec![Link { trace_id: vec![3; 16], span_id: vec![4; 8], attributes: nan(), ..Default::default() }],
            status: Some(Status { code: 2, message: "broken".into() }),
            ..Default::default()
        };
        let scope_spans = vec![ScopeSpans { spans: vec![span], ..Default::default() }];
        let json = traces(&ExportTraceServiceRequest { resource_spans: vec![ResourceSpans { scope_spans, ..Default::default() }] });
        let json: serde_json::Value = serde_json::from_str(&json.unwrap()).unwrap();
        let span = &json["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
        assert_eq!(span["traceId"], "abababababababababababababababab");
        assert_eq!((&span["spanId"], &span["parentSpanId"]), (&"0101010101010101".into(), &"0202020202020202".into()));
        assert_eq!((&span["kind"], &span["status"]["code"]), (&3.into(), &2.into()));
        assert_eq!(span["startTimeUnixNano"], "18446744073709551615");
        assert_eq!(span["links"][0]["traceId"], "03030303030303030303030303030303");
        for attributes in [&span["attributes"], &span["events"][0]["attributes"], &span["links"][0]["attributes"]] {
            assert_eq!(attributes[0]["value"]["doubleValue"], "NaN");
        }
    }

    #[test]
    fn a_point_that_is_no_number_is_one_without_a_value() {
        let data_points = vec![
            NumberDataPoint { value: Some(Number::AsDouble(f64::NAN)), ..Default::default() },
            NumberDataPoint { value: Some(Number::AsInt(7)), ..Default::default() },
        ];
        let json = metrics(&ExportMetricsServiceRequest {
            resource_metrics: vec![ResourceMetrics {
                scope_metrics: vec![ScopeMetrics {
                    metrics: vec![Metric { data: Some(Data::Gauge(Gauge { data_points })), ..Default::default() }],
                    ..Default::default()
                }],
                ..Default::default()
            }],
        });
        let json: serde_json::Value = serde_json::from_str(&json.unwrap()).unwrap();
        let points = &json["resourceMetrics"][0]["scopeMetrics"][0]["metrics"][0]["gauge"]["dataPoints"];
        assert_eq!((points[0].get("asDouble"), &points[0]["flags"]), (None, &1.into()));
        assert_eq!(points[1]["asInt"], "7");
    }
}
