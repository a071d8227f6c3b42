//! Every type of value where it is not a record: on entities, in dimensions, on trace spans, recorded late.
//!
//! The same draw and the same expectations as for records. It must never compare with what the layer made elsewhere.

#[path = "support/given.rs"]
mod given;
#[cfg(feature = "spans")]
#[path = "support/spans.rs"]
mod spans;
mod support;

use std::collections::BTreeMap;

use given::{Given, given, with_all};
use proptest::prelude::*;
use support::{Any, Harness, registry_of, settings};
use tracing::{Level, event, info_span};
use tracing_weaver_layers::Value;

fn cases() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(100);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

fn any(value: &Value) -> Any {
    match value {
        Value::Str(text) => Any::Str(text.to_string()),
        Value::Int(int) => Any::Int(*int),
        Value::Double(double) => Any::Double(*double),
        Value::Bool(bool) => Any::Bool(*bool),
        Value::Bytes(bytes) => Any::Bytes(bytes.to_vec()),
        Value::StrArray(items) => Any::List(items.iter().map(|item| Any::Str(item.to_string())).collect()),
    }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn an_entitys_attributes_are_typed_as_they_were_written_and_its_identity_is_whole_or_none(
        values in prop::collection::vec(given(), 2..=2)
    ) {
        let mut harness = Harness::filtered("info");
        harness.run(|| with_all(&values, &mut Vec::new(), &mut |v| {
            let _node = info_span!("t.node", t.node.id = v[0], t.node.kind = v[1]).entered();
            event!(name: "t.node.item", Level::INFO, t.items = 1, t.seq = 1);
        }));
        let mut seen = None;
        let weaver = harness.weaver.clone();
        harness.reader.drain(1 << 20, &mut |record| seen = Some(weaver.context(record.scope.context)));
        let seen = seen.expect("one record");
        let attributes: BTreeMap<_, _> = seen.attributes.iter().map(|(key, value)| (key.to_string(), any(value))).collect();
        let (id, kind) = (values[0].expected().0, values[1].expected().0);
        let opened = id.is_some();
        let expected: BTreeMap<_, _> = match id {
            Some(id) => [("t.node.id".to_owned(), id)].into_iter().chain(kind.map(|kind| ("t.node.kind".to_owned(), kind))).collect(),
            None => BTreeMap::new(),
        };
        prop_assert_eq!(attributes, expected);
        let stats = harness.stats();
        prop_assert_eq!(stats.entities_refused, u64::from(!opened));
        prop_assert_eq!(stats.measurements_unattributed, u64::from(!opened));
        prop_assert_eq!(harness.weaver.snapshot().sets.len(), 1);
    }

    /// An entity is one entity however often it is opened, and another one if anything of it differs.
    #[test]
    fn equal_values_are_one_entity_and_different_ones_are_two(one in given(), other in given()) {
        let harness = Harness::filtered("off");
        harness.run(|| with_all(&[one.clone(), one.clone(), other.clone()], &mut Vec::new(), &mut |v| {
            for id in v {
                let _node = info_span!("t.node", t.node.id = id).entered();
                event!(name: "t.node.item", Level::TRACE, t.items = 1);
            }
        }));
        let key = |given: &Given| given.expected().0.map(|value| format!("{value:?}"));
        let series = if key(&one) == key(&other) { 1 } else { 2 };
        prop_assert_eq!(harness.weaver.snapshot().sets.len(), series);
    }
}

const DIMENSIONS: &str = r#"
file_format: definition/2
attributes:
  - {key: d.text, type: {members: [{id: a, value: "1"}, {id: b, value: "true"}, {id: c, value: Whole}, {id: d, value: "0.5"}]}, brief: Text., stability: development}
  - {key: d.int, type: {members: [{id: a, value: 1}, {id: b, value: 0}, {id: c, value: -1}]}, brief: Number., stability: development}
  - {key: d.bool, type: boolean, brief: Truth., stability: development}
events:
  - {name: d.event, brief: Something., stability: development, attributes: [{ref: d.text}, {ref: d.int}, {ref: d.bool}]}
metrics:
  - name: d.events
    brief: Events.
    unit: "1"
    instrument: counter
    stability: development
    attributes: [{ref: d.text}, {ref: d.int}, {ref: d.bool}]
    annotations: {tracing_weaver: {fold: {event: d.event}}}
"#;

