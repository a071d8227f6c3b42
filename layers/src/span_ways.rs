//! What is done with a span: its entity or its trace is opened, entered, left and ended.
//!
//! The layer calls one of these for each span, outside of its own filter but for the question whether a trace span is wanted. The short
//! ways make no call. Nothing of an event is done here.

use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use crate::callsite::plan::{Role, SpanPlan};
use crate::entity::span_plan::EntityPlan;
use crate::entity::span_table::SpanEntry;
use crate::findings::Disagreement;
use crate::live::Live;
use crate::thread::{InstanceSlot, THREAD, ThreadState, with_slot};
use crate::trace::{Parent, TracePlan};
use crate::weaver::Weaver;

/// This thread enters a span. `false`, and nothing done, for a trace span.
#[inline(always)]
pub(crate) fn enter(weaver: &Weaver, slot: &InstanceSlot, id: &Id) -> bool {
    let (entry, place) = weaver.spans.enter(id.into_u64(), slot.token());
    if entry.trace != 0 {
        return false;
    }
    slot.set_context(slot.stack.push(id.into_u64(), entry.context, place, 0));
    true
}

/// This thread enters a trace span.
fn enter_trace(weaver: &Weaver, slot: &InstanceSlot, id: &Id) {
    let (entry, place) = weaver.spans.enter(id.into_u64(), slot.token());
    let entered = weaver.traces.as_ref().is_some_and(|traces| traces.enter(entry.trace));
    slot.set_context(slot.stack.push(id.into_u64(), entry.context, place, if entered { entry.trace } else { 0 }));
}

/// This thread leaves a span. Returns its id among trace spans if it has one, which is still to be left.
#[inline(always)]
pub(crate) fn leave(weaver: &Weaver, slot: &InstanceSlot, id: &Id) -> u64 {
    let left = slot.stack.pop(id.into_u64());
    weaver.spans.leave(id.into_u64(), left.place, slot.token());
    slot.set_context(left.context);
    left.trace
}

/// What leaving a trace span still asks for.
#[cold]
#[inline(never)]
pub(crate) fn leave_trace(weaver: &Weaver, trace: u64) {
    if let Some(traces) = &weaver.traces {
        traces.exit(trace);
    }
}

