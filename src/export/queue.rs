//! The bounded queue before a receiver, and the task that empties it.
//! The export thread pushes batches; one task per destination sends them, one at a time and in order.
//! Every batch that enters gets exactly one outcome in the ledger, also when the task is cut short or panics.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::batch::{Batch, MAX_BYTES};
use super::diagnostic::{Diagnostics, Kind};
use super::ledger::{Account, Ledger, Outcome};
use super::report::DropReason;
use super::retry::{Delivered, Delivery, Pace, deliver};
use super::transport::Transport;

/// Bytes of batches that wait for one receiver.
pub(crate) const QUEUE_BYTES: usize = 16 << 20;

/// Bytes that one turn of the export thread may bring, but for its last batch: what was pending, and what it drains.
const TURN_BYTES: usize = 2 * MAX_BYTES;

/// Batches on their way to one receiver.
#[derive(Debug)]
pub(crate) struct Queue {
    state: Mutex<State>,
    work: Notify,
    /// Told whenever a batch got its outcome.
    settled: Arc<Notify>,
    ledger: Arc<Ledger>,
    account: Account,
    bound: usize,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<(u64, Batch)>,
    bytes: usize,
    pushed: u64,
    current: Option<Current>,
}

#[derive(Debug)]
struct Current {
    number: u64,
    items: u64,
    bytes: usize,
    delivery: Arc<Delivery>,
}

impl Queue {
    /// An empty queue that holds `bound` bytes, and tells `settled` of each outcome.
    pub(crate) fn new(ledger: Arc<Ledger>, account: Account, bound: usize, settled: Arc<Notify>) -> Self {
        Queue { state: Mutex::default(), work: Notify::new(), settled, ledger, account, bound }
    }

    /// Whether there is room for all that a turn of the export thread may bring.
    pub(crate) fn has_room(&self) -> bool {
        self.lock().bytes + TURN_BYTES <= self.bound
    }

    /// Adds a batch, or drops and counts it where the queue is full; returns whether it was added. The last batch may stand over the bound,
    /// but only that.
    pub(crate) fn push(&self, batch: Batch) -> bool {
        let mut state = self.lock();
        let bytes = batch.payload.len();
        if state.bytes >= self.bound {
            drop(state);
            self.ledger.record(self.account, batch.items, Outcome::Dropped(DropReason::QueueFull));
            return false;
        }
        self.ledger.queue(self.account, batch.items);
        let number = state.pushed;
        state.pushed += 1;
        state.bytes += bytes;
        state.waiting.push_back((number, batch));
        drop(state);
        self.work.notify_one();
        true
    }

    /// Drops what waits and is not being sent: newer values of the same cumulative metrics come. Returns the number of the first of it.
    pub(crate) fn supersede(&self) -> Option<u64> {
        self.drop_waiting(DropReason::Superseded).0
    }

    /// How many batches were pushed so far, for [`is_settled`](Self::is_settled).
    pub(crate) fn position(&self) -> u64 {
        self.lock().pushed
    }

    /// Whether each of the first `position` batches got its outcome.
    pub(crate) fn is_settled(&self, position: u64) -> bool {
        let state = self.lock();
        let first = state.current.as_ref().map(|current| current.number);
        first.or(state.waiting.front().map(|(number, _)| *number)).is_none_or(|number| number >= position)
    }

    /// Gives up whatever has no outcome yet; returns how many items were dropped and how many are in doubt. The task must have been stopped
    /// before.
    pub(crate) fn abandon(&self) -> (u64, u64) {
        let (_, waiting) = self.drop_waiting(DropReason::Shutdown);
        match self.cut_short(DropReason::Shutdown) {
            Some((items, Outcome::InDoubt)) => (waiting, items),
            Some((items, _)) => (waiting + items, 0),
            None => (waiting, 0),
        }
    }

