//! Spans before receivers that fail in their ways, on every kind of runtime.

use std::time::{Duration, Instant};

use tonic::{Code, Status};

use super::fake::{Fake, scope};
use super::receiver::{Receiver, Reply, bound};
use super::tracer::Traces;
use super::*;
use crate::{DropReason, FlushError};

/// Ends three spans before a receiver, shuts down, and returns the report.
fn send_three(url: String, protocol: Protocol, timeout: Duration, shutdown: Duration) -> Report {
    let mut settings = settings();
    settings.traces = Some(OtlpEndpoint { timeout, ..endpoint(url, protocol) });
    let traces = Traces::of(&mut settings);
    let exporter = start(&Fake::new(), settings);
    traces.end_many("acme.tick", 3);
    let report = exporter.shutdown(shutdown);
    assert_all_accounted(&report);
    report
}

#[test]
fn answers_that_may_be_retried_are_retried_and_others_are_final() {
    for (status, became) in [(503, (3, 0, 0)), (429, (3, 0, 0)), (400, (0, 3, 0)), (413, (0, 3, 0))] {
        let receiver = Receiver::http([Reply::Http(status, &[], "no")]);
        let report = send_three(receiver.url("/v1/traces"), Protocol::HttpProtobuf, LONG, LONG);
        assert_eq!(outcome(&report.spans), became, "{status}");
    }
    for (code, became) in [(Code::Unavailable, (3, 0, 0)), (Code::InvalidArgument, (0, 3, 0))] {
        let receiver = Receiver::grpc([Reply::Grpc(Status::new(code, "no"))]);
        let report = send_three(receiver.url(""), Protocol::Grpc, LONG, LONG);
        assert_eq!(outcome(&report.spans), became, "{code:?}");
    }
}

#[test]
fn a_receiver_that_is_not_there_is_a_plain_drop_within_the_deadline() {
    for protocol in [Protocol::HttpProtobuf, Protocol::HttpJson, Protocol::Grpc] {
        let nobody = bound();
        let began = Instant::now();
        let url = format!("http://{}", nobody.local_addr().unwrap());
        let report = send_three(url, protocol, LONG, Duration::from_millis(500));
        assert!(!report.deadline_met);
        assert_eq!(report.spans.destinations[0].dropped, [(DropReason::Shutdown, 3)], "{protocol:?}");
        assert!(began.elapsed() < LONG / 2, "{protocol:?}");
    }
}

#[test]
fn a_receiver_that_never_answers_leaves_spans_in_doubt_and_holds_neither_records_nor_metrics_up() {
    for (silent, well, protocol) in [
        (Receiver::http(vec![Reply::Hang; 9]), Receiver::http([]), Protocol::HttpProtobuf),
        (Receiver::grpc(vec![Reply::Hang; 9]), Receiver::grpc([]), Protocol::Grpc),
    ] {
        let path = |path| if protocol == Protocol::Grpc { "" } else { path };
        let fake = Fake::new();
        let mut settings = settings();
        settings.traces = Some(OtlpEndpoint { timeout: LONG, ..endpoint(silent.url(path("/v1/traces")), protocol) });
        settings.logs = Some(endpoint(well.url(path("/v1/logs")), protocol));
        settings.metrics = Some(endpoint(well.url(path("/v1/metrics")), protocol));
        let traces = Traces::of(&mut settings);
        let exporter = start(&fake, settings);
        traces.end_many("acme.tick", 3);
        fake.emit_many("acme.tick", 4);
        let short = Duration::from_millis(200);
        assert_eq!(exporter.force_flush(short), Err(FlushError::Deadline(short)));
        silent.wait(1);
        let began = Instant::now();
        let report = exporter.shutdown(Duration::from_millis(1500));
        assert!(began.elapsed() < LONG / 2);
        assert_eq!(outcome(&report.spans), (0, 0, 3), "{protocol:?}");
        assert_eq!(outcome(&report.records), (4, 0, 0), "{protocol:?}");
        assert!(report.points.created > 0 && report.points.destinations[0].exported == report.points.created, "{report}");
        assert_all_accounted(&report);
    }
}

