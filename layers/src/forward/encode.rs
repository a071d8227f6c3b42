//! OTLP bytes: where they are written, and how keys and values become them.
//!
//! The record visitor writes through [`Out`]; templates are made once, with the plan. Nothing here knows
//! a registry or a queue. Source: <https://opentelemetry.io/docs/specs/otlp/> and the `LogRecord` message of `logs.proto`.

use std::cell::Cell;
use std::ptr;

use crate::value::AnyValue;

/// Templates are copied in blocks of this size.
const BLOCK: usize = 32;

/// Where a record is written: first in place, in a queue's chunk, and once that does not do, on the heap.
///
/// It is a few words, since one is made per record. A buffer on the heap is taken from `scratch` and given back by
/// [`take_heap`](Self::take_heap); nothing that may unwind happens in between.
pub(crate) struct Out<'a> {
    start: *mut u8,
    cursor: *mut u8,
    end: *mut u8,
    /// Where the heap's buffer comes from.
    scratch: &'a Cell<Vec<u8>>,
    on_heap: bool,
}

impl<'a> Out<'a> {
    /// Writes from `start` up to `end`, then into the buffer of `scratch`.
    ///
    /// # Safety
    /// The bytes of `[start, end)` are this writer's alone while [`in_place`](Self::in_place) says so.
    #[inline(always)]
    pub(crate) unsafe fn new(start: *mut u8, end: *mut u8, scratch: &'a Cell<Vec<u8>>) -> Out<'a> {
        Out { start, cursor: start, end, scratch, on_heap: false }
    }

    /// Length so far.
    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        self.cursor as usize - self.start as usize
    }

    /// Whether all is still in the place that `new` was given.
    #[inline(always)]
    pub(crate) fn in_place(&self) -> bool {
        !self.on_heap
    }

    /// The bytes, on the heap; nothing may be written after this.
    pub(crate) fn take_heap(&mut self) -> Vec<u8> {
        self.move_to_heap();
        self.buffer()
    }

    /// Gives the place that `new` was given free for others: what is written moves to the heap.
    pub(crate) fn move_to_heap(&mut self) {
        if !self.on_heap {
            self.grow(1024);
        }
    }

    /// Makes sure that `n` more bytes fit.
    #[inline(always)]
    pub(crate) fn reserve(&mut self, n: usize) {
        if (self.end as usize - self.cursor as usize) < n {
            self.grow(n);
        }
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, n: usize) {
        let mut heap = if self.on_heap {
            self.buffer()
        } else {
            let mut heap = self.scratch.take();
            heap.clear();
            // SAFETY: `[start, cursor)` was written and is ours until now.
            heap.extend_from_slice(unsafe { std::slice::from_raw_parts(self.start, self.len()) });
            self.on_heap = true;
            heap
        };
        heap.reserve(n.max(heap.len()));
        let mut heap = std::mem::ManuallyDrop::new(heap);
        self.start = heap.as_mut_ptr();
        // SAFETY: both within the capacity.
        unsafe {
            self.cursor = self.start.add(heap.len());
            self.end = self.start.add(heap.capacity());
        }
    }

    /// The buffer that [`grow`](Self::grow) took apart.
    fn buffer(&mut self) -> Vec<u8> {
        // SAFETY: on the heap, `start` and `end` are a vector's beginning and capacity, and `[start, cursor)` was written.
        let heap = unsafe { Vec::from_raw_parts(self.start, self.len(), self.end as usize - self.start as usize) };
        self.start = ptr::null_mut();
        self.cursor = ptr::null_mut();
        self.end = ptr::null_mut();
        heap
    }

    #[inline]
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.reserve(bytes.len());
        // SAFETY: room was just made.
        unsafe {
            ptr::copy_nonoverlapping(bytes.as_ptr(), self.cursor, bytes.len());
            self.cursor = self.cursor.add(bytes.len());
        }
    }

    #[inline]
    pub(crate) fn byte(&mut self, byte: u8) {
        self.reserve(1);
        // SAFETY: room was just made.
        unsafe {
            *self.cursor = byte;
            self.cursor = self.cursor.add(1);
        }
    }

    pub(crate) fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.byte(value as u8 | 0x80);
            value >>= 7;
        }
        self.byte(value as u8);
    }

    /// Overwrites 8 bytes at `at` with `value`, little-endian.
    #[inline]
    pub(crate) fn patch(&mut self, at: usize, value: u64) {
        debug_assert!(at + 8 <= self.len());
        // SAFETY: within what was written.
        unsafe { self.start.add(at).cast::<[u8; 8]>().write_unaligned(value.to_le_bytes()) };
    }

    /// Copies a template.
    ///
    /// # Safety
    /// There is room for [`Template::room`].
    #[inline(always)]
    pub(crate) unsafe fn template(&mut self, template: &Template) {
        let mut at = 0;
        // SAFETY: the caller saw to room for all blocks; the template's bytes are a multiple of BLOCK.
        unsafe {
            while at < template.bytes.len() {
                let block = template.bytes.as_ptr().add(at).cast::<[u8; BLOCK]>().read_unaligned();
                self.cursor.add(at).cast::<[u8; BLOCK]>().write_unaligned(block);
                at += BLOCK;
            }
            self.cursor = self.cursor.add(template.len);
        }
    }
}

