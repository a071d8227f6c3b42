//! What may leave of a field: where its key stands, what the registry declares, what the resource carries.
//!
//! Plans of records and of trace spans ask once per field, and the gate of trace spans for each attribute that was set by hand. Nothing
//! here sees a value of an event.

use std::collections::HashSet;
use std::sync::Arc;

use tracing_weaver_registry::model::{AttributeRef, AttributeType, ResolvedRegistry};

use crate::read::FieldDropReason;
use crate::redact::Treatment;
use crate::redaction::Redaction;
use crate::value::Value;

/// What becomes of a field.
#[derive(Debug)]
pub(crate) enum FieldAction {
    /// An attribute, as it is.
    Plain,
    /// An attribute, after this.
    Treat(Treatment),
    /// The body, after this.
    Body(Treatment),
    /// An attribute unless an entity in force carries the key; then it is left out.
    Entity { declared: bool, treatment: Treatment },
    /// A stack trace: an attribute, after this, where debug severity is let through; else it is left out.
    StackTrace(Treatment),
    /// Left out, since the resource carries the key.
    Resource(Value),
    /// Of a `log` record: the scope's name.
    LogTarget,
    /// Of a `log` record: left out without a word.
    Ignore,
}

/// One field of a callsite.
#[derive(Debug)]
pub(crate) struct FieldRecord {
    pub(crate) key: Box<str>,
    pub(crate) action: FieldAction,
}

/// Bounds on a record's attributes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RecordLimits {
    /// Most attributes.
    pub(crate) attributes: usize,
    /// Most characters of a text.
    pub(crate) characters: Option<usize>,
}

/// What plans ask of the registry and the settings, worked out once per layer.
#[derive(Debug)]
pub(crate) struct FieldRules {
    redaction: Redaction,
    /// Keys of entities that spans open.
    entity_keys: HashSet<String>,
    resource: Vec<(Arc<str>, Value)>,
    /// Whether records of `tracing` events carry `code.*` too.
    pub(crate) code_location: bool,
    pub(crate) limits: RecordLimits,
}

impl FieldRules {
    pub(crate) fn new(
        registry: &ResolvedRegistry,
        resource: Vec<(Arc<str>, Value)>,
        code_location: bool,
        limits: RecordLimits,
    ) -> FieldRules {
        let opened = registry.entities.iter().filter(|entity| !entity.resource);
        let keys = opened.flat_map(|entity| entity.identity.iter().chain(&entity.description));
        let entity_keys = keys.map(|reference| registry.attribute(reference.attribute).key.clone()).collect();
        FieldRules { redaction: Redaction::of(registry), entity_keys, resource, code_location, limits }
    }

    /// What the registry asks for under this name, wherever it stands.
    pub(crate) fn treatment(&self, name: &str) -> Treatment {
        self.redaction.treatment(name)
    }

    /// What it asks for where this attribute is declared, and stands under `key`.
    pub(crate) fn treatment_of(&self, registry: &ResolvedRegistry, reference: &AttributeRef, key: &str) -> Treatment {
        self.redaction.declared(registry, reference, key)
    }

    fn resource(&self, key: &str) -> Option<&Value> {
        self.resource.iter().find(|(known, _)| **known == *key).map(|(_, value)| value)
    }

    /// What becomes of an event's field. `attributes` are what its event in the registry declares, `None` where it has none.
    pub(crate) fn record_field(&self, registry: &ResolvedRegistry, attributes: Option<&[AttributeRef]>, name: &str) -> FieldRecord {
        if name == "message" {
            return FieldRecord { key: name.into(), action: FieldAction::Body(self.treatment(name)) };
        }
        self.field(registry, attributes, name)
    }

    /// What becomes of an attribute, be it a field or set by hand. `attributes` are those that the registry declares where it stands, `None`
    /// where the registry knows nothing of it.
    pub(crate) fn field(&self, registry: &ResolvedRegistry, attributes: Option<&[AttributeRef]>, name: &str) -> FieldRecord {
        let declared = attributes.and_then(|attributes| declared(registry, attributes, name));
        let key = declared.map_or(name, |reference| key_of(registry, reference, name));
        let treatment = declared.map_or_else(|| self.treatment(name), |reference| self.treatment_of(registry, reference, key));
        let is_declared = attributes.is_none() || declared.is_some();
        let action = if let Some(value) = self.resource(key) {
            FieldAction::Resource(value.clone())
        } else if self.entity_keys.contains(key) {
            FieldAction::Entity { declared: is_declared, treatment }
        } else if !is_declared && treatment != Treatment::Drop(FieldDropReason::Secret) {
            FieldAction::Treat(Treatment::Drop(FieldDropReason::Undeclared))
        } else if key == "exception.stacktrace" {
            FieldAction::StackTrace(treatment)
        } else {
            FieldAction::of(treatment)
        };
        FieldRecord { key: key.into(), action }
    }

    /// A field that the layer itself adds, or that a `log` record carries.
    pub(crate) fn added(&self, key: &str) -> FieldRecord {
        FieldRecord { key: key.into(), action: FieldAction::of(self.treatment(key)) }
    }
}

impl FieldAction {
    fn of(treatment: Treatment) -> FieldAction {
        if treatment == Treatment::Plain { FieldAction::Plain } else { FieldAction::Treat(treatment) }
    }
}

/// The attribute that a field stands for among those that are declared: by its key, by a name that is accepted for it, or as one of a
/// template's.
pub(crate) fn declared<'a>(registry: &ResolvedRegistry, attributes: &'a [AttributeRef], name: &str) -> Option<&'a AttributeRef> {
    let by_key = attributes.iter().find(|reference| registry.attribute(reference.attribute).key == name);
    let by_alias = || attributes.iter().find(|reference| reference.fields.iter().any(|field| field == name));
    let by_template = |reference: &&AttributeRef| {
        let attribute = registry.attribute(reference.attribute);
        matches!(attribute.attribute_type, AttributeType::Template(_)) && is_below(name, &attribute.key)
    };
    by_key.or_else(by_alias).or_else(|| attributes.iter().find(by_template))
}

/// The key of what a field stands for: the attribute's, but of a template the field's own.
pub(crate) fn key_of<'a>(registry: &'a ResolvedRegistry, reference: &AttributeRef, name: &'a str) -> &'a str {
    if reference.fields.iter().any(|field| field == name) { &registry.attribute(reference.attribute).key } else { name }
}

/// The key that a field has among those that are declared; its own name where none is declared for it.
pub(crate) fn key_among<'a>(registry: &'a ResolvedRegistry, attributes: &[AttributeRef], name: &'a str) -> &'a str {
    declared(registry, attributes, name).map_or(name, |reference| key_of(registry, reference, name))
}

/// Whether a name continues a key after a dot.
pub(crate) fn is_below(name: &str, key: &str) -> bool {
    name.strip_prefix(key).is_some_and(|rest| rest.starts_with('.'))
}
