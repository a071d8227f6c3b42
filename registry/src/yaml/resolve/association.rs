//! Entities, and the signals' associations with them.
//!
//! The package resolves its entities and every association here. It must never guess between two entities of one name.

use super::attribute::{self, Budget};
use super::item::{Association, Entity, Items, Signal};
use super::package::{Package, Scope};
use super::reference::{Definition, Reference};
use crate::fault::{ErrorKind, Faults};
use crate::yaml::read::fields::Placed;
use crate::yaml::read::raw::{RawAssociation, RawEntity, RawRef};
use crate::yaml::read::shorten;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

/// Resolves an entity's references.
pub(super) fn entity(raw: RawEntity, scope: &Scope<'_>, budget: &mut Budget, faults: &mut Faults) -> Entity {
    Entity {
        identity: references(&raw.identity, scope, budget, faults),
        description: references(&raw.description, scope, budget, faults),
        resource: raw.resource.unwrap_or_else(|| stands_on_resource(&raw.entity_type.value)),
        origin: scope.origin(raw.entity_type.at),
        common: raw.common,
        entity_type: raw.entity_type,
    }
}

fn references(raw: &[RawRef], scope: &Scope<'_>, budget: &mut Budget, faults: &mut Faults) -> Vec<Reference> {
    let mut references: Vec<Reference> = Vec::new();
    let mut seen = HashSet::new();
    for raw in raw {
        if !seen.insert(&raw.key.value) {
            faults
                .push(
                    ErrorKind::InvalidGroupDuplicateAttributeRef,
                    raw.key.at,
                    format!("`{}` a second time in one list", shorten(&raw.key.value)),
                )
                .expected("each attribute once");
        } else {
            references.extend(attribute::refer(raw, scope, budget, faults));
        }
    }
    references
}

/// Upstream's entities that describe where a program runs.
fn stands_on_resource(entity_type: &str) -> bool {
    entity_type == "os"
        || ["service", "host", "process", "container", "k8s.", "telemetry."].iter().any(|prefix| entity_type.starts_with(prefix))
}

/// Resolves the names of an association: entities and entity refinements of this registry, then those of direct dependencies.
pub(super) fn resolve(
    raw: &RawAssociation,
    own: &Items<Entity>,
    refined: &HashMap<String, String>,
    scope: &Scope<'_>,
    faults: &mut Faults,
) -> Option<Association> {
    let mut branches =
        |raw: &[RawAssociation]| -> Vec<Association> { raw.iter().filter_map(|raw| resolve(raw, own, refined, scope, faults)).collect() };
    match raw {
        RawAssociation::OneOf(raw) => Some(Association::OneOf(branches(raw))),
        RawAssociation::AllOf(raw) => Some(Association::AllOf(branches(raw))),
        RawAssociation::Entity(name) => {
            let entity = find(name, own, refined, scope, faults)?;
            Some(Association::Entity(Placed::new(entity, name.at)))
        }
    }
}

/// Looks an entity up by type, or by the id of a refinement of it.
pub(super) fn find(
    name: &Placed<String>,
    own: &Items<Entity>,
    refined: &HashMap<String, String>,
    scope: &Scope<'_>,
    faults: &mut Faults,
) -> Option<Rc<Entity>> {
    let base = base_of(&name.value, own, refined);
    if let Some(entity) = own.get(base) {
        return Some(entity.clone());
    }
    let (mut found, mut excluded): (Option<Rc<Entity>>, bool) = (None, false);
    for dependency in scope.dependencies {
        let Some(entity) = entity_of(dependency, base) else { continue };
        if entity.common.excluded {
            excluded = true;
        } else if found.as_ref().is_some_and(|other| !Rc::ptr_eq(other, entity)) {
            faults
                .push(
                    ErrorKind::AmbiguousEntityAssociation,
                    name.at,
                    format!("the entity `{}` is defined by several dependencies", shorten(base)),
                )
                .expected("one definition")
                .help("import the one that is meant");
            return found;
        } else {
            found = Some(entity.clone());
        }
    }
    if found.is_some() {
        return found;
    }
    if excluded {
        faults
            .push(
                ErrorKind::ExcludedFromDependencyResolution,
                name.at,
                format!("the entity `{}` is kept from dependents by its registry", shorten(base)),
            )
            .expected("an entity without `dependency_resolution: {exclude: true}`");
        return None;
    }
    let known = own.keys().map(String::as_str);
    if faults.is_full() || scope.unseen.may_hold(&name.value, known.clone()) {
        return None;
    }
    let all = known
        .chain(refined.keys().map(String::as_str))
        .chain(scope.dependencies.iter().flat_map(|dependency| dependency.entities.keys().map(String::as_str)));
    let help = faults.suggestions.did_you_mean(&name.value, all);
    faults
        .push(ErrorKind::UnresolvedEntityAssociation, name.at, format!("no entity `{}`", shorten(&name.value)))
        .expected("an entity of this registry or of a direct dependency")
        .help(help);
    None
}

/// The entity type at the end of a chain of refinements. A circle of them is reported where they are resolved.
fn base_of<'n>(name: &'n str, own: &Items<Entity>, refined: &'n HashMap<String, String>) -> &'n str {
    let mut base = name;
    for _ in 0..16 {
        match refined.get(base) {
            Some(next) if !own.contains_key(base) => base = next,
            _ => break,
        }
    }
    base
}

/// What is shown to dependents must not name what is kept from them.
pub(super) fn check_excluded(package: &Package, own: &Items<Definition>, faults: &mut Faults) {
    let signals = package.signals();
    let lists = signals.iter().map(|signal| (&signal.common, &signal.attributes));
    let groups = package.groups.values().filter(|group| group.public).map(|group| (&group.common, &group.attributes));
    let entities = package.entities.values().flat_map(|entity| [(&entity.common, &entity.identity), (&entity.common, &entity.description)]);
    for (common, references) in lists.chain(groups).chain(entities) {
        for reference in references.iter().filter(|reference| !common.excluded && reference.definition.excluded) {
            // Imported items were judged where they are defined.
            if own.get(reference.key()).is_some_and(|definition| Rc::ptr_eq(definition, &reference.definition)) {
                leaked(reference.at, &format!("the attribute `{}`", shorten(reference.key())), faults);
            }
        }
    }
    for Signal { common, association, .. } in signals {
        let mut named = Vec::new();
        if let Some(association) = association.as_ref().filter(|_| !common.excluded) {
            association.entities(&mut named);
        }
        for entity in named.iter().filter(|entity| entity.value.common.excluded && owns(package, &entity.value)) {
            leaked(entity.at, &format!("the entity `{}`", shorten(&entity.value.entity_type.value)), faults);
        }
    }
}

fn leaked(at: crate::fault::Mark, what: &str, faults: &mut Faults) {
    faults
        .push(ErrorKind::ExcludedFromDependencyResolution, at, format!("{what} is kept from dependents, what names it here is not"))
        .expected("both kept from dependents, or neither")
        .help("add `dependency_resolution: {exclude: true}` here, or take it away there");
}

/// The entity that a name means to dependents: of that type, its own or imported, or refined under that id.
fn entity_of<'p>(package: &'p Package, name: &str) -> Option<&'p Rc<Entity>> {
    package.entities.get(base_of(name, &package.entities, &package.refined))
}

fn owns(package: &Package, entity: &Rc<Entity>) -> bool {
    package.entities.get(&entity.entity_type.value).is_some_and(|own| Rc::ptr_eq(own, entity))
}
