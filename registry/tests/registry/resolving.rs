//! References, groups and refinements: what an item says once everything is laid over everything else.

use crate::texts::{faults, sound};
use tracing_weaver_registry::model::{
    AnnotationValue, AttributeRef, FoldSource, FoldValue, RefinementKind, RequirementLevel, Sensitivity, Severity, SpanKind, Stability,
};

const ATTRIBUTES: &str = "attributes:
  - {key: a.x, type: string, brief: X., note: Note of x., stability: stable, examples: [one], annotations: {t: {deep: {a: 1, b: [1, 2]}, keep: true}}}
  - {key: a.y, type: string, brief: Y., stability: stable}
  - {key: a.z, type: string, brief: Z., stability: stable}
";

fn annotation(written: &[(&str, AnnotationValue)]) -> AnnotationValue {
    AnnotationValue::Map(written.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect())
}

#[test]
fn a_reference_keeps_what_it_does_not_say_and_replaces_what_it_does() {
    let registry = sound(&format!(
        "{ATTRIBUTES}events:\n  - {{name: e, brief: B., stability: stable, attributes: [{{ref: a.x, brief: Mine., stability: alpha, examples: [two]}}]}}"
    ));
    let read = &registry.events[0].attributes[0];
    assert_eq!((read.brief.as_str(), read.note.as_str(), read.stability), ("Mine.", "Note of x.", Stability::Alpha));
    assert_eq!(read.examples, Some(AnnotationValue::List(vec![AnnotationValue::String("two".into())])));
    assert_eq!(registry.attribute(read.attribute).brief, "X.", "the definition is as it was");
}

#[test]
fn annotations_merge_key_by_key_while_lists_and_scalars_replace() {
    let registry = sound(&format!(
        "{ATTRIBUTES}events:\n  - {{name: e, brief: B., stability: stable, attributes: [{{ref: a.x, annotations: {{t: {{deep: {{b: [3], c: 4}}}}, u: 5}}}}]}}"
    ));
    let int = AnnotationValue::Int;
    assert_eq!(
        registry.events[0].attributes[0].annotations,
        [
            (
                "t".to_owned(),
                annotation(&[
                    ("deep", annotation(&[("a", int(1)), ("b", AnnotationValue::List(vec![int(3)])), ("c", int(4))])),
                    ("keep", AnnotationValue::Bool(true)),
                ])
            ),
            ("u".to_owned(), int(5)),
        ]
    );
}

#[test]
fn a_group_brings_its_attributes_and_a_single_reference_lies_over_them() {
    let registry = sound(&format!(
        "{ATTRIBUTES}attribute_groups:
  - {{id: outer, visibility: internal, attributes: [{{ref_group: inner}}, {{ref: a.y, note: Outer.}}]}}
  - {{id: inner, visibility: internal, attributes: [{{ref: a.x, requirement_level: required, brief: Inner.}}, {{ref: a.y, brief: Inner., note: Inner.}}]}}
events:
  - {{name: e, brief: B., stability: stable, attributes: [{{ref: a.z}}, {{ref: a.x, note: Event.}}, {{ref_group: outer}}]}}
"
    ));
    let read: Vec<_> = registry.events[0]
        .attributes
        .iter()
        .map(|read| {
            (registry.attribute(read.attribute).key.as_str(), read.brief.as_str(), read.note.as_str(), read.requirement_level.clone())
        })
        .collect();
    assert_eq!(
        read,
        [
            ("a.x", "Inner.", "Event.", RequirementLevel::Required),
            ("a.y", "Inner.", "Outer.", RequirementLevel::Recommended),
            ("a.z", "Z.", "", RequirementLevel::Recommended),
        ]
    );
}

