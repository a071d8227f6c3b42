//! The layer: one fused stage from an event to slots and queue, around its own per-layer filter.
//!
//! `tracing` calls it for every event and span of its subscriber. Events whose callsites the filter always
//! enables go the short way, by this thread's cache; everything else goes through the filter inside.
//! It must never panic, wait, or call user code while anything is half done.

use std::any::TypeId;
use std::fmt;
use std::sync::Arc;

use smallvec::SmallVec;
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::subscriber::Interest;
use tracing_core::{Dispatch, Event, LevelFilter, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Filter, Layer};
use tracing_subscriber::registry::LookupSpan;

use crate::callsite::cache::Entry;
use crate::callsite::plan::{SpanPlan, Way};
use crate::fold::shard::Slots;
use crate::hidden::is_asking;
use crate::live::Live;
use crate::span_ways::{enter, leave, leave_trace};
use crate::thread::{THREAD, ThreadState, with_part, with_slot};
use crate::trace::attach;
use crate::ways::{context_of, fold_integers, fold_plain, forward, other_way, place, process};
use crate::weaver::Weaver;

/// A `tracing_subscriber` layer that folds, redacts and forwards what a registry declares.
///
/// It stands in any stack on a `Registry`, beside other layers with filters of their own: it brings its own
/// per-layer filter for records, while entities and folds see every callsite that reaches it. Made by
/// [`weave`](crate::weave).
pub struct WeaverLayer<S> {
    live: Option<Live<S>>,
}

impl<S> fmt::Debug for WeaverLayer<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeaverLayer").field("weaver", &self.live.as_ref().map(|live| &live.weaver)).finish()
    }
}

impl<S> WeaverLayer<S> {
    pub(crate) fn new(weaver: Arc<Weaver>) -> WeaverLayer<S> {
        WeaverLayer { live: Some(Live::new(weaver)) }
    }

    /// A layer that does nothing, for programs whose telemetry is switched off.
    ///
    /// ```
    /// use tracing_subscriber::prelude::*;
    /// use tracing_weaver_layers::WeaverLayer;
    ///
    /// let subscriber = tracing_subscriber::registry().with(WeaverLayer::off());
    /// ```
    pub fn off() -> WeaverLayer<S> {
        WeaverLayer { live: None }
    }
}

impl<S> Live<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    /// An event that the cache does not know: works everything out, and lets the cache know it if it may.
    #[cold]
    #[inline(never)]
    fn on_event_slow(&self, event: &Event<'_>, context: Context<'_, S>, thread: &ThreadState) {
        if thread.suppressed.get() {
            // The filter inside must still clear what it noted of this event.
            return self.inner.on_event(event, context);
        }
        let weaver = &*self.weaver;
        weaver.find_holder();
        let _attached = (!event.is_contextual()).then(|| {
            let traced = event.parent().and_then(|parent| self.nearest_traced(parent, &context));
            attach(traced.as_ref().map(|(id, _)| id), &self.second)
        });
        let mut through_filter = false;
        with_slot(thread, weaver.slot, weaver.instance, &weaver.alive, |slot| {
            let plan = weaver.event_plan(event.metadata());
            let way = plan.way_first();
            // The filter may have answered for this event before its directives changed; then only the way through it is right. Looked at
            // after the way, so that a way that is new comes with an epoch that is.
            let asked_before = weaver.claim(slot) || !weaver.is_settled();
            let way = match way {
                way if matches!(way, Way::Filtered | Way::Closed) || way == Way::Record && asked_before => {
                    through_filter = true;
                    return;
                }
                Way::Ask if Filter::enabled(&weaver.filter().env, event.metadata(), &context) => Way::Both,
                Way::Ask => Way::Fold,
                way => way,
            };
            let in_force = context_of(weaver, slot, event);
            plan.record.notes.look_at_event(event, || weaver.shared.contexts.get(in_force));
            with_part(
                slot,
                &weaver.alive,
                || weaver.make_part(),
                |part| {
                    let mut attributed = true;
                    let mut blocks: SmallVec<[Slots; 2]> = SmallVec::new();
                    for set in &plan.fold.sets {
                        let found = weaver.slots(part, set.set, in_force);
                        if !found.attributed {
                            weaver.shared.counts.unattributed.add(1);
                            weaver.note_unattributed(&plan.record.notes, set.set, in_force);
                            attributed = false;
                        }
                        blocks.push(found.slots);
                    }
                    // What is cached goes the short way from now on; an unattributed fold is counted each time instead.
                    // A part that is not kept, at the thread's end, is gone after this event.
                    // SAFETY: the slot was claimed above.
                    let kept = unsafe { slot.part() }.is_some();
                    let may = attributed && blocks.len() <= 1 && event.is_contextual() && slot.hold.is_free() && plan.way() != Way::Ask;
                    if kept && may && weaver.is_settled() {
                        slot.set_context(in_force);
                        thread.plans.put(Entry {
                            metadata: std::ptr::from_ref(event.metadata()).cast(),
                            key: slot.key(),
                            plan: Arc::as_ptr(&plan),
                            slots: blocks.first().copied().unwrap_or(Slots::NONE),
                        });
                    }
                    process(&place(slot, part, in_force), &plan, way, &blocks, event);
                },
            );
        });
        if through_filter {
            self.inner.on_event(event, context);
        }
    }
}

