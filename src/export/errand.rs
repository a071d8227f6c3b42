//! A flush or the end, on its way: how far the export thread has come with it.
//! The export thread keeps one for each request that it took from `Control`.
//! It knows deadlines and stages and does nothing by itself.

use std::time::{Duration, Instant};

use super::control::Errand;
use super::ledger::Lost;
use super::report::FlushError;

/// Kept back from the deadline of the end, so that its report is ready when it comes.
const MARGIN: Duration = Duration::from_millis(100);
/// How long a flush or the end holds the metrics back, so that they count the records and spans that went before them.
const METRICS_WAIT: Duration = Duration::from_secs(1);

/// How far an errand has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Records that were there when it began are taken: done when none is left. While threads write on that may never be,
    /// so a flush is content when as many bytes were taken as all queues could hold when it began.
    Records {
        /// Bytes of records taken since start by then.
        bytes: u64,
    },
    /// Spans that were there when it began are taken.
    Spans {
        /// Batches of records to be settled.
        records: u64,
    },
    /// Records and spans are on their way; metrics wait for them, so that they count them, but not longer than `until`.
    Sent {
        /// Batches of records to be settled.
        records: u64,
        /// Batches of spans to be settled.
        spans: u64,
        /// When metrics wait no longer.
        until: Instant,
    },
    /// Everything is on its way.
    Metrics {
        /// Batches of records to be settled.
        records: u64,
        /// Batches of spans to be settled.
        spans: u64,
        /// Batches of data points to be settled.
        points: u64,
    },
    /// Everything was answered or given up.
    Done,
}

/// What an errand is measured by, as it stood when the errand began.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Beginning {
    /// Bytes of records taken since start, when a flush is content.
    pub(super) bytes: u64,
    /// Spans to be taken since start.
    pub(super) spans: u64,
    /// What was lost until then.
    pub(super) lost: Lost,
}

/// An errand that the export thread is on.
#[derive(Debug)]
pub(super) struct Running {
    errand: Errand,
    lost_before: Lost,
    /// When it was taken.
    pub(super) began: Instant,
    /// Spans to be taken since start.
    pub(super) spans: u64,
    /// When metrics go without waiting until records and spans are taken; `None` once they went. Else a receiver that is slow to take those
    /// would use up the whole time, and no metrics would leave at all.
    pub(super) metrics_by: Option<Instant>,
    /// How far it has come.
    pub(super) stage: Stage,
}

impl Running {
    /// At its beginning.
    pub(super) fn new(errand: Errand, beginning: Beginning, now: Instant) -> Self {
        let Beginning { bytes, spans, lost } = beginning;
        let mut running = Running { errand, lost_before: lost, began: now, spans, metrics_by: None, stage: Stage::Records { bytes } };
        running.metrics_by = Some(running.metrics_by(now, None));
        running
    }

    /// Whether this is the end and not a flush.
    pub(super) fn is_end(&self) -> bool {
        self.errand.reply.is_none()
    }

    /// When it has to be over. The end's own deadline may have been put off since.
    pub(super) fn deadline(&self, end_by: Option<Instant>) -> Instant {
        if !self.is_end() {
            return self.errand.deadline;
        }
        let deadline = self.errand.deadline.max(end_by.unwrap_or(self.errand.deadline));
        let margin = (deadline.saturating_duration_since(self.began) / 10).min(MARGIN);
        deadline.checked_sub(margin).unwrap_or(deadline)
    }

    /// How long metrics may be held back: half of the time that is left, but not long.
    pub(super) fn metrics_by(&self, now: Instant, end_by: Option<Instant>) -> Instant {
        now + (self.deadline(end_by).saturating_duration_since(now) / 2).min(METRICS_WAIT)
    }

    /// Batches of data points took the place of those from number `first` on: who waits for one of them waits for its successors.
    pub(super) fn points_superseded(&mut self, first: u64, position: u64) {
        if let Stage::Metrics { points, .. } = &mut self.stage
            && first < *points
        {
            *points = position;
        }
    }

    /// Whether its time is over.
    pub(super) fn is_over(&self, now: Instant, end_by: Option<Instant>) -> bool {
        now >= self.deadline(end_by)
    }

    /// Tells who waits that its time is over.
    pub(super) fn expire(self) {
        if let Some(reply) = self.errand.reply {
            let _ = reply.try_send(Err(FlushError::Deadline(self.errand.timeout)));
        }
    }

    /// Tells who waits, `lost` being what was lost until now.
    pub(super) fn reply(self, lost: Lost) {
        let Lost { records, spans, points } = lost.since(self.lost_before);
        let result = if records + spans + points > 0 { Err(FlushError::Lost { records, spans, points }) } else { Ok(()) };
        if let Some(reply) = self.errand.reply {
            // Who asked may have gone.
            let _ = reply.try_send(result);
        }
    }
}
