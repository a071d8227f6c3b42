//! What findings advise holds: pasted, it ends the finding, says what is true, and lets nothing out that must not leave.
//!
//! Small registries, one question each. Each test has targets of its own, since every layer of the process hears of every callsite.

#[cfg(feature = "spans")]
#[path = "support/spans.rs"]
mod spans;
#[path = "support/mod.rs"]
mod support;

#[cfg(feature = "spans")]
use std::sync::Arc;

use support::met::{found, only};
use support::{Harness, filter, registry_of};
use tracing::{Level, event, info_span};
use tracing_weaver_layers::Settings;

fn harness(registry: &str) -> Harness {
    let mut settings = Settings::new(registry_of(registry));
    settings.filter = filter("info");
    Harness::new(settings)
}

/// An event whose metric requires a dimension that the event need not give.
const LIFT: &str = "
file_format: definition/2
attributes:
  - {key: y.outcome, type: {members: [{id: placed}, {id: dropped}]}, brief: How it went., stability: development}
  - {key: y.crane, type: {members: [{id: north}, {id: south}]}, brief: Which., stability: development}
events:
  - name: y.lift
    brief: A load was lifted.
    stability: development
    attributes: [{ref: y.outcome, requirement_level: recommended, annotations: {tracing_weaver: {field: [outcome]}}}]
metrics:
  - name: y.lifts
    brief: Lifts.
    unit: '1'
    instrument: counter
    stability: development
    attributes: [{ref: y.outcome, requirement_level: required}, {ref: y.crane, requirement_level: required}]
    annotations: {tracing_weaver: {fold: {event: y.lift}}}
";

#[test]
fn a_dimension_that_a_metric_alone_requires_is_said_to_be_the_metrics() {
    let harness = harness(LIFT);
    harness.run(|| {
        event!(name: "y.lift", target: "lacks", Level::INFO, y.crane = "north");
        event!(name: "y.lift", target: "by another name", Level::INFO, outcome = "placed", y.crane = "north");
        event!(name: "y.lift", target: "lacks the other", Level::INFO, outcome = "placed");
    });
    let lacks = only(&harness, "lacks");
    assert_eq!((lacks.id, lacks.attribute.as_deref(), lacks.yaml.as_deref()), ("required_attribute_not_present", Some("y.outcome"), None));
    let message = "event `y.lift` is emitted without `y.outcome`: metric `y.lifts`, which it feeds, requires that dimension";
    assert_eq!(lacks.message, message);
    assert_eq!(lacks.code.as_deref(), Some("event!(name: \"y.lift\", Level::INFO, y.crane = …, y.outcome = …);"));
    assert!(lacks.help.contains("`outcome`") && lacks.help.contains("the metric must not require it, at t.yaml:"), "{lacks}");
    assert_eq!(found(&harness, "by another name"), [], "the event's own name for it gives the metric's dimension");
    assert_eq!(only(&harness, "lacks the other").attribute.as_deref(), Some("y.crane"));
}

/// A secret template and a harmless one, what stands below them, and attributes that go by further names.
const KIOSK: &str = "
file_format: definition/2
attributes:
  - {key: k.id, type: string, brief: Id., stability: development}
  - {key: k.header, type: 'template[string]', brief: A header., stability: development, annotations: {tracing_weaver: {sensitivity: secret}}}
  - {key: k.cookie, type: 'template[string]', brief: A cookie., stability: development, annotations: {tracing_weaver: {sensitivity: personal}}}
  - {key: k.label, type: 'template[string]', brief: A label., stability: development}
  - {key: k.pin, type: string, brief: A pin., stability: development, annotations: {tracing_weaver: {sensitivity: secret, field: [pin]}}}
  - {key: k.free, type: string, brief: Free here and secret there., stability: development}
  - {key: k.size, type: int, brief: Size., stability: development}
entities:
  - {type: k.stand, brief: A stand., stability: development, identity: [{ref: k.id}]}
events:
  - {name: k.sell, brief: Sold., stability: development}
  - {name: k.header.read, brief: A header was read., stability: development}
  - {name: k.hide, brief: Hidden., stability: development, attributes: [{ref: k.free, annotations: {tracing_weaver: {sensitivity: secret}}}]}
";

#[test]
fn no_advice_takes_a_secret_into_the_registry() {
    let harness = harness(KIOSK);
    harness.run(|| {
        event!(name: "k.sell", target: "of a secret template", Level::INFO, k.header.auth = "x");
        event!(name: "k.sell", target: "of a personal template", Level::INFO, k.cookie.id = "x");
        event!(name: "k.sell", target: "of a harmless template", Level::INFO, k.label.colour = "x");
        event!(name: "k.sell", target: "by another name", Level::INFO, pin = "x");
        event!(name: "k.sell", target: "secret elsewhere", Level::INFO, k.free = "x");
        event!(name: "k.header.read", target: "in a secret namespace", Level::INFO, auth = "x");
        event!(name: "k.new", target: "new", Level::INFO, k.header.auth = "x", k.cookie.id = "x", pin = "x", k.free = "x", k.label.colour = "x");
        drop(info_span!(target: "entity", "k.stand", k.id = "a", k.header.auth = "x"));
    });
    for target in ["of a secret template", "by another name", "secret elsewhere", "entity"] {
        let finding = only(&harness, target);
        assert!(finding.yaml.is_none() && finding.help.contains("it is secret"), "{finding}");
    }
    assert_eq!(only(&harness, "in a secret namespace").yaml, None);
    let yaml = |target| only(&harness, target).yaml.unwrap();
    for (target, reference) in [("of a personal template", "- ref: k.cookie"), ("of a harmless template", "- ref: k.label")] {
        assert!(yaml(target).ends_with(reference) && !yaml(target).contains("key:"), "{}", yaml(target));
    }
    let references: Vec<_> = yaml("new").lines().filter_map(|line| line.trim().strip_prefix("- ref: ").map(str::to_owned)).collect();
    assert_eq!(references, ["k.cookie", "k.label"], "{}", yaml("new"));
    assert!(!yaml("new").contains("key:"), "{}", yaml("new"));
}

