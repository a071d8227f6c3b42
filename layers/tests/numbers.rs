//! What a measurement or a dimension may be given, and that the short way and the long way take the same.
//!
//! Three sets: an event of the first goes straight into slots, one of the second waits for its one dimension, one of the third for whatever
//! may come.
//! No test here may know which way was gone but by the name of the set.

#[path = "support/mod.rs"]
mod support;

use std::fmt;

use proptest::prelude::*;
use support::{Harness, Total, Totals, filter, registry_of};
use tracing::field::{Empty, Value, debug, display};
use tracing::{Level, event};
use tracing_weaver_layers::{FieldDropReason, Settings};

const REGISTRY: &str = "
file_format: definition/2
attributes:
  - {key: n.value, type: int, brief: A number., stability: development}
  - {key: n.real, type: double, brief: A number., stability: development}
  - {key: n.state, type: {members: [{id: on}, {id: off}, {id: nothing, value: ''}]}, brief: State., stability: development}
  - {key: n.phase, type: {members: [{id: on}, {id: waiting}, {id: not_yet_begun}]}, brief: Phase., stability: development}
  - {key: n.code, type: {members: [{id: ok, value: 200}, {id: busy, value: 503}]}, brief: Code., stability: development}
attribute_groups:
  - {id: n.short, visibility: public, brief: No dimension., stability: development}
  - {id: n.middle, visibility: public, brief: One dimension., stability: development, attributes: [{ref: n.phase}]}
  - {id: n.long, visibility: public, brief: Two dimensions., stability: development, attributes: [{ref: n.state}, {ref: n.code}]}
events:
  - {name: n.short, brief: Short., stability: development, attributes: [{ref: n.value}]}
  - {name: n.middle, brief: Middle., stability: development, attributes: [{ref: n.value}, {ref: n.phase}]}
  - name: n.long
    brief: Long.
    stability: development
    attributes: [{ref: n.value}, {ref: n.real}, {ref: n.state}, {ref: n.code}]
    annotations: {tracing_weaver: {forward: false}}
metrics:
  - name: n.short.count
    brief: Count.
    unit: '1'
    instrument: counter
    stability: development
    annotations: {tracing_weaver: {metric_set: n.short, fold: {event: n.short, value: n.value}}}
  - name: n.middle.count
    brief: Count.
    unit: '1'
    instrument: counter
    stability: development
    attributes: [{ref: n.phase}]
    annotations: {tracing_weaver: {metric_set: n.middle, fold: {event: n.middle, value: n.value}}}
  - name: n.long.count
    brief: Count.
    unit: '1'
    instrument: counter
    stability: development
    attributes: [{ref: n.state}, {ref: n.code}]
    annotations: {tracing_weaver: {metric_set: n.long, fold: {event: n.long, value: n.value}}}
  - name: n.long.real
    brief: Real.
    unit: '1'
    instrument: histogram
    stability: development
    attributes: [{ref: n.state}, {ref: n.code}]
    annotations: {tracing_weaver: {metric_set: n.long, aggregation: {explicit: [0, 10]}, fold: {event: n.long, value: n.real}}}
";

/// The same with sums that shrink too.
fn registry(instrument: &str) -> String {
    REGISTRY.replace("instrument: counter", &format!("instrument: {instrument}"))
}

fn harness(text: &str) -> Harness {
    let mut settings = Settings::new(registry_of(text));
    settings.filter = filter("off");
    Harness::new(settings)
}

/// What the set with this name came to, and how many measurements it refused.
fn sum(totals: &Totals, metric: &str) -> Option<i64> {
    totals
        .iter()
        .filter(|(name, _)| name.starts_with(metric))
        .find_map(|(_, total)| if let Total::Int(n) = total { Some(*n) } else { None })
}

#[derive(Debug, Clone)]
enum Given {
    I64(i64),
    U64(u64),
    I128(i128),
    U128(u128),
    F64(f64),
    Bool(bool),
    Str(String),
    Display(i64),
    Debug(i64),
    Bytes(Vec<u8>),
    None,
    Empty,
}

impl Given {
    fn with(&self, with: impl FnOnce(&dyn Value)) {
        match self {
            Given::I64(v) => with(v),
            Given::U64(v) => with(v),
            Given::I128(v) => with(v),
            Given::U128(v) => with(v),
            Given::F64(v) => with(v),
            Given::Bool(v) => with(v),
            Given::Str(v) => with(v),
            Given::Display(v) => with(&display(v)),
            Given::Debug(v) => with(&debug(v)),
            Given::Bytes(v) => with(&v.as_slice()),
            Given::None => with(&None::<i64>),
            Given::Empty => with(&Empty),
        }
    }
}

