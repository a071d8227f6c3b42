//! What a callsite alone shows: its name, level and fields against the registry.
//!
//! Readers ask once per callsite, off the program's threads. It sees no value and emits nothing.

use tracing_core::{Level, Metadata};
use tracing_weaver_registry::model::{AttributeId, AttributeRef, Event, EventId, RequirementLevel, ResolvedRegistry, Severity, Span};

use super::disagreement::Disagreement;
use super::names::{Measured, Names, Near, measured};
use crate::default_name::is_default_name;
use crate::rules::{declared, key_of};

/// A callsite, and what is known of it.
struct Check<'a> {
    registry: &'a ResolvedRegistry,
    names: &'a Names,
    callsite: &'static Metadata<'static>,
    found: Vec<Disagreement>,
}

/// Whether there may be anything to find at a callsite; cheap, since it is asked for every callsite of the process.
pub(super) fn concerns(registry: &ResolvedRegistry, names: &Names, callsite: &Metadata<'_>) -> bool {
    if callsite.name() == "log event" && callsite.target() == "log" {
        return false;
    }
    if callsite.is_event() && is_default_name(callsite) {
        return callsite.fields().iter().any(|field| names.is_own(field.name()));
    }
    // A span of one word, as functions are named, is hardly a slip of anything.
    let name = callsite.name();
    callsite.is_event()
        || name.contains(['.', '_', '-', ':'])
        || registry.entity_by_type(name).is_some()
        || registry.span_by_type(name).is_some()
}

/// All that is wrong with a callsite.
pub(super) fn check(registry: &ResolvedRegistry, names: &Names, callsite: &'static Metadata<'static>) -> Vec<Disagreement> {
    let mut check = Check { registry, names, callsite, found: Vec::new() };
    let name = callsite.name();
    if callsite.is_event() {
        match registry.event_by_name(name) {
            Some(event) => check.event(event),
            None if is_default_name(callsite) => check.unnamed(),
            None if check.is_meant(registry.events.iter().map(|event| event.name.as_str())) => check.found.push(Disagreement::UnknownEvent),
            None => {}
        }
    } else if callsite.is_span() {
        let entity = registry.entity_by_type(name).map(|id| registry.entity(id)).filter(|entity| !entity.resource);
        match (entity, registry.span_by_type(name)) {
            (Some(entity), _) => {
                check.deprecated(entity.deprecated.is_some());
                check.entity(&entity.identity, &entity.description);
            }
            (None, Some(span)) => check.span(&registry.spans[span.0 as usize]),
            (None, None) => {
                let types = registry.spans.iter().map(|span| span.span_type.as_str());
                let entities = registry.entities.iter().filter(|entity| !entity.resource).map(|entity| entity.entity_type.as_str());
                if check.is_meant(types.chain(entities)) {
                    check.found.push(Disagreement::UnknownSpan);
                }
            }
        }
    }
    check.found
}

