//! The last step: from names to ids.
//!
//! The resolver calls it for the root registry alone. It must never leave an id that points at nothing.

use super::ids::Ids;
use super::item::{self, Entity, Refinement, Signal};
use super::package::Package;
use super::reference::Definition;
use super::{fold, refined, set, strict};
use crate::fault::{ErrorKind, Faults, Mark};
use crate::model::{self, AttributeId, AttributeRef, EntityId, EventId, MetricId, MetricSetId, ResolvedRegistry, Sensitivity};
use crate::yaml::read::raw::{Common, ItemKind};
use crate::yaml::read::shorten;
use std::collections::BTreeMap;
use std::rc::Rc;

/// The registry by id.
pub(super) fn lower(root: &Package, faults: &mut Faults) -> ResolvedRegistry {
    let sets = set::sets(&root.metrics, faults);
    strict::check(root, &sets, faults);
    let entities = entities(root, &sets, faults);
    let attributes = attributes(root, &entities, faults);
    let ids = Ids {
        attributes: attributes.keys().enumerate().map(|(index, key)| (key.clone(), AttributeId(index as u32))).collect(),
        entities: entities.keys().enumerate().map(|(index, name)| (name.clone(), EntityId(index as u32))).collect(),
        events: root.events.keys().enumerate().map(|(index, name)| (name.clone(), EventId(index as u32))).collect(),
    };
    let metric_ids: BTreeMap<&str, MetricId> =
        root.metrics.keys().enumerate().map(|(index, name)| (name.as_str(), MetricId(index as u32))).collect();
    let mut set_of: BTreeMap<&str, MetricSetId> = BTreeMap::new();
    for (index, set) in sets.values().enumerate() {
        set_of.extend(set.metrics.iter().map(|metric| (metric.signal.name.value.as_str(), MetricSetId(index as u32))));
    }
    ResolvedRegistry {
        schema_url: root.schema_url.clone(),
        description: root.description.clone(),
        attributes: attributes.values().map(|definition| definition.attribute.clone()).collect(),
        entities: entities.values().map(|entity| lower_entity(entity, root, &ids)).collect(),
        events: root.events.values().map(|event| lower_event(event, root, &ids)).collect(),
        metrics: root
            .metrics
            .iter()
            .filter_map(|(name, metric)| Some(lower_metric(metric, *set_of.get(name.as_str())?, root, &ids, faults)))
            .collect(),
        metric_sets: sets.values().map(|set| lower_set(set, &metric_ids, &ids)).collect(),
        spans: root.spans.values().map(|span| lower_span(span, root, &ids)).collect(),
        refinements: root.refinements.iter().filter_map(|refinement| lower_refinement(refinement, &ids)).collect(),
    }
}

/// The registry's entities and those of dependencies that its signals and sets name.
fn entities(root: &Package, sets: &BTreeMap<&str, set::Set<'_>>, faults: &mut Faults) -> BTreeMap<String, Rc<Entity>> {
    let mut entities: BTreeMap<String, Rc<Entity>> = root.entities.clone();
    let mut add = |entity: &Rc<Entity>, at: Mark, faults: &mut Faults| match entities.get(&entity.entity_type.value) {
        None => {
            entities.insert(entity.entity_type.value.clone(), entity.clone());
        }
        Some(other) if Rc::ptr_eq(other, entity) => {}
        Some(_) => {
            faults
                .push(
                    ErrorKind::AmbiguousName,
                    at,
                    format!("two entities `{}` of different registries in one", shorten(&entity.entity_type.value)),
                )
                .expected("each entity type once");
        }
    };
    let refined = root.refinements.iter().map(|refinement| &refinement.association);
    for association in root.signals().iter().map(|signal| &signal.association).chain(refined).flatten() {
        let mut named = Vec::new();
        association.entities(&mut named);
        for entity in named {
            add(&entity.value, entity.at, faults);
        }
    }
    for set in sets.values() {
        let at = set.metrics.first().map_or_else(Mark::default, |metric| metric.signal.name.at);
        for entity in set.entities.iter().chain(set.keep.into_iter().flatten()) {
            add(entity, at, faults);
        }
    }
    entities
}

/// The registry's attributes, those of dependencies that it uses, and those of dependencies that are personal or secret: a
/// program's field of such a key is protected wherever it stands.
fn attributes(root: &Package, entities: &BTreeMap<String, Rc<Entity>>, faults: &mut Faults) -> BTreeMap<String, Rc<Definition>> {
    let mut attributes = root.attributes.clone();
    let of_entities = entities.values().flat_map(|entity| entity.identity.iter().chain(&entity.description));
    let of_refinements = root
        .refinements
        .iter()
        .flat_map(|refinement| refinement.attributes.iter().chain(&refinement.identity).chain(&refinement.description));
    let of_sets = root.metrics.values().filter_map(|metric| metric.set.as_ref()).flat_map(|of| &of.group.attributes);
    for reference in root.references().chain(of_entities).chain(of_refinements).chain(of_sets) {
        match attributes.get(reference.key()) {
            None => {
                attributes.insert(reference.key().to_owned(), reference.definition.clone());
            }
            Some(other) if Rc::ptr_eq(other, &reference.definition) => {}
            Some(_) => {
                faults
                    .push(
                        ErrorKind::AmbiguousName,
                        reference.at,
                        format!("two definitions of `{}` from different registries in one", shorten(reference.key())),
                    )
                    .expected("each attribute defined once")
                    .help("do not redefine an attribute that imported items use");
            }
        }
    }
    let mut dependencies: Vec<&Rc<Package>> = root.dependencies.iter().collect();
    let mut seen: Vec<*const Package> = Vec::new();
    while let Some(dependency) = dependencies.pop() {
        if seen.contains(&Rc::as_ptr(dependency)) {
            continue;
        }
        seen.push(Rc::as_ptr(dependency));
        dependencies.extend(&dependency.dependencies);
        for (key, definition) in &dependency.attributes {
            if definition.attribute.privacy.sensitivity >= Sensitivity::Personal {
                attributes.entry(key.clone()).or_insert_with(|| definition.clone());
            }
        }
    }
    attributes
}

