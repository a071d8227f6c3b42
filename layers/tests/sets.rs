//! Metric sets: whose series a measurement goes to, what stands on its scope, and what is not built yet and says so.
//!
//! Small registries, one question each. No test here may need a record.

#[path = "support/mod.rs"]
mod support;

use std::collections::BTreeSet;

use support::{Harness, Total, filter, ints, registry_of};
use tracing::{Level, event, info_span};
use tracing_weaver_layers::{PointValue, Settings};

/// Attributes, entities and an event that the registries share; `rest` holds groups and metrics.
fn harness(rest: &str) -> Harness {
    let head = "
file_format: definition/2
attributes:
  - {key: s.a, type: string, brief: A., stability: development}
  - {key: s.b, type: string, brief: B., stability: development}
  - {key: s.c, type: string, brief: C., stability: development}
  - {key: s.host, type: string, brief: Host., stability: development}
  - {key: s.n, type: int, brief: A number., stability: development, annotations: {tracing_weaver: {field: [number]}}}
  - {key: s.x, type: double, brief: A number., stability: development}
  - {key: s.free, type: string, brief: No closed set., stability: development}
  - key: s.way
    type: {members: [{id: in}, {id: out}]}
    brief: Way.
    stability: development
    annotations: {tracing_weaver: {field: [way]}}
entities:
  - {type: s.a, brief: A., stability: development, identity: [{ref: s.a}]}
  - {type: s.b, brief: B., stability: development, identity: [{ref: s.b}]}
  - {type: s.c, brief: C., stability: development, identity: [{ref: s.c}]}
  - {type: s.host, brief: Host., stability: development, identity: [{ref: s.host}], annotations: {tracing_weaver: {resource: true}}}
events:
  - {name: s.event, brief: Event., stability: development, attributes: [{ref: s.n}, {ref: s.x}, {ref: s.free}]}
spans:
  - {type: s.span, kind: internal, brief: Span., stability: development, name: {note: Its type.}}
";
    let mut settings = Settings::new(registry_of(&format!("{head}{rest}")));
    settings.filter = filter("off");
    Harness::new(settings)
}

/// One metric with these further lines.
fn metric(name: &str, instrument: &str, entities: &str, ours: &str) -> String {
    format!(
        "  - {{name: {name}, brief: Metric., unit: '1', instrument: {instrument}, stability: development, \
         entity_associations: [{entities}], annotations: {{tracing_weaver: {{{ours}}}}}}}\n"
    )
}

fn all_entered(code: impl FnOnce()) {
    let _a = info_span!("s.a", s.a = "1").entered();
    let _b = info_span!("s.b", s.b = "2").entered();
    let _host = info_span!("s.host", s.host = "h").entered();
    let _c = info_span!("s.c", s.c = "3").entered();
    code();
}

#[test]
fn a_set_keeps_the_ancestors_that_it_names_and_always_its_own_entity() {
    for (keep, expected) in
        [("", "s.a=1,s.b=2,s.c=3"), ("keep: [s.a]", "s.a=1,s.c=3"), ("keep: [s.b, s.a]", "s.a=1,s.b=2,s.c=3"), ("keep: []", "s.c=3")]
    {
        let group = format!(
            "attribute_groups:\n  - {{id: s.set, visibility: public, brief: Set., stability: development, \
             annotations: {{tracing_weaver: {{metric_set: {{entity: s.c{}{keep}}}}}}}}}\n",
            if keep.is_empty() { "" } else { ", " }
        );
        let harness = harness(&format!(
            "{group}metrics:\n{}",
            metric("s.sum", "counter", "s.c", "metric_set: s.set, fold: {event: s.event, value: s.n}")
        ));
        harness.run(|| all_entered(|| event!(name: "s.event", Level::TRACE, s.n = 1)));
        assert_eq!(harness.totals(), ints([(&format!("s.sum{{{expected}}}[]"), 1)]), "{keep}");
    }
}

