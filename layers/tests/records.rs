//! Whatever an event writes comes out of its bytes as OTLP's own decoder reads them.
//!
//! Values, keys and bodies are drawn at random about every length at which the encoding changes. It must never compare bytes
//! with bytes that the layer made.

#[path = "support/mod.rs"]
mod support;

use std::error::Error;
use std::fmt;

use proptest::prelude::*;
use support::{Any, Harness, settings};
use tracing::field::{Empty, Value, debug, display};
use tracing::{Level, event};
use tracing_weaver_layers::FieldDropReason;

const MAX_TEXT: usize = 64 << 10;
const KEY_58: &str = "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk";
const KEY_59: &str = "lllllllllllllllllllllllllllllllllllllllllllllllllllllllllll";
const KEY_130: &str =
    "mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm";

/// What a field may be given.
#[derive(Debug, Clone)]
enum Given {
    I64(i64),
    U64(u64),
    I128(i128),
    U128(u128),
    F64(f64),
    Bool(bool),
    Str(String),
    Bytes(Vec<u8>),
    Debug(String),
    Display(String),
    Error(Vec<String>),
    NoneStr,
    NoneInt,
    Empty,
}

/// An error with its sources, the nearest first.
#[derive(Debug)]
struct Fault {
    text: String,
    source: Option<Box<Fault>>,
}

