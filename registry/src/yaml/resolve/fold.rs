//! Folds: from names of events, spans and attributes to ids, and the number type that follows from them.
//!
//! Lowering calls it for each metric. It must never let a fold pass whose value could not be measured.

use super::ids::Ids;
use super::item::{Event, Metric};
use super::package::Package;
use super::reference::{Definition, Reference};
use super::refined;
use crate::fault::{ErrorKind, Faults};
use crate::model::{AnnotationValue, AttributeType, EnumValue, Fold, FoldSource, FoldValue, Instrument, NumberType};
use crate::yaml::read::fields::Placed;
use crate::yaml::read::raw::{ItemKind, RawFold, RawFoldSource, RawFoldValue};
use crate::yaml::read::shorten;

/// The folds of a metric by id: from an event that it names, and from every refinement of it. Those with a fault are left out.
pub(super) fn folds(metric: &Metric, root: &Package, ids: &Ids, faults: &mut Faults) -> Vec<Fold> {
    let mut folds = Vec::new();
    let is_named =
        |id: &str| metric.ours.folds.iter().any(|raw| matches!(&raw.source, RawFoldSource::Event { event, .. } if event.value == id));
    for raw in &metric.ours.folds {
        let Some(fold) = fold(raw, metric, root, ids, faults) else { continue };
        if let (RawFoldSource::Event { event: name, .. }, FoldSource::Event { value, .. }) = (&raw.source, &fold.source) {
            for refinement in refined::of(root, ItemKind::Event, &name.value).filter(|refinement| !is_named(&refinement.id)) {
                let source = ids.event(&refinement.id).map(|event| FoldSource::Event { event, value: value.clone() });
                folds.extend(source.map(|source| Fold { source, ..fold.clone() }));
            }
        }
        folds.push(fold);
    }
    folds
}

fn fold(raw: &RawFold, metric: &Metric, root: &Package, ids: &Ids, faults: &mut Faults) -> Option<Fold> {
    let attributes: &[Reference];
    let source = match &raw.source {
        RawFoldSource::Event { event: name, value } => {
            let event = event(name, root, faults)?;
            attributes = &event.signal.attributes;
            let value = value.as_ref().and_then(|value| event_value(value, name, attributes, raw, metric, ids, faults));
            ids.event(&name.value).zip(value).map(|(event, value)| FoldSource::Event { event, value })
        }
        RawFoldSource::Span { span: name, value } => {
            let Some(span) = root.spans.get(&name.value) else {
                missing(name, "span", root.spans.keys().map(String::as_str), root, faults);
                return None;
            };
            attributes = &span.signal.attributes;
            value.map(|value| FoldSource::Span { span_type: name.value.clone(), value })
        }
        RawFoldSource::Observe => {
            if metric.instrument == Instrument::Histogram {
                faults
                    .push(
                        ErrorKind::InvalidFold,
                        raw.at,
                        format!("the histogram `{}` as an observed value", shorten(&metric.signal.name.value)),
                    )
                    .expected("a counter, an updowncounter or a gauge");
            }
            attributes = &[];
            Some(FoldSource::Observe)
        }
    };
    let mut when = Vec::new();
    for (key, values) in &raw.when {
        let Some(definition) = declared(key, attributes, "the source of the fold", faults) else { continue };
        for value in values {
            check_condition(definition, value, faults);
        }
        let values = values.iter().map(|value| value.value.clone()).collect();
        when.extend(ids.attribute(&key.value).map(|id| (id, values)));
    }
    Some(Fold { source: source?, when, unit: raw.unit.clone() })
}

fn event_value(
    value: &RawFoldValue,
    event: &Placed<String>,
    attributes: &[Reference],
    raw: &RawFold,
    metric: &Metric,
    ids: &Ids,
    faults: &mut Faults,
) -> Option<FoldValue> {
    match value {
        RawFoldValue::Constant(constant) => {
            let adds_only = matches!(metric.instrument, Instrument::Counter | Instrument::Histogram);
            if *constant < 0 && adds_only {
                faults
                    .push(
                        ErrorKind::InvalidFold,
                        raw.at,
                        format!("the negative value {constant} in the fold of `{}`", shorten(&metric.signal.name.value)),
                    )
                    .expected("a value that is not negative, or `instrument: updowncounter`");
            }
            Some(FoldValue::Constant(*constant))
        }
        RawFoldValue::Attribute(key) => {
            let definition = declared(key, attributes, &format!("the event `{}`", shorten(&event.value)), faults)?;
            if !matches!(definition.attribute.attribute_type, AttributeType::Int | AttributeType::Double) {
                faults
                    .push(
                        ErrorKind::InvalidFold,
                        key.at,
                        format!("the attribute `{}` as the value of a fold is no number", shorten(&key.value)),
                    )
                    .expected("an attribute of type `int` or `double`");
                return None;
            }
            Some(FoldValue::Attribute(ids.attribute(&key.value)?))
        }
    }
}

fn event<'p>(name: &Placed<String>, root: &'p Package, faults: &mut Faults) -> Option<&'p Event> {
    let found = root.events.get(&name.value);
    if found.is_none() {
        missing(name, "event", root.events.keys().map(String::as_str), root, faults);
    }
    found.map(|event| &**event)
}

fn missing<'a>(name: &Placed<String>, word: &str, known: impl Iterator<Item = &'a str> + Clone, root: &Package, faults: &mut Faults) {
    if faults.is_full() || root.may_hold(&name.value, known.clone()) {
        return;
    }
    let abroad = root
        .dependencies
        .iter()
        .any(|dependency| dependency.events.contains_key(&name.value) || dependency.spans.contains_key(&name.value));
    let help = if abroad {
        format!("a dependency has it: add it to `imports: {{{word}s: […]}}`")
    } else {
        faults.suggestions.did_you_mean(&name.value, known)
    };
    faults
        .push(ErrorKind::InvalidFold, name.at, format!("no {word} `{}` to fold", shorten(&name.value)))
        .expected(format!("the {word} in this registry"))
        .help(help);
}

