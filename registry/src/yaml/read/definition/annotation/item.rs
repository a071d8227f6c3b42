//! Annotations on events, entities, groups, spans, enum members and refinements.
//!
//! The readers of these items call the function of their kind. It must never look up what an annotation names.

use super::names::{KIND, Target, open};
use crate::fault::Faults;
use crate::model::Severity;
use crate::yaml::read::fields::Fields;
use crate::yaml::read::raw::SetAnnotation;

/// On an event.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::yaml::read::definition) struct EventAnnotations {
    pub(in crate::yaml::read::definition) severity: Option<Severity>,
    pub(in crate::yaml::read::definition) forward: Option<bool>,
}

pub(in crate::yaml::read::definition) fn event(fields: Fields<'_>, faults: &mut Faults) -> EventAnnotations {
    let Some(ours) = open(fields, Target::Event, faults) else { return EventAnnotations::default() };
    let severities = [
        ("trace", Severity::Trace),
        ("debug", Severity::Debug),
        ("info", Severity::Info),
        ("warn", Severity::Warn),
        ("error", Severity::Error),
    ];
    EventAnnotations {
        severity: ours.choice("severity", &severities, faults).map(|severity| severity.value),
        forward: ours.boolean("forward", faults).map(|forward| forward.value),
    }
}

/// On an entity: `resource`.
pub(in crate::yaml::read::definition) fn entity(fields: Fields<'_>, faults: &mut Faults) -> Option<bool> {
    open(fields, Target::Entity, faults)?.boolean("resource", faults).map(|resource| resource.value)
}

/// On a public group: `metric_set: {entity, keep}`.
pub(in crate::yaml::read::definition) fn group(fields: Fields<'_>, faults: &mut Faults) -> SetAnnotation {
    let node = open(fields, Target::Group, faults).and_then(|ours| ours.get("metric_set"));
    let Some(node) = node else { return SetAnnotation::default() };
    let Some(set) = Fields::of(node, "`metric_set` on a group", KIND, &["entity", "keep"], faults) else { return SetAnnotation::default() };
    SetAnnotation { entity: set.text("entity", faults), keep: set.get("keep").map(|_| set.texts("keep", faults)) }
}

/// On a span: only the names that may stand on anything.
pub(in crate::yaml::read::definition) fn span(fields: Fields<'_>, faults: &mut Faults) {
    open(fields, Target::Span, faults);
}

/// On an enum member: any name that is known.
pub(in crate::yaml::read::definition) fn enum_member(fields: Fields<'_>, faults: &mut Faults) {
    open(fields, Target::EnumMember, faults);
}

/// On a refinement of an entity: only the names that may stand on anything.
pub(in crate::yaml::read::definition) fn entity_refinement(fields: Fields<'_>, faults: &mut Faults) {
    open(fields, Target::EntityRefinement, faults);
}
