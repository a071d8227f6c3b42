//! What every definition may say: brief, note, stability, deprecation, requirement level, annotations.
//!
//! The readers of the single kinds call it. It must never know which kind it reads for beyond what is required of it.

use crate::fault::{ErrorKind, Faults};
use crate::model::{AnnotationValue, Deprecated, DeprecationReason, RequirementLevel, Stability};
use crate::yaml::read::fields::{Fields, one_of, text};
use crate::yaml::read::node::{Node, Value, shorten};
use crate::yaml::read::raw::{Annotations, Common};

pub(super) const KIND: ErrorKind = ErrorKind::InvalidSemConvSpec;

/// Keys that [`definition`] and [`overrides`] read.
pub(super) const KEYS: [&str; 5] = ["brief", "note", "stability", "deprecated", "annotations"];

const STABILITIES: [(&str, Stability); 6] = [
    ("development", Stability::Development),
    ("experimental", Stability::Development),
    ("alpha", Stability::Alpha),
    ("beta", Stability::Beta),
    ("release_candidate", Stability::ReleaseCandidate),
    ("stable", Stability::Stable),
];

/// Of a definition: brief and stability are required.
pub(super) fn definition(fields: Fields<'_>, faults: &mut Faults) -> Common {
    let brief = fields.required_text("brief", faults).map(|text| text.value);
    let stability = fields.required_choice("stability", &STABILITIES, faults).map(|stability| stability.value);
    Common { brief: brief.or(Some(String::new())), stability: stability.or(Some(Stability::default())), ..rest(fields, faults) }
}

/// Of a reference, a refinement or an enum member: everything is optional.
pub(super) fn overrides(fields: Fields<'_>, faults: &mut Faults) -> Common {
    let brief = fields.text("brief", faults).map(|text| text.value);
    let stability = fields.choice("stability", &STABILITIES, faults).map(|stability| stability.value);
    Common { brief, stability, ..rest(fields, faults) }
}

fn rest(fields: Fields<'_>, faults: &mut Faults) -> Common {
    let annotations = annotations(fields, faults);
    Common {
        note: fields.text("note", faults).map(|text| text.value),
        deprecated: fields.get("deprecated").and_then(|node| deprecated(node, faults)),
        excluded: is_excluded(&annotations),
        annotations,
        ..Common::default()
    }
}

fn annotations(fields: Fields<'_>, faults: &mut Faults) -> Annotations {
    let Some(node) = fields.get("annotations") else { return Annotations::new() };
    let Some(map) = Fields::open(node, "`annotations`", KIND, faults) else { return Annotations::new() };
    map.entries().iter().map(|entry| (entry.key.clone(), verbatim(&entry.value))).collect()
}

fn is_excluded(annotations: &Annotations) -> bool {
    let resolution = annotations.iter().find(|(key, _)| key == "dependency_resolution");
    match resolution {
        Some((_, AnnotationValue::Map(entries))) => entries.contains(&("exclude".to_owned(), AnnotationValue::Bool(true))),
        _ => false,
    }
}

/// A value as it was written.
pub(super) fn verbatim(node: &Node) -> AnnotationValue {
    match &node.value {
        Value::Null => AnnotationValue::Null,
        Value::Bool(value) => AnnotationValue::Bool(*value),
        Value::Int(value) => AnnotationValue::Int(*value),
        Value::Double(value) => AnnotationValue::Double(*value),
        Value::String(text) => AnnotationValue::String(text.clone()),
        Value::List(items) => AnnotationValue::List(items.iter().map(verbatim).collect()),
        Value::Map(entries) => AnnotationValue::Map(entries.iter().map(|entry| (entry.key.clone(), verbatim(&entry.value))).collect()),
    }
}

