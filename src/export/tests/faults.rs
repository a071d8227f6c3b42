//! Receivers that fail in their ways, over HTTP and gRPC.

use std::net::TcpListener;
use std::time::{Duration, Instant, SystemTime};

use tokio::net::TcpSocket;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use super::fake::{Fake, scope};
use super::receiver::{Receiver, Reply, bound};
use super::*;
use crate::{DropReason, FlushError};

/// Sends three records to a receiver, shuts down, and returns the report.
fn send_three(url: String, protocol: Protocol, timeout: Duration, shutdown: Duration) -> Report {
    let fake = Fake::new();
    let mut settings = settings();
    settings.logs = Some(OtlpEndpoint { timeout, ..endpoint(url, protocol) });
    let exporter = start(&fake, settings);
    fake.emit_many("acme.tick", 3);
    let report = exporter.shutdown(shutdown);
    assert_all_accounted(&report);
    report
}

fn http(receiver: &Receiver) -> Report {
    send_three(receiver.url("/v1/logs"), Protocol::HttpProtobuf, LONG, LONG)
}

fn grpc(receiver: &Receiver) -> Report {
    send_three(receiver.url(""), Protocol::Grpc, LONG, LONG)
}

fn url_of(socket: &TcpSocket) -> String {
    format!("http://{}", socket.local_addr().unwrap())
}

#[test]
fn http_answers_that_may_be_retried_are_retried() {
    for status in [429, 502, 503, 504] {
        let receiver = Receiver::http([Reply::Http(status, &[], "busy")]);
        assert_eq!(outcome(&http(&receiver).records), (3, 0, 0), "{status}");
        assert_eq!(receiver.received().len(), 2, "{status}");
    }
}

#[test]
fn other_http_answers_are_final() {
    for status in [301, 400, 401, 404, 408, 500, 501, 505] {
        let receiver = Receiver::http([Reply::Http(status, &[("location", "http://127.0.0.1:1/elsewhere")], "no")]);
        let report = http(&receiver);
        assert_eq!(outcome(&report.records), (0, 3, 0), "{status}");
        assert_eq!(report.records.destinations[0].dropped_for(DropReason::NotRetryable), 3, "{status}");
        assert_eq!(receiver.received().len(), 1, "{status}");
    }
    let receiver = Receiver::http([Reply::Http(413, &[], "too large")]);
    assert_eq!(http(&receiver).records.destinations[0].dropped_for(DropReason::TooLarge), 3);
}

#[test]
fn an_http_receiver_that_names_a_pause_is_left_alone_for_it() {
    let receiver = Receiver::http([Reply::Http(503, &[("retry-after", "1")], "busy")]);
    assert_eq!(outcome(&http(&receiver).records), (3, 0, 0));
    let received = receiver.received();
    assert!(received[1].at - received[0].at >= Duration::from_millis(990));
}

#[test]
fn an_http_receiver_that_names_a_date_is_left_alone_until_then() {
    let date = SystemTime::now() + Duration::from_secs(2);
    let date: &'static str = httpdate::fmt_http_date(date).leak();
    let headers: &'static [(&str, &str)] = vec![("retry-after", date)].leak();
    let receiver = Receiver::http([Reply::Http(429, headers, "busy")]);
    assert_eq!(outcome(&http(&receiver).records), (3, 0, 0));
    // The date has whole seconds, so that a little over one of the two is certain.
    let received = receiver.received();
    assert!(received[1].at - received[0].at >= Duration::from_millis(800));
}

#[test]
fn grpc_answers_that_may_be_retried_are_retried() {
    for code in [Code::Cancelled, Code::DeadlineExceeded, Code::Aborted, Code::OutOfRange, Code::Unavailable, Code::DataLoss] {
        let receiver = Receiver::grpc([Reply::Grpc(Status::new(code, "busy"))]);
        assert_eq!(outcome(&grpc(&receiver).records), (3, 0, 0), "{code:?}");
        assert_eq!(receiver.received().len(), 2, "{code:?}");
    }
}

#[test]
fn other_grpc_answers_are_final() {
    for code in [Code::Unknown, Code::InvalidArgument, Code::PermissionDenied, Code::ResourceExhausted, Code::Unimplemented, Code::Internal]
    {
        let receiver = Receiver::grpc([Reply::Grpc(Status::new(code, "no"))]);
        let report = grpc(&receiver);
        assert_eq!(report.records.destinations[0].dropped_for(DropReason::NotRetryable), 3, "{code:?}");
        assert_eq!(receiver.received().len(), 1, "{code:?}");
    }
}

