//! Refinements of events, metrics, spans and entities.
//!
//! The reader of sections calls it. It must never accept a key that only the base may say.

use super::common::{self, KIND};
use super::{annotation, attribute, signal};
use crate::fault::Faults;
use crate::yaml::read::fields::Fields;
use crate::yaml::read::node::Node;
use crate::yaml::read::raw::{ItemKind, RawOver, RawRefinement};

const COMMON: [&str; 7] = ["id", "ref", "brief", "note", "stability", "deprecated", "annotations"];

/// One item of a section of refinements.
pub(super) fn refinement(node: &Node, kind: ItemKind, faults: &mut Faults) -> Option<RawRefinement> {
    let (what, own): (_, &[&'static str]) = match kind {
        ItemKind::Entity => ("an entity refinement", &["identity", "description"]),
        ItemKind::Span => ("a span refinement", &["attributes", "entity_associations", "name"]),
        ItemKind::Metric => ("a metric refinement", &["attributes", "entity_associations"]),
        ItemKind::Event | ItemKind::Group => ("an event refinement", &["attributes", "entity_associations"]),
    };
    let accepted: Vec<&'static str> = COMMON.iter().chain(own).copied().collect();
    let fields = Fields::of(node, what, KIND, &accepted, faults)?;
    let id = fields.required_name("id", faults);
    let base = fields.required_name("ref", faults);
    let common = common::overrides(fields, faults);
    let over = match kind {
        ItemKind::Event | ItemKind::Group => {
            let ours = annotation::event(fields, faults);
            RawOver::Event { severity: ours.severity, forward: ours.forward }
        }
        ItemKind::Metric => RawOver::Metric(annotation::metric(fields, None, faults)),
        ItemKind::Span => {
            annotation::span(fields, faults);
            RawOver::Span { name_note: fields.get("name").and_then(|node| signal::span_name(node, faults)) }
        }
        ItemKind::Entity => {
            annotation::entity_refinement(fields, faults);
            RawOver::Entity
        }
    };
    let entity = kind == ItemKind::Entity;
    Some(RawRefinement {
        kind,
        common,
        over,
        attributes: if entity { Vec::new() } else { attribute::items(fields, "attributes", kind == ItemKind::Span, faults) },
        association: if entity { None } else { signal::association(fields, faults) },
        identity: if entity { attribute::references(fields, "identity", faults) } else { Vec::new() },
        description: if entity { attribute::references(fields, "description", faults) } else { Vec::new() },
        id: id?,
        base: base?,
    })
}
