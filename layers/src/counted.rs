//! Which callsites count, and which dispatcher holds the layer.
//!
//! The layer's filter notes callsites, the layer the dispatcher; whoever asks what is hidden from the layer reads both. One leaf lock is
//! taken, and nothing is called while it is held.

use std::sync::OnceLock;

use dashmap::DashMap;
use tracing_core::dispatcher::{self, WeakDispatch};
use tracing_core::{Dispatch, Metadata};

/// Callsites that fold or open entities, and the dispatcher that holds the layer.
#[derive(Debug, Default)]
pub(crate) struct Counted {
    callsites: DashMap<usize, &'static Metadata<'static>>,
    dispatch: OnceLock<WeakDispatch>,
}

impl Counted {
    /// Takes note of a callsite. Called while `tracing` registers it: takes one leaf lock, and calls nothing.
    pub(crate) fn note(&self, metadata: &'static Metadata<'static>) {
        self.callsites.insert(std::ptr::from_ref(metadata) as usize, metadata);
    }

    /// Takes note of the dispatcher.
    pub(crate) fn held_by(&self, dispatch: &Dispatch) {
        let _ = self.dispatch.set(dispatch.downgrade());
    }

    /// The dispatcher, as far as it is known.
    pub(crate) fn holder(&self) -> Option<Dispatch> {
        self.dispatch.get().and_then(WeakDispatch::upgrade)
    }

    /// Takes note of the thread's default dispatcher, if it `holds` the layer: `Option` and `Vec` do not hand on which one does.
    #[inline]
    pub(crate) fn find_holder(&self, holds: impl Fn(&Dispatch) -> bool) {
        if self.dispatch.get().is_none() {
            self.look_for_holder(&holds);
        }
    }

    #[cold]
    fn look_for_holder(&self, holds: &dyn Fn(&Dispatch) -> bool) {
        dispatcher::get_default(|default| {
            if holds(default) {
                self.held_by(default);
            }
        });
    }

    /// The callsites that are known so far.
    pub(crate) fn callsites(&self) -> Vec<&'static Metadata<'static>> {
        self.callsites.iter().map(|entry| *entry.value()).collect()
    }
}
