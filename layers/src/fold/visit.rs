//! The visitor that folds whatever the shorter ways do not take: doubles, gauges, distributions, several sets.
//!
//! The layer makes one per event, and the event's fields are visited once. User code runs here only for a
//! dimension that nothing but its own code can turn into text.

use std::fmt;

use smallvec::SmallVec;
use tracing_core::Field;
use tracing_core::field::Visit;
use tracing_weaver_registry::model::NumberType;

use super::layout::{Cells, HISTOGRAM_HEAD};
use super::plan::{FieldFold, FoldPlan, Target};
use super::shard::Slots;
use crate::count::Counts;
use crate::findings::Refused;
use crate::hold::Hold;
use crate::read::FieldDropReason;
use crate::user_code;

/// A number that waits for the end of the visit.
#[derive(Clone, Copy)]
enum Number {
    Int(i64),
    Double(f64),
}

/// Values and digits, gathered; added at the end, when the group is known.
pub(crate) struct FoldVisitor<'a> {
    plan: &'a FoldPlan,
    hold: &'a Hold,
    counts: &'a Counts,
    beside_a_record: bool,
    groups: SmallVec<[u32; 4]>,
    waiting: SmallVec<[(u16, Number); 8]>,
}

impl<'a> FoldVisitor<'a> {
    #[inline]
    pub(crate) fn new(plan: &'a FoldPlan, hold: &'a Hold, counts: &'a Counts) -> Self {
        FoldVisitor {
            plan,
            hold,
            counts,
            beside_a_record: false,
            groups: SmallVec::from_elem(0, plan.sets.len()),
            waiting: SmallVec::new(),
        }
    }

    /// For an event that also becomes a record, which counts what redaction keeps back.
    pub(crate) fn beside_a_record(mut self) -> Self {
        self.beside_a_record = true;
        self
    }

    #[inline]
    fn field(&self, field: &Field) -> Option<&'a FieldFold> {
        self.plan.fields.get(field.index())
    }

    /// Counts a field that redaction keeps off the points. Once per visited value.
    #[inline]
    fn seen(&self, field: &Field) {
        if let (Some(reason), false) = (self.field(field).and_then(|fold| fold.redacted), self.beside_a_record) {
            self.counts.field_dropped(reason);
        }
    }

    #[inline]
    fn digits(&mut self, field: &FieldFold, digit_of: impl Fn(&super::enum_index::EnumIndex) -> u32) {
        for at in &field.digits {
            let digit = &self.plan.digits[*at as usize];
            // OR keeps the group within the block if a hand-made value set repeats a field.
            self.groups[digit.set as usize] |= digit_of(&digit.index);
        }
    }

    #[inline]
    fn number(&mut self, field: &FieldFold, number: Number) {
        for target in &field.targets {
            self.waiting.push((*target, number));
        }
    }

    /// Whether a value's text matters here, so that user code must run.
    pub(crate) fn needs_text(&self, field: &Field) -> bool {
        self.field(field).is_some_and(|field| !field.digits.is_empty())
    }

    #[cold]
    fn text(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        let Some(fold) = self.field(field) else { return };
        let hold = self.hold;
        if user_code::with_short(hold, value, |text| self.digits(fold, |index| index.of_str(text))).is_none() {
            self.counts.field_dropped(FieldDropReason::Panic);
        }
    }

    /// A text that was made already, for a record beside this.
    pub(crate) fn made_text(&mut self, field: &Field, text: &str) {
        if let Some(fold) = self.field(field) {
            self.digits(fold, |index| index.of_str(text));
        }
        self.refuse(field, Refused::Type);
    }

    /// An integer past the range of `i64`.
    #[cold]
    fn too_large(&mut self, field: &Field) {
        self.seen(field);
        if let Some(fold) = self.field(field) {
            self.digits(fold, |index| index.other());
        }
        self.refuse(field, Refused::TooLarge);
    }

    fn refuse(&self, field: &Field, why: Refused) {
        if self.field(field).is_some_and(|field| !field.targets.is_empty()) {
            self.counts.measurement_refused(self.plan, Some(field.index()), why);
        }
    }

    /// A number that a target's instrument did not take.
    #[cold]
    #[inline(never)]
    fn refuse_number(&self, at: u16, number: Number) {
        let target = &self.plan.targets[at as usize];
        let grows = !matches!(target.cells, Cells::Sum { monotonic: false } | Cells::Gauge);
        let why = match (number, target.number) {
            (Number::Double(d), NumberType::Int) if whole(d).is_none() => Refused::NotWhole,
            (Number::Double(d), _) if !d.is_finite() => Refused::NotFinite,
            (Number::Double(d), _) if grows && d < 0.0 => Refused::Negative,
            (Number::Int(i), _) if grows && i < 0 => Refused::Negative,
            _ => Refused::TooLarge,
        };
        let field = self.plan.fields.iter().position(|field| field.targets.contains(&at));
        self.counts.measurement_refused(self.plan, field, why);
    }

    /// Adds what was gathered; `blocks` are this thread's, in the order of the plan's sets.
    pub(crate) fn finish(self, blocks: &[Slots]) {
        let constants = self.plan.constants.iter().map(|constant| (constant.target, Number::Int(constant.value)));
        for (at, number) in self.waiting.iter().copied().chain(constants) {
            let target = &self.plan.targets[at as usize];
            let set = target.set as usize;
            let word = self.groups[set] as usize * self.plan.sets[set].group as usize + target.offset as usize;
            // SAFETY: group and offset come from the set's layout, whose blocks these are; this thread writes them.
            if !unsafe { add(blocks[set], word, target, number) } {
                self.refuse_number(at, number);
            }
        }
    }
}

