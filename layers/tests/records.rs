//! Whatever an event writes comes out of its bytes as OTLP's own decoder reads them.
//!
//! Values, keys and bodies are drawn at random about every length at which the encoding changes. It must never compare bytes
//! with bytes that the layer made.

#[path = "support/given.rs"]
mod given;
mod support;

use given::{Given, MAX_TEXT, given, with_all};
use proptest::prelude::*;
use support::{Any, Harness, Total, filter, ints, registry_of, settings};
use tracing::field::Empty;
use tracing::{Level, event};
use tracing_weaver_layers::{FieldDropReason, Settings};

// About every length at which a key is written another way.
const KEY_26: &str = "kkkkkkkkkkkkkkkkkkkkkkkkkk";
const KEY_27: &str = "lllllllllllllllllllllllllll";
const KEY_42: &str = "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn";
const KEY_43: &str = "ooooooooooooooooooooooooooooooooooooooooooo";
const KEY_130: &str =
    "mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm";

fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(200)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_value_under_every_length_of_key_and_as_body_comes_out_of_the_bytes_as_it_went_in(
        values in prop::collection::vec(given(), 7..=7)
    ) {
        let mut harness = Harness::filtered("info");
        harness.run(|| with_all(&values, &mut Vec::new(), &mut |v| {
            event!(name: "x.values", Level::INFO, {
                a = v[0], "kkkkkkkkkkkkkkkkkkkkkkkkkk" = v[1], message = v[2], "lllllllllllllllllllllllllll" = v[3],
                "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn" = v[4],
                "ooooooooooooooooooooooooooooooooooooooooooo" = v[5],
                "mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm" = v[6]
            });
            event!(name: "t.say", Level::INFO, t.text = v[0]);
        }));
        let said = harness.drain();
        prop_assert_eq!(said.len(), 2);
        let mut expected = std::collections::BTreeMap::new();
        let keys = ["a", KEY_26, KEY_27, KEY_42, KEY_43, KEY_130];
        for (key, value) in keys.into_iter().zip([0, 1, 3, 4, 5, 6].map(|at| &values[at])) {
            let (value, chain) = value.expected();
            expected.extend(value.map(|value| (key.to_owned(), value)));
            expected.extend(chain.map(|chain| (format!("{key}.chain"), chain)));
        }
        prop_assert_eq!(&said[0].attributes, &expected);
        prop_assert_eq!(&said[0].body, &values[2].expected().0);
        prop_assert_eq!(said[1].get("t.text").cloned(), values[0].expected().0);
        prop_assert_eq!((said[0].name.as_str(), said[0].known, said[1].known), ("x.values", false, true));
        let cut = values.iter().enumerate().map(|(at, value)| longer(value, at != 2) * if at == 0 { 2 } else { 1 }).sum::<u64>();
        let counted: Vec<_> = (cut > 0).then_some((FieldDropReason::TooLong, cut)).into_iter().collect();
        prop_assert_eq!(harness.stats().fields_dropped, counted);
    }
}

/// How many texts of a value are cut; `chain` where its sources are written too.
fn longer(value: &Given, chain: bool) -> u64 {
    let long = |text: &str| u64::from(text.len() > MAX_TEXT);
    match value {
        Given::Str(v) | Given::Display(v) => long(v),
        Given::Debug(v) => long(&format!("{v:?}")),
        Given::Error(texts) => texts.iter().take(if chain { texts.len() } else { 1 }).map(|text| long(text)).sum(),
        _ => 0,
    }
}

#[test]
fn severity_is_the_level_and_a_default_name_is_no_event_name() {
    let mut harness = Harness::filtered("trace");
    harness.run(|| {
        tracing::trace!("a");
        tracing::debug!("b");
        tracing::info!("c");
        tracing::warn!("d");
        tracing::error!(x = 1);
        event!(name: "x.named", Level::ERROR, x = 1);
        event!(name: "event of mine", Level::ERROR, x = 1);
        event!(name: "t.tick", Level::WARN, t.seq = 1);
        event!(name: "x.a_name_that_fills_the_first_block_and_goes_on_behind_it", Level::INFO, x = 1);
    });
    let said = harness.drain();
    let expected = [(1, "TRACE", ""), (5, "DEBUG", ""), (9, "INFO", ""), (13, "WARN", ""), (17, "ERROR", ""), (17, "ERROR", "x.named")];
    let expected = expected.into_iter().chain([(17, "ERROR", "event of mine"), (13, "WARN", "t.tick")]);
    let expected = expected.chain([(9, "INFO", "x.a_name_that_fills_the_first_block_and_goes_on_behind_it")]);
    let seen: Vec<_> = said.iter().map(|said| (said.severity.0, said.severity.1.as_str(), said.name.as_str())).collect();
    assert_eq!(seen, expected.collect::<Vec<_>>());
    assert_eq!(
        said.iter().map(|said| said.body.clone()).collect::<Vec<_>>()[..5],
        [Some("a".into()), Some("b".into()), Some("c".into()), Some("d".into()), None]
    );
    assert!(said.iter().all(|said| said.scope == module_path!() && said.known == (said.name == "t.tick")));
}

