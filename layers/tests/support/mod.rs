//! A registry, a layer under a scoped dispatcher, and what it wrote in a form that tests compare.
//!
//! Every test file of this crate calls it. It must never hide an answer of the layer, and installs nothing for the process.
#![allow(dead_code)]

pub(crate) mod met;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use opentelemetry_proto::tonic::common::v1::any_value::Value as Wire;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use prost::Message;
use tracing_core::{Dispatch, dispatcher, subscriber::NoSubscriber};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{Layer, Registry};
use tracing_weaver_layers::{ForwardFilter, LayerStats, PointValue, RecordReader, Settings, Value, Weaver, WeaverLayer, weave};
use tracing_weaver_registry::model::{EnumValue, ResolvedRegistry};
use tracing_weaver_registry::yaml::load_sources;

/// A registry from the text of its one file.
pub(crate) fn registry_of(text: &str) -> Arc<ResolvedRegistry> {
    let manifest = "schema_url: https://example.com/schemas/t/1.0.0";
    Arc::new(load_sources(&[("manifest.yaml", manifest), ("t.yaml", text)]).unwrap_or_else(|faults| panic!("{faults}")))
}

/// The registry that most tests use.
pub(crate) fn registry() -> Arc<ResolvedRegistry> {
    static READ: OnceLock<Arc<ResolvedRegistry>> = OnceLock::new();
    READ.get_or_init(|| registry_of(include_str!("registry.yaml"))).clone()
}

pub(crate) fn filter(directives: &str) -> ForwardFilter {
    ForwardFilter::parse(directives).unwrap()
}

/// Settings with the usual registry.
pub(crate) fn settings(directives: &str) -> Settings {
    let mut settings = Settings::new(registry());
    settings.filter = filter(directives);
    settings
}

/// One layer with its readers.
pub(crate) struct Harness {
    pub(crate) weaver: Arc<Weaver>,
    pub(crate) reader: RecordReader,
    pub(crate) dispatch: Dispatch,
    /// With one dispatcher in the process, a callsite is asked about where it first fires, not where the dispatcher is.
    _second: Dispatch,
}

impl Harness {
    pub(crate) fn new(settings: Settings) -> Harness {
        Harness::in_stack(settings, |ours| Registry::default().with(ours).into())
    }

    /// The usual registry under these directives.
    pub(crate) fn filtered(directives: &str) -> Harness {
        Harness::new(settings(directives))
    }

    /// With a neighbour behind the layer.
    pub(crate) fn beside<L>(settings: Settings, neighbour: L) -> Harness
    where
        L: Layer<tracing_subscriber::layer::Layered<WeaverLayer<Registry>, Registry>> + Send + Sync,
    {
        Harness::in_stack(settings, |ours| Registry::default().with(ours).with(neighbour).into())
    }

    pub(crate) fn in_stack(settings: Settings, stack: impl FnOnce(WeaverLayer<Registry>) -> Dispatch) -> Harness {
        let (layer, weaver, reader) = weave(settings).unwrap();
        Harness { weaver, reader, dispatch: stack(layer), _second: Dispatch::new(NoSubscriber::new()) }
    }

    pub(crate) fn run<R>(&self, code: impl FnOnce() -> R) -> R {
        dispatcher::with_default(&self.dispatch, code)
    }

    pub(crate) fn drain(&mut self) -> Vec<Said> {
        drain(&mut self.reader, &self.weaver)
    }

    pub(crate) fn totals(&self) -> Totals {
        totals(&self.weaver)
    }

    pub(crate) fn stats(&self) -> LayerStats {
        self.weaver.stats()
    }
}

/// A value on a record. Floats are equal if their bits are.
#[derive(Debug, Clone)]
pub(crate) enum Any {
    Str(String),
    Int(i64),
    Double(f64),
    Bool(bool),
    Bytes(Vec<u8>),
    List(Vec<Any>),
}

impl PartialEq for Any {
    fn eq(&self, other: &Any) -> bool {
        match (self, other) {
            (Any::Str(a), Any::Str(b)) => a == b,
            (Any::Int(a), Any::Int(b)) => a == b,
            (Any::Double(a), Any::Double(b)) => a.to_bits() == b.to_bits(),
            (Any::Bool(a), Any::Bool(b)) => a == b,
            (Any::Bytes(a), Any::Bytes(b)) => a == b,
            (Any::List(a), Any::List(b)) => a == b,
            _ => false,
        }
    }
}

impl From<&str> for Any {
    fn from(text: &str) -> Any {
        Any::Str(text.to_owned())
    }
}

impl From<i64> for Any {
    fn from(value: i64) -> Any {
        Any::Int(value)
    }
}

fn any(value: AnyValue) -> Any {
    match value.value.expect("a value is never written without content") {
        Wire::StringValue(s) => Any::Str(s),
        Wire::IntValue(i) => Any::Int(i),
        Wire::DoubleValue(d) => Any::Double(d),
        Wire::BoolValue(b) => Any::Bool(b),
        Wire::BytesValue(b) => Any::Bytes(b),
        Wire::ArrayValue(items) => Any::List(items.values.into_iter().map(any).collect()),
        other => panic!("no such value is ever written: {other:?}"),
    }
}

