//! Values of every type that `tracing` has, drawn at random about every length at which the encoding changes, and what must
//! come out of each.
//!
//! Tests of records, entities and spans call it. It must never ask the layer what it would make of a value.
#![allow(dead_code)]

use std::error::Error;
use std::fmt;

use proptest::prelude::*;
use tracing::field::{Empty, Value, debug, display};

use crate::support::Any;

/// Longest text that is exported.
pub(crate) const MAX_TEXT: usize = 64 << 10;

/// What a field may be given.
#[derive(Debug, Clone)]
pub(crate) enum Given {
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
    pub(crate) fn with<R>(&self, with: impl FnOnce(&dyn Value) -> R) -> R {
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
    pub(crate) fn expected(&self) -> (Option<Any>, Option<Any>) {
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

pub(crate) fn cut(text: &str) -> &str {
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

pub(crate) fn given() -> impl Strategy<Value = Given> {
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
        prop_oneof![any::<i64>(), lengths().prop_map(|n| n as i64)].prop_map(Given::I64),
        prop_oneof![any::<u64>(), lengths(), Just(u64::MAX), Just(1 << 63), Just((1 << 63) - 1)].prop_map(Given::U64),
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

/// Calls `then` with all values.
pub(crate) fn with_all<'a>(values: &'a [Given], so_far: &mut Vec<&dyn Value>, then: &mut dyn FnMut(&[&dyn Value])) {
    let Some((first, rest)) = values.split_first() else { return then(so_far) };
    first.with(|value| {
        let mut so_far = so_far.clone();
        so_far.push(value);
        with_all(rest, &mut so_far, then);
    });
}

/// Natural numbers about every length of a varint.
fn lengths() -> impl Strategy<Value = u64> {
    (0u32..64, any::<bool>()).prop_map(|(bits, less)| (1u64 << bits) - u64::from(less))
}
