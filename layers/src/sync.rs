//! The atomics and locks that lock-free parts are built from.
//!
//! `fold::shard` and `forward::queue` take their primitives from here, so that a model checker can put
//! its own in their place (`--cfg weaver_loom`). Nothing else belongs here.

#[cfg(weaver_loom)]
pub(crate) use loom::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering},
};
#[cfg(not(weaver_loom))]
pub(crate) use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering},
};

/// Locks, also after a panic of another holder: what these locks guard is never left half changed.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> impl std::ops::DerefMut<Target = T> + '_ {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
