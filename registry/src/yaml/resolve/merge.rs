//! Merging what a reference says over what is said below it.
//!
//! Definitions, groups, references and refinements are laid over each other with it. It must never loosen privacy.

use crate::model::{AnnotationValue, Normalize, Privacy};
use crate::yaml::read::raw::{Annotations, AttributeAnnotations, Common};
use std::collections::HashMap;

/// Lays `over` on `base`: maps merge key by key, lists and scalars replace.
pub(super) fn annotations(base: &mut Annotations, over: &Annotations) {
    if over.is_empty() {
        return;
    }
    let mut places: HashMap<String, usize> = base.iter().enumerate().map(|(place, (key, _))| (key.clone(), place)).collect();
    for (key, value) in over {
        match places.get(key) {
            Some(place) => annotation(&mut base[*place].1, value),
            None => {
                places.insert(key.clone(), base.len());
                base.push((key.clone(), value.clone()));
            }
        }
    }
}

fn annotation(base: &mut AnnotationValue, over: &AnnotationValue) {
    match (base, over) {
        (AnnotationValue::Map(base), AnnotationValue::Map(over)) => annotations(base, over),
        (base, over) => *base = over.clone(),
    }
}

/// Lays `over` on `base`: what it says replaces, annotations merge.
pub(super) fn common(base: &mut Common, over: &Common) {
    replace(&mut base.brief, &over.brief);
    replace(&mut base.note, &over.note);
    replace(&mut base.stability, &over.stability);
    replace(&mut base.deprecated, &over.deprecated);
    annotations(&mut base.annotations, &over.annotations);
}

/// About how many bytes a copy takes.
pub(super) fn weight(common: &Common) -> usize {
    let texts = [&common.brief, &common.note].into_iter().flatten().map(String::len);
    let deprecated = common.deprecated.as_ref().map_or(0, |deprecated| deprecated.note.len());
    texts.sum::<usize>() + deprecated + annotations_weight(&common.annotations)
}

pub(super) fn annotations_weight(annotations: &Annotations) -> usize {
    annotations.iter().map(|(key, value)| key.len() + 56 + value_weight(value)).sum()
}

fn value_weight(value: &AnnotationValue) -> usize {
    match value {
        AnnotationValue::String(text) => text.len(),
        AnnotationValue::List(items) => items.iter().map(|item| 32 + value_weight(item)).sum(),
        AnnotationValue::Map(entries) => annotations_weight(entries),
        _ => 0,
    }
}

/// Adds what is not there yet.
pub(super) fn add_missing<T: PartialEq>(base: &mut Vec<T>, over: Vec<T>) {
    for one in over {
        if !base.contains(&one) {
            base.push(one);
        }
    }
}

pub(super) fn replace<T: Clone>(base: &mut Option<T>, over: &Option<T>) {
    if over.is_some() {
        base.clone_from(over);
    }
}

/// Lays `over` on `base`: the strictest of both, the fields and normalizers of both.
pub(super) fn ours(base: &mut AttributeAnnotations, over: &AttributeAnnotations) {
    base.sensitivity = base.sensitivity.max(over.sensitivity);
    base.redact = base.redact.max(over.redact);
    normalizers(&mut base.normalize, &over.normalize);
    add_missing(&mut base.fields, over.fields.clone());
    base.cardinality_max = match (base.cardinality_max, over.cardinality_max) {
        (Some(base), Some(over)) => Some(base.min(over)),
        (base, over) => base.or(over),
    };
}

/// A reference cannot take a normalizer away: those of the definition come first, then what the reference adds.
fn normalizers(base: &mut Vec<Normalize>, over: &[Normalize]) {
    for normalizer in over {
        if let Normalize::Truncate(length) = normalizer
            && let Some(Normalize::Truncate(below)) = base.iter_mut().find(|below| matches!(below, Normalize::Truncate(_)))
        {
            *below = (*below).min(*length);
        } else if !base.contains(normalizer) {
            base.push(normalizer.clone());
        }
    }
}

/// The privacy that annotations ask for.
pub(super) fn privacy(ours: &AttributeAnnotations) -> Privacy {
    Privacy { sensitivity: ours.sensitivity.unwrap_or_default(), redact: ours.redact, normalize: ours.normalize.clone() }
}
