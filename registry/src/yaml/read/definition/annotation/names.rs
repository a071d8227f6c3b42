//! The names that may stand under `tracing_weaver`, and what each may stand on.
//!
//! The readers of single annotations open the map through it. It must never let a name pass that has no meaning where it stands.

use crate::fault::{ErrorKind, Faults, Mark};
use crate::yaml::read::fields::{Fields, Placed, one_of, text};
use crate::yaml::read::node::{Node, Value, shorten};

pub(super) const KIND: ErrorKind = ErrorKind::InvalidAnnotation;

/// What an annotation can stand on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    Attribute,
    Group,
    Metric,
    Event,
    Span,
    Entity,
    EnumMember,
    EntityRefinement,
}

impl Target {
    fn words(self) -> &'static str {
        match self {
            Target::Attribute => "an attribute",
            Target::Group => "a public attribute group",
            Target::Metric => "a metric",
            Target::Event => "an event",
            Target::Span => "a span",
            Target::Entity => "an entity",
            Target::EnumMember => "an enum member",
            Target::EntityRefinement => "a refinement of an entity",
        }
    }
}

/// Every name and what it may stand on; an empty list means anything.
const NAMES: [(&str, &[Target]); 18] = [
    ("sensitivity", &[Target::Attribute]),
    ("redact", &[Target::Attribute]),
    ("normalize", &[Target::Attribute]),
    ("cardinality", &[Target::Attribute]),
    ("field", &[Target::Attribute]),
    ("metric_set", &[Target::Metric, Target::Group]),
    ("fold", &[Target::Metric]),
    ("aggregation", &[Target::Metric]),
    ("value", &[Target::Metric]),
    ("severity", &[Target::Event]),
    ("forward", &[Target::Event]),
    ("rate", &[Target::Event]),
    ("after", &[Target::Event]),
    ("duplicate_records", &[Target::Event]),
    ("resource", &[Target::Entity]),
    ("also_emit", &[]),
    ("alias", &[]),
    ("remove_in", &[]),
];

/// The map under `tracing_weaver`, its names checked for what they stand on.
pub(super) fn open<'n>(fields: Fields<'n>, target: Target, faults: &mut Faults) -> Option<Fields<'n>> {
    let Value::Map(entries) = &fields.get("annotations")?.value else { return None };
    let node = &entries.iter().find(|entry| entry.key == "tracing_weaver")?.value;
    if matches!(node.value, Value::Null) {
        return None;
    }
    let ours = Fields::open(node, "`tracing_weaver`", KIND, faults)?;
    for entry in ours.entries() {
        check_name(&entry.key, entry.at, target, faults);
    }
    Some(ours)
}

fn check_name(name: &str, at: Mark, target: Target, faults: &mut Faults) {
    let allowed_here = |targets: &[Target]| targets.is_empty() || targets.contains(&target) || target == Target::EnumMember;
    match NAMES.iter().find(|(known, _)| *known == name) {
        Some((_, targets)) if allowed_here(targets) => {}
        Some((_, targets)) => {
            let places: Vec<&str> = targets.iter().map(|target| target.words()).collect();
            faults.push(KIND, at, format!("`{name}` on {}", target.words())).expected(format!("it on {}", places.join(" or ")));
        }
        None => {
            let here: Vec<&str> = NAMES.iter().filter(|(_, targets)| allowed_here(targets)).map(|(name, _)| *name).collect();
            let help = faults.suggestions.did_you_mean(name, NAMES.iter().map(|(name, _)| *name));
            faults
                .push(KIND, at, format!("the unknown name `{}` under `tracing_weaver`", shorten(name)))
                .expected(one_of(&here))
                .help(help);
        }
    }
}

/// An integer that is not negative.
pub(super) fn natural(node: &Node, key: &str, least: u64, most: u64, faults: &mut Faults) -> Option<u64> {
    match node.value {
        Value::Int(value) if u64::try_from(value).is_ok_and(|value| (least..=most).contains(&value)) => Some(value as u64),
        _ => {
            faults.push(KIND, node.at, format!("{} as `{key}`", node.describe())).expected(format!("an integer from {least} to {most}"));
            None
        }
    }
}

/// The one entry of a map such as `{truncate: 32}`.
pub(super) fn single<'n>(
    node: &'n Node,
    what: &'static str,
    accepted: &[&'static str],
    faults: &mut Faults,
) -> Option<(&'n str, &'n Node)> {
    let entries = Fields::open(node, what, KIND, faults)?.entries();
    let [entry] = entries else {
        faults.push(KIND, node.at, format!("{what} with {} keys", entries.len())).expected(format!("one key: {}", one_of(accepted)));
        return None;
    };
    Fields::of(node, what, KIND, accepted, faults)?;
    accepted.contains(&entry.key.as_str()).then_some((&entry.key, &entry.value))
}

/// A text that is not empty.
pub(super) fn name(node: &Node, key: &str, faults: &mut Faults) -> Option<Placed<String>> {
    let name = text(node, key, KIND, faults)?;
    if name.value.trim().is_empty() {
        faults.push(KIND, name.at, format!("an empty `{key}`")).expected("a name");
        return None;
    }
    Some(name)
}