#[test]
fn one_attribute_from_two_groups_or_twice_in_a_list_is_a_fault() {
    assert_eq!(
        faults(&format!(
            "{ATTRIBUTES}attribute_groups:
  - {{id: g, visibility: internal, attributes: [{{ref: a.x}}]}}
  - {{id: h, visibility: internal, attributes: [{{ref: a.x}}]}}
events:
  - {{name: e, brief: B., stability: stable, attributes: [{{ref_group: g}}, {{ref_group: h}}]}}
  - {{name: f, brief: B., stability: stable, attributes: [{{ref: a.y}}, {{ref: a.y}}]}}
"
        )),
        ["10:86 DuplicateAttributeId", "11:76 InvalidGroupDuplicateAttributeRef"]
    );
}

#[test]
fn a_circle_of_groups_is_one_fault_that_names_it() {
    let errors = crate::texts::one(
        "attribute_groups:
  - {id: g, visibility: internal, attributes: [{ref_group: h}]}
  - {id: h, visibility: internal, attributes: [{ref_group: i}]}
  - {id: i, visibility: internal, attributes: [{ref_group: g}]}
",
    )
    .expect_err("a circle");
    assert_eq!(errors.as_slice().len(), 1, "{errors}");
    assert!(errors.as_slice()[0].found.contains("g → h → i → g"), "{errors}");
}

#[test]
fn a_refinement_carries_its_base_with_its_own_over_it() {
    let registry = sound(&format!(
        "{ATTRIBUTES}attribute_groups:
  - {{id: more, visibility: internal, attributes: [{{ref: a.x, examples: [three]}}, {{ref: a.z}}]}}
events:
  - {{name: e, brief: B., stability: stable, attributes: [{{ref: a.x, requirement_level: required}}]}}
event_refinements:
  - {{id: e.finer, ref: e.fine, note: Finer.}}
  - {{id: e.fine, ref: e, brief: Fine., stability: alpha, attributes: [{{ref_group: more}}, {{ref: a.y, requirement_level: opt_in}}]}}
"
    ));
    let [fine, finer] = registry.refinements.as_slice() else { panic!("two refinements") };
    assert_eq!((fine.kind, fine.id.as_str(), fine.base.as_str(), fine.brief.as_str()), (RefinementKind::Event, "e.fine", "e", "Fine."));
    let levels: Vec<_> =
        fine.attributes.iter().map(|read| (registry.attribute(read.attribute).key.as_str(), read.requirement_level.clone())).collect();
    assert_eq!(levels, [("a.x", RequirementLevel::Required), ("a.y", RequirementLevel::OptIn), ("a.z", RequirementLevel::Recommended)]);
    assert_eq!(
        (finer.base.as_str(), finer.brief.as_str(), finer.note.as_str(), finer.stability),
        ("e", "Fine.", "Finer.", Stability::Alpha)
    );
    assert_eq!(finer.attributes.len(), 3);
}

/// A refinement is emitted by its id or, as Weaver has it, by its base's name.
#[test]
fn a_refined_event_or_span_stands_among_the_others_and_its_base_carries_what_it_adds() {
    let registry = sound(&format!(
        "{ATTRIBUTES}events:
  - {{name: e, brief: B., stability: stable, attributes: [{{ref: a.x, requirement_level: required}}], annotations: {{tracing_weaver: {{severity: info}}}}}}
spans:
  - {{type: s, brief: B., stability: stable, kind: server, name: {{note: how}}, attributes: [{{ref: a.x}}]}}
event_refinements:
  - {{id: e.fine, ref: e, attributes: [{{ref: a.y, requirement_level: required, annotations: {{tracing_weaver: {{field: [why]}}}}}}]}}
  - {{id: e.finer, ref: e.fine, attributes: [{{ref: a.x, annotations: {{tracing_weaver: {{sensitivity: personal}}}}}}], annotations: {{tracing_weaver: {{severity: warn, forward: false}}}}}}
span_refinements:
  - {{id: s.fine, ref: s, attributes: [{{ref: a.z}}]}}
"
    ));
    let keys = |attributes: &[AttributeRef]| -> Vec<String> {
        attributes.iter().map(|read| registry.attribute(read.attribute).key.clone()).collect()
    };
    let event = |name: &str| registry.event(registry.event_by_name(name).unwrap_or_else(|| panic!("{name}")));
    assert_eq!(keys(&event("e.fine").attributes), ["a.x", "a.y"]);
    assert_eq!((event("e.fine").severity, event("e.fine").forward), (Some(Severity::Info), true));
    assert_eq!((event("e.finer").severity, event("e.finer").forward), (Some(Severity::Warn), false));
    let base = event("e");
    assert_eq!(keys(&base.attributes), ["a.x", "a.y"]);
    assert_eq!(base.attributes[1].requirement_level, RequirementLevel::OptIn, "nobody must give what only a refinement asks for");
    assert_eq!(base.attributes[1].fields, ["why"]);
    assert_eq!(base.attributes[0].privacy.sensitivity, Sensitivity::Personal, "it may be the refinement that is meant");
    assert_eq!((base.severity, base.forward), (Some(Severity::Info), true));

    let span = |name: &str| &registry.spans[registry.span_by_type(name).unwrap_or_else(|| panic!("{name}")).0 as usize];
    assert_eq!((span("s.fine").kind, keys(&span("s.fine").attributes)), (SpanKind::Server, vec!["a.x".to_owned(), "a.z".to_owned()]));
    assert_eq!(keys(&span("s").attributes), ["a.x", "a.z"]);
}

