//! What a callsite alone shows, in words.
//!
//! [`super::finding`] comes here for what the check of a callsite found. Nothing here sees a value.

use tracing_weaver_registry::model::{AttributeId, AttributeRef, Deprecated, DeprecationReason, MetricId};

use super::{Said, Writer, code, yaml};
use crate::findings::check::level;
use crate::findings::finding::FindingLevel::{self, Improvement, Violation};
use crate::findings::names::Near;
use crate::read::FieldDropReason;

impl Writer<'_> {
    /// The level of what concerns an unknown name: one that is merely near may be somebody else's.
    fn level_of_unknown(&self) -> FindingLevel {
        if self.names.is_own(self.callsite.name()) { Violation } else { Improvement }
    }

    fn near(&self) -> Near {
        if self.names.is_own(self.callsite.name()) { Near::Known } else { Near::Stranger }
    }

    pub(super) fn unknown_event(&self) -> Said {
        let name = self.callsite.name();
        let other = if self.registry.entity_by_type(name).is_some() {
            Some("an entity has that name, and a span opens it")
        } else {
            self.registry.span_by_type(name).map(|_| "a span type has that name")
        };
        let known = self.registry.events.iter().map(|event| event.name.as_str());
        let nearest = if other.is_none() { self.names.nearest(name, self.near(), known) } else { None };
        let help = match (other, nearest) {
            (Some(other), _) => format!("{other}; an event needs another name"),
            (None, Some(near)) => format!("did you mean `{near}`? Change the name in the code, or add the event to the registry"),
            (None, None) => "add the event to the registry".to_owned(),
        };
        let message = format!("{} is not in the registry: it is a plain record, from which no metric takes anything", self.subject());
        let yaml = (self.names.is_own(name) && other.is_none()).then(|| yaml::event(self.advice));
        Said::new("missing_event", self.level_of_unknown(), message)
            .help(help)
            .code(nearest.map(|near| self.written(near, self.fields())))
            .yaml(yaml)
    }

    pub(super) fn unknown_span(&self) -> Said {
        let name = self.callsite.name();
        let other = if self.registry.entity_by_type(name).is_some() {
            Some("an entity of that name stands on the resource, and no span opens it")
        } else {
            self.registry.event_by_name(name).map(|_| "an event has that name: emit it by `event!`")
        };
        let entities = self.registry.entities.iter().filter(|entity| !entity.resource).map(|entity| entity.entity_type.as_str());
        let types = self.registry.spans.iter().map(|span| span.span_type.as_str());
        let nearest = if other.is_none() { self.names.nearest(name, self.near(), entities.chain(types)) } else { None };
        let help = match (other, nearest) {
            (Some(other), _) => other.to_owned(),
            (None, Some(near)) => format!("did you mean `{near}`? Change the name in the code, or add the span type to the registry"),
            (None, None) => "add the span type, or an entity of that name, to the registry".to_owned(),
        };
        let message = format!(
            "{} is neither an entity nor a span type of the registry: it is an ordinary span and puts no entity in force",
            self.subject()
        );
        let yaml = (self.names.is_own(name) && other.is_none()).then(|| yaml::span(self.advice));
        Said::new("missing_span", self.level_of_unknown(), message)
            .help(help)
            .code(nearest.map(|near| self.written(near, self.fields())))
            .yaml(yaml)
    }

    pub(super) fn unnamed_event(&self, field: &str) -> Said {
        let declares = |references: &[AttributeRef]| references.iter().any(|reference| self.key(reference.attribute) == field);
        let events: Vec<&str> =
            self.registry.events.iter().filter(|event| declares(&event.attributes)).map(|event| event.name.as_str()).collect();
        let shown = events.iter().take(3).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let message = format!("an event without a name carries `{}`: without one it is no event of the registry", code::text(field));
        Said::new("unnamed_event", Improvement, message)
            .about(field)
            .help(format!("name it; {shown} {} that attribute", if events.len() == 1 { "has" } else { "have" }))
            .code(events.first().map(|name| self.written(name, self.fields())))
    }

    pub(super) fn undeclared(&self, field: &str) -> Said {
        let declared = self.item.attributes.iter();
        let candidates = declared
            .flat_map(|reference| std::iter::once(self.key(reference.attribute)).chain(reference.fields.iter().map(String::as_str)));
        let unused = candidates.filter(|name| self.fields().all(|field| field != *name));
        let alias = self.item.attributes.iter().find(|reference| reference.fields.iter().any(|alias| alias == field));
        let nearest = match alias {
            // A span's entity takes its attributes by their keys alone.
            Some(reference) => Some(self.key(reference.attribute)),
            None => self.names.nearest(field, Near::Known, unused),
        };
        let place = self.place();
        let message = format!("field `{}` of {} is not declared there, so it is not exported", code::text(field), self.subject());
        let said = Said::new("missing_attribute", Violation, message).about(field);
        if self.names.keeps_back(field) == Some(FieldDropReason::Secret) {
            return said.help("it is secret, so it never will be: leave it out");
        }
        let help = match nearest {
            Some(near) => format!("did you mean `{near}`? Change the name in the code, or declare the field at {place}"),
            None => format!("declare it at {place}, or leave it out"),
        };
        let said = said.help(help).code(nearest.map(|near| self.renamed(field, near)));
        let (name, Some(origin)) = (self.callsite.name(), self.item.origin) else { return said };
        if self.item.kind != "entity" {
            return said.yaml(yaml::attribute(self.advice, field, origin));
        }
        // An entity takes its attributes by their keys alone: the code must have the key that the YAML has.
        let key = yaml::known(self.registry, field).map_or_else(|| yaml::key_for(name, field), |attribute| attribute.key.clone());
        if nearest.is_some() && key != field {
            return said;
        }
        let yaml = yaml::description(self.advice, field, origin);
        let said = if yaml.is_some() && key != field { said.code(Some(self.renamed(field, &key))) } else { said };
        said.yaml(yaml)
    }

    pub(super) fn entity_key_undeclared(&self, field: &str) -> Said {
        let owner = self.owner(field);
        let message = format!(
            "field `{}` of {} belongs to entity `{}`, which was not in force, and the event does not declare it: it was not exported",
            code::text(field),
            self.subject(),
            owner.map_or("", |entity| self.registry.entity(entity).entity_type.as_str())
        );
        Said::new("missing_attribute", Violation, message)
            .about(field)
            .help("emit the event inside the entity's span, and the attribute stands on its scope; or declare it on the event")
            .code(owner.map(|entity| self.enter(entity)))
            .yaml(self.item.origin.and_then(|origin| yaml::attribute(self.advice, field, origin)))
    }

    pub(super) fn duplicate(&self, field: &str) -> Said {
        let key = self.declared(field).map_or(field, |reference| self.key(reference.attribute));
        let (subject, name) = (self.subject(), code::text(field));
        let message = if self.callsite.is_span() {
            format!("{subject} has two fields for `{key}`, `{name}` is the second: the value that is given last is exported, and no other")
        } else {
            format!("{subject} has two fields for `{key}`: `{name}` counts neither on the record nor in metrics")
        };
        Said::new("duplicate_attribute", Violation, message)
            .about(key)
            .help("keep one of them")
            .code(Some(self.written(self.callsite.name(), self.fields().filter(|name| *name != field))))
    }

    pub(super) fn required_missing(&self, attribute: AttributeId) -> Said {
        let key = self.key(attribute);
        let (done, level) = if self.callsite.is_span() { ("opened", Improvement) } else { ("emitted", Violation) };
        let message = format!("{} is {done} without `{key}`, which it requires", self.subject());
        let reference = self.item.attributes.iter().copied().find(|reference| reference.attribute == attribute);
        let recommended = |(reference, origin)| yaml::recommended(self.registry, reference, self.callsite.name(), origin);
        self.missing(attribute, level, message, "the registry must not require it", reference.zip(self.item.origin).map(recommended))
    }

    pub(super) fn dimension_missing(&self, attribute: AttributeId, metric: MetricId) -> Said {
        let metric = self.registry.metric(metric);
        let message = format!(
            "{} is emitted without `{}`: metric `{}`, which it feeds, requires that dimension",
            self.subject(),
            self.key(attribute),
            metric.name
        );
        let end = format!("the metric must not require it, at {}", yaml::place(&metric.origin));
        self.missing(attribute, Violation, message, &end, None)
    }

    /// What to do about an attribute that a callsite lacks: another name for the field that may be meant, else a further field, or what
    /// `end` and the YAML say.
    fn missing(&self, attribute: AttributeId, level: FindingLevel, message: String, end: &str, yaml: Option<String>) -> Said {
        let key = self.key(attribute);
        let strangers = self.fields().filter(|field| self.declared(field).is_none());
        if let Some(near) = self.names.nearest(key, Near::Known, strangers) {
            let message = format!("{message}; its field `{}` may be meant", code::text(near));
            return Said::new("required_attribute_not_present", level, message).about(key).code(Some(self.renamed(near, key)));
        }
        let mut aliases: Vec<&str> = Vec::new();
        for reference in self.item.attributes.iter().filter(|reference| reference.attribute == attribute) {
            aliases.extend(reference.fields.iter().map(String::as_str).filter(|alias| !aliases.contains(alias)).collect::<Vec<_>>());
        }
        let by_alias = if aliases.is_empty() { String::new() } else { format!(" (or, shorter, `{}`)", aliases.join("`, `")) };
        let later = if self.callsite.is_span() { " (`tracing::field::Empty` where its value comes later)" } else { "" };
        Said::new("required_attribute_not_present", level, message)
            .about(key)
            .help(format!("give it{by_alias}{later}; where it may be absent, {end}"))
            .code(Some(self.written(self.callsite.name(), self.fields().chain([key]))))
            .yaml(yaml)
    }

    pub(super) fn identity_not_in_code(&self, attribute: AttributeId) -> Said {
        let key = self.key(attribute);
        let strangers = self.fields().filter(|field| self.item.attributes.iter().all(|reference| self.key(reference.attribute) != *field));
        let nearest = self.names.nearest(key, Near::Known, strangers);
        let message = format!("{} has no field `{key}`, a part of its entity's identity, so it opens nothing", self.subject());
        let help = match nearest {
            Some(near) => format!("its field `{}` has to be called `{key}`", code::text(near)),
            None => "give the whole identity when the span is made".to_owned(),
        };
        let fields = self.fields().map(|field| if nearest == Some(field) { key } else { field });
        let missing = self.item.identity.iter().map(|reference| self.key(reference.attribute));
        let missing = missing.filter(|key| self.callsite.fields().field(*key).is_none() && nearest.is_none());
        Said::new("entity_required_attribute_not_present", Violation, message)
            .about(key)
            .help(help)
            .code(Some(self.written(self.callsite.name(), fields.chain(missing))))
    }

    pub(super) fn identity_not_given(&self, attribute: AttributeId) -> Said {
        let key = self.key(attribute);
        let message = format!(
            "{} was opened while its field `{key}`, a part of its entity's identity, had no value, so it opened nothing",
            self.subject()
        );
        Said::new("entity_required_attribute_not_present", Violation, message)
            .about(key)
            .help("make the span once the value is known; what is recorded later is ignored")
            .code(Some(self.written(self.callsite.name(), self.fields())))
    }

    pub(super) fn severity(&self) -> Said {
        let event = self.registry.event_by_name(self.callsite.name()).map(|id| self.registry.event(id));
        let expected = event.and_then(|event| event.severity).map_or(*self.callsite.level(), level);
        let message = format!("{} is emitted at {}, and the registry expects {expected}", self.subject(), self.callsite.level());
        Said::new("severity_mismatch", Violation, message)
            .help("change the level in the code, or the severity in the registry")
            .code(Some(code::event(self.callsite.name(), expected, self.fields())))
            .yaml(self.item.origin.map(|origin| yaml::severity_of(self.callsite, origin)))
    }

    pub(super) fn deprecated(&self) -> Said {
        let (why, instead) = self.item.deprecated.map(deprecation).unwrap_or_default();
        let message = format!("{} is deprecated{why}", self.subject());
        Said::new("deprecated", Violation, message)
            .help(if instead.is_empty() { format!("see {}", self.place()) } else { format!("use `{instead}`") })
            .code((!instead.is_empty()).then(|| self.written(&instead, self.fields())))
    }

    pub(super) fn deprecated_attribute(&self, field: &str) -> Said {
        let reference = self.declared(field);
        let (why, instead) = reference.and_then(|reference| reference.deprecated.as_ref()).map(deprecation).unwrap_or_default();
        let key = reference.map_or(field, |reference| self.key(reference.attribute));
        let message = format!("attribute `{key}` of {} is deprecated{why}", self.subject());
        let place = reference.map(|reference| yaml::place(&self.registry.attribute(reference.attribute).origin)).unwrap_or_default();
        Said::new("deprecated", Violation, message)
            .about(key)
            .help(if instead.is_empty() { format!("see {place}") } else { format!("use `{instead}`") })
            .code((!instead.is_empty()).then(|| self.renamed(field, &instead)))
    }
}

/// Why, for the end of a sentence, and what took its place.
fn deprecation(deprecated: &Deprecated) -> (String, String) {
    let note = if deprecated.note.is_empty() { String::new() } else { format!(": {}", code::text(deprecated.note.trim())) };
    match &deprecated.reason {
        DeprecationReason::Renamed { renamed_to } => (note, renamed_to.clone()),
        DeprecationReason::Obsoleted => (format!(", and nothing took its place{note}"), String::new()),
        DeprecationReason::Uncategorized | DeprecationReason::Unspecified => (note, String::new()),
    }
}
