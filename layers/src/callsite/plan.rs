//! What one callsite means under the registry.
//!
//! The layer asks for a plan once per callsite, when it registers or fires first; readers of the hot path
//! find it in their cache. A plan is never freed or changed while its layer lives, but for what the filter
//! decides.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tracing_weaver_registry::model::EntityId;

use crate::entity::span_plan::EntityPlan;
use crate::fold::plan::FoldPlan;
use crate::forward::plan::RecordPlan;
use crate::trace::TracePlan;

/// What the filter says of a callsite's records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Never,
    Always,
    /// Depends on the spans that are entered: ask at each event.
    Ask,
}

/// Which way an event goes, decided beforehand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Way {
    /// Through the per-layer filter: our filter does not always enable the callsite.
    Filtered = 0,
    /// Integers into a set without dimensions, no record.
    Plain = 1,
    /// Any fold, no record.
    Fold = 2,
    /// A record, no fold.
    Record = 3,
    /// Both.
    Both = 4,
    /// A fold, and a record if the filter says so for this event.
    Ask = 5,
    /// Nothing any more: the layer was closed.
    Closed = 6,
    /// Integers into a set with dimensions, no record.
    Integers = 7,
}

impl Way {
    /// Back from the byte that a plan keeps.
    #[inline(always)]
    fn of(byte: u8) -> Way {
        match byte {
            1 => Way::Plain,
            2 => Way::Fold,
            3 => Way::Record,
            4 => Way::Both,
            5 => Way::Ask,
            6 => Way::Closed,
            7 => Way::Integers,
            _ => Way::Filtered,
        }
    }
}

/// What an event's callsite means. The record stands first, at no distance.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct EventPlan {
    pub(crate) record: RecordPlan,
    way: AtomicU8,
    pub(crate) fold: FoldPlan,
}

impl EventPlan {
    pub(crate) fn new(fold: Option<FoldPlan>, record: RecordPlan, verdict: Verdict) -> EventPlan {
        let plan = EventPlan { way: AtomicU8::new(0), fold: fold.unwrap_or_default(), record };
        plan.decide(verdict);
        plan
    }

    /// Whether events go this way now.
    #[inline(always)]
    pub(crate) fn goes(&self, way: Way) -> bool {
        self.way.load(Ordering::Relaxed) == way as u8
    }

    #[inline(always)]
    pub(crate) fn way(&self) -> Way {
        Way::of(self.way.load(Ordering::Relaxed))
    }

    /// As [`way`](Self::way); what is read after it is at least as new.
    pub(crate) fn way_first(&self) -> Way {
        Way::of(self.way.load(Ordering::Acquire))
    }

    /// Works the way out for what the filter says now.
    pub(crate) fn decide(&self, verdict: Verdict) {
        let way = match (!self.fold.is_empty(), verdict) {
            (true, Verdict::Never) if self.fold.is_plain => Way::Plain,
            (true, Verdict::Never) if self.fold.is_integers => Way::Integers,
            (true, Verdict::Never) => Way::Fold,
            (true, Verdict::Always) => Way::Both,
            (true, Verdict::Ask) => Way::Ask,
            (false, Verdict::Always) => Way::Record,
            (false, _) => Way::Filtered,
        };
        if self.way() != Way::Closed {
            self.way.store(way as u8, Ordering::Release);
        }
    }

    pub(crate) fn close(&self) {
        self.way.store(Way::Closed as u8, Ordering::Relaxed);
    }
}

/// What a span's callsite means.
#[derive(Debug)]
pub(crate) enum SpanPlan {
    /// It opens an entity.
    Entity(EntityPlan),
    /// It is a trace span.
    Trace(Arc<TracePlan>),
    /// It is neither.
    Other,
}

/// What the callsite's name stands for in the registry, as far as the filter must know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Entity(EntityId),
    /// An event that folds.
    Folds,
    /// An event that becomes no record (`forward: false`) and does not fold.
    Silent,
    Other,
}
