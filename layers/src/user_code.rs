//! Running a program's own `Debug` and `Display` code.
//!
//! Visitors come here with values that only their own code can turn into text. It runs outside every lock,
//! behind a panic guard and a size bound, with the thread's layer set aside, so that it may itself emit
//! events. With `panic = "abort"` the guard cannot hold.

use std::any::Any;
use std::fmt::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::hold::Hold;

/// Longest text that is exported.
pub(crate) const MAX_TEXT: usize = 64 << 10;

/// What became of a value's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Formatted {
    Whole,
    Cut,
    Panicked,
}

/// Writes a value's text to `text`, which is cleared before.
pub(crate) fn format(hold: &Hold, text: &mut String, value: fmt::Arguments<'_>) -> Formatted {
    text.clear();
    let mut bounded = Bounded { text, cut: false };
    match guarded(hold, || bounded.write_fmt(value)) {
        None => Formatted::Panicked,
        Some(_) if bounded.cut => Formatted::Cut,
        Some(_) => Formatted::Whole,
    }
}

/// Longest text that can name a member of an enum.
const MAX_SHORT: usize = 256;

/// Calls `with` with a value's text, or with a beginning of it that is no member of any enum; `None` if making it panicked.
/// Allocates nothing.
pub(crate) fn with_short<R>(hold: &Hold, value: fmt::Arguments<'_>, with: impl FnOnce(&str) -> R) -> Option<R> {
    let mut short = Short { bytes: [0; MAX_SHORT + 4], len: 0 };
    // An error only means that the text is too long to name a member.
    let _ = guarded(hold, || short.write_fmt(value))?;
    // Whole pieces of text were copied, each cut at a character's boundary.
    std::str::from_utf8(&short.bytes[..short.len]).ok().map(with)
}

struct Short {
    bytes: [u8; MAX_SHORT + 4],
    len: usize,
}

impl Write for Short {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        let room = self.bytes.len() - self.len;
        let fits = &part[..floor_char_boundary(part, room)];
        self.bytes[self.len..self.len + fits.len()].copy_from_slice(fits.as_bytes());
        self.len += fits.len();
        if fits.len() == part.len() { Ok(()) } else { Err(fmt::Error) }
    }
}

/// Runs user code; `None` if it panicked.
pub(crate) fn guarded<R>(hold: &Hold, code: impl FnOnce() -> R) -> Option<R> {
    let _aside = hold.set_aside();
    match catch_unwind(AssertUnwindSafe(code)) {
        Ok(result) => Some(result),
        Err(payload) => {
            dispose(payload);
            None
        }
    }
}

/// Drops what a panic left, whose own drop may panic too.
#[cold]
pub(crate) fn dispose(payload: Box<dyn Any + Send>) {
    let _ = catch_unwind(AssertUnwindSafe(|| drop(payload)));
}

/// The longest beginning of `text` within the bound that ends at a character's boundary, and whether it is shorter.
#[inline]
pub(crate) fn cut(text: &str) -> (&str, bool) {
    if text.len() <= MAX_TEXT { (text, false) } else { (&text[..floor_char_boundary(text, MAX_TEXT)], true) }
}

pub(crate) fn floor_char_boundary(text: &str, mut at: usize) -> usize {
    if at >= text.len() {
        return text.len();
    }
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

struct Bounded<'a> {
    text: &'a mut String,
    cut: bool,
}

impl Write for Bounded<'_> {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        if self.cut {
            return Err(fmt::Error);
        }
        let room = MAX_TEXT - self.text.len();
        if part.len() <= room {
            self.text.push_str(part);
            return Ok(());
        }
        self.text.push_str(&part[..floor_char_boundary(part, room)]);
        self.cut = true;
        // An error ends the formatting: what is past the bound need not even be made.
        Err(fmt::Error)
    }
}