#[test]
fn behind_a_full_receiver_spans_wait_and_then_drop_and_records_and_metrics_still_leave() {
    let silent = Receiver::http(vec![Reply::Hang; 9]);
    let well = Receiver::http([]);
    let fake = Fake::new();
    let mut settings = settings();
    settings.traces = Some(OtlpEndpoint { timeout: LONG, ..endpoint(silent.url("/v1/traces"), Protocol::HttpProtobuf) });
    settings.logs = Some(endpoint(well.url("/v1/logs"), Protocol::HttpProtobuf));
    settings.metrics = Some(endpoint(well.url("/v1/metrics"), Protocol::HttpProtobuf));
    let traces = Traces::of(&mut settings);
    let exporter = start(&fake, settings);
    // 16 MiB go to the receiver's queue, 16 MiB wait before it, and the rest has no room.
    traces.end_large(15, 1 << 20);
    silent.wait(1);
    let began = Instant::now();
    while traces.waiting() < 10 {
        assert!(began.elapsed() < LONG, "the receiver's queue never fills");
        traces.end_large(1, 1 << 20);
        std::thread::sleep(Duration::from_millis(5));
    }
    traces.end_large(20, 1 << 20);
    fake.emit(scope(0), "acme.tick");
    let report = exporter.shutdown(Duration::from_secs(2));
    assert!(!report.deadline_met);
    assert!(report.spans.destinations[0].dropped_for(DropReason::QueueFull) > 0, "{report}");
    assert!(report.spans.destinations[0].dropped_for(DropReason::Shutdown) > 10, "{report}");
    assert_eq!(report.spans.destinations[0].in_doubt, 1, "{report}");
    assert_eq!(outcome(&report.records), (1, 0, 0), "{report}");
    assert!(report.points.created > 0 && report.points.destinations[0].exported == report.points.created, "{report}");
    assert_all_accounted(&report);
    assert_eq!(traces.waiting(), 0, "what will never be sent is not kept");
}

#[test]
fn spans_reach_a_receiver_that_comes_late() {
    for protocol in [Protocol::HttpProtobuf, Protocol::Grpc] {
        let socket = bound();
        let mut settings = settings();
        let path = if protocol == Protocol::Grpc { "" } else { "/v1/traces" };
        let url = format!("http://{}{path}", socket.local_addr().unwrap());
        settings.traces = Some(OtlpEndpoint { timeout: LONG, ..endpoint(url, protocol) });
        let traces = Traces::of(&mut settings);
        let exporter = start(&Fake::new(), settings);
        traces.end_many("acme.tick", 3);
        let short = Duration::from_millis(300);
        assert_eq!(exporter.force_flush(short), Err(FlushError::Deadline(short)));
        let receiver = Receiver::late(socket, protocol == Protocol::Grpc);
        assert_eq!(exporter.force_flush(LONG), Ok(()));
        assert_eq!(receiver.spans().len(), 3);
        assert_all_accounted(&exporter.shutdown(LONG));
    }
}

#[test]
fn spans_that_end_during_shutdown_are_exported_or_counted() {
    let receiver = Receiver::http([]);
    let mut settings = settings();
    settings.traces = Some(endpoint(receiver.url("/v1/traces"), Protocol::HttpProtobuf));
    let traces = Traces::of(&mut settings);
    let exporter = start(&Fake::new(), settings);
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                traces.end_many("acme.tick", 10);
                std::thread::yield_now();
            }
        });
        std::thread::sleep(Duration::from_millis(20));
        assert!(exporter.force_flush(LONG) != Err(FlushError::Ended));
        assert!(exporter.shutdown(LONG).deadline_met);
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    let report = exporter.shutdown(LONG);
    assert_eq!(receiver.spans().len() as u64, report.spans.destinations[0].exported);
    assert_all_accounted(&report);
}

fn use_it(receiver: &Receiver) {
    let mut settings = settings();
    settings.traces = Some(endpoint(receiver.url("/v1/traces"), Protocol::HttpProtobuf));
    let traces = Traces::of(&mut settings);
    let exporter = start(&Fake::new(), settings);
    traces.end_many("acme.tick", 7);
    exporter.force_flush(LONG).unwrap();
    traces.end_many("acme.tock", 5);
    let report = exporter.shutdown(LONG);
    assert!(report.deadline_met);
    assert_eq!((report.spans.created, outcome(&report.spans)), (12, (12, 0, 0)));
    assert_all_accounted(&report);
}

#[test]
fn spans_leave_without_a_runtime() {
    use_it(&Receiver::http([]));
}

#[test]
fn spans_leave_inside_block_on_of_a_current_thread_runtime() {
    let receiver = Receiver::http([]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { use_it(&receiver) });
}

#[test]
fn spans_leave_on_the_only_worker_of_a_multi_thread_runtime() {
    let receiver = Receiver::http([]);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async { tokio::spawn(async move { use_it(&receiver) }).await.unwrap() });
}