/// One record as a receiver would see it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Said {
    pub(crate) name: String,
    pub(crate) scope: String,
    pub(crate) known: bool,
    /// Entity types in force, outermost first.
    pub(crate) types: Vec<String>,
    /// Attributes of the scope.
    pub(crate) entities: BTreeMap<String, String>,
    pub(crate) body: Option<Any>,
    pub(crate) attributes: BTreeMap<String, Any>,
    pub(crate) severity: (i32, String),
    pub(crate) time: u64,
    pub(crate) observed: u64,
    pub(crate) dropped_attributes: u32,
    pub(crate) bytes: Vec<u8>,
}

impl Said {
    pub(crate) fn text(&self, key: &str) -> &str {
        match self.attributes.get(key) {
            Some(Any::Str(text)) => text,
            other => panic!("`{key}` is {other:?} in {self:?}"),
        }
    }

    pub(crate) fn keys(&self) -> Vec<&str> {
        self.attributes.keys().map(String::as_str).collect()
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Any> {
        self.attributes.get(key)
    }
}

/// Everything that waits in the queues.
pub(crate) fn drain(reader: &mut RecordReader, weaver: &Weaver) -> Vec<Said> {
    let mut said = Vec::new();
    while reader.drain(1 << 20, &mut |record| {
        let wire = LogRecord::decode(record.bytes).expect("records are LogRecord messages");
        let context = weaver.context(record.scope.context);
        let count = wire.attributes.len();
        let attributes: BTreeMap<_, _> =
            wire.attributes.into_iter().map(|KeyValue { key, value, .. }| (key, any(value.expect("a value")))).collect();
        assert_eq!(count, attributes.len(), "no key stands twice");
        said.push(Said {
            name: wire.event_name,
            scope: weaver.scope_name(record.scope.name).to_string(),
            known: record.scope.known,
            types: context.types.iter().map(ToString::to_string).collect(),
            entities: context.attributes.iter().map(|(key, value)| (key.to_string(), shown(value))).collect(),
            body: wire.body.map(any),
            attributes,
            severity: (wire.severity_number, wire.severity_text),
            time: wire.time_unix_nano,
            observed: wire.observed_time_unix_nano,
            dropped_attributes: wire.dropped_attributes_count,
            bytes: record.bytes.to_vec(),
        });
    }) {}
    said
}

pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::Str(s) => s.to_string(),
        Value::Int(i) => i.to_string(),
        Value::Double(d) => d.to_string(),
        Value::Bool(b) => b.to_string(),
        other => format!("{other:?}"),
    }
}

/// What a member of a set came to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Total {
    Int(i64),
    Double(f64),
    Histogram { counts: Vec<u64>, sum: f64, min: f64, max: f64 },
}

/// Every number of a snapshot under `metric{entities}[dimensions]`.
pub(crate) type Totals = BTreeMap<String, Total>;

/// The name of one number.
pub(crate) fn series(metric: &str, entities: &BTreeMap<String, String>, dimensions: &BTreeMap<String, String>) -> String {
    let list = |map: &BTreeMap<String, String>| map.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join(",");
    format!("{metric}{{{}}}[{}]", list(entities), list(dimensions))
}

/// A snapshot now. Panics where one number stands twice.
pub(crate) fn totals(weaver: &Weaver) -> Totals {
    let registry = weaver.registry();
    let mut totals = Totals::new();
    let snapshot = weaver.snapshot();
    assert!(snapshot.time_unix_nano > 0);
    for set in snapshot.sets {
        assert!(set.start_unix_nano > 0, "a series has a beginning");
        let entities = set.context.attributes.iter().map(|(k, v)| (k.to_string(), shown(v))).collect();
        for point in set.points {
            let dimensions = point.dimensions.iter().map(|(k, v)| (k.to_string(), dimension(v))).collect();
            for (metric, value) in point.values {
                assert_eq!(registry.metric(metric).set, set.set);
                let name = series(&registry.metric(metric).name, &entities, &dimensions);
                let total = match value {
                    PointValue::Int(i) => Total::Int(i),
                    PointValue::Double(d) => Total::Double(d),
                    PointValue::Histogram(h) => Total::Histogram { counts: h.counts, sum: h.sum, min: h.min, max: h.max },
                };
                assert!(totals.insert(name.clone(), total).is_none(), "two points of equal identity: {name}");
            }
        }
    }
    totals
}

fn dimension(value: &EnumValue) -> String {
    match value {
        EnumValue::String(s) => s.clone(),
        EnumValue::Int(i) => i.to_string(),
        EnumValue::Double(d) => d.to_string(),
        EnumValue::Bool(b) => b.to_string(),
    }
}

/// Totals written down by hand: integers only.
pub(crate) fn ints<const N: usize>(of: [(&str, i64); N]) -> Totals {
    of.into_iter().map(|(name, value)| (name.to_owned(), Total::Int(value))).collect()
}
