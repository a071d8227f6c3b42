//! `sensitivity`, `redact`, `normalize`, `field` and `cardinality`.
//!
//! The reader of attributes and of references to them calls it. It must never weaken what it cannot read: a fault refuses the registry.

use super::names::{KIND, Target, name, natural, open, single};
use crate::fault::Faults;
use crate::model::{Normalize, Redact, Sensitivity};
use crate::yaml::read::fields::{Fields, choice};
use crate::yaml::read::node::{Node, Value};
use crate::yaml::read::raw::AttributeAnnotations;

/// On an attribute or a reference to one.
pub(in crate::yaml::read::definition) fn attribute(fields: Fields<'_>, faults: &mut Faults) -> AttributeAnnotations {
    let Some(ours) = open(fields, Target::Attribute, faults) else { return AttributeAnnotations::default() };
    let sensitivities = [
        ("public", Sensitivity::Public),
        ("internal", Sensitivity::Internal),
        ("personal", Sensitivity::Personal),
        ("secret", Sensitivity::Secret),
    ];
    let redactions = [("drop", Redact::Drop), ("mask", Redact::Mask), ("hash", Redact::Hash)];
    AttributeAnnotations {
        sensitivity: ours.choice("sensitivity", &sensitivities, faults).map(|sensitivity| sensitivity.value),
        redact: ours.choice("redact", &redactions, faults).map(|redact| redact.value),
        normalize: ours.list("normalize", faults).iter().filter_map(|node| normalizer(node, faults)).collect(),
        fields: ours.list("field", faults).iter().filter_map(|node| name(node, "field", faults)).map(|name| name.value).collect(),
        cardinality_max: ours.get("cardinality").and_then(|node| cardinality(node, faults)),
    }
}

fn normalizer(node: &Node, faults: &mut Faults) -> Option<Normalize> {
    if let Value::Map(_) = node.value {
        let (_, length) = single(node, "a normalizer", &["truncate"], faults)?;
        return natural(length, "truncate", 1, u64::from(u32::MAX), faults).map(|length| Normalize::Truncate(length as u32));
    }
    let normalizers = [
        ("url_template", Some(Normalizer::UrlTemplate)),
        ("sql_fingerprint", Some(Normalizer::SqlFingerprint)),
        ("ip_prefix", Some(Normalizer::IpPrefix)),
        ("error_type", Some(Normalizer::ErrorType)),
        ("lowercase", Some(Normalizer::Lowercase)),
        ("truncate", None),
    ];
    let Some(normalizer) = choice(node, "normalize", KIND, &normalizers, faults)?.value else {
        faults.push(KIND, node.at, "`truncate` without a length").expected("`{truncate: N}`");
        return None;
    };
    Some(match normalizer {
        Normalizer::UrlTemplate => Normalize::UrlTemplate,
        Normalizer::SqlFingerprint => Normalize::SqlFingerprint,
        Normalizer::IpPrefix => Normalize::IpPrefix,
        Normalizer::ErrorType => Normalize::ErrorType,
        Normalizer::Lowercase => Normalize::Lowercase,
    })
}

/// The normalizers that are written as a word.
#[derive(Clone, Copy)]
enum Normalizer {
    UrlTemplate,
    SqlFingerprint,
    IpPrefix,
    ErrorType,
    Lowercase,
}

fn cardinality(node: &Node, faults: &mut Faults) -> Option<u64> {
    let fields = Fields::of(node, "`cardinality`", KIND, &["max"], faults)?;
    natural(fields.required("max", faults)?, "max", 1, i64::MAX as u64, faults)
}
