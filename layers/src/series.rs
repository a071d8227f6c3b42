//! Series: the slots of a set under a context, on one thread, found or made.
//!
//! The slow way of an event asks here; what it gets is kept by the thread. Bounded, and no lock is held while anything else is called.

use std::sync::atomic::Ordering;

use tracing_weaver_registry::model::MetricSetId;

use crate::findings::{CallsiteNotes, Disagreement};
use crate::fold::shard::Block;
use crate::thread::{PartSlots, ThreadPart};
use crate::weaver::Weaver;

/// Words of all series, counted once for all threads; past it measurements go to the unattributed series.
const MAX_SERIES_WORDS: usize = 1 << 23;

impl Weaver {
    /// This thread's slots of a set under a context, and whether the set's own entity is in force there.
    pub(crate) fn slots(&self, part: &ThreadPart, set: MetricSetId, context: u32) -> PartSlots {
        // Contexts as events see them, and as sets see them: the second with the highest bit.
        const CUT: u32 = 1 << 31;
        if let Some(known) = part.slots.borrow().get(&(set, context)) {
            return *known;
        }
        let words = self.layouts[set.0 as usize].words();
        let cut = self.shared.contexts.cut(self.registry(), context, set).filter(|cut| self.admit_series(set, *cut, words));
        let (attributed, cut) = (cut.is_some(), cut.unwrap_or(0));
        let by_cut = part.slots.borrow().get(&(set, cut | CUT)).map(|known| known.slots);
        let slots = by_cut.unwrap_or_else(|| {
            self.series.entry((set, cut)).or_insert_with(crate::clock::unix_nanos);
            part.shard.add(Block::new(set, cut, words))
        });
        let found = PartSlots { slots, attributed };
        part.slots.borrow_mut().insert((set, cut | CUT), found);
        part.slots.borrow_mut().insert((set, context), found);
        found
    }

    /// Notes a fold without its set's own entity in force. Past the bound on series there is one in force, and nothing to note.
    pub(crate) fn note_unattributed(&self, notes: &CallsiteNotes, set: MetricSetId, context: u32) {
        if self.shared.contexts.cut(self.registry(), context, set).is_none() {
            notes.note(Disagreement::Unattributed { set });
        }
    }

    /// Whether a series is there or may still be made.
    fn admit_series(&self, set: MetricSetId, context: u32, words: usize) -> bool {
        if context == 0 || self.series.contains_key(&(set, context)) {
            return true;
        }
        if self.series_words.fetch_add(words, Ordering::Relaxed) + words <= MAX_SERIES_WORDS {
            return true;
        }
        self.series_words.fetch_sub(words, Ordering::Relaxed);
        false
    }
}
