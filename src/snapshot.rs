//! Metric sets as they are now, for a program to read in process.
//! `Telemetry::metrics_snapshot` takes it; tests and the summary read it.
//! It is a copy: reading it disturbs neither producers nor export.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tracing_weaver_layers::{self as layers, PointValue, SetSnapshot, Value};
use tracing_weaver_registry::model::{EnumValue, ResolvedRegistry};

/// All metric sets at one time. Its `Display` is a table for each set, a line for each of its entities.
///
/// ```
/// # use tracing_subscriber::prelude::*;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let registry = tracing_weaver_registry::yaml::load_sources(&[
/// #     ("manifest.yaml", "schema_url: https://example.com/schemas/acme/1.0.0"),
/// #     ("acme.yaml", include_str!("../tests/registry/acme/acme.yaml")),
/// # ])?.to_bytes();
/// # let (telemetry, layer) = tracing_weaver::builder().registry_bytes(registry).console(false).build()?;
/// # tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
/// #     let _shop = tracing::info_span!("acme.shop", acme.shop.id = "north").entered();
/// #     tracing::event!(name: "acme.order.accept", tracing::Level::INFO, acme.order.items = 3, acme.order.outcome = "success");
/// # });
/// let snapshot = telemetry.metrics_snapshot();
/// for series in snapshot.metric("acme.shop.order.items") {
///     println!("{:?} {:?}: {:?}", series.set.attributes(), series.point.dimensions(), series.value);
/// }
/// assert_eq!(snapshot.total("acme.shop.order.items"), 3.0);
/// assert_eq!(snapshot.total("acme.unknown"), 0.0);
/// println!("{snapshot}");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct MetricsSnapshot {
    registry: Arc<ResolvedRegistry>,
    snapshot: layers::MetricsSnapshot,
}

impl MetricsSnapshot {
    pub(crate) fn new(registry: Arc<ResolvedRegistry>, snapshot: layers::MetricsSnapshot) -> Self {
        MetricsSnapshot { registry, snapshot }
    }

    /// When it was taken.
    pub fn time(&self) -> SystemTime {
        time(self.snapshot.time_unix_nano)
    }

    /// The sets that were written to, one for each entity that it describes.
    pub fn sets(&self) -> impl Iterator<Item = MetricSet<'_>> {
        self.snapshot.sets.iter().map(|set| MetricSet { registry: &self.registry, set })
    }

    /// All series of one metric; none for a name that the registry does not know or that was not written to.
    pub fn metric(&self, name: &str) -> impl Iterator<Item = Series<'_>> {
        let name = name.to_owned();
        self.sets().flat_map(move |set| {
            let name = name.clone();
            set.points().filter_map(move |point| Some(Series { set, point, value: point.value(&name)? }))
        })
    }

    /// The sum over all series of a metric; of a distribution, the sum of its measurements. 0 where there are none.
    pub fn total(&self, metric: &str) -> f64 {
        self.metric(metric)
            .map(|series| match series.value {
                PointValue::Int(int) => *int as f64,
                PointValue::Double(double) => *double,
                PointValue::Histogram(histogram) => histogram.sum,
            })
            // Not `sum`: of nothing that is -0.
            .fold(0.0, |total, value| total + value)
    }

    pub(crate) fn registry(&self) -> &ResolvedRegistry {
        &self.registry
    }
}

/// One metric set of one entity.
///
/// ```
/// # use tracing_subscriber::prelude::*;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let registry = tracing_weaver_registry::yaml::load_sources(&[
/// #     ("manifest.yaml", "schema_url: https://example.com/schemas/acme/1.0.0"),
/// #     ("acme.yaml", include_str!("../tests/registry/acme/acme.yaml")),
/// # ])?.to_bytes();
/// # let (telemetry, layer) = tracing_weaver::builder().registry_bytes(registry).console(false).build()?;
/// # tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
/// #     let _shop = tracing::info_span!("acme.shop", acme.shop.id = "north").entered();
/// #     tracing::event!(name: "acme.order.accept", tracing::Level::INFO, acme.order.items = 3, acme.order.outcome = "success");
/// # });
/// let snapshot = telemetry.metrics_snapshot();
/// for set in snapshot.sets() {
///     assert_eq!((set.name(), &*set.entity_types()[0]), ("acme.shop.order", "acme.shop"));
///     assert!(set.start() <= snapshot.time() && set.points().count() == 1);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct MetricSet<'a> {
    registry: &'a ResolvedRegistry,
    set: &'a SetSnapshot,
}

