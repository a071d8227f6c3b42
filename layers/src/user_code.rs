//! Running a program's own `Debug` and `Display` code.
//!
//! Visitors come here with values that only their own code can turn into text. It runs outside every lock,
//! behind a panic guard and a size bound, with the thread's layer set aside, so that it may itself emit
//! events. With `panic = "abort"` the guard cannot hold.

use std::fmt::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::thread::InstanceSlot;

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
pub(crate) fn format(slot: &InstanceSlot, text: &mut String, value: fmt::Arguments<'_>) -> Formatted {
    text.clear();
    let mut bounded = Bounded { text, cut: false };
    match guarded(slot, || bounded.write_fmt(value)) {
        None => Formatted::Panicked,
        Some(_) if bounded.cut => Formatted::Cut,
        Some(_) => Formatted::Whole,
    }
}

/// Runs user code; `None` if it panicked.
pub(crate) fn guarded<R>(slot: &InstanceSlot, code: impl FnOnce() -> R) -> Option<R> {
    let _aside = slot.set_aside();
    match catch_unwind(AssertUnwindSafe(code)) {
        Ok(result) => Some(result),
        Err(payload) => {
            // A payload's own drop may panic too.
            let _ = catch_unwind(AssertUnwindSafe(|| drop(payload)));
            None
        }
    }
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