#[test]
fn of_several_entities_that_a_set_may_describe_the_innermost_in_force_is_its_own() {
    let harness = harness(&format!("metrics:\n{}", metric("s.sum", "counter", "s.a, s.b", "fold: {event: s.event, value: s.n}")));
    harness.run(|| {
        all_entered(|| event!(name: "s.event", Level::TRACE, s.n = 1));
        let _b = info_span!("s.b", s.b = "2").entered();
        event!(name: "s.event", Level::TRACE, s.n = 10);
        let _a = info_span!("s.a", s.a = "1").entered();
        event!(name: "s.event", Level::TRACE, s.n = 100);
        let _c = info_span!(parent: None, "s.c", s.c = "3").entered();
        event!(name: "s.event", Level::TRACE, s.n = 1_000);
    });
    assert_eq!(harness.totals(), ints([("s.sum{s.a=1,s.b=2}[]", 101), ("s.sum{s.b=2}[]", 10), ("s.sum{}[]", 1_000)]));
    assert_eq!(harness.stats().measurements_unattributed, 1);
}

#[test]
fn a_set_of_the_resource_or_of_nothing_has_one_series_and_is_never_unattributed() {
    let metrics =
        [metric("s.of.host", "counter", "s.host", "fold: {event: s.event}"), metric("s.of.none", "counter", "", "fold: {event: s.event}")];
    let harness = harness(&format!("metrics:\n{}", metrics.concat()));
    harness.run(|| {
        event!(name: "s.event", Level::TRACE, s.n = 1);
        all_entered(|| event!(name: "s.event", Level::TRACE, s.n = 1));
    });
    assert_eq!(harness.totals(), ints([("s.of.host{}[]", 2), ("s.of.none{}[]", 2)]));
    assert_eq!(harness.stats().measurements_unattributed, 0);
}

#[test]
fn field_names_count_where_event_or_set_declares_the_attribute_and_the_first_field_counts() {
    let metric = "
metrics:
  - name: s.sum
    brief: Sum.
    unit: '1'
    instrument: counter
    stability: development
    attributes: [{ref: s.way}]
    annotations: {tracing_weaver: {fold: {event: s.event, value: s.n}}}
";
    let harness = harness(metric);
    harness.run(|| {
        event!(name: "s.event", Level::TRACE, number = 1, way = "in");
        event!(name: "s.event", Level::TRACE, s.n = 10, number = 100, s.way = "out", way = "in");
        event!(name: "s.event", Level::TRACE, number = 100, s.n = 10, way = "in", s.way = "out");
    });
    assert_eq!(harness.totals(), ints([("s.sum{}[s.way=in]", 101), ("s.sum{}[s.way=out]", 10)]));
}

#[test]
fn constants_may_be_any_integer_and_an_event_without_the_value_measures_nothing() {
    let metrics = [
        metric("s.down", "updowncounter", "", "fold: {event: s.event, value: -3}"),
        metric("s.none", "updowncounter", "", "fold: {event: s.event, value: 0}"),
        metric("s.sum", "counter", "", "fold: {event: s.event, value: s.n}"),
    ];
    let harness = harness(&format!("metrics:\n{}", metrics.concat()));
    harness.run(|| {
        event!(name: "s.event", Level::TRACE, s.n = None::<i64>);
        event!(name: "s.event", Level::TRACE, { other = 1 }, "text");
    });
    assert_eq!(harness.totals(), ints([("s.down{}[]", -6), ("s.none{}[]", 0)]));
}

#[test]
fn a_histogram_has_the_default_bounds_its_own_or_none_and_a_value_on_a_bound_is_below_it() {
    let metrics = [
        metric("s.default", "histogram", "", "fold: {event: s.event, value: s.x}"),
        metric("s.explicit", "histogram", "", "aggregation: {explicit: [-1, 0, 2.5]}, fold: {event: s.event, value: s.x}"),
        metric("s.mmsc", "histogram", "", "aggregation: mmsc, fold: {event: s.event, value: s.x}"),
        metric("s.exponential", "histogram", "", "aggregation: exponential, fold: {event: s.event, value: s.n}"),
    ];
    let harness = harness(&format!("metrics:\n{}", metrics.concat()));
    harness.run(|| [0.0, 2.5, 2.6, 5.0, 1e9].into_iter().for_each(|x| event!(name: "s.event", Level::TRACE, s.x = x, s.n = 4)));
    let totals = harness.totals();
    let histogram = |name: &str| match &totals[&format!("{name}{{}}[]")] {
        Total::Histogram { counts, sum, min, max } => (counts.clone(), *sum, *min, *max),
        other => panic!("{other:?}"),
    };
    let default = [1, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1].to_vec();
    assert_eq!(histogram("s.default"), (default, 1_000_000_010.1, 0.0, 1e9));
    assert_eq!(histogram("s.explicit").0, [0, 1, 1, 3]);
    assert_eq!((histogram("s.mmsc").0, histogram("s.exponential")), (vec![5], (vec![5], 20.0, 4.0, 4.0)));
}

