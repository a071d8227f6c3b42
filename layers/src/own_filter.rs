//! The layer's own per-layer filter: records by the directives, entities and folds always.
//!
//! The `Filtered` inside the layer asks it for every callsite, and for each event of those that are neither
//! always on nor always off. It says nothing of other layers and is never asked for them.

use std::sync::Arc;

use tracing_core::span::{Attributes, Id, Record};
use tracing_core::subscriber::Interest;
use tracing_core::{LevelFilter, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Filter};
use tracing_subscriber::registry::LookupSpan;

use crate::callsite::plan::Role;
use crate::hidden::note_asked;
use crate::weaver::Weaver;

/// Crates that an export thread runs on: what they say there nobody is to hear, so that they are asked each time.
const OF_EXPORTERS: [&str; 15] = [
    "h2",
    "hyper",
    "hyper_rustls",
    "hyper_timeout",
    "hyper_util",
    "mio",
    "reqwest",
    "rustls",
    "rustls_platform_verifier",
    "tokio",
    "tokio_rustls",
    "tokio_util",
    "tonic",
    "tower",
    "tower_http",
];

/// Whether a callsite may fire on an export thread.
fn may_be_an_exporters(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target();
    let of = target.split_once("::").map_or(target, |(of, _)| of);
    OF_EXPORTERS.contains(&of) || of.starts_with("opentelemetry")
}

/// The layer's own per-layer filter: records by the directives, entities and folds always.
pub(crate) struct OwnFilter(pub(crate) Arc<Weaver>);

impl<S> Filter<S> for OwnFilter
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn enabled(&self, metadata: &Metadata<'_>, context: &Context<'_, S>) -> bool {
        note_asked(self.0.instance);
        match self.0.role(metadata) {
            Role::Entity(_) | Role::Folds => true,
            Role::Silent => false,
            Role::Other => self.0.may_forward(metadata) && Filter::enabled(&self.0.filter().env, metadata, context),
        }
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        self.0.findings.callsite(metadata);
        // Asked in any case, since the directives learn of spans by it.
        let by_directives = self.0.filter().interest(metadata);
        match self.0.role(metadata) {
            Role::Entity(_) | Role::Folds => {
                self.0.counted.note(metadata);
                Interest::always()
            }
            Role::Silent => Interest::never(),
            Role::Other if !self.0.may_forward(metadata) => Interest::never(),
            // What is always wanted is not asked for again, and the layer must say no on an export thread.
            Role::Other if by_directives.is_always() && may_be_an_exporters(metadata) => Interest::sometimes(),
            Role::Other => by_directives,
        }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        self.0.level_hint()
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        Filter::on_new_span(&self.0.filter().env, attributes, id, context);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        Filter::on_record(&self.0.filter().env, id, values, context);
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        Filter::on_enter(&self.0.filter().env, id, context);
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        Filter::on_exit(&self.0.filter().env, id, context);
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        Filter::on_close(&self.0.filter().env, id, context);
    }
}
