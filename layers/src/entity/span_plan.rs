//! Which fields of an entity span are the entity's attributes, and how an instance is made of them.
//!
//! The layer asks once per span callsite, and visits the span's fields when it is made. A span without its
//! full identity makes no instance.

use std::fmt;
use std::sync::Arc;

use tracing_core::field::Visit;
use tracing_core::{Field, Metadata};
use tracing_weaver_registry::model::{AttributeId, AttributeRef, EntityId, ResolvedRegistry};

use super::context::EntityInstance;
use crate::count::Counts;
use crate::findings::{CallsiteNotes, Disagreement};
use crate::hold::Hold;
use crate::read::FieldDropReason;
use crate::redact::Treatment;
use crate::rules::FieldRules;
use crate::user_code::{self, Formatted};
use crate::value::Value;

/// One attribute of the entity.
#[derive(Debug)]
struct Part {
    key: Arc<str>,
    treatment: Treatment,
    /// Of the identity.
    required: Option<AttributeId>,
}

/// What a callsite of an entity span gives.
#[derive(Debug)]
pub(crate) struct EntityPlan {
    entity: EntityId,
    parts: Vec<Part>,
    /// Per field the part that it gives.
    fields: Vec<Option<u32>>,
    pub(crate) notes: Arc<CallsiteNotes>,
}

impl EntityPlan {
    pub(crate) fn new(
        rules: &FieldRules,
        registry: &ResolvedRegistry,
        id: EntityId,
        metadata: &Metadata<'_>,
        notes: Arc<CallsiteNotes>,
    ) -> EntityPlan {
        let entity = registry.entity(id);
        let part = |reference: &AttributeRef, required: bool| {
            let key = registry.attribute(reference.attribute).key.as_str();
            let treatment = rules.treatment_of(registry, reference, key);
            Part { key: key.into(), treatment, required: required.then_some(reference.attribute) }
        };
        let identity = entity.identity.iter().map(|reference| part(reference, true));
        let parts: Vec<Part> = identity.chain(entity.description.iter().map(|reference| part(reference, false))).collect();
        let fields = metadata.fields().iter().map(|field| parts.iter().position(|part| *part.key == *field.name()).map(|at| at as u32));
        EntityPlan { entity: id, fields: fields.collect(), parts, notes }
    }

    /// The instance that a span's values make; `None` if its identity is not complete.
    pub(crate) fn instance(&self, attributes: &tracing_core::span::Attributes<'_>, hold: &Hold, counts: &Counts) -> Option<EntityInstance> {
        self.notes.look_at_span(attributes);
        let mut visitor = EntityVisitor { plan: self, hold, counts, values: vec![None; self.parts.len()] };
        attributes.record(&mut visitor);
        let values = visitor.values;
        if let Some(missing) = self.parts.iter().zip(&values).position(|(part, value)| part.required.is_some() && value.is_none()) {
            self.note_missing(missing);
            return None;
        }
        let mut exported = Vec::new();
        let mut given = Vec::new();
        for (at, (part, value)) in self.parts.iter().zip(values).enumerate() {
            let Some(value) = value else { continue };
            if let Some(reason) = part.treatment.keeps_back() {
                counts.field_dropped(reason);
            }
            if let Some(value) = part.treatment.value(&value) {
                exported.push((part.key.clone(), value));
            }
            given.push((at as u32, value));
        }
        Some(EntityInstance::new(self.entity, &given, exported))
    }
}

impl EntityPlan {
    /// A field that the callsite does not have at all is found without a value.
    #[cold]
    fn note_missing(&self, part: usize) {
        if let (Some(attribute), true) = (self.parts[part].required, self.fields.contains(&Some(part as u32))) {
            self.notes.note(Disagreement::IdentityNotGiven { attribute });
        }
    }
}

struct EntityVisitor<'a> {
    plan: &'a EntityPlan,
    hold: &'a Hold,
    counts: &'a Counts,
    values: Vec<Option<Value>>,
}

impl EntityVisitor<'_> {
    fn part(&self, field: &Field) -> Option<usize> {
        let part = self.plan.fields.get(field.index()).copied().flatten();
        if part.is_none() && field.name() != "message" {
            self.counts.field_dropped(FieldDropReason::Undeclared);
        }
        part.map(|at| at as usize)
    }

    fn set(&mut self, field: &Field, value: Value) {
        if let Some(part) = self.part(field) {
            self.values[part] = Some(value);
        }
    }
}

impl Visit for EntityVisitor<'_> {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, Value::Int(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.record_u128(field, value.into());
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.set(field, i64::try_from(value).map_or_else(|_| Value::Str(value.to_string().into()), Value::Int));
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.set(field, i64::try_from(value).map_or_else(|_| Value::Str(value.to_string().into()), Value::Int));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field, Value::Double(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, Value::Bool(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let (text, cut) = user_code::cut(value);
        if cut {
            self.counts.field_dropped(FieldDropReason::TooLong);
        }
        self.set(field, Value::Str(text.into()));
    }

    fn record_bytes(&mut self, field: &Field, value: &[u8]) {
        self.set(field, Value::Bytes(value.into()));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let Some(part) = self.part(field) else { return };
        let mut text = String::new();
        match user_code::format(self.hold, &mut text, format_args!("{value:?}")) {
            Formatted::Panicked => return self.counts.field_dropped(FieldDropReason::Panic),
            Formatted::Cut => self.counts.field_dropped(FieldDropReason::TooLong),
            Formatted::Whole => {}
        }
        self.values[part] = Some(Value::Str(text.into()));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.record_debug(field, &tracing_core::field::display(value));
    }
}
