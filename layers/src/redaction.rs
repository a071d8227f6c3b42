//! What a registry keeps back wherever it stands, by name.
//!
//! Plans ask for names that no event or entity declares, start-up for the resource. A name that is secret or
//! personal anywhere is so everywhere.

use std::collections::HashMap;

use tracing_weaver_registry::model::{AttributeType, Privacy, ResolvedRegistry};

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
}

impl Redaction {
    /// All that a registry says in definitions and references, the strictest where it says several things.
    pub fn of(registry: &ResolvedRegistry) -> Redaction {
        let mut redaction = Redaction::default();
        for attribute in &registry.attributes {
            if let AttributeType::Template(_) = attribute.attribute_type {
                redaction.note(&format!("{}.", attribute.key), &attribute.privacy);
            }
            redaction.note(&attribute.key, &attribute.privacy);
            attribute.fields.iter().for_each(|name| redaction.note(name, &attribute.privacy));
        }
        let references = registry.events.iter().flat_map(|event| &event.attributes);
        let references = references.chain(registry.spans.iter().flat_map(|span| &span.attributes));
        let references = references.chain(registry.entities.iter().flat_map(|entity| entity.identity.iter().chain(&entity.description)));
        for reference in references {
            redaction.note(&registry.attribute(reference.attribute).key, &reference.privacy);
            reference.fields.iter().for_each(|name| redaction.note(name, &reference.privacy));
        }
        redaction
    }

    fn note(&mut self, name: &str, privacy: &Privacy) {
        if Treatment::of(privacy) != Treatment::Plain {
            let known = self.by_name.entry(name.to_owned()).or_insert_with(|| privacy.clone());
            *known = strictest(known, privacy);
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
        let templates = name.match_indices('.').filter_map(|(end, _)| self.by_name.get(&name[..=end]));
        let found = self.by_name.get(name).into_iter().chain(templates).cloned().reduce(|a, b| strictest(&a, &b));
        found.map_or(Treatment::Plain, |privacy| Treatment::of(&privacy))
    }
}
