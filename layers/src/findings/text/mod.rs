//! Findings in words: what was found and expected, the code to change, the YAML to add.
//!
//! Readers come here once per note. It knows callsites and the registry, never a value.

mod in_code;
mod met;

use tracing_core::Metadata;
use tracing_weaver_registry::model::{AttributeId, AttributeRef, Deprecated, EntityId, Origin, ResolvedRegistry};

use super::disagreement::{Disagreement, ValueKind};
use super::finding::{Finding, FindingLevel};
use super::names::{Names, measured};
use super::yaml::Advice;
use super::{code, yaml};
use crate::rules::declared;

/// Puts a disagreement into words. `kinds` are those of values that fields had which nothing declares.
pub(super) fn finding(
    registry: &ResolvedRegistry,
    names: &Names,
    kinds: &[(usize, ValueKind)],
    callsite: &'static Metadata<'static>,
    what: Disagreement,
) -> Finding {
    let advice = Advice { registry, names, callsite, kinds };
    let writer = Writer { registry, names, callsite, advice, item: Item::of(registry, callsite) };
    let said = writer.say(what);
    Finding {
        id: said.id,
        level: said.level,
        message: said.message,
        name: code::text(callsite.name()),
        target: code::text(callsite.target()),
        file: callsite.file().map(code::text),
        line: callsite.line(),
        attribute: said.attribute,
        help: said.help,
        code: said.code,
        yaml: said.yaml,
        count: 1,
    }
}

/// What the registry has under the callsite's name.
struct Item<'a> {
    /// `event`, `entity` or `span`.
    kind: &'static str,
    attributes: Vec<&'a AttributeRef>,
    identity: &'a [AttributeRef],
    deprecated: Option<&'a Deprecated>,
    origin: Option<&'a Origin>,
}

impl<'a> Item<'a> {
    fn of(registry: &'a ResolvedRegistry, callsite: &Metadata<'_>) -> Item<'a> {
        let name = callsite.name();
        let mut item = Item {
            kind: if callsite.is_span() { "span" } else { "event" },
            attributes: Vec::new(),
            identity: &[],
            deprecated: None,
            origin: None,
        };
        if callsite.is_event() {
            if let Some(id) = registry.event_by_name(name) {
                let event = registry.event(id);
                item.attributes = event.attributes.iter().chain(measured(registry, id).dimensions).collect();
                (item.deprecated, item.origin) = (event.deprecated.as_ref(), Some(&event.origin));
            }
        } else if let Some(entity) = registry.entity_by_type(name).map(|id| registry.entity(id)).filter(|entity| !entity.resource) {
            item.attributes = entity.identity.iter().chain(&entity.description).collect();
            item.kind = "entity";
            (item.identity, item.deprecated, item.origin) = (&entity.identity, entity.deprecated.as_ref(), Some(&entity.origin));
        } else if let Some(span) = registry.span_by_type(name).and_then(|id| registry.spans.get(id.0 as usize)) {
            item.attributes = span.attributes.iter().collect();
            (item.deprecated, item.origin) = (span.deprecated.as_ref(), Some(&span.origin));
        }
        item
    }
}

/// The part of a finding that depends on what it is.
struct Said {
    id: &'static str,
    level: FindingLevel,
    message: String,
    attribute: Option<String>,
    help: String,
    code: Option<String>,
    yaml: Option<String>,
}

impl Said {
    fn new(id: &'static str, level: FindingLevel, message: String) -> Said {
        Said { id, level, message, attribute: None, help: String::new(), code: None, yaml: None }
    }

    fn about(mut self, attribute: &str) -> Said {
        self.attribute = Some(code::text(attribute));
        self
    }

    fn help(mut self, help: impl Into<String>) -> Said {
        self.help = help.into();
        self
    }

    fn code(mut self, code: Option<String>) -> Said {
        self.code = code;
        self
    }

    fn yaml(mut self, yaml: Option<String>) -> Said {
        self.yaml = yaml;
        self
    }
}

struct Writer<'a> {
    registry: &'a ResolvedRegistry,
    names: &'a Names,
    callsite: &'static Metadata<'static>,
    advice: Advice<'a>,
    item: Item<'a>,
}

