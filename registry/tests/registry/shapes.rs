//! What single definitions may look like.

use crate::texts::{MANIFEST, fault, faults, faults_of, one, sound};
use tracing_weaver_registry::model::{
    AnnotationValue, Association, AttributeType, DeprecationReason, EnumValue, Instrument, RequirementLevel, SpanKind, Stability,
};

fn attribute_type(written: &str) -> AttributeType {
    let registry = sound(&format!("attributes:\n  - {{key: a.b, type: {written}, brief: B., stability: stable}}"));
    registry.attributes[0].attribute_type.clone()
}

#[test]
fn every_type_of_the_format_is_read() {
    for (written, read) in [
        ("string", AttributeType::String),
        ("int", AttributeType::Int),
        ("double", AttributeType::Double),
        ("boolean", AttributeType::Boolean),
        ("'string[]'", AttributeType::StringArray),
        ("'int[]'", AttributeType::IntArray),
        ("'double[]'", AttributeType::DoubleArray),
        ("'boolean[]'", AttributeType::BooleanArray),
        ("any", AttributeType::Any),
        ("'template[string]'", AttributeType::Template(Box::new(AttributeType::String))),
        ("'template[int[]]'", AttributeType::Template(Box::new(AttributeType::IntArray))),
        ("'template[any]'", AttributeType::Template(Box::new(AttributeType::Any))),
    ] {
        assert_eq!(attribute_type(written), read, "{written}");
    }
    for wrong in ["bool", "float", "string[][]", "template[]", "template[template[int]]", "enum", "template[enum]"] {
        assert_eq!(
            faults(&format!("attributes:\n  - {{key: a.b, type: '{wrong}', brief: B., stability: stable}}")),
            ["3:22 InvalidSemConvSpec"],
            "{wrong}"
        );
    }
}

#[test]
fn an_enum_member_has_its_id_as_value_unless_it_says_another() {
    let AttributeType::Enum(read) =
        attribute_type("{members: [{id: a}, {id: b, value: bee}, {id: c, value: 3}, {id: d, value: 0.5}, {id: e, value: true}]}")
    else {
        panic!("an enum")
    };
    let values: Vec<_> = read.members.iter().map(|member| member.value.clone()).collect();
    assert_eq!(
        values,
        [EnumValue::String("a".into()), EnumValue::String("bee".into()), EnumValue::Int(3), EnumValue::Double(0.5), EnumValue::Bool(true)]
    );
}

#[test]
fn an_enum_with_no_member_or_with_one_twice_is_a_fault() {
    let with =
        |members: &str| faults(&format!("attributes:\n  - {{key: a.b, type: {{members: [{members}]}}, brief: B., stability: stable}}"));
    assert_eq!(with(""), ["3:22 InvalidSemConvSpec"]);
    assert_eq!(with("{id: a}, {id: a, value: b}"), ["3:42 InvalidAttribute"]);
    assert_eq!(with("{id: a}, {id: b, value: a}"), ["3:42 InvalidAttribute"]);
    assert_eq!(with("{id: a, value: [1]}"), ["3:48 InvalidSemConvSpec"]);
}

#[test]
fn every_requirement_level_is_read_and_nothing_else() {
    let with = |level: &str| {
        format!(
            "attributes:\n  - {{key: a.b, type: int, brief: B., stability: stable}}\nevents:\n  - {{name: e, brief: B., stability: stable, attributes: [{{ref: a.b, requirement_level: {level}}}]}}"
        )
    };
    for (written, read) in [
        ("required", RequirementLevel::Required),
        ("recommended", RequirementLevel::Recommended),
        ("opt_in", RequirementLevel::OptIn),
        ("{conditionally_required: if so}", RequirementLevel::ConditionallyRequired("if so".into())),
        ("{recommended: if so}", RequirementLevel::RecommendedWhen("if so".into())),
        ("{opt_in: if so}", RequirementLevel::OptInWhen("if so".into())),
        ("~", RequirementLevel::Recommended),
    ] {
        assert_eq!(sound(&with(written)).events[0].attributes[0].requirement_level, read, "{written}");
    }
    for wrong in ["mandatory", "conditionally_required", "3", "{}", "{recommended: a, opt_in: b}", "{opt_in: 3}", "[required]"] {
        let errors = one(&with(wrong)).expect_err(wrong);
        assert_eq!(errors.as_slice().len(), 1, "{wrong}: {errors}");
    }
}

