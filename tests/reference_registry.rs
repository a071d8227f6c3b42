//! The reference registry against the naming rules that its own kind of telemetry follows.
//!
//! Cargo runs it. It reads `registry/otelcol` as a program would. It never depends on the order of files.

use std::collections::{BTreeMap, BTreeSet};

use tracing_weaver_registry::model::{Association, AttributeType, EnumValue, Instrument, ResolvedRegistry};

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
fn an_event_is_named_by_its_entity_and_a_verb_that_says_the_outcome_in_one_way_only() {
    let registry = registry();
    let verbs = ["start", "complete", "fail", "cancel", "abort", "retry", "process", "send", "receive"];
    for event in &registry.events {
        let verb = event.name.rsplit('.').next().unwrap_or_default();
        assert!(verbs.contains(&verb), "{}", event.name);
        assert!(event.severity.is_some(), "{} has no severity", event.name);
        let Some(Association::OneOf(described)) = &event.association else { panic!("{} describes no entity", event.name) };
        let [Association::Entity(entity)] = described[..] else { panic!("{} describes several entities", event.name) };
        let entity = &registry.entity(entity).entity_type;
        assert!(event.name.strip_prefix(entity.as_str()).is_some_and(|rest| rest.starts_with('.')), "{} describes `{entity}`", event.name);
    }
}

#[test]
fn an_event_has_an_error_type_exactly_if_it_tells_of_a_failure() {
    let registry = registry();
    let error_type = registry.attribute_by_key("error.type").expect("error.type");
    for event in &registry.events {
        let failure = [".fail", ".retry", ".abort"].iter().any(|verb| event.name.ends_with(verb));
        assert_eq!(event.attributes.iter().any(|reference| reference.attribute == error_type), failure, "{}", event.name);
    }
}

#[test]
fn everything_says_what_it_is() {
    let registry = registry();
    let attributes = registry.attributes.iter().map(|attribute| (&attribute.key, &attribute.brief));
    let entities = registry.entities.iter().map(|entity| (&entity.entity_type, &entity.brief));
    let events = registry.events.iter().map(|event| (&event.name, &event.brief));
    let metrics = registry.metrics.iter().map(|metric| (&metric.name, &metric.brief));
    let sets = registry.metric_sets.iter().map(|set| (&set.name, &set.brief));
    let spans = registry.spans.iter().map(|span| (&span.span_type, &span.brief));
    let members = registry.attributes.iter().flat_map(|attribute| match &attribute.attribute_type {
        AttributeType::Enum(closed) => closed.members.as_slice(),
        _ => &[],
    });
    let members = members.map(|member| (&member.id, &member.brief));
    for (name, brief) in attributes.chain(entities).chain(events).chain(metrics).chain(sets).chain(spans).chain(members) {
        assert!(brief.ends_with('.'), "`{name}`: `{brief}`");
    }
}

#[test]
fn a_trace_span_is_of_an_entity_and_may_say_how_it_failed() {
    let registry = registry();
    let error_type = registry.attribute_by_key("error.type").expect("error.type");
    assert!(!registry.spans.is_empty());
    for span in &registry.spans {
        assert!(span.association.is_some(), "{}", span.span_type);
        assert!(span.attributes.iter().any(|reference| reference.attribute == error_type), "{}", span.span_type);
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
    assert_eq!(identity("service"), ["service.name", "service.instance.id"]);
    assert_eq!(identity("host"), ["host.id"]);
    assert_eq!(identity("container"), ["container.id"]);
    assert_eq!(identity("process"), ["process.pid", "process.creation.time"]);
    for resource in ["service", "process", "host", "container"] {
        assert!(registry.entity(registry.entity_by_type(resource).unwrap_or_else(|| panic!("{resource}"))).resource);
    }
    let set = |name: &str| registry.metric_set_by_name(name).unwrap_or_else(|| panic!("{name}"));
    for (name, entity) in [
        ("otelcol.engine.load", "otelcol.engine"),
        ("otelcol.pipeline_group.configuration", "otelcol.pipeline_group"),
        ("otelcol.pipeline.batches", "otelcol.pipeline"),
        ("otelcol.node.flow", "otelcol.node"),
        ("otelcol.channel.sender", "otelcol.channel"),
        ("otelcol.channel.receiver", "otelcol.channel"),
    ] {
        let set = registry.metric_set(set(name));
        assert!(set.metrics.len() > 1, "{name}");
        assert_eq!(set.entities, [registry.entity_by_type(entity).expect("checked above")], "{name}");
    }
    for instrument in [Instrument::Counter, Instrument::UpDownCounter, Instrument::Gauge, Instrument::Histogram] {
        assert!(registry.metrics.iter().any(|metric| metric.instrument == instrument), "no {instrument:?}");
    }
}

#[test]
fn the_nodes_set_counts_items_and_bytes_by_signal_and_outcome_and_takes_their_bare_names() {
    let registry = registry();
    let set = registry.metric_set(registry.metric_set_by_name("otelcol.node.flow").expect("the node's set"));
    let names: BTreeSet<&str> = set.metrics.iter().map(|metric| registry.metric(*metric).name.as_str()).collect();
    for what in ["consumed", "produced", "failed"] {
        for unit in ["items", "size"] {
            assert!(names.contains(format!("otelcol.node.{what}.{unit}").as_str()), "{what} {unit}");
        }
    }
    assert!(names.contains("otelcol.node.duration"));
    let bare: Vec<_> = set.dimensions.iter().map(|dimension| dimension.fields.join(" ")).collect();
    assert_eq!(bare, ["outcome", "signal"]);
}