impl Writer<'_> {
    fn say(&self, what: Disagreement) -> Said {
        match what {
            Disagreement::UnknownEvent => self.unknown_event(),
            Disagreement::UnknownSpan => self.unknown_span(),
            Disagreement::UnnamedEvent { field } => self.unnamed_event(self.field(field)),
            Disagreement::Undeclared { field } => self.undeclared(self.field(field)),
            Disagreement::EntityKeyUndeclared { field } => self.entity_key_undeclared(self.field(field)),
            Disagreement::Duplicate { field } => self.duplicate(self.field(field)),
            Disagreement::RequiredMissing { attribute } => self.required_missing(attribute),
            Disagreement::DimensionMissing { attribute, metric } => self.dimension_missing(attribute, metric),
            Disagreement::IdentityNotInCode { attribute } => self.identity_not_in_code(attribute),
            Disagreement::IdentityNotGiven { attribute } => self.identity_not_given(attribute),
            Disagreement::Severity => self.severity(),
            Disagreement::Deprecated => self.deprecated(),
            Disagreement::DeprecatedAttribute { field } => self.deprecated_attribute(self.field(field)),
            Disagreement::Type { field, found } => self.type_mismatch(self.field(field), found),
            Disagreement::EnumVariant { attribute } => self.enum_variant(attribute),
            Disagreement::IdentityConflict { field } => self.identity_conflict(self.field(field)),
            Disagreement::ResourceConflict { field } => self.resource_conflict(self.field(field)),
            Disagreement::Unattributed { set } => self.unattributed(set),
            Disagreement::Unassociated => self.unassociated(),
            Disagreement::LateValue { field } => self.late_value(self.field(field)),
            Disagreement::Refused { field, why } => self.refused(field.map(|field| self.field(field)), why),
            Disagreement::EntityInTraceSpan => self.entity_in_trace_span(),
            Disagreement::ExtractOnEntity => self.extract_on_entity(),
            Disagreement::EntityLimit => self.entity_limit(),
        }
    }

    /// Kind and name of the callsite, for a sentence.
    fn subject(&self) -> String {
        let kind = if self.item.kind == "entity" { "span" } else { self.item.kind };
        format!("{kind} `{}`", code::text(self.callsite.name()))
    }

    fn field(&self, at: usize) -> &'static str {
        self.callsite.fields().iter().nth(at).map_or("", |field| field.name())
    }

    fn fields(&self) -> impl Iterator<Item = &str> {
        self.callsite.fields().iter().map(|field| field.name()).filter(|name| *name != "message")
    }

    fn key(&self, attribute: AttributeId) -> &str {
        &self.registry.attribute(attribute).key
    }

    fn declared(&self, field: &str) -> Option<&AttributeRef> {
        self.item.attributes.iter().copied().find(|reference| declared(self.registry, std::slice::from_ref(*reference), field).is_some())
    }

    /// The callsite with another name or other fields.
    fn written<'f>(&self, name: &str, fields: impl IntoIterator<Item = &'f str>) -> String {
        if self.callsite.is_span() { code::span(name, fields) } else { code::event(name, *self.callsite.level(), fields) }
    }

    /// The callsite with one of its fields by another name.
    fn renamed(&self, field: &str, to: &str) -> String {
        self.written(self.callsite.name(), self.fields().map(|name| if name == field { to } else { name }))
    }

    /// Where the item is defined.
    fn place(&self) -> String {
        self.item.origin.map(yaml::place).unwrap_or_default()
    }

    /// The entity that a key belongs to.
    fn owner(&self, field: &str) -> Option<EntityId> {
        let key = self.declared(field).map_or(field, |reference| self.key(reference.attribute));
        let has = |reference: &AttributeRef| self.key(reference.attribute) == key;
        let owns = |at: &usize| {
            let entity = &self.registry.entities[*at];
            !entity.resource && entity.identity.iter().chain(&entity.description).any(has)
        };
        (0..self.registry.entities.len()).find(owns).map(|at| EntityId(at as u32))
    }

    /// Code that puts an entity in force.
    fn enter(&self, entity: EntityId) -> String {
        let entity = self.registry.entity(entity);
        let identity = entity.identity.iter().map(|reference| self.key(reference.attribute));
        format!("let _entered = {}.entered();", code::span(&entity.entity_type, identity))
    }

    fn types(&self, entities: &[EntityId]) -> String {
        entities.iter().map(|id| format!("`{}`", self.registry.entity(*id).entity_type)).collect::<Vec<_>>().join(" or ")
    }
}
