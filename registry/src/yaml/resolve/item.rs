//! Groups, entities, signals and refinements with their references resolved, still by name.
//!
//! The steps of the resolver make them and hand them on. They must never refer to an item by id.

use super::reference::Reference;
use crate::fault::Mark;
use crate::model::{Instrument, Origin, Severity, SpanKind};
use crate::yaml::read::fields::Placed;
use crate::yaml::read::raw::{Common, ItemKind, MetricAnnotations, SetAnnotation};
use std::collections::BTreeMap;
use std::rc::Rc;

/// Items of one kind, by name.
pub(super) type Items<T> = BTreeMap<String, Rc<T>>;

/// A group with its attributes, sorted by key.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) id: Placed<String>,
    pub(super) public: bool,
    pub(super) common: Common,
    pub(super) attributes: Vec<Reference>,
    pub(super) set: SetAnnotation,
}

/// An entity with its references resolved, in the order in which they were written.
#[derive(Debug)]
pub(super) struct Entity {
    pub(super) entity_type: Placed<String>,
    pub(super) common: Common,
    pub(super) identity: Vec<Reference>,
    pub(super) description: Vec<Reference>,
    pub(super) resource: bool,
    pub(super) origin: Origin,
}

/// The entities that a signal describes.
#[derive(Debug, Clone)]
pub(super) enum Association {
    Entity(Placed<Rc<Entity>>),
    OneOf(Vec<Association>),
    AllOf(Vec<Association>),
}

impl PartialEq for Entity {
    fn eq(&self, other: &Self) -> bool {
        self.entity_type.value == other.entity_type.value && self.origin == other.origin
    }
}

impl Association {
    /// All entities it names.
    pub(super) fn entities<'a>(&'a self, into: &mut Vec<&'a Placed<Rc<Entity>>>) {
        match self {
            Association::Entity(entity) => into.push(entity),
            Association::OneOf(branches) | Association::AllOf(branches) => {
                for branch in branches {
                    branch.entities(into);
                }
            }
        }
    }
}

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
    pub(super) set: Option<Rc<SetGroup>>,
}

#[derive(Debug)]
pub(super) struct Span {
    pub(super) signal: Signal,
    pub(super) kind: SpanKind,
    pub(super) name_note: String,
}

/// The public group that metrics name as their set, with the entities that its annotation names.
#[derive(Debug)]
pub(super) struct SetGroup {
    pub(super) group: Rc<Group>,
    pub(super) entity: Option<Placed<Rc<Entity>>>,
    pub(super) keep: Option<Vec<Rc<Entity>>>,
}

/// What only an item of that kind has, as a refinement leaves it.
#[derive(Debug, Clone)]
pub(super) enum Refined {
    Event { severity: Option<Severity>, forward: bool },
    Metric { unit: String, instrument: Instrument, ours: MetricAnnotations },
    Span { kind: SpanKind, name_note: String },
    Entity,
}

/// A refinement with everything of its base that it does not change.
#[derive(Debug, Clone)]
pub(super) struct Refinement {
    pub(super) kind: ItemKind,
    pub(super) refined: Refined,
    pub(super) at: Mark,
    pub(super) id: String,
    /// Name of the item at the end of the chain.
    pub(super) base: String,
    pub(super) common: Common,
    pub(super) attributes: Vec<Reference>,
    pub(super) association: Option<Association>,
    pub(super) identity: Vec<Reference>,
    pub(super) description: Vec<Reference>,
    pub(super) origin: Origin,
}

impl Refinement {
    /// All its lists of references.
    pub(super) fn lists(&self) -> [&[Reference]; 3] {
        [&self.attributes, &self.identity, &self.description]
    }
}
