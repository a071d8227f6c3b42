//! Whether a registry that was read back holds together.
//!
//! Reading a pack ends with it. It must catch every id that points at nothing and every list that is not in the order that look-ups rely on.

use crate::model::{Aggregation, Association, AttributeId, AttributeRef, EntityId, FoldSource, FoldValue, ResolvedRegistry};

/// Says what does not hold.
pub(super) fn verify(registry: &ResolvedRegistry) -> Result<(), &'static str> {
    let check = Check { registry };
    check.order()?;
    for entity in &registry.entities {
        check.references(&entity.identity)?;
        check.references(&entity.description)?;
    }
    for event in &registry.events {
        check.references(&event.attributes)?;
        check.association(event.association.as_ref())?;
    }
    for span in &registry.spans {
        check.references(&span.attributes)?;
        check.association(span.association.as_ref())?;
    }
    for refinement in &registry.refinements {
        check.references(&refinement.attributes)?;
        check.references(&refinement.identity)?;
        check.references(&refinement.description)?;
        check.association(refinement.association.as_ref())?;
    }
    check.metrics()?;
    check.sets()
}

struct Check<'r> {
    registry: &'r ResolvedRegistry,
}

impl Check<'_> {
    fn order(&self) -> Result<(), &'static str> {
        let registry = self.registry;
        let sorted = registry.attributes.is_sorted_by(|a, b| a.key < b.key)
            && registry.entities.is_sorted_by(|a, b| a.entity_type < b.entity_type)
            && registry.events.is_sorted_by(|a, b| a.name < b.name)
            && registry.metrics.is_sorted_by(|a, b| a.name < b.name)
            && registry.metric_sets.is_sorted_by(|a, b| a.name < b.name)
            && registry.spans.is_sorted_by(|a, b| a.span_type < b.span_type);
        holds(sorted, "its items are out of order")
    }

    fn attribute(&self, id: AttributeId) -> Result<(), &'static str> {
        holds((id.0 as usize) < self.registry.attributes.len(), "an attribute that is not there")
    }

    fn entity(&self, id: EntityId) -> Result<(), &'static str> {
        holds((id.0 as usize) < self.registry.entities.len(), "an entity that is not there")
    }

    fn references(&self, references: &[AttributeRef]) -> Result<(), &'static str> {
        references.iter().try_for_each(|reference| self.attribute(reference.attribute))
    }

    fn association(&self, association: Option<&Association>) -> Result<(), &'static str> {
        match association {
            None => Ok(()),
            Some(Association::Entity(id)) => self.entity(*id),
            Some(Association::OneOf(branches) | Association::AllOf(branches)) => {
                branches.iter().try_for_each(|branch| self.association(Some(branch)))
            }
        }
    }

    fn metrics(&self) -> Result<(), &'static str> {
        for metric in &self.registry.metrics {
            self.references(&metric.attributes)?;
            self.association(metric.association.as_ref())?;
            holds((metric.set.0 as usize) < self.registry.metric_sets.len(), "a metric set that is not there")?;
            if let Some(Aggregation::Explicit(bounds)) = &metric.aggregation {
                holds(bounds.iter().all(|bound| bound.is_finite()) && bounds.is_sorted_by(|a, b| a < b), "bounds that do not ascend")?;
            }
            for fold in &metric.folds {
                if let FoldSource::Event { event, value } = &fold.source {
                    holds((event.0 as usize) < self.registry.events.len(), "an event that is not there")?;
                    if let FoldValue::Attribute(id) = value {
                        self.attribute(*id)?;
                    }
                }
                fold.when.iter().try_for_each(|(id, _)| self.attribute(*id))?;
            }
        }
        Ok(())
    }

    fn sets(&self) -> Result<(), &'static str> {
        for set in &self.registry.metric_sets {
            self.references(&set.dimensions)?;
            set.entities.iter().chain(set.keep.iter().flatten()).try_for_each(|id| self.entity(*id))?;
            holds(set.metrics.iter().all(|id| (id.0 as usize) < self.registry.metrics.len()), "a metric that is not there")?;
        }
        Ok(())
    }
}

fn holds(condition: bool, otherwise: &'static str) -> Result<(), &'static str> {
    if condition { Ok(()) } else { Err(otherwise) }
}
