//! Keys that many records carry, ready to be copied with a short value behind them.
//!
//! Made once, with the plan; the record visitor writes nearly all attributes by them. Nothing here grows a buffer or calls anything:
//! what does not fit goes the generic way of [`super::encode`]. `benches/hot_path.rs`, scenario `forward`, shows what it takes.

use std::ptr;

use super::encode::{Out, tag};

/// A key that many records carry, ready to be copied with a short value behind it.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct ShortKey {
    /// Tag, length, the key, the value's tag and length: all as for a value of two bytes, its own tag and one more.
    bytes: [u8; LONG_KEY],
    /// Bytes of the template with these two, 0 for a key that does not go this way.
    len: usize,
    /// Room that a template of [`USUAL_KEY`] takes with the longest short value; for any other, more than there ever is. So one
    /// comparison says both whether the key is usual and whether there is room.
    room: usize,
}

/// Bytes of a template that is copied at once: keys of up to 26 bytes, as most are.
const USUAL_KEY: usize = 32;

/// Bytes of a longer template.
const LONG_KEY: usize = 48;

/// Longest value that goes the short way: with the longest key, every length still takes one byte.
pub(crate) const SHORT_STR: usize = 60;

/// Room for a template and the longest short value.
const SHORT_ROOM: usize = LONG_KEY + 2 + SHORT_STR;

/// Natural numbers below this take at most three bytes.
pub(crate) const SMALL_INT: u64 = 1 << 21;

impl ShortKey {
    pub(crate) const NONE: ShortKey = ShortKey { bytes: [0; LONG_KEY], len: 0, room: usize::MAX };

    pub(crate) fn new(key: &str) -> ShortKey {
        let mut short = ShortKey::NONE;
        let len = key.len() + 6;
        if len <= LONG_KEY {
            short.bytes[..4].copy_from_slice(&[tag::ATTRIBUTES, len as u8, tag::KEY, key.len() as u8]);
            short.bytes[4..len - 2].copy_from_slice(key.as_bytes());
            short.bytes[len - 2..len].copy_from_slice(&[tag::VALUE, 2]);
            short.len = len + 2;
            short.room = if len <= USUAL_KEY { SHORT_ROOM } else { usize::MAX };
        }
        short
    }

    /// Writes a usual key; `None`, and nothing done, for any other, or without room for it and a short value. There is no growing
    /// here, so that the short way makes no call and keeps its registers.
    #[inline(always)]
    fn usual(&self, out: &mut Out<'_>) -> Option<ShortValue> {
        // SAFETY: the key's room is at least that.
        (out.left() >= self.room).then(|| unsafe { self.copy::<USUAL_KEY>(out) })
    }

    /// Writes any key; `None`, and nothing done, for none, or without room for it and a short value.
    fn any(&self, out: &mut Out<'_>) -> Option<ShortValue> {
        // SAFETY: there is room.
        (self.len != 0 && out.left() >= SHORT_ROOM).then(|| unsafe { self.copy::<LONG_KEY>(out) })
    }

    /// # Safety
    /// There is room for `SHORT_ROOM` bytes, and the template is within `N` of them.
    #[inline(always)]
    unsafe fn copy<const N: usize>(&self, out: &mut Out<'_>) -> ShortValue {
        // SAFETY: `N` is at most the size of the template's bytes; the rest as the caller promises.
        unsafe {
            out.cursor().cast::<[u8; N]>().write(self.bytes.as_ptr().cast::<[u8; N]>().read());
            ShortValue { key: out.cursor(), at: out.cursor().add(self.len) }
        }
    }

    /// Writes a text of at most [`TINY_STR`] bytes, if there is room and the key is usual.
    #[inline(always)]
    pub(crate) fn write_tiny(&self, out: &mut Out<'_>, value: &str) -> bool {
        debug_assert!(value.len() <= TINY_STR);
        let Some(short) = self.usual(out) else { return false };
        // SAFETY: TINY_STR bytes at most.
        unsafe {
            short.begin(tag::STRING, value.len() as u8);
            copy_tiny(value.as_bytes(), short.at);
            short.end(out, value.len());
        }
        true
    }

    /// Writes a text of at most [`SHORT_STR`] bytes, if there is room.
    pub(crate) fn write_str(&self, out: &mut Out<'_>, value: &str) -> bool {
        debug_assert!(value.len() <= SHORT_STR);
        let Some(short) = self.any(out) else { return false };
        // SAFETY: SHORT_STR bytes at most.
        unsafe {
            short.begin(tag::STRING, value.len() as u8);
            ptr::copy_nonoverlapping(value.as_ptr(), short.at, value.len());
            short.end(out, value.len());
        }
        true
    }