#[test]
fn the_start_of_a_series_never_moves_and_sets_stand_in_order() {
    let metrics = [metric("s.sum", "counter", "s.a", "fold: {event: s.event}"), metric("s.all", "counter", "", "fold: {event: s.event}")];
    let harness = harness(&format!("metrics:\n{}", metrics.concat()));
    let look = || -> Vec<_> { harness.weaver.snapshot().sets.iter().map(|set| ((set.set, set.context.id), set.start_unix_nano)).collect() };
    let emit = |a: &str| harness.run(|| info_span!("s.a", s.a = a).in_scope(|| event!(name: "s.event", Level::TRACE, s.n = 1)));
    let mut before = Vec::new();
    for a in ["z", "m", "a", "z"] {
        std::thread::scope(|scope| drop(scope.spawn(|| emit(a)).join()));
        emit(a);
        let now = look();
        assert!(now.windows(2).all(|pair| pair[0].0 < pair[1].0), "{now:?}");
        assert!(before.iter().all(|series| now.contains(series)), "{before:?} became {now:?}");
        before = now;
    }
    let snapshot = harness.weaver.snapshot();
    let day = 86_400_000_000_000;
    assert!(snapshot.sets.iter().all(|set| set.start_unix_nano.abs_diff(snapshot.time_unix_nano) < day));
    let count = snapshot.sets.iter().flat_map(|set| &set.points).flat_map(|point| &point.values).map(|(_, value)| match value {
        PointValue::Int(n) => *n,
        other => panic!("{other:?}"),
    });
    assert_eq!(count.sum::<i64>(), 2 * 8);
}

#[test]
fn what_is_not_built_yet_is_said_once_each_and_measures_nothing() {
    let metrics = [
        metric("s.span.time", "histogram", "", "fold: {span: s.span, value: duration}"),
        metric("s.watched", "gauge", "", "fold: {observe: true}"),
        metric("s.when", "counter", "", "fold: {event: s.event, when: {s.n: [1]}}"),
        metric("s.unit", "counter", "", "fold: {event: s.event, value: s.n, unit: ms}"),
        metric("s.exponential", "histogram", "", "aggregation: {exponential: {max_size: 20}}, fold: {event: s.event, value: s.n}"),
    ];
    let dimension = "
  - name: s.free.sum
    brief: Sum.
    unit: '1'
    instrument: counter
    stability: development
    attributes: [{ref: s.free}]
    annotations: {tracing_weaver: {fold: {event: s.event, value: s.n}}}
";
    let harness = harness(&format!("metrics:\n{}{}", metrics.concat(), dimension.trim_start_matches('\n')));
    let notes = harness.weaver.notes();
    for name in ["s.span.time", "s.watched", "s.when", "s.unit", "s.exponential", "s.free.sum"] {
        assert_eq!(notes.iter().filter(|note| note.contains(&format!("`{name}`"))).count(), 1, "{name} in {notes:?}");
    }
    assert_eq!((notes.len(), notes.iter().collect::<BTreeSet<_>>().len()), (6, 6), "{notes:?}");
    harness.run(|| {
        info_span!("s.span").in_scope(|| event!(name: "s.event", Level::TRACE, s.n = 1, s.free = "a"));
        event!(name: "s.event", Level::TRACE, s.n = 1, s.free = "b");
    });
    let totals = harness.totals();
    assert_eq!(totals.keys().collect::<Vec<_>>(), ["s.exponential{}[]", "s.free.sum{}[]"]);
    assert_eq!(totals["s.free.sum{}[]"], Total::Int(2), "the values of a dimension that is no closed set are summed up");
}
