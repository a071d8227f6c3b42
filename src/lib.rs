//! Telemetry of a Rust program, from the ordinary `tracing` macros to OTLP, governed by a semantic convention registry.
//!
//! The registry, in OpenTelemetry Weaver's YAML, says which events there are, which entities they describe, which of their fields are
//! measurements, and which must never leave. The program only emits events; from the registry this crate knows what they mean:
//!
//! - an event becomes a **record** with its name, the entities in force and the attributes that the registry declares,
//! - its measurements are **folded** into metric sets, whatever the filter says of the record,
//! - secrets and personal values are stopped at the callsite,
//! - records and metrics go out over OTLP, to the console or to a file; never blocking the program, every drop counted.
//!
//! Two lines start it. The environment decides the rest: `RUST_LOG` or `TRACING_WEAVER_LOG` the filter, `OTEL_EXPORTER_OTLP_ENDPOINT` the
//! receiver; without one, records and a summary appear on the console.
//!
//! ```no_run
//! # use std::time::Duration;
//! let telemetry = tracing_weaver::builder().registry("registry/acme").install()?;
//! // … the program …
//! let report = telemetry.shutdown(Duration::from_secs(5));
//! # Ok::<(), tracing_weaver::Error>(())
//! ```
//!
//! # Example
//!
//! A registry with one entity, one event and one metric that counts by it. The program names none of the metric:
//!
//! ```
//! use std::time::Duration;
//! use tracing::{Level, event, info_span};
//! use tracing_subscriber::prelude::*;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let registry = tracing_weaver_registry::yaml::load_sources(&[
//! #     ("manifest.yaml", "schema_url: https://example.com/schemas/acme/1.0.0"),
//! #     ("acme.yaml", include_str!("../tests/registry/acme/acme.yaml")),
//! # ])?.to_bytes();
//! // The registry is `tests/registry/acme` of this repository, packed.
//! let (telemetry, layer) = tracing_weaver::builder().registry_bytes(registry).filter("off").build()?;
//! tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
//!     let _shop = info_span!("acme.shop", acme.shop.id = "north").entered();
//!     event!(name: "acme.order.accept", Level::INFO, acme.order.items = 3);
//!     event!(name: "acme.order.accept", Level::INFO, acme.order.items = 4);
//! });
//!
//! // Counted although the filter lets no record through.
//! let snapshot = telemetry.metrics_snapshot();
//! assert_eq!(snapshot.total("acme.shop.order.items"), 7.0);
//! println!("{snapshot}");
//! # Ok(())
//! # }
//! ```
//!
//! Write `event!(name: "a.b", Level::INFO, c.d = 1)`: in `tracing` 0.1.44 `info!(name: "a.b", c.d = 1)` does not parse.
//!
//! # Traces
//!
//! A span that is no entity is a trace span: a request, a batch, a reload. Records inside it carry its ids. Where a message comes in or goes
//! out, `trace_context` takes the trace along:
//!
//! ```
//! use tracing_weaver::trace_context;
//!
//! # let mut incoming = std::collections::HashMap::new();
//! # incoming.insert("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned());
//! # let mut outgoing = std::collections::HashMap::new();
//! let request = tracing::info_span!("request", otel.kind = "server");
//! trace_context::extract(&request, |name| incoming.get(name).cloned());
//! request.in_scope(|| {
//!     let call = tracing::info_span!("call", otel.kind = "client");
//!     trace_context::inject(&call, |name, value| drop(outgoing.insert(name.to_owned(), value)));
//! });
//! ```
//!
//! `examples/web_service` is an ordinary service with all of this.
//!
//! # Beside other layers
//!
//! [`Builder::install`] makes the global subscriber; [`Builder::layer`] puts other layers beside ours. [`Builder::build`] gives a
//! layer for a subscriber of your own. Filters of other layers must be per-layer ones (`layer.with_filter(..)`): a global `EnvFilter` or
//! `LevelFilter` hides events from the metrics too, which is said on stderr and by [`Telemetry::describe`]. The repository's
//! `docs/compositions.md` shows what was seen in which stack.
//!
//! # Features
//!
//! All are on by default: `yaml` (`Builder::registry`), `http` and `grpc` (OTLP), `spans` (trace spans), `console`, `log` (the bridge of the
//! `log` crate).

mod bridge;
mod builder;
mod config;
mod describe;
mod error;
mod escape;
mod export;
mod findings;
mod foreign_filter;
mod install;
mod neighbours;
mod options;
mod outer;
mod resource;
mod sink;
mod snapshot;
mod start_up;
mod summary;
mod telemetry;

/// The versions of OpenTelemetry's crates that this crate works with.
///
/// OpenTelemetry's current context is a thread-local of *one version* of `opentelemetry`: what a program on another version attaches is not
/// seen, silently. Use these, or depend on the same versions.
///
/// ```
/// use tracing_weaver::otel::opentelemetry::Context;
/// use tracing_weaver::otel::tracing_opentelemetry::OpenTelemetrySpanExt as _;
///
/// let span = tracing::info_span!("request");
/// span.set_attribute("http.response.status_code", 200);
/// // Inside an entity span, `Span::current().context()` is empty: ask OpenTelemetry itself.
/// let _current = Context::current();
/// ```
#[cfg(feature = "spans")]
pub mod otel {
    pub use opentelemetry;
    pub use opentelemetry_otlp;
    pub use opentelemetry_sdk;
    pub use tracing_opentelemetry;
}

pub use builder::{Builder, builder};
pub use error::Error;
pub use export::{DestinationReport, DropReason, FlushError, Report, SignalReport, Stats};
pub use resource::ResourceValue;
pub use sink::Memory;
pub use snapshot::{MetricPoint, MetricSet, MetricsSnapshot, Series};
pub use telemetry::Telemetry;
#[cfg(feature = "spans")]
pub use tracing_weaver_layers::trace_context;
pub use tracing_weaver_layers::{BadDirective, Finding, FindingLevel, HistogramPoint, PointValue, Value, WeaverLayer};
pub use tracing_weaver_registry::SELF_REGISTRY;
pub use tracing_weaver_registry::model::EnumValue;

/// The README's program compiles.
#[cfg(all(doctest, feature = "yaml"))]
#[doc = include_str!("../README.md")]
struct Readme;
