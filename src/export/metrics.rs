//! Metric sets as OTLP metrics: each member of a set becomes a univariate metric.
//! The export thread calls it at each collection, with the software's own metrics beside the registry's.
//! It reads a snapshot and never the slots: producers do not notice.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message as _;
use tracing_weaver_layers::{HistogramPoint, MetricsSnapshot, PointValue, SetSnapshot};
use tracing_weaver_registry::model::{Instrument, MetricId, ResolvedRegistry};

use super::attribute::{dimensions, key_values};
use super::batch::{Batch, MAX_BYTES};

/// Most data points of one metric that stand together; requests are cut between such chunks.
const CHUNK_POINTS: usize = 256;
/// Most data points in one request.
const MAX_POINTS: usize = 4096;

const CUMULATIVE: i32 = AggregationTemporality::Cumulative as i32;

/// The registry's metrics of a snapshot, one scope per set and entity context.
pub(crate) fn scope_metrics(snapshot: &MetricsSnapshot, registry: &ResolvedRegistry) -> Vec<ScopeMetrics> {
    snapshot.sets.iter().map(|set| scope(set, snapshot.time_unix_nano, registry)).filter(|scope| !scope.metrics.is_empty()).collect()
}

fn scope(set: &SetSnapshot, time: u64, registry: &ResolvedRegistry) -> ScopeMetrics {
    let definition = registry.metric_set(set.set);
    ScopeMetrics {
        scope: Some(InstrumentationScope {
            name: definition.name.clone(),
            attributes: key_values(&set.context.attributes),
            ..Default::default()
        }),
        metrics: definition.metrics.iter().filter_map(|member| metric(*member, set, time, registry)).collect(),
        schema_url: registry.schema_url.clone(),
    }
}

fn metric(member: MetricId, set: &SetSnapshot, time: u64, registry: &ResolvedRegistry) -> Option<Metric> {
    let mut numbers = Vec::new();
    let mut histograms = Vec::new();
    for point in &set.points {
        let Ok(at) = point.values.binary_search_by_key(&member, |(metric, _)| *metric) else { continue };
        let attributes = dimensions(&point.dimensions);
        let start = set.start_unix_nano;
        let number = |value| NumberDataPoint {
            attributes: attributes.clone(),
            start_time_unix_nano: start,
            time_unix_nano: time,
            value: Some(value),
            ..Default::default()
        };
        match &point.values[at].1 {
            PointValue::Int(value) => numbers.push(number(Number::AsInt(*value))),
            PointValue::Double(value) => numbers.push(number(Number::AsDouble(*value))),
            PointValue::Histogram(histogram) => histograms.push(HistogramDataPoint {
                attributes,
                start_time_unix_nano: start,
                time_unix_nano: time,
                ..distribution(histogram)
            }),
        }
    }
    let definition = registry.metric(member);
    let data = match definition.instrument {
        Instrument::Counter if !numbers.is_empty() => sum(numbers, true),
        Instrument::UpDownCounter if !numbers.is_empty() => sum(numbers, false),
        Instrument::Gauge if !numbers.is_empty() => Data::Gauge(Gauge { data_points: numbers }),
        Instrument::Histogram if !histograms.is_empty() => histogram(histograms),
        _ => return None,
    };
    Some(Metric {
        name: definition.name.clone(),
        description: definition.brief.clone(),
        unit: definition.unit.clone(),
        metadata: Vec::new(),
        data: Some(data),
    })
}

/// A cumulative sum.
pub(crate) fn sum(data_points: Vec<NumberDataPoint>, is_monotonic: bool) -> Data {
    Data::Sum(Sum { data_points, aggregation_temporality: CUMULATIVE, is_monotonic })
}

fn histogram(data_points: Vec<HistogramDataPoint>) -> Data {
    Data::Histogram(Histogram { data_points, aggregation_temporality: CUMULATIVE })
}

/// A histogram without bounds has no buckets on the wire: the protocol's form of min, max, sum and count.
fn distribution(histogram: &HistogramPoint) -> HistogramDataPoint {
    let count = histogram.counts.iter().sum();
    let bounded = !histogram.bounds.is_empty();
    HistogramDataPoint {
        count,
        sum: Some(histogram.sum),
        bucket_counts: if bounded { histogram.counts.clone() } else { Vec::new() },
        explicit_bounds: if bounded { histogram.bounds.to_vec() } else { Vec::new() },
        min: (count > 0).then_some(histogram.min),
        max: (count > 0).then_some(histogram.max),
        ..Default::default()
    }
}

