//! A thread's cache from callsite and context to plan and slots.
//!
//! Direct-mapped and without tags beyond what is compared on each event: the metadata's address and the
//! key, which names layer and context and is never used twice. An entry is looked into only on a match.

use std::cell::Cell;
use std::ptr;

use super::plan::EventPlan;
use crate::fold::shard::Slots;

const ENTRIES: usize = 256;

/// One callsite under one context.
pub(crate) struct Entry {
    pub(crate) metadata: *const (),
    pub(crate) key: u64,
    pub(crate) plan: *const EventPlan,
    /// The slots of the plan's only set, if it folds into one.
    pub(crate) slots: Slots,
}

/// The cache of one thread, for all layers.
pub(crate) struct PlanCache {
    places: [Place; ENTRIES],
}

/// Where an entry stands, field by field, so that a look compares before it reads on.
pub(crate) struct Place {
    metadata: Cell<*const ()>,
    key: Cell<u64>,
    plan: Cell<*const EventPlan>,
    slots: Cell<Slots>,
}

impl Place {
    // Copied into every place of the cache, never used by itself.
    #[allow(clippy::declare_interior_mutable_const)]
    const EMPTY: Place =
        Place { metadata: Cell::new(ptr::null()), key: Cell::new(0), plan: Cell::new(ptr::null()), slots: Cell::new(Slots::NONE) };

    #[inline(always)]
    pub(crate) fn metadata(&self) -> *const () {
        self.metadata.get()
    }

    #[inline(always)]
    pub(crate) fn key(&self) -> u64 {
        self.key.get()
    }

    #[inline(always)]
    pub(crate) fn plan(&self) -> *const EventPlan {
        self.plan.get()
    }

    #[inline(always)]
    pub(crate) fn slots(&self) -> Slots {
        self.slots.get()
    }
}

impl PlanCache {
    pub(crate) const fn new() -> PlanCache {
        PlanCache { places: [const { Place::EMPTY }; ENTRIES] }
    }

    /// The place of this callsite and key, whether what stands there is theirs or not.
    #[inline(always)]
    pub(crate) fn peek(&self, metadata: *const (), key: u64) -> &Place {
        let mixed = (metadata as u64 ^ key).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        &self.places[(mixed >> 56) as usize]
    }

    /// Forgets all.
    pub(crate) fn clear(&self) {
        self.places.iter().for_each(|place| place.key.set(0));
    }

    /// Puts an entry at its place, over what was there.
    pub(crate) fn put(&self, entry: Entry) {
        let place = self.peek(entry.metadata, entry.key);
        place.metadata.set(entry.metadata);
        place.key.set(entry.key);
        place.plan.set(entry.plan);
        place.slots.set(entry.slots);
    }
}
