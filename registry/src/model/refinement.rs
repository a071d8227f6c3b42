//! Refinements: an item narrowed for one use, under an id of its own.

use super::{AnnotationValue, Association, AttributeRef, Deprecated, Origin, Stability};

/// What kind of item a refinement refines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "pack", derive(serde::Serialize, serde::Deserialize))]
pub enum RefinementKind {
    /// An event.
    Event,
    /// A metric.
    Metric,
    /// A span.
    Span,
    /// An entity.
    Entity,
}

/// A refinement, with everything of its base that it does not change.
///
/// For Weaver there is no refinement on the wire: a program emits its base. Here it may also name an event or a span by the id of a
/// refinement, so each of those stands among the registry's [`events`](super::ResolvedRegistry::events) and
/// [`spans`](super::ResolvedRegistry::spans) under its id too; the base there carries what its refinements add.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "pack", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Refinement {
    /// What it refines.
    pub kind: RefinementKind,
    /// Its id.
    pub id: String,
    /// Name (type) of the refined item, which may be an item of a dependency that is not in this registry.
    pub base: String,
    /// Brief here.
    pub brief: String,
    /// Note here.
    pub note: String,
    /// Stability here.
    pub stability: Stability,
    /// Deprecation here.
    pub deprecated: Option<Deprecated>,
    /// Attributes of an event, metric or span, those of the base among them, sorted by key.
    pub attributes: Vec<AttributeRef>,
    /// Identity of an entity, sorted by key.
    pub identity: Vec<AttributeRef>,
    /// Description of an entity, sorted by key.
    pub description: Vec<AttributeRef>,
    /// Entities it describes.
    pub association: Option<Association>,
    /// Annotations here, the base's merged with its own.
    pub annotations: Vec<(String, AnnotationValue)>,
    /// Where it is defined.
    pub origin: Origin,
}
