//! The resolved registry: what a semantic convention registry says once every reference, group and
//! import is expanded.
//!
//! The loader behind feature `yaml` makes it, `from_bytes` behind feature `pack` reads it back, and
//! the layers plan callsites from it. It holds plain data, depends on nothing, and must never know
//! where it came from beyond the [`Origin`] of each item.

mod annotation;
mod attribute;
#[cfg(feature = "pack")]
mod depth;
mod refinement;
mod signal;

pub use annotation::{
    Aggregation, AnnotationValue, Fold, FoldSource, FoldValue, Normalize, NumberType, Privacy, Redact, Sensitivity, SpanValue,
};
pub use attribute::{Attribute, AttributeId, AttributeRef, AttributeType, EnumMember, EnumType, EnumValue, RequirementLevel};
pub use refinement::{Refinement, RefinementKind};
pub use signal::{
    Association, Deprecated, DeprecationReason, Entity, EntityId, Event, EventId, Instrument, Metric, MetricId, MetricSet, MetricSetId,
    Origin, Severity, Span, SpanId, SpanKind, Stability,
};

/// A semantic convention registry with everything expanded.
///
/// Items stand in vectors and are named by typed ids, the index into the vector of their kind.
/// Attributes of dependencies stand in [`attributes`](Self::attributes) as far as a signal or an
/// entity of this registry uses them, or as they are personal or secret. Entities of dependencies
/// stand in [`entities`](Self::entities) as far as they are imported or a signal describes them.
///
/// ```
/// use tracing_weaver_registry::yaml::load_sources;
///
/// let registry = load_sources(&[
///     ("manifest.yaml", "schema_url: https://example.com/schemas/acme/1.2.0"),
///     ("shop.yaml", "
/// file_format: definition/2
/// attributes:
///   - {key: acme.shop.id, type: string, brief: Which shop., stability: stable, examples: [north]}
/// entities:
///   - {type: acme.shop, brief: A shop., stability: stable, identity: [{ref: acme.shop.id}]}
/// events:
///   - {name: acme.shop.open, brief: A shop was opened., stability: stable, entity_associations: [acme.shop]}
/// "),
/// ])?;
/// assert_eq!((registry.name(), registry.version()), ("example.com/schemas/acme", "1.2.0"));
///
/// let shop = registry.entity(registry.entity_by_type("acme.shop").expect("declared above"));
/// assert_eq!(registry.attribute(shop.identity[0].attribute).key, "acme.shop.id");
///
/// let open = registry.event(registry.event_by_name("acme.shop.open").expect("declared above"));
/// assert_eq!(open.brief, "A shop was opened.");
/// assert_eq!(registry.event_by_name("acme.shop.close"), None);
/// # Ok::<(), tracing_weaver_registry::RegistryErrors>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
#[cfg_attr(feature = "pack", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct ResolvedRegistry {
    /// The manifest's `schema_url`, for example `https://example.com/schemas/acme/0.1.0`.
    pub schema_url: String,
    /// The manifest's description, empty where it has none.
    pub description: String,
    /// Attribute definitions, sorted by key. Key is unique.
    pub attributes: Vec<Attribute>,
    /// Entity types, sorted by type.
    pub entities: Vec<Entity>,
    /// Events, sorted by name.
    pub events: Vec<Event>,
    /// Metrics, sorted by name.
    pub metrics: Vec<Metric>,
    /// Metric sets, sorted by id. A metric that names no set has one of its own, named like the metric.
    pub metric_sets: Vec<MetricSet>,
    /// Span types, sorted by type.
    pub spans: Vec<Span>,
    /// Refinements, sorted by kind and id.
    pub refinements: Vec<Refinement>,
}

impl ResolvedRegistry {
    /// Name of the registry: its schema URL without scheme and version.
    pub fn name(&self) -> &str {
        let rest = self.schema_url.split_once("://").map_or(self.schema_url.as_str(), |(_, rest)| rest);
        rest.rsplit_once('/').map_or(rest, |(name, _)| name)
    }

    /// Version of the registry: the last segment of its schema URL.
    pub fn version(&self) -> &str {
        self.schema_url.rsplit_once('/').map_or("", |(_, version)| version)
    }

    /// The attribute of this id.
    ///
    /// # Panics
    /// If the id is of another registry and out of range here.
    pub fn attribute(&self, id: AttributeId) -> &Attribute {
        &self.attributes[id.0 as usize]
    }

    /// The attribute of this key.
    pub fn attribute_by_key(&self, key: &str) -> Option<AttributeId> {
        find(&self.attributes, key, |a| &a.key).map(AttributeId)
    }

    /// The entity of this id.
    ///
    /// # Panics
    /// If the id is of another registry and out of range here.
    pub fn entity(&self, id: EntityId) -> &Entity {
        &self.entities[id.0 as usize]
    }

    /// The entity of this type.
    pub fn entity_by_type(&self, entity_type: &str) -> Option<EntityId> {
        find(&self.entities, entity_type, |e| &e.entity_type).map(EntityId)
    }

    /// The event of this id.
    ///
    /// # Panics
    /// If the id is of another registry and out of range here.
    pub fn event(&self, id: EventId) -> &Event {
        &self.events[id.0 as usize]
    }

    /// The event of this name.
    pub fn event_by_name(&self, name: &str) -> Option<EventId> {
        find(&self.events, name, |e| &e.name).map(EventId)
    }

    /// The metric of this id.
    ///
    /// # Panics
    /// If the id is of another registry and out of range here.
    pub fn metric(&self, id: MetricId) -> &Metric {
        &self.metrics[id.0 as usize]
    }

    /// The metric of this name.
    pub fn metric_by_name(&self, name: &str) -> Option<MetricId> {
        find(&self.metrics, name, |m| &m.name).map(MetricId)
    }

    /// The metric set of this id.
    ///
    /// # Panics
    /// If the id is of another registry and out of range here.
    pub fn metric_set(&self, id: MetricSetId) -> &MetricSet {
        &self.metric_sets[id.0 as usize]
    }

    /// The metric set of this name.
    pub fn metric_set_by_name(&self, name: &str) -> Option<MetricSetId> {
        find(&self.metric_sets, name, |s| &s.name).map(MetricSetId)
    }

    /// The span of this type.
    pub fn span_by_type(&self, span_type: &str) -> Option<SpanId> {
        find(&self.spans, span_type, |s| &s.span_type).map(SpanId)
    }
}

fn find<'a, T>(sorted: &'a [T], name: &str, key: impl Fn(&'a T) -> &'a String) -> Option<u32> {
    sorted.binary_search_by(|item| key(item).as_str().cmp(name)).ok().map(|index| index as u32)
}
