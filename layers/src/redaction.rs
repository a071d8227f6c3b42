//! What a registry keeps back wherever it stands, by name.
//!
//! Plans ask for names that no event or entity declares, start-up for the resource. A name that is secret or
//! personal anywhere is so everywhere.

use std::collections::HashMap;

use tracing_weaver_registry::model::{AnnotationValue, Attribute, AttributeRef, AttributeType, Privacy, ResolvedRegistry};

use crate::redact::{Treatment, strictest};
use crate::value::Value;

/// What a registry asks to be done to a value, by the name that it stands under.
///
/// ```
/// use tracing_weaver_layers::{Redaction, Value};
/// use tracing_weaver_registry::model::ResolvedRegistry;
///
/// let nothing = Redaction::of(&ResolvedRegistry::default());
/// assert_eq!(nothing.value("service.name", &Value::Str("shop".into())), Some(Value::Str("shop".into())));
/// ```
#[derive(Debug, Default)]
pub struct Redaction {
    /// By key and by field name; templates end with a dot. Only names that ask for something.
    by_name: HashMap<String, Privacy>,
    /// Of definitions of templates, likewise.
    templates: HashMap<String, Privacy>,
}

impl Redaction {
    /// All that a registry says in definitions and references, the strictest where it says several things.
    pub fn of(registry: &ResolvedRegistry) -> Redaction {
        let mut redaction = Redaction::default();
        for attribute in registry.attributes.iter().filter(|attribute| is_template(attribute)) {
            note(&mut redaction.templates, format!("{}.", attribute.key), &attribute.privacy);
        }
        for attribute in &registry.attributes {
            let privacy = redaction.below(&attribute.key, &attribute.privacy, has_sensitivity(&attribute.annotations));
            redaction.note(attribute, &privacy, &attribute.fields);
        }
        let references = registry.events.iter().flat_map(|event| &event.attributes);
        let references = references.chain(registry.spans.iter().flat_map(|span| &span.attributes));
        let references = references.chain(registry.entities.iter().flat_map(|entity| entity.identity.iter().chain(&entity.description)));
        for reference in references {
            let attribute = registry.attribute(reference.attribute);
            let privacy = redaction.of_reference(registry, reference, &attribute.key);
            redaction.note(attribute, &privacy, &reference.fields);
        }
        redaction
    }

    /// Notes what is said of an attribute under all names that it goes by.
    fn note(&mut self, attribute: &Attribute, privacy: &Privacy, fields: &[String]) {
        if is_template(attribute) {
            note(&mut self.by_name, format!("{}.", attribute.key), privacy);
        }
        for name in fields.iter().chain([&attribute.key]) {
            note(&mut self.by_name, name.clone(), privacy);
        }
    }

    /// What may leave of a value under this name; `None` where nothing may.
    ///
    /// ```
    /// use tracing_weaver_layers::{Redaction, Value};
    ///
    /// # let registry = tracing_weaver_registry::yaml::load_sources(&[
    /// #     ("manifest.yaml", "schema_url: https://example.com/schemas/acme/1.0.0"),
    /// #     ("acme.yaml", include_str!("../../tests/registry/acme/acme.yaml")),
    /// # ])?;
    /// let redaction = Redaction::of(&registry);
    /// assert_eq!(redaction.value("acme.shop.token", &Value::Str("abc".into())), None);
    /// assert_eq!(redaction.value("acme.shop.id", &Value::Str("north".into())), Some(Value::Str("north".into())));
    /// # Ok::<(), tracing_weaver_registry::RegistryErrors>(())
    /// ```
    pub fn value(&self, name: &str, value: &Value) -> Option<Value> {
        self.treatment(name).value(value)
    }

    pub(crate) fn treatment(&self, name: &str) -> Treatment {
        let found = self.by_name.get(name).into_iter().chain(above(&self.by_name, name)).cloned().reduce(|a, b| strictest(&a, &b));
        found.map_or(Treatment::Plain, |privacy| Treatment::of(&privacy))
    }

    /// What is asked for where an attribute is declared, and stands under `key`.
    pub(crate) fn declared(&self, registry: &ResolvedRegistry, reference: &AttributeRef, key: &str) -> Treatment {
        Treatment::of(&self.of_reference(registry, reference, key))
    }

    fn of_reference(&self, registry: &ResolvedRegistry, reference: &AttributeRef, key: &str) -> Privacy {
        let attribute = registry.attribute(reference.attribute);
        let says_so = has_sensitivity(&attribute.annotations) || has_sensitivity(&reference.annotations);
        self.below(key, &reference.privacy, says_so)
    }

    /// What holds under a key: what is said of it, and below a template, what that says too, unless the key has a sensitivity of its own.
    fn below(&self, key: &str, own: &Privacy, has_sensitivity: bool) -> Privacy {
        if has_sensitivity || self.templates.is_empty() {
            return own.clone();
        }
        above(&self.templates, key).fold(own.clone(), |own, template| strictest(&own, template))
    }
}

fn note(names: &mut HashMap<String, Privacy>, name: String, privacy: &Privacy) {
    if Treatment::of(privacy) != Treatment::Plain {
        let known = names.entry(name).or_insert_with(|| privacy.clone());
        *known = strictest(known, privacy);
    }
}

/// What is said by the templates that a name stands below.
fn above<'a>(names: &'a HashMap<String, Privacy>, name: &'a str) -> impl Iterator<Item = &'a Privacy> {
    name.match_indices('.').filter_map(|(end, _)| names.get(&name[..=end]))
}

fn is_template(attribute: &Attribute) -> bool {
    matches!(attribute.attribute_type, AttributeType::Template(_))
}

/// Whether a sensitivity is written down, be it the default.
fn has_sensitivity(annotations: &[(String, AnnotationValue)]) -> bool {
    let says = |value: &AnnotationValue| matches!(value, AnnotationValue::Map(ours) if ours.iter().any(|(name, _)| name == "sensitivity"));
    annotations.iter().any(|(name, value)| name == "tracing_weaver" && says(value))
}
