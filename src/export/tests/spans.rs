//! Spans on their way: what arrives, in which batches, when, and what is counted.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use opentelemetry::trace::{
    Link, Span as _, SpanContext, SpanId, SpanKind, Status, TraceContextExt as _, TraceFlags, TraceId, TraceState, Tracer as _,
};
use opentelemetry::{Array, Context, KeyValue, Value};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue as Attribute;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
use tracing_weaver_layers::Value as ResourceValue;

use super::fake::{Fake, SCHEMA_URL};
use super::receiver::{Receiver, Reply, Request_};
use super::tracer::Traces;
use super::*;
use crate::DropReason;
use crate::export::batch::MAX_BYTES;
use crate::export::sink::{LocalDestination, LocalSink, SinkError};

/// An exporter of spans to a receiver, and what makes them.
fn traced(receiver: &Receiver, protocol: Protocol) -> (ExporterHandle, Traces) {
    traced_with(receiver, protocol, |_| {})
}

fn traced_with(receiver: &Receiver, protocol: Protocol, change: impl FnOnce(&mut ExportSettings)) -> (ExporterHandle, Traces) {
    let path = if protocol == Protocol::Grpc { "" } else { "/v1/traces" };
    let mut settings = settings();
    settings.traces = Some(endpoint(receiver.url(path), protocol));
    change(&mut settings);
    let traces = Traces::of(&mut settings);
    (start(&Fake::new(), settings), traces)
}

fn value<'a>(attributes: &'a [Attribute], key: &str) -> Option<&'a Any> {
    attributes.iter().find(|attribute| attribute.key == key)?.value.as_ref()?.value.as_ref()
}

fn names(receiver: &Receiver) -> Vec<String> {
    receiver.spans().into_iter().map(|span| span.name).collect()
}

/// A parent and its child, with all that a span can have.
fn end_two(traces: &Traces) -> SpanContext {
    let tracer = traces.tracer(7);
    let elsewhere = SpanContext::new(TraceId::from(5), SpanId::from(6), TraceFlags::SAMPLED, true, TraceState::default());
    let parent = tracer
        .span_builder("acme.batch")
        .with_kind(SpanKind::Consumer)
        .with_links(vec![Link::new(elsewhere, vec![KeyValue::new("acme.link", true)], 0)])
        .start(&tracer);
    let context = parent.span_context().clone();
    let parent = Context::new().with_span(parent);
    let mut child = tracer.start_with_context("acme.node.work", &parent);
    child.set_attributes([
        KeyValue::new("acme.items", i64::MIN),
        KeyValue::new("acme.ratio", 0.5),
        KeyValue::new("acme.ok", false),
        KeyValue::new("acme.text", "näher"),
        KeyValue::new("acme.chain", Value::Array(Array::String(vec!["a".into(), "b".into()]))),
    ]);
    child.add_event("exception", vec![KeyValue::new("exception.type", "io::Error")]);
    child.set_status(Status::error("broken pipe"));
    child.end();
    parent.span().end();
    context
}

