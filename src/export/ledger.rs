//! The one book of what became of every record, span and data point, per signal and destination.
//! The export thread writes it once per batch; reports, counts and the software's own metrics read it.
//! It is locked for a few additions at a time and never while anything else is waited for; producers never touch it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tracing_weaver_layers::{DropReason as LayerReason, LayerStats};

use super::report::{DestinationReport, DropReason, SignalReport};
use super::source::SpanCounts;

const REASONS: usize = DropReason::ALL.len();

/// A signal that the exporter carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    /// Log records.
    Records,
    /// Trace spans.
    Spans,
    /// Metric data points.
    Points,
}

impl Signal {
    /// All signals, in the order of their numbers.
    pub(crate) const ALL: [Signal; 3] = [Signal::Records, Signal::Spans, Signal::Points];

    /// What is counted, for people.
    pub(crate) fn items(self) -> &'static str {
        match self {
            Signal::Records => "records",
            Signal::Spans => "spans",
            Signal::Points => "data points",
        }
    }

    /// The signal in `otel.component.type`.
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Signal::Records => "log",
            Signal::Spans => "span",
            Signal::Points => "metric",
        }
    }
}

/// Who a destination is in reports and in the software's own metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Component {
    /// For people.
    pub(crate) name: String,
    /// `otel.component.type`; `otel.component.name` is this and `/0`. Empty for what is no component.
    pub(crate) kind: String,
    /// `server.address` and `server.port`, where there is a server.
    pub(crate) server: Option<(String, u16)>,
}

/// One destination of one signal in the [`Ledger`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Account {
    signal: Signal,
    index: usize,
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The receiver took it but for `rejected` items.
    Exported {
        /// Items that it did not take.
        rejected: u64,
    },
    /// Given up.
    Dropped(DropReason),
    /// Sent, and no answer came.
    InDoubt,
}

/// Counts of one destination.
#[derive(Debug, Clone)]
pub(crate) struct Tally {
    /// Whose counts these are.
    pub(crate) component: Component,
    /// Handed to the destination and not settled yet.
    pub(crate) in_flight: u64,
    /// Taken by it.
    pub(crate) exported: u64,
    /// Given up, by number of the reason.
    pub(crate) dropped: [u64; REASONS],
    /// Sent without an answer.
    pub(crate) in_doubt: u64,
}

/// Counts of one signal.
#[derive(Debug, Clone, Default)]
pub(crate) struct Book {
    /// Items that the export thread took.
    pub(crate) taken: u64,
    /// Their bytes.
    pub(crate) bytes: u64,
    /// Items that were handed on to the destinations.
    pub(crate) handed: u64,
    /// Per destination.
    pub(crate) tallies: Vec<Tally>,
}

/// All counts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Books {
    /// Of records.
    pub(crate) records: Book,
    /// Of spans.
    pub(crate) spans: Book,
    /// Of data points.
    pub(crate) points: Book,
    /// Faults of the export thread that it survived.
    pub(crate) faults: u64,
    /// Whether the export thread has ended.
    pub(crate) ended: bool,
}

/// Items that were lost at all destinations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Lost {
    /// Records.
    pub(crate) records: u64,
    /// Spans.
    pub(crate) spans: u64,
    /// Data points.
    pub(crate) points: u64,
}

impl Lost {
    /// What was lost since `before`.
    pub(crate) fn since(self, before: Lost) -> Lost {
        Lost {
            records: self.records.saturating_sub(before.records),
            spans: self.spans.saturating_sub(before.spans),
            points: self.points.saturating_sub(before.points),
        }
    }
}

/// One report for each signal.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reports {
    /// Of records.
    pub(crate) records: SignalReport,
    /// Of spans.
    pub(crate) spans: SignalReport,
    /// Of data points.
    pub(crate) points: SignalReport,
}

/// All counts, shared.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    books: Mutex<Books>,
}