    /// Writes a natural number below [`SMALL_INT`], if there is room and the key is usual: each length by itself, without a loop.
    #[inline(always)]
    pub(crate) fn write_small(&self, out: &mut Out<'_>, value: u64) -> bool {
        debug_assert!(value < SMALL_INT);
        let Some(short) = self.usual(out) else { return false };
        // Seven bits per byte, the lowest first, the highest bit set where another byte follows.
        let (low, middle, high) = (value & 0x7f, (value & 0x3f80) << 1, (value & 0x1f_c000) << 2);
        // SAFETY: 3 bytes at most.
        unsafe {
            if value < 1 << 7 {
                short.begin(tag::INT, value as u8);
                short.end_at_once(out);
            } else if value < 1 << 14 {
                short.begin(tag::INT, low as u8 | 0x80);
                short.at.write((middle >> 8) as u8);
                short.end(out, 1);
            } else {
                short.begin(tag::INT, low as u8 | 0x80);
                short.at.cast::<[u8; 2]>().write((((high | middle) >> 8 | 0x80) as u16).to_le_bytes());
                short.end(out, 2);
            }
        }
        true
    }

    /// Writes an integer, if there is room.
    pub(crate) fn write_int(&self, out: &mut Out<'_>, value: i64) -> bool {
        let Some(short) = self.any(out) else { return false };
        let mut rest = value as u64;
        let mut len = 0;
        let byte = |rest: u64| if rest >= 0x80 { rest as u8 | 0x80 } else { rest as u8 };
        // SAFETY: 10 bytes at most.
        unsafe {
            short.begin(tag::INT, byte(rest));
            while rest >= 0x80 {
                rest >>= 7;
                short.at.add(len).write(byte(rest));
                len += 1;
            }
            short.end(out, len);
        }
        true
    }

    /// Writes a boolean, if there is room and the key is usual.
    #[inline(always)]
    pub(crate) fn write_bool(&self, out: &mut Out<'_>, value: bool) -> bool {
        match self.usual(out) {
            Some(short) => short.bool(out, value),
            None => false,
        }
    }

    /// Writes a boolean, if there is room.
    pub(crate) fn write_any_bool(&self, out: &mut Out<'_>, value: bool) -> bool {
        match self.any(out) {
            Some(short) => short.bool(out, value),
            None => false,
        }
    }
}

/// Where a value is written behind its key.
struct ShortValue {
    key: *mut u8,
    /// Behind the value's first two bytes, which every value has.
    at: *mut u8,
}

impl ShortValue {
    /// The value's own tag, and the byte behind it.
    ///
    /// # Safety
    /// `self` was made by [`ShortKey::copy`].
    #[inline(always)]
    unsafe fn begin(&self, tag: u8, byte: u8) {
        // SAFETY: the key's length counts these two.
        unsafe { self.at.sub(2).cast::<[u8; 2]>().write([tag, byte]) };
    }

    /// The value has no more than the two bytes: the lengths are right as they are.
    ///
    /// # Safety
    /// They were written; `out` is the one that the key was written to.
    #[inline(always)]
    unsafe fn end_at_once(self, out: &mut Out<'_>) {
        // SAFETY: the key's room is for these too.
        unsafe { out.set_cursor(self.at) };
    }

    /// The value has `more` bytes behind the first two.
    ///
    /// # Safety
    /// They were written at `at`, after [`begin`](Self::begin), and are at most `SHORT_STR`; `out` is the one that the key was written to.
    #[inline(always)]
    unsafe fn end(self, out: &mut Out<'_>, more: usize) {
        // SAFETY: the two lengths stand where the template has them.
        unsafe {
            *self.key.add(1) += more as u8;
            *self.at.sub(3) += more as u8;
            out.set_cursor(self.at.add(more));
        }
    }

    #[inline(always)]
    fn bool(self, out: &mut Out<'_>, value: bool) -> bool {
        // SAFETY: it was made by `copy`.
        unsafe {
            self.begin(tag::BOOL, value as u8);
            self.end_at_once(out);
        }
        true
    }
}

/// Longest text that is copied without a call.
pub(crate) const TINY_STR: usize = 16;

/// Copies a text of at most [`TINY_STR`] bytes, as most closed sets have, without a call.
///
/// # Safety
/// There is room for the text at `at`, and it has at most `TINY_STR` bytes.
#[inline(always)]
unsafe fn copy_tiny(text: &[u8], at: *mut u8) {
    let (from, len) = (text.as_ptr(), text.len());
    // SAFETY: each read and write lies within the text's length.
    unsafe {
        if len >= 8 {
            at.cast::<[u8; 8]>().write(from.cast::<[u8; 8]>().read());
            at.add(len - 8).cast::<[u8; 8]>().write(from.add(len - 8).cast::<[u8; 8]>().read());
        } else if len >= 4 {
            at.cast::<[u8; 4]>().write(from.cast::<[u8; 4]>().read());
            at.add(len - 4).cast::<[u8; 4]>().write(from.add(len - 4).cast::<[u8; 4]>().read());
        } else if len > 0 {
            at.write(from.read());
            at.add(len / 2).write(from.add(len / 2).read());
            at.add(len - 1).write(from.add(len - 1).read());
        }
    }
}