impl<S> Live<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    #[cold]
    #[inline(never)]
    pub(crate) fn on_enter_slow(&self, id: &Id, context: Context<'_, S>) {
        let weaver = &*self.weaver;
        if weaver.tracks_spans {
            THREAD.with(|thread| {
                if !thread.suppressed.get() {
                    with_slot(thread, weaver.slot, weaver.instance, &weaver.alive, |slot| {
                        weaver.claim(slot);
                        if !enter(weaver, slot, id) {
                            enter_trace(weaver, slot, id);
                        }
                    });
                }
            });
        }
        if weaver.filters_by_span() {
            self.inner.on_enter(id, context);
        }
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn on_exit_slow(&self, id: &Id, context: Context<'_, S>) {
        let weaver = &*self.weaver;
        if weaver.tracks_spans {
            THREAD.with(|thread| {
                with_slot(thread, weaver.slot, weaver.instance, &weaver.alive, |slot| {
                    if slot.owner() == weaver.instance {
                        let trace = leave(weaver, slot, id);
                        if trace != 0 {
                            leave_trace(weaver, trace);
                        }
                    }
                });
            });
        }
        if weaver.filters_by_span() {
            self.inner.on_exit(id, context);
        }
    }

    /// Opens a span's entity; returns the context inside it.
    #[cold]
    fn open_entity(&self, entity: &EntityPlan, attributes: &Attributes<'_>, parent: u32, slot: &InstanceSlot) -> u32 {
        let weaver = &*self.weaver;
        let opened = entity
            .instance(attributes, &slot.hold, &weaver.shared.counts)
            .and_then(|instance| weaver.shared.contexts.open(weaver.registry(), parent, instance).or_else(|| entity.notes.note_limit()));
        opened.unwrap_or_else(|| {
            weaver.shared.counts.entities_refused.add(1);
            parent
        })
    }

    /// Where a trace span hangs: under OpenTelemetry's current one, or under the nearest traced ancestor of a parent that is named.
    fn trace_parent(&self, attributes: &Attributes<'_>, context: &Context<'_, S>) -> Parent {
        let Some(parent) = attributes.parent() else {
            return if attributes.is_contextual() { Parent::Current } else { Parent::Root };
        };
        match self.nearest_traced(parent, context) {
            Some((_, trace)) => Parent::Of(trace),
            None => Parent::Root,
        }
    }

    /// The nearest trace span among a span and its ancestors.
    pub(crate) fn nearest_traced(&self, span: &Id, context: &Context<'_, S>) -> Option<(Id, u64)> {
        let traced = |id: &Id| Some(self.weaver.spans.get(id.into_u64()).trace).filter(|trace| *trace != 0);
        if let Some(trace) = traced(span) {
            return Some((span.clone(), trace));
        }
        context.span(span)?.scope().find_map(|ancestor| Some((ancestor.id(), traced(&ancestor.id())?)))
    }

    /// Whether a trace span is nearer to a new span than any entity span, so that the new one keeps it open.
    fn is_inside_trace(&self, attributes: &Attributes<'_>, context: &Context<'_, S>) -> bool {
        if self.weaver.traces.is_none() || attributes.is_root() {
            return false;
        }
        let parent = attributes.parent().map_or_else(|| context.lookup_current(), |id| context.span(id));
        let is_entity = |metadata| matches!(self.weaver.role(metadata), Role::Entity(_));
        let mut nearest = parent.into_iter().flat_map(|span| span.scope()).take_while(|span| !is_entity(span.metadata()));
        nearest.any(|span| self.weaver.spans.get(span.id().into_u64()).trace != 0)
    }

    /// Values recorded on a trace span after it was made.
    pub(crate) fn record_late(&self, id: &Id, plan: &TracePlan, metadata: &'static Metadata<'static>, values: &Record<'_>) {
        let weaver = &*self.weaver;
        let trace = weaver.spans.get(id.into_u64()).trace;
        let Some(traces) = weaver.traces.as_ref().filter(|_| trace != 0) else { return };
        THREAD.with(|thread| {
            with_slot(thread, weaver.slot, weaver.instance, &weaver.alive, |slot| {
                weaver.claim(slot);
                traces.record(trace, plan, metadata, values, &slot.hold);
            });
        });
    }

    /// Opens what a new span stands for, and notes it.
    pub(crate) fn on_new_span(
        &self,
        attributes: &Attributes<'_>,
        id: &Id,
        context: Context<'_, S>,
        thread: &ThreadState,
        slot: &InstanceSlot,
    ) {
        let weaver = &*self.weaver;
        weaver.claim(slot);
        let parent = match attributes.parent() {
            Some(parent) => weaver.spans.get(parent.into_u64()).context,
            None if attributes.is_contextual() => slot.stack.current(),
            None => 0,
        };
        let plan = weaver.span_plan(attributes.metadata());
        let mut entry = SpanEntry { context: parent, trace: 0 };
        if let SpanPlan::Entity(entity) = &*plan {
            entry.context = self.open_entity(entity, attributes, parent, slot);
            if self.is_inside_trace(attributes, &context) {
                entity.notes.note(Disagreement::EntityInTraceSpan);
            }
        }
        thread.enabled_span.set(0);
        self.inner.on_new_span(attributes, id, context.clone());
        if let (SpanPlan::Trace(plan), Some(traces)) = (&*plan, &weaver.traces)
            && thread.enabled_span.replace(0) == id.into_u64()
        {
            let under = self.trace_parent(attributes, &context);
            entry.trace = traces.open(plan, attributes, under, entry.context, &slot.hold).unwrap_or(0);
        }
        if entry != SpanEntry::default() {
            weaver.spans.insert(id.into_u64(), entry);
        }
    }
}