impl<'a> MetricSet<'a> {
    /// Its id in the registry.
    pub fn name(&self) -> &'a str {
        &self.registry.metric_set(self.set.set).name
    }

    /// Types of the entities it describes, outermost first; none for measurements that were made where no such entity was in force.
    pub fn entity_types(&self) -> &'a [Arc<str>] {
        &self.set.context.types
    }

    /// Identity and description of these entities.
    pub fn attributes(&self) -> &'a [(Arc<str>, Value)] {
        &self.set.context.attributes
    }

    /// Identity alone: what tells one entity from another.
    pub fn identity(&self) -> impl Iterator<Item = (&'a str, &'a Value)> + use<'a> {
        let registry = self.registry;
        let entities = self.entity_types().iter().filter_map(|of| registry.entity_by_type(of));
        let keys: Vec<&str> = entities
            .flat_map(|id| &registry.entity(id).identity)
            .map(|reference| registry.attribute(reference.attribute).key.as_str())
            .collect();
        self.attributes().iter().filter(move |(key, _)| keys.contains(&&**key)).map(|(key, value)| (&**key, value))
    }

    /// When the series began.
    pub fn start(&self) -> SystemTime {
        time(self.set.start_unix_nano)
    }

    /// Its points, one for each combination of dimensions.
    pub fn points(&self) -> impl Iterator<Item = MetricPoint<'a>> + use<'a> {
        let registry = self.registry;
        self.set.points.iter().map(move |point| MetricPoint { registry, point })
    }

    pub(crate) fn snapshot(&self) -> &'a SetSnapshot {
        self.set
    }
}

/// One multivariate point of a metric set.
///
/// ```
/// # use tracing_subscriber::prelude::*;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let registry = tracing_weaver_registry::yaml::load_sources(&[
/// #     ("manifest.yaml", "schema_url: https://example.com/schemas/acme/1.0.0"),
/// #     ("acme.yaml", include_str!("../tests/registry/acme/acme.yaml")),
/// # ])?.to_bytes();
/// # let (telemetry, layer) = tracing_weaver::builder().registry_bytes(registry).console(false).build()?;
/// # tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
/// #     let _shop = tracing::info_span!("acme.shop", acme.shop.id = "north").entered();
/// #     tracing::event!(name: "acme.order.accept", tracing::Level::INFO, acme.order.items = 3, acme.order.outcome = "success");
/// # });
/// let snapshot = telemetry.metrics_snapshot();
/// let set = snapshot.sets().next().expect("one was written to");
/// let point = set.points().next().expect("one combination of dimensions");
/// assert_eq!(&*point.dimensions()[0].0, "acme.order.outcome");
/// assert_eq!(point.value("acme.shop.order.items"), Some(&tracing_weaver::PointValue::Int(3)));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct MetricPoint<'a> {
    registry: &'a ResolvedRegistry,
    point: &'a layers::Point,
}

impl<'a> MetricPoint<'a> {
    /// Its dimensions by attribute key; one that was not recorded is absent.
    pub fn dimensions(&self) -> &'a [(Arc<str>, EnumValue)] {
        &self.point.dimensions
    }

    /// Names and values of the metrics that were written to, cumulative since the start.
    pub fn values(&self) -> impl Iterator<Item = (&'a str, &'a PointValue)> + use<'a> {
        let registry = self.registry;
        self.point.values.iter().map(move |(metric, value)| (registry.metric(*metric).name.as_str(), value))
    }

    /// The value of one metric.
    pub fn value(&self, metric: &str) -> Option<&'a PointValue> {
        self.values().find(|(name, _)| *name == metric).map(|(_, value)| value)
    }
}

/// One series of a metric.
///
/// ```
/// # use tracing_subscriber::prelude::*;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let registry = tracing_weaver_registry::yaml::load_sources(&[
/// #     ("manifest.yaml", "schema_url: https://example.com/schemas/acme/1.0.0"),
/// #     ("acme.yaml", include_str!("../tests/registry/acme/acme.yaml")),
/// # ])?.to_bytes();
/// # let (telemetry, layer) = tracing_weaver::builder().registry_bytes(registry).console(false).build()?;
/// # tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
/// #     let _shop = tracing::info_span!("acme.shop", acme.shop.id = "north").entered();
/// #     tracing::event!(name: "acme.order.accept", tracing::Level::INFO, acme.order.items = 3, acme.order.outcome = "success");
/// # });
/// let snapshot = telemetry.metrics_snapshot();
/// let series = snapshot.metric("acme.shop.order.items").next().expect("it was written to");
/// assert_eq!(series.value, &tracing_weaver::PointValue::Int(3));
/// assert_eq!(series.set.identity().collect::<Vec<_>>(), [("acme.shop.id", &tracing_weaver::Value::Str("north".into()))]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Series<'a> {
    /// The set and entity that it belongs to.
    pub set: MetricSet<'a>,
    /// The point, with the values of the set's other metrics.
    pub point: MetricPoint<'a>,
    /// The metric's value.
    pub value: &'a PointValue,
}

fn time(unix_nano: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_nanos(unix_nano)).unwrap_or(SystemTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_of_nothing_is_zero_and_reads_as_zero() {
        let snapshot = MetricsSnapshot::new(Arc::default(), Default::default());
        assert_eq!(snapshot.total("acme.unknown").to_string(), "0");
    }
}
