//! The plain model of trace spans: which spans become one, under which other one they hang, and when they leave.
//!
//! One layer of a test case may have it; OpenTelemetry's current span is one for all layers of a thread. It must never ask a span for its
//! ids before it has left: looking starts it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use opentelemetry::Value;
use opentelemetry::trace::SpanId;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_sdk::trace::{Sampler, SpanData, SpanLimits};
use proptest::prelude::*;
use prost::Message as _;
use tracing_core::{Level, LevelFilter};
use tracing_weaver_layers::{Settings, SpanSettings};

use crate::plain::{Kind, Reading};
use crate::spans::Spans;

/// Where a new span stands.
#[derive(Clone, Copy)]
pub(crate) enum Under<'a> {
    /// Contextual, inside of these spans.
    Entered(&'a [usize]),
    /// With this parent by hand, its own ancestors behind it.
    Parents(&'a [usize]),
}

pub(crate) struct Traced {
    sink: Arc<Spans>,
    passes: LevelFilter,
    /// By span: that it is a trace span, and the one above it.
    spans: Vec<Option<Option<usize>>>,
    ended: Vec<usize>,
    left: Vec<SpanData>,
    /// By number of event the span whose ids its record must carry.
    expected: BTreeMap<i64, Option<usize>>,
    /// By number of event trace and span id of its record.
    said: BTreeMap<i64, (Vec<u8>, Vec<u8>)>,
}

impl Traced {
    /// For a layer with these directives, if what they let through depends on levels alone.
    pub(crate) fn switch_on(directives: &str, settings: &mut Settings) -> Option<Traced> {
        let passes = match directives {
            "off" => LevelFilter::OFF,
            "info" => LevelFilter::INFO,
            "trace" => LevelFilter::TRACE,
            "warn,t=debug" => LevelFilter::WARN,
            _ => return None,
        };
        let sink = Arc::<Spans>::default();
        let (sampler, limits) = (Sampler::AlwaysOn, SpanLimits::default());
        settings.spans = Some(SpanSettings { sampler, limits, text_limit: None, sink: sink.clone() });
        Some(Traced {
            sink,
            passes,
            spans: Vec::new(),
            ended: Vec::new(),
            left: Vec::new(),
            expected: BTreeMap::new(),
            said: BTreeMap::new(),
        })
    }

    /// A span was made; `exists` unless nobody wanted it.
    pub(crate) fn made(&mut self, reading: Reading, kind: Kind, exists: bool, under: Under<'_>) {
        let is_traced = exists && !reading.is_entity(kind) && level(kind) <= self.passes;
        let above = self.nearest(under);
        self.spans.push(is_traced.then_some(above));
    }

    /// The trace span in which something happens.
    fn nearest(&self, under: Under<'_>) -> Option<usize> {
        let found = match under {
            Under::Entered(spans) => spans.iter().rev().find(|span| self.is_traced(**span)),
            Under::Parents(spans) => spans.iter().find(|span| self.is_traced(**span)),
        };
        found.copied()
    }

    /// An event happened that becomes a record.
    pub(crate) fn emitted(&mut self, number: i64, under: Under<'_>) {
        self.expected.insert(number, self.nearest(under));
    }

    /// A record was read.
    pub(crate) fn said(&mut self, number: i64, bytes: &[u8]) {
        let record = LogRecord::decode(bytes).unwrap();
        assert_eq!(record.flags, u32::from(!record.trace_id.is_empty()), "all is sampled");
        self.said.insert(number, (record.trace_id, record.span_id));
    }

    fn is_traced(&self, span: usize) -> bool {
        self.spans[span].is_some()
    }

    pub(crate) fn ended(&mut self, span: usize) {
        if self.is_traced(span) {
            self.ended.push(span);
        }
    }

    /// What left so far is what ended.
    pub(crate) fn look(&mut self) -> Result<(), TestCaseError> {
        self.left.extend(self.sink.take());
        let mut left: Vec<_> = self.left.iter().map(number).collect();
        left.sort_unstable();
        self.ended.sort_unstable();
        prop_assert_eq!(&left, &self.ended);
        Ok(())
    }

    /// Everything has ended, and hangs where it must.
    pub(crate) fn finish(mut self) -> Result<(), TestCaseError> {
        self.look()?;
        let of: HashMap<_, _> = self.left.iter().map(|span| (span.span_context.span_id(), number(span))).collect();
        for span in &self.left {
            let above = of.get(&span.parent_span_id).copied();
            prop_assert!(above.is_some() || span.parent_span_id == SpanId::INVALID, "{:?} hangs under nothing", span);
            prop_assert_eq!(Some(above), self.spans[number(span)], "span {}", number(span));
            if let Some(above) = above.and_then(|above| self.left.iter().find(|span| number(span) == above)) {
                prop_assert_eq!(above.span_context.trace_id(), span.span_context.trace_id());
            }
        }
        let ids: HashMap<_, _> = self.left.iter().map(|span| (number(span), &span.span_context)).collect();
        let ids_of = |span: &Option<usize>| match span.map(|span| ids[&span]) {
            Some(ids) => (ids.trace_id().to_bytes().to_vec(), ids.span_id().to_bytes().to_vec()),
            None => (Vec::new(), Vec::new()),
        };
        let expected: BTreeMap<_, _> = self.expected.iter().map(|(number, span)| (*number, ids_of(span))).collect();
        prop_assert_eq!(&self.said, &expected);
        Ok(())
    }
}

/// The level of [`make`](crate::callsites::make)'s callsites.
fn level(kind: Kind) -> Level {
    match kind {
        Kind::Group => Level::ERROR,
        Kind::Pipeline | Kind::Nameless | Kind::Plain => Level::INFO,
        Kind::Node => Level::DEBUG,
        Kind::Channel => Level::TRACE,
    }
}

fn number(span: &SpanData) -> usize {
    let number = span.attributes.iter().find(|kv| kv.key.as_str() == "t.number").map(|kv| &kv.value);
    let Some(Value::I64(number)) = number else { panic!("{span:?}") };
    *number as usize
}
