//! Metric sets and the software's own metrics, as a receiver sees them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
use opentelemetry_proto::tonic::metrics::v1::{Metric, NumberDataPoint, ScopeMetrics};
use tracing_weaver_layers::{
    DropReason as LayerReason, EntityContext, FieldDropReason, HistogramPoint, MetricsSnapshot, Point, PointValue, SetSnapshot, Value,
};
use tracing_weaver_registry::model::{EnumValue, MetricId, MetricSetId, ResolvedRegistry};
use tracing_weaver_registry::yaml::load_sources;

use super::fake::{Fake, SCHEMA_URL};
use super::receiver::{Receiver, Reply, Request_};
use super::*;

const START: u64 = 1_000;
const NOW: u64 = 9_000;

/// One set, `acme.node.work`, with a metric of each instrument.
fn registry() -> ResolvedRegistry {
    let metric = |name: &str, instrument: &str, unit: &str| {
        format!(
            "  - {{name: {name}, brief: Brief of {name}., unit: '{unit}', instrument: {instrument}, stability: stable,
    attributes: [{{ref_group: acme.node.work}}], annotations: {{tracing_weaver: {{metric_set: acme.node.work}}}}}}\n"
        )
    };
    let metrics = [
        metric("acme.node.duration", "histogram", "s"),
        metric("acme.node.items", "counter", "{item}"),
        metric("acme.node.load", "gauge", "1"),
        metric("acme.node.open", "updowncounter", "{item}"),
        metric("acme.node.size", "histogram", "By"),
        metric("acme.node.unused", "counter", "{item}"),
    ];
    let signals = format!(
        "file_format: definition/2
attributes:
  - {{key: acme.outcome, brief: How it went., stability: stable, type: {{members: [{{id: success, value: success, stability: stable, brief: Well.}}]}}}}
attribute_groups:
  - {{id: acme.node.work, visibility: public, brief: Work., stability: stable, attributes: [{{ref: acme.outcome}}]}}
metrics:
{}",
        metrics.concat()
    );
    load_sources(&[("manifest.yaml", &format!("schema_url: {SCHEMA_URL}")), ("signals.yaml", &signals)]).unwrap_or_else(|e| panic!("{e}"))
}

fn point(outcome: &str, values: Vec<(u32, PointValue)>) -> Point {
    Point {
        dimensions: vec![("acme.outcome".into(), EnumValue::String(outcome.into()))],
        values: values.into_iter().map(|(metric, value)| (MetricId(metric), value)).collect(),
    }
}

fn snapshot(points: Vec<Point>) -> MetricsSnapshot {
    let mut context = EntityContext::default();
    context.attributes.push(("acme.node.id".into(), Value::Str("batch".into())));
    let set = SetSnapshot { set: MetricSetId(0), context: Arc::new(context), start_unix_nano: START, points };
    MetricsSnapshot { time_unix_nano: NOW, sets: vec![set] }
}

fn histogram(bounds: &[f64], counts: &[u64]) -> PointValue {
    PointValue::Histogram(HistogramPoint { bounds: bounds.into(), counts: counts.into(), sum: 6.5, min: 0.5, max: 4.0 })
}

/// What a receiver has after one flush.
fn collected(fake: &Fake) -> Vec<ScopeMetrics> {
    let receiver = Receiver::http([]);
    let mut settings = settings();
    settings.metrics = Some(endpoint(receiver.url("/v1/metrics"), Protocol::HttpProtobuf));
    let exporter = start(fake, settings);
    exporter.force_flush(LONG).unwrap();
    receiver.last_metrics()
}

fn numbers(metric: &Metric) -> Vec<NumberDataPoint> {
    match metric.data.as_ref().unwrap() {
        Data::Sum(sum) => sum.data_points.clone(),
        Data::Gauge(gauge) => gauge.data_points.clone(),
        data => panic!("numbers, not {data:?}"),
    }
}

/// Attributes as `key=value`, values as texts.
fn labels(point: &NumberDataPoint) -> Vec<String> {
    let value = |any: &Any| match any {
        Any::StringValue(text) => text.clone(),
        Any::IntValue(int) => int.to_string(),
        other => format!("{other:?}"),
    };
    point.attributes.iter().map(|a| format!("{}={}", a.key, value(a.value.as_ref().unwrap().value.as_ref().unwrap()))).collect()
}

