//! Flush and shutdown from every kind of thread and runtime, repeated, at once, and while the export thread is in trouble.

use std::time::{Duration, Instant};

use super::fake::Fake;
use super::receiver::Receiver;
use super::*;
use crate::FlushError;

fn exporter(receiver: &Receiver, fake: &Fake) -> ExporterHandle {
    let mut settings = settings();
    settings.logs = Some(endpoint(receiver.url("/v1/logs"), Protocol::HttpProtobuf));
    settings.metrics = Some(endpoint(receiver.url("/v1/metrics"), Protocol::HttpProtobuf));
    start(fake, settings)
}

/// As [`exporter`], with metrics that leave all the time.
fn busy_exporter(receiver: &Receiver, fake: &Fake) -> ExporterHandle {
    let mut settings = settings();
    settings.logs = Some(endpoint(receiver.url("/v1/logs"), Protocol::HttpProtobuf));
    settings.metrics = Some(endpoint(receiver.url("/v1/metrics"), Protocol::HttpProtobuf));
    settings.metric_interval = Duration::from_millis(1);
    start(fake, settings)
}

fn use_it(receiver: &Receiver) {
    let fake = Fake::new();
    let exporter = exporter(receiver, &fake);
    fake.emit_many("acme.tick", 7);
    exporter.force_flush(LONG).unwrap();
    fake.emit_many("acme.tock", 5);
    let report = exporter.shutdown(LONG);
    assert!(report.deadline_met);
    assert_eq!(outcome(&report.records), (12, 0, 0));
    assert_all_accounted(&report);
}

#[test]
fn it_works_without_a_runtime() {
    use_it(&Receiver::http([]));
}

#[test]
fn it_works_inside_block_on_of_a_current_thread_runtime() {
    let receiver = Receiver::http([]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { use_it(&receiver) });
}

#[test]
fn it_works_on_the_only_worker_of_a_multi_thread_runtime() {
    let receiver = Receiver::http([]);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async { tokio::spawn(async move { use_it(&receiver) }).await.unwrap() });
}

#[test]
fn shutdown_may_be_called_at_once_from_many_threads_and_again() {
    let receiver = Receiver::http([]);
    let fake = Fake::new();
    let exporter = exporter(&receiver, &fake);
    fake.emit_many("acme.tick", 7);
    let reports: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| exporter.shutdown(LONG))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    fake.emit_many("acme.late", 2);
    let last = exporter.shutdown(Duration::ZERO);
    for report in reports.iter().chain([&last]) {
        assert!(report.deadline_met);
        assert_eq!(report.records.destinations[0].exported, 7);
    }
    assert_eq!((last.records.created, last.records.destinations[0].dropped_for(crate::DropReason::Shutdown)), (9, 2));
    assert_all_accounted(&last);
    assert_eq!(exporter.force_flush(LONG), Err(FlushError::Ended));
}

#[test]
fn flushes_and_the_end_at_once_wait_for_the_newest_metrics_and_lose_none() {
    for round in 0..40 {
        let receiver = Receiver::http([]);
        let fake = Fake::new();
        let exporter = if round % 2 == 0 { exporter(&receiver, &fake) } else { busy_exporter(&receiver, &fake) };
        fake.emit_many("acme.tick", 7);
        let gate = std::sync::Barrier::new(9);
        let report = std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    gate.wait();
                    let flushed = exporter.force_flush(LONG);
                    assert!(matches!(flushed, Ok(()) | Err(FlushError::Ended)), "{flushed:?}");
                });
            }
            gate.wait();
            exporter.shutdown(LONG)
        });
        let points = &report.points.destinations[0];
        assert!(report.deadline_met && points.exported > 0, "{report}");
        assert_eq!((points.in_doubt, points.dropped_total()), (0, points.dropped_for(crate::DropReason::Superseded)), "{report}");
        assert_all_accounted(&report);
    }
}

#[test]
fn records_that_are_emitted_during_shutdown_are_exported_or_counted() {
    let receiver = Receiver::http([]);
    let fake = Fake::new();
    let exporter = exporter(&receiver, &fake);
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                fake.emit_many("acme.tick", 10);
                std::thread::yield_now();
            }
        });
        std::thread::sleep(Duration::from_millis(20));
        assert!(exporter.shutdown(LONG).deadline_met);
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    let report = exporter.shutdown(LONG);
    assert_eq!(receiver.records().len() as u64, report.records.destinations[0].exported);
    assert_all_accounted(&report);
}

#[test]
fn a_turn_that_fails_is_counted_and_neither_ends_the_thread_nor_holds_shutdown_up() {
    let receiver = Receiver::http([]);
    let fake = Fake::new();
    let exporter = exporter(&receiver, &fake);
    fake.emit_many("acme.tick", 3);
    exporter.force_flush(LONG).unwrap();
    fake.emit_many("acme.tick", 4);
    fake.break_down();
    let began = Instant::now();
    let report = exporter.shutdown(Duration::from_millis(300));
    assert!(began.elapsed() < LONG / 2);
    assert!(!report.deadline_met);
    assert_eq!(report.records.destinations[0].exported, 3);
    assert!(exporter.stats().export_faults > 0);
}

#[test]
fn counts_can_be_read_at_any_time() {
    let receiver = Receiver::http([]);
    let fake = Fake::new();
    let exporter = exporter(&receiver, &fake);
    fake.emit_many("acme.tick", 3);
    fake.change_stats(|stats| stats.fields_dropped.push((tracing_weaver_layers::FieldDropReason::Secret, 2)));
    let stats = exporter.stats();
    let destination = &stats.records.destinations[0];
    assert_eq!(stats.records.created, 3);
    assert_eq!(destination.exported + destination.queued, 3);
    assert_eq!(stats.fields_dropped, [("secret", 2)]);
    exporter.shutdown(LONG);
}
