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
    entered: Entered,
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

/// The thread that is inside a span, 0 for none, [`SEVERAL`] once a second one came while it was. Plain loads and stores: two
/// threads that enter or leave at the very same moment may leave one of them out.
#[derive(Debug, Default)]
struct Entered(AtomicU32);

/// No thread has this number; it stays until the span closes.
const SEVERAL: u32 = 1;

impl Entered {
    #[inline(always)]
    fn enter(&self, thread: u32) {
        let inside = self.0.load(Ordering::Relaxed);
        self.0.store(if inside == 0 || inside == thread { thread } else { SEVERAL }, Ordering::Relaxed);
    }

    #[inline(always)]
    fn leave(&self, thread: u32) {
        if self.0.load(Ordering::Relaxed) == thread {
            self.0.store(0, Ordering::Relaxed);
        }
    }

    fn is_inside(&self) -> bool {
        self.0.load(Ordering::Relaxed) != 0
    }
}

/// Where a span's entry stands, for leaving it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SpanPlace(u32);

impl SpanPlace {
    pub(crate) const NONE: SpanPlace = SpanPlace(u32::MAX);
    const ASIDE: SpanPlace = SpanPlace(u32::MAX - 1);
}

/// Live spans; one that neither has a context nor is a trace span has no entry.
#[derive(Debug)]
pub(crate) struct SpanTable {
    entries: Box<[Entry]>,
    aside: RwLock<HashMap<u64, (SpanEntry, Entered)>>,
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
                entry.entered.0.store(0, Ordering::Relaxed);
                entry.trace.store(span.trace, Ordering::Relaxed);
                entry.context.store(span.context, Ordering::Release);
                return;
            }
        }
        let mut aside = self.aside.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        aside.insert(id, (span, Entered::default()));
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
                entry.entered.enter(thread);
                let context = entry.context.load(Ordering::Acquire);
                return (SpanEntry { context, trace: entry.trace.load(Ordering::Relaxed) }, SpanPlace((first + way) as u32));
            }
        }
        if self.aside_len.load(Ordering::Relaxed) == 0 { (SpanEntry::default(), SpanPlace::NONE) } else { self.enter_aside(id, thread) }
    }

    /// The thread leaves the span that stands there.
    #[inline(always)]
    pub(crate) fn leave(&self, id: u64, place: SpanPlace, thread: u32) {
        match self.entries.get(place.0 as usize) {
            Some(entry) => entry.entered.leave(thread),
            None if place == SpanPlace::ASIDE => self.leave_aside(id, thread),
            None => {}
        }
    }

    #[cold]
    fn enter_aside(&self, id: u64, thread: u32) -> (SpanEntry, SpanPlace) {
        let aside = self.aside.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        let Some((entry, entered)) = aside.get(&id) else { return (SpanEntry::default(), SpanPlace::NONE) };
        entered.enter(thread);
        (*entry, SpanPlace::ASIDE)
    }

    #[cold]
    fn leave_aside(&self, id: u64, thread: u32) {
        let aside = self.aside.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some((_, entered)) = aside.get(&id) {
            entered.leave(thread);
        }
    }

    #[cold]
    fn get_aside(&self, id: u64) -> SpanEntry {
        self.aside.read().unwrap_or_else(|poisoned| poisoned.into_inner()).get(&id).map_or_else(SpanEntry::default, |(entry, _)| *entry)
    }

    /// Forgets a span that closed. Returns whether a thread may still be inside it, behind a forgotten guard.
    pub(crate) fn remove(&self, id: u64) -> bool {
        let mut inside = false;
        for entry in self.bucket(id) {
            if entry.id.load(Ordering::Relaxed) == id {
                inside |= entry.entered.is_inside();
                entry.id.store(0, Ordering::Release);
            }
        }
        if self.aside_len.load(Ordering::Relaxed) > 0 {
            let mut aside = self.aside.write().unwrap_or_else(|poisoned| poisoned.into_inner());
            inside |= aside.remove(&id).is_some_and(|(_, entered)| entered.is_inside());
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
        table.leave(7, place, one);
        assert_eq!((entry.context, table.remove(7)), (2, false));
        table.insert(7, context(3));
        table.enter(7, one);
        let (_, place) = table.enter(7, other);
        table.leave(7, place, other);
        assert!(table.remove(7), "one is still inside");
    }

    #[test]
    fn a_span_that_was_kept_aside_says_so_too() {
        let table = SpanTable::new();
        let thread = 42;
        (1..=20_000u64).for_each(|id| table.insert(id, context(id as u32)));
        let (entry, place) = table.enter(20_000, thread);
        assert_eq!((entry.context, place), (20_000, SpanPlace::ASIDE));
        assert!(table.remove(20_000), "never left");
        let (_, place) = table.enter(19_999, thread);
        table.leave(19_999, place, thread);
        assert!(!table.remove(19_999));
    }
}
