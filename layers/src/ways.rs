//! What is done with an event once its way is known: folds, a record, or both, in one visit of its fields.
//!
//! The layer calls one of these as its last call for an event that the cache knows, which compiles to a jump, so that registers are
//! saved once, by the way that is gone; and [`process`] for one that it does not know. No plan is made here and no cache asked.

use tracing_core::Event;

use crate::callsite::plan::{EventPlan, Way};
use crate::fold::integers::IntegerVisitor;
use crate::fold::plain::PlainVisitor;
use crate::fold::shard::Slots;
use crate::fold::visit::FoldVisitor;
use crate::forward::ids::SpanIds;
use crate::forward::visit::{Place, RecordVisitor};
use crate::thread::{InstanceSlot, ThreadPart};
use crate::visit::Both;
use crate::weaver::Weaver;

#[inline(always)]
pub(crate) fn place<'a>(slot: &'a InstanceSlot, part: &'a ThreadPart, context: u32) -> Place<'a> {
    Place { hold: &slot.hold, writer: &part.writer, context }
}

/// The context of an event: of the entered spans, or of the span that it names as its parent.
pub(crate) fn context_of(weaver: &Weaver, slot: &InstanceSlot, event: &Event<'_>) -> u32 {
    match event.parent() {
        Some(parent) => weaver.spans.get(parent.into_u64()).context,
        None if event.is_contextual() => slot.stack.current(),
        None => 0,
    }
}

/// Visits an event once and does all that its way asks for.
#[inline(never)]
pub(crate) fn process(place: &Place<'_>, plan: &EventPlan, way: Way, blocks: &[Slots], event: &Event<'_>) {
    let ids = || RecordVisitor::ids(&plan.record);
    match way {
        Way::Record => record(place, &ids(), plan, event),
        Way::Fold | Way::Plain | Way::Integers => {
            let mut visitor = FoldVisitor::new(&plan.fold, place.hold, &place.writer.shared.counts);
            event.record(&mut visitor);
            visitor.finish(blocks);
        }
        Way::Both => {
            let ids = ids();
            let mut folding = FoldVisitor::new(&plan.fold, place.hold, &place.writer.shared.counts);
            match RecordVisitor::room(place, &plan.record) {
                Ok(room) => {
                    // SAFETY: the room was just given.
                    let record = unsafe { RecordVisitor::begin(&plan.record, place, room, &ids) };
                    let mut both = Both { fold: folding.beside_a_record(), record };
                    event.record(&mut both);
                    both.record.finish();
                    both.fold.finish(blocks);
                }
                Err(reason) => {
                    place.writer.shared.counts.record_dropped(reason);
                    event.record(&mut folding);
                    folding.finish(blocks);
                }
            }
        }
        _ => {}
    }
}

/// Visits an event once and adds its integers to a set without dimensions.
///
/// # Safety
/// Plan and slots are of an entry of this thread's cache, found by the present key.
#[inline(never)]
pub(crate) unsafe fn fold_plain(weaver: &Weaver, plan: &EventPlan, slots: Slots, event: &Event<'_>) {
    // SAFETY: the plan goes this way, and the slots are its set's, this thread's.
    let mut visitor = unsafe { PlainVisitor::new(&plan.fold, slots, &weaver.shared.counts) };
    event.record(&mut visitor);
    visitor.finish();
}

/// Visits an event once and adds its integers to a set with dimensions.
///
/// # Safety
/// As for [`fold_plain`]; the slot is this layer's.
#[inline(never)]
pub(crate) unsafe fn fold_integers(weaver: &Weaver, slot: &InstanceSlot, plan: &EventPlan, slots: Slots, event: &Event<'_>) {
    let mut visitor = IntegerVisitor::new(&plan.fold, &slot.hold, &weaver.shared.counts);
    event.record(&mut visitor);
    // SAFETY: the plan goes this way, and the slots are its set's, this thread's.
    unsafe { visitor.finish(slots) };
}

/// Visits an event once and writes its record.
///
/// # Safety
/// As for [`fold_plain`]; the slot is this layer's.
#[inline(never)]
pub(crate) unsafe fn forward(slot: &InstanceSlot, plan: &EventPlan, event: &Event<'_>) {
    // SAFETY: the slot is claimed for this layer, whose key it has.
    if let Some(part) = unsafe { slot.part() } {
        let ids = RecordVisitor::ids(&plan.record);
        record(&place(slot, part, slot.hold.word()), &ids, plan, event);
    }
}

/// Visits an event once and does what the less usual ways ask for.
///
/// # Safety
/// As for [`fold_plain`]; the slot is this layer's.
#[inline(never)]
pub(crate) unsafe fn other_way(slot: &InstanceSlot, plan: &EventPlan, slots: Slots, event: &Event<'_>, way: Way) {
    // SAFETY: the slot is claimed for this layer, whose key it has.
    if let Some(part) = unsafe { slot.part() } {
        process(&place(slot, part, slot.hold.word()), plan, way, &[slots], event);
    }
}

/// Visits an event once and writes its record.
#[inline(always)]
fn record(place: &Place<'_>, ids: &SpanIds, plan: &EventPlan, event: &Event<'_>) {
    match RecordVisitor::room(place, &plan.record) {
        Ok(room) => {
            // SAFETY: the room was just given.
            let mut visitor = unsafe { RecordVisitor::begin(&plan.record, place, room, ids) };
            event.record(&mut visitor);
            visitor.finish();
        }
        Err(reason) => place.writer.shared.counts.record_dropped(reason),
    }
}