#[test]
fn a_set_becomes_one_scope_with_a_metric_per_member_that_was_written() {
    let fake = Fake::with_registry(registry());
    fake.set_snapshot(snapshot(vec![
        point(
            "success",
            vec![
                (0, histogram(&[1.0, 2.0], &[1, 0, 2])),
                (1, PointValue::Int(41)),
                (2, PointValue::Double(0.75)),
                (3, PointValue::Int(-3)),
                (4, histogram(&[], &[3])),
            ],
        ),
        point("failure", vec![(1, PointValue::Int(1))]),
    ]));
    let scopes = collected(&fake);
    let set = scopes.iter().find(|scope| scope.scope.as_ref().unwrap().name == "acme.node.work").unwrap();
    assert_eq!(set.schema_url, SCHEMA_URL);
    assert_eq!(set.scope.as_ref().unwrap().attributes[0].key, "acme.node.id");
    let metrics: BTreeMap<_, _> = set.metrics.iter().map(|metric| (metric.name.as_str(), metric)).collect();
    assert_eq!(metrics.len(), 5, "a member without points is left out");

    let items = metrics["acme.node.items"];
    assert_eq!((items.description.as_str(), items.unit.as_str()), ("Brief of acme.node.items.", "{item}"));
    let Some(Data::Sum(sum)) = &items.data else { panic!("a sum") };
    assert!(sum.is_monotonic && sum.aggregation_temporality == 2);
    let points: Vec<_> = sum.data_points.iter().map(|point| (labels(point).join(","), point.value.unwrap())).collect();
    assert_eq!(points, [("acme.outcome=success".into(), Number::AsInt(41)), ("acme.outcome=failure".into(), Number::AsInt(1))]);
    assert!(sum.data_points.iter().all(|point| (point.start_time_unix_nano, point.time_unix_nano) == (START, NOW)));

    let Some(Data::Sum(open)) = &metrics["acme.node.open"].data else { panic!("a sum") };
    assert!(!open.is_monotonic && open.data_points[0].value == Some(Number::AsInt(-3)));
    let Some(Data::Gauge(load)) = &metrics["acme.node.load"].data else { panic!("a gauge") };
    assert_eq!(load.data_points[0].value, Some(Number::AsDouble(0.75)));

    let Some(Data::Histogram(duration)) = &metrics["acme.node.duration"].data else { panic!("a histogram") };
    let bounded = &duration.data_points[0];
    assert_eq!((bounded.count, bounded.sum, bounded.min, bounded.max), (3, Some(6.5), Some(0.5), Some(4.0)));
    assert_eq!((&bounded.explicit_bounds[..], &bounded.bucket_counts[..]), (&[1.0, 2.0][..], &[1, 0, 2][..]));
    assert_eq!(duration.aggregation_temporality, 2);
    let Some(Data::Histogram(size)) = &metrics["acme.node.size"].data else { panic!("a histogram") };
    let unbounded = &size.data_points[0];
    assert_eq!((unbounded.count, unbounded.explicit_bounds.len(), unbounded.bucket_counts.len()), (3, 0, 0));
    assert_eq!((unbounded.min, unbounded.max), (Some(0.5), Some(4.0)));
}

#[test]
fn the_softwares_own_metrics_have_upstreams_names_and_attributes() {
    let fake = Fake::with_registry(registry());
    fake.change_stats(|stats| {
        stats.records_created = 5;
        stats.records_dropped = vec![(LayerReason::QueueFull, 4), (LayerReason::ThreadLimit, 1)];
        stats.fields_dropped = vec![(FieldDropReason::Secret, 2), (FieldDropReason::TooLong, 1)];
        stats.queue_bytes = (0, 25_600);
    });
    let scopes = collected(&fake);
    let own = scopes.iter().find(|scope| scope.scope.as_ref().unwrap().name == "tracing_weaver").unwrap();
    assert!(own.scope.as_ref().unwrap().attributes.is_empty());
    let metrics: BTreeMap<_, _> = own.metrics.iter().map(|metric| (metric.name.as_str(), metric)).collect();
    let values = |name: &str| -> Vec<(Vec<String>, i64)> {
        let value = |point: &NumberDataPoint| match point.value {
            Some(Number::AsInt(int)) => int,
            other => panic!("an integer, not {other:?}"),
        };
        numbers(metrics[name]).iter().map(|point| (labels(point), value(point))).collect()
    };
    let processor = ["otel.component.type=batching_log_processor".to_owned(), "otel.component.name=batching_log_processor/0".to_owned()];
    let failed = |error: &str| processor.iter().cloned().chain([format!("error.type={error}")]).collect::<Vec<_>>();

    assert_eq!(values("otel.sdk.log.created"), [(vec![], 5)]);
    assert_eq!(
        values("otel.sdk.processor.log.processed"),
        [(processor.to_vec(), 0), (failed("queue_full"), 4), (failed("thread_limit"), 1)]
    );
    assert_eq!(values("otel.sdk.processor.log.queue.size"), [(processor.to_vec(), 0)]);
    assert_eq!(values("otel.sdk.processor.log.queue.capacity"), [(processor.to_vec(), 100)]);
    assert_eq!(
        values("tracing_weaver.field.dropped"),
        [(vec!["tracing_weaver.reason=secret".into()], 2), (vec!["tracing_weaver.reason=too_long".into()], 1)]
    );
    let exporter = &values("otel.sdk.exporter.metric_data_point.exported")[0].0;
    assert_eq!(exporter[..2], ["otel.component.type=otlp_http_metric_exporter", "otel.component.name=otlp_http_metric_exporter/0"]);
    assert!(exporter[2] == "server.address=127.0.0.1" && exporter[3].starts_with("server.port="), "{exporter:?}");

    let shape = |name: &str| {
        let Some(Data::Sum(sum)) = &metrics[name].data else { panic!("a sum") };
        (metrics[name].unit.as_str(), sum.is_monotonic)
    };
    assert_eq!(shape("otel.sdk.log.created"), ("{log_record}", true));
    assert_eq!(shape("otel.sdk.processor.log.queue.size"), ("{log_record}", false));
    assert_eq!(shape("otel.sdk.exporter.metric_data_point.inflight"), ("{data_point}", false));
}

