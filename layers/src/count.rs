//! Counts of what was given up or refused, by reason.
//!
//! Cold paths add here; readers take copies. Nothing on the hot path of an event that loses nothing comes here.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::findings::{Disagreement, Refused};
use crate::fold::plan::FoldPlan;
use crate::read::{DropReason, FieldDropReason};

const DROP_REASONS: [DropReason; 4] = [DropReason::QueueFull, DropReason::ThreadLimit, DropReason::TooLarge, DropReason::Shutdown];
const FIELD_REASONS: [FieldDropReason; 6] = [
    FieldDropReason::Undeclared,
    FieldDropReason::Secret,
    FieldDropReason::Personal,
    FieldDropReason::Normalize,
    FieldDropReason::Panic,
    FieldDropReason::TooLong,
];

/// All counts of one layer.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    records: [AtomicU64; DROP_REASONS.len()],
    fields: [AtomicU64; FIELD_REASONS.len()],
    /// Attributes past the bound on a record.
    pub(crate) over_limit: Counter,
    /// Measurements that no metric took.
    pub(crate) refused: Counter,
    /// Measurements whose set's own entity was not in force.
    pub(crate) unattributed: Counter,
    /// Entity keys on an event that differ from the entity in force or from the resource.
    pub(crate) conflicts: Counter,
    /// Entity spans that opened nothing: identity missing, or past the bound on contexts.
    pub(crate) entities_refused: Counter,
    /// Values recorded on an entity span after it was opened.
    pub(crate) late_values: Counter,
}

/// One count.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Counts {
    #[cold]
    pub(crate) fn record_dropped(&self, reason: DropReason) {
        self.records[reason as usize].fetch_add(1, Ordering::Relaxed);
    }

    #[cold]
    pub(crate) fn field_dropped(&self, reason: FieldDropReason) {
        self.fields[reason as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// A measurement that its metric did not take.
    #[cold]
    #[inline(never)]
    pub(crate) fn measurement_refused(&self, plan: &FoldPlan, field: Option<usize>, why: Refused) {
        self.refused.add(1);
        // One of the wrong type is found when the callsite's first event is looked at.
        if let (Some(notes), true) = (&plan.notes, why != Refused::Type) {
            notes.note(Disagreement::Refused { field, why });
        }
    }

    pub(crate) fn records(&self) -> Vec<(DropReason, u64)> {
        occurred(&DROP_REASONS, &self.records)
    }

    pub(crate) fn fields(&self) -> Vec<(FieldDropReason, u64)> {
        occurred(&FIELD_REASONS, &self.fields)
    }
}

fn occurred<R: Copy>(reasons: &[R], counts: &[AtomicU64]) -> Vec<(R, u64)> {
    reasons.iter().zip(counts).map(|(reason, count)| (*reason, count.load(Ordering::Relaxed))).filter(|(_, count)| *count > 0).collect()
}
