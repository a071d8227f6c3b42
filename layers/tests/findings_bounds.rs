//! Findings as a whole: switched off, read by several, many more than are kept, and beside another dispatcher.
//!
//! What each finding says is the business of `findings.rs`. Each test has a target of its own, since every layer hears of every callsite.

mod support;

use std::sync::Arc;

use support::met::found;
use support::{Harness, filter, registry_of};
use tracing::{Level, Metadata, event, info_span};
use tracing_weaver_layers::Settings;

const REGISTRY: &str = include_str!("support/findings.yaml");

fn settings(directives: &str) -> Settings {
    let mut settings = Settings::new(registry_of(REGISTRY));
    settings.filter = filter(directives);
    settings
}

fn harness() -> Harness {
    Harness::new(settings("info"))
}

/// Runs code inside a shop.
fn in_shop(harness: &Harness, code: impl FnOnce()) {
    harness.run(|| info_span!(target: "shop", "f.shop", f.shop.id = "north", f.shop.city = "Bern").in_scope(code));
}

#[test]
fn findings_can_be_switched_off_and_there_are_none_without_a_registry() {
    let mut off = settings("info");
    off.findings = false;
    for settings in [off, Settings::new(Arc::default())] {
        let harness = Harness::new(settings);
        in_shop(&harness, || {
            event!(name: "f.order.unknown", Level::INFO, {});
            event!(name: "f.order.accept", Level::WARN, items = -1, outcome = "x", f.shop.id = "other");
        });
        assert_eq!(harness.weaver.findings(0, usize::MAX), []);
    }
}

#[test]
fn each_reader_sees_each_finding_once_and_in_order() {
    let harness = harness();
    harness.run(|| {
        event!(name: "f.order.one", target: "steps", Level::INFO, {});
        event!(name: "f.order.two", target: "steps", Level::INFO, {});
    });
    let all = harness.weaver.findings(0, usize::MAX);
    let mut steps = Vec::new();
    loop {
        let some = harness.weaver.findings(steps.len(), 1);
        if some.is_empty() {
            break;
        }
        steps.extend(some);
    }
    assert_eq!(steps[..all.len()], all[..]);
    let of_mine: Vec<_> = all.iter().filter(|finding| finding.target == "steps").map(|finding| finding.name.as_str()).collect();
    assert_eq!(of_mine, ["f.order.one", "f.order.two"]);
}

/// Callsites made while the program runs, as many as one likes.
fn callsites(count: usize, target: &'static str) -> Vec<&'static Metadata<'static>> {
    struct Site(std::sync::OnceLock<&'static Metadata<'static>>);
    impl tracing::Callsite for Site {
        fn set_interest(&self, _: tracing::subscriber::Interest) {}
        fn metadata(&self) -> &Metadata<'_> {
            self.0.get().unwrap()
        }
    }
    let make = |at: usize| {
        let site: &'static Site = Box::leak(Box::new(Site(std::sync::OnceLock::new())));
        let name = Box::leak(format!("f.order.made_{at}").into_boxed_str());
        let fields = tracing::field::FieldSet::new(&[], tracing::callsite::Identifier(site));
        let metadata = Metadata::new(name, target, Level::INFO, None, None, None, fields, tracing::metadata::Kind::EVENT);
        let metadata: &'static Metadata<'static> = Box::leak(Box::new(metadata));
        let _ = site.0.set(metadata);
        metadata
    };
    // Callsites live for ever; kept here, so that the sanitizer does not take them for lost.
    static KEPT: std::sync::Mutex<Vec<&'static Metadata<'static>>> = std::sync::Mutex::new(Vec::new());
    let made: Vec<_> = (0..count).map(make).collect();
    KEPT.lock().unwrap().extend(&made);
    made
}

#[test]
fn ten_thousand_callsites_that_are_wrong_stay_bounded_and_the_rest_is_counted() {
    let harness = harness();
    harness.run(|| {
        tracing::dispatcher::get_default(|default| {
            for site in callsites(10_000, "many") {
                default.register_callsite(site);
                default.register_callsite(site);
            }
        });
    });
    let found = harness.weaver.findings(0, usize::MAX);
    assert!(found.len() > 500 && found.len() <= 1024, "{}", found.len());
    assert!(harness.weaver.findings_left_out() >= 10_000 - 1024, "{}", harness.weaver.findings_left_out());
    assert_eq!(harness.weaver.findings(0, usize::MAX).len(), found.len());
}

#[test]
fn two_live_dispatchers_do_not_wait_for_each_other_while_callsites_register_and_findings_are_read() {
    let (one, two) = (Arc::new(harness()), Arc::new(harness()));
    let (done, ended) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        std::thread::scope(|scope| {
            for harness in [&one, &two] {
                scope.spawn(|| {
                    harness.run(|| {
                        event!(name: "f.order.left", target: "two", Level::INFO, {});
                        tracing::callsite::rebuild_interest_cache();
                        event!(name: "f.order.right", target: "two", Level::INFO, {});
                    })
                });
                scope.spawn(|| (0..200).for_each(|_| drop(harness.weaver.findings(0, usize::MAX))));
            }
        });
        let names =
            |harness: &Harness| found(harness, "two").iter().map(|finding| finding.name.clone()).collect::<std::collections::BTreeSet<_>>();
        done.send((names(&one), names(&two))).unwrap();
    });
    let (one, two) = ended.recv_timeout(std::time::Duration::from_secs(60)).expect("nobody waits for ever");
    assert_eq!(one, two);
    assert!(one.contains("f.order.left") && one.contains("f.order.right"), "{one:?}");
}
