//! Refinements: an item of this registry or of a dependency, narrowed under an id of its own.
//!
//! The package resolves them last. A refinement must never change what identifies its base: name, unit, instrument, kind, identity.

use super::attribute::{self, Budget};
use super::item::{Refined, Refinement, Signal};
use super::package::{Package, Scope};
use super::reference::Reference;
use super::{association, group, merge};
use crate::fault::{ErrorKind, Faults};
use crate::yaml::read::fields::Placed;
use crate::yaml::read::raw::{ItemKind, MetricAnnotations, RawItem, RawOver, RawRef, RawRefinement};
use crate::yaml::read::shorten;
use std::collections::{BTreeMap, HashMap};

/// Refinements of refinements.
const MAX_DEPTH: usize = 64;

/// For each entity refinement, as an association names it: what it refines.
pub(super) fn entity_bases(raw: &[RawRefinement]) -> HashMap<String, String> {
    let entities = raw.iter().filter(|raw| raw.kind == ItemKind::Entity);
    entities.map(|raw| (raw.id.value.strip_prefix("entity.").unwrap_or(&raw.id.value).to_owned(), raw.base.value.clone())).collect()
}

/// Resolves all refinements of a registry.
pub(super) fn resolve(
    raw: Vec<RawRefinement>,
    package: &Package,
    scope: &Scope<'_>,
    budget: &mut Budget,
    faults: &mut Faults,
) -> Vec<Refinement> {
    let refined = entity_bases(&raw);
    let mut waiting: BTreeMap<(ItemKind, String), RawRefinement> = BTreeMap::new();
    for one in raw {
        let key = (one.kind, one.id.value.clone());
        if waiting.contains_key(&key) || base_in(package, one.kind, &one.id.value).is_some() {
            faults
                .push(ErrorKind::DuplicateGroupId, one.id.at, format!("the {} `{}` a second time", one.kind.word(), shorten(&one.id.value)))
                .expected("a refinement's id that nothing else has");
            continue;
        }
        waiting.insert(key, one);
    }
    let keys: Vec<_> = waiting.keys().cloned().collect();
    let mut resolver = Refinements { package, scope, budget, refined, waiting, open: Vec::new(), done: BTreeMap::new() };
    for key in keys {
        resolver.one(&key, faults);
    }
    resolver.done.into_values().collect()
}

struct Refinements<'r, 's> {
    package: &'r Package,
    scope: &'r Scope<'s>,
    budget: &'r mut Budget,
    refined: HashMap<String, String>,
    waiting: BTreeMap<(ItemKind, String), RawRefinement>,
    open: Vec<(ItemKind, String)>,
    done: BTreeMap<(ItemKind, String), Refinement>,
}

impl Refinements<'_, '_> {
    fn one(&mut self, key: &(ItemKind, String), faults: &mut Faults) {
        let Some(raw) = self.waiting.remove(key) else { return };
        self.open.push(key.clone());
        if let Some(base) = self.base(&raw, faults)
            && base.lists().into_iter().all(|list| self.budget.take(list, raw.id.at, faults))
        {
            let refinement = self.refine(&raw, base, faults);
            self.done.insert(key.clone(), refinement);
        }
        self.open.pop();
    }

    fn base(&mut self, raw: &RawRefinement, faults: &mut Faults) -> Option<Refinement> {
        let name = &raw.base.value;
        if let Some(base) = base_in(self.package, raw.kind, name) {
            if base.common.excluded && !raw.common.excluded {
                faults
                    .push(
                        ErrorKind::ExcludedFromDependencyResolution,
                        raw.base.at,
                        format!("the {} `{}` is kept from dependents, its refinement is not", raw.kind.word(), shorten(name)),
                    )
                    .expected("both kept from dependents, or neither");
            }
            self.check_recording(raw, faults);
            return Some(base);
        }
        let key = (raw.kind, name.clone());
        if self.open.contains(&key) || self.open.len() >= MAX_DEPTH {
            faults
                .push(ErrorKind::InvalidRefinement, raw.base.at, format!("a circle of refinements through `{}`", shorten(name)))
                .expected("refinements that end at an item");
            return None;
        }
        let known = self.waiting.contains_key(&key) || self.done.contains_key(&key);
        self.one(&key, faults);
        if let Some(done) = self.done.get(&key) {
            return Some(done.clone());
        }
        if known {
            return None;
        }
        self.abroad(raw, faults)
    }