#[test]
fn an_exhausted_grpc_receiver_is_asked_again_only_after_the_pause_that_it_names() {
    let details = ErrorDetails::with_retry_info(Some(Duration::from_millis(700)));
    let status = Status::with_error_details(Code::ResourceExhausted, "busy", details);
    let receiver = Receiver::grpc([Reply::Grpc(status)]);
    assert_eq!(outcome(&grpc(&receiver).records), (3, 0, 0));
    let received = receiver.received();
    assert!(received[1].at - received[0].at >= Duration::from_millis(690));
}

#[test]
fn a_receiver_that_is_not_there_is_a_plain_drop_within_the_deadline() {
    for protocol in [Protocol::HttpProtobuf, Protocol::Grpc] {
        let nobody = bound();
        let began = Instant::now();
        let report = send_three(url_of(&nobody), protocol, LONG, Duration::from_millis(500));
        assert!(!report.deadline_met);
        assert_eq!(outcome(&report.records), (0, 3, 0), "{protocol:?}");
        assert_eq!(report.records.destinations[0].dropped_for(DropReason::Shutdown), 3);
        assert!(began.elapsed() < LONG / 2, "{protocol:?}");
    }
}

#[test]
fn a_receiver_that_is_not_there_until_the_deadline_of_the_batch_is_an_exhausted_retry() {
    let nobody = bound();
    let report = send_three(url_of(&nobody), Protocol::HttpProtobuf, Duration::from_millis(300), LONG);
    assert!(report.deadline_met, "a drop settles a batch too");
    assert_eq!(report.records.destinations[0].dropped_for(DropReason::RetryExhausted), 3);
}

#[test]
fn a_receiver_that_never_answers_leaves_records_in_doubt_and_holds_nobody_up() {
    for (receiver, url, protocol) in [
        (Receiver::http(vec![Reply::Hang; 9]), "/v1/logs", Protocol::HttpProtobuf),
        (Receiver::grpc(vec![Reply::Hang; 9]), "", Protocol::Grpc),
    ] {
        let fake = Fake::new();
        let mut settings = settings();
        settings.logs = Some(OtlpEndpoint { timeout: LONG, ..endpoint(receiver.url(url), protocol) });
        settings.metrics = Some(endpoint(receiver.url(if url.is_empty() { "" } else { "/v1/metrics" }), protocol));
        let exporter = start(&fake, settings);
        fake.emit_many("acme.tick", 3);
        let short = Duration::from_millis(200);
        assert_eq!(exporter.force_flush(short), Err(FlushError::Deadline(short)));
        receiver.wait(1);
        let began = Instant::now();
        let report = exporter.shutdown(Duration::from_millis(1500));
        assert!(began.elapsed() < LONG / 2);
        assert_eq!(outcome(&report.records), (0, 0, 3), "{protocol:?}");
        assert_eq!(report.points.destinations[0].exported, report.points.created, "metrics do not wait behind records: {report}");
        assert!(report.points.created > 0);
        assert_all_accounted(&report);
    }
}

#[test]
fn a_port_that_accepts_and_closes_leaves_records_in_doubt() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut some = [0; 4096];
            let _ = std::io::Read::read(&mut stream.unwrap(), &mut some);
        }
    });
    for protocol in [Protocol::HttpProtobuf, Protocol::Grpc] {
        let report = send_three(format!("http://{address}"), protocol, Duration::from_millis(500), LONG);
        assert_eq!(outcome(&report.records), (0, 0, 3), "{protocol:?}");
    }
}

#[test]
fn a_full_queue_leaves_records_where_they_are_and_everything_is_accounted_for() {
    let receiver = Receiver::http(vec![Reply::Hang; 9]);
    let fake = Fake::new();
    let mut settings = settings();
    settings.logs = Some(OtlpEndpoint { timeout: LONG, ..endpoint(receiver.url("/v1/logs"), Protocol::HttpProtobuf) });
    let exporter = start(&fake, settings);
    let wide = "x".repeat(1 << 20);
    (0..40).for_each(|_| fake.emit(scope(0), &wide));
    receiver.wait(1);
    let report = exporter.shutdown(Duration::from_millis(500));
    assert!(fake.left() > 15, "the queue of the exporter is bounded: {}", fake.left());
    assert_all_accounted(&report);
    let (exported, dropped, in_doubt) = outcome(&report.records);
    assert_eq!((exported, dropped, in_doubt), (0, 39, 1));
}

#[test]
fn metrics_leave_although_records_take_the_whole_time_of_the_end() {
    let receiver = Receiver::http(vec![Reply::Hang; 9]);
    let fake = Fake::new();
    let mut settings = settings();
    settings.logs = Some(OtlpEndpoint { timeout: LONG, ..endpoint(receiver.url("/v1/logs"), Protocol::HttpProtobuf) });
    settings.metrics = Some(endpoint(receiver.url("/v1/metrics"), Protocol::HttpProtobuf));
    let exporter = start(&fake, settings);
    let wide = "x".repeat(1 << 20);
    (0..40).for_each(|_| fake.emit(scope(0), &wide));
    receiver.wait(1);
    let report = exporter.shutdown(Duration::from_secs(2));
    assert!(fake.left() > 0, "not all records were taken");
    assert!(!report.deadline_met);
    assert!(report.points.created > 0 && report.points.destinations[0].exported == report.points.created, "{report}");
    receiver.last_metrics();
}

