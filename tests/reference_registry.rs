//! The reference registry against the naming rules that its own kind of telemetry follows.
//!
//! Cargo runs it. It reads `registry/otelcol` as a program would. It never depends on the order of files.

use std::collections::{BTreeMap, BTreeSet};

use tracing_weaver_registry::model::{AttributeType, EnumValue, Instrument, ResolvedRegistry};

fn registry() -> ResolvedRegistry {
    tracing_weaver_registry::load(concat!(env!("CARGO_MANIFEST_DIR"), "/registry/otelcol")).unwrap_or_else(|faults| panic!("{faults}"))
}

/// Lower case, dots between namespaces, underscores inside a segment, starts with a letter, ends alphanumeric, no doubled delimiters.
fn is_a_name(name: &str) -> bool {
    let words = || name.split(['.', '_']);
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && words().all(|word| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()))
}

#[test]
fn every_name_is_well_formed_and_under_the_registrys_own_prefix() {
    let registry = registry();
    for key in registry.attributes.iter().map(|attribute| &attribute.key) {
        assert!(is_a_name(key) && key.contains('.'), "{key}");
    }
    let entities = registry.entities.iter().filter(|entity| !entity.resource).map(|entity| &entity.entity_type);
    let events = registry.events.iter().map(|event| &event.name);
    let metrics = registry.metrics.iter().map(|metric| &metric.name);
    let sets = registry.metric_sets.iter().map(|set| &set.name);
    for name in entities.chain(events).chain(metrics).chain(sets) {
        assert!(is_a_name(name) && name.starts_with("otelcol."), "{name}");
    }
}

#[test]
fn no_name_of_a_kind_is_a_namespace_of_another_or_differs_from_it_in_delimiters_alone() {
    let registry = registry();
    let kinds = [
        registry.attributes.iter().map(|attribute| attribute.key.as_str()).collect::<BTreeSet<_>>(),
        registry.metrics.iter().map(|metric| metric.name.as_str()).collect(),
    ];
    for names in kinds {
        for name in &names {
            let inside = names.iter().find(|other| other.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')));
            assert_eq!(inside, None, "`{name}` is a name and a namespace");
        }
        let constants: BTreeSet<_> = names.iter().map(|name| name.replace('.', "_")).collect();
        assert_eq!(constants.len(), names.len());
    }
}

#[test]
fn entities_events_spans_and_sets_share_no_name() {
    let registry = registry();
    let mut seen = BTreeMap::new();
    let entities = registry.entities.iter().map(|entity| (&entity.entity_type, "entity"));
    let events = registry.events.iter().map(|event| (&event.name, "event"));
    let spans = registry.spans.iter().map(|span| (&span.span_type, "span"));
    let sets = registry.metric_sets.iter().filter(|set| set.metrics.len() > 1).map(|set| (&set.name, "metric set"));
    for (name, kind) in entities.chain(events).chain(spans).chain(sets) {
        assert_eq!(seen.insert(name, kind), None, "`{name}` is also a {kind}");
    }
}

#[test]
fn events_end_in_a_verb_that_says_the_outcome_in_one_way_only() {
    for event in &registry().events {
        let verb = event.name.rsplit('.').next().unwrap_or_default();
        assert!(!["finish", "finished", "error", "failed", "success", "done", "end"].contains(&verb), "{}", event.name);
        assert!(event.severity.is_some(), "{} has no severity", event.name);
        assert!(event.association.is_some(), "{} describes no entity", event.name);
    }
}

#[test]
fn an_event_has_an_error_type_exactly_if_it_tells_of_a_failure() {
    let registry = registry();
    let error_type = registry.attribute_by_key("error.type").expect("error.type");
    for event in &registry.events {
        let failure = event.name.ends_with(".fail") || event.name.ends_with(".retry");
        assert_eq!(event.attributes.iter().any(|reference| reference.attribute == error_type), failure, "{}", event.name);
    }
}

#[test]
fn metrics_name_no_unit_and_have_one_and_a_sentence() {
    for metric in &registry().metrics {
        let name = &metric.name;
        assert!(!metric.unit.is_empty() && metric.brief.ends_with('.'), "{name}");
        let last = name.rsplit('.').next().unwrap_or_default();
        assert!(
            !["total", "bytes", "seconds", "ms", "count"].iter().any(|unit| last == *unit || last.ends_with(&format!("_{unit}"))),
            "{name}"
        );
        assert!(!metric.folds.is_empty(), "{name} is never recorded");
    }
}

#[test]
fn every_text_that_tells_entities_apart_has_a_bound() {
    let registry = registry();
    for entity in registry.entities.iter().filter(|entity| !entity.resource) {
        for reference in entity.identity.iter().chain(&entity.description) {
            let attribute = registry.attribute(reference.attribute);
            if attribute.attribute_type == AttributeType::String {
                assert!(attribute.cardinality_max.is_some(), "{}", attribute.key);
            }
        }
    }
}

#[test]
fn dimensions_are_closed_sets_in_lower_case() {
    let registry = registry();
    for reference in registry.metric_sets.iter().flat_map(|set| &set.dimensions) {
        let attribute = registry.attribute(reference.attribute);
        let AttributeType::Enum(closed) = &attribute.attribute_type else { panic!("{} is no closed set", attribute.key) };
        for member in &closed.members {
            assert!(matches!(&member.value, EnumValue::String(value) if is_a_name(value)), "{}: {}", attribute.key, member.id);
        }
    }
}

#[test]
fn the_entity_types_are_those_that_programs_and_receivers_rely_on() {
    let registry = registry();
    let keys = |references: &[tracing_weaver_registry::model::AttributeRef]| -> Vec<String> {
        references.iter().map(|reference| registry.attribute(reference.attribute).key.clone()).collect()
    };
    let identity = |entity: &str| keys(&registry.entity(registry.entity_by_type(entity).unwrap_or_else(|| panic!("{entity}"))).identity);
    assert_eq!(identity("otelcol.engine"), ["thread.id"]);
    assert_eq!(identity("otelcol.pipeline_group"), ["otelcol.pipeline_group.id"]);
    assert_eq!(
        BTreeSet::from_iter(identity("otelcol.pipeline")),
        ["otelcol.pipeline.id", "otelcol.pipeline_group.id"].map(String::from).into()
    );
    assert_eq!(identity("otelcol.node"), ["otelcol.node.id"]);
    assert_eq!(identity("otelcol.channel"), ["otelcol.channel.id"]);
    for resource in ["service", "process", "host", "container"] {
        assert!(registry.entity(registry.entity_by_type(resource).unwrap_or_else(|| panic!("{resource}"))).resource);
    }
    let set = |name: &str| registry.metric_set_by_name(name).unwrap_or_else(|| panic!("{name}"));
    for name in ["otelcol.channel.sender", "otelcol.channel.receiver", "otelcol.node.flow"] {
        assert!(registry.metric_set(set(name)).metrics.len() > 1);
    }
    for instrument in [Instrument::Counter, Instrument::UpDownCounter, Instrument::Gauge, Instrument::Histogram] {
        assert!(registry.metrics.iter().any(|metric| metric.instrument == instrument), "no {instrument:?}");
    }
}
