//! The layers that a program puts beside ours with `Builder::layer`, as if each stood in the stack by itself.
//! `install` puts them under ours.
//! A list of `tracing-subscriber` is something else: what one of its layers wants, none of the others can keep out.

use std::any::TypeId;

use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Dispatch, Event, Interest, LevelFilter, Metadata};
use tracing_subscriber::Registry;
use tracing_subscriber::layer::{Context, Layer};

use crate::options::Neighbour;

/// All of them, in the order in which they were given.
pub(crate) struct Neighbours(pub(crate) Vec<Neighbour>);

impl Layer<Registry> for Neighbours {
    fn on_register_dispatch(&self, dispatch: &Dispatch) {
        self.0.iter().for_each(|layer| layer.on_register_dispatch(dispatch));
    }

    fn on_layer(&mut self, registry: &mut Registry) {
        self.0.on_layer(registry);
    }

    /// What the most reluctant one says: a layer that is a filter, such as an `EnvFilter`, keeps away from all what it does not want. Filters
    /// of single layers are not among those who speak here.
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        let mut lowest = Interest::always();
        for layer in &self.0 {
            let interest = layer.register_callsite(metadata);
            if interest.is_never() || (interest.is_sometimes() && lowest.is_always()) {
                lowest = interest;
            }
        }
        lowest
    }

    fn enabled(&self, metadata: &Metadata<'_>, context: Context<'_, Registry>) -> bool {
        self.0.enabled(metadata, context)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        self.0.max_level_hint()
    }

    fn event_enabled(&self, event: &Event<'_>, context: Context<'_, Registry>) -> bool {
        self.0.event_enabled(event, context)
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, Registry>) {
        self.0.on_event(event, context);
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, Registry>) {
        self.0.on_new_span(attributes, id, context);
    }

    fn on_record(&self, span: &Id, values: &Record<'_>, context: Context<'_, Registry>) {
        self.0.on_record(span, values, context);
    }

    fn on_follows_from(&self, span: &Id, follows: &Id, context: Context<'_, Registry>) {
        self.0.on_follows_from(span, follows, context);
    }

    fn on_enter(&self, id: &Id, context: Context<'_, Registry>) {
        self.0.on_enter(id, context);
    }

    fn on_exit(&self, id: &Id, context: Context<'_, Registry>) {
        self.0.on_exit(id, context);
    }

    fn on_close(&self, id: Id, context: Context<'_, Registry>) {
        self.0.on_close(id, context);
    }

    fn on_id_change(&self, old: &Id, new: &Id, context: Context<'_, Registry>) {
        self.0.iter().for_each(|layer| layer.on_id_change(old, new, context.clone()));
    }

    unsafe fn downcast_raw(&self, id: TypeId) -> Option<*const ()> {
        // SAFETY: passed on; what the layers answer lives as long as this.
        unsafe { self.0.downcast_raw(id) }
    }
}
