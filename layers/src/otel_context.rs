//! OpenTelemetry's current context, asked only where that cannot panic.
//!
//! Records take their ids from it, trace spans are made in it. It is a thread-local of another crate: a thread that ends must not touch
//! it any more, and neither must what is emitted while that crate is at work.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use opentelemetry::Context;

use crate::user_code::dispose;

/// What is known of this thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nobody asked yet.
    Unasked,
    /// The context may be asked.
    Open,
    /// The thread ends: thread-locals of OpenTelemetry may be gone.
    Gone,
}

thread_local! {
    static STATE: Cell<State> = const { Cell::new(State::Unasked) };
    // Destructors run in the reverse order of their registration. Each of these is registered just after a thread-local of OpenTelemetry
    // or of `tracing-opentelemetry`, so that it goes before that one.
    static AFTER_CONTEXT: Sentinel = const { Sentinel };
    static AFTER_GUARDS: Sentinel = const { Sentinel };
}

struct Sentinel;

impl Drop for Sentinel {
    fn drop(&mut self) {
        STATE.set(State::Gone);
    }
}

/// What `with` makes of the current context; `None` where it cannot be asked. `with` must call nothing that emits.
#[inline(always)]
pub(crate) fn current<R>(with: impl FnOnce(&Context) -> R) -> Option<R> {
    if STATE.get() != State::Open && !open() {
        return None;
    }
    // It panics while OpenTelemetry is changing it, which it may say by an event.
    match catch_unwind(AssertUnwindSafe(|| Context::map_current(with))) {
        Ok(result) => Some(result),
        Err(payload) => {
            dispose(payload);
            None
        }
    }
}

/// Whether this thread may still touch what OpenTelemetry and `tracing-opentelemetry` keep for it.
#[inline]
pub(crate) fn is_open() -> bool {
    STATE.get() == State::Open || open()
}

#[cold]
#[inline(never)]
fn open() -> bool {
    let asked = || catch_unwind(|| Context::map_current(|_| ())).map_err(dispose).is_ok();
    if STATE.get() == State::Gone || !asked() {
        return false;
    }
    let open = AFTER_CONTEXT.try_with(|_| ()).is_ok();
    STATE.set(if open { State::Open } else { State::Gone });
    open
}

/// Called after a trace span was entered: by then `tracing-opentelemetry` has touched its own thread-local.
pub(crate) fn after_enter() {
    thread_local! {
        static ENTERED: Cell<bool> = const { Cell::new(false) };
    }
    if !ENTERED.replace(true) {
        let _ = AFTER_GUARDS.try_with(|_| ());
    }
}
