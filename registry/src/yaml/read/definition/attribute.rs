//! Attribute definitions, references to attributes, and lists of references and groups.
//!
//! The readers of sections call it. It must never look a key up.

use super::annotation;
use super::common::{self, KIND, requirement_level, verbatim};
use crate::fault::{ErrorKind, Faults};
use crate::model::{AttributeType, EnumMember, EnumType, EnumValue};
use crate::yaml::read::fields::{Fields, list};
use crate::yaml::read::node::{Node, Value, shorten};
use crate::yaml::read::raw::{RawAttribute, RawItem, RawRef};

/// Most members of an enum.
const MAX_MEMBERS: usize = 2_000;

const SIMPLE: [(&str, AttributeType); 9] = [
    ("string", AttributeType::String),
    ("int", AttributeType::Int),
    ("double", AttributeType::Double),
    ("boolean", AttributeType::Boolean),
    ("string[]", AttributeType::StringArray),
    ("int[]", AttributeType::IntArray),
    ("double[]", AttributeType::DoubleArray),
    ("boolean[]", AttributeType::BooleanArray),
    ("any", AttributeType::Any),
];

/// One item of the section `attributes`.
pub(super) fn definition(node: &Node, faults: &mut Faults) -> Option<RawAttribute> {
    let accepted = ["key", "type", "examples", "brief", "note", "stability", "deprecated", "annotations"];
    let fields = Fields::of(node, "an attribute", KIND, &accepted, faults)?;
    let key = fields.required_name("key", faults);
    let attribute_type = fields.required("type", faults).and_then(|node| attribute_type(node, faults)).unwrap_or(AttributeType::Any);
    let common = common::definition(fields, faults);
    let ours = annotation::attribute(fields, faults);
    let examples = fields.get("examples").map(verbatim);
    Some(RawAttribute { key: key?, attribute_type, examples, common, ours })
}

fn attribute_type(node: &Node, faults: &mut Faults) -> Option<AttributeType> {
    match &node.value {
        Value::String(name) => named_type(name).or_else(|| {
            let names = SIMPLE.iter().map(|(name, _)| *name);
            let inner = name.strip_prefix("template[").and_then(|rest| rest.strip_suffix(']')).unwrap_or(name);
            let help = faults.suggestions.did_you_mean(inner, names);
            faults
                .push(KIND, node.at, format!("the type `{}`", shorten(name)))
                .expected(
                    "`string`, `int`, `double`, `boolean`, one of these with `[]`, `any`, `template[…]` of one of these, or `members`",
                )
                .help(help);
            None
        }),
        Value::Map(_) => {
            let fields = Fields::of(node, "an enum type", KIND, &["members"], faults)?;
            let members = fields.required("members", faults).and_then(|node| list(node, "members", KIND, faults))?;
            if members.is_empty() {
                faults.push(KIND, fields.at, "an enum without members").expected("at least one member");
            }
            if members.len() > MAX_MEMBERS {
                faults
                    .push(ErrorKind::InvalidAttribute, fields.at, format!("an enum of {} members", members.len()))
                    .expected(format!("at most {MAX_MEMBERS}"));
                return None;
            }
            Some(AttributeType::Enum(EnumType { members: enum_members(members, faults) }))
        }
        _ => {
            faults.push(KIND, node.at, format!("{} as `type`", node.describe())).expected("the name of a type, or a map with `members`");
            None
        }
    }
}

fn named_type(name: &str) -> Option<AttributeType> {
    let simple = |name: &str| SIMPLE.iter().find(|(word, _)| *word == name).map(|(_, attribute_type)| attribute_type.clone());
    match name.strip_prefix("template[").and_then(|rest| rest.strip_suffix(']')) {
        Some(inner) => simple(inner).map(|inner| AttributeType::Template(Box::new(inner))),
        None => simple(name),
    }
}