#[test]
fn an_attribute_of_an_entity_is_advised_by_its_key_alone_in_yaml_and_code() {
    let harness = harness(KIOSK);
    harness.run(|| {
        drop(info_span!(target: "stray", "k.stand", k.id = "a", stray = "x"));
        drop(info_span!(target: "known", "k.stand", k.id = "a", size = 3));
        drop(info_span!(target: "by its key", "k.stand", k.id = "a", k.colour = "red"));
    });
    let stray = only(&harness, "stray");
    assert!(stray.yaml.as_deref().is_some_and(|yaml| yaml.contains("- key: k.stray") && !yaml.contains("field:")), "{stray}");
    assert_eq!(stray.code.as_deref(), Some("info_span!(\"k.stand\", k.id = …, k.stray = …)"));
    let known = only(&harness, "known");
    assert!(known.yaml.as_deref().is_some_and(|yaml| yaml.ends_with("- ref: k.size")), "{known}");
    assert_eq!(known.code.as_deref(), Some("info_span!(\"k.stand\", k.id = …, k.size = …)"));
    assert_eq!(only(&harness, "by its key").code, None);
}

/// A span type whose one attribute has a name beside its key.
#[cfg(feature = "spans")]
const WORK: &str = "
file_format: definition/2
attributes:
  - {key: w.note, type: string, brief: A note., stability: development, annotations: {tracing_weaver: {field: [note]}}}
spans:
  - {type: w.work, kind: internal, name: {note: w.work}, brief: Work., stability: development, attributes: [{ref: w.note}]}
";

#[cfg(feature = "spans")]
#[test]
fn of_two_fields_for_one_attribute_of_a_span_the_value_given_last_is_said_to_be_exported_and_is() {
    let sink = Arc::new(spans::Spans::default());
    let harness = Harness::new(spans::traced_with(registry_of(WORK), "info", sink.clone()));
    harness.run(|| {
        drop(info_span!(target: "doubled", "w.work", note = "first", w.note = "second"));
        drop(info_span!(target: "doubled", "w.work", w.note = "first", note = "second"));
    });
    let exported: Vec<_> = sink.take().into_iter().map(|span| span.attributes).collect();
    assert_eq!(exported.len(), 2);
    for attributes in exported {
        assert_eq!(attributes.iter().map(|of| (of.key.as_str(), of.value.as_str())).collect::<Vec<_>>(), [("w.note", "second".into())]);
    }
    let found = found(&harness, "doubled");
    assert_eq!(found.iter().map(|finding| finding.id).collect::<Vec<_>>(), ["duplicate_attribute"; 2]);
    assert!(found.iter().all(|finding| finding.message.contains("the value that is given last is exported")), "{found:#?}");
}

#[test]
fn an_attribute_is_advised_with_the_type_that_its_values_had() {
    let harness = harness(KIOSK);
    harness.run(|| {
        event!(name: "k.sell", target: "int", Level::INFO, count = 3);
        event!(name: "k.sell", target: "boolean", Level::INFO, is_paid = true);
        event!(name: "k.sell", target: "double", Level::INFO, k.price = 1.5);
        event!(name: "k.sell", target: "string", Level::INFO, colour = "red");
        event!(name: "k.sell", target: "string # or int, double, boolean", Level::INFO, colour = None::<i64>);
        event!(name: "k.typed", target: "unknown", Level::INFO, count = 3u64, weight = 2.5, is_paid = false, colour = "red");
        drop(info_span!(target: "entity's", "k.stand", k.id = "a", k.level = 3));
        event!(name: "k.sell", target: "no name", Level::INFO, "" = 3);
    });
    for expected in ["int", "boolean", "double", "string", "string # or int, double, boolean"] {
        let yaml = only(&harness, expected).yaml.unwrap();
        assert!(yaml.contains(&format!("\n    type: {expected}\n")), "{yaml}");
    }
    let types = |target| {
        let yaml = only(&harness, target).yaml.unwrap();
        yaml.lines().filter_map(|line| line.strip_prefix("    type: ").map(str::to_owned)).collect::<Vec<_>>()
    };
    assert_eq!(types("unknown"), ["int", "double", "boolean", "string"]);
    assert_eq!(types("entity's"), ["int"]);
    assert_eq!(only(&harness, "no name").yaml, None);
}
