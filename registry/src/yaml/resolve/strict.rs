//! Names that would mean two things to a program.
//!
//! Lowering calls it for the root. It must never look at anything but names.

use super::package::Package;
use super::reference::Reference;
use super::set::Set;
use crate::fault::{ErrorKind, Faults};
use crate::yaml::read::shorten;
use std::collections::{BTreeMap, HashMap};

/// Reports entity and span types of one name, and field names that stand for two attributes.
pub(super) fn check(root: &Package, sets: &BTreeMap<&str, Set<'_>>, faults: &mut Faults) {
    for (name, span) in &root.spans {
        if root.entities.get(name).is_some_and(|entity| !entity.resource) {
            faults
                .push(ErrorKind::AmbiguousName, span.signal.name.at, format!("the span type `{}` is named like an entity", shorten(name)))
                .expected("another name: a `tracing` span of an entity's name opens the entity");
        }
    }
    for (name, event) in &root.events {
        fields(&event.signal.attributes, &format!("the event `{}`", shorten(name)), faults);
    }
    for (name, span) in &root.spans {
        fields(&span.signal.attributes, &format!("the span `{}`", shorten(name)), faults);
    }
    for (name, entity) in &root.entities {
        fields(entity.identity.iter().chain(&entity.description), &format!("the entity `{}`", shorten(name)), faults);
    }
    for (name, set) in sets {
        fields(set.dimensions, &format!("the metric set `{}`", shorten(name)), faults);
    }
}

fn fields<'p>(references: impl IntoIterator<Item = &'p Reference> + Clone, what: &str, faults: &mut Faults) {
    let mut meaning: HashMap<&str, &str> = references.clone().into_iter().map(|reference| (reference.key(), reference.key())).collect();
    for reference in references {
        for field in reference.fields() {
            match meaning.insert(field, reference.key()) {
                Some(other) if other != reference.key() => {
                    faults
                        .push(
                            ErrorKind::AmbiguousName,
                            reference.at,
                            format!(
                                "in {what} the field `{}` stands for `{}` and for `{}`",
                                shorten(field),
                                shorten(other),
                                shorten(reference.key())
                            ),
                        )
                        .expected("each field name for one attribute")
                        .help("take it away from `field` of one of them");
                }
                _ => {}
            }
        }
    }
}