fn enum_members(nodes: &[Node], faults: &mut Faults) -> Vec<EnumMember> {
    let mut members: Vec<EnumMember> = Vec::new();
    let mut ids = std::collections::HashSet::new();
    let mut values = std::collections::HashSet::new();
    for node in nodes {
        let Some(member) = enum_member(node, faults) else { continue };
        if !ids.insert(member.id.clone()) {
            faults
                .push(ErrorKind::InvalidAttribute, node.at, format!("the member id `{}` a second time", shorten(&member.id)))
                .expected("each id once in an enum");
        } else if !values.insert(format!("{:?}", member.value)) {
            faults
                .push(ErrorKind::InvalidAttribute, node.at, format!("the member `{}` has a value that another has", shorten(&member.id)))
                .expected("each value once in an enum");
        }
        members.push(member);
    }
    members
}

fn enum_member(node: &Node, faults: &mut Faults) -> Option<EnumMember> {
    let accepted = ["id", "value", "brief", "note", "stability", "deprecated", "annotations"];
    let fields = Fields::of(node, "an enum member", KIND, &accepted, faults)?;
    let id = fields.required_name("id", faults);
    let common = common::overrides(fields, faults);
    annotation::enum_member(fields, faults);
    let value = match fields.get("value").map(|node| (&node.value, node)) {
        None => id.as_ref().map(|id| EnumValue::String(id.value.clone())),
        Some((Value::String(text), _)) => Some(EnumValue::String(text.clone())),
        Some((Value::Int(value), _)) => Some(EnumValue::Int(*value)),
        Some((Value::Double(value), _)) => Some(EnumValue::Double(*value)),
        Some((Value::Bool(value), _)) => Some(EnumValue::Bool(*value)),
        Some((_, node)) => {
            faults
                .push(KIND, node.at, format!("{} as the value of a member", node.describe()))
                .expected("a text, an integer, a number or a boolean");
            None
        }
    };
    Some(EnumMember {
        id: id?.value,
        value: value?,
        brief: common.brief.unwrap_or_default(),
        note: common.note.unwrap_or_default(),
        stability: common.stability,
        deprecated: common.deprecated,
        annotations: common.annotations,
    })
}

/// A reference to an attribute; `of_span` where it may say `sampling_relevant`.
pub(super) fn reference(node: &Node, of_span: bool, faults: &mut Faults) -> Option<RawRef> {
    const KEYS: [&str; 9] =
        ["ref", "requirement_level", "brief", "note", "examples", "stability", "deprecated", "annotations", "sampling_relevant"];
    let accepted = if of_span { &KEYS[..] } else { &KEYS[..8] };
    let fields = Fields::of(node, "an attribute reference", KIND, accepted, faults)?;
    let key = fields.required_name("ref", faults);
    let common = common::overrides(fields, faults);
    Some(RawRef {
        requirement_level: requirement_level(fields, faults),
        examples: fields.get("examples").map(verbatim),
        sampling_relevant: if of_span { fields.boolean("sampling_relevant", faults).map(|value| value.value) } else { None },
        ours: annotation::attribute(fields, faults),
        common,
        key: key?,
    })
}

/// A list of references and groups under `key`.
pub(super) fn items(fields: Fields<'_>, key: &str, of_span: bool, faults: &mut Faults) -> Vec<RawItem> {
    let mut items = Vec::new();
    for node in fields.list(key, faults) {
        let is_group = matches!(&node.value, Value::Map(entries) if entries.iter().any(|entry| entry.key == "ref_group"));
        if is_group {
            let group = Fields::of(node, "a group reference", KIND, &["ref_group"], faults)
                .and_then(|fields| fields.required_name("ref_group", faults));
            items.extend(group.map(RawItem::Group));
        } else {
            items.extend(reference(node, of_span, faults).map(Box::new).map(RawItem::Ref));
        }
    }
    items
}

/// A list of references alone under `key`.
pub(super) fn references(fields: Fields<'_>, key: &str, faults: &mut Faults) -> Vec<RawRef> {
    fields.list(key, faults).iter().filter_map(|node| reference(node, false, faults)).collect()
}
