//! Attempts, pauses and outcomes of one batch, on a clock of the test's own.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use crate::DropReason;
use crate::export::ledger::Outcome;
use crate::export::retry::{Answer, Delivery, Pace, deliver};

const TAKEN: Outcome = Outcome::Exported { rejected: 0 };

fn taken() -> Answer {
    Answer::Taken { rejected: 0, message: String::new() }
}

fn later(after: Option<u64>) -> Answer {
    Answer::Later { after: after.map(Duration::from_secs), what: "busy".into() }
}

fn none() -> Answer {
    Answer::None { what: "gone".into() }
}

fn refused() -> Answer {
    Answer::Refused { reason: DropReason::NotRetryable, what: "bad".into() }
}

/// Plays `script`, an answer and whether the attempt got as far as to send; then the receiver hangs.
/// Returns the outcome and the seconds at which attempts were made.
async fn play(script: &[(Answer, bool)], timeout: u64, pace: &mut Pace) -> (Outcome, Vec<f64>) {
    let delivery = Delivery::default();
    let script = RefCell::new(script.iter().cloned().collect::<VecDeque<_>>());
    let attempts = RefCell::new(Vec::new());
    let start = Instant::now();
    let attempt = || {
        attempts.borrow_mut().push(start.elapsed().as_secs_f64());
        let next = script.borrow_mut().pop_front();
        let delivery = &delivery;
        async move {
            match next {
                Some((answer, sent)) => {
                    if sent {
                        delivery.mark_sent();
                    }
                    answer
                }
                None => {
                    delivery.mark_sent();
                    std::future::pending().await
                }
            }
        }
    };
    let delivered = deliver(attempt, |_| {}, &delivery, pace, Duration::from_secs(timeout)).await;
    (delivered.outcome, attempts.into_inner())
}

#[tokio::test(start_paused = true)]
async fn a_busy_receiver_is_asked_again_after_growing_pauses_with_jitter() {
    let busy = vec![(later(None), true); 5];
    let script: Vec<_> = busy.into_iter().chain([(taken(), true)]).collect();
    let (outcome, attempts) = play(&script, 60, &mut Pace::new()).await;
    assert_eq!(outcome, TAKEN);
    let pauses: Vec<_> = attempts.windows(2).map(|pair| pair[1] - pair[0]).collect();
    for (pause, least) in pauses.iter().zip([0.2, 0.4, 0.8, 1.6, 2.0]) {
        assert!((least..=2.0 * least + 0.01).contains(pause), "{pauses:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_asks_for_a_pause_gets_it() {
    let (outcome, attempts) = play(&[(later(Some(3)), true), (taken(), true)], 10, &mut Pace::new()).await;
    assert_eq!(outcome, TAKEN);
    assert!(attempts[1] >= 3.0, "{attempts:?}");
}

#[tokio::test(start_paused = true)]
async fn a_pause_past_the_deadline_ends_the_batch_and_holds_the_next_one_back() {
    let mut pace = Pace::new();
    let start = Instant::now();
    let (outcome, attempts) = play(&[(later(Some(30)), true)], 10, &mut pace).await;
    assert_eq!((outcome, attempts.len()), (Outcome::Dropped(DropReason::RetryExhausted), 1));
    assert!(start.elapsed() < Duration::from_secs(1), "nothing is gained by waiting");
    pace.wait().await;
    assert!(start.elapsed() >= Duration::from_secs(30));
}

#[tokio::test(start_paused = true)]
async fn a_final_error_is_not_tried_again() {
    let (outcome, attempts) = play(&[(refused(), true), (taken(), true)], 10, &mut Pace::new()).await;
    assert_eq!((outcome, attempts.len()), (Outcome::Dropped(DropReason::NotRetryable), 1));
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_was_never_reached_is_a_plain_drop_within_the_deadline() {
    let start = Instant::now();
    let unreachable = vec![(none(), false); 100];
    let (outcome, attempts) = play(&unreachable, 10, &mut Pace::new()).await;
    assert_eq!(outcome, Outcome::Dropped(DropReason::RetryExhausted));
    assert!(start.elapsed() <= Duration::from_secs(10));
    assert!((4..=12).contains(&attempts.len()), "{attempts:?}");
    assert!(attempts.windows(2).all(|pair| pair[1] - pair[0] <= 4.1), "{attempts:?}");
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_never_answers_leaves_the_batch_in_doubt() {
    let (outcome, attempts) = play(&[], 10, &mut Pace::new()).await;
    assert_eq!((outcome, attempts.len()), (Outcome::InDoubt, 1));
}

#[tokio::test(start_paused = true)]
async fn once_unanswered_a_batch_is_never_called_dropped() {
    let lost_then_refused = [(none(), true), (refused(), true)];
    assert_eq!(play(&lost_then_refused, 10, &mut Pace::new()).await.0, Outcome::InDoubt);
    let lost_then_unreachable: Vec<_> = [(none(), true)].into_iter().chain(vec![(none(), false); 100]).collect();
    assert_eq!(play(&lost_then_unreachable, 10, &mut Pace::new()).await.0, Outcome::InDoubt);
    let lost_then_taken = [(none(), true), (taken(), true)];
    assert_eq!(play(&lost_then_taken, 10, &mut Pace::new()).await.0, TAKEN);
}

#[tokio::test(start_paused = true)]
async fn an_answered_attempt_leaves_no_doubt() {
    let busy_then_unreachable: Vec<_> = [(later(None), true)].into_iter().chain(vec![(none(), false); 100]).collect();
    assert_eq!(play(&busy_then_unreachable, 10, &mut Pace::new()).await.0, Outcome::Dropped(DropReason::RetryExhausted));
}

#[tokio::test(start_paused = true)]
async fn the_pauses_of_a_dead_receiver_go_on_from_batch_to_batch_until_it_answers() {
    let mut pace = Pace::new();
    play(&vec![(none(), false); 100], 10, &mut pace).await;
    pace.wait().await;
    let (_, attempts) = play(&[(none(), false), (taken(), true)], 10, &mut pace).await;
    assert!(attempts[1] - attempts[0] >= 2.0, "still at the longest pause: {attempts:?}");
    let answered = Instant::now();
    pace.wait().await;
    assert!(answered.elapsed().is_zero(), "an answer ends the pauses");
}