impl Ledger {
    /// Opens an account of a signal.
    pub(crate) fn open(&self, signal: Signal, component: Component) -> Account {
        let mut books = self.lock();
        let tallies = &mut books.book(signal).tallies;
        tallies.push(Tally { component, in_flight: 0, exported: 0, dropped: [0; REASONS], in_doubt: 0 });
        Account { signal, index: tallies.len() - 1 }
    }

    /// The export thread took items.
    pub(crate) fn take(&self, signal: Signal, items: u64, bytes: u64) {
        let mut books = self.lock();
        let book = books.book(signal);
        book.taken += items;
        book.bytes += bytes;
    }

    /// Items were handed on; what each destination makes of them stands on its account.
    pub(crate) fn hand_on(&self, signal: Signal, items: u64) {
        self.lock().book(signal).handed += items;
    }

    /// Items wait for a destination.
    pub(crate) fn queue(&self, account: Account, items: u64) {
        self.lock().tally(account).in_flight += items;
    }

    /// Items that waited for a destination got their outcome.
    pub(crate) fn settle(&self, account: Account, items: u64, outcome: Outcome) {
        let mut books = self.lock();
        let tally = books.tally(account);
        tally.in_flight = tally.in_flight.saturating_sub(items);
        tally.add(items, outcome);
    }

    /// Items that never waited for a destination got their outcome.
    pub(crate) fn record(&self, account: Account, items: u64, outcome: Outcome) {
        self.lock().tally(account).add(items, outcome);
    }

    /// Items of a signal were given up before any destination saw them.
    pub(crate) fn drop_for_all(&self, signal: Signal, items: u64, reason: DropReason) {
        let mut books = self.lock();
        let book = books.book(signal);
        book.handed += items;
        for tally in &mut book.tallies {
            tally.add(items, Outcome::Dropped(reason));
        }
    }

    /// The export thread survived a fault.
    pub(crate) fn fault(&self) {
        self.lock().faults += 1;
    }

    /// The export thread has ended: what is left in queues will never be sent.
    pub(crate) fn end(&self) {
        self.lock().ended = true;
    }

    /// All counts as they are.
    pub(crate) fn read(&self) -> Books {
        self.lock().clone()
    }