    /// On the wire there is one metric of a name, and it is recorded in one way.
    fn check_recording(&self, raw: &RawRefinement, faults: &mut Faults) {
        let RawOver::Metric(MetricAnnotations { set, folds, .. }) = &raw.over else { return };
        let said = [folds.first().map(|fold| ("fold", fold.at)), set.as_ref().map(|set| ("metric_set", set.at))];
        for (name, at) in said.into_iter().flatten() {
            faults
                .push(ErrorKind::InvalidAnnotation, at, format!("`{name}` on the refinement of a metric of this registry"))
                .expected(format!("it on the metric `{}`", shorten(&raw.base.value)));
        }
    }

    fn abroad(&mut self, raw: &RawRefinement, faults: &mut Faults) -> Option<Refinement> {
        let (kind, name) = (raw.kind, &raw.base);
        let mut found: Option<Refinement> = None;
        for dependency in self.scope.dependencies {
            let refinement =
                dependency.refinements.iter().find(|refinement| refinement.kind == kind && refinement.id == name.value).cloned();
            let Some(base) = base_in(dependency, kind, &name.value).or(refinement) else { continue };
            if base.common.excluded {
                faults
                    .push(
                        ErrorKind::ExcludedFromDependencyResolution,
                        name.at,
                        format!("the {} `{}` is kept from dependents by its registry", kind.word(), shorten(&name.value)),
                    )
                    .expected("an item without `dependency_resolution: {exclude: true}`");
                return None;
            }
            match &found {
                Some(other) if other.origin != base.origin => {
                    faults
                        .push(
                            ErrorKind::AmbiguousReference,
                            name.at,
                            format!("the {} `{}` is defined by several dependencies", kind.word(), shorten(&name.value)),
                        )
                        .expected("one definition");
                }
                _ => found = Some(base),
            }
        }
        if found.is_none() && !faults.is_full() && !self.scope.unseen.may_hold(&name.value, std::iter::empty()) {
            let names: Vec<String> = self.names(kind);
            let help = faults.suggestions.did_you_mean(&name.value, names.iter().map(String::as_str));
            faults
                .push(ErrorKind::UnresolvedExtendsRef, name.at, format!("no {} `{}` to refine", kind.word(), shorten(&name.value)))
                .expected(format!("{} of this registry or of a direct dependency", with_article(kind)))
                .help(help);
        }
        // What it is recorded from is named in that registry.
        if let Some(Refinement { refined: Refined::Metric { ours, .. }, .. }) = &mut found {
            ours.set = None;
            ours.folds.clear();
        }
        found
    }

    fn names(&self, kind: ItemKind) -> Vec<String> {
        let own = self.package.names(kind).into_iter().map(str::to_owned);
        let waiting = self.waiting.keys().chain(self.done.keys()).filter(|(of, _)| *of == kind).map(|(_, id)| id.clone());
        let abroad = self.scope.dependencies.iter().flat_map(|dependency| dependency.names(kind)).map(str::to_owned);
        own.chain(waiting).chain(abroad).collect()
    }

    fn refine(&mut self, raw: &RawRefinement, base: Refinement, faults: &mut Faults) -> Refinement {
        let mut refinement = Refinement { id: raw.id.value.clone(), at: raw.id.at, origin: self.scope.origin(raw.id.at), ..base };
        lay_over(&mut refinement.refined, &raw.over);
        refinement.common.excluded = raw.common.excluded;
        merge::common(&mut refinement.common, &raw.common);
        let groups: Vec<RawItem> = raw.attributes.iter().filter(|item| matches!(item, RawItem::Group(_))).cloned().collect();
        let mut by_key: BTreeMap<String, Reference> = keyed(refinement.attributes);
        for over in group::expand(&groups, &self.package.groups, &|_| false, self.scope, self.budget, faults) {
            match by_key.get_mut(over.key()) {
                Some(below) => below.lay_reference(&over),
                None => {
                    by_key.insert(over.key().to_owned(), over);
                }
            }
        }
        for item in &raw.attributes {
            if let RawItem::Ref(over) = item {
                self.lay(&mut by_key, over, faults);
            }
        }
        refinement.attributes = by_key.into_values().collect();
        if let Some(association) = &raw.association {
            refinement.association = association::resolve(association, &self.package.entities, &self.refined, self.scope, faults);
        }
        self.refine_entity(raw, &mut refinement, faults);
        refinement
    }

