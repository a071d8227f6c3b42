//! What visitors need of their layer: where to count, what is in force, how scopes are called.
//!
//! The weaver owns it; records are written with it. It knows no plan and no thread.

use crate::count::Counts;
use crate::entity::context::Contexts;
use crate::scopes::Scopes;

/// One for each layer.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) counts: Counts,
    pub(crate) contexts: Contexts,
    pub(crate) scopes: Scopes,
}

impl Shared {
    pub(crate) fn new() -> Shared {
        Shared { counts: Counts::default(), contexts: Contexts::new(), scopes: Scopes::new() }
    }
}
