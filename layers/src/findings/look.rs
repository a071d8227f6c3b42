//! What the first event or entity span of a callsite shows: types of values, members of closed sets, entities in force.
//!
//! The layer looks once per callsite, on the way of an event that nothing is cached for. It never formats a value, so it runs no user
//! code.

use std::fmt;

use tracing_core::field::Visit;
use tracing_core::{Field, Metadata};
use tracing_weaver_registry::model::{
    Association, AttributeId, AttributeRef, AttributeType, EntityId, EnumType, EnumValue, Event, ResolvedRegistry,
};

use super::disagreement::{Disagreement, ValueKind};
use super::names::{Names, measured};
use crate::read::EntityContext;
use crate::rules::declared;

/// Compares the types of one event's or span's values with what is declared.
pub(super) struct TypeVisitor<'a> {
    registry: &'a ResolvedRegistry,
    declared: Vec<&'a AttributeRef>,
    /// Dimensions of metrics.
    folded: Vec<AttributeId>,
    pub(super) found: Vec<Disagreement>,
    /// Fields that are not declared, with the kind of their values.
    pub(super) strangers: Vec<(usize, ValueKind)>,
}

impl<'a> TypeVisitor<'a> {
    /// For the values of an event that the registry knows, or that stands under its prefix. Members of closed sets are looked at where a
    /// metric takes them.
    pub(super) fn of_event(registry: &'a ResolvedRegistry, names: &Names, name: &str) -> Option<TypeVisitor<'a>> {
        let Some(event) = registry.event_by_name(name) else { return TypeVisitor::of_own(registry, names, name) };
        let dimensions = measured(registry, event).dimensions;
        let folded = dimensions.iter().map(|dimension| dimension.attribute).collect();
        let declared = registry.event(event).attributes.iter().chain(dimensions).collect();
        Some(TypeVisitor { registry, declared, folded, found: Vec::new(), strangers: Vec::new() })
    }

    /// For the values of a span, likewise.
    pub(super) fn of_span(registry: &'a ResolvedRegistry, names: &Names, name: &str) -> Option<TypeVisitor<'a>> {
        let entity = registry.entity_by_type(name).map(|id| registry.entity(id)).filter(|entity| !entity.resource);
        let declared = match (entity, registry.span_by_type(name)) {
            (Some(entity), _) => entity.identity.iter().chain(&entity.description).collect(),
            (None, Some(id)) => registry.spans.get(id.0 as usize)?.attributes.iter().collect(),
            (None, None) => return TypeVisitor::of_own(registry, names, name),
        };
        Some(TypeVisitor { registry, declared, folded: Vec::new(), found: Vec::new(), strangers: Vec::new() })
    }

    /// For the values of what the registry does not know, if it stands under its prefix.
    fn of_own(registry: &'a ResolvedRegistry, names: &Names, name: &str) -> Option<TypeVisitor<'a>> {
        let visitor = TypeVisitor { registry, declared: Vec::new(), folded: Vec::new(), found: Vec::new(), strangers: Vec::new() };
        names.is_own(name).then_some(visitor)
    }

    fn value(&mut self, field: &Field, found: ValueKind, is_member: impl Fn(&EnumType) -> bool) {
        let one = |reference: &&&AttributeRef| declared(self.registry, std::slice::from_ref(**reference), field.name()).is_some();
        let Some(reference) = self.declared.iter().find(one) else {
            return self.strangers.push((field.index(), found));
        };
        let attribute = self.registry.attribute(reference.attribute);
        if !fits(&attribute.attribute_type, found) {
            self.found.push(Disagreement::Type { field: field.index(), found });
        } else if let AttributeType::Enum(closed) = &attribute.attribute_type
            && found != ValueKind::Formatted
            && is_closed(&attribute.attribute_type)
            && !self.folded.contains(&reference.attribute)
            && !is_member(closed)
        {
            self.found.push(Disagreement::EnumVariant { attribute: reference.attribute });
        }
    }
}

/// Whether a value of this kind is one of the type. `tracing` has no lists, so that any formatted one may stand for a list.
fn fits(attribute_type: &AttributeType, found: ValueKind) -> bool {
    use ValueKind::{Bool, Bytes, Double, Formatted, Int, Text};
    match attribute_type {
        AttributeType::String => matches!(found, Text | Formatted),
        AttributeType::Int => found == Int,
        AttributeType::Double => matches!(found, Double | Int),
        AttributeType::Boolean => found == Bool,
        AttributeType::StringArray | AttributeType::IntArray | AttributeType::DoubleArray | AttributeType::BooleanArray => {
            found == Formatted
        }
        AttributeType::Template(of) => fits(of, found),
        AttributeType::Enum(closed) => closed.members.iter().any(|member| match member.value {
            EnumValue::String(_) => matches!(found, Text | Formatted),
            EnumValue::Int(_) => found == Int,
            EnumValue::Double(_) => matches!(found, Double | Int),
            EnumValue::Bool(_) => found == Bool,
        }),
        // Any value, and types that this version does not know.
        _ => found != Bytes || *attribute_type == AttributeType::Any,
    }
}

/// What stands for every value that a set does not name.
const OTHER: &str = "_OTHER";

/// Whether a type names all its values: a set that has a name for all others does not.
pub(crate) fn is_closed(attribute_type: &AttributeType) -> bool {
    match attribute_type {
        AttributeType::Enum(of) => !has(of, |of| matches!(of, EnumValue::String(member) if member == OTHER)),
        AttributeType::Boolean => true,
        _ => false,
    }
}

fn has(closed: &EnumType, is: impl Fn(&EnumValue) -> bool) -> bool {
    closed.members.iter().any(|member| is(&member.value))
}

impl Visit for TypeVisitor<'_> {
    fn record_i64(&mut self, field: &Field, value: i64) {
        let is = |of: &EnumValue| match of {
            EnumValue::Int(member) => *member == value,
            EnumValue::Double(member) => *member == value as f64,
            _ => false,
        };
        self.value(field, ValueKind::Int, |closed| has(closed, is));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.record_i64(field, i64::try_from(value).unwrap_or(i64::MAX));
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.record_i64(field, i64::try_from(value).unwrap_or(i64::MAX));
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.record_i64(field, i64::try_from(value).unwrap_or(i64::MAX));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.value(field, ValueKind::Double, |closed| has(closed, |of| matches!(of, EnumValue::Double(member) if *member == value)));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.value(field, ValueKind::Bool, |closed| has(closed, |of| *of == EnumValue::Bool(value)));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        // What a metric calls every unknown value may be said as such.
        let is = |of: &EnumValue| matches!(of, EnumValue::String(member) if member == value);
        self.value(field, ValueKind::Text, |closed| value == OTHER || has(closed, is));
    }

    fn record_bytes(&mut self, field: &Field, _: &[u8]) {
        self.value(field, ValueKind::Bytes, |_| true);
    }

    fn record_debug(&mut self, field: &Field, _: &dyn fmt::Debug) {
        self.value(field, ValueKind::Formatted, |_| true);
    }

    fn record_error(&mut self, field: &Field, _: &(dyn std::error::Error + 'static)) {
        self.value(field, ValueKind::Formatted, |_| true);
    }
}

/// Whether none of the entities that an event describes is there: in force, on the resource, or by its identity on the event itself.
/// What metrics take from an event is looked at where it is folded.
pub(super) fn is_unassociated(registry: &ResolvedRegistry, callsite: &Metadata<'_>, in_force: &EntityContext) -> bool {
    let Some(id) = registry.event_by_name(callsite.name()) else { return false };
    let event = registry.event(id);
    let Some(association) = &event.association else { return false };
    let is_there = |entity: EntityId| {
        let entity = registry.entity(entity);
        let on_event = |reference: &AttributeRef| gives(registry, event, callsite, reference.attribute);
        entity.resource || in_force.types.iter().any(|of| **of == *entity.entity_type) || entity.identity.iter().all(on_event)
    };
    !measured(registry, id).folds && !holds(association, &is_there)
}

fn holds(association: &Association, is_there: &dyn Fn(EntityId) -> bool) -> bool {
    match association {
        Association::Entity(entity) => is_there(*entity),
        Association::OneOf(of) => of.is_empty() || of.iter().any(|one| holds(one, is_there)),
        Association::AllOf(of) => of.iter().all(|one| holds(one, is_there)),
    }
}

/// Whether the callsite has a field for an attribute that the event declares.
fn gives(registry: &ResolvedRegistry, event: &Event, callsite: &Metadata<'_>, attribute: AttributeId) -> bool {
    let names = callsite.fields().iter().filter_map(|field| declared(registry, &event.attributes, field.name()));
    names.into_iter().any(|reference| reference.attribute == attribute)
}