fn given() -> impl Strategy<Value = Given> {
    let int = prop_oneof![Just(i64::MIN), Just(-1), Just(0), 1..1_000i64, Just(i64::MAX)];
    prop_oneof![
        3 => int.clone().prop_map(Given::I64),
        3 => prop_oneof![0..1_000u64, Just(i64::MAX as u64), Just(i64::MAX as u64 + 1), Just(u64::MAX)].prop_map(Given::U64),
        1 => prop_oneof![int.clone().prop_map(i128::from), Just(i128::MIN), Just(i128::MAX)].prop_map(Given::I128),
        1 => prop_oneof![(0..1_000u128), Just(u128::MAX), Just(1 << 63)].prop_map(Given::U128),
        2 => prop_oneof![(-99..99i32).prop_map(f64::from), Just(0.5), Just(f64::NAN), Just(f64::INFINITY)].prop_map(Given::F64),
        1 => any::<bool>().prop_map(Given::Bool),
        1 => prop::sample::select(vec!["5", "", "on"]).prop_map(|text| Given::Str(text.to_owned())),
        1 => int.clone().prop_map(Given::Display),
        1 => int.prop_map(Given::Debug),
        1 => Just(Given::Bytes(vec![5])),
        1 => Just(Given::None),
        1 => Just(Given::Empty),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn the_shorter_ways_and_the_long_way_take_and_refuse_the_same_values(
        value in given(), instrument in prop::sample::select(vec!["counter", "updowncounter"])
    ) {
        let text = registry(instrument);
        let (short, middle, long) = (harness(&text), harness(&text), harness(&text));
        short.run(|| value.with(|value| for _ in 0..2 { event!(name: "n.short", Level::TRACE, n.value = value) }));
        long.run(|| value.with(|value| for _ in 0..2 { event!(name: "n.long", Level::TRACE, n.value = value) }));
        middle.run(|| value.with(|value| for _ in 0..2 { event!(name: "n.middle", Level::TRACE, n.phase = "waiting", n.value = value) }));
        prop_assert_eq!(sum(&short.totals(), "n.short.count"), sum(&middle.totals(), "n.middle.count"));
        prop_assert_eq!(short.stats().measurements_refused, middle.stats().measurements_refused);
        prop_assert_eq!(sum(&short.totals(), "n.short.count"), sum(&long.totals(), "n.long.count"));
        prop_assert_eq!(short.stats().measurements_refused, long.stats().measurements_refused);
        let expected = match &value {
            Given::I64(v) => Some(i128::from(*v)),
            Given::U64(v) => Some(i128::from(*v)),
            Given::I128(v) => Some(*v),
            Given::U128(v) => i128::try_from(*v).ok(),
            _ => return Ok(()),
        };
        let taken = expected.and_then(|v| i64::try_from(v).ok()).filter(|v| *v >= 0 || instrument == "updowncounter");
        // The second of two that would leave the range is refused.
        prop_assert_eq!(sum(&short.totals(), "n.short.count"), taken.map(|v| v.checked_add(v).unwrap_or(v)));
        let refused = taken.map_or(2, |v| v.checked_add(v).is_none() as u64);
        prop_assert_eq!(short.stats().measurements_refused, refused);
    }
}

#[test]
fn a_value_that_a_closed_enum_does_not_have_is_other_whatever_its_type() {
    struct Long;
    impl fmt::Debug for Long {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(&"on".repeat(100_000))
        }
    }
    let harness = harness(REGISTRY);
    harness.run(|| {
        macro_rules! states { ($($value:expr),*) => { $(event!(name: "n.long", Level::TRACE, n.value = 1, n.state = $value);)* } }
        macro_rules! codes { ($($value:expr),*) => { $(event!(name: "n.long", Level::TRACE, n.value = 1, n.code = $value);)* } }
        states!("On", 1, u64::MAX, i128::MAX, 1.5, f64::NAN, true, b"on".as_slice(), debug(Long), "on".repeat(100_000));
        codes!("200", 404, -200, u64::MAX, u128::MAX, i128::MIN, 200.5, false);
    });
    let totals = harness.totals();
    let expected = [("n.long.count{}[n.state=_OTHER]", 10), ("n.long.count{}[n.code=_OTHER]", 8)];
    assert_eq!(totals, support::ints(expected));
}