#[test]
fn what_is_folded_from_an_event_is_folded_from_its_refinements() {
    let registry = sound(
        "events:
  - {name: e, brief: B., stability: stable}
event_refinements:
  - {id: e.fine, ref: e}
  - {id: e.finer, ref: e.fine}
metrics:
  - {name: m, brief: B., stability: stable, unit: '1', instrument: updowncounter, annotations: {tracing_weaver: {fold: [{event: e}, {event: e.finer, value: -1}]}}}
",
    );
    let folds = registry.metrics[0].folds.iter().map(|fold| match &fold.source {
        FoldSource::Event { event, value: FoldValue::Constant(value) } => (registry.event(*event).name.as_str(), *value),
        other => panic!("{other:?}"),
    });
    assert_eq!(folds.collect::<Vec<_>>(), [("e.fine", 1), ("e", 1), ("e.finer", -1)]);
}

#[test]
fn what_is_refined_of_a_dependency_stands_under_its_own_name_and_is_recorded_as_the_refinement_says() {
    let registry = tracing_weaver_registry::yaml::load_sources(&[
        ("manifest.yaml", "schema_url: https://example.com/schemas/acme/1.0.0\ndependencies:\n  - {schema_url: https://example.com/schemas/base/1.0.0, registry_path: base}"),
        ("base/manifest.yaml", "schema_url: https://example.com/schemas/base/1.0.0"),
        (
            "base/base.yaml",
            "file_format: definition/2
attributes:
  - {key: base.size, type: int, brief: B., stability: stable}
events:
  - {name: base.told, brief: B., stability: stable, attributes: [{ref: base.size}]}
metrics:
  - {name: base.sum, brief: B., stability: stable, unit: By, instrument: counter, annotations: {tracing_weaver: {fold: {event: base.told}}}}
  - {name: base.other, brief: B., stability: stable, unit: By, instrument: counter, annotations: {tracing_weaver: {fold: {event: base.told}}}}
",
        ),
        (
            "acme.yaml",
            "file_format: definition/2
attributes:
  - {key: acme.why, type: string, brief: B., stability: stable}
event_refinements:
  - {id: acme.told, ref: base.told, attributes: [{ref: acme.why}]}
metric_refinements:
  - {id: acme.sum, ref: base.sum, annotations: {tracing_weaver: {fold: {event: base.told, value: base.size}}}}
  - {id: acme.other, ref: base.other}
",
        ),
    ])
    .unwrap_or_else(|faults| panic!("{faults}"));
    for name in ["base.told", "acme.told"] {
        let event = registry.event(registry.event_by_name(name).unwrap_or_else(|| panic!("{name}")));
        assert_eq!(event.attributes.len(), 2, "{name}");
    }
    let [sum] = registry.metrics.as_slice() else { panic!("{:?}", registry.metrics) };
    assert_eq!((sum.name.as_str(), sum.unit.as_str(), sum.folds.len()), ("base.sum", "By", 2), "from the event by either name");
}