fn lower_entity(entity: &Entity, root: &Package, ids: &Ids) -> model::Entity {
    let common = entity.common.clone();
    let (mut identity, mut description) = (ids.references(&entity.identity), ids.references(&entity.description));
    for refinement in refined::of(root, ItemKind::Entity, &entity.entity_type.value) {
        refined::widen(&mut identity, ids.references(&refinement.identity));
        refined::widen(&mut description, ids.references(&refinement.description));
    }
    model::Entity {
        entity_type: entity.entity_type.value.clone(),
        brief: common.brief.unwrap_or_default(),
        note: common.note.unwrap_or_default(),
        stability: common.stability.unwrap_or_default(),
        deprecated: common.deprecated,
        identity,
        description,
        resource: entity.resource,
        annotations: common.annotations,
        origin: entity.origin.clone(),
    }
}

/// What all signals have in common, by id, with what refinements of the signal add.
fn parts(signal: &Signal, kind: ItemKind, root: &Package, ids: &Ids) -> (Common, Vec<AttributeRef>, Option<model::Association>) {
    let association = signal.association.as_ref().and_then(|association| ids.association(association));
    let mut attributes = ids.references(&signal.attributes);
    // Refinements of a metric differ in their dimensions; the metric's are those that it says itself.
    for refinement in refined::of(root, kind, &signal.name.value).filter(|_| kind != ItemKind::Metric) {
        refined::widen(&mut attributes, ids.references(&refinement.attributes));
    }
    attributes.sort_by_key(|reference| reference.attribute);
    (signal.common.clone(), attributes, association)
}

fn lower_event(event: &item::Event, root: &Package, ids: &Ids) -> model::Event {
    let (common, attributes, association) = parts(&event.signal, ItemKind::Event, root, ids);
    model::Event {
        name: event.signal.name.value.clone(),
        brief: common.brief.unwrap_or_default(),
        note: common.note.unwrap_or_default(),
        stability: common.stability.unwrap_or_default(),
        deprecated: common.deprecated,
        attributes,
        association,
        severity: event.severity,
        forward: event.forward,
        annotations: common.annotations,
        origin: event.signal.origin.clone(),
    }
}

fn lower_metric(metric: &item::Metric, set: MetricSetId, root: &Package, ids: &Ids, faults: &mut Faults) -> model::Metric {
    let (common, attributes, association) = parts(&metric.signal, ItemKind::Metric, root, ids);
    model::Metric {
        name: metric.signal.name.value.clone(),
        brief: common.brief.unwrap_or_default(),
        note: common.note.unwrap_or_default(),
        unit: metric.unit.clone(),
        instrument: metric.instrument,
        stability: common.stability.unwrap_or_default(),
        deprecated: common.deprecated,
        attributes,
        association,
        set,
        folds: fold::folds(metric, root, ids, faults),
        aggregation: metric.ours.aggregation.as_ref().map(|aggregation| aggregation.value.clone()),
        number_type: fold::number_type(metric, root, faults),
        annotations: common.annotations,
        origin: metric.signal.origin.clone(),
    }
}

fn lower_set(set: &set::Set<'_>, metrics: &BTreeMap<&str, MetricId>, ids: &Ids) -> model::MetricSet {
    model::MetricSet {
        name: set.name.to_owned(),
        brief: set.brief.to_owned(),
        entities: set.entities.iter().filter_map(|entity| ids.entity(entity)).collect(),
        keep: set.keep.map(|keep| keep.iter().filter_map(|entity| ids.entity(entity)).collect()),
        dimensions: ids.references(set.dimensions),
        metrics: set.metrics.iter().filter_map(|metric| metrics.get(metric.signal.name.value.as_str()).copied()).collect(),
    }
}

fn lower_span(span: &item::Span, root: &Package, ids: &Ids) -> model::Span {
    let (common, attributes, association) = parts(&span.signal, ItemKind::Span, root, ids);
    model::Span {
        span_type: span.signal.name.value.clone(),
        kind: span.kind,
        name_note: span.name_note.clone(),
        brief: common.brief.unwrap_or_default(),
        note: common.note.unwrap_or_default(),
        stability: common.stability.unwrap_or_default(),
        deprecated: common.deprecated,
        attributes,
        association,
        annotations: common.annotations,
        origin: span.signal.origin.clone(),
    }
}

fn lower_refinement(refinement: &Refinement, ids: &Ids) -> Option<model::Refinement> {
    let kind = match refinement.kind {
        ItemKind::Event => model::RefinementKind::Event,
        ItemKind::Metric => model::RefinementKind::Metric,
        ItemKind::Span => model::RefinementKind::Span,
        ItemKind::Entity => model::RefinementKind::Entity,
        ItemKind::Group => return None,
    };
    let common = refinement.common.clone();
    Some(model::Refinement {
        kind,
        id: refinement.id.clone(),
        base: refinement.base.clone(),
        brief: common.brief.unwrap_or_default(),
        note: common.note.unwrap_or_default(),
        stability: common.stability.unwrap_or_default(),
        deprecated: common.deprecated,
        attributes: ids.references(&refinement.attributes),
        identity: ids.references(&refinement.identity),
        description: ids.references(&refinement.description),
        association: refinement.association.as_ref().and_then(|association| ids.association(association)),
        annotations: common.annotations,
        origin: refinement.origin.clone(),
    })
}