    fn refine_entity(&mut self, raw: &RawRefinement, refinement: &mut Refinement, faults: &mut Faults) {
        let mut identity = keyed(std::mem::take(&mut refinement.identity));
        let mut description = keyed(std::mem::take(&mut refinement.description));
        for over in &raw.identity {
            match identity.get_mut(&over.key.value) {
                Some(below) => below.lay(over),
                None => changed(&over.key, "is not in the identity of its base", faults),
            }
        }
        for over in &raw.description {
            if identity.contains_key(&over.key.value) {
                changed(&over.key, "is in the identity of its base", faults);
            } else {
                self.lay(&mut description, over, faults);
            }
        }
        refinement.identity = identity.into_values().collect();
        refinement.description = description.into_values().collect();
    }

    fn lay(&mut self, by_key: &mut BTreeMap<String, Reference>, over: &RawRef, faults: &mut Faults) {
        match by_key.get_mut(&over.key.value) {
            Some(below) => below.lay(over),
            None => by_key.extend(attribute::refer(over, self.scope, self.budget, faults).map(|new| (over.key.value.clone(), new))),
        }
    }
}

/// What the refinement says itself comes over what its base says.
fn lay_over(refined: &mut Refined, over: &RawOver) {
    match (refined, over) {
        (Refined::Event { severity, forward }, RawOver::Event { severity: said, forward: also }) => {
            *severity = said.or(*severity);
            *forward = also.unwrap_or(*forward);
        }
        (Refined::Metric { ours, .. }, RawOver::Metric(over)) => {
            merge::replace(&mut ours.set, &over.set);
            merge::replace(&mut ours.aggregation, &over.aggregation);
            merge::replace(&mut ours.number_type, &over.number_type);
            merge::replace(&mut ours.upstream_number_type, &over.upstream_number_type);
            if !over.folds.is_empty() {
                ours.folds.clone_from(&over.folds);
            }
        }
        (Refined::Span { name_note, .. }, RawOver::Span { name_note: Some(said) }) => name_note.clone_from(said),
        _ => {}
    }
}

fn keyed(references: Vec<Reference>) -> BTreeMap<String, Reference> {
    references.into_iter().map(|reference| (reference.key().to_owned(), reference)).collect()
}

fn changed(key: &Placed<String>, how: &str, faults: &mut Faults) {
    faults
        .push(ErrorKind::EntityRefinementChangedIdentity, key.at, format!("`{}` {how}", shorten(&key.value)))
        .expected("the identity of the base, its attributes described anew at most");
}

fn with_article(kind: ItemKind) -> String {
    match kind {
        ItemKind::Event | ItemKind::Entity | ItemKind::Group => format!("an {}", kind.word()),
        ItemKind::Metric | ItemKind::Span => format!("a {}", kind.word()),
    }
}

/// An item as the base of a refinement.
fn base_in(package: &Package, kind: ItemKind, name: &str) -> Option<Refinement> {
    let of_signal = |signal: &Signal, refined: Refined| Refinement {
        kind,
        refined,
        at: signal.name.at,
        id: name.to_owned(),
        base: name.to_owned(),
        common: signal.common.clone(),
        attributes: signal.attributes.clone(),
        association: signal.association.clone(),
        identity: Vec::new(),
        description: Vec::new(),
        origin: signal.origin.clone(),
    };
    match kind {
        ItemKind::Event => package
            .events
            .get(name)
            .map(|event| of_signal(&event.signal, Refined::Event { severity: event.severity, forward: event.forward })),
        ItemKind::Metric => package.metrics.get(name).map(|metric| {
            let (unit, ours) = (metric.unit.clone(), metric.ours.clone());
            of_signal(&metric.signal, Refined::Metric { unit, instrument: metric.instrument, ours })
        }),
        ItemKind::Span => package
            .spans
            .get(name)
            .map(|span| of_signal(&span.signal, Refined::Span { kind: span.kind, name_note: span.name_note.clone() })),
        ItemKind::Entity => package.entities.get(name).map(|entity| Refinement {
            kind,
            refined: Refined::Entity,
            at: entity.entity_type.at,
            id: name.to_owned(),
            base: name.to_owned(),
            common: entity.common.clone(),
            attributes: Vec::new(),
            association: None,
            identity: entity.identity.clone(),
            description: entity.description.clone(),
            origin: entity.origin.clone(),
        }),
        ItemKind::Group => None,
    }
}
