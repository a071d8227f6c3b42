//! A second subscriber of the process, which answers for callsites as the layer does, and sees nothing.
//!
//! Each layer holds one. Where the process has a single subscriber, `tracing` asks about a callsite, when it fires first
//! or when somebody rebuilds the cache of answers, only the default of the thread where that happens: a thread without
//! subscriber then switches the callsite off for good. With two it asks both. It must never change what both say together.

use std::any::TypeId;
use std::sync::Arc;

use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Event, Interest, LevelFilter, Metadata, Subscriber};
use tracing_subscriber::Registry;
use tracing_subscriber::layer::Filter;

use crate::own_filter::OwnFilter;
use crate::weaver::Weaver;

/// Answers for callsites as the layer's own filter.
pub(crate) struct Second(OwnFilter);

impl Second {
    pub(crate) fn of(weaver: Arc<Weaver>) -> Second {
        Second(OwnFilter(weaver))
    }
}

impl Subscriber for Second {
    /// What all subscribers always want is wanted always; if they differ, they are asked each time. So this one may only say
    /// "always" where the layer does.
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        <OwnFilter as Filter<Registry>>::callsite_enabled(&self.0, metadata)
    }

    /// It asks for nothing by itself.
    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::OFF)
    }

    fn enabled(&self, _: &Metadata<'_>) -> bool {
        false
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}

    /// Leads to the layer's trace spans, as the program's stack does where no other such layer stands in it.
    unsafe fn downcast_raw(&self, id: TypeId) -> Option<*const ()> {
        if id == TypeId::of::<Self>() {
            return Some(std::ptr::from_ref(self).cast());
        }
        self.0.0.traces.as_ref()?.downcast_raw(id)
    }
}
