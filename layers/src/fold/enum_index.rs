//! Digit of a closed enum's value: one table look-up and one exact compare.
//!
//! Made with the plan, asked for every dimension of every event. It never allocates and never compares
//! more than one member.

use tracing_weaver_registry::model::EnumValue;

/// Finds a member's digit by its text; numbers and booleans are searched.
#[derive(Debug, Clone)]
pub(crate) struct EnumIndex {
    multiplier: u64,
    shift: u32,
    /// Per bucket the member's digit, 0 for none.
    buckets: Box<[u8]>,
    /// Texts by digit - 1; empty for members that are no texts.
    texts: Box<[Box<str>]>,
    values: Box<[EnumValue]>,
    other: u32,
}

impl EnumIndex {
    /// Digits are the positions in `values`, from 1; `other` is the digit of an unknown value.
    pub(crate) fn new(values: &[EnumValue], other: u32) -> EnumIndex {
        let texts: Box<[Box<str>]> =
            values.iter().map(|v| if let EnumValue::String(s) = v { s.as_str().into() } else { "".into() }).collect();
        let mut bits = (values.len().max(1) * 2).next_power_of_two().trailing_zeros().max(2);
        loop {
            for attempt in 0..64u64 {
                let multiplier = (attempt.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD1B5_4A32_D192_ED03) | 1;
                if let Some(buckets) = place(&texts, multiplier, 64 - bits) {
                    return EnumIndex { multiplier, shift: 64 - bits, buckets, texts, values: values.into(), other };
                }
            }
            bits += 1;
            if bits > 16 {
                // Members that no multiplier tells apart: all go to one bucket and are searched.
                return EnumIndex { multiplier: 1, shift: 63, buckets: Box::new([]), texts, values: values.into(), other };
            }
        }
    }

    #[inline]
    pub(crate) fn of_str(&self, value: &str) -> u32 {
        let bucket = (signature(value.as_bytes()).wrapping_mul(self.multiplier) >> self.shift) as usize;
        match self.buckets.get(bucket) {
            Some(digit) if *digit > 0 && &*self.texts[*digit as usize - 1] == value => *digit as u32,
            _ => self.search(value),
        }
    }

    #[cold]
    fn search(&self, value: &str) -> u32 {
        if !self.buckets.is_empty() {
            return self.other;
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

    #[inline]
    fn position(&self, is: impl Fn(&EnumValue) -> bool) -> u32 {
        self.values.iter().position(is).map_or(self.other, |at| at as u32 + 1)
    }
}

/// Length, first and last bytes: enough to tell the members of nearly every enum apart.
#[inline]
fn signature(bytes: &[u8]) -> u64 {
    let len = bytes.len();
    if len >= 4 {
        let first = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as u64;
        let last = u32::from_le_bytes([bytes[len - 4], bytes[len - 3], bytes[len - 2], bytes[len - 1]]) as u64;
        return (first << 32 | last).wrapping_add((len as u64) << 17);
    }
    short_signature(bytes)
}

fn short_signature(bytes: &[u8]) -> u64 {
    bytes.iter().fold(bytes.len() as u64, |sum, byte| sum << 8 | *byte as u64)
}

fn place(texts: &[Box<str>], multiplier: u64, shift: u32) -> Option<Box<[u8]>> {
    if texts.len() >= u8::MAX as usize {
        return None;
    }
    let mut buckets = vec![0u8; 1 << (64 - shift)].into_boxed_slice();
    for (at, text) in texts.iter().enumerate().filter(|(_, text)| !text.is_empty()) {
        let bucket = (signature(text.as_bytes()).wrapping_mul(multiplier) >> shift) as usize;
        if buckets[bucket] != 0 {
            return None;
        }
        buckets[bucket] = at as u8 + 1;
    }
    Some(buckets)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(members: &[&str]) -> EnumIndex {
        EnumIndex::new(&members.iter().map(|m| EnumValue::String(m.to_string())).collect::<Vec<_>>(), 99)
    }

    #[test]
    fn every_member_has_its_position_and_anything_else_is_other() {
        let members = ["success", "failure", "refused", "ok", "", "a", "b", "partial_success", "partial-success"];
        let index = index(&members);
        for (at, member) in members.iter().enumerate().filter(|(_, m)| !m.is_empty()) {
            assert_eq!(index.of_str(member), at as u32 + 1, "{member}");
        }
        for stranger in ["succes", "successs", "sucXess", "c", "x", "_OTHER", "partial_succes!"] {
            assert_eq!(index.of_str(stranger), 99, "{stranger}");
        }
    }

    #[test]
    fn members_with_equal_ends_and_length_are_still_told_apart() {
        let index = index(&["abcd-1-wxyz", "abcd-2-wxyz"]);
        assert_eq!((index.of_str("abcd-1-wxyz"), index.of_str("abcd-2-wxyz"), index.of_str("abcd-3-wxyz")), (1, 2, 99));
    }
}
