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
    fn add(&self, pair: u8, value: u64) {
        let word = pair as usize * 2;
        // SAFETY: the plan's pairs lie within a block of its set, which `slots` is; this thread writes it.
        unsafe {
            self.slots.update(word, |sum| sum.wrapping_add(value));
            self.slots.set(word + 1, 1);
        }
    }

    #[inline(always)]
    fn integer(&mut self, field: &Field, value: u64) {
        let at = field.index();
        if at < PLAIN_FIELDS && value <= i64::MAX as u64 {
            self.add(self.plan.roles[at], value);
        } else {
            self.unusual(at, value as i64);
        }
    }

    /// A negative integer, or one past the range of `i64`, which arrives here as a negative one too.
    #[cold]
    #[inline(never)]
    fn unusual(&mut self, at: usize, value: i64) {
        let Some([target]) = self.full.fields.get(at).map(|field| field.targets.as_slice()) else { return };
        match self.full.targets[*target as usize].cells {
            Cells::Sum { monotonic: false } => self.add(self.plan.roles[at], value as u64),
            _ => self.counts.refused.add(1),
        }
    }

    /// A value of a type that no slot takes.
    #[inline(always)]
    fn other(&self, field: &Field) {
        if self.full.fields.get(field.index()).is_some_and(|field| !field.targets.is_empty()) {
            self.counts.refused.add(1);
        }
    }

    #[inline]
    pub(crate) fn finish(self) {
        for (word, value) in &self.plan.constants {
            self.add((word / 2) as u8, *value as u64);
        }
    }
}

impl Visit for PlainVisitor<'_> {
    #[inline]
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.integer(field, value);
    }

    #[inline]
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.integer(field, value as u64);
    }

    fn record_f64(&mut self, field: &Field, _: f64) {
        self.other(field);
    }

    #[inline]
    fn record_bool(&mut self, _: &Field, _: bool) {}

    #[inline]
    fn record_str(&mut self, field: &Field, _: &str) {
        let at = field.index();
        if at < PLAIN_FIELDS && self.plan.roles[at] != 0 {
            self.other(field);
        }
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        match i64::try_from(value) {
            Ok(value) => self.record_i64(field, value),
            Err(_) => self.other(field),
        }
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        match u64::try_from(value) {
            Ok(value) => self.record_u64(field, value),
            Err(_) => self.other(field),
        }
    }

    fn record_debug(&mut self, field: &Field, _: &dyn fmt::Debug) {
        self.other(field);
    }
}
