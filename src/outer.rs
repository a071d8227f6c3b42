//! The outermost subscriber of `install()`: the stack inside, made the thread's default while one of its spans closes.
//! `tracing` calls it for everything; all but the closing of spans is passed on as it is.
//! It must add nothing to an event.

use std::any::TypeId;
use std::ptr;
use std::sync::OnceLock;

use tracing_core::dispatcher::{self, WeakDispatch};
use tracing_core::span::{Attributes, Current, Id, Record};
use tracing_core::{Dispatch, Event, Interest, LevelFilter, Metadata, Subscriber};

/// Closes spans under the right default.
///
/// `Registry` closes a span's parent through the thread's default subscriber. Where that is another one, or none, the parent would
/// stay open for ever, or an innocent span of the same id would be closed in its place.
#[derive(Debug)]
pub(crate) struct Outer<S> {
    inner: S,
    own: OnceLock<WeakDispatch>,
}

impl<S> Outer<S> {
    /// Stands in front of `inner`.
    pub(crate) fn new(inner: S) -> Self {
        Outer { inner, own: OnceLock::new() }
    }
}

impl<S: Subscriber> Outer<S> {
    fn is_default(&self) -> bool {
        dispatcher::get_default(|default| default.downcast_ref::<Self>().is_some_and(|default| ptr::eq(default, self)))
    }
}

impl<S: Subscriber> Subscriber for Outer<S> {
    fn try_close(&self, id: Id) -> bool {
        match self.own.get() {
            Some(own) if !self.is_default() => match own.upgrade() {
                Some(own) => dispatcher::with_default(&own, || self.inner.try_close(id)),
                None => self.inner.try_close(id),
            },
            _ => self.inner.try_close(id),
        }
    }

    fn on_register_dispatch(&self, own: &Dispatch) {
        // A dispatch that is made twice of one subscriber is the same one.
        let _ = self.own.set(own.downgrade());
        self.inner.on_register_dispatch(own);
    }

    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        self.inner.register_callsite(metadata)
    }

    #[inline]
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.inner.enabled(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        self.inner.max_level_hint()
    }

    #[inline]
    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        self.inner.new_span(attributes)
    }

    #[inline]
    fn record(&self, id: &Id, values: &Record<'_>) {
        self.inner.record(id, values);
    }

    fn record_follows_from(&self, id: &Id, follows: &Id) {
        self.inner.record_follows_from(id, follows);
    }

    #[inline]
    fn event_enabled(&self, event: &Event<'_>) -> bool {
        self.inner.event_enabled(event)
    }

    #[inline]
    fn event(&self, event: &Event<'_>) {
        self.inner.event(event);
    }

    #[inline]
    fn enter(&self, id: &Id) {
        self.inner.enter(id);
    }

    #[inline]
    fn exit(&self, id: &Id) {
        self.inner.exit(id);
    }

    #[inline]
    fn clone_span(&self, id: &Id) -> Id {
        self.inner.clone_span(id)
    }

    fn current_span(&self) -> Current {
        self.inner.current_span()
    }

    unsafe fn downcast_raw(&self, id: TypeId) -> Option<*const ()> {
        if id == TypeId::of::<Self>() {
            return Some(ptr::from_ref(self).cast());
        }
        // SAFETY: passed on; what the stack inside answers lives as long as this.
        unsafe { self.inner.downcast_raw(id) }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tracing::subscriber::{NoSubscriber, with_default};
    use tracing_subscriber::layer::{Context, Layer};
    use tracing_subscriber::prelude::*;

    use super::*;

    struct Closed(Arc<AtomicUsize>);

    impl<S: Subscriber> Layer<S> for Closed {
        fn on_close(&self, _: Id, _: Context<'_, S>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn closed_where_none_is_default(
        stack: impl FnOnce(tracing_subscriber::layer::Layered<Closed, tracing_subscriber::Registry>) -> Dispatch,
    ) -> usize {
        let closed = Arc::new(AtomicUsize::new(0));
        let stack = stack(tracing_subscriber::registry().with(Closed(closed.clone())));
        dispatcher::with_default(&stack, || {
            let parent = tracing::error_span!("parent");
            let child = tracing::error_span!(parent: &parent, "child");
            with_default(NoSubscriber::new(), || drop((parent, child)));
        });
        closed.load(Ordering::Relaxed)
    }

    #[test]
    fn a_parent_closes_with_its_last_child_whatever_subscriber_is_the_default_then() {
        assert_eq!(closed_where_none_is_default(|stack| Dispatch::new(Outer::new(stack))), 2);
        assert_eq!(closed_where_none_is_default(Dispatch::new), 1, "without it the parent stays open; if not, it is not needed any more");
    }

    #[test]
    fn what_stands_inside_is_found_by_its_type() {
        let dispatch = Dispatch::new(Outer::new(tracing_subscriber::registry()));
        assert!(dispatch.downcast_ref::<tracing_subscriber::Registry>().is_some());
    }
}
