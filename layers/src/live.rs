//! What a layer that is not off consists of: the weaver, and the stages inside their own per-layer filter.
//!
//! The layer calls the filter for whatever does not go a shorter way; [`crate::span_ways`] and the layer itself work on the rest of it.
//! Nothing here waits.

use std::sync::Arc;

use tracing_core::span::{Attributes, Id};
use tracing_core::{Dispatch, Event, Subscriber};
use tracing_subscriber::filter::Filtered;
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use crate::callsite::plan::{Role, Verdict, Way};
use crate::own_filter::OwnFilter;
use crate::read::DropReason;
use crate::second::Second;
use crate::thread::{THREAD, with_part, with_slot};
use crate::ways::{context_of, place, process};
use crate::weaver::Weaver;

/// A layer that does something.
pub(crate) struct Live<S> {
    pub(crate) weaver: Arc<Weaver>,
    pub(crate) inner: Filtered<Stages, OwnFilter, S>,
    /// Answers for callsites beside the layer; see [`Second`].
    pub(crate) second: Dispatch,
}

impl<S> Live<S> {
    pub(crate) fn new(weaver: Arc<Weaver>) -> Live<S> {
        let inner = Filtered::new(Stages(weaver.clone()), OwnFilter(weaver.clone()));
        let second = Dispatch::new(Second::of(weaver.clone()));
        if let Some(traces) = &weaver.traces {
            traces.led_to_by(&second);
        }
        Live { weaver, inner, second }
    }
}

/// What stands inside the filter: records whose callsites the filter does not always enable, and those of `log`.
pub(crate) struct Stages(Arc<Weaver>);

impl<S> Layer<S> for Stages
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    /// The filter lets a span through: the layer outside makes it a trace span, since it sees all parents.
    fn on_new_span(&self, _: &Attributes<'_>, id: &Id, _: Context<'_, S>) {
        THREAD.with(|thread| thread.enabled_span.set(id.into_u64()));
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let weaver = &*self.0;
        THREAD.with(|thread| {
            if thread.suppressed.get() {
                return;
            }
            with_slot(thread, weaver.slot, weaver.instance, &weaver.alive, |slot| {
                weaver.claim(slot);
                let plan = weaver.event_plan(event.metadata());
                if weaver.is_closed() {
                    let log = weaver.is_log(event.metadata());
                    if log || weaver.verdict(event.metadata()) != Verdict::Never {
                        weaver.shared.counts.record_dropped(DropReason::Shutdown);
                    }
                    if weaver.role(event.metadata()) == Role::Folds {
                        weaver.shared.counts.refused.add(1);
                    }
                    return;
                }
                let context = context_of(weaver, slot, event);
                plan.record.notes.look_at_event(event, || weaver.shared.contexts.get(context));
                with_part(
                    slot,
                    &weaver.alive,
                    || weaver.make_part(),
                    |part| process(&place(slot, part, context), &plan, Way::Record, &[], event),
                );
            });
        });
    }
}
