//! `metric_set`, `fold`, `aggregation` and `value`, and upstream's `code_generation.metric_value_type`.
//!
//! The reader of metrics calls it. It must never look up the events and attributes that a fold names.

use super::names::{KIND, Target, name, natural, open, single};
use crate::fault::Faults;
use crate::model::{Aggregation, Instrument, NumberType, SpanValue};
use crate::yaml::read::definition::common::verbatim;
use crate::yaml::read::fields::{Fields, Placed, list, one_of};
use crate::yaml::read::node::{Node, Value, shorten};
use crate::yaml::read::raw::{MetricAnnotations, RawFold, RawFoldSource, RawFoldValue};

/// Buckets a side of an exponential histogram where the annotation does not say: OpenTelemetry's default.
const DEFAULT_MAX_SIZE: u32 = 160;
/// Most bounds of an explicit histogram.
const MAX_BOUNDS: usize = 1_000;

/// On a metric.
pub(in crate::yaml::read::definition) fn metric(
    fields: Fields<'_>,
    instrument: Option<Instrument>,
    faults: &mut Faults,
) -> MetricAnnotations {
    let upstream_number_type = upstream_number_type(fields);
    let Some(ours) = open(fields, Target::Metric, faults) else {
        return MetricAnnotations { upstream_number_type, ..MetricAnnotations::default() };
    };
    let aggregation = ours.get("aggregation").and_then(|node| Some(Placed::new(aggregation(node, faults)?, node.at)));
    if let Some(node) = ours.get("aggregation")
        && instrument.is_some_and(|instrument| instrument != Instrument::Histogram)
    {
        faults
            .push(KIND, node.at, "`aggregation` on a metric that is no histogram")
            .expected("`instrument: histogram`")
            .help("only a distribution has buckets, minimum and maximum");
    }
    MetricAnnotations {
        set: ours.get("metric_set").and_then(|node| set_name(node, faults)),
        folds: folds(ours, faults),
        aggregation,
        number_type: ours.choice("value", &[("int", NumberType::Int), ("double", NumberType::Double)], faults),
        upstream_number_type,
    }
}

fn upstream_number_type(fields: Fields<'_>) -> Option<Placed<NumberType>> {
    let Value::Map(annotations) = &fields.get("annotations")?.value else { return None };
    let Value::Map(entries) = &annotations.iter().find(|entry| entry.key == "code_generation")?.value.value else { return None };
    let node = &entries.iter().find(|entry| entry.key == "metric_value_type")?.value;
    let number_type = match &node.value {
        Value::String(word) if word == "int" => NumberType::Int,
        Value::String(word) if word == "double" => NumberType::Double,
        _ => return None,
    };
    Some(Placed::new(number_type, node.at))
}

fn set_name(node: &Node, faults: &mut Faults) -> Option<Placed<String>> {
    if let Value::Map(_) = node.value {
        faults
            .push(KIND, node.at, "a map as `metric_set` of a metric")
            .expected("the id of a public attribute group")
            .help("`metric_set: {entity, keep}` stands on the group");
        return None;
    }
    name(node, "metric_set", faults)
}

fn folds(ours: Fields<'_>, faults: &mut Faults) -> Vec<RawFold> {
    match ours.get("fold") {
        None => Vec::new(),
        Some(Node { value: Value::List(items), .. }) => items.iter().filter_map(|node| fold(node, faults)).collect(),
        Some(node) => fold(node, faults).into_iter().collect(),
    }
}

fn fold(node: &Node, faults: &mut Faults) -> Option<RawFold> {
    let any = Fields::open(node, "`fold`", KIND, faults)?;
    let sources: Vec<&str> = ["event", "span", "observe"].into_iter().filter(|source| any.entry(source).is_some()).collect();
    let source = match sources.as_slice() {
        [source] => *source,
        [] => {
            let help = match any.entries() {
                [] => String::new(),
                entries => {
                    let mut help = String::new();
                    for entry in entries {
                        if help.is_empty() && !["value", "when", "unit"].contains(&entry.key.as_str()) {
                            help = faults.suggestions.did_you_mean(&entry.key, ["event", "span", "observe"]);
                        }
                    }
                    help
                }
            };
            faults.push(KIND, node.at, "a fold without a source").expected(one_of(&["event", "span", "observe"])).help(help);
            return None;
        }
        _ => {
            faults.push(KIND, node.at, "a fold with several sources").expected("one source").help("write a list of folds");
            return None;
        }
    };
    let accepted: &[&'static str] = match source {
        "event" => &["event", "value", "when", "unit"],
        "span" => &["span", "value", "when", "unit"],
        _ => &["observe", "unit"],
    };
    let fields = Fields::of(node, "a fold", KIND, accepted, faults)?;
    let unit = fields.text("unit", faults).map(|unit| unit.value);
    let when = fields.get("when").map(|node| conditions(node, faults)).unwrap_or_default();
    let source = match source {
        "event" => {
            let event = fields.required("event", faults).and_then(|node| name(node, "event", faults));
            let value = fields.get("value").map_or(Some(RawFoldValue::Constant(1)), |node| event_value(node, faults));
            RawFoldSource::Event { event: event?, value }
        }
        "span" => {
            let span = fields.required("span", faults).and_then(|node| name(node, "span", faults));
            let values = [("duration", SpanValue::Duration), ("busy", SpanValue::Busy), ("idle", SpanValue::Idle)];
            let value = fields.required_choice("value", &values, faults);
            RawFoldSource::Span { span: span?, value: value.map(|value| value.value) }
        }
        _ => {
            let observe = fields.boolean("observe", faults)?;
            if !observe.value {
                faults.push(KIND, observe.at, "`observe: false`").expected("`observe: true`, or no fold");
                return None;
            }
            RawFoldSource::Observe
        }
    };
    Some(RawFold { at: node.at, source, when, unit })
}

