//! Says that records or spans found no room on their way to the export thread: the threads that emit them never wait, and say nothing.
//! The export thread lets it look now and then, and at the end.
//! It counts nothing itself, and says nothing twice.

use std::time::{Duration, Instant};

use tracing_weaver_layers::LayerStats;

use super::diagnostic::{Diagnostics, Kind};
use super::ledger::{Signal, layer_reason};
use super::report::DropReason;
use super::source::SpanCounts;

/// Time between two looks.
const NEXT_LOOK: Duration = Duration::from_secs(1);

/// What was dropped when it looked last, and when it looks again.
#[derive(Debug)]
pub(super) struct Overflow {
    next: Instant,
    records: u64,
    spans: u64,
}

impl Overflow {
    /// From now on.
    pub(super) fn new() -> Self {
        Overflow { next: Instant::now() + NEXT_LOOK, records: 0, spans: 0 }
    }

    /// Whether it is time for a look.
    pub(super) fn is_due(&mut self, now: Instant) -> bool {
        let is_due = now >= self.next;
        if is_due {
            self.next = now + NEXT_LOOK;
        }
        is_due
    }

    /// Says what was dropped, if that is more than when it looked last.
    pub(super) fn look(&mut self, stats: &LayerStats, spans: &SpanCounts, diagnostics: &Diagnostics) {
        let records = stats.records_dropped.iter().map(|(reason, count)| (layer_reason(*reason), *count)).collect();
        say(Signal::Records, &mut self.records, records, diagnostics);
        say(Signal::Spans, &mut self.spans, spans.dropped().collect(), diagnostics);
    }
}

fn say(signal: Signal, before: &mut u64, mut dropped: Vec<(DropReason, u64)>, diagnostics: &Diagnostics) {
    // What comes after the end is for its report.
    dropped.retain(|(reason, _)| *reason != DropReason::Shutdown);
    let total = dropped.iter().map(|(_, count)| count).sum();
    if total <= std::mem::replace(before, total) {
        return;
    }
    let reasons: Vec<_> = dropped.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
    let message = format!("{total} dropped so far before they could be sent ({})", reasons.join(", "));
    diagnostics.say(Kind::Overflow, signal.items(), &message);
}

#[cfg(test)]
mod tests {
    use tracing_weaver_layers::DropReason as LayerReason;

    use super::*;

    #[test]
    fn what_found_no_room_is_noticed_once_for_records_and_for_spans() {
        let (mut overflow, diagnostics) = (Overflow::new(), Diagnostics::default());
        let (mut stats, mut spans) = (LayerStats::default(), SpanCounts::default());
        stats.records_dropped = vec![(LayerReason::QueueFull, 3), (LayerReason::Shutdown, 5)];
        spans.shutdown = 2;
        overflow.look(&stats, &spans, &diagnostics);
        assert_eq!((overflow.records, overflow.spans), (3, 0), "what comes after the end is for its report");
        spans.queue_full = 4;
        overflow.look(&stats, &spans, &diagnostics);
        assert_eq!((overflow.records, overflow.spans), (3, 4));
        assert_eq!(diagnostics.said_about(Kind::Overflow), ["records", "spans"]);
    }
}
