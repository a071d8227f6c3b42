//! Names under `tracing_weaver`: which there are, and what they may stand on.

use crate::texts::{fault, faults, sound};
use tracing_weaver_registry::model::{AnnotationValue, Severity};

#[test]
fn an_unknown_name_is_a_fault_with_the_nearest_known_one() {
    assert_eq!(
        fault("events:\n  - {name: e, brief: B., stability: stable, annotations: {tracing_weaver: {severty: info}}}"),
        "a.yaml:3:76: the unknown name `severty` under `tracing_weaver` (expected `severity`, `forward`, `rate`, `after`, `duplicate_records`, `also_emit`, `alias` or `remove_in`; help: did you mean `severity`?)"
    );
}

#[test]
fn a_known_name_on_the_wrong_kind_of_item_is_a_fault_that_says_where_it_belongs() {
    assert_eq!(
        fault("attributes:\n  - {key: a.b, type: int, brief: B., stability: stable, annotations: {tracing_weaver: {fold: {event: e}}}}"),
        "a.yaml:3:88: `fold` on an attribute (expected it on a metric)"
    );
    assert_eq!(
        fault(
            "metrics:\n  - {name: m, brief: B., stability: stable, unit: s, instrument: gauge}\nmetric_refinements:\n  - {id: r, ref: m, annotations: {tracing_weaver: {remove_in: 2.0.0, fold: {observe: true}}}}"
        ),
        "a.yaml:5:76: `fold` on the refinement of a metric of this registry (expected it on the metric `m`)"
    );
    let item = |section: &str, rest: &str, annotation: &str| {
        format!("{section}:\n  - {{{rest}, brief: B., stability: stable, annotations: {{tracing_weaver: {{{annotation}}}}}}}")
    };
    for (section, rest, annotation) in [
        ("events", "name: e", "sensitivity: secret"),
        ("events", "name: e", "resource: true"),
        ("events", "name: e", "metric_set: m"),
        ("metrics", "name: m, unit: s, instrument: gauge", "severity: info"),
        ("metrics", "name: m, unit: s, instrument: gauge", "redact: drop"),
        ("spans", "type: s, kind: client, name: {note: n}", "fold: {observe: true}"),
        ("spans", "type: s, kind: client, name: {note: n}", "forward: false"),
        ("attribute_groups", "id: g, visibility: public", "fold: {observe: true}"),
        ("attributes", "key: a.b, type: int", "aggregation: mmsc"),
    ] {
        let found = faults(&item(section, rest, annotation));
        assert!(found.len() == 1 && found[0].ends_with("InvalidAnnotation"), "{section} {annotation}: {found:?}");
    }
}

#[test]
fn names_that_are_not_acted_on_yet_are_kept_as_they_were_written() {
    let registry = sound(
        "
events:
  - name: e
    brief: B.
    stability: stable
    annotations:
      tracing_weaver: {rate: {per_second: 5, burst: 10}, after: [e], also_emit: [{name: old.e, until: 2.0.0}], alias: [x], remove_in: 3.0.0}
",
    );
    let (name, AnnotationValue::Map(kept)) = &registry.events[0].annotations[0] else { panic!("a map") };
    let keys: Vec<&str> = kept.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!((name.as_str(), keys), ("tracing_weaver", vec!["rate", "after", "also_emit", "alias", "remove_in"]));
}

#[test]
fn an_enum_member_may_carry_any_known_name() {
    let with = |annotation: &str| {
        format!(
            "attributes:\n  - {{key: a.b, type: {{members: [{{id: a, annotations: {{tracing_weaver: {{{annotation}}}}}}}]}}, brief: B., stability: stable}}"
        )
    };
    sound(&with("severity: warn, remove_in: 2.0.0"));
    assert_eq!(faults(&with("colour: red")), ["3:72 InvalidAnnotation"]);
}

#[test]
fn an_event_says_its_severity_and_whether_it_becomes_a_record() {
    let with =
        |annotation: &str| format!("events:\n  - {{name: e, brief: B., stability: stable, annotations: {{tracing_weaver: {annotation}}}}}");
    let event = |annotation: &str| {
        let registry = sound(&with(annotation));
        (registry.events[0].severity, registry.events[0].forward)
    };
    assert_eq!(event("~"), (None, true));
    assert_eq!(event("{}"), (None, true));
    assert_eq!(event("{forward: true, severity: trace}"), (Some(Severity::Trace), true));
    assert_eq!(event("{forward: false, severity: error}"), (Some(Severity::Error), false));
    for wrong in ["{severity: fatal}", "{severity: 9}", "{forward: no}", "3", "[severity]"] {
        assert_eq!(faults(&with(wrong)).len(), 1, "{wrong}");
    }
}
