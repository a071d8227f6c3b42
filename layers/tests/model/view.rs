//! One layer of a test case with its readers, and the plain model of what it must have counted and said.
//!
//! The program tells it what happens, and now and then lets it look. It must never know of another layer.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use tracing_weaver_layers::{RecordReader, Settings, Weaver, WeaverLayer, weave};

use crate::plain::{Chain, Counted, Kind, Measure, Reading, attributes};
use crate::support::{Any, Total, Totals, drain, filter, totals};
use crate::traced::{Traced, Under};

/// By number of event the attributes of its record's scope.
type Scopes = BTreeMap<i64, BTreeMap<String, String>>;

pub(crate) struct View {
    reading: Reading,
    directives: &'static str,
    weaver: Arc<Weaver>,
    reader: RecordReader,
    /// By span.
    chains: Vec<Chain>,
    counted: Counted,
    before: Totals,
    /// Of events that must become a record.
    expected: Scopes,
    said: Scopes,
    traced: Option<Traced>,
}

impl View {
    /// A layer; with trace spans, if that is asked for and there are any in this build.
    pub(crate) fn new<S>(reading: Reading, directives: &'static str, with_traces: bool) -> (View, WeaverLayer<S>)
    where
        S: tracing_core::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
    {
        let mut settings = Settings::new(reading.registry());
        settings.filter = filter(directives);
        let traced = if with_traces { Traced::switch_on(directives, &mut settings) } else { None };
        let (layer, weaver, reader) = weave(settings).unwrap();
        let (chains, counted, before) = Default::default();
        let (expected, said) = Default::default();
        (View { reading, directives, weaver, reader, chains, counted, before, expected, said, traced }, layer)
    }

    /// A span was made; `exists` unless nobody wanted it.
    pub(crate) fn made(&mut self, kind: Kind, id: u8, exists: bool, parent: Option<usize>, under: Under<'_>) {
        self.traced.iter_mut().for_each(|traced| traced.made(self.reading, kind, exists, under));
        let mut chain = self.chain(parent);
        chain.extend(self.reading.entity(kind, id));
        self.chains.push(chain);
        self.counted.nameless += u64::from(self.reading == Reading::Usual && kind == Kind::Nameless);
    }

    /// A span ended.
    pub(crate) fn ended(&mut self, span: usize) {
        self.traced.iter_mut().for_each(|traced| traced.ended(span));
    }

    /// A value was recorded on a span.
    pub(crate) fn recorded(&mut self, kind: Kind) {
        self.counted.late += u64::from(self.reading.is_entity(kind));
    }

    /// An event happened in a span.
    pub(crate) fn emitted(&mut self, span: Option<usize>, under: Under<'_>, loud: bool, number: i64, measure: &Measure) {
        let chain = self.chain(span);
        self.counted.fold(self.reading, &chain, measure);
        let forwarded = match self.directives {
            "info" => loud,
            "trace" => true,
            _ => false,
        };
        if forwarded {
            self.expected.insert(number, attributes(&chain));
            self.traced.iter_mut().for_each(|traced| traced.emitted(number, under));
        }
    }

    fn chain(&self, span: Option<usize>) -> Chain {
        span.map(|span| self.chains[span].clone()).unwrap_or_default()
    }

    pub(crate) fn look(&mut self) -> Result<(), TestCaseError> {
        let totals = totals(&self.weaver);
        prop_assert_eq!(&totals, &self.counted.totals);
        for (name, old) in &self.before {
            if let (Total::Int(old), Total::Int(new), false) = (old, &totals[name], name.contains("balance") || name.contains("depth")) {
                prop_assert!(new >= old, "{} went from {} to {}", name, old, new);
            }
        }
        self.before = totals;
        for record in drain(&mut self.reader, &self.weaver) {
            let Some(Any::Int(number)) = record.get("t.seq") else { panic!("{record:?}") };
            self.traced.iter_mut().for_each(|traced| traced.said(*number, &record.bytes));
            prop_assert!(self.said.insert(*number, record.entities).is_none(), "a record came twice");
        }
        // What directives for spans let through is the subject of other tests.
        if !self.directives.contains('[') {
            prop_assert_eq!(&self.said, &self.expected);
        }
        self.traced.iter_mut().try_for_each(Traced::look)
    }

    pub(crate) fn finish(mut self) -> Result<(), TestCaseError> {
        self.look()?;
        let stats = self.weaver.stats();
        prop_assert_eq!(stats.measurements_unattributed, self.counted.unattributed);
        prop_assert_eq!(stats.measurements_refused, self.counted.refused);
        prop_assert_eq!(stats.entities_refused, self.counted.nameless);
        prop_assert_eq!(stats.late_values, self.counted.late);
        prop_assert_eq!(stats.records_created, stats.records_taken);
        self.traced.map_or(Ok(()), Traced::finish)
    }
}