    /// The task is gone: settles the batch that it was sending, and returns its items and what became of them.
    pub(crate) fn cut_short(&self, reason: DropReason) -> Option<(u64, Outcome)> {
        let (items, in_doubt) = self.lock().current.as_ref().map(|current| (current.items, current.delivery.in_doubt()))?;
        let outcome = if in_doubt { Outcome::InDoubt } else { Outcome::Dropped(reason) };
        self.settle(outcome);
        Some((items, outcome))
    }

    /// Returns the number of the first batch that waited, and the items of all.
    fn drop_waiting(&self, reason: DropReason) -> (Option<u64>, u64) {
        let mut state = self.lock();
        let waiting = std::mem::take(&mut state.waiting);
        state.bytes -= waiting.iter().map(|(_, batch)| batch.payload.len()).sum::<usize>();
        drop(state);
        let first = waiting.front().map(|(number, _)| *number);
        let items = waiting.iter().map(|(_, batch)| batch.items).sum();
        for (_, batch) in waiting {
            self.ledger.settle(self.account, batch.items, Outcome::Dropped(reason));
        }
        (first, items)
    }

    async fn wait_for_work(&self) {
        while self.lock().waiting.is_empty() {
            self.work.notified().await;
        }
    }

    fn begin(&self) -> Option<(Batch, Arc<Delivery>)> {
        let mut state = self.lock();
        let (number, batch) = state.waiting.pop_front()?;
        let delivery = Arc::new(Delivery::default());
        let bytes = batch.payload.len();
        state.current = Some(Current { number, items: batch.items, bytes, delivery: delivery.clone() });
        Some((batch, delivery))
    }

    fn settle(&self, outcome: Outcome) {
        let mut state = self.lock();
        let Some(current) = state.current.take() else { return };
        state.bytes -= current.bytes;
        drop(state);
        self.ledger.settle(self.account, current.items, outcome);
        self.settled.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who sends, for what the sending task says.
#[derive(Debug, Clone)]
pub(crate) struct Sender {
    /// The receiver's name.
    pub(crate) name: String,
    /// What is sent: `records`, `data points`.
    pub(crate) items: &'static str,
    /// Where it is said.
    pub(crate) diagnostics: Arc<Diagnostics>,
}

impl Sender {
    fn pause(&self, what: &str) {
        self.diagnostics.say(Kind::Retry, &self.name, &format!("trying again: {what}"));
    }

    fn outcome(&self, count: u64, delivered: &Delivered) {
        let Delivered { outcome, what } = delivered;
        let items = self.items;
        match outcome {
            Outcome::Exported { rejected: 0 } if what.is_empty() => {}
            Outcome::Exported { rejected: 0 } => self.diagnostics.say(Kind::Partial, &self.name, &format!("the receiver says: {what}")),
            Outcome::Exported { rejected } => {
                self.diagnostics.say(Kind::Partial, &self.name, &format!("the receiver rejected {rejected} of {count} {items}: {what}"));
            }
            Outcome::Dropped(reason) => {
                self.diagnostics.say(Kind::Lost, &self.name, &format!("{count} {items} dropped ({reason}): {what}"))
            }
            Outcome::InDoubt => self.diagnostics.say(Kind::Lost, &self.name, &format!("{count} {items} in doubt: {what}")),
        }
    }
}

/// Sends what comes into the queue, for ever.
pub(crate) async fn send(queue: Arc<Queue>, transport: Transport, timeout: Duration, sender: Sender) {
    let mut pace = Pace::new();
    loop {
        queue.wait_for_work().await;
        // The receiver's pause comes before the choice of a batch, so that metrics can still be superseded.
        pace.wait().await;
        let Some((batch, delivery)) = queue.begin() else { continue };
        let delivered = match transport.encode(&batch.payload) {
            Ok(body) => {
                let attempt = || transport.attempt(body.clone(), delivery.clone());
                deliver(attempt, |what| sender.pause(what), &delivery, &mut pace, timeout).await
            }
            Err(what) => Delivered { outcome: Outcome::Dropped(DropReason::Encode), what },
        };
        sender.outcome(batch.items, &delivered);
        queue.settle(delivered.outcome);
    }
}
