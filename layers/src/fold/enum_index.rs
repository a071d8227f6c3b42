//! Digit of a closed enum's value: one table look-up and one exact compare.
//!
//! Made with the plan, asked for every dimension of every event. It never allocates and never compares
//! more than one member.

use std::sync::Arc;

use tracing_weaver_registry::model::{AttributeId, EnumValue};

use crate::findings::{CallsiteNotes, Disagreement};

/// Finds a member's digit by its text; numbers and booleans are searched.
#[derive(Debug, Clone)]
pub(crate) struct EnumIndex {
    multiplier: u64,
    shift: u32,
    /// Empty where no multiplier tells the members apart; then they are searched.
    buckets: Box<[Bucket]>,
    values: Box<[EnumValue]>,
    other: u32,
    /// Digits are given shifted by this.
    bits: u32,
    /// Where a value that is no member of the attribute's set is noted.
    notes: Option<(Arc<CallsiteNotes>, AttributeId)>,
}

/// One member, or the empty text as one that is no member.
#[derive(Debug, Clone)]
struct Bucket {
    signature: u64,
    text: Box<str>,
    digit: u32,
}

impl EnumIndex {
    /// Digits are the positions in `values`, from 1; `other` is the digit of an unknown value. Each is given shifted by `bits`.
    pub(crate) fn new(values: &[EnumValue], other: u32, bits: u32) -> EnumIndex {
        let smallest = (values.len().max(1) * 2).next_power_of_two().trailing_zeros().max(2);
        let (values, other) = (values.into(), other << bits);
        let mut index = EnumIndex { multiplier: 1, shift: 63, buckets: Box::default(), values, other, bits, notes: None };
        for width in smallest..16 {
            for attempt in 0..64u64 {
                let multiplier = (attempt.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD1B5_4A32_D192_ED03) | 1;
                if let Some(buckets) = index.place(multiplier, 64 - width) {
                    (index.multiplier, index.shift, index.buckets) = (multiplier, 64 - width, buckets);
                    return index;
                }
            }
        }
        index
    }

    /// Notes values that are no members there.
    pub(crate) fn noting(self, notes: Option<(Arc<CallsiteNotes>, AttributeId)>) -> EnumIndex {
        EnumIndex { notes, ..self }
    }

    /// The buckets, if this multiplier tells the members apart.
    fn place(&self, multiplier: u64, shift: u32) -> Option<Box<[Bucket]>> {
        let none = Bucket { signature: 0, text: "".into(), digit: self.other };
        let mut buckets = vec![none; 1 << (64 - shift)].into_boxed_slice();
        let mut taken = vec![false; buckets.len()];
        for (at, value) in self.values.iter().enumerate() {
            let EnumValue::String(text) = value else { continue };
            let signature = signature(text.as_bytes());
            let bucket = (signature.wrapping_mul(multiplier) >> shift) as usize;
            if std::mem::replace(&mut taken[bucket], true) {
                return None;
            }
            buckets[bucket] = Bucket { signature, text: text.as_str().into(), digit: (at as u32 + 1) << self.bits };
        }
        Some(buckets)
    }

    /// The digit of a text of 4 to 8 bytes that is a member, as most texts are; `None` where [`of_str`](Self::of_str) must be asked.
    #[inline(always)]
    pub(crate) fn of_short_str(&self, value: &str) -> Option<u32> {
        let bytes = value.as_bytes();
        if bytes.len().wrapping_sub(4) > 4 {
            return None;
        }
        let signature = ends(*bytes.first_chunk::<4>()?, *bytes.last_chunk::<4>()?);
        let bucket = self.bucket(signature)?;
        // Signature and length are the text.
        (bucket.signature == signature && bucket.text.len() == bytes.len()).then_some(bucket.digit)
    }

    #[inline(always)]
    fn bucket(&self, signature: u64) -> Option<&Bucket> {
        self.buckets.get((signature.wrapping_mul(self.multiplier) >> self.shift) as usize)
    }

    pub(crate) fn of_str(&self, value: &str) -> u32 {
        match self.bucket(signature(value.as_bytes())) {
            Some(bucket) if *bucket.text == *value => bucket.digit,
            _ => self.search(value),
        }
    }

    #[cold]
    fn search(&self, value: &str) -> u32 {
        if !self.buckets.is_empty() {
            return self.other();
        }
        self.position(|v| matches!(v, EnumValue::String(s) if s == value))
    }

    pub(crate) fn of_int(&self, value: i64) -> u32 {
        self.position(|v| matches!(v, EnumValue::Int(i) if *i == value))
    }

    pub(crate) fn of_double(&self, value: f64) -> u32 {
        self.position(|v| matches!(v, EnumValue::Double(d) if *d == value))
    }

    #[inline]
    pub(crate) fn of_bool(&self, value: bool) -> u32 {
        self.position(|v| matches!(v, EnumValue::Bool(b) if *b == value))
    }

    /// Digit of a value that is no member.
    #[cold]
    #[inline(never)]
    pub(crate) fn other(&self) -> u32 {
        if let Some((notes, attribute)) = &self.notes {
            notes.note(Disagreement::EnumVariant { attribute: *attribute });
        }
        self.other
    }

    /// Whether some member is a number, which a field of numbers may give.
    pub(crate) fn has_numbers(&self) -> bool {
        self.values.iter().any(|value| matches!(value, EnumValue::Int(_) | EnumValue::Double(_)))
    }

    #[inline]
    fn position(&self, is: impl Fn(&EnumValue) -> bool) -> u32 {
        self.values.iter().position(is).map_or_else(|| self.other(), |at| (at as u32 + 1) << self.bits)
    }
}

/// First and last four bytes, or all of a shorter text: enough to tell the members of nearly every enum apart.
fn signature(bytes: &[u8]) -> u64 {
    if let (Some(first), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        return ends(*first, *last);
    }
    bytes.iter().fold(0, |sum, byte| sum << 8 | *byte as u64)
}

#[inline(always)]
fn ends(first: [u8; 4], last: [u8; 4]) -> u64 {
    (u32::from_le_bytes(first) as u64) << 32 | u32::from_le_bytes(last) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(members: &[&str]) -> EnumIndex {
        EnumIndex::new(&members.iter().map(|m| EnumValue::String(m.to_string())).collect::<Vec<_>>(), 99, 0)
    }

    #[test]
    fn every_member_has_its_position_and_anything_else_is_other() {
        let members = ["success", "failure", "refused", "ok", "", "a", "b", "none", "rejected", "partial_success"];
        let index = index(&members);
        for (at, member) in members.iter().enumerate() {
            assert_eq!(index.of_str(member), at as u32 + 1, "{member}");
            let short = (4..=8).contains(&member.len()).then_some(at as u32 + 1);
            assert_eq!(index.of_short_str(member), short, "{member}");
        }
        for stranger in ["succes", "successs", "sucXess", "c", "x", "_OTHER", "partial_succes!"] {
            assert_eq!((index.of_str(stranger), index.of_short_str(stranger)), (99, None), "{stranger}");
        }
    }

    #[test]
    fn members_with_equal_ends_and_length_are_still_told_apart() {
        let index = index(&["abcd-1-wxyz", "abcd-2-wxyz"]);
        assert_eq!((index.of_str("abcd-1-wxyz"), index.of_str("abcd-2-wxyz"), index.of_str("abcd-3-wxyz")), (1, 2, 99));
    }
}
