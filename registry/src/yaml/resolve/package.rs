//! One registry with its references resolved, and what its names are resolved against.
//!
//! The assembling step fills it, every other step looks names up in it. It must never change once its dependents see it.

use super::item::{Entity, Event, Group, Items, Metric, Refinement, Signal, Span};
use super::reference::{Definition, Reference};
use crate::fault::Mark;
use crate::model::Origin;
use crate::yaml::read::graph::Unseen;
use crate::yaml::read::raw::ItemKind;
use std::collections::HashMap;
use std::rc::Rc;

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
    pub(super) refinements: Vec<Refinement>,
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

    /// All signals.
    pub(super) fn signals(&self) -> Vec<&Signal> {
        let events = self.events.values().map(|event| &event.signal);
        let metrics = self.metrics.values().map(|metric| &metric.signal);
        let spans = self.spans.values().map(|span| &span.signal);
        events.chain(metrics).chain(spans).collect()
    }

    /// Every reference of entities and signals.
    pub(super) fn references(&self) -> impl Iterator<Item = &Reference> {
        let entities = self.entities.values().flat_map(|entity| entity.identity.iter().chain(&entity.description));
        entities.chain(self.signals().into_iter().flat_map(|signal| &signal.attributes))
    }

    /// The names of all items of a kind that dependents can see.
    pub(super) fn names(&self, kind: ItemKind) -> Vec<&str> {
        fn keys<T>(items: &Items<T>) -> Vec<&str> {
            items.keys().map(String::as_str).collect()
        }
        match kind {
            ItemKind::Event => keys(&self.events),
            ItemKind::Metric => keys(&self.metrics),
            ItemKind::Span => keys(&self.spans),
            ItemKind::Entity => keys(&self.entities),
            ItemKind::Group => self.groups.iter().filter(|(_, group)| group.public).map(|(id, _)| id.as_str()).collect(),
        }
    }
}

/// What a name can be resolved against.
pub(super) struct Scope<'s> {
    /// Schema URL of a dependency; `None` for the root.
    pub(super) dependency: Option<&'s str>,
    pub(super) relative: &'s HashMap<u32, String>,
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
