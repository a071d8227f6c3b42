//! The export thread: it drains queues, makes batches, collects metrics, and hands all on, turn by turn.
//! `start` spawns it; the handle speaks to it through `Control`, and destinations wake it when something was answered.
//! A turn never waits and never panics out; whatever it could not hand on is counted.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use opentelemetry_proto::tonic::resource::v1::Resource;
use tokio::task::yield_now;
use tokio::time::{sleep, timeout};
use tracing_weaver_layers::MetricsSnapshot;

use super::batch::{Batch, LogBatcher, MAX_BYTES};
use super::control::Control;
use super::destination::Destinations;
use super::diagnostic::{Diagnostics, Kind};
use super::errand::{Beginning, Running, Stage};
use super::ledger::{Ledger, Signal};
use super::metrics::{requests, scope_metrics};
use super::overflow::Overflow;
use super::own_metrics;
use super::report::DropReason;
use super::source::{Readings, RecordSource, SpanCounts, SpanSource, TakenSpans};
use super::watch::Watch;

/// Bytes that one turn drains.
const DRAIN_BYTES: usize = MAX_BYTES;
/// Pause between two turns while records come in, and the longest while none do.
const SHORT_PAUSE: Duration = Duration::from_millis(2);
const LONG_PAUSE: Duration = Duration::from_millis(50);
/// Pause after a turn that failed.
const FAULT_PAUSE: Duration = Duration::from_millis(500);
/// How long the end waits for a record that a thread is just writing.
const LAST_RECORD: Duration = Duration::from_millis(20);

/// What lives on the export thread.
pub(super) struct ExportThread {
    pub(super) source: Box<dyn RecordSource>,
    pub(super) readings: Arc<dyn Readings>,
    pub(super) control: Arc<Control>,
    pub(super) ledger: Arc<Ledger>,
    pub(super) diagnostics: Arc<Diagnostics>,
    pub(super) destinations: Destinations,
    pub(super) batcher: LogBatcher,
    pub(super) resource: Resource,
    pub(super) log_delay: Duration,
    /// `None` where nobody makes or takes spans.
    pub(super) spans: Option<Arc<dyn SpanSource>>,
    pub(super) spans_taken: u64,
    /// Of the spans so many, since start, are not to wait until a request is full.
    pub(super) spans_due: u64,
    pub(super) span_delay: Duration,
    pub(super) next_spans: Instant,
    pub(super) metric_interval: Duration,
    pub(super) next_collection: Instant,
    pub(super) merge_interval: Duration,
    pub(super) next_merge: Instant,
    pub(super) start_unix_nano: u64,
    pub(super) watch: Vec<Box<dyn Watch>>,
    pub(super) overflow: Overflow,
    /// Records and bytes that were drained and do not stand in the ledger yet.
    pub(super) drained: (u64, u64),
    pub(super) errands: Vec<Running>,
    pub(super) end_by: Option<Instant>,
    /// The end has collected the metrics: what a flush beside it sent after that would stay without its answer.
    pub(super) end_collected: bool,
}

/// What comes after a turn.
enum Next {
    /// Another turn at once.
    Turn,
    /// A short pause.
    Pause,
    /// A pause that grows.
    Idle,
    /// The end.
    End,
}

impl ExportThread {
    /// Takes turns until it is asked to end, and settles everything then.
    pub(super) async fn run(&mut self) {
        let mut pause = SHORT_PAUSE;
        loop {
            match catch_unwind(AssertUnwindSafe(|| self.turn(Instant::now()))) {
                Ok(Next::End) => break,
                Ok(Next::Turn) => {
                    yield_now().await;
                    continue;
                }
                Ok(Next::Pause) => pause = SHORT_PAUSE,
                Ok(Next::Idle) => pause = (pause * 2).min(LONG_PAUSE),
                Err(_) => {
                    self.recover();
                    let left = self.end_by.map_or(FAULT_PAUSE, |end_by| end_by.saturating_duration_since(Instant::now()));
                    if left.is_zero() {
                        break;
                    }
                    // Not cut short by a wake: a fault that comes back must not come back at once.
                    sleep(left.min(FAULT_PAUSE)).await;
                    continue;
                }
            }
            let wake = self.control.wake.clone();
            if timeout(pause, wake.notified()).await.is_ok() {
                pause = SHORT_PAUSE;
            }
        }
        self.say_overflow();
        self.destinations.stop();
        let unsent = self.batcher.discard();
        self.ledger.drop_for_all(Signal::Records, unsent, DropReason::Shutdown);
        self.spans.iter().for_each(|spans| spans.clear());
        self.ledger.end();
    }

