//! YAML that ends a finding once it stands in the registry.
//!
//! Findings show it. A snippet that can stand in a file of its own is read back by the tests; one that belongs into an existing definition
//! begins with a comment that says into which.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use tracing_core::{Level, Metadata};
use tracing_weaver_registry::model::{Attribute, AttributeRef, AttributeType, Origin, ResolvedRegistry};

use super::disagreement::ValueKind;
use super::names::Names;
use crate::read::FieldDropReason;
use crate::redact::Treatment;
use crate::rules::is_below;

const ANY_FILE: &str = "# in a file of the registry that begins with `file_format: definition/2`\n";

/// What YAML for a callsite is made from.
#[derive(Clone, Copy)]
pub(super) struct Advice<'a> {
    pub(super) registry: &'a ResolvedRegistry,
    pub(super) names: &'a Names,
    pub(super) callsite: &'static Metadata<'static>,
    /// Of values that fields of the callsite had.
    pub(super) kinds: &'a [(usize, ValueKind)],
}

/// Attributes for fields of a callsite: references, and definitions of those that the registry does not have.
struct Attributes<'a> {
    advice: Advice<'a>,
    /// Of an entity, which takes its attributes by their keys alone.
    by_key_only: bool,
    /// By key; with the name that the reference must accept, where the definition does not.
    references: BTreeMap<String, Option<String>>,
    definitions: String,
}

impl<'a> Attributes<'a> {
    fn new(advice: Advice<'a>, by_key_only: bool) -> Attributes<'a> {
        Attributes { advice, by_key_only, references: BTreeMap::new(), definitions: String::new() }
    }

    /// For an event or span, whatever entities in force or the resource do not carry.
    fn of(advice: Advice<'a>) -> Attributes<'a> {
        let mut attributes = Attributes::new(advice, false);
        let Advice { names, callsite, .. } = advice;
        let fields = callsite.fields().iter().map(|field| field.name());
        for field in fields.filter(|field| *field != "message" && !names.is_carried(field) && !field.starts_with("otel.")) {
            attributes.add(field);
        }
        attributes
    }

    /// Adds a field, unless it must not leave, or only would by what is added.
    fn add(&mut self, field: &str) {
        let Advice { registry, names, callsite, .. } = self.advice;
        let kept_back = names.keeps_back(field);
        if field.is_empty() || kept_back == Some(FieldDropReason::Secret) {
            return;
        }
        if let Some(attribute) = known(registry, field).or_else(|| self.template(field)) {
            // What is private in one place of the registry only would be plain in another.
            if kept_back.is_none() || Treatment::of(&attribute.privacy).keeps_back().is_some() {
                self.references.entry(attribute.key.clone()).or_default();
            }
            return;
        }
        let key = key_for(callsite.name(), field);
        if kept_back.is_some() || names.keeps_back(&key).is_some() {
            return;
        }
        let alias = (key != field && !self.by_key_only).then(|| field.to_owned());
        if registry.attribute_by_key(&key).is_some() {
            self.references.insert(key, alias);
            return;
        }
        if self.references.insert(key.clone(), None).is_some() {
            return;
        }
        let _ = write!(
            self.definitions,
            "  - key: {}\n    type: {}\n    brief: What it says, in a sentence.\n    stability: development\n",
            plain(&key),
            self.type_of(field)
        );
        if let Some(alias) = alias {
            let _ = writeln!(self.definitions, "    {}", accepts(&alias));
        }
    }

    /// The type that the values of a field had, as far as any was seen.
    fn type_of(&self, field: &str) -> &'static str {
        let at = self.advice.callsite.fields().field(field).map(|field| field.index());
        let seen = self.advice.kinds.iter().find(|(index, _)| Some(*index) == at).map(|(_, kind)| *kind);
        match seen {
            Some(ValueKind::Int) => "int",
            Some(ValueKind::Double) => "double",
            Some(ValueKind::Bool) => "boolean",
            Some(ValueKind::Bytes) => "any",
            Some(ValueKind::Text) => "string",
            Some(ValueKind::Formatted) | None => "string # or int, double, boolean",
        }
    }

    /// The template that a field is an instance of.
    fn template(&self, field: &str) -> Option<&'a Attribute> {
        let has =
            |attribute: &&Attribute| matches!(attribute.attribute_type, AttributeType::Template(_)) && is_below(field, &attribute.key);
        let found = self.advice.registry.attributes.iter().filter(has).max_by_key(|attribute| attribute.key.len());
        found.filter(|_| !self.by_key_only)
    }

    fn references(&self, indent: &str) -> String {
        let mut references = String::new();
        for (key, alias) in &self.references {
            let _ = writeln!(references, "{indent}- ref: {}", plain(key));
            if let Some(alias) = alias {
                let _ = writeln!(references, "{indent}  {}", accepts(alias));
            }
        }
        references
    }

    /// What to add to a list of something that is defined at `origin`.
    fn under(&self, list: &str, origin: &Origin) -> Option<String> {
        let section = self.section();
        let lead = if section.is_empty() { "# ".to_owned() } else { format!("{ANY_FILE}{section}# and ") };
        let references = self.references("");
        let yaml =
            format!("{lead}under `{list}:` of `{}`, {}\n{}", plain(self.advice.callsite.name()), place(origin), references.trim_end());
        (!references.is_empty()).then_some(yaml)
    }

