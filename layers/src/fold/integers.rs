//! The next short fold: integers into a set with dimensions.
//!
//! Values wait in a few words on the stack while digits are gathered; then they are added at the group that
//! the digits name. User code runs only for a dimension that nothing but its own code can turn into text.
//! `benches/hot_path.rs`, scenario `dimension`, shows what it takes.

use std::fmt;
use std::mem::MaybeUninit;

use tracing_core::Field;
use tracing_core::field::Visit;

use super::enum_index::EnumIndex;
use super::layout::Cells;
use super::plan::{FoldPlan, SHORT_FIELDS, WAITING};
use super::shard::Slots;
use super::visit::whole;
use crate::count::Counts;
use crate::findings::Refused;
use crate::hold::Hold;
use crate::read::FieldDropReason;
use crate::user_code;

/// Integers that wait, and the group so far. A few words, since one is made per event.
pub(crate) struct IntegerVisitor<'a> {
    plan: &'a FoldPlan,
    /// The plan's, at hand: most fields of most events do not matter.
    matters: u32,
    group: u32,
    /// One bit per place of `waiting` that was written.
    written: u32,
    hold: &'a Hold,
    counts: &'a Counts,
    waiting: [MaybeUninit<i64>; WAITING],
}

impl<'a> IntegerVisitor<'a> {
    /// For a plan whose [`is_integers`](FoldPlan::is_integers) is set.
    #[inline(always)]
    pub(crate) fn new(plan: &'a FoldPlan, hold: &'a Hold, counts: &'a Counts) -> Self {
        IntegerVisitor {
            plan,
            matters: plan.integers.matters,
            group: 0,
            written: 0,
            hold,
            counts,
            waiting: [MaybeUninit::uninit(); WAITING],
        }
    }

    /// What the field is for, if it matters.
    #[inline(always)]
    fn role(&self, field: &Field) -> Option<u8> {
        let at = field.index() % SHORT_FIELDS;
        (self.matters >> at & 1 == 1).then(|| self.plan.integers.roles[at])
    }

    /// The digits of a field of this role, if it is a dimension.
    #[inline(always)]
    fn dimension(&self, role: u8) -> Option<&'a EnumIndex> {
        self.plan.digits.get((role as usize).wrapping_sub(WAITING)).map(|digit| &digit.index)
    }

    #[inline(always)]
    fn integer(&mut self, field: &Field, value: i64) {
        match self.role(field) {
            Some(role) if (role as usize) < WAITING && value >= 0 => self.wait(role as usize, value),
            Some(role) => self.unusual(field, role, value),
            None => {}
        }
    }

    #[inline(always)]
    fn wait(&mut self, place: usize, value: i64) {
        self.waiting[place].write(value);
        self.written |= 1 << place;
    }

    /// An integer that is negative, or that is no measurement.
    #[cold]
    #[inline(never)]
    fn unusual(&mut self, field: &Field, role: u8, value: i64) {
        if let Some(index) = self.dimension(role) {
            return self.digit(index.of_int(value));
        }
        let Some([target]) = self.plan.fields.get(field.index()).map(|field| field.targets.as_slice()) else { return };
        match self.plan.targets[*target as usize].cells {
            Cells::Sum { monotonic: false } => self.wait(role as usize % WAITING, value),
            _ => self.counts.measurement_refused(self.plan, Some(field.index()), Refused::Negative),
        }
    }

    /// OR keeps the group within the block if a hand-made value set repeats a field.
    #[inline(always)]
    fn digit(&mut self, digit: u32) {
        self.group |= digit;
    }

    /// A value that no sum of integers takes and that names no member of an enum.
    #[cold]
    #[inline(never)]
    fn refuse(&mut self, field: &Field, why: Refused) {
        let Some(role) = self.role(field) else { return };
        match self.dimension(role) {
            Some(index) => self.digit(index.other()),
            None => self.counts.measurement_refused(self.plan, Some(field.index()), why),
        }
    }

    /// A text that is not short, or no member, or no dimension's.
    #[inline(never)]
    fn any_str(&mut self, field: &Field, value: &str) {
        let Some(role) = self.role(field) else { return };
        match self.dimension(role) {
            Some(index) => self.digit(index.of_str(value)),
            None => self.counts.measurement_refused(self.plan, Some(field.index()), Refused::Type),
        }
    }

    #[inline(never)]
    fn any_bool(&mut self, field: &Field, role: u8, value: bool) {
        match self.dimension(role) {
            Some(index) => self.digit(index.of_bool(value)),
            None => self.counts.measurement_refused(self.plan, Some(field.index()), Refused::Type),
        }
    }

    /// Adds what waits. The last call.
    ///
    /// # Safety
    /// `slots` are of the plan's set, alive, and this thread writes them.
    #[inline(always)]
    pub(crate) unsafe fn finish(&mut self, slots: Slots) {
        let plan = &self.plan.integers;
        let base = self.group as usize * plan.group as usize;
        let mut written = self.written;
        while written != 0 {
            let place = written.trailing_zeros() as usize % WAITING;
            written &= written - 1;
            // SAFETY: its bit says that the place was written.
            let value = unsafe { self.waiting[place].assume_init() };
            // SAFETY: group and offset come from the layout of the plan's set; the rest as the caller promises.
            if !unsafe { slots.sum_int(base + plan.offsets[place] as usize, value) } {
                self.counts.measurement_refused(self.plan, None, Refused::TooLarge);
            }
        }
        for (offset, value) in &plan.constants {
            // SAFETY: as above.
            if !unsafe { slots.sum_int(base + *offset as usize, *value) } {
                self.counts.measurement_refused(self.plan, None, Refused::TooLarge);
            }
        }
    }
}

impl Visit for IntegerVisitor<'_> {
    #[inline]
    fn record_u64(&mut self, field: &Field, value: u64) {
        match i64::try_from(value) {
            Ok(value) => self.integer(field, value),
            Err(_) => self.refuse(field, Refused::TooLarge),
        }
    }

    #[inline]
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.integer(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        match whole(value) {
            Some(value) => self.integer(field, value),
            None => self.refuse(field, Refused::NotWhole),
        }
    }

    #[inline]
    fn record_bool(&mut self, field: &Field, value: bool) {
        if let Some(role) = self.role(field) {
            self.any_bool(field, role, value);
        }
    }

    #[inline]
    fn record_str(&mut self, field: &Field, value: &str) {
        let Some(role) = self.role(field) else { return };
        match self.dimension(role).and_then(|index| index.of_short_str(value)) {
            Some(digit) => self.digit(digit),
            None => self.any_str(field, value),
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

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.text(field, format_args!("{value:?}"));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.text(field, format_args!("{value}"));
    }
}

impl IntegerVisitor<'_> {
    #[cold]
    fn text(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        match self.role(field).and_then(|role| self.dimension(role)) {
            Some(index) => match user_code::with_short(self.hold, value, |text| index.of_str(text)) {
                Some(digit) => self.digit(digit),
                None => self.counts.field_dropped(FieldDropReason::Panic),
            },
            None => self.refuse(field, Refused::Type),
        }
    }
}
