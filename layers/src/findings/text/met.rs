//! What was met while the program ran, in words.
//!
//! [`super::finding`] comes here for what cold paths noted. They noted no value, and none stands here.

use tracing_weaver_registry::model::{Association, AttributeId, AttributeType, EntityId, EnumValue, MetricSetId};

use super::{Said, Writer, code, yaml};
use crate::findings::disagreement::{Refused, ValueKind};
use crate::findings::finding::FindingLevel::{Improvement, Information, Violation};

impl Writer<'_> {
    pub(super) fn type_mismatch(&self, field: &str, found: ValueKind) -> Said {
        let attribute = self.declared(field).map(|reference| self.registry.attribute(reference.attribute));
        let key = attribute.map_or(field, |attribute| attribute.key.as_str());
        let expected = attribute.map(|attribute| type_name(&attribute.attribute_type)).unwrap_or_default();
        let (found, hint) = match found {
            ValueKind::Int => ("an integer", ""),
            ValueKind::Double => ("a float", ""),
            ValueKind::Bool => ("a boolean", ""),
            ValueKind::Text => ("a text", ""),
            ValueKind::Bytes => ("bytes", ""),
            ValueKind::Formatted => ("a text made by `?` or `%`", "without `?` and `%` numbers and booleans keep their type; "),
        };
        let message = format!("field `{}` of {} is {found}, and `{key}` is declared as {expected}", code::text(field), self.subject());
        let place = attribute.map(|attribute| yaml::place(&attribute.origin)).unwrap_or_default();
        Said::new("type_mismatch", Violation, message)
            .about(key)
            .help(format!("{hint}give {expected}, or change its type at {place}"))
            .code(Some(self.written(self.callsite.name(), [field])))
    }

    pub(super) fn enum_variant(&self, attribute: AttributeId) -> Said {
        let attribute = self.registry.attribute(attribute);
        let message = format!("{} gave `{}` another value than {}", self.subject(), attribute.key, type_name(&attribute.attribute_type));
        Said::new("undefined_enum_variant", Information, message)
            .about(&attribute.key)
            .help("metrics count it as `_OTHER`; give one of these, or add a member to the set")
            .yaml(Some(yaml::member(&attribute.key, &attribute.origin)))
    }

    pub(super) fn identity_conflict(&self, field: &str) -> Said {
        let owner = self.owner(field);
        let entity = owner.map_or("", |entity| self.registry.entity(entity).entity_type.as_str());
        let message = format!(
            "field `{}` of {} says otherwise than the entity `{entity}` in force, so it is not exported",
            code::text(field),
            self.subject()
        );
        Said::new("identity_conflict", Violation, message)
            .about(field)
            .help("leave it out: entities in force are attached to every event; for another entity, emit inside its span or name it by `parent:`")
            .code(owner.map(|entity| self.enter(entity)))
    }

    pub(super) fn resource_conflict(&self, field: &str) -> Said {
        let message =
            format!("field `{}` of {} says otherwise than the resource, so it is not exported", code::text(field), self.subject());
        Said::new("identity_conflict", Violation, message)
            .about(field)
            .help("leave it out: the resource is attached to everything; what differs from it is another attribute")
            .code(Some(self.written(self.callsite.name(), self.fields().filter(|name| *name != field))))
    }

    pub(super) fn unattributed(&self, set: MetricSetId) -> Said {
        let set = self.registry.metric_set(set);
        let types = self.types(&set.entities);
        let message = format!(
            "{} was folded into `{}` while no {types} was in force: it counts in the set's series without entity",
            self.subject(),
            set.name
        );
        Said::new("entity_association_not_satisfied", Violation, message)
            .help("emit it while the entity's span is entered, or with `parent: &span`")
            .code(set.entities.first().map(|entity| self.enter(*entity)))
    }

    pub(super) fn unassociated(&self) -> Said {
        let event = self.registry.event_by_name(self.callsite.name()).map(|id| self.registry.event(id));
        let mut entities = Vec::new();
        if let Some(association) = event.and_then(|event| event.association.as_ref()) {
            collect(association, &mut entities);
        }
        let message = format!("{} describes {}, and was emitted while none was in force", self.subject(), self.types(&entities));
        Said::new("entity_association_not_satisfied", Violation, message)
            .help("emit it while the entity's span is entered, or with `parent: &span`")
            .code(entities.first().map(|entity| self.enter(*entity)))
    }

    pub(super) fn late_value(&self, field: &str) -> Said {
        let message =
            format!("field `{}` of {} was recorded after the entity was opened, and is ignored", code::text(field), self.subject());
        Said::new("late_value", Improvement, message)
            .about(field)
            .help("an entity's attributes hold for its life: give the value when the span is made")
            .code(Some(self.written(self.callsite.name(), self.fields())))
    }

    pub(super) fn refused(&self, field: Option<&str>, why: Refused) -> Said {
        let found = match why {
            Refused::Type => "no number",
            Refused::Negative => "a negative number, and its metric only grows or counts sizes",
            Refused::NotWhole => "not a whole number, and its metric counts in whole ones",
            Refused::NotFinite => "not a finite number, or its sum would not stay finite",
            Refused::TooLarge => "past the range of its metric's sum",
        };
        let what = field.map_or("a measurement".to_owned(), |field| format!("field `{}`", code::text(field)));
        let key = field.map(|field| self.declared(field).map_or(field, |reference| self.key(reference.attribute)));
        let said = Said::new("measurement_refused", Violation, format!("{what} of {} was {found}: it was not measured", self.subject()));
        let said = said.help("check what the program measures there; else change the metric's instrument or its `value` in the registry");
        match key {
            Some(key) => said.about(key),
            None => said,
        }
    }

    pub(super) fn entity_in_trace_span(&self) -> Said {
        let message =
            format!("{} opens an entity directly under a trace span: that span is not exported before the entity ends", self.subject());
        let code = code::span(self.callsite.name(), self.fields()).replacen('(', "(parent: &enclosing_entity, ", 1);
        Said::new("entity_in_trace_span", Improvement, message)
            .help("open a long-lived entity outside of trace spans, or name the entity that encloses it as its parent")
            .code(Some(code))
    }

    pub(super) fn extract_on_entity(&self) -> Said {
        let message =
            format!("a trace context was to be extracted into {}, which is an entity and no trace span: nothing was done", self.subject());
        Said::new("extract_on_entity", Violation, message).help("extract it into the trace span of the request or message")
    }

    pub(super) fn entity_limit(&self) -> Said {
        let message = format!("{} opened nothing: the bound on different entities was reached", self.subject());
        let identity: Vec<String> = self.item.identity.iter().map(|reference| format!("`{}`", self.key(reference.attribute))).collect();
        Said::new("entity_limit", Violation, message)
            .help(format!("{} must take a bounded number of values: no id of a request, session or message", identity.join(", ")))
    }
}