fn event_value(node: &Node, faults: &mut Faults) -> Option<RawFoldValue> {
    match &node.value {
        Value::Int(constant) => Some(RawFoldValue::Constant(*constant)),
        Value::String(_) => name(node, "value", faults).map(RawFoldValue::Attribute),
        _ => {
            faults
                .push(KIND, node.at, format!("{} as the value of a fold", node.describe()))
                .expected("an integer, or the key of an attribute of the event");
            None
        }
    }
}

fn conditions(node: &Node, faults: &mut Faults) -> Vec<(Placed<String>, Vec<Placed<crate::model::AnnotationValue>>)> {
    let Some(fields) = Fields::open(node, "`when`", KIND, faults) else { return Vec::new() };
    let mut conditions = Vec::new();
    for entry in fields.entries() {
        let Some(values) = list(&entry.value, &entry.key, KIND, faults) else { continue };
        if values.is_empty() {
            faults.push(KIND, entry.value.at, format!("`{}` with no value in `when`", shorten(&entry.key))).expected("at least one value");
        }
        let values = values.iter().filter_map(|value| match value.value {
            Value::List(_) | Value::Map(_) | Value::Null => {
                faults.push(KIND, value.at, format!("{} in `when`", value.describe())).expected("a text, a number or a boolean");
                None
            }
            _ => Some(Placed::new(verbatim(value), value.at)),
        });
        conditions.push((Placed::new(entry.key.clone(), entry.at), values.collect()));
    }
    conditions
}

fn aggregation(node: &Node, faults: &mut Faults) -> Option<Aggregation> {
    let words = ["mmsc", "exponential", "explicit"];
    match &node.value {
        Value::String(word) if word == "mmsc" => Some(Aggregation::Mmsc),
        Value::String(word) if word == "exponential" => Some(Aggregation::Exponential { max_size: DEFAULT_MAX_SIZE }),
        Value::String(word) => {
            let help =
                if word == "explicit" { "write `{explicit: [BOUNDS]}`".to_owned() } else { faults.suggestions.did_you_mean(word, words) };
            faults.push(KIND, node.at, format!("`{}` as `aggregation`", shorten(word))).expected(AGGREGATIONS).help(help);
            None
        }
        Value::Map(_) => match single(node, "`aggregation`", &["exponential", "explicit"], faults)? {
            ("exponential", options) if matches!(options.value, Value::Null) => {
                Some(Aggregation::Exponential { max_size: DEFAULT_MAX_SIZE })
            }
            ("exponential", options) => {
                let fields = Fields::of(options, "`exponential`", KIND, &["max_size"], faults)?;
                let max_size = fields
                    .get("max_size")
                    .map_or(Some(u64::from(DEFAULT_MAX_SIZE)), |node| natural(node, "max_size", 2, 10_000, faults))?;
                Some(Aggregation::Exponential { max_size: max_size as u32 })
            }
            (_, bounds) => explicit(bounds, faults).map(Aggregation::Explicit),
        },
        _ => {
            faults.push(KIND, node.at, format!("{} as `aggregation`", node.describe())).expected(AGGREGATIONS);
            None
        }
    }
}

const AGGREGATIONS: &str = "`mmsc`, `exponential`, `{exponential: {max_size: N}}` or `{explicit: [BOUNDS]}`";

fn explicit(node: &Node, faults: &mut Faults) -> Option<Vec<f64>> {
    let items = list(node, "explicit", KIND, faults)?;
    if items.is_empty() || items.len() > MAX_BOUNDS {
        faults
            .push(KIND, node.at, format!("{} explicit bounds", items.len()))
            .expected(format!("from 1 to {MAX_BOUNDS} bounds"))
            .help(if items.is_empty() { "`mmsc` is a distribution without bounds" } else { "" });
        return None;
    }
    let mut bounds: Vec<f64> = Vec::with_capacity(items.len());
    let mut right = true;
    for item in items {
        let bound = match item.value {
            Value::Int(bound) => bound as f64,
            Value::Double(bound) if bound.is_finite() => bound,
            _ => {
                faults.push(KIND, item.at, format!("{} as a bound", item.describe())).expected("a finite number");
                right = false;
                continue;
            }
        };
        if bounds.last().is_some_and(|last| *last >= bound) {
            faults
                .push(KIND, item.at, format!("the bound {bound} after {}", bounds[bounds.len() - 1]))
                .expected("strictly ascending bounds");
            right = false;
        }
        bounds.push(bound);
    }
    right.then_some(bounds)
}