    fn turn(&mut self, now: Instant) -> Next {
        self.take_errands(now);
        self.watch.iter_mut().for_each(|watch| watch.turn(now, self.end_by.is_some()));
        if self.overflow.is_due(now) {
            self.say_overflow();
        }
        self.destinations.keep_running();
        let room = self.destinations.have_room(Signal::Records);
        let more = !room || self.drain(now);
        let took = self.drained.0 > 0;
        self.book();
        if self.batcher.oldest().is_some_and(|oldest| now.saturating_duration_since(oldest) >= self.log_delay) {
            self.batcher.close();
        }
        self.hand_on();
        let more_spans = self.take_spans(now);
        // The end collects for itself: what a later collection sent would stay without its answer.
        if now >= self.next_collection && self.end_by.is_none() {
            self.collect(now);
        }
        if now >= self.next_merge {
            self.snapshot(now);
        }
        if self.advance_errands(now, more) {
            Next::End
        } else if (more && room) || more_spans {
            Next::Turn
        } else if took || !self.errands.is_empty() {
            Next::Pause
        } else {
            Next::Idle
        }
    }

    /// Returns whether more records are waiting.
    fn drain(&mut self, now: Instant) -> bool {
        let ExportThread { source, batcher, readings, drained, .. } = self;
        source.drain(DRAIN_BYTES, &mut |record| {
            drained.0 += 1;
            drained.1 += record.bytes.len() as u64;
            batcher.push(record, readings.as_ref(), now);
        })
    }

    fn book(&mut self) {
        let (records, bytes) = std::mem::take(&mut self.drained);
        if records > 0 {
            self.ledger.take(Signal::Records, records, bytes);
        }
    }

    /// Sends one request of spans, if it is full or they have waited long enough; returns whether there may be another one.
    fn take_spans(&mut self, now: Instant) -> bool {
        let Some(spans) = self.spans.clone() else { return false };
        if now >= self.next_spans {
            self.next_spans = now + self.span_delay;
            self.spans_due = spans.counts().accepted();
        }
        let wanted = self.spans_taken < self.spans_due || spans.is_request_full();
        if !wanted || !self.destinations.have_room(Signal::Spans) {
            return false;
        }
        let Some(TakenSpans { items, payload }) = spans.take() else { return false };
        self.spans_taken += items;
        self.ledger.take(Signal::Spans, items, payload.as_ref().map_or(0, |payload| payload.len() as u64));
        match payload {
            Ok(payload) => self.destinations.hand_on(Signal::Spans, Batch { payload, items }),
            Err(what) => {
                self.ledger.drop_for_all(Signal::Spans, items, DropReason::Encode);
                self.diagnostics.say(Kind::Lost, "spans", &format!("{items} spans dropped ({}): {what}", DropReason::Encode));
            }
        }
        true
    }

    fn span_counts(&self) -> SpanCounts {
        self.spans.as_ref().map(|spans| spans.counts()).unwrap_or_default()
    }

    fn say_overflow(&mut self) {
        let (stats, spans) = (self.readings.stats(), self.span_counts());
        self.overflow.look(&stats, &spans, &self.diagnostics);
    }

    fn hand_on(&mut self) {
        for batch in self.batcher.take_full() {
            self.destinations.hand_on(Signal::Records, batch);
        }
    }

    fn collect(&mut self, now: Instant) {
        self.next_collection = now + self.metric_interval;
        if self.end_collected || !self.destinations.take(Signal::Points) {
            return;
        }
        let snapshot = self.snapshot(now);
        let mut scopes = scope_metrics(&snapshot, self.readings.registry());
        let books = self.ledger.read();
        let time = unix_nano().max(self.start_unix_nano);
        scopes.push(own_metrics::scope(&books, &self.readings.stats(), &self.span_counts(), self.start_unix_nano, time));
        let superseded = self.destinations.collection(requests(&self.resource, scopes));
        if let Some(first) = superseded {
            let position = self.destinations.position(Signal::Points);
            self.errands.iter_mut().for_each(|errand| errand.points_superseded(first, position));
        }
    }

    /// Taking a snapshot is also what frees the memory of threads that have ended: without anybody who wants metrics it would grow.
    fn snapshot(&mut self, now: Instant) -> MetricsSnapshot {
        self.next_merge = now + self.merge_interval;
        self.readings.snapshot()
    }