#[test]
fn a_dimension_takes_a_member_in_every_type_that_writes_it_and_anything_else_is_other() {
    #[derive(Debug)]
    enum Kind {
        Whole,
        Half,
    }
    let text = String::from("1");
    macro_rules! series {
        ($($field:tt)*) => {{
            let mut settings = settings("off");
            settings.registry = registry_of(DIMENSIONS);
            let harness = Harness::new(settings);
            // The first event of a callsite goes another way than the later ones.
            harness.run(|| (0..3).for_each(|_| event!(name: "d.event", Level::INFO, { $($field)* })));
            let totals = harness.totals();
            assert_eq!(totals.len(), 1, "{totals:?}");
            let (name, total) = totals.into_iter().next().unwrap();
            assert_eq!(total, support::Total::Int(3));
            name.strip_prefix("d.events{}[").and_then(|name| name.strip_suffix("]")).unwrap().to_owned()
        }};
    }
    let error: &(dyn std::error::Error + 'static) = &std::fmt::Error;
    assert_eq!(series!(d.text = "1"), "d.text=1");
    assert_eq!(series!(d.text = text), "d.text=1");
    assert_eq!(series!(d.text = &text), "d.text=1");
    assert_eq!(series!(d.text = text.as_str()), "d.text=1");
    assert_eq!(series!(d.text = Some("1")), "d.text=1");
    assert_eq!(series!(d.text = %1), "d.text=1");
    assert_eq!(series!(d.text = ?1u8), "d.text=1");
    assert_eq!(series!(d.text = ?Kind::Whole), "d.text=Whole");
    assert_eq!(series!(d.text = ?Kind::Half), "d.text=_OTHER");
    assert_eq!(series!(d.text = %0.5), "d.text=0.5");
    assert_eq!(series!(d.text = format_args!("{}", true)), "d.text=true");
    assert_eq!(series!(d.text = 1), "d.text=_OTHER");
    assert_eq!(series!(d.text = true), "d.text=_OTHER");
    assert_eq!(series!(d.text = 0.5), "d.text=_OTHER");
    assert_eq!(series!(d.text = &b"1"[..]), "d.text=_OTHER");
    assert_eq!(series!(d.text = error), "d.text=_OTHER");
    assert_eq!(series!(d.text = ""), "d.text=_OTHER");
    assert_eq!(series!(d.text = None::<&str>), "");
    assert_eq!(series!(d.text = tracing::field::Empty), "");
    assert_eq!(series!(d.int = 1i8), "d.int=1");
    assert_eq!(series!(d.int = 1u64), "d.int=1");
    assert_eq!(series!(d.int = 1usize), "d.int=1");
    assert_eq!(series!(d.int = -1i128), "d.int=-1");
    assert_eq!(series!(d.int = 0u128), "d.int=0");
    assert_eq!(series!(d.int = std::num::NonZeroU32::MIN), "d.int=1");
    assert_eq!(series!(d.int = std::num::Wrapping(1u16)), "d.int=1");
    assert_eq!(series!(d.int = 2), "d.int=_OTHER");
    assert_eq!(series!(d.int = u64::MAX), "d.int=_OTHER");
    assert_eq!(series!(d.int = i128::MIN), "d.int=_OTHER");
    assert_eq!(series!(d.int = "1"), "d.int=_OTHER");
    assert_eq!(series!(d.bool = true), "d.bool=true");
    assert_eq!(series!(d.bool = Some(false)), "d.bool=false");
    // Truth has no further value.
    assert_eq!(series!(d.bool = 1), "");
    assert_eq!(series!(d.text = "1", d.int = 0, d.bool = false), "d.bool=false,d.int=0,d.text=1");
}

#[cfg(feature = "spans")]
mod on_spans {
    use opentelemetry::{Array, Value as Otel};
    use tracing::field::Empty;
    use tracing_weaver_layers::bytes_of_marked_text;

    use super::spans::traced;
    use super::*;

    fn any(value: &Otel) -> Any {
        match value {
            Otel::String(text) => bytes_of_marked_text(text.as_str()).map_or_else(|| Any::Str(text.to_string()), Any::Bytes),
            Otel::I64(int) => Any::Int(*int),
            Otel::F64(double) => Any::Double(*double),
            Otel::Bool(bool) => Any::Bool(*bool),
            Otel::Array(Array::String(items)) => Any::List(items.iter().map(|item| Any::Str(item.to_string())).collect()),
            other => panic!("no such value is ever written: {other:?}"),
        }
    }

    fn expected(values: &[(&str, &Given)]) -> BTreeMap<String, Any> {
        let mut all = BTreeMap::new();
        for (key, given) in values {
            let (value, chain) = given.expected();
            all.extend(value.map(|value| ((*key).to_owned(), value)));
            all.extend(chain.map(|chain| (format!("{key}.chain"), chain)));
        }
        all
    }

    proptest! {
        #![proptest_config(cases())]

        #[test]
        fn every_value_on_a_span_comes_out_as_it_went_in_whether_it_was_there_at_first_or_came_late(
            values in prop::collection::vec(given(), 4..=4)
        ) {
            let (harness, spans) = traced(registry_of(super::spans::REGISTRY), "info");
            harness.run(|| with_all(&values, &mut Vec::new(), &mut |v| {
                let span = info_span!("elsewhere", first = v[0], late = Empty, again = v[2], s.note = v[3]);
                span.record("late", v[1]);
                let _entered = span.enter();
                span.record("again", v[3]);
                info_span!("s.batch", s.note = v[0]).in_scope(|| ());
            }));
            let made = spans.take();
            let attributes = |at: usize| -> BTreeMap<String, Any> {
                made[at].attributes.iter().map(|kv| (kv.key.to_string(), any(&kv.value))).collect()
            };
            prop_assert_eq!(attributes(0), expected(&[("s.note", &values[0])]));
            let again = if values[3].expected().0.is_some() { &values[3] } else { &values[2] };
            let mut all = expected(&[("first", &values[0]), ("late", &values[1]), ("again", again), ("s.note", &values[3])]);
            // What stood beside the first value of a field and has no successor stays.
            if let (Some(chain), true) = (values[2].expected().1, values[3].expected().1.is_none()) {
                all.insert("again.chain".to_owned(), chain);
            }
            prop_assert_eq!(attributes(1), all);
        }
    }
}