fn check_spans_arrive(receiver: &Receiver, protocol: Protocol) {
    let (exporter, traces) = traced_with(receiver, protocol, |settings| {
        settings.resource.push(("acme.key".into(), ResourceValue::Bytes([0, 255].into())));
        settings.resource.push(("acme.count".into(), ResourceValue::Int(3)));
        settings.resource.push(("acme.names".into(), ResourceValue::StrArray(["a".into(), "b".into()].into())));
    });
    let parent = end_two(&traces);
    exporter.force_flush(LONG).expect("a flush");

    let Request_::Traces(request) = &receiver.received()[0].request else { panic!("spans") };
    let [resource] = &request.resource_spans[..] else { panic!("one resource, not {request:?}") };
    assert_eq!(resource.schema_url, "");
    let attributes = &resource.resource.as_ref().unwrap().attributes;
    let keys: Vec<_> = attributes.iter().map(|attribute| attribute.key.as_str()).collect();
    assert_eq!(keys, ["service.name", "acme.key", "acme.count", "acme.names"]);
    assert_eq!(value(attributes, "acme.key"), Some(&Any::BytesValue(vec![0, 255])));
    assert_eq!(value(attributes, "acme.count"), Some(&Any::IntValue(3)));

    let [scope] = &resource.scope_spans[..] else { panic!("one scope, not {resource:?}") };
    assert_eq!(scope.schema_url, SCHEMA_URL);
    let instrumentation = scope.scope.as_ref().unwrap();
    assert_eq!((instrumentation.name.as_str(), instrumentation.version.as_str()), ("target::1", ""));
    assert_eq!(value(&instrumentation.attributes, "acme.node.id"), Some(&Any::IntValue(7)));

    let [child, outer] = &scope.spans[..] else { panic!("two spans, not {scope:?}") };
    assert_eq!((child.name.as_str(), outer.name.as_str()), ("acme.node.work", "acme.batch"));
    assert_eq!(outer.trace_id, parent.trace_id().to_bytes());
    assert_eq!(outer.span_id, parent.span_id().to_bytes());
    assert_eq!((&child.trace_id, &child.parent_span_id), (&outer.trace_id, &outer.span_id));
    assert_eq!((outer.parent_span_id.len(), outer.kind, child.kind), (0, 5, 1));
    assert!(child.start_time_unix_nano <= child.end_time_unix_nano && outer.start_time_unix_nano <= child.start_time_unix_nano);
    assert_eq!(outer.links[0].trace_id, TraceId::from(5).to_bytes());
    assert_eq!(value(&outer.links[0].attributes, "acme.link"), Some(&Any::BoolValue(true)));

    assert_eq!(value(&child.attributes, "acme.items"), Some(&Any::IntValue(i64::MIN)));
    assert_eq!(value(&child.attributes, "acme.ratio"), Some(&Any::DoubleValue(0.5)));
    assert_eq!(value(&child.attributes, "acme.ok"), Some(&Any::BoolValue(false)));
    assert_eq!(value(&child.attributes, "acme.text"), Some(&Any::StringValue("näher".into())));
    let Some(Any::ArrayValue(chain)) = value(&child.attributes, "acme.chain") else { panic!("an array") };
    assert_eq!(chain.values[1].value, Some(Any::StringValue("b".into())));
    assert_eq!(value(&child.events[0].attributes, "exception.type"), Some(&Any::StringValue("io::Error".into())));
    let status = child.status.as_ref().unwrap();
    assert_eq!((status.code, status.message.as_str()), (2, "broken pipe"));

    let report = exporter.shutdown(LONG);
    assert!(report.deadline_met);
    assert_eq!((report.spans.created, outcome(&report.spans)), (2, (2, 0, 0)));
    assert_all_accounted(&report);
}

#[test]
fn spans_arrive_over_http() {
    let receiver = Receiver::http([]);
    check_spans_arrive(&receiver, Protocol::HttpProtobuf);
    assert_eq!(receiver.received()[0].headers["content-type"], "application/x-protobuf");
}

#[test]
fn spans_arrive_as_json() {
    check_spans_arrive(&Receiver::http([]), Protocol::HttpJson);
}

#[test]
fn spans_arrive_over_grpc() {
    check_spans_arrive(&Receiver::grpc([]), Protocol::Grpc);
}

#[test]
fn spans_of_different_entities_stand_in_different_scopes() {
    let receiver = Receiver::http([]);
    let (exporter, traces) = traced(&receiver, Protocol::HttpProtobuf);
    for node in [1, 2, 1] {
        traces.tracer(node).start("acme.node.work").end();
    }
    exporter.force_flush(LONG).unwrap();
    let scopes = receiver.span_scopes();
    let shape: BTreeMap<_, _> = scopes
        .iter()
        .map(|scope| match value(&scope.scope.as_ref().unwrap().attributes, "acme.node.id") {
            Some(Any::IntValue(node)) => (*node, scope.spans.len()),
            other => panic!("the node's id, not {other:?}"),
        })
        .collect();
    assert_eq!(shape, BTreeMap::from([(1, 2), (2, 1)]));
    assert_eq!(receiver.received().len(), 1, "and in one request");
}

