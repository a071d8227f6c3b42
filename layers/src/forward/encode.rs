//! OTLP bytes: where they are written, and how keys and values become them.
//!
//! The record visitor writes through [`Out`]; templates are made once, with the plan. Nothing here knows
//! a registry or a queue. Source: <https://opentelemetry.io/docs/specs/otlp/> and the `LogRecord` message of `logs.proto`.

use std::cell::Cell;
use std::ptr;

/// Bytes that may always be copied past what a template holds, so that it is copied in whole blocks.
const BLOCK: usize = 32;

/// Where a record is written: first in place, in a queue's chunk, and once that does not do, on the heap.
pub(crate) struct Out<'a> {
    start: *mut u8,
    cursor: *mut u8,
    end: *mut u8,
    heap: Vec<u8>,
    on_heap: bool,
    /// Where the heap's buffer comes from.
    scratch: &'a Cell<Vec<u8>>,
}

impl<'a> Out<'a> {
    /// Writes from `start` up to `end`, then into the buffer of `scratch`.
    ///
    /// # Safety
    /// The bytes of `[start, end)` are this writer's alone while [`in_place`](Self::in_place) says so.
    #[inline]
    pub(crate) unsafe fn new(start: *mut u8, end: *mut u8, scratch: &'a Cell<Vec<u8>>) -> Out<'a> {
        Out { start, cursor: start, end, heap: Vec::new(), on_heap: false, scratch }
    }

    /// Length so far.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.cursor as usize - self.start as usize
    }

    /// Whether all is still in the place that `new` was given.
    #[inline]
    pub(crate) fn in_place(&self) -> bool {
        !self.on_heap
    }

    /// The bytes, once they are on the heap.
    pub(crate) fn into_heap(mut self) -> Vec<u8> {
        self.move_to_heap();
        let len = self.len();
        // SAFETY: `len` bytes of the capacity were written.
        unsafe { self.heap.set_len(len) };
        self.heap
    }

    /// Gives the place that `new` was given free for others: what is written moves to the heap.
    pub(crate) fn move_to_heap(&mut self) {
        if !self.on_heap {
            self.grow(1024);
        }
    }

    /// Makes sure that `n` more bytes fit.
    #[inline]
    pub(crate) fn reserve(&mut self, n: usize) {
        if (self.end as usize - self.cursor as usize) < n {
            self.grow(n);
        }
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, n: usize) {
        let len = self.len();
        if self.on_heap {
            // SAFETY: `len` bytes of the capacity were written.
            unsafe { self.heap.set_len(len) };
        } else {
            self.heap = self.scratch.take();
            self.heap.clear();
            // SAFETY: `[start, start + len)` was written and is ours until now.
            self.heap.extend_from_slice(unsafe { std::slice::from_raw_parts(self.start, len) });
            self.on_heap = true;
        }
        self.point_into_heap(n);
    }