#[test]
fn records_of_a_thread_keep_their_order_and_have_their_time() {
    let mut harness = Harness::filtered("info");
    let day = 86_400_000_000_000;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() as u64;
    harness.run(|| (0..3_000i64).for_each(|n| event!(name: "t.tick", Level::INFO, t.seq = n)));
    let said = harness.drain();
    assert_eq!(
        said.iter().map(|said| said.get("t.seq").cloned()).collect::<Vec<_>>(),
        (0..3_000).map(|n| Some(Any::Int(n))).collect::<Vec<_>>()
    );
    assert!(said.iter().all(|said| said.time == said.observed && said.time.abs_diff(now) < day));
}

#[test]
fn the_place_in_the_code_stands_on_records_only_where_it_is_asked_for() {
    let mut asked = settings("info");
    asked.code_location = true;
    let (mut with, mut without) = (Harness::new(asked), Harness::filtered("info"));
    for harness in [&with, &without] {
        harness.run(|| event!(name: "x.here", Level::INFO, x = 1));
    }
    let line = line!() - 2;
    let said = with.drain();
    assert_eq!((said[0].text("code.file.path"), said[0].get("code.line.number")), (file!(), Some(&Any::Int(line.into()))));
    assert_eq!(without.drain()[0].keys(), ["x"]);
}

#[test]
fn one_target_makes_two_scopes_where_the_registry_knows_some_of_its_events_only() {
    let mut harness = Harness::filtered("info");
    harness.run(|| {
        event!(name: "t.tick", target: "engine", Level::INFO, t.seq = 1);
        event!(name: "x.other", target: "engine", Level::INFO, t.seq = 1);
    });
    let said = harness.drain();
    assert_eq!(said.iter().map(|said| (said.scope.as_str(), said.known)).collect::<Vec<_>>(), [("engine", true), ("engine", false)]);
}

