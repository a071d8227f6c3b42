//! Directives that change while other threads are in the middle of an event.
//!
//! Each thread has its events asked about and handled in two calls; the change falls between them sooner or later. In builds with
//! assertions `tracing-subscriber` itself finds a bit that was left behind.

mod support;

use std::sync::atomic::{AtomicBool, Ordering};

use support::{Harness, filter, settings};
use tracing::{Level, dispatcher, event, info_span};
use tracing_subscriber::{EnvFilter, Layer};

#[test]
fn no_event_is_taken_for_another_while_directives_change() {
    // A neighbour with a filter of its own is who would meet what was left behind.
    let neighbour = tracing_subscriber::layer::Identity::new().with_filter(EnvFilter::new("trace"));
    let harness = Harness::beside(settings("info"), neighbour);
    let done = AtomicBool::new(false);
    let emitted: u64 = std::thread::scope(|scope| {
        let emit = || {
            dispatcher::with_default(&harness.dispatch, || {
                let _node = info_span!("t.node", t.node.id = "n").entered();
                let mut emitted = 0;
                while !done.load(Ordering::Relaxed) {
                    let _work = info_span!("work", n = 1).entered();
                    event!(name: "t.node.item", Level::TRACE, t.items = 1);
                    tracing::debug!("between");
                    emitted += 1;
                }
                emitted
            })
        };
        let threads: Vec<_> = (0..3).map(|_| scope.spawn(emit)).collect();
        for turn in 0..500 {
            harness.weaver.set_filter(filter(["off", "trace", "info,[work]=trace", "[t.node{t.node.id=n}]=debug", "warn"][turn % 5]));
            std::thread::sleep(std::time::Duration::from_micros(300));
        }
        done.store(true, Ordering::Relaxed);
        threads.into_iter().map(|thread| thread.join().expect("no thread of the program panics")).sum()
    });
    assert_eq!(harness.totals()["t.node.items{t.node.id=n}[]"], support::Total::Int(emitted as i64));
}
