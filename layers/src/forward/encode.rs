//! OTLP bytes: where they are written, and how keys and values become them.
//!
//! The record visitor writes through [`Out`]; templates are made once, with the plan. Nothing here knows
//! a registry or how a queue works. Source: <https://opentelemetry.io/docs/specs/otlp/> and the `LogRecord` message of `logs.proto`.

use std::ptr;

use super::writer::Writer;
use crate::value::AnyValue;

/// Bytes of a template that are copied without a loop: most headers have no more.
const BLOCK: usize = 64;

/// Where a record is written: first in place, in a queue's chunk, and once that does not do, on the heap.
///
/// It is a few words, since one is made per record. A buffer on the heap is taken from the writer and given back by
/// [`take_heap`](Self::take_heap); nothing that may unwind happens in between.
pub(crate) struct Out<'a> {
    start: *mut u8,
    cursor: *mut u8,
    end: *mut u8,
    /// Where the heap's buffer comes from.
    writer: &'a Writer,
    /// Why a record is not simply what stands in place: [`ON_HEAP`], and what else the writer of the record says. One word, so
    /// that one look does.
    unusual: u32,
}

const ON_HEAP: u32 = 1;

/// Something that only the writer of the record knows.
pub(crate) const MARKED: u32 = 2;

impl<'a> Out<'a> {
    /// Writes from `start` up to `end`, then into the writer's buffer. `unusual` is 0 or [`MARKED`].
    ///
    /// # Safety
    /// The bytes of `[start, end)` are this writer's alone while [`in_place`](Self::in_place) says so.
    #[inline(always)]
    pub(crate) unsafe fn new(start: *mut u8, end: *mut u8, writer: &'a Writer, unusual: u32) -> Out<'a> {
        Out { start, cursor: start, end, writer, unusual }
    }

    #[inline(always)]
    pub(crate) fn writer(&self) -> &'a Writer {
        self.writer
    }

    /// From now on something is unusual.
    pub(crate) fn mark_unusual(&mut self) {
        self.unusual |= MARKED;
    }

    /// Whether something is: it is not in place, or was [marked](Self::mark_unusual).
    #[inline(always)]
    pub(crate) fn is_unusual(&self) -> bool {
        self.unusual != 0
    }

    /// Where it begins.
    #[inline(always)]
    pub(crate) fn start(&self) -> *mut u8 {
        self.start
    }

    /// Where it ends so far.
    #[inline(always)]
    pub(crate) fn cursor(&self) -> *mut u8 {
        self.cursor
    }

    /// All up to `cursor` counts from now on.
    ///
    /// # Safety
    /// It was written, and there was room for it.
    #[inline(always)]
    pub(crate) unsafe fn set_cursor(&mut self, cursor: *mut u8) {
        self.cursor = cursor;
    }

    /// Length so far.
    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        self.cursor as usize - self.start as usize
    }

    /// Whether all is still in the place that `new` was given.
    pub(crate) fn in_place(&self) -> bool {
        self.unusual & ON_HEAP == 0
    }

    /// The bytes, on the heap; nothing may be written after this.
    pub(crate) fn take_heap(&mut self) -> Vec<u8> {
        self.move_to_heap();
        self.buffer()
    }

    /// Gives the place that `new` was given free for others: what is written moves to the heap.
    pub(crate) fn move_to_heap(&mut self) {
        if self.in_place() {
            self.grow(1024);
        }
    }

    /// Room in place or in the buffer.
    #[inline(always)]
    pub(crate) fn left(&self) -> usize {
        self.end as usize - self.cursor as usize
    }

    /// Makes sure that `n` more bytes fit.
    #[inline(always)]
    pub(crate) fn reserve(&mut self, n: usize) {
        if self.left() < n {
            self.grow(n);
        }
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, n: usize) {
        let mut heap = if !self.in_place() {
            self.buffer()
        } else {
            let mut heap = self.writer.record.take();
            heap.clear();
            // SAFETY: `[start, cursor)` was written and is ours until now.
            heap.extend_from_slice(unsafe { std::slice::from_raw_parts(self.start, self.len()) });
            self.unusual |= ON_HEAP;
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
    /// There is room for what [`Template::room`] says.
    #[inline(always)]
    pub(crate) unsafe fn template(&mut self, template: &Template) {
        // SAFETY: the caller saw to the room.
        unsafe {
            self.cursor.cast::<[u8; BLOCK]>().write(template.first);
            if template.len > BLOCK {
                template.copy_rest(self.cursor);
            }
            self.cursor = self.cursor.add(template.len);
        }
    }

    /// Adds what `write` writes at the end; it returns how many bytes.
    ///
    /// # Safety
    /// There is room for them.
    #[inline(always)]
    pub(crate) unsafe fn with(&mut self, write: impl FnOnce(*mut u8) -> usize) {
        // SAFETY: the caller saw to the room.
        self.cursor = unsafe { self.cursor.add(write(self.cursor)) };
    }
}

/// Bytes that are copied into many records: a first block, padded, and the rest, which most have not.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    first: [u8; BLOCK],
    len: usize,
    room: usize,
    rest: Box<[u8]>,
}

impl Template {
    /// `around` is the room that is needed before it and behind it.
    pub(crate) fn new(bytes: &[u8], around: usize) -> Template {
        let (first, rest) = bytes.split_at(bytes.len().min(BLOCK));
        let mut template = Template { first: [0; BLOCK], len: bytes.len(), room: bytes.len().max(BLOCK) + around, rest: rest.into() };
        template.first[..first.len()].copy_from_slice(first);
        template
    }

    /// Room for it and what is around it.
    #[inline(always)]
    pub(crate) fn room(&self) -> usize {
        self.room
    }

    /// # Safety
    /// There is room for the whole template at `at`.
    #[cold]
    #[inline(never)]
    unsafe fn copy_rest(&self, at: *mut u8) {
        // SAFETY: as the caller promises.
        unsafe { ptr::copy_nonoverlapping(self.rest.as_ptr(), at.add(BLOCK), self.rest.len()) };
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
    pub(crate) const FLAGS: u8 = 8 << 3 | 5;
    pub(crate) const TRACE_ID: u8 = 9 << 3 | 2;
    pub(crate) const SPAN_ID: u8 = 10 << 3 | 2;
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
