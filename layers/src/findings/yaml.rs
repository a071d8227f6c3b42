//! YAML that ends a finding once it stands in the registry.
//!
//! Findings show it. A snippet that can stand in a file of its own is read back by the tests; one that belongs into an existing definition
//! begins with a comment that says into which.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use tracing_core::{Level, Metadata};
use tracing_weaver_registry::model::{Attribute, AttributeRef, Origin, ResolvedRegistry, Sensitivity};

use super::names::Names;

const ANY_FILE: &str = "# in a file of the registry that begins with `file_format: definition/2`\n";

/// Attributes for fields of a callsite: references, and definitions of those that the registry does not have.
#[derive(Default)]
struct Attributes {
    /// By key; with the name that the reference must accept, where the definition does not.
    references: BTreeMap<String, Option<String>>,
    definitions: String,
}

impl Attributes {
    /// For an event or span of this name, whatever entities in force or the resource do not carry.
    fn of<'f>(registry: &ResolvedRegistry, names: &Names, name: &str, fields: impl Iterator<Item = &'f str>) -> Attributes {
        let mut attributes = Attributes::default();
        for field in fields.filter(|field| *field != "message" && !names.is_carried(field) && !field.starts_with("otel.")) {
            attributes.add(registry, name, field);
        }
        attributes
    }

    fn add(&mut self, registry: &ResolvedRegistry, name: &str, field: &str) {
        if let Some(attribute) = known(registry, field) {
            // A secret is better left out of the code.
            if attribute.privacy.sensitivity != Sensitivity::Secret {
                self.references.entry(attribute.key.clone()).or_default();
            }
            return;
        }
        // A bare name goes under the event's namespace, since own attributes always stand under the registry's prefix.
        let namespace = name.rsplit_once('.').map_or(name, |(namespace, _)| namespace);
        let key = if field.contains('.') { field.to_owned() } else { format!("{namespace}.{field}") };
        if registry.attribute_by_key(&key).is_some() {
            self.references.insert(key, Some(field.to_owned()));
            return;
        }
        if self.references.insert(key.clone(), None).is_some() {
            return;
        }
        let _ = write!(
            self.definitions,
            "  - key: {}\n    type: string # or int, double, boolean\n    brief: What it says, in a sentence.\n    stability: development\n",
            plain(&key)
        );
        if key != field {
            let _ = writeln!(self.definitions, "    {}", accepts(field));
        }
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

    /// The definitions under their heading, if there are any.
    fn section(&self) -> String {
        if self.definitions.is_empty() { String::new() } else { format!("attributes:\n{}", self.definitions) }
    }
}

fn accepts(field: &str) -> String {
    format!("annotations: {{tracing_weaver: {{field: [{}]}}}}", plain(field))
}

/// The attribute that a field names, by its key or by a name that is accepted for it.
fn known<'r>(registry: &'r ResolvedRegistry, field: &str) -> Option<&'r Attribute> {
    let by_key = registry.attribute_by_key(field).map(|id| registry.attribute(id));
    let by_alias = || registry.attributes.iter().find(|attribute| attribute.fields.iter().any(|alias| alias == field));
    by_key.or_else(by_alias)
}

/// An event as the callsite emits it.
pub(super) fn event(registry: &ResolvedRegistry, names: &Names, callsite: &Metadata<'_>) -> String {
    let attributes = Attributes::of(registry, names, callsite.name(), callsite.fields().iter().map(|field| field.name()));
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
pub(super) fn span(registry: &ResolvedRegistry, names: &Names, callsite: &Metadata<'_>) -> String {
    let attributes = Attributes::of(registry, names, callsite.name(), callsite.fields().iter().map(|field| field.name()));
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

fn push_references(yaml: &mut String, attributes: &Attributes) {
    if !attributes.references.is_empty() {
        yaml.push_str("    attributes:\n");
        yaml.push_str(&attributes.references("      "));
    }
}

/// A further attribute of something that is defined at `origin`, under its list `list`.
pub(super) fn attribute(registry: &ResolvedRegistry, name: &str, field: &str, list: &str, origin: &Origin) -> String {
    let mut attributes = Attributes::default();
    attributes.add(registry, name, field);
    let section = attributes.section();
    let lead = if section.is_empty() { "# ".to_owned() } else { format!("{ANY_FILE}{section}# and ") };
    format!("{lead}under `{list}:` of `{}`, {}\n{}", plain(name), place(origin), attributes.references("").trim_end())
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
