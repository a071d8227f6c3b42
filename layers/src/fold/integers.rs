//! The next short fold: integers into a set with dimensions.
//!
//! Values wait in a few words on the stack while digits are gathered; then they are added at the group that
//! the digits name. User code runs only for a dimension that nothing but its own code can turn into text.
//! `benches/hot_path.rs`, scenario `dimension`, shows what it takes.

use std::fmt;

use tracing_core::Field;
use tracing_core::field::Visit;

use super::layout::{Cells, TRASH_WORDS};
use super::plan::{FoldPlan, IntegerFold, PLAIN_FIELDS, WAITING};
use super::shard::Slots;
use super::visit::whole;
use crate::count::Counts;
use crate::hold::Hold;
use crate::read::FieldDropReason;
use crate::user_code;

/// Integers that wait, and the group so far.
pub(crate) struct IntegerVisitor<'a> {
    plan: &'a IntegerFold,
    full: &'a FoldPlan,
    hold: &'a Hold,
    counts: &'a Counts,
    group: u32,
    /// One bit per waiting place that was written.
    written: u32,
    waiting: [i64; WAITING],
}

impl<'a> IntegerVisitor<'a> {
    #[inline(always)]
    pub(crate) fn new(plan: &'a IntegerFold, full: &'a FoldPlan, hold: &'a Hold, counts: &'a Counts) -> Self {
        IntegerVisitor { plan, full, hold, counts, group: 0, written: 0, waiting: [0; WAITING] }
    }

    #[inline(always)]
    fn integer(&mut self, field: &Field, value: i64) {
        let at = field.index();
        let place = if at < PLAIN_FIELDS { self.plan.waits[at] } else { 0 };
        if place == 0 {
            self.digit(field, |index| index.of_int(value));
        } else if value >= 0 {
            self.wait(place, value);
        } else {
            self.negative(at, place, value);
        }
    }

    #[inline(always)]
    fn wait(&mut self, place: u8, value: i64) {
        self.waiting[place as usize % WAITING] = value;
        self.written |= 1 << (place as u32 % WAITING as u32);
    }

    #[cold]
    #[inline(never)]
    fn negative(&mut self, at: usize, place: u8, value: i64) {
        let Some([target]) = self.full.fields.get(at).map(|field| field.targets.as_slice()) else { return };
        match self.full.targets[*target as usize].cells {
            Cells::Sum { monotonic: false } => self.wait(place, value),
            _ => self.counts.refused.add(1),
        }
    }

    /// A value that no sum of integers takes and that names no member of an enum.
    #[cold]
    #[inline(never)]
    fn refuse(&mut self, field: &Field) {
        self.digit(field, |index| index.other());
        if self.full.fields.get(field.index()).is_some_and(|field| !field.targets.is_empty()) {
            self.counts.refused.add(1);
        }
    }

    #[inline(always)]
    fn measures(&self, field: &Field) -> bool {
        self.plan.waits.get(field.index()).is_some_and(|place| *place != 0)
    }

    #[inline(always)]
    fn digit(&mut self, field: &Field, digit_of: impl FnOnce(&super::enum_index::EnumIndex) -> u32) -> bool {
        let at = field.index();
        let digit = if at < PLAIN_FIELDS { self.plan.digits[at] } else { 0 };
        if let Some(digit) = self.full.digits.get((digit as usize).wrapping_sub(1)) {
            // OR keeps the group within the block if a hand-made value set repeats a field.
            self.group |= digit_of(&digit.index) << digit.shift;
            return true;
        }
        false
    }

    /// Adds what waits; the slots are this thread's.
    #[inline(always)]
    pub(crate) fn finish(&mut self, slots: Slots) {
        let base = TRASH_WORDS + self.group as usize * self.plan.group as usize;
        let add = |offset: u32, value: i64| {
            let word = base + offset as usize;
            // SAFETY: group and offset come from the set's layout, whose block this is; this thread writes it.
            unsafe {
                if slots.add_int(word, value) {
                    slots.set(word + 1, 1);
                } else {
                    self.counts.refused.add(1);
                }
            }
        };
        for (at, offset) in self.plan.offsets.iter().enumerate() {
            let place = (at + 1) % WAITING;
            if self.written >> place & 1 == 1 {
                add(*offset, self.waiting[place]);
            }
        }
        for (offset, value) in &self.plan.constants {
            add(*offset, *value);
        }
    }
}

impl Visit for IntegerVisitor<'_> {
    #[inline]
    fn record_u64(&mut self, field: &Field, value: u64) {
        if value > i64::MAX as u64 {
            return self.refuse(field);
        }
        self.integer(field, value as i64);
    }

    #[inline]
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.integer(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        match whole(value) {
            Some(value) => self.record_i64(field, value),
            None => self.refuse(field),
        }
    }

    #[inline]
    fn record_bool(&mut self, field: &Field, value: bool) {
        if !self.digit(field, |index| index.of_bool(value)) && self.measures(field) {
            self.refuse(field);
        }
    }

    #[inline]
    fn record_str(&mut self, field: &Field, value: &str) {
        if !self.digit(field, |index| index.of_str(value)) && self.measures(field) {
            self.refuse(field);
        }
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        match i64::try_from(value) {
            Ok(value) => self.record_i64(field, value),
            Err(_) => self.refuse(field),
        }
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        match u64::try_from(value) {
            Ok(value) => self.record_u64(field, value),
            Err(_) => self.refuse(field),
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
        if self.full.fields.get(field.index()).is_none_or(|field| field.digits.is_empty()) {
            return self.refuse(field);
        }
        let hold = self.hold;
        if user_code::with_short(hold, value, |text| self.digit(field, |index| index.of_str(text))).is_none() {
            self.counts.field_dropped(FieldDropReason::Panic);
        }
    }
}