/// Bytes that are copied into many records, padded to whole blocks.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    bytes: Box<[u8]>,
    len: usize,
}

impl Template {
    /// Bytes that copying it may write.
    #[inline(always)]
    pub(crate) fn room(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn new(mut bytes: Vec<u8>) -> Template {
        let len = bytes.len();
        bytes.resize(len.div_ceil(BLOCK) * BLOCK, 0);
        Template { bytes: bytes.into(), len }
    }
}

/// Number of bytes of a varint.
pub(crate) fn varint_len(value: u64) -> usize {
    ((64 - (value | 1).leading_zeros()) as usize).div_ceil(7)
}

fn delimited_len(len: usize) -> usize {
    1 + varint_len(len as u64) + len
}

fn encoded_len(value: &AnyValue<'_>) -> usize {
    match value {
        AnyValue::Str(s) => delimited_len(s.len()),
        AnyValue::Bool(_) => 2,
        AnyValue::Int(i) => 1 + varint_len(*i as u64),
        AnyValue::Double(_) => 9,
        AnyValue::Bytes(b) => delimited_len(b.len()),
        AnyValue::StrArray(items) => delimited_len(array_len(items)),
    }
}

fn array_len(items: &[String]) -> usize {
    items.iter().map(|item| delimited_len(delimited_len(item.len()))).sum()
}

/// Field numbers with wire types, as they stand before a value.
pub(crate) mod tag {
    pub(crate) const TIME: u8 = 1 << 3 | 1;
    pub(crate) const SEVERITY_NUMBER: u8 = 2 << 3;
    pub(crate) const SEVERITY_TEXT: u8 = 3 << 3 | 2;
    pub(crate) const BODY: u8 = 5 << 3 | 2;
    pub(crate) const ATTRIBUTES: u8 = 6 << 3 | 2;
    pub(crate) const DROPPED_ATTRIBUTES: u8 = 7 << 3;
    pub(crate) const OBSERVED_TIME: u8 = 11 << 3 | 1;
    pub(crate) const EVENT_NAME: u8 = 12 << 3 | 2;
    pub(crate) const KEY: u8 = 1 << 3 | 2;
    pub(crate) const VALUE: u8 = 2 << 3 | 2;
    pub(crate) const STRING: u8 = 1 << 3 | 2;
    pub(crate) const BOOL: u8 = 2 << 3;
    pub(crate) const INT: u8 = 3 << 3;
    pub(crate) const DOUBLE: u8 = 4 << 3 | 1;
    pub(crate) const ARRAY: u8 = 5 << 3 | 2;
    pub(crate) const BYTES: u8 = 7 << 3 | 2;
}

/// Writes an `AnyValue` message with tag and length before it.
pub(crate) fn any_value(out: &mut Out<'_>, before: u8, value: AnyValue<'_>) {
    out.byte(before);
    out.varint(encoded_len(&value) as u64);
    match value {
        AnyValue::Str(s) => delimited(out, tag::STRING, s.as_bytes()),
        AnyValue::Bool(b) => out.bytes(&[tag::BOOL, b as u8]),
        AnyValue::Int(i) => {
            out.byte(tag::INT);
            out.varint(i as u64);
        }
        AnyValue::Double(d) => {
            out.byte(tag::DOUBLE);
            out.bytes(&d.to_le_bytes());
        }
        AnyValue::Bytes(b) => delimited(out, tag::BYTES, b),
        AnyValue::StrArray(items) => {
            out.byte(tag::ARRAY);
            out.varint(array_len(items) as u64);
            for item in items {
                out.byte(tag::KEY);
                out.varint(delimited_len(item.len()) as u64);
                delimited(out, tag::STRING, item.as_bytes());
            }
        }
    }
}

fn delimited(out: &mut Out<'_>, before: u8, bytes: &[u8]) {
    out.byte(before);
    out.varint(bytes.len() as u64);
    out.bytes(bytes);
}

/// Writes a `KeyValue` in the record's attributes.
pub(crate) fn attribute(out: &mut Out<'_>, key: &str, value: AnyValue<'_>) {
    let value_len = encoded_len(&value);
    out.byte(tag::ATTRIBUTES);
    out.varint((delimited_len(key.len()) + delimited_len(value_len)) as u64);
    delimited(out, tag::KEY, key.as_bytes());
    any_value(out, tag::VALUE, value);
}

/// A key that many records carry, ready to be copied with a short value behind it: 64 bytes, so that the copy has no loop.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct ShortKey {
    /// Tag, a length to be patched, the key, the value's tag and a length to be patched.
    bytes: [u8; 63],
    /// Bytes of the template, 0 for a key that does not go this way.
    len: u8,
}

