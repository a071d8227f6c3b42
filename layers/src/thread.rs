//! What a thread keeps: its context per layer, its cache of plans, and its part of each layer's shards and queues.
//!
//! The hot path reaches [`THREAD`], a thread-local without destructor, and finds everything from there; a
//! second one, [`OWNED`], owns what must be given back when the thread ends. Nothing here is shared.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ptr;
use std::sync::{Arc, Weak};

use tracing_weaver_registry::model::MetricSetId;

use crate::callsite::cache::PlanCache;
use crate::entity::stack::SpanStack;
use crate::fold::shard::{Shard, Slots};
use crate::forward::writer::Writer;
use crate::hold::Hold;

/// Layers that may be live at once and still have a thread's state at hand; further ones find theirs by a search.
pub(crate) const SLOTS: usize = 8;

/// One layer's state on one thread. The word that every event asks for stands first, at no distance.
#[repr(C)]
pub(crate) struct InstanceSlot {
    /// The context in force.
    pub(crate) hold: Hold,
    /// Instance whose state this is, 0 for none.
    owner: Cell<u32>,
    /// The epoch of that instance in which the stack was last looked through.
    epoch: Cell<u32>,
    pub(crate) stack: SpanStack,
    part: Cell<*const ThreadPart>,
}

impl InstanceSlot {
    const fn new() -> InstanceSlot {
        InstanceSlot { hold: Hold::new(), owner: Cell::new(0), epoch: Cell::new(0), stack: SpanStack::new(), part: Cell::new(ptr::null()) }
    }

    #[inline(always)]
    pub(crate) fn owner(&self) -> u32 {
        self.owner.get()
    }

    #[inline(always)]
    pub(crate) fn set_context(&self, context: u32) {
        self.hold.set(context);
    }

    /// What the cache knows the context in force by.
    pub(crate) fn key(&self) -> u64 {
        (self.epoch.get() as u64) << 32 | self.hold.word() as u64
    }

    /// Makes this the state of `instance`, if it is another one's that is gone, and brings it to the present epoch:
    /// `alive` says of a span and its context whether it has not ended. Returns whether another epoch has begun.
    pub(crate) fn claim(&self, instance: u32, epoch: u32, alive: impl Fn(u64, u32) -> bool) -> bool {
        if self.owner.get() != instance {
            // Its destructor gives back what the stack may keep on the heap, also on a thread that never needs a part.
            let _ = OWNED.try_with(|_| ());
            self.hold.reset();
            self.owner.set(instance);
            self.epoch.set(epoch);
            self.stack.clear();
            self.part.set(ptr::null());
        }
        let began = self.epoch.get() != epoch;
        if began {
            self.epoch.set(epoch);
            self.stack.end(alive);
            self.set_context(self.stack.current());
        }
        began
    }

    /// A number for this thread and layer with the highest bit set, hardly ever another thread's.
    #[inline(always)]
    pub(crate) fn token(&self) -> u32 {
        (ptr::from_ref(self) as usize >> 6) as u32 | 1 << 31
    }

    /// This thread's part of the layer, if it has one.
    ///
    /// # Safety
    /// The slot's owner is alive and the thread is not past [`OWNED`]'s destructor, which [`claim`](Self::claim)
    /// and [`Owned::drop`] see to.
    #[inline(always)]
    pub(crate) unsafe fn part(&self) -> Option<&ThreadPart> {
        // SAFETY: set by `with_part` to a box in OWNED, set to null before that box is dropped.
        unsafe { self.part.get().as_ref() }
    }

    fn release(&self) {
        self.hold.reset();
        self.owner.set(0);
        self.part.set(ptr::null());
        self.stack.clear();
    }
}

/// What a thread keeps without a destructor. What every event asks for stands first, at no distance.
#[repr(C)]
pub(crate) struct ThreadState {
    pub(crate) slots: [InstanceSlot; SLOTS],
    pub(crate) plans: PlanCache,
    /// No layer sees what this thread emits.
    pub(crate) suppressed: Cell<bool>,
    /// The span that the filter of the layer at work let through.
    pub(crate) enabled_span: Cell<u64>,
    /// OWNED is gone: what comes now is given back at once.
    ending: Cell<bool>,
}

thread_local! {
    pub(crate) static THREAD: ThreadState = const {
        ThreadState {
            slots: [const { InstanceSlot::new() }; SLOTS],
            plans: PlanCache::new(),
            suppressed: Cell::new(false),
            enabled_span: Cell::new(0),
            ending: Cell::new(false),
        }
    };
    static OWNED: RefCell<Owned> = const { RefCell::new(Owned { parts: Vec::new(), slots: Vec::new() }) };
}

