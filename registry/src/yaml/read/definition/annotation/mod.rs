//! What stands under the annotation key `tracing_weaver`.
//!
//! The readers of definitions call the function of their kind. It must never let a name pass that has no meaning where it stands,
//! and never demand anything of other annotations.

mod attribute;
mod item;
mod metric;
mod names;

pub(super) use attribute::attribute;
pub(super) use item::{entity, entity_refinement, enum_member, event, group, span};
pub(super) use metric::metric;
