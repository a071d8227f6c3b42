//! One stack in the whole process, scoped to one thread, whose filter other threads change.
//!
//! This file has a process of its own and one test, so that there is no other stack. Nothing here may make one.

#[path = "support/mod.rs"]
mod support;

use support::{drain, filter, ints, settings, totals};
use tracing::{Level, event, info_span};
use tracing_core::{Dispatch, dispatcher};
use tracing_subscriber::Registry;
use tracing_subscriber::layer::SubscriberExt;
use tracing_weaver_layers::weave;

#[test]
fn a_filter_that_another_thread_changes_switches_nothing_off_for_good() {
    let (layer, weaver, mut reader) = weave(settings("info")).unwrap();
    let only = Dispatch::from(Registry::default().with(layer));
    let work = || {
        let _node = info_span!("t.node", t.node.id = "n").entered();
        event!(name: "t.node.item", Level::TRACE, t.items = 1);
        event!(name: "t.say", Level::DEBUG, t.seq = 1);
        event!(name: "t.say", Level::WARN, t.seq = 2);
    };
    dispatcher::with_default(&only, || {
        work();
        assert_eq!(drain(&mut reader, &weaver).len(), 1);
        for (directives, records) in [("debug", 2), ("off", 0), ("trace", 3), ("warn", 1)] {
            std::thread::scope(|scope| drop(scope.spawn(|| weaver.set_filter(filter(directives))).join()));
            work();
            // A callsite that no thread met before the change.
            match directives {
                "debug" => event!(name: "t.silent", Level::TRACE, t.items = 1),
                "off" => event!(name: "t.silent", Level::TRACE, t.items = 1),
                "trace" => event!(name: "t.silent", Level::TRACE, t.items = 1),
                _ => event!(name: "t.silent", Level::TRACE, t.items = 1),
            }
            assert_eq!(drain(&mut reader, &weaver).len(), records, "after `{directives}`");
        }
    });
    let expected = [("t.node.items{t.node.id=n}[]", 5), ("t.node.calls{t.node.id=n}[]", 5), ("t.silence{}[]", 4)];
    assert_eq!(totals(&weaver), ints(expected));
}
