//! The shortest fold: integers into a set without dimensions, straight into their slots.
//!
//! The layer makes a visitor per event; nothing waits, nothing is looked up, no user code runs.
//! `benches/hot_path.rs`, scenario `fold`, shows what it takes.

use std::fmt;

use tracing_core::Field;
use tracing_core::field::Visit;

use super::layout::Cells;
use super::plan::{FoldPlan, PLAIN_FIELDS, PlainFold};
use super::shard::Slots;
use super::visit::whole;
use crate::count::Counts;

/// Integers straight into slots.
pub(crate) struct PlainVisitor<'a> {
    pub(crate) plan: &'a PlainFold,
    pub(crate) full: &'a FoldPlan,
    pub(crate) slots: Slots,
    pub(crate) counts: &'a Counts,
}

impl PlainVisitor<'_> {
    #[inline(always)]
    fn add(&self, pair: u8, value: i64) {
        let word = pair as usize * 2;
        // SAFETY: the plan's pairs lie within a block of its set, which `slots` is; this thread writes it.
        unsafe {
            if self.slots.add_int(word, value) {
                self.slots.set(word + 1, 1);
            } else {
                self.overflow(word);
            }
        }
    }

    /// A sum that would leave the range of `i64` stays as it is; where nobody reads, it begins anew.
    #[cold]
    #[inline(never)]
    fn overflow(&self, word: usize) {
        if word == 0 {
            // SAFETY: as in `add`.
            unsafe { self.slots.set(0, 0) };
        } else {
            self.counts.refused.add(1);
        }
    }

    #[inline(always)]
    fn integer(&mut self, field: &Field, value: i64) {
        let at = field.index();
        if at < PLAIN_FIELDS && value >= 0 {
            self.add(self.plan.roles[at], value);
        } else {
            self.negative(at, value);
        }
    }

    #[cold]
    #[inline(never)]
    fn negative(&mut self, at: usize, value: i64) {
        let Some([target]) = self.full.fields.get(at).map(|field| field.targets.as_slice()) else { return };
        match self.full.targets[*target as usize].cells {
            Cells::Sum { monotonic: false } => self.add(self.plan.roles[at], value),
            _ => self.counts.refused.add(1),
        }
    }

    /// A value of a type that no slot takes.
    #[cold]
    #[inline(never)]
    fn refuse(&self, field: &Field) {
        if self.full.fields.get(field.index()).is_some_and(|field| !field.targets.is_empty()) {
            self.counts.refused.add(1);
        }
    }

    /// Whether the field is a measurement.
    #[inline(always)]
    fn measures(&self, field: &Field) -> bool {
        self.plan.roles.get(field.index()).is_some_and(|pair| *pair != 0)
    }

    #[inline]
    pub(crate) fn finish(self) {
        for (pair, value) in &self.plan.constants {
            self.add(*pair, *value);
        }
    }
}

impl Visit for PlainVisitor<'_> {
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
    fn record_bool(&mut self, field: &Field, _: bool) {
        if self.measures(field) {
            self.refuse(field);
        }
    }

    #[inline]
    fn record_str(&mut self, field: &Field, _: &str) {
        if self.measures(field) {
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

    fn record_debug(&mut self, field: &Field, _: &dyn fmt::Debug) {
        self.refuse(field);
    }
}
