//! What visitors need of their layer: where to count, what is in force, how scopes are called.
//!
//! The weaver owns it; records are written with it. It knows no plan and no thread.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::count::Counts;
use crate::entity::context::Contexts;
use crate::scopes::Scopes;

/// One for each layer.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) counts: Counts,
    pub(crate) contexts: Contexts,
    pub(crate) scopes: Scopes,
    /// Whether the filter lets debug severity through.
    debug: AtomicBool,
}

impl Shared {
    pub(crate) fn new() -> Shared {
        Shared { counts: Counts::default(), contexts: Contexts::new(), scopes: Scopes::new(), debug: false.into() }
    }

    /// Stack traces leave only where debug severity does.
    pub(crate) fn shows_stack_traces(&self) -> bool {
        self.debug.load(Ordering::Relaxed)
    }

    pub(crate) fn set_debug(&self, debug: bool) {
        self.debug.store(debug, Ordering::Relaxed);
    }
}
