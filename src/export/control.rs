//! How other threads ask the export thread to flush or to end, and wait for it with a deadline.
//! The handle asks, the export thread takes the errands and reports its end.
//! Nobody waits here on anything but a condition variable or a channel of the standard library: no runtime of the caller is touched.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::report::FlushError;

/// Something that the export thread was asked to do.
#[derive(Debug)]
pub(crate) struct Errand {
    /// After this nobody waits any more.
    pub(crate) deadline: Instant,
    /// The time that was given.
    pub(crate) timeout: Duration,
    /// Who waits; `None`: the thread is to end, and whoever waits does so for that.
    pub(crate) reply: Option<SyncSender<Result<(), FlushError>>>,
}

/// Between the handle and the export thread.
#[derive(Debug)]
pub(crate) struct Control {
    state: Mutex<State>,
    ended: Condvar,
    /// Wakes the export thread: an errand came, or a batch got its outcome.
    pub(crate) wake: Arc<Notify>,
}

#[derive(Debug, Default)]
struct State {
    errands: Vec<Errand>,
    end_by: Option<Instant>,
    ended: bool,
    all_sent: bool,
}

impl Control {
    /// Nothing asked yet.
    pub(crate) fn new() -> Self {
        Control { state: Mutex::default(), ended: Condvar::new(), wake: Arc::new(Notify::new()) }
    }

    /// Asks for a flush; the receiver gets its result, or an error when the export thread ends without one.
    pub(crate) fn ask_flush(&self, timeout: Duration) -> Receiver<Result<(), FlushError>> {
        let (reply, result) = sync_channel(1);
        let mut state = self.lock();
        if !state.ended {
            state.errands.push(Errand { deadline: Instant::now() + timeout, timeout, reply: Some(reply) });
        }
        drop(state);
        self.wake.notify_one();
        result
    }

    /// Asks the export thread to end within `timeout`, and returns that time. Of several the latest holds.
    pub(crate) fn ask_end(&self, timeout: Duration) -> Instant {
        let deadline = Instant::now() + timeout;
        let mut state = self.lock();
        if state.end_by.is_none() {
            state.errands.push(Errand { deadline, timeout, reply: None });
        }
        state.end_by = state.end_by.max(Some(deadline));
        drop(state);
        self.wake.notify_one();
        deadline
    }

    /// Waits for the end of the export thread; returns whether it came before the deadline.
    pub(crate) fn wait_end(&self, deadline: Instant) -> bool {
        let mut state = self.lock();
        while !state.ended {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self.ended.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Whether the export thread ended with nothing left to send.
    pub(crate) fn all_sent(&self) -> bool {
        self.lock().all_sent
    }

    /// The errands since the last call, and the deadline of the end if one was asked for.
    pub(crate) fn take(&self) -> (Vec<Errand>, Option<Instant>) {
        let mut state = self.lock();
        (std::mem::take(&mut state.errands), state.end_by)
    }

    /// The export thread is about to end well.
    pub(crate) fn set_all_sent(&self) {
        self.lock().all_sent = true;
    }

    /// The export thread has ended, however it came to that.
    pub(crate) fn set_ended(&self) {
        let mut state = self.lock();
        state.ended = true;
        state.errands.clear();
        drop(state);
        self.ended.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