    /// As [`read`](Self::read), unless another thread holds the book: after a fork it may hold it for ever.
    pub(crate) fn try_read(&self) -> Option<Books> {
        match self.books.try_lock() {
            Ok(books) => Some(books.clone()),
            Err(std::sync::TryLockError::Poisoned(books)) => Some(books.into_inner().clone()),
            Err(std::sync::TryLockError::WouldBlock) => None,
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Books {
    /// Items lost so far at all destinations. What was superseded is not: its newer values say all that it said.
    pub(crate) fn lost(&self) -> Lost {
        let dropped = |tally: &Tally| tally.dropped.iter().sum::<u64>() - tally.dropped[DropReason::Superseded as usize];
        let lost = |book: &Book| book.tallies.iter().map(|tally| tally.in_doubt + dropped(tally)).sum();
        Lost { records: lost(&self.records), spans: lost(&self.spans), points: lost(&self.points) }
    }

    /// A report for each signal. `stats` and `spans` must be read after the books.
    pub(crate) fn reports(&self, stats: &LayerStats, spans: &SpanCounts) -> Reports {
        let records_before = stats.records_dropped.iter().map(|(reason, count)| (layer_reason(*reason), *count));
        Reports {
            records: self.report(&self.records, stats.records_created, records_before),
            spans: self.report(&self.spans, spans.created, spans.dropped()),
            points: self.points.report(self.points.taken, &[0; REASONS]),
        }
    }

    /// `dropped` are those that were given up before the export thread saw them.
    fn report(&self, book: &Book, created: u64, dropped: impl IntoIterator<Item = (DropReason, u64)>) -> SignalReport {
        let mut before = [0; REASONS];
        for (reason, count) in dropped {
            before[reason as usize] += count;
        }
        if self.ended {
            let lost: u64 = before.iter().sum();
            before[DropReason::Shutdown as usize] += created.saturating_sub(lost + book.taken);
        }
        book.report(created, &before)
    }

    /// The book of a signal.
    pub(crate) fn of(&self, signal: Signal) -> &Book {
        match signal {
            Signal::Records => &self.records,
            Signal::Spans => &self.spans,
            Signal::Points => &self.points,
        }
    }

    fn book(&mut self, signal: Signal) -> &mut Book {
        match signal {
            Signal::Records => &mut self.records,
            Signal::Spans => &mut self.spans,
            Signal::Points => &mut self.points,
        }
    }

    fn tally(&mut self, account: Account) -> &mut Tally {
        &mut self.book(account.signal).tallies[account.index]
    }
}

impl Book {
    fn report(&self, created: u64, before: &[u64; REASONS]) -> SignalReport {
        let destinations = self.tallies.iter().map(|tally| {
            let counts = tally.dropped.iter().zip(before).map(|(own, before)| own + before);
            let dropped: Vec<_> = DropReason::ALL.into_iter().zip(counts).filter(|(_, count)| *count > 0).collect();
            let gone = tally.exported + tally.in_doubt + dropped.iter().map(|(_, count)| count).sum::<u64>();
            DestinationReport {
                name: tally.component.name.clone(),
                exported: tally.exported,
                dropped,
                in_doubt: tally.in_doubt,
                queued: created.saturating_sub(gone),
            }
        });
        SignalReport { created, destinations: destinations.collect() }
    }
}

impl Tally {
    fn add(&mut self, items: u64, outcome: Outcome) {
        match outcome {
            Outcome::Exported { rejected } => {
                let rejected = rejected.min(items);
                self.exported += items - rejected;
                self.dropped[DropReason::Rejected as usize] += rejected;
            }
            Outcome::Dropped(reason) => self.dropped[reason as usize] += items,
            Outcome::InDoubt => self.in_doubt += items,
        }
    }
}

/// The layers' reason among ours.
pub(crate) fn layer_reason(reason: LayerReason) -> DropReason {
    match reason {
        LayerReason::QueueFull => DropReason::QueueFull,
        LayerReason::ThreadLimit => DropReason::ThreadLimit,
        LayerReason::TooLarge => DropReason::TooLarge,
        LayerReason::Shutdown => DropReason::Shutdown,
        _ => DropReason::Encode,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn component() -> Component {
        Component { name: "r".into(), kind: "otlp_http_log_exporter".into(), server: None }
    }

    #[test]
    fn every_record_stands_in_exactly_one_column() {
        let ledger = Ledger::default();
        let account = ledger.open(Signal::Records, component());
        ledger.take(Signal::Records, 90, 9000);
        ledger.hand_on(Signal::Records, 80);
        ledger.queue(account, 70);
        ledger.record(account, 10, Outcome::Dropped(DropReason::QueueFull));
        ledger.settle(account, 30, Outcome::Exported { rejected: 4 });
        ledger.settle(account, 5, Outcome::InDoubt);
        let mut stats = LayerStats::default();
        stats.records_created = 100;
        stats.records_dropped = vec![(LayerReason::QueueFull, 3)];
        let records = ledger.read().reports(&stats, &SpanCounts::default()).records;
        let report = &records.destinations[0];
        assert_eq!(report.exported, 26);
        assert_eq!(report.dropped, [(DropReason::QueueFull, 13), (DropReason::Rejected, 4)]);
        assert_eq!((report.in_doubt, report.queued), (5, 100 - 26 - 17 - 5));
    }

    #[test]
    fn what_nobody_will_take_any_more_is_dropped_by_shutdown() {
        let ledger = Ledger::default();
        let account = ledger.open(Signal::Records, component());
        ledger.take(Signal::Records, 8, 800);
        ledger.record(account, 8, Outcome::Exported { rejected: 0 });
        ledger.end();
        let mut stats = LayerStats::default();
        stats.records_created = 10;
        let records = ledger.read().reports(&stats, &SpanCounts::default()).records;
        assert_eq!(records.destinations[0].dropped, [(DropReason::Shutdown, 2)]);
        assert_eq!(records.destinations[0].queued, 0);
    }
}
