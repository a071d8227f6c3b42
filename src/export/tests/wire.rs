//! What arrives at a receiver: over HTTP and gRPC, plain, compressed and as JSON.

use std::time::Duration;

use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use tracing_weaver_layers::{ContextId, RecordScope};

use super::fake::{Fake, SCHEMA_URL, scope};
use super::receiver::{Receiver, Reply, Request_};
use super::*;
use crate::export::batch::MAX_BYTES;

const KNOWN_IN_NODE: RecordScope = RecordScope { name: 1, known: true, context: ContextId(7) };
const UNKNOWN: RecordScope = RecordScope { name: 1, known: false, context: ContextId(0) };

fn check_records_arrive(receiver: &Receiver, endpoint: OtlpEndpoint) {
    let fake = Fake::new();
    let mut settings = settings();
    settings.logs = Some(endpoint);
    let exporter = start(&fake, settings);
    fake.emit(KNOWN_IN_NODE, "acme.node.start");
    fake.emit(UNKNOWN, "");
    fake.emit(KNOWN_IN_NODE, "acme.node.stop");
    exporter.force_flush(LONG).expect("a flush");

    let mut scopes = receiver.scopes();
    scopes.sort_by_key(|scope| std::cmp::Reverse(scope.log_records.len()));
    let [in_node, unknown] = &scopes[..] else { panic!("two scopes, not {scopes:?}") };
    let names: Vec<_> = in_node.log_records.iter().map(|record| record.event_name.as_str()).collect();
    assert_eq!(names, ["acme.node.start", "acme.node.stop"]);
    assert_eq!(in_node.schema_url, SCHEMA_URL);
    let instrumentation = in_node.scope.as_ref().unwrap();
    assert_eq!((instrumentation.name.as_str(), instrumentation.version.as_str()), ("target::1", ""));
    assert_eq!(instrumentation.attributes.len(), 1);
    assert_eq!(instrumentation.attributes[0].key, "acme.node.id");
    assert_eq!(instrumentation.attributes[0].value.as_ref().unwrap().value, Some(Any::IntValue(7)));
    assert_eq!((unknown.schema_url.as_str(), unknown.scope.as_ref().unwrap().attributes.len()), ("", 0));

    let Request_::Logs(request) = &receiver.received()[0].request else { panic!("records") };
    let resource = &request.resource_logs[0];
    assert_eq!((request.resource_logs.len(), resource.schema_url.as_str()), (1, ""));
    assert_eq!(resource.resource.as_ref().unwrap().attributes[0].key, "service.name");

    let report = exporter.shutdown(LONG);
    assert!(report.deadline_met);
    assert_eq!(outcome(&report.records), (3, 0, 0));
    assert_all_accounted(&report);
}

#[test]
fn records_arrive_over_http() {
    let receiver = Receiver::http([]);
    let mut endpoint = endpoint(receiver.url("/custom/v1/logs"), Protocol::HttpProtobuf);
    endpoint.headers.push(("x-api-key".into(), Secret::new("s3cret")));
    check_records_arrive(&receiver, endpoint);
    let received = &receiver.received()[0];
    assert_eq!(received.path, "/custom/v1/logs");
    assert_eq!(received.headers["content-type"], "application/x-protobuf");
    assert_eq!(received.headers["content-length"], received.bytes.to_string());
    assert_eq!(received.headers["x-api-key"], "s3cret");
    assert!(received.headers["user-agent"].to_str().unwrap().starts_with("OTel-OTLP-Exporter-Rust-tracing-weaver/"));
}

#[test]
fn records_arrive_over_http_compressed() {
    let receiver = Receiver::http([]);
    let mut endpoint = endpoint(receiver.url("/v1/logs"), Protocol::HttpProtobuf);
    endpoint.compression = Compression::Gzip;
    check_records_arrive(&receiver, endpoint);
    assert_eq!(receiver.received()[0].headers["content-encoding"], "gzip");
}

#[test]
fn records_arrive_as_json() {
    let receiver = Receiver::http([]);
    check_records_arrive(&receiver, endpoint(receiver.url("/v1/logs"), Protocol::HttpJson));
    assert_eq!(receiver.received()[0].headers["content-type"], "application/json");
}

