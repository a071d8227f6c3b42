//! Metric sets: who belongs to which, and what holds one together.

use crate::texts::{fault, faults, sound};
use tracing_weaver_registry::model::ResolvedRegistry;

const BASE: &str = "attributes:
  - {key: a.id, type: string, brief: B., stability: stable}
  - {key: a.flag, type: boolean, brief: B., stability: stable}
  - {key: a.outcome, type: {members: [{id: ok}, {id: fail}]}, brief: B., stability: stable}
entities:
  - {type: node, brief: B., stability: stable, identity: [{ref: a.id}]}
  - {type: channel, brief: B., stability: stable, identity: [{ref: a.id}]}
  - {type: service, brief: B., stability: stable, identity: [{ref: a.id}]}
attribute_groups:
  - {id: dims, visibility: internal, attributes: [{ref: a.flag}, {ref: a.outcome}]}
";

fn group(annotation: &str) -> String {
    format!(
        "  - {{id: set, visibility: public, brief: Together., stability: stable, attributes: [{{ref_group: dims}}], annotations: {{tracing_weaver: {{{annotation}}}}}}}\n"
    )
}

fn metric(name: &str, rest: &str, annotation: &str) -> String {
    format!(
        "  - {{name: {name}, brief: B., stability: stable, unit: s, instrument: gauge, {rest}, annotations: {{tracing_weaver: {{{annotation}}}}}}}\n"
    )
}

fn types<'r>(registry: &'r ResolvedRegistry, set: &str) -> Vec<&'r str> {
    let set = registry.metric_set(registry.metric_set_by_name(set).expect("the set"));
    set.entities.iter().map(|entity| registry.entity(*entity).entity_type.as_str()).collect()
}

const DIMS: &str = "attributes: [{ref_group: dims}]";

#[test]
fn metrics_that_name_a_public_group_share_its_dimensions_and_their_entity() {
    let registry = sound(&format!(
        "{BASE}{}metrics:\n{}{}",
        group(""),
        metric("m.b", &format!("{DIMS}, entity_associations: [node, service]"), "metric_set: set"),
        metric("m.a", &format!("{DIMS}, entity_associations: [{{all_of: [service, node]}}]"), "metric_set: set"),
    ));
    assert_eq!(registry.metric_sets.len(), 1);
    let set = &registry.metric_sets[0];
    assert_eq!((set.name.as_str(), set.brief.as_str()), ("set", "Together."));
    let dimensions: Vec<&str> = set.dimensions.iter().map(|dimension| registry.attribute(dimension.attribute).key.as_str()).collect();
    assert_eq!(dimensions, ["a.flag", "a.outcome"]);
    let members: Vec<&str> = set.metrics.iter().map(|metric| registry.metric(*metric).name.as_str()).collect();
    assert_eq!(members, ["m.a", "m.b"]);
    assert_eq!(types(&registry, "set"), ["node"], "the resource's entities are no entities of a set");
    assert!(registry.metrics.iter().all(|metric| registry.metric_set(metric.set).name == "set"));
}

#[test]
fn a_metric_that_names_no_set_is_a_set_of_its_own() {
    let registry = sound(&format!("{BASE}metrics:\n{}", metric("m.a", &format!("{DIMS}, entity_associations: [node, channel]"), "")));
    assert_eq!((registry.metric_sets[0].name.as_str(), registry.metric_sets[0].dimensions.len()), ("m.a", 2));
    assert_eq!(types(&registry, "m.a"), ["channel", "node"]);
}

#[test]
fn the_group_may_say_entity_and_kept_ancestors() {
    let registry = sound(&format!(
        "{BASE}{}metrics:\n{}{}",
        group("metric_set: {entity: channel, keep: [node]}"),
        metric("m.a", &format!("{DIMS}, entity_associations: [channel, node]"), "metric_set: set"),
        metric("m.b", DIMS, "metric_set: set"),
    ));
    assert_eq!(types(&registry, "set"), ["channel"]);
    let keep = registry.metric_sets[0].keep.as_ref().expect("kept types");
    assert_eq!(keep.iter().map(|entity| registry.entity(*entity).entity_type.as_str()).collect::<Vec<_>>(), ["node"]);
}

