//! Defining attributes and finding the definition that a reference names.
//!
//! Groups, entities and signals resolve their references here. It must never make two definitions of one key visible to one reference.

use super::merge;
use super::package::Scope;
use super::reference::{Definition, Reference};
use crate::fault::{ErrorKind, Faults, Mark};
use crate::model::Attribute;
use crate::yaml::read::fields::Placed;
use crate::yaml::read::raw::{RawAttribute, RawRef};
use crate::yaml::read::shorten;
use std::rc::Rc;

/// What references a load may expand to, in number and text. Groups multiply references; a hostile registry would multiply them
/// without end.
#[derive(Debug)]
pub(super) struct Budget {
    references: usize,
    bytes: usize,
    spent: bool,
}

const MAX_REFERENCES: usize = 200_000;
const MAX_BYTES: usize = 256 << 20;

impl Default for Budget {
    fn default() -> Self {
        Budget { references: MAX_REFERENCES, bytes: MAX_BYTES, spent: false }
    }
}

impl Budget {
    /// Takes references about to be copied, or reports once that there are too many.
    pub(super) fn take(&mut self, references: &[Reference], at: Mark, faults: &mut Faults) -> bool {
        let bytes = references.iter().map(Reference::weight).fold(0, usize::saturating_add);
        self.take_sum(references.len(), bytes, at, faults)
    }

    fn take_sum(&mut self, references: usize, bytes: usize, at: Mark, faults: &mut Faults) -> bool {
        if !self.spent && self.references >= references && self.bytes >= bytes {
            self.references -= references;
            self.bytes -= bytes;
            return true;
        }
        if !self.spent {
            self.spent = true;
            faults
                .push(ErrorKind::DeserializationError, at, "groups and references expand to more than is followed")
                .expected(format!("at most {MAX_REFERENCES} references of {} MiB in all registries", MAX_BYTES >> 20));
        }
        false
    }
}

/// A definition of this registry.
pub(super) fn define(raw: RawAttribute, scope: &Scope<'_>) -> Definition {
    let RawAttribute { key, attribute_type, examples, common, ours } = raw;
    let weight = merge::weight(&common);
    let attribute = Attribute {
        key: key.value,
        attribute_type,
        brief: common.brief.unwrap_or_default(),
        note: common.note.unwrap_or_default(),
        stability: common.stability.unwrap_or_default(),
        deprecated: common.deprecated,
        examples,
        privacy: merge::privacy(&ours),
        fields: ours.fields.clone(),
        cardinality_max: ours.cardinality_max,
        annotations: common.annotations,
        origin: scope.origin(key.at),
    };
    Definition { attribute, ours, excluded: common.excluded, at: key.at, weight }
}

/// Looks a key up: the registry's own attributes first, then those of its direct dependencies.
pub(super) fn find(key: &Placed<String>, scope: &Scope<'_>, faults: &mut Faults) -> Option<Rc<Definition>> {
    if let Some(own) = scope.attributes.get(&key.value) {
        return Some(own.clone());
    }
    let mut found: Option<Rc<Definition>> = None;
    let mut excluded = false;
    for dependency in scope.dependencies {
        let Some(definition) = dependency.visible_attributes.get(&key.value) else { continue };
        if definition.excluded {
            excluded = true;
            continue;
        }
        match &found {
            Some(other) if !Rc::ptr_eq(other, definition) => {
                faults
                    .push(
                        ErrorKind::AmbiguousReference,
                        key.at,
                        format!("the attribute `{}` is defined by several dependencies", key.value),
                    )
                    .expected("one definition")
                    .help("define it in this registry, or depend on one of them only");
                return found;
            }
            _ => found = Some(definition.clone()),
        }
    }
    if found.is_some() {
        return found;
    }
    if excluded {
        faults
            .push(
                ErrorKind::ExcludedFromDependencyResolution,
                key.at,
                format!("the attribute `{}` is kept from dependents by its registry", key.value),
            )
            .expected("an attribute without `dependency_resolution: {exclude: true}`");
        return None;
    }
    let known = || scope.attributes.keys().map(String::as_str);
    if faults.is_full() || scope.unseen.may_hold(&key.value, known()) {
        return None;
    }
    let all = known().chain(scope.dependencies.iter().flat_map(|dependency| dependency.visible_attributes.keys().map(String::as_str)));
    let help = faults.suggestions.did_you_mean(&key.value, all);
    faults
        .push(ErrorKind::UnresolvedAttributeRef, key.at, format!("no attribute `{}`", shorten(&key.value)))
        .expected("an attribute of this registry or of a direct dependency")
        .help(help);
    None
}

/// What a raw reference says, over the definition that it names.
pub(super) fn refer(raw: &RawRef, scope: &Scope<'_>, budget: &mut Budget, faults: &mut Faults) -> Option<Reference> {
    let definition = find(&raw.key, scope, faults)?;
    if !budget.take_sum(1, definition.weight + merge::weight(&raw.common), raw.key.at, faults) {
        return None;
    }
    let mut reference = Reference::to(definition, raw.key.at);
    reference.lay(raw);
    Some(reference)
}