/// Adds a number to a target's words; `false` where the instrument does not take it.
///
/// # Safety
/// The target's words lie at `word` in the block, and this thread writes it.
unsafe fn add(slots: Slots, word: usize, target: &Target, number: Number) -> bool {
    let number = match (target.number, number) {
        (NumberType::Int, Number::Double(d)) => match whole(d) {
            Some(i) => Number::Int(i),
            None => return false,
        },
        (NumberType::Double, Number::Int(i)) => Number::Double(i as f64),
        (_, number) => number,
    };
    // SAFETY: passed on.
    unsafe {
        match (&target.cells, number) {
            (Cells::Sum { monotonic: true }, Number::Int(i)) if i < 0 => return false,
            (Cells::Sum { monotonic: true }, Number::Double(d)) if d < 0.0 => return false,
            (Cells::Sum { .. }, Number::Int(i)) if !slots.add_int(word, i) => return false,
            (Cells::Sum { .. }, Number::Double(d)) if !slots.add_double(word, d) => return false,
            (Cells::Sum { .. }, _) => slots.set(word + 1, 1),
            (Cells::Gauge, number) => {
                slots.set(word, if let Number::Int(i) = number { i as u64 } else { double(number).to_bits() });
                slots.set(word + 1, crate::clock::unix_nanos().max(1));
            }
            (Cells::Histogram { bounds }, number) => return record(slots, word, bounds, double(number)),
        }
    }
    true
}

/// The integer that a float is, if it is one and exactly so.
pub(crate) fn whole(d: f64) -> Option<i64> {
    (d.fract() == 0.0 && d.abs() < 9.0e15).then_some(d as i64)
}

/// Records one measurement of a distribution; `false` where it is negative or the sum would not stay finite.
///
/// # Safety
/// The words of a histogram with these bounds lie at `word` in the block, and this thread writes it.
unsafe fn record(slots: Slots, word: usize, bounds: &[f64], value: f64) -> bool {
    let bucket = bounds.partition_point(|bound| *bound < value);
    let mut first = false;
    // SAFETY: as the caller promises.
    unsafe {
        if value < 0.0 || !slots.add_double(word + 1, value) {
            return false;
        }
        slots.update(word, |count| {
            first = count == 0;
            count + 1
        });
        slots.update(word + 2, |min| if first || value < f64::from_bits(min) { value.to_bits() } else { min });
        slots.update(word + 3, |max| if first || value > f64::from_bits(max) { value.to_bits() } else { max });
        slots.update(word + HISTOGRAM_HEAD + bucket, |count| count + 1);
    }
    true
}

fn double(number: Number) -> f64 {
    match number {
        Number::Int(i) => i as f64,
        Number::Double(d) => d,
    }
}

impl Visit for FoldVisitor<'_> {
    #[inline]
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.seen(field);
        if let Some(field) = self.field(field) {
            self.number(field, Number::Int(value));
            self.digits(field, |index| index.of_int(value));
        }
    }

    #[inline]
    fn record_u64(&mut self, field: &Field, value: u64) {
        match i64::try_from(value) {
            Ok(value) => self.record_i64(field, value),
            Err(_) => self.too_large(field),
        }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.seen(field);
        if let Some(field) = self.field(field) {
            self.number(field, Number::Double(value));
            self.digits(field, |index| index.of_double(value));
        }
    }

    #[inline]
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.seen(field);
        if let Some(field) = self.field(field) {
            self.digits(field, |index| index.of_bool(value));
        }
        self.refuse(field, Refused::Type);
    }

    #[inline]
    fn record_str(&mut self, field: &Field, value: &str) {
        self.seen(field);
        let at = field.index();
        if let Some(field) = self.field(field) {
            self.digits(field, |index| index.of_str(value));
            if !field.targets.is_empty() {
                self.counts.measurement_refused(self.plan, Some(at), Refused::Type);
            }
        }
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        match i64::try_from(value) {
            Ok(value) => self.record_i64(field, value),
            Err(_) => self.too_large(field),
        }
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        match i64::try_from(value) {
            Ok(value) => self.record_i64(field, value),
            Err(_) => self.too_large(field),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.seen(field);
        if self.needs_text(field) {
            self.text(field, format_args!("{value:?}"));
        }
        self.refuse(field, Refused::Type);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.seen(field);
        if self.needs_text(field) {
            self.text(field, format_args!("{value}"));
        }
        self.refuse(field, Refused::Type);
    }
}
