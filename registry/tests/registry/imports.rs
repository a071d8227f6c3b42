//! `imports`: items of a dependency that become items of the registry.

use crate::texts::file;
use tracing_weaver_registry::RegistryErrors;
use tracing_weaver_registry::model::{FoldSource, ResolvedRegistry};
use tracing_weaver_registry::yaml::load_sources;

const BASE: &str = "
attributes:
  - {key: base.id, type: string, brief: B., stability: stable}
  - {key: base.size, type: int, brief: B., stability: stable}
attribute_groups:
  - {id: base.set, visibility: public, brief: Set., stability: stable, annotations: {tracing_weaver: {metric_set: {entity: base.node}}}}
  - {id: base.internal, visibility: internal}
entities:
  - {type: base.node, brief: B., stability: stable, identity: [{ref: base.id}]}
  - {type: base.other, brief: B., stability: stable, identity: [{ref: base.id}]}
events:
  - {name: base.drain, brief: B., stability: stable, attributes: [{ref: base.size}], entity_associations: [base.node]}
  - {name: base.hidden, brief: B., stability: stable, annotations: {dependency_resolution: {exclude: true}}}
metrics:
  - {name: base.items, brief: B., stability: stable, unit: '{item}', instrument: counter, annotations: {tracing_weaver: {metric_set: base.set, fold: {event: base.drain, value: base.size}}}}
  - {name: base.batches, brief: B., stability: stable, unit: '{batch}', instrument: counter, annotations: {tracing_weaver: {metric_set: base.set, fold: {event: base.drain}}}}
spans:
  - {type: base.pass, brief: B., stability: stable, kind: internal, name: {note: n}}
";

fn with(definitions: &str) -> Result<ResolvedRegistry, RegistryErrors> {
    load_sources(&[
        (
            "manifest.yaml",
            "schema_url: https://example.com/app/1.0.0\ndependencies: [{schema_url: https://example.com/base/1.0.0, registry_path: base}]",
        ),
        ("a.yaml", &file(definitions)),
        ("base/manifest.yaml", "schema_url: https://example.com/base/1.0.0"),
        ("base/a.yaml", &file(BASE)),
    ])
}

#[test]
fn a_glob_brings_items_with_the_attributes_entities_and_sets_that_they_need() {
    let registry = with("imports: {metrics: ['base.*'], events: [base.drain], spans: ['base.p?ss']}").expect("a sound registry");
    let names: Vec<&str> = registry.metrics.iter().map(|metric| metric.name.as_str()).collect();
    assert_eq!(names, ["base.batches", "base.items"]);
    assert_eq!(registry.metric_sets.len(), 1);
    assert_eq!(registry.metric_sets[0].name, "base.set");
    let entities: Vec<&str> = registry.entities.iter().map(|entity| entity.entity_type.as_str()).collect();
    assert_eq!(entities, ["base.node"], "only the entity that something imported describes");
    let drain = registry.event_by_name("base.drain").expect("the event");
    assert!(matches!(registry.metrics[1].folds[0].source, FoldSource::Event { event, .. } if event == drain));
    assert_eq!(registry.metrics[0].origin.dependency.as_deref(), Some("https://example.com/base/1.0.0"));
    assert!(registry.span_by_type("base.pass").is_some());
}

#[test]
fn nothing_is_there_that_was_not_imported() {
    let registry = with("events: []").expect("a sound registry");
    assert!(registry.metrics.is_empty() && registry.events.is_empty() && registry.entities.is_empty() && registry.attributes.is_empty());
}

#[test]
fn an_imported_metric_needs_the_event_that_it_folds() {
    let errors = with("imports: {metrics: [base.items]}").expect_err("a fold of nothing");
    assert_eq!(errors.as_slice().len(), 1, "{errors}");
    let error = &errors.as_slice()[0];
    assert_eq!((error.file.as_str(), error.kind.name()), ("base/a.yaml", "InvalidFold"));
    assert!(error.help.contains("add it to `imports: {events: […]}`"), "{error}");
}

#[test]
fn a_pattern_that_is_wrong_or_matches_nothing_is_a_fault() {
    for (imports, kind) in [
        ("{events: [base.drian]}", "UnmatchedImport"),
        ("{events: [base.hidden]}", "UnmatchedImport"),
        ("{attribute_groups: [base.internal]}", "UnmatchedImport"),
        ("{events: ['base.[']}", "InvalidWildcard"),
        ("{event: [base.drain]}", "InvalidSemConvSpec"),
        ("[base.drain]", "InvalidSemConvSpec"),
        ("{events: base.drain}", "InvalidSemConvSpec"),
    ] {
        let errors = with(&format!("imports: {imports}")).expect_err(imports);
        assert_eq!(errors.iter().map(|error| error.kind.name()).collect::<Vec<_>>(), [kind], "{imports}");
    }
}

#[test]
fn an_import_that_meets_a_local_item_of_its_name_is_a_fault() {
    let errors = with("imports: {events: ['base.*']}\nevents:\n  - {name: base.drain, brief: B., stability: stable}")
        .expect_err("two events of one name");
    assert_eq!(errors.as_slice()[0].kind.name(), "DuplicateGroupName");
}

#[test]
fn an_imported_group_may_be_a_metric_set_but_is_not_included() {
    let metric = "metrics:\n  - {name: app.m, brief: B., stability: stable, unit: s, instrument: gauge, annotations: {tracing_weaver: {metric_set: base.set}}}";
    let registry = with(&format!("imports: {{attribute_groups: [base.set], entities: [base.node]}}\n{metric}")).expect("a sound registry");
    assert_eq!(registry.metric_sets[0].name, "base.set");
    let errors = with("imports: {attribute_groups: [base.set]}\nevents:\n  - {name: e, brief: B., stability: stable, attributes: [{ref_group: base.set}]}").expect_err("a foreign group");
    assert_eq!(errors.as_slice()[0].kind.name(), "UnresolvedIncludeRef");
    assert!(errors.as_slice()[0].help.contains("belongs to a dependency"), "{errors}");
}
