//! Events, metrics and spans.
//!
//! The reader of sections calls it. It must never look at another definition.

use super::common::{self, KIND};
use super::{annotation, attribute};
use crate::fault::Faults;
use crate::model::{Instrument, SpanKind};
use crate::yaml::read::fields::{Fields, Placed};
use crate::yaml::read::node::{Node, Value};
use crate::yaml::read::raw::{RawAssociation, RawEvent, RawMetric, RawSignal, RawSpan};

const COMMON: [&str; 8] =
    ["brief", "note", "stability", "deprecated", "annotations", "attributes", "entity_associations", "requirement_level"];

/// One item of the section `events`.
pub(super) fn event(node: &Node, faults: &mut Faults) -> Option<RawEvent> {
    let fields = open(node, "an event", &["name"], faults)?;
    let name = fields.required_name("name", faults);
    let ours = annotation::event(fields, faults);
    let signal = signal(fields, name, false, faults);
    Some(RawEvent { signal: signal?, severity: ours.severity, forward: ours.forward })
}

/// One item of the section `metrics`.
pub(super) fn metric(node: &Node, faults: &mut Faults) -> Option<RawMetric> {
    let fields = open(node, "a metric", &["name", "unit", "instrument"], faults)?;
    let name = fields.required_name("name", faults);
    let unit = fields.required_text("unit", faults).map(|unit| unit.value).unwrap_or_default();
    let instruments = [
        ("counter", Instrument::Counter),
        ("updowncounter", Instrument::UpDownCounter),
        ("gauge", Instrument::Gauge),
        ("histogram", Instrument::Histogram),
    ];
    let instrument = fields.required_choice("instrument", &instruments, faults);
    let ours = annotation::metric(fields, instrument.as_ref().map(|instrument| instrument.value), faults);
    let signal = signal(fields, name, false, faults);
    let instrument = instrument.map_or(Instrument::Gauge, |instrument| instrument.value);
    Some(RawMetric { signal: signal?, unit, instrument, ours })
}

/// One item of the section `spans`.
pub(super) fn span(node: &Node, faults: &mut Faults) -> Option<RawSpan> {
    let fields = open(node, "a span", &["type", "kind", "name"], faults)?;
    let span_type = fields.required_name("type", faults);
    let kinds = [
        ("internal", SpanKind::Internal),
        ("client", SpanKind::Client),
        ("server", SpanKind::Server),
        ("producer", SpanKind::Producer),
        ("consumer", SpanKind::Consumer),
    ];
    let kind = fields.required_choice("kind", &kinds, faults).map_or(SpanKind::Internal, |kind| kind.value);
    let name_note = fields.required("name", faults).and_then(|node| span_name(node, faults)).unwrap_or_default();
    annotation::span(fields, faults);
    let signal = signal(fields, span_type, true, faults);
    Some(RawSpan { signal: signal?, kind, name_note })
}

fn open<'n>(node: &'n Node, what: &'static str, own: &[&'static str], faults: &mut Faults) -> Option<Fields<'n>> {
    let accepted: Vec<&'static str> = own.iter().chain(&COMMON).copied().collect();
    Fields::of(node, what, KIND, &accepted, faults)
}

fn signal(fields: Fields<'_>, name: Option<Placed<String>>, of_span: bool, faults: &mut Faults) -> Option<RawSignal> {
    let common = common::definition(fields, faults);
    common::check_signal_level(fields, faults);
    let attributes = attribute::items(fields, "attributes", of_span, faults);
    let association = association(fields, faults);
    Some(RawSignal { name: name?, common, attributes, association })
}

/// `name: {note}` of a span.
pub(super) fn span_name(node: &Node, faults: &mut Faults) -> Option<String> {
    let name = Fields::of(node, "the `name` of a span", KIND, &["note"], faults)?;
    name.required_text("note", faults).map(|note| note.value)
}

/// `entity_associations`.
pub(super) fn association(fields: Fields<'_>, faults: &mut Faults) -> Option<RawAssociation> {
    let node = fields.get("entity_associations")?;
    match &node.value {
        Value::List(items) if items.is_empty() => None,
        Value::List(items) => Some(RawAssociation::OneOf(branches(items, faults))),
        _ => branch(node, faults),
    }
}

fn branches(items: &[Node], faults: &mut Faults) -> Vec<RawAssociation> {
    items.iter().filter_map(|item| branch(item, faults)).collect()
}

fn branch(node: &Node, faults: &mut Faults) -> Option<RawAssociation> {
    match &node.value {
        Value::String(name) => Some(RawAssociation::Entity(Placed::new(name.clone(), node.at))),
        Value::Map(_) => {
            let fields = Fields::of(node, "an entity association", KIND, &["one_of", "all_of"], faults)?;
            let [entry] = fields.entries() else {
                faults
                    .push(KIND, node.at, format!("an entity association with {} keys", fields.entries().len()))
                    .expected("`one_of` or `all_of`");
                return None;
            };
            let items = fields.list(&entry.key, faults);
            if items.is_empty() {
                faults
                    .push(KIND, entry.at, format!("`{}` of nothing", crate::yaml::read::node::shorten(&entry.key)))
                    .expected("at least one entity");
                return None;
            }
            match entry.key.as_str() {
                "one_of" => Some(RawAssociation::OneOf(branches(items, faults))),
                "all_of" => Some(RawAssociation::AllOf(branches(items, faults))),
                _ => None,
            }
        }
        _ => {
            faults
                .push(KIND, node.at, format!("{} as an entity association", node.describe()))
                .expected("an entity type, `one_of` or `all_of`");
            None
        }
    }
}