    fn point_into_heap(&mut self, n: usize) {
        let len = self.heap.len();
        self.heap.reserve(n.max(len));
        self.start = self.heap.as_mut_ptr();
        // SAFETY: both within the capacity.
        unsafe {
            self.cursor = self.start.add(len);
            self.end = self.start.add(self.heap.capacity());
        }
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
    #[inline]
    pub(crate) fn template(&mut self, template: &Template) {
        self.reserve(template.bytes.len());
        let mut at = 0;
        // SAFETY: room for all blocks was just made; the template's bytes are a multiple of BLOCK.
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
    pub(crate) fn new(mut bytes: Vec<u8>) -> Template {
        let len = bytes.len();
        bytes.resize(len.div_ceil(BLOCK) * BLOCK, 0);
        Template { bytes: bytes.into(), len }
    }
}

/// A value as OTLP has it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum AnyValue<'a> {
    Str(&'a str),
    Int(i64),
    Double(f64),
    Bool(bool),
    Bytes(&'a [u8]),
    StrArray(&'a [String]),
}

/// Number of bytes of a varint.
pub(crate) fn varint_len(value: u64) -> usize {
    ((64 - (value | 1).leading_zeros()) as usize).div_ceil(7)
}

fn delimited_len(len: usize) -> usize {
    1 + varint_len(len as u64) + len
}

impl AnyValue<'_> {
    fn encoded_len(&self) -> usize {
        match self {
            AnyValue::Str(s) => delimited_len(s.len()),
            AnyValue::Bool(_) => 2,
            AnyValue::Int(i) => 1 + varint_len(*i as u64),
            AnyValue::Double(_) => 9,
            AnyValue::Bytes(b) => delimited_len(b.len()),
            AnyValue::StrArray(items) => delimited_len(array_len(items)),
        }
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
    out.varint(value.encoded_len() as u64);
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
    let value_len = value.encoded_len();
    out.byte(tag::ATTRIBUTES);
    out.varint((delimited_len(key.len()) + delimited_len(value_len)) as u64);
    delimited(out, tag::KEY, key.as_bytes());
    any_value(out, tag::VALUE, value);
}

/// A key that many records carry, ready to be copied.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub(crate) name: Box<str>,
    /// Tag, a length to be patched, the key, the value's tag and a length to be patched; only for short keys.
    short: Option<Template>,
}

/// Longest key that goes the short way: with it, a value of up to 62 bytes keeps every length in one byte.
const SHORT_KEY: usize = 58;

impl Key {
    pub(crate) fn new(name: &str) -> Key {
        let short = (name.len() <= SHORT_KEY).then(|| {
            let mut bytes = vec![tag::ATTRIBUTES, 0, tag::KEY, name.len() as u8];
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(&[tag::VALUE, 0]);
            Template::new(bytes)
        });
        Key { name: name.into(), short }
    }

    /// The short way: value bytes come from `write`, which writes up to `len <= 62` bytes and returns how many.
    ///
    /// # Safety
    /// `write` writes at most `len` bytes at the pointer and returns how many.
    #[inline(always)]
    unsafe fn short(&self, out: &mut Out<'_>, len: usize, write: impl FnOnce(*mut u8) -> usize) -> bool {
        let Some(template) = &self.short else { return false };
        let at = out.cursor as usize - out.start as usize;
        out.reserve(template.bytes.len() + len);
        out.template(template);
        // SAFETY: room for template and value was made; the two lengths stand where the template has them.
        unsafe {
            let value = write(out.cursor);
            let begin = out.start.add(at);
            *begin.add(1) = (template.len - 2 + value) as u8;
            *begin.add(template.len - 1) = value as u8;
            out.cursor = out.cursor.add(value);
        }
        true
    }

    #[inline]
    pub(crate) fn write_str(&self, out: &mut Out<'_>, value: &str) {
        if value.len() <= 60 {
            // SAFETY: 2 + 60 bytes at most.
            let done = unsafe {
                self.short(out, 62, |at| {
                    at.write(tag::STRING);
                    at.add(1).write(value.len() as u8);
                    ptr::copy_nonoverlapping(value.as_ptr(), at.add(2), value.len());
                    2 + value.len()
                })
            };
            if done {
                return;
            }
        }
        attribute(out, &self.name, AnyValue::Str(value));
    }

    #[inline]
    pub(crate) fn write_int(&self, out: &mut Out<'_>, value: i64) {
        // SAFETY: 1 + 10 bytes at most.
        let done = unsafe {
            self.short(out, 11, |at| {
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
        };
        if !done {
            attribute(out, &self.name, AnyValue::Int(value));
        }
    }

    #[inline]
    pub(crate) fn write_bool(&self, out: &mut Out<'_>, value: bool) {
        // SAFETY: 2 bytes.
        let done = unsafe {
            self.short(out, 2, |at| {
                at.cast::<[u8; 2]>().write([tag::BOOL, value as u8]);
                2
            })
        };
        if !done {
            attribute(out, &self.name, AnyValue::Bool(value));
        }
    }

    pub(crate) fn write(&self, out: &mut Out<'_>, value: AnyValue<'_>) {
        match value {
            AnyValue::Str(s) => self.write_str(out, s),
            AnyValue::Int(i) => self.write_int(out, i),
            AnyValue::Bool(b) => self.write_bool(out, b),
            other => attribute(out, &self.name, other),
        }
    }
}
