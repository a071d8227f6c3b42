//! Where the trace spans live: a `Registry` of our own, so that nothing of OpenTelemetry's stands in the program's.
//!
//! `tracing-opentelemetry` keeps what it knows of a span in the span's extensions, where only one layer of it may, and under a lock that
//! a panic would spoil for all layers. Here it disturbs nobody. Spans are found by the store's own ids while our layer calls in, and by
//! the program's ids when `OpenTelemetrySpanExt` asks.

use std::any::TypeId;
use std::cell::Cell;
use std::fmt;
use std::ptr;
use std::sync::Arc;

use tracing_core::span::{Attributes, Current, Id, Record};
use tracing_core::{Event, Metadata, Subscriber};
use tracing_subscriber::Registry;
use tracing_subscriber::registry::{Data, LookupSpan};

use crate::entity::span_table::SpanTable;

thread_local! {
    /// Whether ids are the store's own.
    static OWN_IDS: Cell<bool> = const { Cell::new(false) };
}

/// Calls `with`, in which ids are the store's own.
pub(crate) fn by_own_ids<R>(with: impl FnOnce() -> R) -> R {
    struct Before(bool);
    impl Drop for Before {
        fn drop(&mut self) {
            OWN_IDS.set(self.0);
        }
    }
    let _before = Before(OWN_IDS.replace(true));
    with()
}

/// The spans that OpenTelemetry knows.
pub(crate) struct TraceStore {
    registry: Registry,
    /// From the program's ids to the store's.
    spans: Arc<SpanTable>,
}

impl TraceStore {
    pub(crate) fn new(spans: Arc<SpanTable>) -> TraceStore {
        let mut registry = Registry::default();
        // Else it takes the bits that the program's per-layer filters leave for a mistake.
        LookupSpan::register_filter(&mut registry);
        TraceStore { registry, spans }
    }
}

impl fmt::Debug for TraceStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TraceStore").finish_non_exhaustive()
    }
}

impl<'a> LookupSpan<'a> for TraceStore {
    type Data = Data<'a>;

    fn span_data(&'a self, id: &Id) -> Option<Data<'a>> {
        if OWN_IDS.get() {
            return self.registry.span_data(id);
        }
        let own = self.spans.get(id.into_u64()).trace;
        if own == 0 { None } else { self.registry.span_data(&Id::from_u64(own)) }
    }
}

impl Subscriber for TraceStore {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        // No parents here: they would stay open for their children, and the program's own registry sees to that already.
        self.registry.new_span(&Attributes::new_root(attributes.metadata(), attributes.values()))
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}

    fn try_close(&self, id: Id) -> bool {
        self.registry.try_close(id)
    }

    fn current_span(&self) -> Current {
        Current::none()
    }

    unsafe fn downcast_raw(&self, id: TypeId) -> Option<*const ()> {
        match id {
            id if id == TypeId::of::<Self>() => Some(ptr::from_ref(self).cast()),
            // Closing a span asks for it.
            id if id == TypeId::of::<Registry>() => Some(ptr::from_ref(&self.registry).cast()),
            _ => None,
        }
    }
}
