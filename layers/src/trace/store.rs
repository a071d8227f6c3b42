//! Where the trace spans live: a `Registry` of our own, so that nothing of OpenTelemetry's stands in the program's.
//!
//! `tracing-opentelemetry` keeps what it knows of a span in the span's extensions, where only one layer of it may, and under a lock that
//! a panic would spoil for all layers. Here it disturbs nobody. Spans are found by the store's own ids while our layer calls in, and by
//! the program's ids when `OpenTelemetrySpanExt` asks.
//!
//! Places of spans that ended are taken again by later ones, never given back: whether a `Registry` gives a place back depends on a count
//! that all of a thread share, and ours is always asked while the program's closes a span.

use std::any::TypeId;
use std::cell::Cell;
use std::collections::VecDeque;
use std::fmt;
use std::ptr;
use std::sync::{Arc, Mutex};

use tracing_core::callsite::{Callsite, Identifier};
use tracing_core::field::FieldSet;
use tracing_core::metadata::Kind;
use tracing_core::span::{Attributes, Current, Id, Record};
use tracing_core::{Event, Interest, Level, Metadata, Subscriber};
use tracing_subscriber::Registry;
use tracing_subscriber::registry::{Data, LookupSpan};

use crate::entity::span_table::SpanTable;
use crate::sync::lock;

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
    /// Places of spans that ended, the one that ended first in front.
    free: Mutex<VecDeque<Id>>,
    /// Stands for every span of the program that is no trace span: asking for one that is not there at all is a panic.
    nothing: Id,
}

impl TraceStore {
    pub(crate) fn new(spans: Arc<SpanTable>) -> TraceStore {
        let mut registry = Registry::default();
        // Else it takes the bits that the program's per-layer filters leave for a mistake.
        LookupSpan::register_filter(&mut registry);
        let nothing = registry.new_span(&Attributes::new_root(&NOTHING, &NOTHING.fields().value_set(&[])));
        TraceStore { registry, spans, free: Mutex::default(), nothing }
    }

    /// The place of a span that has ended may be taken again.
    pub(crate) fn give_back(&self, id: Id) {
        lock(&self.free).push_back(id);
    }
}

static NOTHING: Metadata<'static> =
    Metadata::new("nothing", module_path!(), Level::TRACE, None, None, None, FieldSet::new(&[], Identifier(&NOWHERE)), Kind::SPAN);

/// Not of size zero: such statics may share an address, and a callsite is known by its address.
struct Nowhere(#[allow(dead_code)] u8);

static NOWHERE: Nowhere = Nowhere(0);

impl Callsite for Nowhere {
    fn set_interest(&self, _: Interest) {}

    fn metadata(&self) -> &Metadata<'_> {
        &NOTHING
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
        if own == 0 { self.registry.span_data(&self.nothing) } else { self.registry.span_data(&Id::from_u64(own)) }
    }
}

impl Subscriber for TraceStore {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        if let Some(id) = lock(&self.free).pop_front() {
            return id;
        }
        // No parents here: they would stay open for their children, and the program's own registry sees to that already.
        self.registry.new_span(&Attributes::new_root(attributes.metadata(), attributes.values()))
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}

    /// A trace span is closed once; its place stays.
    fn try_close(&self, _: Id) -> bool {
        true
    }

    fn current_span(&self) -> Current {
        Current::none()
    }

    unsafe fn downcast_raw(&self, id: TypeId) -> Option<*const ()> {
        // Not the registry inside: who closes a span would ask it to give the place back.
        (id == TypeId::of::<Self>()).then_some(ptr::from_ref(self).cast())
    }
}
