//! What the software says about itself: `otel.sdk.*` and `tracing_weaver.*`, in the scope `tracing_weaver`.
//! The export thread adds it to each collection of metrics.
//! Names, units and attributes are those of OpenTelemetry's semantic conventions 1.41; it reads counts and counts nothing.

use opentelemetry_proto::tonic::common::v1::{InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
use opentelemetry_proto::tonic::metrics::v1::{Metric, NumberDataPoint, ScopeMetrics};
use tracing_weaver_layers::{FieldDropReason, LayerStats};

use super::attribute::{int, text};
use super::ledger::{Book, Books, Tally, layer_reason};
use super::metrics::sum;
use super::report::DropReason;

const PROCESSOR: &str = "batching_log_processor";
/// What a record is taken to need in a queue as long as none has been seen.
const NOMINAL_RECORD: u64 = 256;

/// The name of a reason in `tracing_weaver.reason`.
pub(crate) fn field_reason(reason: FieldDropReason) -> &'static str {
    match reason {
        FieldDropReason::Undeclared => "undeclared",
        FieldDropReason::Secret => "secret",
        FieldDropReason::Personal => "personal",
        FieldDropReason::Normalize => "normalize",
        FieldDropReason::Panic => "panic",
        FieldDropReason::TooLong => "too_long",
        _ => "other",
    }
}

/// The scope of the software's own metrics.
pub(crate) fn scope(books: &Books, stats: &LayerStats, start: u64, time: u64) -> ScopeMetrics {
    let point = |value: u64, attributes| NumberDataPoint {
        attributes,
        start_time_unix_nano: start,
        time_unix_nano: time,
        value: Some(Number::AsInt(i64::try_from(value).unwrap_or(i64::MAX))),
        ..Default::default()
    };
    let processor = || vec![text("otel.component.type", PROCESSOR), text("otel.component.name", &format!("{PROCESSOR}/0"))];
    let dropped: u64 = stats.records_dropped.iter().map(|(_, count)| count).sum();

    let mut processed = vec![point(books.records.handed, processor())];
    processed.extend(stats.records_dropped.iter().map(|(reason, count)| {
        let mut attributes = processor();
        attributes.push(text("error.type", layer_reason(*reason).as_str()));
        point(*count, attributes)
    }));
    let waiting = stats.records_created.saturating_sub(dropped + books.records.handed);
    let fields =
        stats.fields_dropped.iter().map(|(reason, count)| point(*count, vec![text("tracing_weaver.reason", field_reason(*reason))]));

    let log = "{log_record}";
    let data_point = "{data_point}";
    let metrics = [
        metric("otel.sdk.log.created", "Records that passed the filter.", log, true, vec![point(stats.records_created, Vec::new())]),
        metric("otel.sdk.processor.log.processed", "Records handed to the exporters, or dropped before.", log, true, processed),
        metric("otel.sdk.processor.log.queue.size", "Records that wait in queues.", log, false, vec![point(waiting, processor())]),
        metric(
            "otel.sdk.processor.log.queue.capacity",
            "Records that the queues hold: their bound in bytes over the mean size of a record.",
            log,
            false,
            vec![point(capacity(&books.records, stats), processor())],
        ),
        metric("otel.sdk.exporter.log.exported", "Records whose export has ended.", log, true, exported(&books.records, &point)),
        metric(
            "otel.sdk.exporter.log.inflight",
            "Records handed to an exporter that have not ended.",
            log,
            false,
            in_flight(&books.records, &point),
        ),
        metric(
            "otel.sdk.exporter.metric_data_point.exported",
            "Data points whose export has ended.",
            data_point,
            true,
            exported(&books.points, &point),
        ),
        metric(
            "otel.sdk.exporter.metric_data_point.inflight",
            "Data points handed to an exporter that have not ended.",
            data_point,
            false,
            in_flight(&books.points, &point),
        ),
        metric("tracing_weaver.field.dropped", "Fields not exported as they were.", "{field}", true, fields.collect()),
    ];
    ScopeMetrics {
        scope: Some(InstrumentationScope { name: "tracing_weaver".into(), ..Default::default() }),
        metrics: metrics.into_iter().flatten().collect(),
        schema_url: String::new(),
    }
}

fn metric(name: &str, description: &str, unit: &str, monotonic: bool, points: Vec<NumberDataPoint>) -> Option<Metric> {
    (!points.is_empty()).then(|| Metric {
        name: name.into(),
        description: description.into(),
        unit: unit.into(),
        metadata: Vec::new(),
        data: Some(sum(points, monotonic)),
    })
}

fn exported(book: &Book, point: &dyn Fn(u64, Vec<KeyValue>) -> NumberDataPoint) -> Vec<NumberDataPoint> {
    let mut points = Vec::new();
    for tally in components(book) {
        points.push(point(tally.exported, attributes(tally)));
        let failed = DropReason::ALL.iter().map(|reason| (reason.as_str(), tally.dropped[*reason as usize]));
        for (error, count) in failed.chain([("in_doubt", tally.in_doubt)]).filter(|(_, count)| *count > 0) {
            let mut attributes = attributes(tally);
            attributes.push(text("error.type", error));
            points.push(point(count, attributes));
        }
    }
    points
}

fn in_flight(book: &Book, point: &dyn Fn(u64, Vec<KeyValue>) -> NumberDataPoint) -> Vec<NumberDataPoint> {
    components(book).map(|tally| point(tally.in_flight, attributes(tally))).collect()
}

fn components(book: &Book) -> impl Iterator<Item = &Tally> {
    book.tallies.iter().filter(|tally| !tally.component.kind.is_empty())
}

fn attributes(tally: &Tally) -> Vec<KeyValue> {
    let kind = &tally.component.kind;
    let mut attributes = vec![text("otel.component.type", kind), text("otel.component.name", &format!("{kind}/0"))];
    if let Some((address, port)) = &tally.component.server {
        attributes.push(text("server.address", address));
        attributes.push(int("server.port", i64::from(*port)));
    }
    attributes
}

/// Queues are bounded in bytes; in records that is an estimate, so that size and capacity can be compared.
fn capacity(records: &Book, stats: &LayerStats) -> u64 {
    let mean = records.bytes.checked_div(records.taken).unwrap_or(NOMINAL_RECORD).max(1);
    stats.queue_bytes.1 / mean
}
