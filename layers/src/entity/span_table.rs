//! From a span's id to its context, without a look-up in the subscriber.
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
}

/// Contexts of live spans; a span without context has no entry.
#[derive(Debug)]
pub(crate) struct SpanTable {
    entries: Box<[Entry]>,
    aside: RwLock<HashMap<u64, u32>>,
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
    fn bucket(&self, id: u64) -> &[Entry; WAYS] {
        let at = (id.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - BUCKETS.trailing_zeros())) as usize * WAYS;
        self.entries[at..at + WAYS].first_chunk().expect("a bucket has WAYS entries")
    }

    /// Notes the context of a span that was just made. The thread that makes the span calls this before anyone can enter it.
    pub(crate) fn insert(&self, id: u64, context: u32) {
        for entry in self.bucket(id) {
            // An equal id is of a span whose closing was not seen.
            let claimed =
                entry.id.load(Ordering::Relaxed) == id || entry.id.compare_exchange(0, id, Ordering::AcqRel, Ordering::Relaxed).is_ok();
            if claimed {
                entry.context.store(context, Ordering::Release);
                return;
            }
        }
        let mut aside = self.aside.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        aside.insert(id, context);
        self.aside_len.store(aside.len(), Ordering::Release);
    }

    /// The context of a live span; 0 where it has none.
    #[inline(always)]
    pub(crate) fn get(&self, id: u64) -> u32 {
        for entry in self.bucket(id) {
            if entry.id.load(Ordering::Relaxed) == id {
                return entry.context.load(Ordering::Acquire);
            }
        }
        if self.aside_len.load(Ordering::Relaxed) == 0 { 0 } else { self.get_aside(id) }
    }

    #[cold]
    fn get_aside(&self, id: u64) -> u32 {
        self.aside.read().unwrap_or_else(|poisoned| poisoned.into_inner()).get(&id).copied().unwrap_or(0)
    }

    /// Forgets a span that closed.
    pub(crate) fn remove(&self, id: u64) {
        for entry in self.bucket(id) {
            if entry.id.load(Ordering::Relaxed) == id {
                entry.id.store(0, Ordering::Release);
            }
        }
        if self.aside_len.load(Ordering::Relaxed) > 0 {
            let mut aside = self.aside.write().unwrap_or_else(|poisoned| poisoned.into_inner());
            aside.remove(&id);
            self.aside_len.store(aside.len(), Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_live_span_has_its_context_also_when_buckets_overflow() {
        let table = SpanTable::new();
        for id in 1..=20_000u64 {
            table.insert(id, id as u32);
        }
        assert!((1..=20_000u64).all(|id| table.get(id) == id as u32));
        (1..=20_000u64).step_by(2).for_each(|id| table.remove(id));
        assert!((1..=20_000u64).all(|id| table.get(id) == if id % 2 == 1 { 0 } else { id as u32 }));
    }

    #[test]
    fn an_id_that_comes_back_has_the_new_context() {
        let table = SpanTable::new();
        table.insert(7, 1);
        table.remove(7);
        table.insert(7, 2);
        assert_eq!(table.get(7), 2);
        table.insert(7, 3);
        assert_eq!(table.get(7), 3, "a close that was not seen");
    }
}
