//! Merging what a reference says over what is said below it.
//!
//! Definitions, groups, references and refinements are laid over each other with it. It must never loosen privacy.

use crate::model::{AnnotationValue, Normalize, Privacy, Sensitivity};
use crate::yaml::raw::{Annotations, AttributeAnnotations, Common};

/// Lays `over` on `base`: maps merge key by key, lists and scalars replace.
pub(super) fn annotations(base: &mut Annotations, over: &Annotations) {
    for (key, value) in over {
        match base.iter_mut().find(|(known, _)| known == key) {
            Some((_, below)) => annotation(below, value),
            None => base.push((key.clone(), value.clone())),
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
    for field in &over.fields {
        if !base.fields.contains(field) {
            base.fields.push(field.clone());
        }
    }
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
    Privacy { sensitivity: ours.sensitivity.unwrap_or(Sensitivity::default()), redact: ours.redact, normalize: ours.normalize.clone() }
}
