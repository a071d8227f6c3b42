//! Entities.
//!
//! The reader of sections calls it. It must never accept an entity without identity.

use super::{annotation, attribute, common};
use crate::fault::{ErrorKind, Faults};
use crate::yaml::read::fields::Fields;
use crate::yaml::read::node::{Node, shorten};
use crate::yaml::read::raw::RawEntity;
use std::collections::HashSet;

const KEYS: [&str; 9] = ["type", "identity", "description", "requirement_level", "brief", "note", "stability", "deprecated", "annotations"];

/// One item of the section `entities`.
pub(super) fn entity(node: &Node, faults: &mut Faults) -> Option<RawEntity> {
    let fields = Fields::of(node, "an entity", common::KIND, &KEYS, faults)?;
    let entity_type = fields.required_name("type", faults);
    let common = common::definition(fields, faults);
    common::check_signal_level(fields, faults);
    let resource = annotation::entity(fields, faults);
    let given = fields.required("identity", faults);
    let identity = attribute::references(fields, "identity", faults);
    let description = attribute::references(fields, "description", faults);
    let entity_type = entity_type?;
    if let Some(node) = given
        && matches!(&node.value, crate::yaml::read::node::Value::List(items) if items.is_empty())
    {
        faults
            .push(ErrorKind::EntityMissingIdentity, node.at, format!("the entity `{}` with an empty identity", shorten(&entity_type.value)))
            .expected("at least one attribute that tells one instance from another");
    }
    let identifying: HashSet<&str> = identity.iter().map(|reference| reference.key.value.as_str()).collect();
    for described in &description {
        if identifying.contains(described.key.value.as_str()) {
            let key = shorten(&described.key.value).into_owned();
            faults
                .push(
                    ErrorKind::AttributeInIdentityAndDescription,
                    described.key.at,
                    format!("`{key}` is identity and description of `{}`", shorten(&entity_type.value)),
                )
                .expected("each attribute in one of the two lists");
        }
    }
    Some(RawEntity { entity_type, common, identity, description, resource })
}
