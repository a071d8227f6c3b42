//! What findings advise holds: pasted, it ends the finding, says what is true, and lets nothing out that must not leave.
//!
//! Small registries, one question each. Each test has targets of its own, since every layer of the process hears of every callsite.

#[path = "support/mod.rs"]
mod support;

use support::{Harness, filter, registry_of};
use tracing::{Level, event};
use tracing_weaver_layers::{Finding, Settings};

fn harness(registry: &str) -> Harness {
    let mut settings = Settings::new(registry_of(registry));
    settings.filter = filter("info");
    Harness::new(settings)
}

/// What was found at callsites of this target.
fn found(harness: &Harness, target: &str) -> Vec<Finding> {
    harness.weaver.findings(0, usize::MAX).into_iter().filter(|finding| finding.target == target).collect()
}

/// The one finding of this target.
fn only(harness: &Harness, target: &str) -> Finding {
    let found = found(harness, target);
    assert_eq!(found.len(), 1, "{found:#?}");
    found.into_iter().next().unwrap()
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
