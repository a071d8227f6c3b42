//! Sinks inside the process, good and bad.

use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;

use super::fake::Fake;
use super::receiver::Receiver;
use super::*;
use crate::DropReason;
use crate::export::sink::{LocalDestination, LocalSink, SinkError};

#[derive(Default)]
struct Kept {
    logs: Vec<ExportLogsServiceRequest>,
    metrics: Vec<ExportMetricsServiceRequest>,
    flushes: usize,
}

#[derive(Clone, Default)]
struct Keeper(Arc<Mutex<Kept>>);

impl LocalSink for Keeper {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn logs(&mut self, request: &ExportLogsServiceRequest) -> Result<(), SinkError> {
        self.0.lock().unwrap().logs.push(request.clone());
        Ok(())
    }

    fn traces(&mut self, _: &ExportTraceServiceRequest) -> Result<(), SinkError> {
        Ok(())
    }

    fn metrics(&mut self, request: &ExportMetricsServiceRequest) -> Result<(), SinkError> {
        self.0.lock().unwrap().metrics.push(request.clone());
        Ok(())
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        self.0.lock().unwrap().flushes += 1;
        Ok(())
    }
}

/// Fails on records and panics on metrics.
struct Broken;

impl LocalSink for Broken {
    fn name(&self) -> &'static str {
        "file"
    }

    fn logs(&mut self, _: &ExportLogsServiceRequest) -> Result<(), SinkError> {
        Err(SinkError("no space left on device".into()))
    }

    fn traces(&mut self, _: &ExportTraceServiceRequest) -> Result<(), SinkError> {
        Ok(())
    }

    fn metrics(&mut self, _: &ExportMetricsServiceRequest) -> Result<(), SinkError> {
        panic!("a sink panics")
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

fn local(sink: impl LocalSink + 'static, logs: bool, metrics: bool) -> LocalDestination {
    LocalDestination { sink: Box::new(sink), logs, traces: false, metrics }
}

#[test]
fn each_sink_gets_the_signals_that_it_is_to_get() {
    let (records, points) = (Keeper::default(), Keeper::default());
    let fake = Fake::new();
    let mut settings = settings();
    settings.locals = vec![local(records.clone(), true, false), local(points.clone(), false, true)];
    let exporter = start(&fake, settings);
    fake.emit_many("acme.tick", 3);
    exporter.force_flush(LONG).unwrap();
    let report = exporter.shutdown(LONG);
    assert_eq!(outcome(&report.records), (3, 0, 0));
    assert_eq!(outcome(&report.points), (report.points.created, 0, 0));
    assert_all_accounted(&report);
    let (records, points) = (records.0.lock().unwrap(), points.0.lock().unwrap());
    assert_eq!((records.logs.len(), records.metrics.len()), (1, 0));
    assert_eq!((points.logs.len(), points.metrics.len()), (0, 2), "one collection at the flush, one at the end");
    assert!(records.flushes >= 2);
}

#[test]
fn a_sink_that_fails_or_panics_is_counted_and_spoils_nothing_for_others() {
    let receiver = Receiver::http([]);
    let keeper = Keeper::default();
    let fake = Fake::new();
    let mut settings = settings();
    settings.logs = Some(endpoint(receiver.url("/v1/logs"), Protocol::HttpProtobuf));
    settings.metrics = Some(endpoint(receiver.url("/v1/metrics"), Protocol::HttpProtobuf));
    settings.locals = vec![local(Broken, true, true), local(keeper.clone(), true, true)];
    let exporter = start(&fake, settings);
    fake.emit_many("acme.tick", 3);
    let report = exporter.shutdown(LONG);
    assert_all_accounted(&report);
    for signal in [&report.records, &report.points] {
        let [remote, broken, memory] = &signal.destinations[..] else { panic!("three destinations") };
        assert_eq!((broken.name.as_str(), broken.dropped_for(DropReason::SinkFailed)), ("file", signal.created));
        assert_eq!((remote.exported, memory.exported), (signal.created, signal.created));
    }
    assert_eq!(receiver.records().len(), 3);
}

#[test]
fn records_without_a_destination_are_counted() {
    let fake = Fake::new();
    let exporter = start(&fake, settings());
    fake.emit_many("acme.tick", 3);
    let report = exporter.shutdown(LONG);
    assert_eq!(report.records.destinations[0].dropped, [(DropReason::NoDestination, 3)]);
    assert_all_accounted(&report);
}
