//! Attribute groups, internal and public.
//!
//! The reader of sections calls it. It must never let an internal group carry what only a public one may.

use super::{annotation, attribute, common};
use crate::fault::Faults;
use crate::yaml::read::fields::Fields;
use crate::yaml::read::node::Node;
use crate::yaml::read::raw::{Common, RawGroup, SetAnnotation};

const KEYS: [&str; 8] = ["id", "visibility", "attributes", "brief", "note", "stability", "deprecated", "annotations"];

/// One item of the section `attribute_groups`.
pub(super) fn group(node: &Node, faults: &mut Faults) -> Option<RawGroup> {
    let fields = Fields::of(node, "an attribute group", common::KIND, &KEYS, faults)?;
    let id = fields.required_name("id", faults);
    let public = fields.required_choice("visibility", &[("internal", false), ("public", true)], faults).map(|visibility| visibility.value);
    let (common, set) = match public {
        Some(true) => (common::definition(fields, faults), annotation::group(fields, faults)),
        Some(false) => {
            for key in common::KEYS {
                if let Some(entry) = fields.entry(key) {
                    faults
                        .push(common::KIND, entry.at, format!("`{key}` on an internal attribute group"))
                        .expected("`id`, `visibility` and `attributes` alone")
                        .help("make the group public, or take the key away");
                }
            }
            (Common::default(), SetAnnotation::default())
        }
        None => (common::overrides(fields, faults), SetAnnotation::default()),
    };
    let attributes = attribute::items(fields, "attributes", false, faults);
    Some(RawGroup { id: id?, public: public.unwrap_or(true), common, attributes, set })
}