#[test]
fn limits_of_records_cut_texts_and_count_what_is_over() {
    let mut settings = settings("info");
    settings.attribute_count_limit = 2;
    settings.attribute_length_limit = Some(3);
    let mut harness = Harness::new(settings);
    harness.run(|| event!(Level::INFO, a = "äbcd", b = 1, c = 2, "a longer body"));
    let said = harness.drain();
    assert_eq!(format!("{:?}", said[0].attributes), r#"{"a": Str("äbc"), "b": Int(1)}"#);
    assert_eq!((said[0].dropped_attributes, harness.stats().attributes_over_limit), (1, 1));
}

/// Three events that are folded by the three ways, with a name and a key for each attribute.
const TWO_NAMES: &str = "
file_format: definition/2
attributes:
  - {key: d.pieces, type: int, brief: Pieces., stability: development, annotations: {tracing_weaver: {field: [pieces]}}}
  - key: d.outcome
    type: {members: [{id: placed}, {id: dropped}]}
    brief: How it went.
    stability: development
    annotations: {tracing_weaver: {field: [outcome]}}
events:
  - {name: d.plain, brief: One., stability: development, attributes: [{ref: d.pieces}, {ref: d.outcome}]}
  - {name: d.integers, brief: Two., stability: development, attributes: [{ref: d.pieces}, {ref: d.outcome}]}
  - {name: d.general, brief: Three., stability: development, attributes: [{ref: d.pieces}, {ref: d.outcome}]}
metrics:
  - name: d.plain.sum
    brief: Pieces.
    unit: '1'
    instrument: counter
    stability: development
    annotations: {tracing_weaver: {fold: {event: d.plain, value: d.pieces}}}
  - name: d.integers.sum
    brief: Pieces.
    unit: '1'
    instrument: counter
    stability: development
    attributes: [{ref: d.outcome, annotations: {tracing_weaver: {field: [result]}}}]
    annotations: {tracing_weaver: {fold: {event: d.integers, value: d.pieces}}}
  - name: d.general.sum
    brief: Pieces.
    unit: '1'
    instrument: counter
    stability: development
    attributes: [{ref: d.outcome}]
    annotations: {tracing_weaver: {value: double, fold: {event: d.general, value: d.pieces}}}
";

/// A program, and which number and outcome count.
type Program<'a> = (&'a dyn Fn(), Option<i64>, Option<&'a str>);

#[test]
fn of_two_fields_for_one_attribute_record_value_and_dimension_take_the_same_one() {
    macro_rules! by_every_way {
        ($($fields:tt)*) => {{
            event!(name: "d.plain", Level::INFO, $($fields)*);
            event!(name: "d.integers", Level::INFO, $($fields)*);
            event!(name: "d.general", Level::INFO, $($fields)*);
        }};
    }
    let none = None::<&str>;
    let programs: [Program<'_>; 6] = [
        (&|| by_every_way!(outcome = "placed", d.outcome = "dropped", pieces = 1, d.pieces = 2), Some(1), Some("placed")),
        (&|| by_every_way!(d.outcome = "placed", outcome = "dropped", d.pieces = 1, pieces = 2), Some(1), Some("placed")),
        (&|| by_every_way!(d.outcome = "placed", d.outcome = "dropped", pieces = 1, pieces = 2), Some(1), Some("placed")),
        (&|| by_every_way!(outcome = ?"placed", d.outcome = %"dropped", pieces = 1, d.pieces = 2.5), Some(1), None),
        (&|| by_every_way!(outcome = none, d.outcome = "dropped", pieces = 1, d.pieces = 2), Some(1), None),
        (&|| by_every_way!(outcome = Empty, d.outcome = "dropped", pieces = None::<i64>, d.pieces = 2), None, None),
    ];
    for (at, (program, pieces, outcome)) in programs.into_iter().enumerate() {
        for directives in ["info", "off"] {
            let mut settings = Settings::new(registry_of(TWO_NAMES));
            settings.filter = filter(directives);
            let mut harness = Harness::new(settings);
            // The first event of a callsite and the later ones go different ways.
            (0..3).for_each(|_| harness.run(program));
            let said = harness.drain();
            assert_eq!(said.len(), if directives == "info" { 9 } else { 0 });
            for said in said {
                let quoted = (at == 3).then_some("\"placed\"");
                assert_eq!(said.get("d.outcome").cloned(), outcome.or(quoted).map(Any::from), "{at}: {said:?}");
                assert_eq!(said.get("d.pieces").cloned(), pieces.map(Any::from), "{at}: {said:?}");
            }
            let dimension = match outcome {
                Some(outcome) => format!("d.outcome={outcome}"),
                None if at == 3 => "d.outcome=_OTHER".to_owned(),
                None => String::new(),
            };
            let mut expected = std::collections::BTreeMap::new();
            if let Some(pieces) = pieces {
                expected.insert("d.plain.sum{}[]".to_owned(), Total::Int(3 * pieces));
                expected.insert(format!("d.integers.sum{{}}[{dimension}]"), Total::Int(3 * pieces));
                expected.insert(format!("d.general.sum{{}}[{dimension}]"), Total::Double(3.0 * pieces as f64));
            }
            assert_eq!(harness.totals(), expected, "{at} with {directives}");
        }
    }
}

#[test]
fn a_name_that_only_a_set_accepts_gives_way_to_what_the_record_carries() {
    let mut settings = Settings::new(registry_of(TWO_NAMES));
    settings.filter = filter("info");
    let mut harness = Harness::new(settings);
    harness.run(|| {
        event!(name: "d.integers", Level::INFO, result = "dropped", outcome = "placed", pieces = 1);
        event!(name: "d.integers", Level::INFO, result = "dropped", pieces = 10);
    });
    let said = harness.drain();
    assert_eq!(said.iter().map(|said| said.get("d.outcome").cloned()).collect::<Vec<_>>(), [Some(Any::from("placed")), None]);
    let expected = [("d.integers.sum{}[d.outcome=placed]", 1), ("d.integers.sum{}[d.outcome=dropped]", 10)];
    assert_eq!(harness.totals(), ints(expected));
    let doubled: Vec<_> = harness.weaver.findings(0, usize::MAX).into_iter().filter(|of| of.id == "duplicate_attribute").collect();
    assert!(doubled.len() == 1 && doubled[0].message.contains("`result` counts neither"), "{doubled:#?}");
}
