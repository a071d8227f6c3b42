//! What the registry asks to be done to a value before it leaves the callsite.
//!
//! Plans turn a [`Privacy`] into a [`Treatment`] once; visitors apply it to each value. Nothing here looks
//! at content: only declarations count.

use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;

use tracing_weaver_registry::model::{Normalize, Privacy, Redact, Sensitivity};

use crate::read::FieldDropReason;
use crate::user_code::floor_char_boundary;
use crate::value::{AnyValue, Value, with_any};

/// What is done to a value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Treatment {
    /// Exported as it is.
    Plain,
    /// Not exported.
    Drop(FieldDropReason),
    /// A mark stands in its place.
    Mark(&'static str),
    /// A keyed hash stands in its place.
    Hash,
    /// Its text is changed.
    Change(Box<[Normalize]>),
}

impl Treatment {
    pub(crate) fn of(privacy: &Privacy) -> Treatment {
        let personal = privacy.sensitivity == Sensitivity::Personal;
        match privacy.redact {
            _ if privacy.sensitivity == Sensitivity::Secret => Treatment::Drop(FieldDropReason::Secret),
            Some(Redact::Drop) => Treatment::Drop(FieldDropReason::Personal),
            Some(Redact::Hash) => Treatment::Hash,
            _ if personal => Treatment::Mark("[redacted:personal]"),
            Some(Redact::Mask) => Treatment::Mark("[redacted]"),
            None if privacy.normalize.is_empty() => Treatment::Plain,
            None if privacy.normalize.iter().all(is_built) => Treatment::Change(privacy.normalize.clone().into()),
            None => Treatment::Drop(FieldDropReason::Normalize),
        }
    }

    /// What a value that is not exported as it is counts as; `None` where it is, or is only normalized.
    pub(crate) fn keeps_back(&self) -> Option<FieldDropReason> {
        match self {
            Treatment::Drop(reason) => Some(*reason),
            Treatment::Mark(_) | Treatment::Hash => Some(FieldDropReason::Personal),
            Treatment::Plain | Treatment::Change(_) => None,
        }
    }

    /// What may leave of a value.
    pub(crate) fn value(&self, value: &Value) -> Option<Value> {
        match (self, value) {
            (Treatment::Drop(_), _) => None,
            (Treatment::Mark(mark), _) => Some(Value::Str((*mark).into())),
            (Treatment::Hash, value) => Some(Value::Str(with_any(value, hashed).into())),
            (Treatment::Change(normalize), Value::Str(text)) => Some(Value::Str(changed(text, normalize).into())),
            (Treatment::Plain | Treatment::Change(_), value) => Some(value.clone()),
        }
    }
}

/// Whether a normalizer is applied; an attribute that asks for another one is not exported.
pub(crate) fn is_built(normalize: &Normalize) -> bool {
    matches!(normalize, Normalize::Lowercase | Normalize::Truncate(_))
}

/// The stricter of two in every respect.
pub(crate) fn strictest(a: &Privacy, b: &Privacy) -> Privacy {
    let mut privacy = a.clone();
    privacy.sensitivity = a.sensitivity.max(b.sensitivity);
    privacy.redact = a.redact.max(b.redact);
    privacy.normalize.extend(b.normalize.iter().filter(|normalize| !a.normalize.contains(normalize)).cloned());
    privacy
}

/// The text that stands in a value's place: `[hash:` and 16 hexadecimal digits. The key is drawn once per process.
pub(crate) fn hashed(value: AnyValue<'_>) -> String {
    static KEY: OnceLock<RandomState> = OnceLock::new();
    let key = KEY.get_or_init(RandomState::new);
    let hash = match value {
        AnyValue::Str(s) => key.hash_one(s.as_bytes()),
        AnyValue::Bytes(b) => key.hash_one(b),
        AnyValue::Int(i) => key.hash_one(i.to_string().as_bytes()),
        AnyValue::Double(d) => key.hash_one(d.to_string().as_bytes()),
        AnyValue::Bool(b) => key.hash_one(b.to_string().as_bytes()),
        AnyValue::StrArray(items) => key.hash_one(items),
    };
    format!("[hash:{hash:016x}]")
}

/// A text after its normalizers.
pub(crate) fn changed(text: &str, normalize: &[Normalize]) -> String {
    let mut text = text.to_owned();
    for step in normalize {
        match step {
            Normalize::Lowercase => text = text.to_lowercase(),
            Normalize::Truncate(max) => {
                if let Some((at, _)) = text.char_indices().nth(*max as usize) {
                    text.truncate(floor_char_boundary(&text, at));
                }
            }
            // A plan never asks for these: `Treatment::of` drops the attribute.
            Normalize::UrlTemplate | Normalize::SqlFingerprint | Normalize::IpPrefix | Normalize::ErrorType => text.clear(),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn privacy(sensitivity: Sensitivity, redact: Option<Redact>, normalize: &[Normalize]) -> Privacy {
        Privacy { sensitivity, redact, normalize: normalize.to_vec() }
    }

    #[test]
    fn the_strictest_word_decides_what_is_done() {
        use Sensitivity::*;
        let of = |s, r, n: &[Normalize]| Treatment::of(&privacy(s, r, n));
        assert_eq!(of(Internal, None, &[]), Treatment::Plain);
        assert_eq!(of(Secret, Some(Redact::Hash), &[]), Treatment::Drop(FieldDropReason::Secret));
        assert_eq!(of(Personal, None, &[Normalize::Lowercase]), Treatment::Mark("[redacted:personal]"));
        assert_eq!(of(Personal, Some(Redact::Hash), &[]), Treatment::Hash);
        assert_eq!(of(Personal, Some(Redact::Drop), &[]), Treatment::Drop(FieldDropReason::Personal));
        assert_eq!(of(Public, None, &[Normalize::IpPrefix]), Treatment::Drop(FieldDropReason::Normalize));
    }

    #[test]
    fn a_hash_is_the_same_for_the_same_value_and_has_a_fixed_form() {
        let a = hashed(AnyValue::Str("ann@example.com"));
        assert_eq!(a, hashed(AnyValue::Str("ann@example.com")));
        assert_ne!(a, hashed(AnyValue::Str("bob@example.com")));
        assert!(a.len() == "[hash:0123456789abcdef]".len() && a.starts_with("[hash:") && a.ends_with(']'));
    }

    #[test]
    fn truncate_counts_characters_and_lowercase_knows_more_than_ascii() {
        assert_eq!(changed("ÄÖÜ-abc", &[Normalize::Lowercase, Normalize::Truncate(4)]), "äöü-");
        assert_eq!(changed("ab", &[Normalize::Truncate(4)]), "ab");
    }
}
