//! Ids of items by their names.
//!
//! Lowering makes them once all names are settled. They must never be asked for a name that is not in the registry they are of.

use super::item::{Association, Entity};
use super::reference::Reference;
use crate::model::{self, AttributeId, AttributeRef, EntityId, EventId};
use std::collections::BTreeMap;

/// Ids by name.
#[derive(Debug)]
pub(super) struct Ids {
    pub(super) attributes: BTreeMap<String, AttributeId>,
    pub(super) entities: BTreeMap<String, EntityId>,
    pub(super) events: BTreeMap<String, EventId>,
}

impl Ids {
    pub(super) fn attribute(&self, key: &str) -> Option<AttributeId> {
        self.attributes.get(key).copied()
    }

    pub(super) fn event(&self, name: &str) -> Option<EventId> {
        self.events.get(name).copied()
    }

    pub(super) fn references(&self, references: &[Reference]) -> Vec<AttributeRef> {
        references.iter().filter_map(|reference| Some(reference.lower(self.attribute(reference.key())?))).collect()
    }

    pub(super) fn entity(&self, entity: &Entity) -> Option<EntityId> {
        self.entities.get(&entity.entity_type.value).copied()
    }

    pub(super) fn association(&self, association: &Association) -> Option<model::Association> {
        let branches = |branches: &[Association]| branches.iter().filter_map(|branch| self.association(branch)).collect();
        Some(match association {
            Association::Entity(entity) => model::Association::Entity(self.entity(&entity.value)?),
            Association::OneOf(of) => model::Association::OneOf(branches(of)),
            Association::AllOf(of) => model::Association::AllOf(branches(of)),
        })
    }
}
