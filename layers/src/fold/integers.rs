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
    /// The plan's, at hand: most fields of most events are neither.
    measured: u32,
    dimensions: u32,
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
        let (measured, dimensions) = (plan.integers.measured, plan.integers.dimensions);
        IntegerVisitor { plan, measured, dimensions, group: 0, written: 0, hold, counts, waiting: [MaybeUninit::uninit(); WAITING] }
    }

    #[inline(always)]
    fn measures(&self, field: &Field) -> bool {
        self.measured >> (field.index() % SHORT_FIELDS) & 1 == 1
    }

    #[inline(always)]
    fn is_dimension(&self, field: &Field) -> bool {
        self.dimensions >> (field.index() % SHORT_FIELDS) & 1 == 1
    }

    #[inline(always)]
    fn role(&self, field: &Field) -> usize {
        self.plan.integers.roles[field.index() % SHORT_FIELDS] as usize
    }

    #[inline(always)]
    fn wait(&mut self, field: &Field, value: i64) {
        let place = self.role(field) % WAITING;
        self.waiting[place].write(value);
        self.written |= 1 << place;
    }

    /// An integer that is negative, or that is no measurement.
    #[cold]
    #[inline(never)]
    fn unusual(&mut self, field: &Field, value: i64) {
        if !self.measures(field) {
            return self.digit(field, |index| index.of_int(value));
        }
        let Some([target]) = self.plan.fields.get(field.index()).map(|field| field.targets.as_slice()) else { return };
        match self.plan.targets[*target as usize].cells {
            Cells::Sum { monotonic: false } => self.wait(field, value),
            _ => self.counts.measurement_refused(self.plan, Some(field.index()), Refused::Negative),
        }
    }

    /// A value that no sum of integers takes and that names no member of an enum.
    #[cold]
    #[inline(never)]
    fn refuse(&mut self, field: &Field, why: Refused) {
        self.digit(field, |index| index.other());
        if self.measures(field) {
            self.counts.measurement_refused(self.plan, Some(field.index()), why);
        }
    }

    /// The digit of a field that is a dimension.
    #[inline(always)]
    fn digit(&mut self, field: &Field, digit_of: impl FnOnce(&EnumIndex) -> u32) {
        if self.is_dimension(field)
            && let Some(digit) = self.plan.digits.get(self.role(field))
        {
            // OR keeps the group within the block if a hand-made value set repeats a field.
            self.group |= digit_of(&digit.index);
        }
    }

    /// A text that is not short, or no member.
    #[inline(never)]
    fn any_str(&mut self, field: &Field, value: &str) {
        self.digit(field, |index| index.of_str(value));
    }

    #[inline(never)]
    fn bool_digit(&mut self, field: &Field, value: bool) {
        self.digit(field, |index| index.of_bool(value));
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
            Ok(value) => self.record_i64(field, value),
            Err(_) => self.refuse(field, Refused::TooLarge),
        }
    }

    #[inline]
    fn record_i64(&mut self, field: &Field, value: i64) {
        if self.measures(field) && value >= 0 {
            self.wait(field, value);
        } else if (self.measured | self.dimensions) >> (field.index() % SHORT_FIELDS) & 1 == 1 {
            self.unusual(field, value);
        }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        match whole(value) {
            Some(value) => self.record_i64(field, value),
            None => self.refuse(field, Refused::NotWhole),
        }
    }

    #[inline]
    fn record_bool(&mut self, field: &Field, value: bool) {
        if self.is_dimension(field) {
            self.bool_digit(field, value);
        } else if self.measures(field) {
            self.refuse(field, Refused::Type);
        }
    }

    #[inline]
    fn record_str(&mut self, field: &Field, value: &str) {
        if self.is_dimension(field) {
            match self.plan.digits.get(self.role(field)).and_then(|digit| digit.index.of_short_str(value)) {
                Some(digit) => self.group |= digit,
                None => self.any_str(field, value),
            }
        } else if self.measures(field) {
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
        if !self.is_dimension(field) {
            return self.refuse(field, Refused::Type);
        }
        let hold = self.hold;
        if user_code::with_short(hold, value, |text| self.digit(field, |index| index.of_str(text))).is_none() {
            self.counts.field_dropped(FieldDropReason::Panic);
        }
    }
}