#[test]
fn every_stability_is_read_and_experimental_means_development() {
    for (written, read) in [
        ("development", Stability::Development),
        ("experimental", Stability::Development),
        ("alpha", Stability::Alpha),
        ("beta", Stability::Beta),
        ("release_candidate", Stability::ReleaseCandidate),
        ("stable", Stability::Stable),
    ] {
        assert_eq!(sound(&format!("events:\n  - {{name: e, brief: B., stability: {written}}}")).events[0].stability, read);
    }
    assert_eq!(
        fault("events:\n  - {name: e, brief: B., stability: developement}"),
        "a.yaml:3:37: `developement` as `stability` (expected `development`, `experimental`, `alpha`, `beta`, `release_candidate` or `stable`; help: did you mean `development`?)"
    );
}

#[test]
fn a_deprecation_says_its_reason_and_what_the_reason_asks_for() {
    let with = |deprecated: &str| format!("events:\n  - {{name: e, brief: B., stability: stable, deprecated: {deprecated}}}");
    let read = sound(&with("{reason: renamed, renamed_to: f}")).events[0].deprecated.clone().expect("deprecated");
    assert_eq!(read.reason, DeprecationReason::Renamed { renamed_to: "f".into() });
    let read = sound(&with("{reason: obsoleted, note: Gone.}")).events[0].deprecated.clone().expect("deprecated");
    assert_eq!((read.reason, read.note.as_str()), (DeprecationReason::Obsoleted, "Gone."));
    for wrong in [
        "yes",
        "{note: Gone.}",
        "{reason: renamed}",
        "{reason: obsoleted}",
        "{reason: obsoleted, note: N., renamed_to: f}",
        "{reason: retired, note: N.}",
        "[a]",
    ] {
        assert_eq!(faults(&with(wrong)).len(), 1, "{wrong}");
    }
}

#[test]
fn a_metric_and_a_span_carry_what_is_theirs() {
    let registry = sound(
        "
metrics:
  - {name: m, brief: B., note: N., stability: beta, unit: '{item}', instrument: updowncounter, requirement_level: opt_in}
spans:
  - {type: s, brief: B., stability: stable, kind: producer, name: {note: how}, requirement_level: {opt_in: if so}}
",
    );
    let metric = &registry.metrics[0];
    assert_eq!((metric.unit.as_str(), metric.instrument, metric.note.as_str()), ("{item}", Instrument::UpDownCounter, "N."));
    assert_eq!((metric.origin.file.as_str(), metric.origin.line, metric.origin.column), ("a.yaml", 3, 12));
    let span = &registry.spans[0];
    assert_eq!((span.kind, span.name_note.as_str()), (SpanKind::Producer, "how"));
    assert_eq!(
        faults(
            "
metrics:
  - {name: m, brief: B., stability: stable, unit: s, instrument: summary}
spans:
  - {type: s, brief: B., stability: stable, kind: inner, name: {note: how}, requirement_level: required}
"
        ),
        ["3:66 InvalidSemConvSpec", "5:51 InvalidSemConvSpec", "5:96 InvalidSemConvSpec"]
    );
}

#[test]
fn only_a_reference_of_a_span_may_be_relevant_for_sampling() {
    let attribute = "attributes:\n  - {key: a.b, type: int, brief: B., stability: stable}\n";
    let registry = sound(&format!(
        "{attribute}spans:\n  - {{type: s, brief: B., stability: stable, kind: client, name: {{note: n}}, attributes: [{{ref: a.b, sampling_relevant: true}}]}}"
    ));
    assert!(registry.spans[0].attributes[0].sampling_relevant);
    assert_eq!(
        faults(&format!(
            "{attribute}events:\n  - {{name: e, brief: B., stability: stable, attributes: [{{ref: a.b, sampling_relevant: true}}]}}"
        )),
        ["5:69 InvalidSemConvSpec"]
    );
}

