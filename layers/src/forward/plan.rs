//! What a callsite's record looks like: its header, and what becomes of each field.
//!
//! Made once per callsite; the record visitor reads it. It holds bytes and decisions, no value.

use std::collections::HashSet;
use std::sync::Arc;

use tracing_core::{Level, Metadata};
use tracing_weaver_registry::model::{AttributeType, Event, EventId, Privacy, ResolvedRegistry};

use super::encode::{ShortKey, Template, tag};
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

/// A callsite's record.
#[derive(Debug)]
pub(crate) struct RecordPlan {
    /// All that comes before body and attributes, the two times at their places.
    pub(crate) header: Template,
    pub(crate) fields: Vec<FieldRecord>,
    /// Per field its key, where the field is simply an attribute; empty for a callsite with so many fields that
    /// attributes must be counted.
    pub(crate) short: Box<[ShortKey]>,
    /// Scope name id shifted left by one, and the known bit.
    pub(crate) scope: u32,
    /// File and line, where records carry them.
    pub(crate) location: Vec<(FieldRecord, Location)>,
}

/// A place in the code.
#[derive(Debug)]
pub(crate) enum Location {
    File(&'static str),
    Line(u32),
}

/// Most attributes of a record.
pub(crate) const MAX_ATTRIBUTES: u32 = 128;

/// Fields up to which a record cannot pass the bound on attributes, each with its chain of sources.
const UNCOUNTED: usize = MAX_ATTRIBUTES as usize / 2;

/// Where the time stands in a header, and the observed time.
pub(crate) const TIME_AT: usize = 1;
pub(crate) const OBSERVED_AT: usize = 10;

/// What plans of records ask of the registry and the settings, worked out once per layer.
#[derive(Debug)]
pub(crate) struct RecordRules {
    redaction: Redaction,
    /// Keys of entities that spans open.
    entity_keys: HashSet<String>,
    resource: Vec<(Arc<str>, Value)>,
    code_location: bool,
}

impl RecordRules {
    pub(crate) fn new(registry: &ResolvedRegistry, resource: Vec<(Arc<str>, Value)>, code_location: bool) -> RecordRules {
        let opened = registry.entities.iter().filter(|entity| !entity.resource);
        let keys = opened.flat_map(|entity| entity.identity.iter().chain(&entity.description));
        let entity_keys = keys.map(|reference| registry.attribute(reference.attribute).key.clone()).collect();
        RecordRules { redaction: Redaction::of(registry), entity_keys, resource, code_location }
    }

    fn resource(&self, key: &str) -> Option<&Value> {
        self.resource.iter().find(|(known, _)| **known == *key).map(|(_, value)| value)
    }

    fn field(&self, registry: &ResolvedRegistry, event: Option<&Event>, name: &str) -> FieldRecord {
        if name == "message" {
            return FieldRecord { key: name.into(), action: FieldAction::Body(self.redaction.treatment(name)) };
        }
        let declared = event.and_then(|event| declared(registry, event, name));
        let key = declared.as_ref().map_or(name, |(key, _)| key.as_str());
        let treatment = declared.as_ref().map_or_else(|| self.redaction.treatment(name), |(_, privacy)| Treatment::of(privacy));
        let is_declared = event.is_none() || declared.is_some();
        let action = if let Some(value) = self.resource(key) {
            FieldAction::Resource(value.clone())
        } else if self.entity_keys.contains(key) {
            FieldAction::Entity { declared: is_declared, treatment }
        } else if !is_declared && treatment != Treatment::Drop(FieldDropReason::Secret) {
            FieldAction::Treat(Treatment::Drop(FieldDropReason::Undeclared))
        } else {
            FieldAction::of(treatment)
        };
        FieldRecord { key: key.into(), action }
    }