#[test]
fn records_arrive_over_grpc() {
    let receiver = Receiver::grpc([]);
    let mut endpoint = endpoint(receiver.url(""), Protocol::Grpc);
    endpoint.headers.push(("x-api-key".into(), Secret::new("s3cret")));
    check_records_arrive(&receiver, endpoint);
    let received = &receiver.received()[0];
    assert_eq!(received.headers["x-api-key"], "s3cret");
    assert!(received.headers["user-agent"].to_str().unwrap().starts_with("OTel-OTLP-Exporter-Rust-tracing-weaver/"));
}

#[test]
fn records_arrive_over_grpc_compressed() {
    let receiver = Receiver::grpc([]);
    let mut endpoint = endpoint(receiver.url(""), Protocol::Grpc);
    endpoint.compression = Compression::Gzip;
    check_records_arrive(&receiver, endpoint);
    assert_eq!(receiver.received()[0].headers["grpc-encoding"], "gzip");
}

#[test]
fn batches_are_bounded_in_items_and_bytes_and_a_larger_record_goes_alone() {
    const MAX_ITEMS: usize = 100;
    let receiver = Receiver::http([]);
    let fake = Fake::new();
    let mut settings = settings();
    settings.logs = Some(endpoint(receiver.url("/v1/logs"), Protocol::HttpProtobuf));
    settings.log_batch = MAX_ITEMS;
    let exporter = start(&fake, settings);
    fake.emit_many("acme.tick", 2 * MAX_ITEMS);
    exporter.force_flush(LONG).unwrap();
    let wide = |bytes: usize| "x".repeat(bytes);
    for bytes in [MAX_BYTES / 2, MAX_BYTES / 2, 5 << 20, 10] {
        fake.emit(scope(0), &wide(bytes));
    }
    let report = exporter.shutdown(LONG);
    assert_eq!(outcome(&report.records), (2 * MAX_ITEMS as u64 + 4, 0, 0));

    let sizes: Vec<_> = receiver
        .received()
        .iter()
        .map(|received| match &received.request {
            Request_::Logs(request) => request.resource_logs[0].scope_logs[0].log_records.len(),
            _ => 0,
        })
        .collect();
    assert!(sizes.iter().all(|items| (1..=MAX_ITEMS).contains(items)), "{sizes:?}");
    let large = receiver.received().into_iter().filter(|received| received.bytes > MAX_BYTES + 1024).map(|received| received.request);
    for request in large {
        let Request_::Logs(request) = request else { panic!("records") };
        assert_eq!(request.resource_logs[0].scope_logs[0].log_records.len(), 1);
    }
    let names: Vec<_> = receiver.records().into_iter().map(|record| record.event_name).collect();
    assert_eq!(names[MAX_ITEMS], format!("acme.tick.{MAX_ITEMS}"), "in the order in which they were emitted");
}

#[test]
fn a_batch_that_does_not_fill_up_leaves_after_its_delay_without_being_asked() {
    let receiver = Receiver::http([]);
    let fake = Fake::new();
    let mut settings = settings();
    settings.logs = Some(endpoint(receiver.url("/v1/logs"), Protocol::HttpProtobuf));
    settings.log_delay = Duration::from_millis(20);
    let exporter = start(&fake, settings);
    fake.emit(scope(0), "acme.tick");
    receiver.wait(1);
    assert_eq!(receiver.records().len(), 1);
    assert_all_accounted(&exporter.shutdown(LONG));
}

#[test]
fn what_a_receiver_takes_in_part_is_counted_as_rejected() {
    for (receiver, url, protocol) in [
        (Receiver::http([Reply::Partial(2, "no\u{1b}thanks")]), "/v1/logs", Protocol::HttpProtobuf),
        (Receiver::http([Reply::Partial(2, "no thanks")]), "/v1/logs", Protocol::HttpJson),
        (Receiver::grpc([Reply::Partial(2, "no thanks")]), "", Protocol::Grpc),
    ] {
        let fake = Fake::new();
        let mut settings = settings();
        settings.logs = Some(endpoint(receiver.url(url), protocol));
        let exporter = start(&fake, settings);
        fake.emit_many("acme.tick", 5);
        assert_eq!(exporter.force_flush(LONG), Err(crate::FlushError::Lost { records: 2, spans: 0, points: 0 }));
        let report = exporter.shutdown(LONG);
        assert_eq!(outcome(&report.records), (3, 2, 0), "{protocol:?}");
        assert_eq!(report.records.destinations[0].dropped_for(crate::DropReason::Rejected), 2);
        assert_eq!(receiver.received().len(), 1, "what was taken in part is not sent again");
    }
}