    fn take_errands(&mut self, now: Instant) {
        let (errands, end_by) = self.control.take();
        if end_by.is_some() && self.end_by.is_none() {
            self.readings.close();
            self.spans.iter().for_each(|spans| spans.close());
        }
        self.end_by = end_by;
        if errands.is_empty() {
            return;
        }
        let books = self.ledger.read();
        let bytes = books.records.bytes + self.readings.stats().queue_bytes.1;
        self.spans_due = self.span_counts().accepted();
        let beginning = Beginning { bytes, spans: self.spans_due, lost: books.lost() };
        self.errands.extend(errands.into_iter().map(|errand| Running::new(errand, beginning, now)));
    }

    /// Records that were or will be in the layers' queues: all that were taken, and those that wait.
    fn queued(&self) -> u64 {
        let stats = self.readings.stats();
        stats.records_created.saturating_sub(stats.records_dropped.iter().map(|(_, count)| count).sum())
    }

    /// Takes each errand as far as it comes; returns whether the end has come.
    fn advance_errands(&mut self, now: Instant, more: bool) -> bool {
        let mut index = 0;
        while index < self.errands.len() {
            if self.errands[index].is_over(now, self.end_by) {
                let errand = self.errands.swap_remove(index);
                if errand.is_end() {
                    return true;
                }
                errand.expire();
                continue;
            }
            while self.advance(index, now, more) {}
            if matches!(self.errands[index].stage, Stage::Done) {
                self.destinations.flush_locals();
                let errand = self.errands.swap_remove(index);
                if errand.is_end() {
                    self.control.set_all_sent();
                    return true;
                }
                errand.reply(self.ledger.read().lost());
                continue;
            }
            index += 1;
        }
        false
    }

    /// One step of an errand; returns whether it was made.
    fn advance(&mut self, index: usize, now: Instant, more: bool) -> bool {
        let errand = &self.errands[index];
        let next = match errand.stage {
            Stage::Records { bytes } => {
                let records = self.ledger.read().records;
                let drained = match errand.is_end() {
                    true => !more && (records.taken >= self.queued() || now.saturating_duration_since(errand.began) >= LAST_RECORD),
                    false => !more || records.bytes >= bytes,
                };
                if !drained {
                    return self.collect_in_time(index, now);
                }
                self.batcher.close();
                self.hand_on();
                Stage::Spans { records: self.destinations.position(Signal::Records) }
            }
            Stage::Spans { records } => {
                if self.spans_taken < errand.spans {
                    return self.collect_in_time(index, now);
                }
                let until = errand.metrics_by(now, self.end_by);
                Stage::Sent { records, spans: self.destinations.position(Signal::Spans), until }
            }
            Stage::Sent { records, spans, until } => {
                let settled = self.destinations.is_settled(Signal::Records, records) && self.destinations.is_settled(Signal::Spans, spans);
                if now < until && !settled {
                    return false;
                }
                let is_end = errand.is_end();
                // Written before the collection: a fault in it must not be met again by the same errand.
                self.errands[index].stage = Stage::Metrics { records, spans, points: self.destinations.position(Signal::Points) };
                self.collect(now);
                self.end_collected |= is_end;
                Stage::Metrics { records, spans, points: self.destinations.position(Signal::Points) }
            }
            Stage::Metrics { records, spans, points } => {
                let mut waits = Signal::ALL.into_iter().zip([records, spans, points]);
                if !waits.all(|(signal, position)| self.destinations.is_settled(signal, position)) {
                    return false;
                }
                Stage::Done
            }
            Stage::Done => return false,
        };
        self.errands[index].stage = next;
        true
    }

    /// Collects metrics for an errand that waits until records or spans are taken, once it waited long enough. It makes no step by that.
    fn collect_in_time(&mut self, index: usize, now: Instant) -> bool {
        let errand = &mut self.errands[index];
        if errand.metrics_by.is_some_and(|by| now >= by) {
            errand.metrics_by = None;
            self.collect(now);
        }
        false
    }

    /// After a fault: what was in hand and did not come on is counted, and the thread goes on.
    fn recover(&mut self) {
        self.book();
        self.batcher.discard();
        let books = self.ledger.read();
        for signal in [Signal::Records, Signal::Spans] {
            let book = books.of(signal);
            self.ledger.drop_for_all(signal, book.taken.saturating_sub(book.handed), DropReason::Encode);
        }
        self.ledger.fault();
        self.diagnostics.say(Kind::Fault, "export thread", "a turn failed; what it had in hand was dropped (encode)");
    }
}

/// Now, in nanoseconds since the Unix epoch.
pub(super) fn unix_nano() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