#[test]
fn every_member_of_a_closed_enum_is_found_by_its_value_an_empty_text_too() {
    let harness = harness(REGISTRY);
    harness.run(|| {
        event!(name: "n.long", Level::TRACE, n.value = 1, n.state = "on");
        event!(name: "n.long", Level::TRACE, n.value = 10, n.state = "");
        event!(name: "n.long", Level::TRACE, n.value = 100, n.state = %"off", n.code = 503u16);
        event!(name: "n.long", Level::TRACE, n.value = 1_000, n.state = None::<&str>, n.code = 200i128);
    });
    let expected = [
        ("n.long.count{}[n.state=on]", 1),
        ("n.long.count{}[n.state=]", 10),
        ("n.long.count{}[n.code=503,n.state=off]", 100),
        ("n.long.count{}[n.code=200]", 1_000),
    ];
    assert_eq!(harness.totals(), support::ints(expected));
}

#[test]
fn a_dimension_whose_text_panics_is_counted_and_the_measurement_stays() {
    struct Bad;
    impl fmt::Debug for Bad {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("no text")
        }
    }
    let harness = harness(REGISTRY);
    harness.run(|| event!(name: "n.long", Level::TRACE, n.value = 1, n.state = ?Bad));
    assert_eq!(harness.totals(), support::ints([("n.long.count{}[]", 1)]));
    assert_eq!(harness.stats().fields_dropped, [(FieldDropReason::Panic, 1)]);
}

#[test]
fn values_that_would_poison_a_sum_are_refused_and_the_sum_stays() {
    let harness = harness(REGISTRY);
    harness.run(|| {
        for value in [1.0, 12.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.5, f64::MAX, f64::MAX] {
            event!(name: "n.long", Level::TRACE, n.real = value);
        }
        for value in [5, i64::MAX, 7] {
            event!(name: "n.short", Level::TRACE, n.value = value);
        }
    });
    let totals = harness.totals();
    let Total::Histogram { counts, sum, .. } = &totals["n.long.real{}[]"] else { panic!("{totals:?}") };
    assert!(sum.is_finite(), "{totals:?}");
    assert_eq!(counts.iter().sum::<u64>() + harness.stats().measurements_refused, 8 + 1);
    let Total::Int(count) = totals["n.short.count{}[]"] else { panic!("{totals:?}") };
    assert!(count >= 12, "a sum that only grows became {count}");
}

#[test]
fn a_sum_that_shrinks_is_right_on_both_sides_of_zero_by_every_way() {
    let text = registry("updowncounter");
    let harness = harness(&text);
    let values = [5, -7, 1, 1, 3, i64::MIN, -1, i64::MAX, 0];
    harness.run(|| {
        for value in values {
            event!(name: "n.short", Level::TRACE, n.value = value);
            event!(name: "n.middle", Level::TRACE, n.value = value, n.phase = "on");
            event!(name: "n.long", Level::TRACE, n.value = value);
        }
    });
    let expected = values.iter().fold(0i64, |sum, value| sum.checked_add(*value).unwrap_or(sum));
    let totals = harness.totals();
    assert_eq!(["n.short.count", "n.middle.count", "n.long.count"].map(|metric| sum(&totals, metric)), [Some(expected); 3]);
}

#[test]
fn a_dimension_is_found_whatever_its_length_and_whichever_way_it_is_given() {
    let harness = harness(REGISTRY);
    harness.run(|| {
        for phase in ["on", "waiting", "not_yet_begun", "waitinG", "not_yet_begum", "wait", "", "waiting!"] {
            event!(name: "n.middle", Level::TRACE, n.phase = phase, n.value = 1);
            event!(name: "n.middle", Level::TRACE, n.value = 10, n.phase = %phase);
        }
        event!(name: "n.middle", Level::TRACE, n.phase = true, n.value = 1_000);
        event!(name: "n.middle", Level::TRACE, n.phase = 7, n.value = 1_000);
        event!(name: "n.middle", Level::TRACE, n.phase = u64::MAX, n.value = 1_000);
        event!(name: "n.middle", Level::TRACE, n.value = 100);
    });
    let expected = [
        ("n.middle.count{}[n.phase=on]", 11),
        ("n.middle.count{}[n.phase=waiting]", 11),
        ("n.middle.count{}[n.phase=not_yet_begun]", 11),
        ("n.middle.count{}[n.phase=_OTHER]", 3_055),
        ("n.middle.count{}[]", 100),
    ];
    assert_eq!(harness.totals(), support::ints(expected));
}