/// Longest value that goes the short way: with the longest key, every length still takes one byte.
pub(crate) const SHORT_STR: usize = 60;

/// Room for a template and the longest short value.
const SHORT_ROOM: usize = 64 + 2 + SHORT_STR;

impl ShortKey {
    pub(crate) const NONE: ShortKey = ShortKey { bytes: [0; 63], len: 0 };

    pub(crate) fn new(key: &str) -> ShortKey {
        let mut short = ShortKey::NONE;
        let len = key.len() + 6;
        if len <= short.bytes.len() {
            short.bytes[..4].copy_from_slice(&[tag::ATTRIBUTES, 0, tag::KEY, key.len() as u8]);
            short.bytes[4..len - 2].copy_from_slice(key.as_bytes());
            short.bytes[len - 2] = tag::VALUE;
            short.len = len as u8;
        }
        short
    }

    #[inline(always)]
    pub(crate) fn is_some(&self) -> bool {
        self.len != 0
    }

    /// Writes the key and the value that `write` makes; without room for it, does nothing and says so.
    ///
    /// There is no growing here, so that the short way makes no call and keeps its registers.
    ///
    /// # Safety
    /// `write` writes at most `2 + SHORT_STR` bytes at the pointer and returns how many.
    #[inline(always)]
    unsafe fn with(&self, out: &mut Out<'_>, write: impl FnOnce(*mut u8) -> usize) -> bool {
        if (out.end as usize - out.cursor as usize) < SHORT_ROOM {
            return false;
        }
        let begin = out.cursor;
        let len = self.len as usize;
        // SAFETY: there is room for 64 bytes and the value; the two lengths stand where the template has them.
        unsafe {
            begin.cast::<[u8; 64]>().write_unaligned(ptr::from_ref(self).cast::<[u8; 64]>().read());
            let value = write(begin.add(len));
            *begin.add(1) = (len - 2 + value) as u8;
            *begin.add(len - 1) = value as u8;
            out.cursor = begin.add(len + value);
        }
        true
    }

    /// Writes a text of at most [`TINY_STR`] bytes, if there is room.
    #[inline(always)]
    pub(crate) fn write_tiny(&self, out: &mut Out<'_>, value: &str) -> bool {
        debug_assert!(value.len() <= TINY_STR && self.is_some());
        // SAFETY: 2 + TINY_STR bytes at most.
        unsafe {
            self.with(out, |at| {
                at.cast::<[u8; 2]>().write([tag::STRING, value.len() as u8]);
                copy_tiny(value.as_bytes(), at.add(2));
                2 + value.len()
            })
        }
    }

    /// Writes a text of at most [`SHORT_STR`] bytes, if there is room.
    #[inline]
    pub(crate) fn write_str(&self, out: &mut Out<'_>, value: &str) -> bool {
        debug_assert!(value.len() <= SHORT_STR && self.is_some());
        // SAFETY: 2 + SHORT_STR bytes at most.
        unsafe {
            self.with(out, |at| {
                at.cast::<[u8; 2]>().write([tag::STRING, value.len() as u8]);
                ptr::copy_nonoverlapping(value.as_ptr(), at.add(2), value.len());
                2 + value.len()
            })
        }
    }

    /// Writes an integer, if there is room.
    #[inline(always)]
    pub(crate) fn write_int(&self, out: &mut Out<'_>, value: i64) -> bool {
        debug_assert!(self.is_some());
        // SAFETY: 1 + 10 bytes at most.
        unsafe {
            self.with(out, |at| {
                at.write(tag::INT);
                let mut rest = value as u64;
                let mut len = 1;
                while rest >= 0x80 {
                    at.add(len).write(rest as u8 | 0x80);
                    rest >>= 7;
                    len += 1;
                }
                at.add(len).write(rest as u8);
                len + 1
            })
        }
    }

    /// Writes a boolean, if there is room.
    #[inline(always)]
    pub(crate) fn write_bool(&self, out: &mut Out<'_>, value: bool) -> bool {
        debug_assert!(self.is_some());
        // SAFETY: 2 bytes.
        unsafe {
            self.with(out, |at| {
                at.cast::<[u8; 2]>().write([tag::BOOL, value as u8]);
                2
            })
        }
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
