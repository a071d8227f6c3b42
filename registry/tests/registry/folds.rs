//! Folds: where a metric's value comes from, and what number it is.

use crate::texts::{fault, faults, sound};
use tracing_weaver_registry::model::{Aggregation, AnnotationValue, FoldSource, FoldValue, NumberType, ResolvedRegistry, SpanValue};

const BASE: &str = "attributes:
  - {key: a.size, type: int, brief: B., stability: stable, annotations: {tracing_weaver: {field: [size]}}}
  - {key: a.time, type: double, brief: B., stability: stable}
  - {key: a.name, type: string, brief: B., stability: stable}
  - {key: a.outcome, type: {members: [{id: ok}, {id: fail, value: failure}]}, brief: B., stability: stable}
events:
  - {name: e, brief: B., stability: stable, attributes: [{ref: a.size}, {ref: a.time}, {ref: a.name}, {ref: a.outcome}]}
spans:
  - {type: s, brief: B., stability: stable, kind: internal, name: {note: n}, attributes: [{ref: a.outcome}]}
metrics:
";

fn with(instrument: &str, annotation: &str) -> String {
    format!(
        "{BASE}  - {{name: m, brief: B., stability: stable, unit: s, instrument: {instrument}, annotations: {{tracing_weaver: {{{annotation}}}}}}}"
    )
}

fn read(instrument: &str, annotation: &str) -> ResolvedRegistry {
    sound(&with(instrument, annotation))
}

#[test]
fn an_event_adds_one_a_constant_or_an_attribute() {
    for (value, expected) in [("", None), (", value: 1", None), (", value: 5", Some(5))] {
        let registry = read("counter", &format!("fold: {{event: e{value}}}"));
        let event = registry.event_by_name("e").expect("the event");
        assert_eq!(registry.metrics[0].folds[0].source, FoldSource::Event { event, value: FoldValue::Constant(expected.unwrap_or(1)) });
    }
    let registry = read("counter", "fold: {event: e, value: a.size}");
    let (event, size) = (registry.event_by_name("e").expect("the event"), registry.attribute_by_key("a.size").expect("the attribute"));
    assert_eq!(registry.metrics[0].folds[0].source, FoldSource::Event { event, value: FoldValue::Attribute(size) });
}

#[test]
fn a_metric_may_have_several_sources() {
    let registry = read("counter", "fold: [{event: e}, {span: s, value: busy}, {observe: true, unit: ms}]");
    let [_, span, observe] = registry.metrics[0].folds.as_slice() else { panic!("three folds") };
    assert_eq!(span.source, FoldSource::Span { span_type: "s".into(), value: SpanValue::Busy });
    assert_eq!((&observe.source, observe.unit.as_deref()), (&FoldSource::Observe, Some("ms")));
}

#[test]
fn a_condition_names_attributes_of_the_source_and_their_values() {
    let registry = read("counter", "fold: {event: e, when: {a.outcome: [ok, failure], a.size: [3]}}");
    let [(outcome, values), (size, _)] = registry.metrics[0].folds[0].when.as_slice() else { panic!("two conditions") };
    assert_eq!(registry.attribute(*outcome).key, "a.outcome");
    assert_eq!(registry.attribute(*size).key, "a.size");
    assert_eq!(values, &[AnnotationValue::String("ok".into()), AnnotationValue::String("failure".into())]);
    for wrong in [
        "{a.outcome: [fail]}",
        "{a.outcome: ok}",
        "{a.outcome: []}",
        "{a.size: [three]}",
        "{a.nothing: [1]}",
        "{a.outcome: [[ok]]}",
        "[a.outcome]",
    ] {
        assert_eq!(faults(&with("counter", &format!("fold: {{event: e, when: {wrong}}}"))).len(), 1, "{wrong}");
    }
}

#[test]
fn what_a_fold_names_must_exist() {
    let at = |annotation: &str| fault(&with("counter", annotation));
    assert!(at("fold: {event: ee}").contains("no event `ee` to fold (expected the event in this registry"));
    assert!(at("fold: {span: t, value: duration}").contains("no span `t` to fold"));
    let shown = at("fold: {event: e, value: a.sise}");
    assert!(shown.contains("the event `e` does not declare the attribute `a.sise`") && shown.contains("did you mean `a.size`?"), "{shown}");
    assert!(at("fold: {event: e, value: size}").contains("`size` is a field name of `a.size`: write the key"));
}