fn collect(association: &Association, into: &mut Vec<EntityId>) {
    match association {
        Association::Entity(entity) => into.push(*entity),
        Association::OneOf(of) | Association::AllOf(of) => of.iter().for_each(|one| collect(one, into)),
    }
}

/// A type in words; of a closed set its members.
fn type_name(of: &AttributeType) -> String {
    match of {
        AttributeType::String => "a text".to_owned(),
        AttributeType::Int => "an integer".to_owned(),
        AttributeType::Double => "a float".to_owned(),
        AttributeType::Boolean => "a boolean".to_owned(),
        AttributeType::StringArray => "a list of texts".to_owned(),
        AttributeType::IntArray => "a list of integers".to_owned(),
        AttributeType::DoubleArray => "a list of floats".to_owned(),
        AttributeType::BooleanArray => "a list of booleans".to_owned(),
        AttributeType::Template(of) => type_name(of),
        AttributeType::Enum(closed) => {
            let shown: Vec<String> = closed.members.iter().take(12).map(|member| format!("`{}`", member_value(&member.value))).collect();
            let more = if closed.members.len() > shown.len() { ", …" } else { "" };
            shown.join(", ") + more
        }
        _ => "any value".to_owned(),
    }
}

fn member_value(value: &EnumValue) -> String {
    match value {
        EnumValue::String(text) => code::text(text),
        EnumValue::Int(int) => int.to_string(),
        EnumValue::Double(double) => double.to_string(),
        EnumValue::Bool(bool) => bool.to_string(),
    }
}