impl Check<'_> {
    /// Whether an unknown name is the registry's business.
    fn is_meant<'n>(&self, known: impl Iterator<Item = &'n str>) -> bool {
        self.names.is_own(self.callsite.name()) || self.names.nearest(self.callsite.name(), Near::Stranger, known).is_some()
    }

    fn event(&mut self, id: EventId) {
        let registry = self.registry;
        let event: &Event = registry.event(id);
        let measured = measured(registry, id);
        self.deprecated(event.deprecated.is_some());
        if event.severity.is_some_and(|severity| level(severity) != *self.callsite.level()) {
            self.found.push(Disagreement::Severity);
        }
        self.fields(&event.attributes, &measured, |_| false);
        self.required(&event.attributes);
        self.dimensions(&event.attributes, &measured);
    }

    fn span(&mut self, span: &Span) {
        self.deprecated(span.deprecated.is_some());
        // `tracing-opentelemetry` takes these for itself.
        self.fields(&span.attributes, &Measured::default(), |name| name.starts_with("otel."));
        self.required(&span.attributes);
    }

    /// Fields of an entity's span go by its attributes' own keys.
    fn entity(&mut self, identity: &[AttributeRef], description: &[AttributeRef]) {
        for (at, field) in self.callsite.fields().iter().enumerate().filter(|(_, field)| field.name() != "message") {
            let is_its = |reference: &&AttributeRef| self.registry.attribute(reference.attribute).key == field.name();
            match identity.iter().chain(description).find(is_its) {
                Some(reference) => self.deprecated_attribute(at, reference),
                None => self.found.push(Disagreement::Undeclared { field: at }),
            }
        }
        for reference in identity {
            if self.callsite.fields().field(self.registry.attribute(reference.attribute).key.as_str()).is_none() {
                self.found.push(Disagreement::IdentityNotInCode { attribute: reference.attribute });
            }
        }
    }

    /// An event without a name that carries what a named one would. Keys of entities may stand anywhere.
    fn unnamed(&mut self) {
        for (at, field) in self.callsite.fields().iter().enumerate() {
            let name = field.name();
            if !self.names.is_own(name) || self.names.is_carried(name) {
                continue;
            }
            let key = |reference: &AttributeRef| self.registry.attribute(reference.attribute).key == name;
            if self.registry.events.iter().any(|event| event.attributes.iter().any(key)) {
                return self.found.push(Disagreement::UnnamedEvent { field: at });
            }
        }
    }

    fn fields(&mut self, attributes: &[AttributeRef], measured: &Measured<'_>, ignored: impl Fn(&str) -> bool) {
        let registry = self.registry;
        // Per declared field its key, and whether it is the signal's own: such a one counts before those that metrics alone accept.
        let mut seen: Vec<(usize, &str, bool)> = Vec::new();
        for (at, field) in self.callsite.fields().iter().enumerate() {
            let name = field.name();
            if name == "message" || ignored(name) {
                continue;
            }
            let own = declared(registry, attributes, name);
            let Some(reference) = own.or_else(|| measured.declared(registry, name)) else {
                if !self.names.is_carried(name) && !measured.values.contains(&name) {
                    self.found.push(Disagreement::Undeclared { field: at });
                }
                continue;
            };
            self.deprecated_attribute(at, reference);
            seen.push((at, key_of(registry, reference, name), own.is_some()));
        }
        for (at, key, is_own) in &seen {
            let counts_before = |other: &&(usize, &str, bool)| other.1 == *key && (!other.2, other.0) < (!is_own, *at);
            if seen.iter().any(|other| counts_before(&other)) {
                self.found.push(Disagreement::Duplicate { field: *at });
            }
        }
    }

    fn required(&mut self, attributes: &[AttributeRef]) {
        for reference in attributes.iter().filter(|reference| reference.requirement_level == RequirementLevel::Required) {
            if !self.is_given(reference.attribute, [std::slice::from_ref(reference)]) {
                self.found.push(Disagreement::RequiredMissing { attribute: reference.attribute });
            }
        }
    }

    /// What metrics alone require of an event.
    fn dimensions(&mut self, attributes: &[AttributeRef], measured: &Measured<'_>) {
        let mut asked = Vec::new();
        for (metric, dimension) in &measured.required {
            let attribute = dimension.attribute;
            let own = attributes.iter().find(|reference| reference.attribute == attribute);
            let is_own = own.is_some_and(|reference| reference.requirement_level == RequirementLevel::Required);
            if is_own || asked.contains(&attribute) || self.is_given(attribute, [attributes, std::slice::from_ref(dimension)]) {
                continue;
            }
            asked.push(attribute);
            self.found.push(Disagreement::DimensionMissing { attribute, metric: *metric });
        }
    }

    /// Whether a field of the callsite, by one of these declarations, or whatever is in force gives an attribute.
    fn is_given<const N: usize>(&self, attribute: AttributeId, declarations: [&[AttributeRef]; N]) -> bool {
        let key = self.registry.attribute(attribute).key.as_str();
        let is_its = |attributes: &&[AttributeRef], name: &str| {
            declared(self.registry, attributes, name).is_some_and(|reference| reference.attribute == attribute)
        };
        let gives = |name: &str| declarations.iter().any(|attributes| is_its(attributes, name));
        self.names.is_carried(key) || self.callsite.fields().iter().any(|field| gives(field.name()))
    }

    fn deprecated(&mut self, is: bool) {
        if is {
            self.found.push(Disagreement::Deprecated);
        }
    }

    fn deprecated_attribute(&mut self, field: usize, reference: &AttributeRef) {
        if reference.deprecated.is_some() {
            self.found.push(Disagreement::DeprecatedAttribute { field });
        }
    }
}

/// The level that a severity asks for.
pub(super) fn level(severity: Severity) -> Level {
    match severity {
        Severity::Trace => Level::TRACE,
        Severity::Debug => Level::DEBUG,
        Severity::Info => Level::INFO,
        Severity::Warn => Level::WARN,
        Severity::Error => Level::ERROR,
    }
}
