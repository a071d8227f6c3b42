//! Assembling one registry: every step in its order.
//!
//! The resolver calls it for every registry of the graph, dependencies first. It must never show dependents what
//! `dependency_resolution.exclude` keeps from them.

use super::attribute::{self, Budget};
use super::item::{Entity, Event, Items, Metric, Signal, Span};
use super::package::{Package, Scope, Seen};
use super::reference::Definition;
use super::{association, group, import, refined, refinement, set};
use crate::fault::{ErrorKind, Faults, Mark};
use crate::yaml::read::graph::{Registry, Unseen};
use crate::yaml::read::raw::RawSignal;
use crate::yaml::read::shorten;
use std::collections::HashMap;
use std::rc::Rc;

/// Resolves the references of one registry.
pub(super) fn assemble(
    registry: Registry,
    dependencies: Vec<Rc<Package>>,
    is_root: bool,
    relative: &HashMap<u32, String>,
    budget: &mut Budget,
    faults: &mut Faults,
) -> Package {
    let Registry { schema_url, description, mut definitions, unseen, .. } = registry;
    let none = Items::new();
    let dependency = if is_root { None } else { Some(schema_url.as_str()) };
    let scope = Scope { dependency, relative, attributes: &none, dependencies: &dependencies, unseen: Seen::new(&unseen, &dependencies) };
    let mut attributes: Items<Definition> = Items::new();
    for raw in std::mem::take(&mut definitions.attributes) {
        let definition = attribute::define(raw, &scope);
        let key = definition.attribute.key.clone();
        insert(&mut attributes, key, definition.at, definition, ErrorKind::DuplicateAttributeId, "attribute", faults);
    }
    let scope = Scope { attributes: &attributes, ..scope };
    let groups = group::resolve(std::mem::take(&mut definitions.groups), &scope, budget, faults);
    let mut entities: Items<Entity> = Items::new();
    for raw in std::mem::take(&mut definitions.entities) {
        let (name, at) = (raw.entity_type.value.clone(), raw.entity_type.at);
        let entity = association::entity(raw, &scope, budget, faults);
        insert(&mut entities, name, at, entity, ErrorKind::DuplicateGroupName, "entity", faults);
    }
    let mut package = Package {
        schema_url: String::new(),
        description,
        attributes: Items::new(),
        visible_attributes: Items::new(),
        groups,
        imported_groups: Items::new(),
        entities,
        events: Items::new(),
        metrics: Items::new(),
        spans: Items::new(),
        refinements: Vec::new(),
        refined: HashMap::new(),
        dependencies: Vec::new(),
        unseen: Unseen::default(),
    };
    import::entities(&definitions.imports, &mut package, &scope, faults);
    let refined = refinement::entity_bases(&definitions.refinements);
    let mut resolve = |raw: RawSignal, package: &Package, faults: &mut Faults| signal(raw, package, &refined, &scope, budget, faults);
    for raw in definitions.events {
        let (name, at) = (raw.signal.name.value.clone(), raw.signal.name.at);
        let event = Event { signal: resolve(raw.signal, &package, faults), severity: raw.severity, forward: raw.forward.unwrap_or(true) };
        insert(&mut package.events, name, at, event, ErrorKind::DuplicateGroupName, "event", faults);
    }
    for raw in definitions.spans {
        let (name, at) = (raw.signal.name.value.clone(), raw.signal.name.at);
        let span = Span { signal: resolve(raw.signal, &package, faults), kind: raw.kind, name_note: raw.name_note };
        insert(&mut package.spans, name, at, span, ErrorKind::DuplicateGroupName, "span", faults);
    }
    let mut metrics: Items<Metric> = Items::new();
    for raw in definitions.metrics {
        let (name, at) = (raw.signal.name.value.clone(), raw.signal.name.at);
        let signal = resolve(raw.signal, &package, faults);
        let metric = Metric { signal, unit: raw.unit, instrument: raw.instrument, ours: raw.ours, set: None };
        insert(&mut metrics, name, at, metric, ErrorKind::DuplicateMetricName, "metric", faults);
    }
    import::signals(&definitions.imports, &mut package, &mut metrics, &scope, faults);
    package.metrics = metrics;
    package.refinements = refinement::resolve(definitions.refinements, &package, &scope, budget, faults);
    association::check_excluded(&package, &attributes, faults);
    package.visible_attributes = visible(&package, &attributes);
    if is_root {
        refined::add(&mut package);
    }
    set::name_groups(&mut package, &scope, faults);
    package.refined = refined;
    package.schema_url = schema_url;
    package.attributes = attributes;
    package.dependencies = dependencies;
    package.unseen = unseen;
    package
}

fn insert<T>(items: &mut Items<T>, name: String, at: Mark, item: T, kind: ErrorKind, word: &str, faults: &mut Faults) {
    if items.contains_key(&name) {
        faults.push(kind, at, format!("the {word} `{}` a second time", shorten(&name))).expected("each name once in a registry");
        return;
    }
    items.insert(name, Rc::new(item));
}

fn signal(
    raw: RawSignal,
    package: &Package,
    refined: &HashMap<String, String>,
    scope: &Scope<'_>,
    budget: &mut Budget,
    faults: &mut Faults,
) -> Signal {
    Signal {
        attributes: group::expand(&raw.attributes, &package.groups, &|_| false, scope, budget, faults),
        association: raw.association.as_ref().and_then(|raw| association::resolve(raw, &package.entities, refined, scope, faults)),
        origin: scope.origin(raw.name.at),
        name: raw.name,
        common: raw.common,
    }
}

/// Attributes that a registry's dependents may refer to.
fn visible(package: &Package, own: &Items<Definition>) -> Items<Definition> {
    let mut visible = Items::new();
    for reference in package.groups.values().flat_map(|group| &group.attributes).chain(package.references()) {
        visible.entry(reference.key().to_owned()).or_insert_with(|| reference.definition.clone());
    }
    visible.extend(own.iter().map(|(key, definition)| (key.clone(), definition.clone())));
    visible
}