#[test]
fn what_a_receiver_takes_of_spans_in_part_is_counted_as_rejected() {
    for (receiver, protocol) in [
        (Receiver::http([Reply::Partial(2, "no thanks")]), Protocol::HttpProtobuf),
        (Receiver::http([Reply::Partial(2, "no thanks")]), Protocol::HttpJson),
        (Receiver::grpc([Reply::Partial(2, "no thanks")]), Protocol::Grpc),
    ] {
        let (exporter, traces) = traced(&receiver, protocol);
        traces.end_many("acme.tick", 5);
        assert_eq!(exporter.force_flush(LONG), Err(crate::FlushError::Lost { records: 0, spans: 2, points: 0 }));
        let report = exporter.shutdown(LONG);
        assert_eq!(outcome(&report.spans), (3, 2, 0), "{protocol:?}");
        assert_eq!(report.spans.destinations[0].dropped_for(DropReason::Rejected), 2);
        assert_all_accounted(&report);
    }
}

#[test]
fn requests_of_spans_are_bounded_in_items_and_bytes_and_a_larger_span_goes_alone() {
    let receiver = Receiver::http([]);
    let (exporter, traces) = traced_with(&receiver, Protocol::HttpProtobuf, |settings| settings.span_batch = 100);
    traces.end_many("acme.tick", 250);
    exporter.force_flush(LONG).unwrap();
    for bytes in [MAX_BYTES / 2, MAX_BYTES / 2, 3 << 20, 10] {
        traces.end_large(1, bytes);
    }
    let report = exporter.shutdown(LONG);
    assert_eq!(outcome(&report.spans), (254, 0, 0));
    let mut sizes = Vec::new();
    for received in receiver.received() {
        let Request_::Traces(request) = received.request else { panic!("spans") };
        let spans: usize = request.resource_spans[0].scope_spans.iter().map(|scope| scope.spans.len()).sum();
        assert!((1..=100).contains(&spans), "{spans} spans");
        assert!(received.bytes <= MAX_BYTES + 1024 || spans == 1, "{} bytes of {spans} spans", received.bytes);
        sizes.push(spans);
    }
    assert_eq!(sizes.iter().sum::<usize>(), 254);
    let names = names(&receiver);
    assert_eq!((names[0].as_str(), names[249].as_str()), ("acme.tick.0", "acme.tick.249"), "in the order in which they ended");
}

#[test]
fn a_full_request_leaves_at_once_and_a_part_of_one_after_its_delay() {
    let receiver = Receiver::http([]);
    let (exporter, traces) = traced_with(&receiver, Protocol::HttpProtobuf, |settings| {
        settings.span_batch = 10;
        settings.span_delay = LONG;
    });
    traces.end_many("acme.tick", 25);
    receiver.wait(2);
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!((receiver.spans().len(), traces.waiting()), (20, 5));
    assert_all_accounted(&exporter.shutdown(LONG));
    assert_eq!(receiver.spans().len(), 25);

    let (exporter, traces) = traced_with(&receiver, Protocol::HttpProtobuf, |settings| settings.span_delay = Duration::from_millis(20));
    traces.end_many("acme.tock", 3);
    receiver.wait(4);
    assert_eq!(receiver.spans().len(), 28);
    assert_all_accounted(&exporter.shutdown(LONG));
}

#[test]
fn a_span_that_ends_after_the_end_is_counted_as_dropped_by_shutdown() {
    let receiver = Receiver::http([]);
    let (exporter, traces) = traced(&receiver, Protocol::HttpProtobuf);
    traces.end_many("acme.tick", 3);
    assert!(exporter.shutdown(LONG).deadline_met);
    traces.end_many("acme.late", 2);
    let report = exporter.shutdown(LONG);
    assert_eq!(report.spans.created, 5);
    assert_eq!(report.spans.destinations[0].dropped, [(DropReason::Shutdown, 2)]);
    assert_eq!(exporter.stats().spans, report.spans);
    assert_all_accounted(&report);
    assert_eq!(traces.waiting(), 0);
}

#[test]
fn spans_that_nobody_takes_are_neither_kept_nor_counted() {
    let mut settings = settings();
    let traces = Traces::of(&mut settings);
    let exporter = start(&Fake::new(), settings);
    traces.end_many("acme.tick", 3);
    assert_eq!(traces.waiting(), 0);
    let report = exporter.shutdown(LONG);
    assert_eq!(report.spans, SignalReport::default());
    assert!(!report.to_string().contains("spans"), "{report}");
}

