//! Keys of entities and of the resource, written on an event: no value stands twice.
//!
//! One sentence of the contract, case by case. It must never depend on what the metrics of the event come to.

#[path = "support/mod.rs"]
mod support;

use support::{Any, Harness, Said, settings};
use tracing::{Level, event, info_span};
use tracing_weaver_layers::FieldDropReason::Undeclared;
use tracing_weaver_layers::Value;

fn keys(said: &[Said]) -> Vec<Vec<&str>> {
    said.iter().map(Said::keys).collect()
}

#[test]
fn a_key_equal_to_the_entity_in_force_is_dropped_without_a_word() {
    let mut harness = Harness::filtered("info");
    harness.run(|| {
        let _node = info_span!("t.node", t.node.id = "n", t.node.kind = "sort").entered();
        let _channel = info_span!("t.channel", t.channel.id = 7).entered();
        event!(name: "t.say", Level::INFO, t.node.id = "n", t.channel.id = 7u64, t.seq = 1);
        event!(name: "t.say", Level::INFO, t.node.id = %"n", t.channel.id = %7, t.seq = 1);
        event!(name: "t.say", Level::INFO, t.node.id = String::from("n"), t.channel.id = 7u128, t.seq = 1);
        event!(name: "t.hand", Level::INFO, node = "n", t.seq = 1);
        event!(name: "x.other", Level::INFO, t.node.id = "n", t.node.kind = "sort", t.channel.id = 7i8, t.seq = 1);
        event!(name: "t.tick", Level::INFO, t.node.id = "n", t.seq = 1);
        tracing::info!(t.node.id = "n", t.seq = 1);
    });
    assert_eq!(keys(&harness.drain()), vec![["t.seq"]; 7]);
    let stats = harness.stats();
    assert_eq!((stats.identity_conflicts, stats.fields_dropped), (0, vec![]));
}

#[test]
fn a_key_that_differs_from_the_entity_in_force_is_dropped_and_counted() {
    let mut harness = Harness::filtered("info");
    harness.run(|| {
        let _node = info_span!("t.node", t.node.id = "n", t.node.kind = "sort").entered();
        let _channel = info_span!("t.channel", t.channel.id = 7).entered();
        event!(name: "t.say", Level::INFO, t.node.id = "m", t.channel.id = 8, t.seq = 1);
        event!(name: "t.hand", Level::INFO, node = "m", t.seq = 1);
        event!(name: "x.other", Level::INFO, t.node.id = 7, t.node.kind = ?"sort", t.channel.id = 7.5, t.seq = 1);
        event!(name: "t.tick", Level::INFO, t.node.id = "m", t.seq = 1);
        tracing::info!(t.node.id = true, t.seq = 1);
    });
    let said = harness.drain();
    assert_eq!(keys(&said), vec![["t.seq"]; 5]);
    assert!(said.iter().all(|said| said.entities["t.node.id"] == "n" && said.entities["t.channel.id"] == "7"));
    assert_eq!(harness.stats().identity_conflicts, 2 + 1 + 3 + 1 + 1);
}

#[test]
fn without_such_an_entity_in_force_a_key_stays_where_the_event_declares_it() {
    let mut harness = Harness::filtered("info");
    harness.run(|| {
        let _channel = info_span!("t.channel", t.channel.id = 7).entered();
        event!(name: "t.say", Level::INFO, t.node.id = "n", t.channel.id = 7, t.seq = 1);
        event!(name: "t.hand", Level::INFO, node = "n");
        event!(name: "t.tick", Level::INFO, t.node.id = "n", t.seq = 1);
        event!(name: "x.other", Level::INFO, t.node.id = "n", t.node.kind = "sort");
    });
    let said = harness.drain();
    let expected = [vec!["t.node.id", "t.seq"], vec!["t.node.id"], vec!["t.seq"], vec!["t.node.id", "t.node.kind"]];
    assert_eq!(keys(&said), expected);
    assert_eq!((said[0].text("t.node.id"), said[1].text("t.node.id")), ("n", "n"));
    assert_eq!((harness.stats().identity_conflicts, harness.stats().fields_dropped), (0, vec![(Undeclared, 1)]));
}

#[test]
fn the_entities_in_force_are_those_of_the_place_that_the_event_names() {
    let mut harness = Harness::filtered("info");
    harness.run(|| {
        let outer = info_span!("t.node", t.node.id = "outer").entered();
        let inner = info_span!("t.node", t.node.id = "inner");
        let same = |said: &'static str| event!(name: "t.say", parent: &outer, Level::INFO, t.node.id = said);
        same("outer");
        inner.in_scope(|| {
            same("outer");
            event!(name: "t.say", Level::INFO, t.node.id = "inner");
            event!(name: "t.say", Level::INFO, t.node.id = "outer");
            event!(name: "t.say", parent: None, Level::INFO, t.node.id = "outer");
        });
    });
    let said = harness.drain();
    assert_eq!(keys(&said), [vec![], vec![], vec![], vec![], vec!["t.node.id"]]);
    assert_eq!(harness.stats().identity_conflicts, 1, "the outer node is not in force inside of an inner one");
}

#[test]
fn a_key_of_the_resource_never_stands_on_a_record() {
    let mut harness = {
        let mut settings = settings("info");
        settings.resource = vec![("service.name".into(), Value::Str("shop".into())), ("t.text".into(), Value::Int(5))];
        Harness::new(settings)
    };
    harness.run(|| {
        event!(name: "t.say", Level::INFO, service.name = "shop", t.text = 5, t.seq = 1);
        event!(name: "x.other", Level::INFO, service.name = ?format_args!("shop"), t.text = %5, t.seq = 1);
        event!(name: "t.tick", Level::INFO, service.name = "shop", t.seq = 1);
        let silent = harness.stats();
        assert_eq!((silent.identity_conflicts, silent.fields_dropped), (0, vec![]));
        event!(name: "t.say", Level::INFO, service.name = "stall", t.text = "other", t.seq = 1);
        tracing::info!(service.name = "stall", t.seq = 1);
    });
    assert_eq!(keys(&harness.drain()), vec![["t.seq"]; 5]);
    assert_eq!(harness.stats().identity_conflicts, 3);
}

#[test]
fn a_resource_entity_is_opened_by_no_span_and_its_keys_are_plain_ones() {
    let mut harness = Harness::filtered("info");
    harness.run(|| {
        let _service = info_span!("service", service.name = "shop").entered();
        event!(name: "t.say", Level::INFO, service.name = "shop");
        event!(name: "x.other", Level::INFO, service.name = "shop");
    });
    let said = harness.drain();
    assert!(said.iter().all(|said| said.types.is_empty() && said.text("service.name") == "shop"));
}

#[test]
fn values_recorded_on_an_entity_span_later_are_ignored_and_counted() {
    let mut harness = Harness::filtered("info");
    harness.run(|| {
        let node = info_span!("t.node", t.node.id = "n", t.node.kind = tracing::field::Empty);
        node.record("t.node.kind", "late");
        let nameless = info_span!("t.node", t.node.id = tracing::field::Empty);
        nameless.record("t.node.id", "late");
        node.in_scope(|| event!(name: "t.tick", Level::INFO, t.seq = 1));
        nameless.in_scope(|| event!(name: "t.tick", Level::INFO, t.seq = 2));
    });
    let said = harness.drain();
    assert_eq!(said[0].entities, [("t.node.id".to_owned(), "n".to_owned())].into());
    assert_eq!((said[1].entities.len(), said[1].get("t.seq")), (0, Some(&Any::Int(2))));
    assert_eq!((harness.stats().late_values, harness.stats().entities_refused), (2, 1));
}