#[test]
fn a_set_that_is_no_public_group_is_a_fault() {
    let with = |set: &str| format!("{BASE}{}metrics:\n{}", group(""), metric("m.a", DIMS, &format!("metric_set: {set}")));
    assert_eq!(
        fault(&with("sett")),
        "a.yaml:14:151: no metric set `sett` (expected the id of a public attribute group that holds the shared dimensions; help: did you mean `set`?)"
    );
    assert!(fault(&with("dims")).contains("the internal attribute group `dims` as a metric set"));
    assert!(fault(&with("{entity: node}")).contains("a map as `metric_set` of a metric"));
    assert!(fault(&with("3")).contains("the integer 3 as `metric_set`"));
}

#[test]
fn a_metric_with_other_dimensions_than_its_set_is_a_fault_that_names_them() {
    let shown =
        fault(&format!("{BASE}{}metrics:\n{}", group(""), metric("m.a", "attributes: [{ref: a.flag}, {ref: a.id}]", "metric_set: set")));
    assert!(
        shown.contains("the metric `m.a` has not the dimensions of its set `set`: it lacks `a.outcome`, it has `a.id` beyond them"),
        "{shown}"
    );
}

#[test]
fn metrics_of_one_set_with_different_entities_are_a_fault() {
    assert_eq!(
        faults(&format!(
            "{BASE}{}metrics:\n{}{}{}",
            group(""),
            metric("m.a", &format!("{DIMS}, entity_associations: [node]"), "metric_set: set"),
            metric("m.b", &format!("{DIMS}, entity_associations: [channel]"), "metric_set: set"),
            metric("m.c", DIMS, "metric_set: set"),
        ))
        .len(),
        2
    );
    let shown = fault(&format!(
        "{BASE}{}metrics:\n{}",
        group("metric_set: {entity: channel}"),
        metric("m.a", &format!("{DIMS}, entity_associations: [node]"), "metric_set: set")
    ));
    assert!(shown.contains("the metric `m.a` describes `node`, its set `set` `channel`"), "{shown}");
}

#[test]
fn entities_that_a_set_names_must_exist() {
    let shown = fault(&format!("{BASE}{}", group("metric_set: {entity: chanel}")));
    assert!(shown.contains("no entity `chanel`") && shown.contains("did you mean `channel`?"), "{shown}");
    assert_eq!(faults(&format!("{BASE}{}", group("metric_set: {keep: [nod]}"))).len(), 1);
    assert_eq!(faults(&format!("{BASE}{}", group("metric_set: {entity: node, kept: [node]}"))).len(), 1);
    assert_eq!(faults(&format!("{BASE}{}", group("metric_set: node"))).len(), 1);
}

#[test]
fn a_metric_in_no_set_must_not_be_named_like_one() {
    let shown = fault(&format!("{BASE}{}metrics:\n{}{}", group(""), metric("set", DIMS, ""), metric("m.a", DIMS, "metric_set: set")));
    assert!(shown.contains("the metric `set` is in no set and named like one"), "{shown}");
}

#[test]
fn a_set_may_have_two_thousand_series_and_no_more() {
    let with = |first: usize, second: usize| {
        let members = |count: usize| (0..count).map(|id| format!("{{id: v{id}}}")).collect::<Vec<_>>().join(", ");
        format!(
            "attributes:
  - {{key: a.x, type: {{members: [{}]}}, brief: B., stability: stable}}
  - {{key: a.y, type: {{members: [{}]}}, brief: B., stability: stable}}
  - {{key: a.free, type: string, brief: B., stability: stable}}
metrics:
  - {{name: m, brief: B., stability: stable, unit: s, instrument: gauge, attributes: [{{ref: a.x}}, {{ref: a.y}}, {{ref: a.free}}]}}",
            members(first),
            members(second)
        )
    };
    sound(&with(49, 39));
    assert_eq!(
        fault(&with(49, 40)),
        "a.yaml:7:12: the metric set `m` may have 2050 series: 50 of `a.x` × 41 of `a.y` (expected at most 2000 (members of each closed enum and one for any other value, multiplied); help: take a dimension away, or split the set)"
    );
}
