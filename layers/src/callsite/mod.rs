//! Callsites: what each one means under the registry, and how the hot path finds that.
//!
//! Plans are made once per callsite, from static metadata, and found again by a per-thread cache. Nothing
//! here sees a value, and no lock is held while anything outside is called.

pub(crate) mod cache;
pub(crate) mod plan;
