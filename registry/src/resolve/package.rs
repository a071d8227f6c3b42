//! One registry with its references resolved, items still by name.
//!
//! The resolver makes one for every registry of the graph, dependencies first. It must never show dependents what
//! `dependency_resolution.exclude` keeps from them.

use super::association::{self, Association, Entity};
use super::attribute::{self, Budget, Definition, Reference};
use super::group::{self, Group};
use super::{import, refinement};
use crate::fault::{ErrorKind, Faults, Mark};
use crate::model::{Instrument, Origin, Severity, SpanKind};
use crate::yaml::fields::Placed;
use crate::yaml::graph::{Registry, Unseen};
use crate::yaml::raw::{Common, MetricAnnotations, RawSignal};
use crate::yaml::shorten;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

/// What events, metrics and spans have in common.
#[derive(Debug)]
pub(super) struct Signal {
    pub(super) name: Placed<String>,
    pub(super) common: Common,
    pub(super) attributes: Vec<Reference>,
    pub(super) association: Option<Association>,
    pub(super) origin: Origin,
}

#[derive(Debug)]
pub(super) struct Event {
    pub(super) signal: Signal,
    pub(super) severity: Option<Severity>,
    pub(super) forward: bool,
}

#[derive(Debug)]
pub(super) struct Metric {
    pub(super) signal: Signal,
    pub(super) unit: String,
    pub(super) instrument: Instrument,
    pub(super) ours: MetricAnnotations,
    /// The group that `metric_set` names.
    pub(super) set: Option<Rc<super::set::SetGroup>>,
}

#[derive(Debug)]
pub(super) struct Span {
    pub(super) signal: Signal,
    pub(super) kind: SpanKind,
    pub(super) name_note: String,
}

/// Items of one kind, by name.
pub(super) type Items<T> = BTreeMap<String, Rc<T>>;

/// A registry with its references resolved.
#[derive(Debug)]
pub(super) struct Package {
    pub(super) schema_url: String,
    pub(super) description: String,
    /// What this registry defines itself.
    pub(super) attributes: Items<Definition>,
    /// What dependents may refer to: its own, and what its signals, entities and groups use.
    pub(super) visible_attributes: Items<Definition>,
    /// Groups of this registry alone: a group is never included from another one.
    pub(super) groups: Items<Group>,
    /// Public groups that were imported, for metric sets.
    pub(super) imported_groups: Items<Group>,
    pub(super) entities: Items<Entity>,
    pub(super) events: Items<Event>,
    pub(super) metrics: Items<Metric>,
    pub(super) spans: Items<Span>,
    pub(super) refinements: Vec<refinement::Refinement>,
    /// What each entity refinement refines, by the name that an association has for it.
    pub(super) refined: HashMap<String, String>,
    pub(super) dependencies: Vec<Rc<Package>>,
    pub(super) unseen: Unseen,
}

impl Package {
    /// Whether a name that is not known may be defined where nobody could look.
    pub(super) fn may_hold<'a>(&self, name: &str, known: impl Iterator<Item = &'a str> + Clone) -> bool {
        Seen::new(&self.unseen, &self.dependencies).may_hold(name, known)
    }
}

/// What a name can be resolved against.
pub(super) struct Scope<'s> {
    /// Schema URL of a dependency; `None` for the root.
    dependency: Option<&'s str>,
    relative: &'s HashMap<u32, String>,
    pub(super) attributes: &'s Items<Definition>,
    pub(super) dependencies: &'s [Rc<Package>],
    pub(super) unseen: Seen<'s>,
}

impl Scope<'_> {
    /// Where the item at a mark was written.
    pub(super) fn origin(&self, at: Mark) -> Origin {
        Origin {
            dependency: self.dependency.map(str::to_owned),
            file: self.relative.get(&at.file).cloned().unwrap_or_default(),
            line: at.line,
            column: at.column,
        }
    }
}

/// What could not be looked at here and in the direct dependencies.
#[derive(Clone, Copy)]
pub(super) struct Seen<'s> {
    own: &'s Unseen,
    dependencies: &'s [Rc<Package>],
}

impl<'s> Seen<'s> {
    pub(super) fn new(own: &'s Unseen, dependencies: &'s [Rc<Package>]) -> Self {
        Seen { own, dependencies }
    }

    /// Whether a name that is not known may be defined where nobody could look.
    pub(super) fn may_hold<'a>(self, name: &str, known: impl Iterator<Item = &'a str> + Clone) -> bool {
        self.own.may_hold(name, known.clone()) || self.dependencies.iter().any(|dependency| dependency.unseen.may_hold(name, known.clone()))
    }
}

/// Resolves the references of one registry.
pub(super) fn resolve(
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
    super::set::name_groups(&mut package, &scope, faults);
    package.refinements = refinement::resolve(definitions.refinements, &package, &scope, budget, faults);
    super::association::check_excluded(&package, &attributes, faults);
    package.visible_attributes = visible(&package, &attributes);
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
    for reference in references(package) {
        visible.entry(reference.key().to_owned()).or_insert_with(|| reference.definition.clone());
    }
    visible.extend(own.iter().map(|(key, definition)| (key.clone(), definition.clone())));
    visible
}

/// Every reference of a registry's groups, entities and signals.
pub(super) fn references(package: &Package) -> impl Iterator<Item = &Reference> {
    let groups = package.groups.values().flat_map(|group| &group.attributes);
    groups.chain(exported_references(package))
}

/// Every reference of a registry's entities and signals.
pub(super) fn exported_references(package: &Package) -> impl Iterator<Item = &Reference> {
    let entities = package.entities.values().flat_map(|entity| entity.identity.iter().chain(&entity.description));
    let events = package.events.values().flat_map(|event| &event.signal.attributes);
    let metrics = package.metrics.values().flat_map(|metric| &metric.signal.attributes);
    let spans = package.spans.values().flat_map(|span| &span.signal.attributes);
    entities.chain(events).chain(metrics).chain(spans)
}
