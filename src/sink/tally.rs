//! What the console got, counted: events by name and severity, spans by name.
//! The console counts, the summary at shutdown reads.
//! It is bounded: past its bounds names are counted together.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;

/// Kinds of events, and names of spans, that are counted apart; the others are counted together.
pub(super) const MAX_NAMES: usize = 1_000;

/// What the console got.
#[derive(Debug, Default)]
pub(crate) struct ConsoleTally(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    events: BTreeMap<(TalliedEvent, i32), u64>,
    spans: BTreeMap<TalliedName, SpanTally>,
}

/// An event that the console showed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TalliedEvent {
    /// With a name.
    Named(String),
    /// Without one: counted by the target that it came from.
    Unnamed(String),
    /// Of the many beyond those that are counted apart.
    Other,
}

/// A name of spans that the console got.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TalliedName {
    /// This one.
    Named(String),
    /// One of the many beyond those that are counted apart.
    Other,
}

/// What is known of all spans of one name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct SpanTally {
    /// How many there were.
    pub(crate) count: u64,
    /// How many of them failed.
    pub(crate) errors: u64,
    /// How long all of them took together.
    pub(crate) total: Duration,
    /// How long the longest took.
    pub(crate) longest: Duration,
}

/// Event and severity number, and how many there were.
pub(crate) type Tallied = ((TalliedEvent, i32), u64);

impl ConsoleTally {
    /// All events that were counted.
    pub(crate) fn events(&self) -> Vec<Tallied> {
        self.lock().events.iter().map(|(event, count)| (event.clone(), *count)).collect()
    }

    /// All spans that were counted, by name.
    pub(crate) fn spans(&self) -> Vec<(TalliedName, SpanTally)> {
        self.lock().spans.iter().map(|(name, tally)| (name.clone(), *tally)).collect()
    }

    pub(super) fn count_record(&self, scope: Option<&InstrumentationScope>, record: &LogRecord) {
        let event = match record.event_name.is_empty() {
            true => TalliedEvent::Unnamed(scope.map_or_else(String::new, |scope| scope.name.clone())),
            false => TalliedEvent::Named(record.event_name.clone()),
        };
        let events = &mut self.lock().events;
        let mut key = (event, record.severity_number);
        if events.len() >= MAX_NAMES && !events.contains_key(&key) {
            key.0 = TalliedEvent::Other;
        }
        *events.entry(key).or_default() += 1;
    }

    pub(super) fn count_span(&self, span: &Span) {
        let took = Duration::from_nanos(span.end_time_unix_nano.saturating_sub(span.start_time_unix_nano));
        let spans = &mut self.lock().spans;
        let mut name = TalliedName::Named(span.name.clone());
        if spans.len() >= MAX_NAMES && !spans.contains_key(&name) {
            name = TalliedName::Other;
        }
        let tally = spans.entry(name).or_default();
        tally.count += 1;
        tally.errors += u64::from(span.status.as_ref().is_some_and(|status| status.code() == StatusCode::Error));
        tally.total = tally.total.saturating_add(took);
        tally.longest = tally.longest.max(took);
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SpanTally {
    /// How long a span took, on the whole.
    pub(crate) fn mean(&self) -> Duration {
        self.total.div_f64(self.count.max(1) as f64)
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::trace::v1::Status;

    use super::*;

    fn span(name: &str, millis: u64, code: StatusCode) -> Span {
        Span {
            name: name.into(),
            start_time_unix_nano: 1_000_000,
            end_time_unix_nano: 1_000_000 + millis * 1_000_000,
            status: Some(Status { code: code.into(), ..Default::default() }),
            ..Default::default()
        }
    }

    fn named(name: &str) -> TalliedName {
        TalliedName::Named(name.into())
    }

    #[test]
    fn spans_are_counted_by_name_with_their_errors_and_times() {
        let tally = ConsoleTally::default();
        for span in [span("b", 10, StatusCode::Unset), span("a", 1, StatusCode::Ok), span("b", 30, StatusCode::Error)] {
            tally.count_span(&span);
        }
        let millis = Duration::from_millis;
        let (a, b) = (
            SpanTally { count: 1, errors: 0, total: millis(1), longest: millis(1) },
            SpanTally { count: 2, errors: 1, total: millis(40), longest: millis(30) },
        );
        assert_eq!(tally.spans(), [(named("a"), a), (named("b"), b)]);
        assert_eq!(b.mean(), millis(20));
    }

    #[test]
    fn a_span_that_ends_before_it_starts_took_no_time() {
        let tally = ConsoleTally::default();
        tally.count_span(&Span { name: "a".into(), start_time_unix_nano: 5, end_time_unix_nano: 1, ..Default::default() });
        assert_eq!(tally.spans()[0].1, SpanTally { count: 1, ..Default::default() });
    }

    #[test]
    fn past_a_bound_names_of_spans_are_counted_together() {
        let tally = ConsoleTally::default();
        (0..MAX_NAMES + 5).for_each(|at| tally.count_span(&span(&format!("{at:05}"), 1, StatusCode::Unset)));
        let spans = tally.spans();
        assert_eq!(spans.len(), MAX_NAMES + 1);
        assert_eq!(spans.last().map(|(name, tally)| (name, tally.count)), Some((&TalliedName::Other, 5)));
    }
}