/// Requests bounded in data points and bytes that together hold all of `scopes`.
pub(crate) fn requests(resource: &Resource, scopes: Vec<ScopeMetrics>) -> Vec<Batch> {
    let mut packer = Packer::new(resource);
    for scope in scopes {
        let header = ScopeMetrics { metrics: Vec::new(), ..scope };
        let mut opened = false;
        for metric in scope.metrics.into_iter().flat_map(chunks) {
            opened &= !packer.cut_before(&metric);
            if !opened {
                packer.open(header.clone());
                opened = true;
            }
            packer.add(metric);
        }
    }
    packer.close();
    packer.batches
}

struct Packer<'a> {
    resource: &'a Resource,
    scopes: Vec<ScopeMetrics>,
    points: usize,
    bytes: usize,
    batches: Vec<Batch>,
}

impl<'a> Packer<'a> {
    fn new(resource: &'a Resource) -> Self {
        Packer { resource, scopes: Vec::new(), points: 0, bytes: 0, batches: Vec::new() }
    }

    /// Ends the request if `next` has no room in it; returns whether it did.
    fn cut_before(&mut self, next: &Metric) -> bool {
        let cut = self.points > 0 && (self.points + points(next) > MAX_POINTS || self.bytes + next.encoded_len() > MAX_BYTES);
        if cut {
            self.close();
        }
        cut
    }

    fn open(&mut self, header: ScopeMetrics) {
        self.bytes += header.encoded_len();
        self.scopes.push(header);
    }

    fn add(&mut self, metric: Metric) {
        self.points += points(&metric);
        self.bytes += metric.encoded_len();
        if let Some(scope) = self.scopes.last_mut() {
            match scope.metrics.last_mut() {
                Some(last) if last.name == metric.name => append(last, metric),
                _ => scope.metrics.push(metric),
            }
        }
    }

    fn close(&mut self) {
        if self.points == 0 {
            return;
        }
        let request = ExportMetricsServiceRequest {
            resource_metrics: vec![ResourceMetrics {
                resource: Some(self.resource.clone()),
                scope_metrics: std::mem::take(&mut self.scopes),
                schema_url: String::new(),
            }],
        };
        self.batches.push(Batch { payload: request.encode_to_vec().into(), items: self.points as u64 });
        self.points = 0;
        self.bytes = 0;
    }
}

/// Puts pieces of one metric that share a request together again.
fn append(metric: &mut Metric, piece: Metric) {
    match (&mut metric.data, piece.data) {
        (Some(Data::Gauge(data)), Some(Data::Gauge(more))) => data.data_points.extend(more.data_points),
        (Some(Data::Sum(data)), Some(Data::Sum(more))) => data.data_points.extend(more.data_points),
        (Some(Data::Histogram(data)), Some(Data::Histogram(more))) => data.data_points.extend(more.data_points),
        _ => {}
    }
}

fn points(metric: &Metric) -> usize {
    match &metric.data {
        Some(Data::Gauge(data)) => data.data_points.len(),
        Some(Data::Sum(data)) => data.data_points.len(),
        Some(Data::Histogram(data)) => data.data_points.len(),
        Some(Data::ExponentialHistogram(data)) => data.data_points.len(),
        Some(Data::Summary(data)) => data.data_points.len(),
        None => 0,
    }
}

/// The metric in pieces of at most [`CHUNK_POINTS`] points.
fn chunks(metric: Metric) -> Vec<Metric> {
    if points(&metric) <= CHUNK_POINTS {
        return vec![metric];
    }
    let header = Metric { data: None, ..metric };
    let with = |data| Metric { data: Some(data), ..header.clone() };
    match metric.data {
        Some(Data::Gauge(data)) => pieces(data.data_points, |data_points| with(Data::Gauge(Gauge { data_points }))),
        Some(Data::Sum(data)) => {
            let monotonic = data.is_monotonic;
            pieces(data.data_points, |data_points| with(sum(data_points, monotonic)))
        }
        Some(Data::Histogram(data)) => pieces(data.data_points, |data_points| with(histogram(data_points))),
        data => vec![Metric { data, ..header }],
    }
}

fn pieces<P>(points: Vec<P>, metric: impl Fn(Vec<P>) -> Metric) -> Vec<Metric> {
    let mut points = points.into_iter().peekable();
    let mut pieces = Vec::new();
    while points.peek().is_some() {
        pieces.push(metric(points.by_ref().take(CHUNK_POINTS).collect()));
    }
    pieces
}
