//! Metric sets as tables: one for each set, a row for each entity, by its identity, and combination of dimensions.
//! `Display` of a snapshot and the summary at shutdown print them.
//! What is the same in every row stands once, above; text of the program is made fit for a terminal.

use std::fmt;

use tracing_weaver_layers::Value;
use tracing_weaver_registry::model::{EnumValue, MetricSetId};

use super::number::{Unit, point};
use super::table::Table;
use crate::escape;
use crate::snapshot::{MetricSet, MetricsSnapshot};

/// Characters of one cell.
const MAX_CELL: usize = 40;

impl fmt::Display for MetricsSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sets: Vec<MetricSet<'_>> = self.sets().collect();
        let same = |a: &MetricSet<'_>, b: &MetricSet<'_>| a.snapshot().set == b.snapshot().set;
        for (at, entities) in sets.chunk_by(same).enumerate() {
            if at > 0 {
                writeln!(f)?;
            }
            write_set(f, self, entities)?;
        }
        Ok(())
    }
}

/// Names of a row, key and value.
type Names = Vec<(String, String)>;

fn write_set(f: &mut fmt::Formatter<'_>, snapshot: &MetricsSnapshot, entities: &[MetricSet<'_>]) -> fmt::Result {
    let Some(first) = entities.first() else { return Ok(()) };
    let mut rows: Vec<(Names, _)> =
        entities.iter().flat_map(|set| set.points().map(|point| (names(set, point.dimensions()), point))).collect();
    let keys = keys(rows.iter().map(|(names, _)| names));
    let cell = |names: &Names, key: &str| names.iter().find(|(known, _)| known == key).map_or("-", |(_, value)| value).to_owned();
    rows.sort_by_cached_key(|(names, _)| keys.iter().map(|key| cell(names, key)).collect::<Vec<_>>());
    let (varied, common): (Vec<&String>, Vec<&String>) =
        keys.iter().partition(|key| rows.iter().any(|(names, _)| cell(names, key) != cell(&rows[0].0, key)));

    write!(f, "{}", escape::text(first.name()))?;
    common.iter().try_for_each(|key| write!(f, "  {key}={}", cell(&rows[0].0, key)))?;
    writeln!(f)?;

    let columns = columns(snapshot, first.snapshot().set, |metric| rows.iter().any(|(_, point)| point.value(metric).is_some()));
    // The registry's own prefix stands in every name of it.
    let namespace = first.name().split_once('.').map_or("", |(namespace, _)| namespace);
    let short = |key: &str| key.strip_prefix(namespace).and_then(|rest| rest.strip_prefix('.')).unwrap_or(key).to_owned();
    let head = varied.iter().map(|key| short(key)).chain(columns.iter().map(|column| column.head.clone())).collect();
    let mut table = Table::new(head, varied.len());
    for (names, values) in &rows {
        let names = varied.iter().map(|key| cell(names, key));
        let values = columns.iter().map(|column| values.value(column.metric).map_or(String::new(), |value| point(value, column.unit)));
        table.row(names.chain(values).collect());
    }
    write!(f, "{table}")
}

/// All keys, in the order of the row that has most of them: entities outermost first, then dimensions.
fn keys<'a>(rows: impl Iterator<Item = &'a Names>) -> Vec<String> {
    let mut rows: Vec<&Names> = rows.collect();
    rows.sort_by_key(|names| std::cmp::Reverse(names.len()));
    let mut keys: Vec<String> = Vec::new();
    for (key, _) in rows.into_iter().flatten() {
        if !keys.contains(key) {
            keys.push(key.clone());
        }
    }
    keys
}

fn names(set: &MetricSet<'_>, dimensions: &[(std::sync::Arc<str>, EnumValue)]) -> Names {
    let identity = set.identity().map(|(key, value)| (escape::text(key), attribute(value)));
    identity.chain(dimensions.iter().map(|(key, value)| (escape::text(key), member(value)))).collect()
}

struct Column<'a> {
    metric: &'a str,
    head: String,
    unit: Unit<'a>,
}

/// The set's metrics that have a value, named without what the set's name says already.
fn columns<'a>(snapshot: &'a MetricsSnapshot, set: MetricSetId, has_value: impl Fn(&str) -> bool) -> Vec<Column<'a>> {
    let registry = snapshot.registry();
    let set = registry.metric_set(set);
    let metrics = set.metrics.iter().map(|metric| registry.metric(*metric)).filter(|metric| has_value(&metric.name));
    let column = |metric: &'a tracing_weaver_registry::model::Metric| {
        let unit = Unit::of(&metric.unit);
        let name = match beyond(&set.name, &metric.name) {
            "" => "value",
            name => name,
        };
        let head = match unit {
            Unit::Named(unit) => format!("{name} ({unit})"),
            _ => name.to_owned(),
        };
        Column { metric: &metric.name, head: escape::text(&head), unit }
    };
    metrics.map(column).collect()
}

/// What is left of a metric's name after the segments that it shares with its set's.
fn beyond<'a>(set: &str, metric: &'a str) -> &'a str {
    let shared = set.split('.').zip(metric.split('.')).take_while(|(a, b)| a == b);
    let length: usize = shared.map(|(segment, _)| segment.len() + 1).sum();
    metric.get(length..).unwrap_or_default()
}

fn attribute(value: &Value) -> String {
    match value {
        Value::Str(text) => escape::short(text, MAX_CELL),
        Value::Int(int) => int.to_string(),
        Value::Double(double) => double.to_string(),
        Value::Bool(bool) => bool.to_string(),
        Value::Bytes(bytes) => format!("<{} bytes>", bytes.len()),
        Value::StrArray(texts) => escape::short(&texts.join(","), MAX_CELL),
    }
}

fn member(value: &EnumValue) -> String {
    match value {
        EnumValue::String(text) => escape::short(text, MAX_CELL),
        EnumValue::Int(int) => int.to_string(),
        EnumValue::Double(double) => double.to_string(),
        EnumValue::Bool(bool) => bool.to_string(),
    }
}