#[test]
fn the_last_collection_counts_the_records_that_went_before_it() {
    let receiver = Receiver::http([Reply::Partial(1, "one too many")]);
    let fake = Fake::new();
    let mut settings = settings();
    settings.logs = Some(endpoint(receiver.url("/v1/logs"), Protocol::HttpProtobuf));
    settings.metrics = Some(endpoint(receiver.url("/v1/metrics"), Protocol::HttpProtobuf));
    let exporter = start(&fake, settings);
    fake.emit_many("acme.tick", 5);
    assert!(exporter.shutdown(LONG).deadline_met);
    let own = receiver.last_metrics().into_iter().next().unwrap();
    let exported = own.metrics.iter().find(|metric| metric.name == "otel.sdk.exporter.log.exported").unwrap();
    let points: Vec<_> = numbers(exported).iter().map(|point| (labels(point).len(), point.value.unwrap())).collect();
    assert_eq!(points, [(4, Number::AsInt(4)), (5, Number::AsInt(1))]);
}

#[test]
fn metrics_leave_every_interval_without_being_asked_and_their_start_is_constant() {
    let receiver = Receiver::grpc([]);
    let fake = Fake::with_registry(registry());
    fake.set_snapshot(snapshot(vec![point("success", vec![(1, PointValue::Int(41))])]));
    let mut settings = settings();
    settings.metrics = Some(endpoint(receiver.url(""), Protocol::Grpc));
    settings.metric_interval = Duration::from_millis(30);
    let _exporter = start(&fake, settings);
    let received = receiver.wait(3);
    let starts = received.iter().map(|received| {
        let Request_::Metrics(request) = &received.request else { panic!("metrics") };
        let metrics = request.resource_metrics[0].scope_metrics.iter().flat_map(|scope| &scope.metrics);
        metrics.flat_map(numbers).map(|point| point.start_time_unix_nano).collect::<std::collections::BTreeSet<_>>()
    });
    let starts: std::collections::BTreeSet<_> = starts.collect();
    assert_eq!(starts.len(), 1, "{starts:?}");
}

#[test]
fn what_ended_threads_counted_is_merged_also_where_nobody_wants_metrics() {
    let fake = Fake::with_registry(registry());
    let mut settings = settings();
    settings.merge_interval = Duration::from_millis(5);
    let _exporter = start(&fake, settings);
    let began = std::time::Instant::now();
    while fake.snapshots() < 3 {
        assert!(began.elapsed() < LONG, "nothing was merged");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn requests_for_metrics_are_bounded_and_together_whole() {
    let receiver = Receiver::http([]);
    let fake = Fake::with_registry(registry());
    let points =
        (0..10_000).map(|number| point(&format!("{number:0200}"), vec![(1, PointValue::Int(number)), (2, PointValue::Double(1.0))]));
    fake.set_snapshot(snapshot(points.collect()));
    let mut settings = settings();
    settings.metrics = Some(endpoint(receiver.url("/v1/metrics"), Protocol::HttpProtobuf));
    let exporter = start(&fake, settings);
    exporter.force_flush(LONG).unwrap();
    let mut seen = BTreeMap::new();
    for received in receiver.received() {
        assert!(received.bytes <= (1 << 20) + (1 << 16), "{}", received.bytes);
        let Request_::Metrics(request) = received.request else { panic!("metrics") };
        for scope in &request.resource_metrics[0].scope_metrics {
            let mut names: Vec<_> = scope.metrics.iter().map(|metric| metric.name.as_str()).collect();
            names.dedup();
            assert_eq!(names.len(), scope.metrics.len(), "a metric stands once in a scope");
            for metric in &scope.metrics {
                *seen.entry(metric.name.clone()).or_insert(0) += numbers(metric).len();
            }
        }
    }
    assert_eq!((seen["acme.node.items"], seen["acme.node.load"]), (10_000, 10_000));
    assert_all_accounted(&exporter.shutdown(LONG));
}
