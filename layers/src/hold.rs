//! The word that lets an event go the short way, and how it is taken back while user code runs.
//!
//! A thread has one per layer. The layer reads the key for every event; visitors set it aside around user
//! code, so that what such code emits finds nothing half done. Only the thread itself comes here.

use std::cell::Cell;

/// A layer's key on one thread: its epoch and the context in force.
pub(crate) struct Hold {
    /// 0 while it is set aside, and before anything was worked out: then events go the slow way.
    key: Cell<u64>,
    /// What the key is once it is no longer set aside.
    resume: Cell<u64>,
    /// How many times it is set aside.
    held: Cell<u32>,
}

impl Hold {
    pub(crate) const fn new() -> Hold {
        Hold { key: Cell::new(0), resume: Cell::new(0), held: Cell::new(0) }
    }

    #[inline(always)]
    pub(crate) fn key(&self) -> u64 {
        self.key.get()
    }

    #[inline(always)]
    pub(crate) fn set(&self, key: u64) {
        self.resume.set(key);
        if self.held.get() == 0 {
            self.key.set(key);
        }
    }

    /// Whether it is not set aside.
    pub(crate) fn is_free(&self) -> bool {
        self.held.get() == 0
    }

    /// Forgets all.
    pub(crate) fn reset(&self) {
        self.key.set(0);
        self.resume.set(0);
        self.held.set(0);
    }

    /// Sends events the slow way until the guard drops.
    pub(crate) fn set_aside(&self) -> Aside<'_> {
        self.held.set(self.held.get() + 1);
        self.key.set(0);
        Aside(self)
    }
}

/// Keeps a layer set aside on this thread.
pub(crate) struct Aside<'a>(&'a Hold);

impl Drop for Aside<'_> {
    fn drop(&mut self) {
        self.0.held.set(self.0.held.get().saturating_sub(1));
        self.0.set(self.0.resume.get());
    }
}