#[test]
fn a_bare_list_of_associations_means_one_of_them_and_combinations_nest() {
    let with = |associations: &str| {
        format!(
            "attributes:\n  - {{key: a.b, type: int, brief: B., stability: stable}}\nentities:\n  - {{type: x, brief: B., stability: stable, identity: [{{ref: a.b}}]}}\n  - {{type: y, brief: B., stability: stable, identity: [{{ref: a.b}}]}}\nevents:\n  - {{name: e, brief: B., stability: stable, entity_associations: {associations}}}"
        )
    };
    let registry = sound(&with("[x, {all_of: [x, y]}]"));
    let [x, y] = ["x", "y"].map(|name| Association::Entity(registry.entity_by_type(name).expect("an entity")));
    assert_eq!(registry.events[0].association, Some(Association::OneOf(vec![x.clone(), Association::AllOf(vec![x, y])])));
    assert_eq!(sound(&with("[]")).events[0].association, None);
    for wrong in ["[3]", "[{one_of: []}]", "[{one_of: [x], all_of: [y]}]", "3", "[{one_of: x}]"] {
        assert!(!faults(&with(wrong)).is_empty(), "{wrong}");
    }
}

#[test]
fn an_internal_group_says_nothing_but_its_attributes() {
    assert_eq!(
        faults("attribute_groups:\n  - {id: g, visibility: internal, brief: B., annotations: {a: 1}}\n  - {id: h, visibility: private}"),
        ["3:35 InvalidSemConvSpec", "3:46 InvalidSemConvSpec", "4:25 InvalidSemConvSpec"]
    );
}

#[test]
fn annotations_are_kept_as_they_were_written() {
    let registry = sound(
        "
events:
  - name: e
    brief: B.
    stability: stable
    annotations:
      other_tool: {list: [1, 2.5, ~, true, text], map: {z: 1, a: 2}}
",
    );
    let text = |text: &str| text.to_owned();
    assert_eq!(
        registry.events[0].annotations,
        [(
            text("other_tool"),
            AnnotationValue::Map(vec![
                (
                    text("list"),
                    AnnotationValue::List(vec![
                        AnnotationValue::Int(1),
                        AnnotationValue::Double(2.5),
                        AnnotationValue::Null,
                        AnnotationValue::Bool(true),
                        AnnotationValue::String(text("text")),
                    ])
                ),
                (text("map"), AnnotationValue::Map(vec![(text("z"), AnnotationValue::Int(1)), (text("a"), AnnotationValue::Int(2))])),
            ])
        )]
    );
}

#[test]
fn a_file_says_the_format_that_is_read() {
    let with = |text: &str| faults_of(&[MANIFEST, ("a.yaml", text)]);
    assert_eq!(with("events: []"), ["a.yaml:1:1 InvalidFileFormat"]);
    assert_eq!(with("file_format: definition/3"), ["a.yaml:1:14 InvalidFileFormat"]);
    assert_eq!(with("file_format: 2"), ["a.yaml:1:14 InvalidFileFormat"]);
    assert_eq!(with("file_format: definition/2\ngroups: []"), ["a.yaml:2:1 InvalidFileFormat"]);
    assert_eq!(with("file_format: definition/1\ngroups: []"), ["a.yaml:1:1 NotSupportedYet"]);
    assert_eq!(with("groups: []"), ["a.yaml:1:1 NotSupportedYet"]);
    assert_eq!(with("file_format: resolved/2.0"), ["a.yaml:1:1 NotSupportedYet"]);
    assert_eq!(with(""), ["a.yaml:1:1 DeserializationError"]);
    assert_eq!(with("- a"), ["a.yaml:1:1 InvalidSemConvSpec"]);
    assert_eq!(with("file_format: definition/2\n---\na: b"), ["a.yaml:2:1 DeserializationError"]);
}
