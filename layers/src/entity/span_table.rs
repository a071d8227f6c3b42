//! From a span's id to its context and its trace span, without a look-up in the subscriber.
//!
//! A direct-mapped table with a few places per bucket; an entry is made when the span is made and cleared
//! when it closes, so that an id that comes back finds its own. Who finds no place is kept aside, under a
//! lock that the others never take.

use std::collections::HashMap;
use std::sync::RwLock;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};

const BUCKETS: usize = 1024;
const WAYS: usize = 4;

#[derive(Debug, Default)]
struct Entry {
    id: AtomicU64,
    context: AtomicU32,
    /// The thread that is inside the span, 0 for none, [`SEVERAL`] once a second one came while it was. Plain loads and
    /// stores: two threads that enter or leave at the very same moment may leave one of them out.
    entered: AtomicU32,
    /// The span's id among trace spans, 0 for none.
    trace: AtomicU64,
}

/// What is known of a live span.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct SpanEntry {
    /// The context inside it.
    pub(crate) context: u32,
    /// Its id among trace spans, 0 for none.
    pub(crate) trace: u64,
}

/// No thread has this number; it stays until the span closes.
const SEVERAL: u32 = 1;

/// Where a span's entry stands, for leaving it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SpanPlace(u32);

impl SpanPlace {
    pub(crate) const NONE: SpanPlace = SpanPlace(u32::MAX);
}

/// Live spans; one that neither has a context nor is a trace span has no entry.
#[derive(Debug)]
pub(crate) struct SpanTable {
    entries: Box<[Entry]>,
    aside: RwLock<HashMap<u64, SpanEntry>>,
    aside_len: AtomicUsize,
}

impl SpanTable {
    pub(crate) fn new() -> SpanTable {
        SpanTable {
            entries: (0..BUCKETS * WAYS).map(|_| Entry::default()).collect(),
            aside: RwLock::default(),
            aside_len: AtomicUsize::new(0),
        }
    }

    #[inline(always)]
    fn first(id: u64) -> usize {
        (id.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - BUCKETS.trailing_zeros())) as usize * WAYS
    }

    #[inline(always)]
    fn bucket(&self, id: u64) -> &[Entry] {
        let at = Self::first(id);
        &self.entries[at..at + WAYS]
    }

    /// Notes a span that was just made. The thread that makes the span calls this before anyone can enter it.
    pub(crate) fn insert(&self, id: u64, span: SpanEntry) {
        for entry in self.bucket(id) {
            // An equal id is of a span whose closing was not seen.
            let claimed =
                entry.id.load(Ordering::Relaxed) == id || entry.id.compare_exchange(0, id, Ordering::AcqRel, Ordering::Relaxed).is_ok();
            if claimed {
                entry.entered.store(0, Ordering::Relaxed);
                entry.trace.store(span.trace, Ordering::Relaxed);
                entry.context.store(span.context, Ordering::Release);
                return;
            }
        }
        let mut aside = self.aside.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        aside.insert(id, span);
        self.aside_len.store(aside.len(), Ordering::Release);
    }

    /// What is known of a live span.
    pub(crate) fn get(&self, id: u64) -> SpanEntry {
        for entry in self.bucket(id) {
            if entry.id.load(Ordering::Relaxed) == id {
                let context = entry.context.load(Ordering::Acquire);
                return SpanEntry { context, trace: entry.trace.load(Ordering::Relaxed) };
            }
        }
        if self.aside_len.load(Ordering::Relaxed) == 0 { SpanEntry::default() } else { self.get_aside(id) }
    }

    /// As [`get`](Self::get), for a thread that enters the span; `thread` is not 0.
    #[inline(always)]
    pub(crate) fn enter(&self, id: u64, thread: u32) -> (SpanEntry, SpanPlace) {
        let first = Self::first(id);
        for (way, entry) in self.entries[first..first + WAYS].iter().enumerate() {
            if entry.id.load(Ordering::Relaxed) == id {
                let inside = entry.entered.load(Ordering::Relaxed);
                entry.entered.store(if inside == 0 || inside == thread { thread } else { SEVERAL }, Ordering::Relaxed);
                let context = entry.context.load(Ordering::Acquire);
                return (SpanEntry { context, trace: entry.trace.load(Ordering::Relaxed) }, SpanPlace((first + way) as u32));
            }
        }
        let aside = self.aside_len.load(Ordering::Relaxed) > 0;
        (if aside { self.get_aside(id) } else { SpanEntry::default() }, SpanPlace::NONE)
    }

    /// The thread leaves the span that stands there.
    #[inline(always)]
    pub(crate) fn leave(&self, place: SpanPlace, thread: u32) {
        let entry = self.entries.get(place.0 as usize).filter(|entry| entry.entered.load(Ordering::Relaxed) == thread);
        if let Some(entry) = entry {
            entry.entered.store(0, Ordering::Relaxed);
        }
    }

    #[cold]
    fn get_aside(&self, id: u64) -> SpanEntry {
        self.aside.read().unwrap_or_else(|poisoned| poisoned.into_inner()).get(&id).copied().unwrap_or_default()
    }

    /// Forgets a span that closed. Returns whether a thread may still be inside it, behind a forgotten guard.
    pub(crate) fn remove(&self, id: u64) -> bool {
        let mut inside = false;
        for entry in self.bucket(id) {
            if entry.id.load(Ordering::Relaxed) == id {
                inside |= entry.entered.load(Ordering::Relaxed) != 0;
                entry.id.store(0, Ordering::Release);
            }
        }
        if self.aside_len.load(Ordering::Relaxed) > 0 {
            let mut aside = self.aside.write().unwrap_or_else(|poisoned| poisoned.into_inner());
            aside.remove(&id);
            self.aside_len.store(aside.len(), Ordering::Release);
        }
        inside
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(context: u32) -> SpanEntry {
        SpanEntry { context, trace: 0 }
    }

    #[test]
    fn every_live_span_has_its_context_also_when_buckets_overflow() {
        let table = SpanTable::new();
        for id in 1..=20_000u64 {
            table.insert(id, context(id as u32));
        }
        assert!((1..=20_000u64).all(|id| table.get(id).context == id as u32));
        (1..=20_000u64).step_by(2).for_each(|id| assert!(!table.remove(id)));
        assert!((1..=20_000u64).all(|id| table.get(id).context == if id % 2 == 1 { 0 } else { id as u32 }));
    }

    #[test]
    fn an_id_that_comes_back_has_the_new_context() {
        let table = SpanTable::new();
        table.insert(7, context(1));
        table.remove(7);
        table.insert(7, context(2));
        assert_eq!(table.get(7).context, 2);
        table.insert(7, context(3));
        assert_eq!(table.get(7).context, 3, "a close that was not seen");
    }

    #[test]
    fn a_span_that_closes_while_a_thread_is_inside_says_so() {
        let table = SpanTable::new();
        let (one, other) = (42, 43);
        table.insert(7, context(1));
        table.enter(7, one);
        assert!(table.remove(7), "never left");
        table.insert(7, context(2));
        let (entry, place) = table.enter(7, one);
        table.leave(place, one);
        assert_eq!((entry.context, table.remove(7)), (2, false));
        table.insert(7, context(3));
        table.enter(7, one);
        let (_, place) = table.enter(7, other);
        table.leave(place, other);
        assert!(table.remove(7), "one is still inside");
    }
}