#[test]
fn a_destination_that_cannot_work_is_counted_and_is_no_error_at_start() {
    let mut bad_header = endpoint("http://127.0.0.1:1".into(), Protocol::HttpProtobuf);
    bad_header.headers.push(("content-length".into(), Secret::new("1")));
    let bad_url = endpoint("no url".into(), Protocol::HttpProtobuf);
    let bad_scheme = endpoint("ftp://h".into(), Protocol::Grpc);
    let password = endpoint("http://me:hunter2@127.0.0.1:1".into(), Protocol::Grpc);
    for endpoint in [bad_url, bad_scheme, password, bad_header] {
        let fake = Fake::new();
        let mut settings = settings();
        settings.logs = Some(endpoint);
        let exporter = start(&fake, settings);
        fake.emit_many("acme.tick", 3);
        let report = exporter.shutdown(LONG);
        assert_eq!(report.records.destinations[0].dropped_for(DropReason::NotRetryable), 3);
        assert_all_accounted(&report);
    }
}

#[test]
fn a_receiver_that_speaks_no_tls_gets_nothing_and_is_never_in_doubt() {
    let receiver = Receiver::http([]);
    for protocol in [Protocol::HttpProtobuf, Protocol::Grpc] {
        let url = format!("https://{}", receiver.address);
        let report = send_three(url, protocol, Duration::from_millis(500), LONG);
        assert_eq!(outcome(&report.records), (0, 3, 0), "{protocol:?}");
    }
    assert!(receiver.received().is_empty());
}

#[test]
fn an_http_receiver_on_the_port_of_a_grpc_endpoint_is_survived() {
    let receiver = Receiver::http([]);
    let report = send_three(receiver.url(""), Protocol::Grpc, Duration::from_millis(500), LONG);
    assert_eq!(outcome(&report.records).0, 0);
    let receiver = Receiver::grpc([]);
    let report = send_three(receiver.url("/v1/logs"), Protocol::HttpProtobuf, Duration::from_millis(500), LONG);
    assert_eq!(outcome(&report.records).0, 0);
}

#[test]
fn a_success_whose_body_is_garbage_is_a_success() {
    for protocol in [Protocol::HttpProtobuf, Protocol::HttpJson] {
        let receiver = Receiver::http([Reply::Http(200, &[], "<html>thanks</html>")]);
        let report = send_three(receiver.url("/v1/logs"), protocol, LONG, LONG);
        assert_eq!(outcome(&report.records), (3, 0, 0));
    }
}

#[test]
fn an_endless_body_of_an_error_reply_is_cut_off() {
    let body: &'static str = "x".repeat(10 << 20).leak();
    let receiver = Receiver::http([Reply::Http(500, &[], body)]);
    assert_eq!(outcome(&http(&receiver).records), (0, 3, 0));
}

#[test]
fn records_reach_a_receiver_that_comes_late() {
    for protocol in [Protocol::HttpProtobuf, Protocol::Grpc] {
        let socket = bound();
        let fake = Fake::new();
        let mut settings = settings();
        settings.logs = Some(OtlpEndpoint { timeout: LONG, ..endpoint(url_of(&socket), protocol) });
        let exporter = start(&fake, settings);
        fake.emit_many("acme.tick", 3);
        let short = Duration::from_millis(300);
        assert_eq!(exporter.force_flush(short), Err(FlushError::Deadline(short)));
        let receiver = Receiver::late(socket, protocol == Protocol::Grpc);
        assert_eq!(exporter.force_flush(LONG), Ok(()));
        assert_eq!(receiver.records().len(), 3);
        assert_all_accounted(&exporter.shutdown(LONG));
    }
}

#[test]
fn a_receiver_that_pauses_loses_nothing_while_the_layers_have_room() {
    let receiver = Receiver::http([Reply::Http(503, &[("retry-after", "1")], "busy")]);
    let fake = Fake::new();
    let mut settings = settings();
    settings.logs = Some(OtlpEndpoint { timeout: LONG, ..endpoint(receiver.url("/v1/logs"), Protocol::HttpProtobuf) });
    let exporter = start(&fake, settings);
    let wide = "x".repeat(500);
    (0..60_000).for_each(|_| fake.emit(scope(0), &wide));
    let report = exporter.shutdown(LONG);
    assert_eq!(outcome(&report.records), (60_000, 0, 0), "30 MB pass through a queue of 16 MiB");
    assert_all_accounted(&report);
}