    /// The definitions under their heading, if there are any.
    fn section(&self) -> String {
        if self.definitions.is_empty() { String::new() } else { format!("attributes:\n{}", self.definitions) }
    }
}

/// The key that is proposed for a field. A bare name goes under the event's namespace, since own attributes always stand under the
/// registry's prefix.
pub(super) fn key_for(name: &str, field: &str) -> String {
    let namespace = name.rsplit_once('.').map_or(name, |(namespace, _)| namespace);
    if field.contains('.') { field.to_owned() } else { format!("{namespace}.{field}") }
}

fn accepts(field: &str) -> String {
    format!("annotations: {{tracing_weaver: {{field: [{}]}}}}", plain(field))
}

/// The attribute that a field names, by its key or by a name that is accepted for it.
pub(super) fn known<'r>(registry: &'r ResolvedRegistry, field: &str) -> Option<&'r Attribute> {
    let by_key = registry.attribute_by_key(field).map(|id| registry.attribute(id));
    let by_alias = || registry.attributes.iter().find(|attribute| attribute.fields.iter().any(|alias| alias == field));
    by_key.or_else(by_alias)
}

/// An event as the callsite emits it.
pub(super) fn event(advice: Advice<'_>) -> String {
    let (attributes, callsite) = (Attributes::of(advice), advice.callsite);
    let name = plain(callsite.name());
    let mut yaml = format!(
        "{ANY_FILE}{}events:\n  - name: {name}\n    brief: What happened, in a \
         sentence.\n    stability: development\n    requirement_level: recommended\n",
        attributes.section()
    );
    push_references(&mut yaml, &attributes);
    let _ = write!(yaml, "    annotations: {{tracing_weaver: {{severity: {}}}}}", severity(callsite.level()));
    yaml
}

/// A span type as the callsite opens it.
pub(super) fn span(advice: Advice<'_>) -> String {
    let (attributes, callsite) = (Attributes::of(advice), advice.callsite);
    let name = plain(callsite.name());
    let mut yaml = format!(
        "{ANY_FILE}{}spans:\n  - type: {name}\n    kind: internal\n    name: {{note: \
         {name}}}\n    brief: What it times, in a sentence.\n    stability: development\n    requirement_level: recommended\n",
        attributes.section()
    );
    push_references(&mut yaml, &attributes);
    yaml.truncate(yaml.trim_end().len());
    yaml
}

fn push_references(yaml: &mut String, attributes: &Attributes<'_>) {
    if !attributes.references.is_empty() {
        yaml.push_str("    attributes:\n");
        yaml.push_str(&attributes.references("      "));
    }
}

/// A further attribute of an event or span type that is defined at `origin`; `None` where none should be added.
pub(super) fn attribute(advice: Advice<'_>, field: &str, origin: &Origin) -> Option<String> {
    let mut attributes = Attributes::new(advice, false);
    attributes.add(field);
    attributes.under("attributes", origin)
}

/// A further attribute of an entity, likewise.
pub(super) fn description(advice: Advice<'_>, field: &str, origin: &Origin) -> Option<String> {
    let mut attributes = Attributes::new(advice, true);
    attributes.add(field);
    attributes.under("description", origin)
}

/// The same reference as something less than required.
pub(super) fn recommended(registry: &ResolvedRegistry, reference: &AttributeRef, name: &str, origin: &Origin) -> String {
    let key = plain(&registry.attribute(reference.attribute).key);
    format!("# under `attributes:` of `{}`, {}\n- ref: {key}\n  requirement_level: recommended", plain(name), place(origin))
}

/// The severity that the callsite has.
pub(super) fn severity_of(callsite: &Metadata<'_>, origin: &Origin) -> String {
    let severity = severity(callsite.level());
    format!("# at `{}`, {}\nannotations: {{tracing_weaver: {{severity: {severity}}}}}", plain(callsite.name()), place(origin))
}

/// A further member of a closed set.
pub(super) fn member(key: &str, origin: &Origin) -> String {
    format!("# under `members:` of `{}`, {}\n- id: …\n  brief: What it means.\n  stability: development", plain(key), place(origin))
}

/// Where something is defined.
pub(super) fn place(origin: &Origin) -> String {
    match &origin.dependency {
        None => format!("{}:{}", plain(&origin.file), origin.line),
        Some(dependency) => format!("{}:{} of {}", plain(&origin.file), origin.line, plain(dependency)),
    }
}

fn severity(level: &Level) -> &'static str {
    match *level {
        Level::TRACE => "trace",
        Level::DEBUG => "debug",
        Level::INFO => "info",
        Level::WARN => "warn",
        Level::ERROR => "error",
    }
}

/// A text as a YAML scalar: bare where it is a name, else in quotes.
fn plain(text: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || "._/-".contains(c);
    let is_word = ["false", "n", "no", "null", "off", "on", "true", "y", "yes"].contains(&text.to_ascii_lowercase().as_str());
    if text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(bare) && !is_word {
        return text.to_owned();
    }
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => drop(write!(quoted, "\\U{:08x}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted + "\""
}