/// Keeps requests of spans, or fails, or panics.
#[derive(Clone)]
enum Sink {
    Keeps(Arc<Mutex<Vec<ExportTraceServiceRequest>>>),
    Fails,
    Panics,
}

impl LocalSink for Sink {
    fn name(&self) -> &'static str {
        "file"
    }

    fn logs(&mut self, _: &ExportLogsServiceRequest) -> Result<(), SinkError> {
        Ok(())
    }

    fn traces(&mut self, request: &ExportTraceServiceRequest) -> Result<(), SinkError> {
        match self {
            Sink::Keeps(kept) => kept.lock().unwrap().push(request.clone()),
            Sink::Fails => return Err(SinkError("no space left on device".into())),
            Sink::Panics => panic!("a sink panics"),
        }
        Ok(())
    }

    fn metrics(&mut self, _: &ExportMetricsServiceRequest) -> Result<(), SinkError> {
        Ok(())
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

#[test]
fn sinks_inside_the_process_get_what_receivers_get_and_spoil_nothing_for_them() {
    let receiver = Receiver::http([]);
    let kept = Arc::new(Mutex::new(Vec::new()));
    let (exporter, traces) = traced_with(&receiver, Protocol::HttpProtobuf, |settings| {
        for sink in [Sink::Keeps(kept.clone()), Sink::Fails, Sink::Panics] {
            settings.locals.push(LocalDestination { sink: Box::new(sink), logs: false, traces: true, metrics: false });
        }
    });
    traces.end_many("acme.tick", 3);
    let report = exporter.shutdown(LONG);
    let outcomes: Vec<_> = report.spans.destinations.iter().map(|to| (to.exported, to.dropped_for(DropReason::SinkFailed))).collect();
    assert_eq!(outcomes, [(3, 0), (3, 0), (0, 3), (0, 3)]);
    assert_all_accounted(&report);
    let Request_::Traces(request) = &receiver.received()[0].request else { panic!("spans") };
    assert_eq!(&kept.lock().unwrap()[0], request);
}

#[test]
fn the_last_collection_counts_the_spans_that_went_before_it() {
    let receiver = Receiver::http([Reply::Partial(1, "one too many")]);
    let (exporter, traces) = traced_with(&receiver, Protocol::HttpProtobuf, |settings| {
        settings.metrics = Some(endpoint(receiver.url("/v1/metrics"), Protocol::HttpProtobuf));
        settings.span_queue = 5;
        settings.span_batch = 5;
        settings.span_delay = LONG;
    });
    traces.end_many("acme.tick", 4);
    assert!(exporter.shutdown(LONG).deadline_met);
    let own = receiver.last_metrics().into_iter().next().unwrap();
    let points = |name: &str| -> Vec<(String, i64)> {
        let metric = own.metrics.iter().find(|metric| metric.name == name).unwrap_or_else(|| panic!("no {name}"));
        assert_eq!(metric.unit, "{span}");
        let Some(Data::Sum(sum)) = &metric.data else { panic!("a sum") };
        let text = |attributes: &[Attribute], key: &str| match value(attributes, key) {
            Some(Any::StringValue(text)) => text.clone(),
            _ => String::new(),
        };
        let labels = |attributes: &[Attribute]| format!("{} {}", text(attributes, "otel.component.name"), text(attributes, "error.type"));
        let int = |number: Option<Number>| match number {
            Some(Number::AsInt(int)) => int,
            other => panic!("an integer, not {other:?}"),
        };
        sum.data_points.iter().map(|point| (labels(&point.attributes), int(point.value))).collect()
    };
    let processor = || "batching_span_processor/0 ".to_owned();
    let exporter = |error: &str| format!("otlp_http_span_exporter/0 {error}");
    assert_eq!(points("otel.sdk.processor.span.processed"), [(processor(), 4)]);
    assert_eq!(points("otel.sdk.processor.span.queue.size"), [(processor(), 0)]);
    assert_eq!(points("otel.sdk.processor.span.queue.capacity"), [(processor(), 5)]);
    assert_eq!(points("otel.sdk.exporter.span.exported"), [(exporter(""), 3), (exporter("rejected"), 1)]);
    assert_eq!(points("otel.sdk.exporter.span.inflight"), [(exporter(""), 0)]);
}
