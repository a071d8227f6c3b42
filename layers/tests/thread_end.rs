//! What a thread emits while it ends, when thread-locals of OpenTelemetry are gone already.
//!
//! A panic in a destructor of a thread-local ends the process, so that the test passes by coming to its end. Spans are not made there: in
//! that place `tracing_subscriber::Registry` itself panics.
#![cfg(feature = "spans")]

#[path = "support/spans.rs"]
mod spans;
mod support;

use std::cell::RefCell;

use spans::{REGISTRY, traced};
use support::registry_of;
use tracing::{Level, Span, dispatcher, event, info_span};

/// Emits when the thread ends, and drops the spans that it was given.
struct AtEnd(Vec<Span>);

impl Drop for AtEnd {
    fn drop(&mut self) {
        event!(Level::ERROR, exception.message = "at the end");
        for span in &self.0 {
            event!(parent: span, Level::INFO, "of a span");
            span.record("late", 1);
        }
        self.0.clear();
    }
}

thread_local! {
    static AT_END: RefCell<Option<AtEnd>> = const { RefCell::new(None) };
}

#[test]
fn what_a_thread_emits_at_its_end_never_ends_the_process() {
    let (mut harness, made) = traced(registry_of(REGISTRY), "info");
    // A scoped dispatcher is itself a thread-local, and gone by then.
    dispatcher::set_global_default(harness.dispatch.clone()).unwrap();
    for first in [true, false] {
        std::thread::spawn(move || {
            if first {
                // Registered before OpenTelemetry's own, so that it ends after them.
                AT_END.with(|_| ());
            }
            event!(Level::INFO, "before any span");
            let (never, entered) = (info_span!("never entered", late = 0), info_span!("entered", late = 0));
            entered.in_scope(|| event!(Level::INFO, "inside"));
            AT_END.with(|at_end| *at_end.borrow_mut() = Some(AtEnd(vec![never, entered])));
        })
        .join()
        .unwrap();
    }
    assert_eq!(harness.drain().len(), 10);
    assert!(made.take().iter().filter(|span| span.name == "entered").count() >= 1);
}
