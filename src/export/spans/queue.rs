//! Where spans that have ended wait for the export thread.
//! The gate of the layer puts them in, on whatever thread they end; the export thread takes them out.
//! It is bounded, counts what it has no room for, and never waits: its lock is held for a few moves and never while anything else runs.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};

use opentelemetry_sdk::trace::SpanData;
use tokio::sync::Notify;
use tracing_weaver_layers::SpanSink;

use super::size::size;
use crate::export::batch::MAX_BYTES;
use crate::export::source::SpanCounts;

/// Estimated bytes of spans that wait.
const QUEUE_BYTES: usize = 16 << 20;

/// Spans that have ended and wait to be exported.
pub(crate) struct SpanQueue {
    state: Mutex<State>,
    capacity: usize,
    request: usize,
    /// Told when a request is full, once for each request and not for each span.
    wake: OnceLock<Arc<Notify>>,
}

#[derive(Default)]
struct State {
    /// Estimated size and span.
    waiting: VecDeque<(usize, SpanData)>,
    bytes: usize,
    created: u64,
    queue_full: u64,
    shutdown: u64,
    mode: Mode,
}

#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Mode {
    #[default]
    Open,
    /// After the end: what comes is counted as dropped.
    Closed,
    /// Nobody takes spans: what comes is not counted at all.
    Ignored,
}

impl SpanQueue {
    /// For `capacity` spans, of which up to `request` go into one request.
    pub(crate) fn new(capacity: usize, request: usize) -> Self {
        let capacity = capacity.max(1);
        SpanQueue { state: Mutex::default(), capacity, request: request.clamp(1, capacity), wake: OnceLock::new() }
    }

    /// From now on `wake` is told when a request is full.
    pub(super) fn wake_by(&self, wake: Arc<Notify>) {
        let _ = self.wake.set(wake);
    }

    /// From now on spans are neither kept nor counted.
    pub(super) fn ignore_all(&self) {
        *self.lock() = State { mode: Mode::Ignored, ..State::default() };
    }

    /// From now on spans drop as `shutdown`.
    pub(super) fn close(&self) {
        self.lock().mode = Mode::Closed;
    }

    /// Forgets the spans that wait.
    pub(super) fn clear(&self) {
        let mut state = self.lock();
        let waiting = std::mem::take(&mut state.waiting);
        state.bytes = 0;
        drop(state);
        drop(waiting);
    }

    /// What came and what found no room.
    pub(super) fn counts(&self) -> SpanCounts {
        self.lock().counts(self.capacity)
    }

    /// As [`counts`](Self::counts), unless another thread holds the lock.
    pub(super) fn try_counts(&self) -> Option<SpanCounts> {
        match self.state.try_lock() {
            Ok(state) => Some(state.counts(self.capacity)),
            Err(TryLockError::Poisoned(state)) => Some(state.into_inner().counts(self.capacity)),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Whether as many wait as a request holds.
    pub(super) fn is_request_full(&self) -> bool {
        self.lock().fills(self.request)
    }

    /// Takes the oldest spans, as many as a request holds.
    pub(super) fn take_request(&self) -> Vec<SpanData> {
        let mut state = self.lock();
        let (mut count, mut bytes) = (0, 0);
        for (size, _) in state.waiting.iter().take(self.request) {
            // A span that alone is larger than a request goes alone.
            if count > 0 && bytes + size > MAX_BYTES {
                break;
            }
            count += 1;
            bytes += size;
        }
        state.bytes -= bytes;
        state.waiting.drain(..count).map(|(_, span)| span).collect()
    }

    /// How many wait.
    #[cfg(test)]
    pub(crate) fn waiting(&self) -> usize {
        self.lock().waiting.len()
    }

    /// Calls `act` while the lock is held.
    #[cfg(test)]
    pub(super) fn while_held(&self, act: impl FnOnce()) {
        let _held = self.lock();
        act();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn counts(&self, capacity: usize) -> SpanCounts {
        SpanCounts { created: self.created, queue_full: self.queue_full, shutdown: self.shutdown, capacity: capacity as u64 }
    }

    fn fills(&self, request: usize) -> bool {
        self.waiting.len() >= request || self.bytes >= MAX_BYTES
    }

    /// Counts a span of this size, and whether there is no room for it.
    fn admit(&mut self, size: usize, capacity: usize) -> bool {
        if self.mode == Mode::Ignored {
            return false;
        }
        self.created += 1;
        // A span that alone is larger than the whole queue has room in an empty one.
        let full = self.waiting.len() >= capacity || (self.bytes > 0 && self.bytes + size > QUEUE_BYTES);
        match self.mode {
            Mode::Closed => self.shutdown += 1,
            _ if full => self.queue_full += 1,
            _ => return true,
        }
        false
    }
}

impl SpanSink for SpanQueue {
    fn take(&self, span: SpanData) {
        let size = size(&span);
        let mut state = self.lock();
        if !state.admit(size, self.capacity) {
            // The lock goes before the span does: dropping one takes longer than moving it.
            return;
        }
        let filled_before = state.fills(self.request);
        state.bytes += size;
        state.waiting.push_back((size, span));
        let fills = !filled_before && state.fills(self.request);
        drop(state);
        if fills && let Some(wake) = self.wake.get() {
            wake.notify_one();
        }
    }
}

impl fmt::Debug for SpanQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpanQueue").field("capacity", &self.capacity).field("request", &self.request).finish_non_exhaustive()
    }
}