/// Marks the calling thread as one whose events and spans no layer of this crate sees: for threads that export.
///
/// ```
/// let exporting = std::thread::spawn(|| {
///     tracing_weaver_layers::suppress_this_thread();
///     tracing::info!("seen by other layers alone");
/// });
/// # exporting.join().expect("no panic");
/// ```
pub fn suppress_this_thread() {
    THREAD.with(|thread| {
        thread.suppressed.set(true);
        thread.slots.iter().for_each(InstanceSlot::release);
    });
}

/// One thread's part of one layer. The writer stands first, at no distance: every record asks for it.
#[repr(C)]
pub(crate) struct ThreadPart {
    pub(crate) writer: Writer,
    pub(crate) shard: Arc<Shard>,
    /// Slots by set and context, as events see it and as the set sees it.
    pub(crate) slots: RefCell<HashMap<(MetricSetId, u32), PartSlots>>,
}

/// Slots of a set on this thread.
#[derive(Clone, Copy)]
pub(crate) struct PartSlots {
    pub(crate) slots: Slots,
    /// Whether the set's own entity is in force.
    pub(crate) attributed: bool,
}

impl ThreadPart {
    pub(crate) fn new(shard: Arc<Shard>, writer: Writer) -> ThreadPart {
        ThreadPart { shard, writer, slots: RefCell::default() }
    }
}

impl Drop for ThreadPart {
    fn drop(&mut self) {
        self.shard.retire();
    }
}

struct Owned {
    parts: Vec<(u32, Weak<()>, Box<ThreadPart>)>,
    /// State of layers that found no slot in [`THREAD`].
    slots: Vec<(u32, Weak<()>, Box<InstanceSlot>)>,
}

impl Drop for Owned {
    fn drop(&mut self) {
        THREAD.with(|thread| {
            thread.ending.set(true);
            thread.slots.iter().for_each(InstanceSlot::release);
            // What it leads to goes with this.
            thread.plans.clear();
        });
        self.slots.iter().for_each(|(_, _, slot)| slot.release());
    }
}

/// Calls `with` with this thread's part of `instance`, made by `make` at the first time, kept until the thread or the layer (`alive`) ends.
pub(crate) fn with_part<R>(slot: &InstanceSlot, alive: &Arc<()>, make: impl Fn() -> ThreadPart, with: impl FnOnce(&ThreadPart) -> R) -> R {
    // SAFETY: callers claimed the slot for their own, live instance.
    if let Some(part) = unsafe { slot.part() } {
        return with(part);
    }
    let ending = THREAD.with(|thread| thread.ending.get());
    let kept = (!ending).then(|| {
        OWNED.try_with(|owned| {
            let mut owned = owned.try_borrow_mut().ok()?;
            let instance = slot.owner();
            owned.parts.retain(|(_, alive, _)| alive.strong_count() > 0);
            if !owned.parts.iter().any(|(of, _, _)| *of == instance) {
                owned.parts.push((instance, Arc::downgrade(alive), Box::new(make())));
            }
            let (_, _, part) = owned.parts.iter().find(|(of, _, _)| *of == instance)?;
            slot.part.set(&**part);
            Some(())
        })
    });
    // SAFETY: as above.
    match (kept, unsafe { slot.part() }) {
        (Some(Ok(Some(()))), Some(part)) => with(part),
        // In a destructor of another thread-local: a part for this one event, given back at once.
        _ => with(&make()),
    }
}

/// Calls `with` with the state of `instance` on this thread: the slot that it has in [`THREAD`], else one of its own.
/// Calls nothing in a destructor of a thread-local after ours, for a layer without slot.
#[inline(always)]
pub(crate) fn with_slot(thread: &ThreadState, slot: usize, instance: u32, alive: &Arc<()>, with: impl FnOnce(&InstanceSlot)) {
    match thread.slots.get(slot) {
        Some(slot) => with(slot),
        None => with_own_slot(instance, alive, with),
    }
}

#[cold]
fn with_own_slot(instance: u32, alive: &Arc<()>, with: impl FnOnce(&InstanceSlot)) {
    let slot = OWNED.try_with(|owned| {
        let mut owned = owned.try_borrow_mut().ok()?;
        owned.slots.retain(|(_, alive, slot)| alive.strong_count() > 0 || !slot.hold.is_free());
        if !owned.slots.iter().any(|(of, _, _)| *of == instance) {
            owned.slots.push((instance, Arc::downgrade(alive), Box::new(InstanceSlot::new())));
        }
        owned.slots.iter().find(|(of, _, _)| *of == instance).map(|(_, _, slot)| ptr::from_ref(&**slot))
    });
    if let Ok(Some(slot)) = slot {
        // SAFETY: the box stays in OWNED while its layer lives, which it does as long as it handles an event; only this thread drops it.
        with(unsafe { &*slot });
    }
}
