//! A bound on nesting while a pack is read.
//!
//! The recursive types of the model name [`bounded`] in their derived reading. Without it a short hostile pack would nest lists
//! until the stack ends, and the program with it.

use serde::{Deserialize, Deserializer, de::Error};
use std::cell::Cell;

/// Deeper than anything that YAML is read to.
const MAX_DEPTH: u32 = 200;

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

struct Level;

impl Drop for Level {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get().saturating_sub(1));
    }
}

/// Reads a value one level deeper, or refuses.
pub(super) fn bounded<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    let depth = DEPTH.get();
    if depth >= MAX_DEPTH {
        return Err(D::Error::custom("nested too deep"));
    }
    DEPTH.set(depth + 1);
    let _level = Level;
    T::deserialize(deserializer)
}