fn deprecated(node: &Node, faults: &mut Faults) -> Option<Deprecated> {
    if let Value::String(_) = node.value {
        faults
            .push(KIND, node.at, "a text as `deprecated`")
            .expected("a map with `reason`")
            .help("write `{reason: renamed, renamed_to: NAME}` or `{reason: obsoleted, note: TEXT}`");
        return None;
    }
    let fields = Fields::of(node, "`deprecated`", KIND, &["reason", "renamed_to", "note"], faults)?;
    #[derive(Clone, Copy, PartialEq)]
    enum Reason {
        Renamed,
        Obsoleted,
        Uncategorized,
        Unspecified,
    }
    let reasons = [
        ("renamed", Reason::Renamed),
        ("obsoleted", Reason::Obsoleted),
        ("uncategorized", Reason::Uncategorized),
        ("unspecified", Reason::Unspecified),
    ];
    let reason = fields.required_choice("reason", &reasons, faults)?.value;
    if reason == Reason::Renamed {
        let note = fields.text("note", faults).map(|text| text.value).unwrap_or_default();
        let renamed_to = fields.required_name("renamed_to", faults)?.value;
        return Some(Deprecated { reason: DeprecationReason::Renamed { renamed_to }, note });
    }
    if let Some(entry) = fields.entry("renamed_to") {
        faults.push(KIND, entry.at, "`renamed_to` beside a reason that is not `renamed`").expected("`reason: renamed`, or no `renamed_to`");
    }
    let note = fields.required_text("note", faults)?.value;
    let reason = match reason {
        Reason::Obsoleted => DeprecationReason::Obsoleted,
        Reason::Uncategorized => DeprecationReason::Uncategorized,
        Reason::Unspecified | Reason::Renamed => DeprecationReason::Unspecified,
    };
    Some(Deprecated { reason, note })
}

/// `requirement_level` of an attribute reference.
pub(super) fn requirement_level(fields: Fields<'_>, faults: &mut Faults) -> Option<RequirementLevel> {
    let node = fields.get("requirement_level")?;
    const WITH_TEXT: [&str; 3] = ["conditionally_required", "recommended", "opt_in"];
    match &node.value {
        Value::Map(_) => {
            let level = Fields::of(node, "`requirement_level`", KIND, &WITH_TEXT, faults)?;
            let [entry] = level.entries() else {
                faults.push(KIND, node.at, format!("`requirement_level` with {} keys", level.entries().len())).expected(one_of(&WITH_TEXT));
                return None;
            };
            let condition = text(&entry.value, &entry.key, KIND, faults)?.value;
            match entry.key.as_str() {
                "conditionally_required" => Some(RequirementLevel::ConditionallyRequired(condition)),
                "recommended" => Some(RequirementLevel::RecommendedWhen(condition)),
                "opt_in" => Some(RequirementLevel::OptInWhen(condition)),
                _ => None,
            }
        }
        Value::String(word) => match word.as_str() {
            "required" => Some(RequirementLevel::Required),
            "recommended" => Some(RequirementLevel::Recommended),
            "opt_in" => Some(RequirementLevel::OptIn),
            "conditionally_required" => {
                faults
                    .push(KIND, node.at, "`conditionally_required` without its condition")
                    .expected("the condition in words")
                    .help("write `{conditionally_required: TEXT}`");
                None
            }
            other => {
                let words = ["required", "recommended", "opt_in", "conditionally_required"];
                let help = faults.suggestions.did_you_mean(other, words);
                faults.push(KIND, node.at, format!("`{}` as `requirement_level`", shorten(other))).expected(LEVELS).help(help);
                None
            }
        },
        _ => {
            faults.push(KIND, node.at, format!("{} as `requirement_level`", node.describe())).expected(LEVELS);
            None
        }
    }
}

const LEVELS: &str = "`required`, `recommended`, `opt_in` or `{conditionally_required: TEXT}`";

/// `requirement_level` of an event, metric, span or entity. Only checked: nothing reads it so far.
pub(super) fn check_signal_level(fields: Fields<'_>, faults: &mut Faults) {
    let Some(node) = fields.get("requirement_level") else { return };
    if let Value::Map(_) = node.value {
        let Some(level) = Fields::of(node, "`requirement_level`", KIND, &["recommended", "opt_in"], faults) else { return };
        for entry in level.entries() {
            text(&entry.value, &entry.key, KIND, faults);
        }
        return;
    }
    fields.choice("requirement_level", &[("recommended", ()), ("opt_in", ())], faults);
}
