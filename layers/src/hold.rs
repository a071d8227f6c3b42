//! The word that lets an event go the short way, and how it is taken back while user code runs.
//!
//! A thread has one per layer. The layer makes its key from it for every event; visitors set it aside around
//! user code, so that what such code emits finds nothing half done. Only the thread itself comes here.

use std::cell::Cell;

/// Set while user code runs.
const ASIDE: u32 = 1 << 31;

/// Set until the context in force was worked out.
const UNKNOWN: u32 = 1 << 30;

/// A layer's word on one thread: the context in force, and in the two highest bits why no event may go the short way.
/// No context has an id that large, so that a key with one of these bits is found in no cache.
pub(crate) struct Hold {
    word: Cell<u32>,
}

impl Hold {
    pub(crate) const fn new() -> Hold {
        Hold { word: Cell::new(UNKNOWN) }
    }

    #[inline(always)]
    pub(crate) fn word(&self) -> u32 {
        self.word.get()
    }

    /// The context in force is this from now on.
    #[inline(always)]
    pub(crate) fn set(&self, context: u32) {
        debug_assert!(context < UNKNOWN);
        self.word.set(self.word.get() & ASIDE | context);
    }

    /// Whether it is not set aside.
    pub(crate) fn is_free(&self) -> bool {
        self.word.get() & ASIDE == 0
    }

    /// Forgets the context.
    pub(crate) fn reset(&self) {
        self.word.set(self.word.get() & ASIDE | UNKNOWN);
    }

    /// Sends events the slow way until the guard drops.
    pub(crate) fn set_aside(&self) -> Aside<'_> {
        let before = self.word.get() & ASIDE;
        self.word.set(self.word.get() | ASIDE);
        Aside { hold: self, before }
    }
}

/// Keeps a layer set aside on this thread.
pub(crate) struct Aside<'a> {
    hold: &'a Hold,
    /// Whether it was set aside already.
    before: u32,
}

impl Drop for Aside<'_> {
    fn drop(&mut self) {
        self.hold.word.set(self.hold.word.get() & !ASIDE | self.before);
    }
}