    /// A field that the layer itself adds, or that a `log` record carries.
    fn added(&self, key: &str) -> FieldRecord {
        FieldRecord { key: key.into(), action: FieldAction::of(self.redaction.treatment(key)) }
    }
}

impl FieldAction {
    fn of(treatment: Treatment) -> FieldAction {
        if treatment == Treatment::Plain { FieldAction::Plain } else { FieldAction::Treat(treatment) }
    }
}

/// The key and redaction of the attribute that `name` stands for on an event, if it declares one.
fn declared(registry: &ResolvedRegistry, event: &Event, name: &str) -> Option<(String, Privacy)> {
    let key_of = |reference: &tracing_weaver_registry::model::AttributeRef| &registry.attribute(reference.attribute).key;
    let by_key = event.attributes.iter().find(|reference| key_of(reference) == name);
    if let Some(reference) = by_key.or_else(|| event.attributes.iter().find(|r| r.fields.iter().any(|field| field == name))) {
        return Some((key_of(reference).clone(), reference.privacy.clone()));
    }
    event.attributes.iter().find_map(|reference| {
        let attribute = registry.attribute(reference.attribute);
        let template = matches!(attribute.attribute_type, AttributeType::Template(_));
        let rest = name.strip_prefix(attribute.key.as_str())?;
        (template && rest.starts_with('.')).then(|| (name.to_owned(), reference.privacy.clone()))
    })
}

impl RecordPlan {
    /// The plan of an event's callsite. `scope` is the interned target.
    pub(crate) fn of_event(
        rules: &RecordRules,
        registry: &ResolvedRegistry,
        event: Option<EventId>,
        metadata: &Metadata<'static>,
        scope: u32,
    ) -> RecordPlan {
        let event = event.map(|id| registry.event(id));
        let mut fields: Vec<FieldRecord> = metadata.fields().iter().map(|field| rules.field(registry, event, field.name())).collect();
        // Two fields of one key: the first counts, since no key may stand twice.
        for at in 1..fields.len() {
            let (before, rest) = fields.split_at_mut(at);
            if !matches!(rest[0].action, FieldAction::Body(_)) && before.iter().any(|field| field.key == rest[0].key) {
                rest[0].action = FieldAction::Treat(Treatment::Drop(FieldDropReason::Undeclared));
            }
        }
        let name = if is_default_name(metadata) { "" } else { metadata.name() };
        let file = metadata.file().map(|file| (rules.added("code.file.path"), Location::File(file)));
        let line = metadata.line().map(|line| (rules.added("code.line.number"), Location::Line(line)));
        let location = if rules.code_location { file.into_iter().chain(line).collect() } else { Vec::new() };
        RecordPlan {
            header: header(metadata.level(), name),
            short: short(&fields),
            fields,
            scope: scope << 1 | event.is_some() as u32,
            location,
        }
    }

    /// The plan of `log` records of one level.
    pub(crate) fn of_log(rules: &RecordRules, metadata: &Metadata<'static>, scope: u32) -> RecordPlan {
        let field = |name: &str| match name {
            "message" => FieldRecord { key: name.into(), action: FieldAction::Body(rules.redaction.treatment(name)) },
            "log.target" => FieldRecord { key: name.into(), action: FieldAction::LogTarget },
            "log.file" => rules.added("code.file.path"),
            "log.line" => rules.added("code.line.number"),
            "log.module_path" => FieldRecord { key: name.into(), action: FieldAction::Ignore },
            other => rules.added(other),
        };
        let fields: Vec<FieldRecord> = metadata.fields().iter().map(|of| field(of.name())).collect();
        RecordPlan { header: header(metadata.level(), ""), short: short(&fields), fields, scope: scope << 1, location: Vec::new() }
    }
}

fn short(fields: &[FieldRecord]) -> Box<[ShortKey]> {
    if fields.len() > UNCOUNTED {
        return Box::default();
    }
    let key = |field: &FieldRecord| match field.action {
        FieldAction::Plain => ShortKey::new(&field.key),
        _ => ShortKey::NONE,
    };
    fields.iter().map(key).collect()
}

/// Source: <https://opentelemetry.io/docs/specs/otel/logs/data-model/#severity-fields>
fn header(level: &Level, event_name: &str) -> Template {
    let (number, text) = match *level {
        Level::TRACE => (1, "TRACE"),
        Level::DEBUG => (5, "DEBUG"),
        Level::INFO => (9, "INFO"),
        Level::WARN => (13, "WARN"),
        Level::ERROR => (17, "ERROR"),
    };
    let mut bytes = vec![tag::TIME];
    bytes.extend_from_slice(&[0; 8]);
    bytes.push(tag::OBSERVED_TIME);
    bytes.extend_from_slice(&[0; 8]);
    bytes.extend_from_slice(&[tag::SEVERITY_NUMBER, number, tag::SEVERITY_TEXT, text.len() as u8]);
    bytes.extend_from_slice(text.as_bytes());
    if !event_name.is_empty() {
        bytes.push(tag::EVENT_NAME);
        let mut rest = event_name.len();
        while rest >= 0x80 {
            bytes.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        bytes.push(rest as u8);
        bytes.extend_from_slice(event_name.as_bytes());
    }
    Template::new(bytes)
}

/// `tracing`'s name for an event that was given none.
fn is_default_name(metadata: &Metadata<'_>) -> bool {
    let Some(place) = metadata.name().strip_prefix("event ") else { return false };
    match (metadata.file(), metadata.line()) {
        (Some(file), Some(line)) => place.strip_prefix(file).is_some_and(|rest| rest.strip_prefix(':') == Some(line.to_string().as_str())),
        _ => false,
    }
}