fn declared<'a>(key: &Placed<String>, attributes: &'a [Reference], what: &str, faults: &mut Faults) -> Option<&'a Definition> {
    if let Some(reference) = by_key(attributes, &key.value) {
        return Some(&reference.definition);
    }
    if faults.is_full() {
        return None;
    }
    let by_field = attributes.iter().find(|reference| reference.fields().any(|field| field == key.value));
    let help = match by_field {
        Some(reference) => format!("`{}` is a field name of `{}`: write the key", shorten(&key.value), shorten(reference.key())),
        None => faults.suggestions.did_you_mean(&key.value, attributes.iter().map(Reference::key)),
    };
    faults
        .push(ErrorKind::InvalidFold, key.at, format!("{what} does not declare the attribute `{}`", shorten(&key.value)))
        .expected("the key of an attribute that stands there")
        .help(help);
    None
}

/// A signal's references stand sorted by key.
fn by_key<'a>(sorted: &'a [Reference], key: &str) -> Option<&'a Reference> {
    sorted.binary_search_by(|reference| reference.key().cmp(key)).ok().map(|place| &sorted[place])
}

fn check_condition(definition: &Definition, value: &Placed<AnnotationValue>, faults: &mut Faults) {
    let attribute_type = &definition.attribute.attribute_type;
    let fits = match (attribute_type, &value.value) {
        (AttributeType::Enum(closed), value) => closed.members.iter().any(|member| same(&member.value, value)),
        (AttributeType::String | AttributeType::Any, AnnotationValue::String(_)) => true,
        (AttributeType::Int | AttributeType::Any, AnnotationValue::Int(_)) => true,
        (AttributeType::Double | AttributeType::Any, AnnotationValue::Int(_) | AnnotationValue::Double(_)) => true,
        (AttributeType::Boolean | AttributeType::Any, AnnotationValue::Bool(_)) => true,
        _ => false,
    };
    if fits {
        return;
    }
    let shown = match &value.value {
        AnnotationValue::String(text) => shorten(text).into_owned(),
        AnnotationValue::Int(value) => value.to_string(),
        AnnotationValue::Double(value) => value.to_string(),
        AnnotationValue::Bool(value) => value.to_string(),
        _ => String::new(),
    };
    let members: Vec<&str> = match attribute_type {
        AttributeType::Enum(closed) => closed
            .members
            .iter()
            .filter_map(|member| if let EnumValue::String(text) = &member.value { Some(text.as_str()) } else { None })
            .collect(),
        _ => Vec::new(),
    };
    let help = faults.suggestions.did_you_mean(&shown, members);
    faults
        .push(ErrorKind::InvalidFold, value.at, format!("`{shown}` is no value of `{}`", shorten(definition.key())))
        .expected("a value of the attribute's type, of an enum the value of a member")
        .help(help);
}

fn same(member: &EnumValue, value: &AnnotationValue) -> bool {
    match (member, value) {
        (EnumValue::String(a), AnnotationValue::String(b)) => a == b,
        (EnumValue::Int(a), AnnotationValue::Int(b)) => a == b,
        (EnumValue::Double(a), AnnotationValue::Double(b)) => a == b,
        (EnumValue::Bool(a), AnnotationValue::Bool(b)) => a == b,
        _ => false,
    }
}

/// `value:`, else upstream's annotation, else int for a count, else the type of what is folded.
pub(super) fn number_type(metric: &Metric, root: &Package, faults: &mut Faults) -> NumberType {
    let said = metric.ours.number_type.as_ref().or(metric.ours.upstream_number_type.as_ref());
    let mut folded = None;
    for raw in &metric.ours.folds {
        let number_type = match &raw.source {
            RawFoldSource::Event { value: Some(RawFoldValue::Constant(_)), .. } => NumberType::Int,
            RawFoldSource::Event { event, value: Some(RawFoldValue::Attribute(key)) } => {
                match attribute_type(&event.value, &key.value, root) {
                    Some(AttributeType::Double) => NumberType::Double,
                    _ => NumberType::Int,
                }
            }
            RawFoldSource::Span { .. } => NumberType::Double,
            RawFoldSource::Event { value: None, .. } | RawFoldSource::Observe => continue,
        };
        if number_type == NumberType::Double
            && let RawFoldSource::Event { value: Some(RawFoldValue::Attribute(key)), .. } = &raw.source
            && let Some(said) = said.filter(|said| said.value == NumberType::Int)
        {
            faults
                .push(
                    ErrorKind::InvalidFold,
                    said.at,
                    format!(
                        "`int` for `{}`, which folds the `double` attribute `{}`",
                        shorten(&metric.signal.name.value),
                        shorten(&key.value)
                    ),
                )
                .expected("`double`");
        }
        folded = if folded == Some(NumberType::Double) { folded } else { Some(number_type) };
    }
    let by_instrument = match metric.instrument {
        Instrument::Counter | Instrument::UpDownCounter => NumberType::Int,
        Instrument::Gauge | Instrument::Histogram => NumberType::Double,
    };
    said.map(|said| said.value).or(folded).unwrap_or(by_instrument)
}

fn attribute_type<'p>(event: &str, key: &str, root: &'p Package) -> Option<&'p AttributeType> {
    let reference = by_key(&root.events.get(event)?.signal.attributes, key)?;
    Some(&reference.definition.attribute.attribute_type)
}