#[test]
fn a_refined_entity_keeps_its_identity() {
    let with = |rest: &str| {
        format!(
            "{ATTRIBUTES}entities:\n  - {{type: node, brief: B., stability: stable, identity: [{{ref: a.x}}], description: [{{ref: a.y}}]}}\nentity_refinements:\n  - {{id: entity.node.fine, ref: node, {rest}}}"
        )
    };
    let registry = sound(&with("identity: [{ref: a.x, brief: Again.}], description: [{ref: a.z}]"));
    let fine = &registry.refinements[0];
    assert_eq!((fine.identity[0].brief.as_str(), fine.description.len()), ("Again.", 2));
    for wrong in ["identity: [{ref: a.z}]", "identity: [{ref: a.y}]", "description: [{ref: a.x}]"] {
        assert_eq!(faults(&with(wrong)).len(), 1, "{wrong}");
        assert!(faults(&with(wrong))[0].ends_with("EntityRefinementChangedIdentity"), "{wrong}");
    }
}

#[test]
fn an_association_may_name_a_refined_entity_and_means_its_base() {
    let registry = sound(&format!(
        "{ATTRIBUTES}entities:\n  - {{type: node, brief: B., stability: stable, identity: [{{ref: a.x}}]}}\nentity_refinements:\n  - {{id: entity.node.fine, ref: node}}\nevents:\n  - {{name: e, brief: B., stability: stable, entity_associations: [node.fine]}}"
    ));
    assert!(registry.events[0].association.is_some());
}

#[test]
fn a_refinement_of_nothing_of_itself_or_with_its_bases_keys_is_a_fault() {
    assert_eq!(
        faults(
            "
metrics:
  - {name: m, brief: B., stability: stable, unit: s, instrument: gauge}
metric_refinements:
  - {id: r1, ref: nothing}
  - {id: r2, ref: r3}
  - {id: r3, ref: r2}
  - {id: r4, ref: m, unit: ms}
  - {id: m, ref: m}
"
        ),
        ["5:19 UnresolvedExtendsRef", "7:19 InvalidRefinement", "8:22 InvalidSemConvSpec", "9:10 DuplicateGroupId",]
    );
}

#[test]
fn what_is_kept_from_dependents_is_named_by_nothing_that_is_not() {
    assert_eq!(
        faults(
            "
attributes:
  - {key: a.x, type: string, brief: X., stability: stable, annotations: {dependency_resolution: {exclude: true}}}
entities:
  - {type: hidden, brief: B., stability: stable, identity: [{ref: a.x}], annotations: {dependency_resolution: {exclude: true}}}
  - {type: shown, brief: B., stability: stable, identity: [{ref: a.x}]}
events:
  - {name: hidden, brief: B., stability: stable, entity_associations: [hidden], annotations: {dependency_resolution: {exclude: true}}}
  - {name: shown, brief: B., stability: stable, entity_associations: [hidden]}
event_refinements:
  - {id: fine, ref: hidden}
"
        ),
        ["6:66 ExcludedFromDependencyResolution", "9:71 ExcludedFromDependencyResolution", "11:21 ExcludedFromDependencyResolution",]
    );
}

#[test]
fn look_ups_by_name_find_what_stands_sorted() {
    let registry = sound(&format!(
        "{ATTRIBUTES}events:\n  - {{name: z, brief: B., stability: stable}}\n  - {{name: b, brief: B., stability: stable}}\n  - {{name: m, brief: B., stability: stable}}"
    ));
    for name in ["b", "m", "z"] {
        assert_eq!(registry.event(registry.event_by_name(name).expect("the event")).name, name);
    }
    assert_eq!(registry.event_by_name("c"), None);
}
