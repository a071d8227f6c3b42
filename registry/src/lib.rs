//! Semantic convention registries in the YAML of [OpenTelemetry Weaver](https://github.com/open-telemetry/weaver): read, resolved, packed.
//!
//! A registry says what telemetry a program has: its entities, events, metrics and spans, and the attributes on them. This crate turns a
//! folder of such YAML into one [`ResolvedRegistry`](model::ResolvedRegistry) in which every reference is followed, or into one error
//! that holds *every* fault with file, line and column.
//!
//! ```
//! use tracing_weaver_registry::yaml::load_sources;
//!
//! let registry = load_sources(&[
//!     ("manifest.yaml", "schema_url: https://example.com/schemas/acme/1.0.0"),
//!     ("queue.yaml", "
//! file_format: definition/2
//! attributes:
//!   - key: acme.batch.outcome
//!     brief: What became of the batch.
//!     stability: stable
//!     type:
//!       members:
//!         - {id: ok}
//!         - {id: fail}
//! events:
//!   - name: acme.queue.drain
//!     brief: A batch was taken from the queue.
//!     stability: stable
//!     attributes:
//!       - ref: acme.batch.outcome
//! metrics:
//!   - name: acme.queue.batches
//!     brief: Number of batches taken from the queue.
//!     stability: stable
//!     instrument: counter
//!     unit: '{batch}'
//!     attributes:
//!       - ref: acme.batch.outcome
//!     annotations:
//!       tracing_weaver: {fold: {event: acme.queue.drain}}
//! "),
//! ])?;
//! let batches = registry.metric(registry.metric_by_name("acme.queue.batches").expect("declared above"));
//! assert_eq!(batches.folds.len(), 1);
//! # Ok::<(), tracing_weaver_registry::RegistryErrors>(())
//! ```
//!
//! # What is where
//!
//! | | feature | |
//! | --- | --- | --- |
//! | [`model`] | none | the resolved registry: plain data, no dependency |
//! | [`ResolvedRegistry::from_bytes`](model::ResolvedRegistry::from_bytes), [`to_bytes`](model::ResolvedRegistry::to_bytes) | `pack` | the form in which a program carries its registry |
//! | [`load`], [`yaml::load_sources`], [`pack`](pack()) | `yaml` (default) | reading YAML; packing it from a `build.rs` |
//!
//! # What is read
//!
//! Files of `file_format: definition/2` below a folder with `manifest.yaml`: attributes, attribute groups, entities, events, metrics, spans,
//! refinements and imports. Dependencies are local folders. Unknown keys are faults at every level but inside annotations. Beyond what
//! Weaver demands, every name is defined once and every list names an attribute once.
//!
//! Files of `groups:` (`definition/1`) and published registries are not read yet and say so.
//!
//! # Annotations
//!
//! What the format has no words for stands under the annotation key `tracing_weaver`, which Weaver carries along untouched:
//!
//! | on | name | |
//! | --- | --- | --- |
//! | attribute, reference | `sensitivity` | `public`, `internal` (default), `personal`, `secret`; the strictest of definition and reference holds; an attribute without one whose key stands below a template's is as private as the template |
//! | | `redact` | `hash`, `mask`, `drop`; the strictest holds |
//! | | `normalize` | a list of `url_template`, `sql_fingerprint`, `ip_prefix`, `error_type`, `lowercase`, `{truncate: N}`; a reference adds to it |
//! | | `field` | a list of other `tracing` field names |
//! | | `cardinality` | `{max: N}` |
//! | metric | `metric_set` | the id of a public attribute group: the metrics that name it share its attributes as dimensions, and one entity |
//! | | `fold` | `{event: NAME, value: 1 or an attribute, when: {ATTRIBUTE: [VALUES]}, unit}`, `{span: TYPE, value: duration, busy or idle}`, `{observe: true}`, or a list |
//! | | `aggregation` | of a histogram: `mmsc`, `exponential`, `{exponential: {max_size: N}}`, `{explicit: [BOUNDS]}` |
//! | | `value` | `int` or `double` |
//! | public group | `metric_set` | `{entity: TYPE, keep: [TYPES]}` where the metrics leave it open |
//! | event | `severity`, `forward` | the expected level; `false` for an event that is only folded |
//! | entity | `resource` | stands on the resource, no span opens it |
//! | refinement | as on what it refines | `fold` and `metric_set` only where a metric of a dependency is refined: on the wire it has its base's name, and it is recorded in one way |
//!
//! An event or span type may be emitted by the id of a refinement or by the name of its base; both declare what the refinement adds, and
//! what is folded from an event is folded from its refinements.
//!
//! `rate`, `after`, `also_emit`, `alias` and `remove_in` are accepted and kept as they are written. Any other name is a fault.
//!
//! # From a build script
//!
//! ```no_run
//! // build.rs, with this crate as a build dependency
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     tracing_weaver_registry::pack("registry/acme")?;
//!     Ok(())
//! }
//! ```
#![forbid(unsafe_code)]

#[cfg(feature = "yaml")]
mod fault;
pub mod model;
#[cfg(feature = "pack")]
mod pack;
mod self_registry;
#[cfg(feature = "yaml")]
pub mod yaml;

#[cfg(feature = "yaml")]
pub use fault::{ErrorKind, RegistryError, RegistryErrors};
#[cfg(feature = "pack")]
pub use pack::PackError;
#[cfg(feature = "yaml")]
pub use pack::{PackFolderError, pack};
pub use self_registry::SELF_REGISTRY;
#[cfg(feature = "yaml")]
pub use yaml::load;