impl<S> Layer<S> for WeaverLayer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_register_dispatch(&self, dispatch: &Dispatch) {
        if let Some(live) = &self.live {
            live.weaver.counted.held_by(dispatch);
            live.inner.on_register_dispatch(dispatch);
        }
    }

    fn on_layer(&mut self, subscriber: &mut S) {
        if let Some(live) = &mut self.live {
            live.inner.on_layer(subscriber);
        }
    }

    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        let Some(live) = &self.live else { return Interest::always() };
        live.weaver.find_holder();
        live.inner.register_callsite(metadata)
    }

    /// What an export thread says is hidden from the whole subscriber: a neighbour is to hear what it would hear without us.
    fn enabled(&self, metadata: &Metadata<'_>, context: Context<'_, S>) -> bool {
        let Some(live) = &self.live else { return true };
        if THREAD.with(|thread| thread.suppressed.get()) && !is_asking() {
            return false;
        }
        live.inner.enabled(metadata, context)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        self.live.as_ref().and_then(|live| live.inner.max_level_hint())
    }

    /// `true`: the filter inside has no say beyond `enabled`, and its bit is read in `on_event`.
    #[inline(always)]
    fn event_enabled(&self, _: &Event<'_>, _: Context<'_, S>) -> bool {
        true
    }

    #[inline]
    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let Some(live) = &self.live else { return };
        let weaver = &*live.weaver;
        THREAD.with(|thread| {
            if let Some(slot) = thread.slots.get(weaver.slot)
                && event.is_contextual()
            {
                let metadata = std::ptr::from_ref(event.metadata()).cast();
                let key = weaver.epoch_of_key() | slot.hold.word() as u64;
                let entry = thread.plans.peek(metadata, key);
                if entry.metadata() == metadata && entry.key() == key {
                    // SAFETY: the key is this layer's, so the plan is of its weaver, which keeps plans as long as it lives.
                    let plan = unsafe { &*entry.plan() };
                    // SAFETY: an entry of this key was made after the slot was claimed.
                    unsafe {
                        // Asked one by one, the most usual first: cheaper than one look and a table of jumps.
                        if plan.goes(Way::Record) {
                            return forward(slot, plan, event);
                        }
                        if plan.goes(Way::Plain) {
                            return fold_plain(weaver, plan, entry.slots(), event);
                        }
                        if plan.goes(Way::Integers) {
                            return fold_integers(weaver, slot, plan, entry.slots(), event);
                        }
                        if let way @ (Way::Fold | Way::Both) = plan.way() {
                            return other_way(slot, plan, entry.slots(), event, way);
                        }
                    }
                }
            }
            live.on_event_slow(event, context, thread);
        });
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(live) = &self.live else { return };
        let weaver = &*live.weaver;
        let mut context = Some(context);
        if weaver.tracks_spans {
            THREAD.with(|thread| {
                if !thread.suppressed.get() {
                    with_slot(thread, weaver.slot, weaver.instance, &weaver.alive, |slot| {
                        if let Some(context) = context.take() {
                            live.on_new_span(attributes, id, context, thread, slot);
                        }
                    });
                }
            });
        }
        if let Some(context) = context {
            live.inner.on_new_span(attributes, id, context);
        }
    }

    #[inline]
    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        let Some(live) = &self.live else { return };
        let weaver = &*live.weaver;
        // The short way has no call in it, so that it saves no registers: `Registry`'s own part is the dearer one.
        let entered = THREAD.with(|thread| match thread.slots.get(weaver.slot) {
            Some(slot) if weaver.spans_are_entities_only() && slot.owner() == weaver.instance => enter(weaver, slot, id),
            _ => false,
        });
        if !entered {
            live.on_enter_slow(id, context);
        }
    }

    #[inline]
    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        let Some(live) = &self.live else { return };
        let weaver = &*live.weaver;
        let left = THREAD.with(|thread| match thread.slots.get(weaver.slot) {
            Some(slot) if weaver.spans_are_entities_only() && slot.owner() == weaver.instance => Some(leave(weaver, slot, id)),
            _ => None,
        });
        match left {
            Some(0) => {}
            Some(trace) => leave_trace(weaver, trace),
            None => live.on_exit_slow(id, context),
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(live) = &self.live else { return };
        let weaver = &*live.weaver;
        if let Some(metadata) = context.metadata(id).filter(|_| weaver.tracks_spans) {
            match &*weaver.span_plan(metadata) {
                SpanPlan::Entity(entity) => {
                    weaver.shared.counts.late_values.add(values.len() as u64);
                    entity.notes.note_late(values);
                }
                SpanPlan::Trace(plan) => live.record_late(id, plan, metadata, values),
                SpanPlan::Other => {}
            }
        }
        live.inner.on_record(id, values, context);
    }

    fn on_follows_from(&self, span: &Id, follows: &Id, context: Context<'_, S>) {
        let Some(live) = &self.live else { return };
        if let Some(traces) = &live.weaver.traces {
            let trace_of = |id: &Id| live.weaver.spans.get(id.into_u64()).trace;
            let (trace, followed) = (trace_of(span), trace_of(follows));
            if trace != 0 && followed != 0 && trace != followed {
                traces.follows_from(trace, followed);
            }
        }
        live.inner.on_follows_from(span, follows, context);
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(live) = &self.live else { return };
        let weaver = &*live.weaver;
        weaver.find_holder();
        if weaver.tracks_spans {
            let trace = weaver.spans.get(id.into_u64()).trace;
            if let Some(traces) = weaver.traces.as_ref().filter(|_| trace != 0) {
                traces.close(trace);
            }
            // Behind a forgotten guard some thread is still inside: all look through their stacks once.
            if weaver.spans.remove(id.into_u64()) {
                weaver.begin_epoch();
            }
        }
        live.inner.on_close(id, context);
    }

    fn on_id_change(&self, old: &Id, new: &Id, context: Context<'_, S>) {
        if let Some(live) = &self.live {
            live.inner.on_id_change(old, new, context);
        }
    }

    #[doc(hidden)]
    unsafe fn downcast_raw(&self, id: TypeId) -> Option<*const ()> {
        if id == TypeId::of::<Self>() {
            return Some(std::ptr::from_ref(self).cast());
        }
        // An off layer answers nothing, so that it counts neither as a filter nor as no layer.
        let live = self.live.as_ref()?;
        if id == TypeId::of::<Weaver>() {
            return Some(Arc::as_ptr(&live.weaver).cast());
        }
        // SAFETY: passed on.
        unsafe { live.inner.downcast_raw(id) }.or_else(|| live.weaver.traces.as_ref()?.downcast_raw(id))
    }
}
