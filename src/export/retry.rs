//! How one batch reaches its receiver: attempts, pauses, a deadline for all of them, and an outcome.
//! A destination's sending task calls [`deliver`] with a closure that makes one attempt; the transports answer it.
//! It never retries after a final answer, nor before the receiver's own time is over.
//!
//! The deadline of a batch is the endpoint's timeout and runs from its first attempt; each attempt may use what is left of it.
//! Source: <https://opentelemetry.io/docs/specs/otlp/#failures>

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::ledger::Outcome;
use super::report::DropReason;

/// What one attempt brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The receiver took the batch, but for `rejected` items; `message` is for people.
    Taken {
        /// Items that it did not take.
        rejected: u64,
        /// What it said.
        message: String,
    },
    /// A final error.
    Refused {
        /// Why the batch is dropped.
        reason: DropReason,
        /// What happened, for people.
        what: String,
    },
    /// The receiver asks for another attempt, perhaps not before a time.
    Later {
        /// Its pause.
        after: Option<Duration>,
        /// What happened, for people.
        what: String,
    },
    /// No answer. Whether anything was sent is what [`Delivery`] knows.
    None {
        /// What happened, for people.
        what: String,
    },
}

/// Whether a batch may have reached its receiver. Shared, so that it can be judged when its task is cut short.
#[derive(Debug, Default)]
pub(crate) struct Delivery {
    sent: AtomicBool,
    doubt: AtomicBool,
}

impl Delivery {
    /// The body of a request is on its way.
    pub(crate) fn mark_sent(&self) {
        self.sent.store(true, Ordering::Relaxed);
    }

    /// Whether the receiver may have the batch, for all we know.
    pub(crate) fn in_doubt(&self) -> bool {
        self.sent.load(Ordering::Relaxed) || self.doubt.load(Ordering::Relaxed)
    }

    fn answered(&self) {
        self.sent.store(false, Ordering::Relaxed);
    }

    fn unanswered(&self) {
        if self.sent.swap(false, Ordering::Relaxed) {
            self.doubt.store(true, Ordering::Relaxed);
        }
    }
}

/// The pauses of one receiver. They outlast a batch: the next one does not knock where the last one was just sent away.
#[derive(Debug)]
pub(crate) struct Pace {
    backoff: ExponentialBackoff,
    not_before: Option<Instant>,
}

impl Pace {
    /// No pause yet.
    pub(crate) fn new() -> Self {
        Pace { backoff: backoff(), not_before: None }
    }

    /// Waits until an attempt may be made.
    pub(crate) async fn wait(&self) {
        if let Some(time) = self.not_before {
            sleep_until(time).await;
        }
    }

    fn reset(&mut self) {
        *self = Pace::new();
    }

    fn pause(&mut self, asked: Option<Duration>) -> Instant {
        let own = self.backoff.next().unwrap_or(Duration::from_secs(2));
        let pause = asked.filter(|asked| !asked.is_zero()).unwrap_or(own);
        // A receiver may ask for any time; past a day it is as good as for ever, and `Instant` stays in range.
        let time = Instant::now() + pause.min(Duration::from_secs(86_400));
        self.not_before = Some(time);
        time
    }
}

/// 0.2 s to 2 s, doubled each time, plus up to as much again at random: never more than 4 s between two attempts.
fn backoff() -> ExponentialBackoff {
    ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(200))
        .with_factor(2.0)
        .with_max_delay(Duration::from_secs(2))
        .without_max_times()
        .with_jitter()
        .build()
}

/// The end of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Delivered {
    /// What became of the batch.
    pub(crate) outcome: Outcome,
    /// What the receiver said last, or what went wrong; empty where there is nothing to say.
    pub(crate) what: String,
}

/// Attempts until there is an outcome, for `timeout` at most. `on_pause` hears why there will be another one.
pub(crate) async fn deliver<F: Future<Output = Answer>>(
    attempt: impl Fn() -> F,
    on_pause: impl Fn(&str),
    delivery: &Delivery,
    pace: &mut Pace,
    timeout: Duration,
) -> Delivered {
    let deadline = Instant::now() + timeout;
    loop {
        let answer = timeout_at(deadline, attempt()).await;
        let answer = answer.unwrap_or_else(|_| Answer::None { what: format!("no answer within {} ms", timeout.as_millis()) });
        let (asked, what) = match answer {
            Answer::Taken { rejected, message } => {
                delivery.answered();
                pace.reset();
                return Delivered { outcome: Outcome::Exported { rejected }, what: message };
            }
            Answer::Refused { reason, what } => {
                delivery.answered();
                pace.reset();
                return Delivered { outcome: given_up(delivery, reason), what };
            }
            Answer::Later { after, what } => {
                delivery.answered();
                (after, what)
            }
            Answer::None { what } => {
                delivery.unanswered();
                (None, what)
            }
        };
        let next = pace.pause(asked);
        if next >= deadline {
            return Delivered { outcome: given_up(delivery, DropReason::RetryExhausted), what };
        }
        on_pause(&what);
        sleep_until(next).await;
    }
}

/// An earlier attempt may have reached the receiver: then a drop would claim too much.
fn given_up(delivery: &Delivery, reason: DropReason) -> Outcome {
    if delivery.in_doubt() { Outcome::InDoubt } else { Outcome::Dropped(reason) }
}
