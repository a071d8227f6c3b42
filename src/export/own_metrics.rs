//! What the software says about itself: `otel.sdk.*` and `tracing_weaver.*`, in the scope `tracing_weaver`.
//! The export thread adds it to each collection of metrics.
//! Names, units and attributes are those of OpenTelemetry's semantic conventions 1.41; it reads counts and counts nothing.

use opentelemetry_proto::tonic::common::v1::{InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
use opentelemetry_proto::tonic::metrics::v1::{Metric, NumberDataPoint, ScopeMetrics};
use tracing_weaver_layers::{FieldDropReason, LayerStats};

use super::attribute::{int, text};
use super::ledger::{Book, Books, Signal, Tally, layer_reason};
use super::metrics::sum;
use super::report::DropReason;
use super::source::SpanCounts;

/// What a record is taken to need in a queue as long as none has been seen.
const NOMINAL_RECORD: u64 = 256;

/// Fields that were not exported as they were, by `tracing_weaver.reason`; only reasons that occurred.
pub(crate) fn fields_dropped(stats: &LayerStats) -> impl Iterator<Item = (&'static str, u64)> {
    let of_entities = [("identity_conflict", stats.identity_conflicts), ("late_value", stats.late_values)];
    let by_reason = stats.fields_dropped.iter().map(|(reason, count)| (field_reason(*reason), *count));
    by_reason.chain(of_entities).filter(|(_, count)| *count > 0)
}

/// The name of a reason in `tracing_weaver.reason`.
fn field_reason(reason: FieldDropReason) -> &'static str {
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
pub(crate) fn scope(books: &Books, stats: &LayerStats, spans: &SpanCounts, start: u64, time: u64) -> ScopeMetrics {
    let point = |value: u64, attributes| NumberDataPoint {
        attributes,
        start_time_unix_nano: start,
        time_unix_nano: time,
        value: Some(Number::AsInt(i64::try_from(value).unwrap_or(i64::MAX))),
        ..Default::default()
    };
    let log = Words { signal: Signal::Records.noun(), one: "log_record", many: "Records" };
    let span = Words { signal: Signal::Spans.noun(), one: "span", many: "Spans" };
    let data_point = Words { signal: "metric_data_point", one: "data_point", many: "Data points" };
    let by_reason = |counts: &mut dyn Iterator<Item = (&'static str, u64)>| {
        let occurred = counts.filter(|(_, count)| *count > 0);
        occurred.map(|(reason, count)| point(count, vec![text("tracing_weaver.reason", reason)])).collect()
    };
    let fields = by_reason(&mut fields_dropped(stats));
    let entities = by_reason(&mut [("identity", stats.entities_refused)].into_iter());
    let measurements = [("refused", stats.measurements_refused), ("unattributed", stats.measurements_unattributed)];
    let measurements = by_reason(&mut measurements.into_iter());

    let created = vec![point(stats.records_created, Vec::new())];
    let mut metrics = vec![metric("otel.sdk.log.created", "Records that passed the filter.", "{log_record}", true, created)];
    let dropped = stats.records_dropped.iter().map(|(reason, count)| (layer_reason(*reason), *count)).collect();
    let records = Processor { created: stats.records_created, dropped, capacity: capacity(&books.records, stats) };
    metrics.extend(records.metrics(&log, &books.records, &point));
    if spans.capacity > 0 {
        let spans = Processor { created: spans.created, dropped: spans.dropped().collect(), capacity: spans.capacity };
        metrics.extend(spans.metrics(&span, &books.spans, &point));
    }
    for (words, book) in [(&log, &books.records), (&span, &books.spans), (&data_point, &books.points)] {
        let name = |what| format!("otel.sdk.exporter.{}.{what}", words.signal);
        let (ended, open) = (format!("{} whose export has ended.", words.many), "handed to an exporter that have not ended.");
        metrics.push(metric(&name("exported"), &ended, &words.unit(), true, exported(book, &point)));
        metrics.push(metric(&name("inflight"), &format!("{} {open}", words.many), &words.unit(), false, in_flight(book, &point)));
    }
    metrics.extend([
        metric("tracing_weaver.field.dropped", "Fields not exported as they were.", "{field}", true, fields),
        metric("tracing_weaver.entity.dropped", "Entity spans that opened no entity.", "{entity}", true, entities),
        metric("tracing_weaver.measurement.dropped", "Measurements not counted as they were meant.", "{measurement}", true, measurements),
    ]);
    ScopeMetrics {
        scope: Some(InstrumentationScope { name: "tracing_weaver".into(), ..Default::default() }),
        metrics: metrics.into_iter().flatten().collect(),
        schema_url: String::new(),
    }
}

/// A data point with these attributes.
type MakePoint<'a> = &'a dyn Fn(u64, Vec<KeyValue>) -> NumberDataPoint;

/// How a signal is called in names, units and descriptions.
struct Words {
    signal: &'static str,
    one: &'static str,
    many: &'static str,
}

impl Words {
    fn unit(&self) -> String {
        format!("{{{}}}", self.one)
    }
}

/// What stands between the program and the exporters of a signal.
struct Processor {
    created: u64,
    dropped: Vec<(DropReason, u64)>,
    capacity: u64,
}

impl Processor {
    fn metrics(&self, words: &Words, book: &Book, point: MakePoint<'_>) -> [Option<Metric>; 3] {
        let kind = format!("batching_{}_processor", words.signal);
        let attributes = || vec![text("otel.component.type", &kind), text("otel.component.name", &format!("{kind}/0"))];
        let mut processed = vec![point(book.handed, attributes())];
        processed.extend(self.dropped.iter().map(|(reason, count)| {
            let mut attributes = attributes();
            attributes.push(text("error.type", reason.as_str()));
            point(*count, attributes)
        }));
        let dropped: u64 = self.dropped.iter().map(|(_, count)| count).sum();
        let waiting = self.created.saturating_sub(dropped + book.handed);
        let name = |what| format!("otel.sdk.processor.{}.{what}", words.signal);
        let metric = |what, description: String, monotonic, points| metric(&name(what), &description, &words.unit(), monotonic, points);
        [
            metric("processed", format!("{} handed to the exporters, or dropped before.", words.many), true, processed),
            metric("queue.size", format!("{} that wait in queues.", words.many), false, vec![point(waiting, attributes())]),
            metric("queue.capacity", format!("{} that the queues hold.", words.many), false, vec![point(self.capacity, attributes())]),
        ]
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

fn exported(book: &Book, point: MakePoint<'_>) -> Vec<NumberDataPoint> {
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

fn in_flight(book: &Book, point: MakePoint<'_>) -> Vec<NumberDataPoint> {
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

/// The queues of records are bounded in bytes: the bound over the mean size of a record is an estimate, so that size and capacity can be
/// compared.
fn capacity(records: &Book, stats: &LayerStats) -> u64 {
    let mean = records.bytes.checked_div(records.taken).unwrap_or(NOMINAL_RECORD).max(1);
    stats.queue_bytes.1 / mean
}
