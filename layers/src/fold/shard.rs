//! The slots of one thread, and how readers see them.
//!
//! A [`Shard`] is written by one thread, by plain loads and stores of running totals, and read by anyone at
//! any time. It outlives its thread until a reader has merged it. Readers never write a slot and never make
//! the thread wait: the lock guards only the list of blocks.

use tracing_weaver_registry::model::MetricSetId;

use crate::sync::{Arc, AtomicBool, AtomicU64, Mutex, Ordering, lock};

/// Slots of one metric set for one entity context.
pub(crate) struct Block {
    pub(crate) set: MetricSetId,
    /// The context as the set sees it.
    pub(crate) context: u32,
    slots: Box<[AtomicU64]>,
}

impl Block {
    pub(crate) fn new(set: MetricSetId, context: u32, words: usize) -> Block {
        Block { set, context, slots: (0..words).map(|_| AtomicU64::new(0)).collect() }
    }

    /// The slots, for the thread that writes them.
    pub(crate) fn slots(&self) -> Slots {
        Slots(self.slots.as_ptr())
    }

    /// What the slots hold now, each a value that it had.
    pub(crate) fn read(&self) -> Vec<u64> {
        self.slots.iter().map(|slot| slot.load(Ordering::Relaxed)).collect()
    }
}

/// All slots of one thread.
pub(crate) struct Shard {
    blocks: Mutex<Vec<Arc<Block>>>,
    retired: AtomicBool,
}

impl Shard {
    pub(crate) fn new() -> Arc<Shard> {
        Arc::new(Shard { blocks: Mutex::new(Vec::new()), retired: AtomicBool::new(false) })
    }

    /// Adds a block. Only the thread that owns the shard calls this.
    pub(crate) fn add(&self, block: Block) -> Slots {
        let block = Arc::new(block);
        let slots = block.slots();
        lock(&self.blocks).push(block);
        slots
    }

    /// The blocks so far.
    pub(crate) fn blocks(&self) -> Vec<Arc<Block>> {
        lock(&self.blocks).clone()
    }

    /// Says that the thread will write no more. The last thing that it does with the shard.
    pub(crate) fn retire(&self) {
        self.retired.store(true, Ordering::Release);
    }

    /// Whether no further write will come; what was written is then seen by whoever asked.
    pub(crate) fn is_retired(&self) -> bool {
        self.retired.load(Ordering::Acquire)
    }
}

impl std::fmt::Debug for Shard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shard").finish_non_exhaustive()
    }
}

/// A block's slots in the hands of the one thread that writes them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slots(*const AtomicU64);

impl Slots {
    pub(crate) const NONE: Slots = Slots(std::ptr::null());

    /// Changes a word: a plain load and a plain store.
    ///
    /// # Safety
    /// `word` lies within the block; the block is alive, and this is its writing thread.
    #[inline(always)]
    pub(crate) unsafe fn update(self, word: usize, change: impl FnOnce(u64) -> u64) {
        // SAFETY: as the caller promises.
        let slot = unsafe { &*self.0.add(word) };
        slot.store(change(slot.load(Ordering::Relaxed)), Ordering::Relaxed);
    }

    /// Adds to a sum of integers; `false`, and nothing done, where it would leave the range of `i64`.
    ///
    /// # Safety
    /// As for [`update`](Self::update).
    #[inline(always)]
    pub(crate) unsafe fn add_int(self, word: usize, value: i64) -> bool {
        // SAFETY: as the caller promises.
        let slot = unsafe { &*self.0.add(word) };
        match (slot.load(Ordering::Relaxed) as i64).checked_add(value) {
            Some(sum) => {
                slot.store(sum as u64, Ordering::Relaxed);
                true
            }
            None => false,
        }
    }

    /// Adds to a sum of integers and marks it as written; `false`, and nothing done, where it would leave the range of `i64`.
    ///
    /// # Safety
    /// As for [`update`](Self::update), for the sum's two words.
    #[inline(always)]
    pub(crate) unsafe fn sum_int(self, word: usize, value: i64) -> bool {
        // SAFETY: as the caller promises.
        unsafe { self.add_int(word, value).then(|| self.set(word + 1, 1)).is_some() }
    }

    /// As [`sum_int`](Self::sum_int), for a natural number and a sum that is not negative afterwards; `false`, and nothing done,
    /// for any other, which `sum_int` may still take. One look at a sign stands for one at the value's range and one for an overflow.
    ///
    /// # Safety
    /// As for [`sum_int`](Self::sum_int).
    #[inline(always)]
    pub(crate) unsafe fn sum_natural(self, word: usize, value: u64) -> bool {
        // SAFETY: as the caller promises.
        let slot = unsafe { &*self.0.add(word) };
        let sum = slot.load(Ordering::Relaxed).wrapping_add(value);
        // Past the range of `i64` either is negative. A sum from below zero to above cannot leave the range.
        if ((sum | value) as i64) < 0 {
            return false;
        }
        slot.store(sum, Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { self.set(word + 1, 1) };
        true
    }

    /// Adds to a sum of floats; `false`, and nothing done, where it would not stay finite.
    ///
    /// # Safety
    /// As for [`update`](Self::update).
    #[inline(always)]
    pub(crate) unsafe fn add_double(self, word: usize, value: f64) -> bool {
        // SAFETY: as the caller promises.
        let slot = unsafe { &*self.0.add(word) };
        let sum = f64::from_bits(slot.load(Ordering::Relaxed)) + value;
        if sum.is_finite() {
            slot.store(sum.to_bits(), Ordering::Relaxed);
        }
        sum.is_finite()
    }

    /// Writes a word.
    ///
    /// # Safety
    /// As for [`update`](Self::update).
    #[inline(always)]
    pub(crate) unsafe fn set(self, word: usize, value: u64) {
        // SAFETY: as the caller promises.
        unsafe { &*self.0.add(word) }.store(value, Ordering::Relaxed);
    }
}
