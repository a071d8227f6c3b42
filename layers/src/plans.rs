//! What a callsite stands for, what the filter says of it, and its plan, made once.
//!
//! The layer and its filter ask here at a callsite's first event or span, and readers of the filter's changes decide the ways anew. No lock
//! is held while a plan is made.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tracing_core::Metadata;
use tracing_weaver_registry::model::{FoldSource, MetricId};

use crate::callsite::plan::{EventPlan, Role, SpanPlan, Verdict};
use crate::entity::span_plan::EntityPlan;
use crate::fold::plan::FoldPlan;
use crate::forward::plan::RecordPlan;
use crate::weaver::Weaver;

fn address(metadata: &'static Metadata<'static>) -> usize {
    std::ptr::from_ref(metadata) as usize
}

impl Weaver {
    /// Whether this is of a `log` record: the static that its event carries, or the one made for its question.
    pub(crate) fn is_log(&self, metadata: &Metadata<'_>) -> bool {
        matches!(metadata.name(), "log event" | "log record") && self.logs.contains(&metadata.callsite())
    }

    /// What a callsite stands for, as far as the filter must know it.
    pub(crate) fn role(&self, metadata: &Metadata<'_>) -> Role {
        if self.is_log(metadata) {
            return Role::Other;
        }
        if metadata.is_span() {
            let entity = self.registry().entity_by_type(metadata.name());
            return entity.filter(|id| !self.registry().entity(*id).resource).map_or(Role::Other, Role::Entity);
        }
        let Some(id) = self.registry().event_by_name(metadata.name()) else { return Role::Other };
        let folds = |(metric, fold): &(MetricId, usize)| match self.registry().metric(*metric).folds[*fold].source {
            FoldSource::Event { event, .. } => event == id,
            _ => false,
        };
        match self.registry().event(id).forward {
            _ if self.folds.iter().any(folds) => Role::Folds,
            true => Role::Other,
            false => Role::Silent,
        }
    }

    /// What the filter says of a callsite's records.
    pub(crate) fn verdict(&self, metadata: &'static Metadata<'static>) -> Verdict {
        let event = self.registry().event_by_name(metadata.name());
        if !self.forward || event.is_some_and(|id| !self.registry().event(id).forward) {
            return Verdict::Never;
        }
        let interest = self.filter().interest(metadata);
        match interest {
            _ if interest.is_always() => Verdict::Always,
            _ if interest.is_never() => Verdict::Never,
            _ => Verdict::Ask,
        }
    }

    /// The plan of an event's callsite.
    pub(crate) fn event_plan(&self, metadata: &'static Metadata<'static>) -> Arc<EventPlan> {
        let callsite = address(metadata);
        if let Some(plan) = self.events.get(&callsite) {
            return plan.0.clone();
        }
        let plan = Arc::new(self.make_event_plan(metadata));
        let kept = self.events.entry(callsite).or_insert((plan, metadata)).0.clone();
        // `close` and `set_filter` may have passed over the map before this plan stood in it.
        if self.is_closed() {
            kept.close();
        } else if !self.is_log(metadata) {
            loop {
                let generation = self.filter_generation.load(Ordering::Acquire);
                kept.decide(self.verdict(metadata));
                // Else the verdict may be the old filter's, and have come after the new one's.
                if self.filter_generation.load(Ordering::Acquire) == generation {
                    break;
                }
            }
        }
        kept
    }

    fn make_event_plan(&self, metadata: &'static Metadata<'static>) -> EventPlan {
        let scope = self.shared.scopes.intern(metadata.target());
        let notes = self.findings.of(metadata);
        if self.is_log(metadata) {
            return EventPlan::new(None, RecordPlan::of_log(&self.rules, metadata, scope, &notes), Verdict::Never);
        }
        let event = self.registry().event_by_name(metadata.name());
        let fold = event.and_then(|event| FoldPlan::new(self.registry(), &self.layouts, &self.folds, event, metadata, &notes));
        let record = RecordPlan::of_event(&self.rules, self.registry(), event, metadata, scope, &notes);
        EventPlan::new(fold, record, self.verdict(metadata))
    }

    /// The plan of a span's callsite.
    pub(crate) fn span_plan(&self, metadata: &'static Metadata<'static>) -> Arc<SpanPlan> {
        let callsite = address(metadata);
        if let Some(plan) = self.span_plans.get(&callsite) {
            return plan.clone();
        }
        let plan = match self.role(metadata) {
            Role::Entity(id) => SpanPlan::Entity(EntityPlan::new(&self.rules, self.registry(), id, metadata, self.findings.of(metadata))),
            _ => match &self.traces {
                Some(traces) => {
                    let scope = self.shared.scopes.intern(metadata.target());
                    SpanPlan::Trace(traces.plan(&self.rules, self.registry(), metadata, scope, self.findings.of(metadata)))
                }
                None => SpanPlan::Other,
            },
        };
        self.span_plans.entry(callsite).or_insert(Arc::new(plan)).clone()
    }
}
