//! Refinements as items that a program can emit.
//!
//! In Weaver a refinement is one way to use its base, and on the wire there is the base alone. A program may name what it emits by the
//! base or by the refinement's id. So assembling adds to the root an event or span type under the id of each refinement, and what is
//! refined of a dependency under its own name, since nobody else brings it in; lowering lets the base carry what its refinements add.
//! Nothing here may take anything away from a base.

use super::item::{Event, Items, Metric, Refined, Refinement, Signal, Span};
use super::merge;
use super::package::Package;
use crate::model::{AttributeRef, RequirementLevel};
use crate::yaml::read::fields::Placed;
use crate::yaml::read::raw::ItemKind;
use std::rc::Rc;

/// Adds the refinements of the root to its items.
pub(super) fn add(package: &mut Package) {
    for refinement in &package.refinements {
        let signal = |name: &str| Signal {
            name: Placed::new(name.to_owned(), refinement.at),
            common: refinement.common.clone(),
            attributes: refinement.attributes.clone(),
            association: refinement.association.clone(),
            origin: refinement.origin.clone(),
        };
        let names = [refinement.id.as_str(), refinement.base.as_str()];
        match &refinement.refined {
            Refined::Event { severity, forward } => {
                let event = |name| Event { signal: signal(name), severity: *severity, forward: *forward };
                names.iter().for_each(|name| insert(&mut package.events, name, event));
            }
            Refined::Span { kind, name_note } => {
                let span = |name| Span { signal: signal(name), kind: *kind, name_note: name_note.clone() };
                names.iter().for_each(|name| insert(&mut package.spans, name, span));
            }
            // A metric is named by its base on the wire: one of this registry is there already, and one of a dependency is of use where it
            // is recorded here.
            Refined::Metric { unit, instrument, ours } if !ours.folds.is_empty() => {
                let (unit, ours) = (unit.clone(), ours.clone());
                let metric = |name| Metric { signal: signal(name), unit, instrument: *instrument, ours, set: None };
                insert(&mut package.metrics, &refinement.base, metric);
            }
            Refined::Metric { .. } | Refined::Entity => {}
        }
    }
}

fn insert<'n, T>(items: &mut Items<T>, name: &'n str, item: impl FnOnce(&'n str) -> T) {
    if !items.contains_key(name) {
        items.insert(name.to_owned(), Rc::new(item(name)));
    }
}

/// The refinements of an item of the root, however many lie between.
pub(super) fn of<'p>(package: &'p Package, kind: ItemKind, name: &'p str) -> impl Iterator<Item = &'p Refinement> {
    package.refinements.iter().filter(move |one| one.kind == kind && one.base == name)
}

/// Lets a base carry what a refinement adds: attributes that nobody need give, further field names, and the stricter privacy, since what
/// is emitted by the base's name may be meant as any of its refinements.
pub(super) fn widen(base: &mut Vec<AttributeRef>, refined: Vec<AttributeRef>) {
    for mut over in refined {
        let taken = base.iter().filter(|other| other.attribute != over.attribute).flat_map(|other| &other.fields);
        let taken: Vec<String> = taken.cloned().collect();
        over.fields.retain(|field| !taken.contains(field));
        match base.iter_mut().find(|own| own.attribute == over.attribute) {
            Some(own) => {
                own.privacy.sensitivity = own.privacy.sensitivity.max(over.privacy.sensitivity);
                own.privacy.redact = own.privacy.redact.max(over.privacy.redact);
                merge::add_missing(&mut own.privacy.normalize, over.privacy.normalize);
                merge::add_missing(&mut own.fields, over.fields);
            }
            None => base.push(AttributeRef { requirement_level: RequirementLevel::OptIn, ..over }),
        }
    }
}
