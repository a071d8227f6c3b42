//! Folding: from the values of an event to the slots of metric sets.
//!
//! The layer calls [`visit`] with slots that [`shard`] gave to this thread; readers collect through
//! [`collect`]. No lock, no allocation and no read-modify-write stands between a value and its slot.

#[cfg(not(weaver_loom))]
pub(crate) mod collect;
#[cfg(not(weaver_loom))]
pub(crate) mod enum_index;
#[cfg(not(weaver_loom))]
pub(crate) mod integers;
#[cfg(not(weaver_loom))]
pub(crate) mod layout;
#[cfg(not(weaver_loom))]
pub(crate) mod plain;
#[cfg(not(weaver_loom))]
pub(crate) mod plan;
pub(crate) mod shard;
#[cfg(not(weaver_loom))]
pub(crate) mod visit;