#[test]
fn a_value_that_cannot_be_measured_is_a_fault() {
    for (instrument, wrong) in [
        ("counter", "fold: {event: e, value: a.name}"),
        ("counter", "fold: {event: e, value: a.outcome}"),
        ("counter", "fold: {event: e, value: 1.5}"),
        ("counter", "fold: {event: e, value: -1}"),
        ("histogram", "fold: {event: e, value: -1}"),
        ("counter", "fold: {event: e, value: [1]}"),
        ("counter", "fold: {value: 1}"),
        ("counter", "fold: {event: e, span: s}"),
        ("counter", "fold: {span: s}"),
        ("counter", "fold: {span: s, value: 1}"),
        ("counter", "fold: {observe: false}"),
        ("counter", "fold: {observe: true, value: 1}"),
        ("histogram", "fold: {observe: true}"),
        ("counter", "fold: {from_event: e}"),
        ("counter", "fold: e"),
        ("counter", "fold: [3]"),
        ("counter", "value: float"),
        ("counter", "fold: {event: e, value: a.time}, value: int"),
    ] {
        assert_eq!(faults(&with(instrument, wrong)).len(), 1, "{instrument} {wrong}");
    }
    read("updowncounter", "fold: {event: e, value: -1}");
}

#[test]
fn the_number_type_is_said_or_follows_from_what_is_folded() {
    for (instrument, annotation, expected) in [
        ("counter", "fold: {event: e}", NumberType::Int),
        ("gauge", "fold: {event: e}", NumberType::Int),
        ("counter", "fold: {event: e, value: a.size}", NumberType::Int),
        ("histogram", "fold: {event: e, value: a.size}", NumberType::Int),
        ("counter", "fold: {event: e, value: a.time}", NumberType::Double),
        ("counter", "fold: [{event: e, value: a.time}, {event: e}]", NumberType::Double),
        ("counter", "fold: {event: e, value: a.size}, value: double", NumberType::Double),
        ("histogram", "fold: {span: s, value: duration}", NumberType::Double),
        ("counter", "fold: {observe: true}", NumberType::Int),
        ("gauge", "fold: {observe: true}", NumberType::Double),
        ("counter", "", NumberType::Int),
        ("histogram", "", NumberType::Double),
    ] {
        assert_eq!(read(instrument, annotation).metrics[0].number_type, expected, "{instrument} {annotation}");
    }
}

#[test]
fn upstreams_number_type_holds_where_ours_is_silent() {
    let with = |ours: &str| {
        let registry = sound(&format!(
            "{BASE}  - {{name: m, brief: B., stability: stable, unit: s, instrument: counter, annotations: {{code_generation: {{metric_value_type: double}}, tracing_weaver: {{{ours}}}}}}}"
        ));
        registry.metrics[0].number_type
    };
    assert_eq!(with("fold: {event: e}"), NumberType::Double);
    assert_eq!(with("fold: {event: e}, value: int"), NumberType::Int);
}

#[test]
fn an_aggregation_belongs_to_a_histogram_and_has_ascending_finite_bounds() {
    for (written, expected) in [
        ("mmsc", Aggregation::Mmsc),
        ("exponential", Aggregation::Exponential { max_size: 160 }),
        ("{exponential: {max_size: 20}}", Aggregation::Exponential { max_size: 20 }),
        ("{exponential: {}}", Aggregation::Exponential { max_size: 160 }),
        ("{explicit: [0, 0.5, 10]}", Aggregation::Explicit(vec![0.0, 0.5, 10.0])),
    ] {
        assert_eq!(read("histogram", &format!("aggregation: {written}")).metrics[0].aggregation, Some(expected), "{written}");
        assert_eq!(faults(&with("counter", &format!("aggregation: {written}"))).len(), 1, "{written} on a counter");
    }
    assert_eq!(read("histogram", "").metrics[0].aggregation, None);
    for wrong in [
        "sum",
        "explicit",
        "{explicit: []}",
        "{explicit: [1, 1]}",
        "{explicit: [2, 1]}",
        "{explicit: [1, .inf]}",
        "{explicit: [.nan]}",
        "{explicit: [a]}",
        "{explicit: 1}",
        "{exponential: {max_size: 1}}",
        "{exponential: {max: 20}}",
        "{exponential: 20}",
        "{mmsc: 1}",
        "{}",
        "[mmsc]",
        "3",
    ] {
        assert_eq!(faults(&with("histogram", &format!("aggregation: {wrong}"))).len(), 1, "{wrong}");
    }
}

#[test]
fn a_fault_in_the_value_of_a_fold_hides_none_in_its_source_or_conditions() {
    for (fold, kinds) in [
        ("{event: e, value: a.none, when: {a.none: [1], a.outcome: [none]}}", vec!["InvalidFold"; 3]),
        ("{event: e, value: 1.5, when: {a.outcome: [none]}}", vec!["InvalidAnnotation", "InvalidFold"]),
        ("{span: none, value: none}", vec!["InvalidFold", "InvalidAnnotation"]),
    ] {
        let found = faults(&with("counter", &format!("fold: {fold}")));
        let found: Vec<_> = found.iter().map(|fault| fault.split(' ').next_back().unwrap_or_default()).collect();
        assert_eq!(found, kinds, "{fold}");
    }
}
