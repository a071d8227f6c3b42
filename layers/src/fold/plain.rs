//! The shortest fold: integers into a set without dimensions, straight into their slots.
//!
//! The layer makes a visitor per event; nothing waits, nothing is looked up, no user code runs.
//! `benches/hot_path.rs`, scenario `fold`, shows what it takes.

use std::fmt;

use tracing_core::Field;
use tracing_core::field::Visit;

use super::layout::Cells;
use super::plan::{FoldPlan, SHORT_FIELDS};
use super::shard::Slots;
use super::visit::whole;
use crate::count::Counts;
use crate::findings::Refused;

/// Integers straight into slots. A few words, since one is made per event.
pub(crate) struct PlainVisitor<'a> {
    plan: &'a FoldPlan,
    slots: Slots,
    /// The plan's, at hand: most fields of most events are no measurement.
    measured: u32,
    counts: &'a Counts,
}

impl<'a> PlainVisitor<'a> {
    /// For a plan whose [`is_plain`](FoldPlan::is_plain) is set.
    ///
    /// # Safety
    /// `slots` are of the plan's set, alive, and this thread writes them.
    #[inline(always)]
    pub(crate) unsafe fn new(plan: &'a FoldPlan, slots: Slots, counts: &'a Counts) -> Self {
        PlainVisitor { plan, slots, measured: plan.plain.measured, counts }
    }

    #[inline(always)]
    fn measures(&self, field: &Field) -> bool {
        self.measured >> (field.index() % SHORT_FIELDS) & 1 == 1
    }

    #[inline(always)]
    fn word(&self, field: &Field) -> usize {
        self.plan.plain.words[field.index() % SHORT_FIELDS] as usize
    }

    /// Adds the usual value to the usual sum; `false` where it did not.
    #[inline(always)]
    fn natural(&mut self, field: &Field, value: u64) -> bool {
        // SAFETY: the plan's words lie within a block of its set, which `slots` is; this thread writes it.
        unsafe { self.slots.sum_natural(self.word(field), value) }
    }

    /// Adds any integer, if the sum takes it.
    #[cold]
    #[inline(never)]
    fn any_integer(&mut self, field: &Field, value: i64) {
        let Some([target]) = self.plan.fields.get(field.index()).map(|field| field.targets.as_slice()) else { return };
        let takes = value >= 0 || matches!(self.plan.targets[*target as usize].cells, Cells::Sum { monotonic: false });
        // SAFETY: as above.
        if !takes || !unsafe { self.slots.sum_int(self.word(field), value) } {
            self.refuse(field, if takes { Refused::TooLarge } else { Refused::Negative });
        }
    }

    /// Adds any natural number, if the sum takes it.
    #[cold]
    #[inline(never)]
    fn any_natural(&mut self, field: &Field, value: u64) {
        match i64::try_from(value) {
            Ok(value) => self.any_integer(field, value),
            Err(_) => self.refuse(field, Refused::TooLarge),
        }
    }

    /// A value of a type that no slot takes.
    #[cold]
    #[inline(never)]
    fn refuse(&self, field: &Field, why: Refused) {
        if self.measures(field) {
            self.counts.measurement_refused(self.plan, Some(field.index()), why);
        }
    }

    /// Adds what each event adds. The last call.
    #[inline(always)]
    pub(crate) fn finish(&mut self) {
        for (word, value) in &self.plan.plain.constants {
            // SAFETY: as above.
            if !unsafe { self.slots.sum_int(*word as usize, *value) } {
                self.counts.measurement_refused(self.plan, None, Refused::TooLarge);
            }
        }
    }
}

impl Visit for PlainVisitor<'_> {
    #[inline]
    fn record_u64(&mut self, field: &Field, value: u64) {
        if self.measures(field) && !self.natural(field, value) {
            self.any_natural(field, value);
        }
    }

    #[inline]
    fn record_i64(&mut self, field: &Field, value: i64) {
        if self.measures(field) && !self.natural(field, value as u64) {
            self.any_integer(field, value);
        }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        match whole(value) {
            Some(value) => self.record_i64(field, value),
            None => self.refuse(field, Refused::NotWhole),
        }
    }

    #[inline]
    fn record_bool(&mut self, field: &Field, _: bool) {
        if self.measures(field) {
            self.refuse(field, Refused::Type);
        }
    }

    #[inline]
    fn record_str(&mut self, field: &Field, _: &str) {
        if self.measures(field) {
            self.refuse(field, Refused::Type);
        }
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        match i64::try_from(value) {
            Ok(value) => self.record_i64(field, value),
            Err(_) => self.refuse(field, Refused::TooLarge),
        }
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        match u64::try_from(value) {
            Ok(value) => self.record_u64(field, value),
            Err(_) => self.refuse(field, Refused::TooLarge),
        }
    }

    fn record_debug(&mut self, field: &Field, _: &dyn fmt::Debug) {
        self.refuse(field, Refused::Type);
    }
}
