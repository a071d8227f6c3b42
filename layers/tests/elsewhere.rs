//! The only subscriber of the process, scoped to one thread, and another thread without any that comes first.
//!
//! This file has a process of its own and one test, so that there is no other subscriber. Nothing here may make one but ours.

#[path = "support/mod.rs"]
mod support;

use std::sync::atomic::{AtomicU64, Ordering};

use support::{drain, ints, settings, totals};
use tracing::{Level, event, info_span};
use tracing_core::{Dispatch, Metadata, Subscriber, dispatcher};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::{Registry, reload};
use tracing_weaver_layers::weave;

/// A neighbour that wants everything and counts how often it is asked.
struct Asked;

static TIMES: AtomicU64 = AtomicU64::new(0);

impl<S: Subscriber> Layer<S> for Asked {
    fn enabled(&self, _: &Metadata<'_>, _: Context<'_, S>) -> bool {
        TIMES.fetch_add(1, Ordering::Relaxed);
        true
    }
}

fn work() {
    let _node = info_span!("t.node", t.node.id = "n").entered();
    event!(name: "t.node.item", Level::INFO, t.items = 1);
}

#[test]
fn callsites_that_fire_first_or_are_asked_about_where_nobody_listens_are_seen_where_we_do() {
    let (layer, weaver, mut reader) = weave(settings("info")).unwrap();
    let (neighbour, handle) = reload::Layer::new(Asked);
    let only = Dispatch::from(Registry::default().with(layer).with(neighbour));
    dispatcher::with_default(&only, || {
        let elsewhere = |code: &(dyn Fn() + Sync)| std::thread::scope(|scope| scope.spawn(code).join().unwrap());
        elsewhere(&work);
        work();
        // Somebody else has the answers of all callsites asked for anew.
        elsewhere(&|| handle.reload(Asked).unwrap());
        work();
        elsewhere(&tracing_core::callsite::rebuild_interest_cache);
        work();
        // What everybody always wants is asked about no more.
        let before = TIMES.load(Ordering::Relaxed);
        work();
        assert_eq!(TIMES.load(Ordering::Relaxed), before);
    });
    assert_eq!(totals(&weaver), ints([("t.node.items{t.node.id=n}[]", 4), ("t.node.calls{t.node.id=n}[]", 4)]));
    assert_eq!(drain(&mut reader, &weaver).len(), 4);
}