impl Fault {
    fn of(texts: &[String]) -> Option<Box<Fault>> {
        let (text, rest) = texts.split_first()?;
        Some(Box::new(Fault { text: text.clone(), source: Fault::of(rest) }))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for Fault {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl Given {
    fn with<R>(&self, with: impl FnOnce(&dyn Value) -> R) -> R {
        match self {
            Given::I64(v) => with(v),
            Given::U64(v) => with(v),
            Given::I128(v) => with(v),
            Given::U128(v) => with(v),
            Given::F64(v) => with(v),
            Given::Bool(v) => with(v),
            Given::Str(v) => with(v),
            Given::Bytes(v) => with(&v.as_slice()),
            Given::Debug(v) => with(&debug(v)),
            Given::Display(v) => with(&display(v)),
            Given::Error(texts) => {
                let fault = Fault::of(texts).expect("at least one text");
                with(&(&*fault as &(dyn Error + 'static)))
            }
            Given::NoneStr => with(&None::<&str>),
            Given::NoneInt => with(&None::<u64>),
            Given::Empty => with(&Empty),
        }
    }

    /// What must stand on the record, and beside it as the chain of sources.
    fn expected(&self) -> (Option<Any>, Option<Any>) {
        let text = |text: &str| Any::Str(cut(text).to_owned());
        let int = |int: Option<i64>, text: String| int.map_or(Any::Str(text), Any::Int);
        let value = match self {
            Given::I64(v) => Any::Int(*v),
            Given::U64(v) => int(i64::try_from(*v).ok(), v.to_string()),
            Given::I128(v) => int(i64::try_from(*v).ok(), v.to_string()),
            Given::U128(v) => int(i64::try_from(*v).ok(), v.to_string()),
            Given::F64(v) => Any::Double(*v),
            Given::Bool(v) => Any::Bool(*v),
            Given::Str(v) | Given::Display(v) => text(v),
            Given::Bytes(v) => Any::Bytes(v.clone()),
            Given::Debug(v) => text(&format!("{v:?}")),
            Given::Error(texts) => {
                let chain: Vec<Any> = texts[1..].iter().map(|source| text(source)).collect();
                return (Some(text(&texts[0])), (!chain.is_empty()).then_some(Any::List(chain)));
            }
            Given::NoneStr | Given::NoneInt | Given::Empty => return (None, None),
        };
        (Some(value), None)
    }
}

fn cut(text: &str) -> &str {
    let end = (0..=text.len().min(MAX_TEXT)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    &text[..end]
}

/// Texts of the lengths at which something changes, of one to four bytes a character.
fn text() -> impl Strategy<Value = String> {
    let lengths = vec![
        0usize, 1, 57, 58, 59, 60, 61, 62, 63, 64, 65, 126, 127, 128, 129, 500, 512, 8_192, 16_382, 16_383, 16_384, 65_535, 65_536, 65_537,
    ];
    let unit = prop::sample::select(vec!["a", "\"", "\n", "\0", "\u{e4}", "\u{20ac}", "\u{1f600}"]);
    prop_oneof![
        3 => (prop::sample::select(lengths), unit).prop_map(|(length, unit)| {
            let mut text = "x".repeat(length % unit.len());
            text.push_str(&unit.repeat(length / unit.len()));
            text
        }),
        2 => any::<String>(),
    ]
}

fn given() -> impl Strategy<Value = Given> {
    let edges = vec![
        i128::MIN,
        i128::from(i64::MIN) - 1,
        i128::from(i64::MIN),
        -1,
        0,
        127,
        128,
        i128::from(i64::MAX),
        i128::from(i64::MAX) + 1,
        i128::MAX,
    ];
    let doubles = vec![0.0, -0.0, 0.1, f64::MIN_POSITIVE, f64::MAX, f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
    prop_oneof![
        any::<i64>().prop_map(Given::I64),
        prop_oneof![any::<u64>(), Just(u64::MAX), Just(1 << 63), Just((1 << 63) - 1)].prop_map(Given::U64),
        prop_oneof![prop::sample::select(edges), any::<i128>()].prop_map(Given::I128),
        prop_oneof![any::<u128>(), Just(u128::MAX), Just(1 << 63), Just((1 << 63) - 1), Just(0)].prop_map(Given::U128),
        prop_oneof![any::<f64>(), prop::sample::select(doubles)].prop_map(Given::F64),
        any::<bool>().prop_map(Given::Bool),
        text().prop_map(Given::Str),
        prop::collection::vec(any::<u8>(), 0..200).prop_map(Given::Bytes),
        text().prop_map(Given::Debug),
        text().prop_map(Given::Display),
        prop::collection::vec(text(), 1..4).prop_map(Given::Error),
        Just(Given::NoneStr),
        Just(Given::NoneInt),
        Just(Given::Empty),
    ]
}

fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(200)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_value_under_every_length_of_key_and_as_body_comes_out_of_the_bytes_as_it_went_in(
        values in prop::collection::vec(given(), 5..=5)
    ) {
        let mut harness = Harness::filtered("info");
        harness.run(|| with_all(&values, &mut Vec::new(), &mut |v| {
            event!(name: "x.values", Level::INFO, {
                a = v[0], "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk" = v[1], message = v[2],
                "lllllllllllllllllllllllllllllllllllllllllllllllllllllllllll" = v[3],
                "mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm" = v[4]
            });
            event!(name: "t.say", Level::INFO, t.text = v[0]);
        }));
        let said = harness.drain();
        prop_assert_eq!(said.len(), 2);
        let mut expected = std::collections::BTreeMap::new();
        for (key, value) in [("a", &values[0]), (KEY_58, &values[1]), (KEY_59, &values[3]), (KEY_130, &values[4])] {
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

fn with_all<'a>(values: &'a [Given], so_far: &mut Vec<&dyn Value>, then: &mut dyn FnMut(&[&dyn Value])) {
    let Some((first, rest)) = values.split_first() else { return then(so_far) };
    first.with(|value| {
        let mut so_far = so_far.clone();
        so_far.push(value);
        with_all(rest, &mut so_far, then);
    });
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
    });
    let said = harness.drain();
    let expected = [(1, "TRACE", ""), (5, "DEBUG", ""), (9, "INFO", ""), (13, "WARN", ""), (17, "ERROR", ""), (17, "ERROR", "x.named")];
    let expected = expected.into_iter().chain([(17, "ERROR", "event of mine"), (13, "WARN", "t.tick")]);
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
