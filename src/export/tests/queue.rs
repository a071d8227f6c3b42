//! The bounded queue before a receiver, and its sending task.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use super::LONG;
use super::receiver::{Receiver, Reply};
use crate::DropReason;
use crate::export::batch::{Batch, MAX_BYTES};
use crate::export::diagnostic::Diagnostics;
use crate::export::ledger::{Component, Ledger, Signal, Tally};
use crate::export::queue::{Queue, Sender, send};
use crate::export::settings::{Compression, OtlpEndpoint, Protocol};
use crate::export::transport::Transport;

/// A request with one empty resource.
const PAYLOAD: &[u8] = &[0x0a, 0];

struct Bench {
    ledger: Arc<Ledger>,
    queue: Arc<Queue>,
}

impl Bench {
    fn new(bound: usize) -> Self {
        let ledger = Arc::new(Ledger::default());
        let component = Component { name: "r".into(), kind: "otlp_http_log_exporter".into(), server: None };
        let account = ledger.open(Signal::Records, component);
        let queue = Arc::new(Queue::new(ledger.clone(), account, bound, Arc::new(Notify::new())));
        Bench { ledger, queue }
    }

    fn push(&self, items: u64) {
        self.queue.push(Batch { payload: PAYLOAD.into(), items });
    }

    fn tally(&self) -> Tally {
        self.ledger.read().records.tallies[0].clone()
    }

    fn dropped(&self, reason: DropReason) -> u64 {
        self.tally().dropped[reason as usize]
    }
}

/// A task that sends to a receiver which hangs, once it has begun to.
async fn hanging(bench: &Bench) -> (Receiver, tokio::task::JoinHandle<()>) {
    let receiver = Receiver::http(vec![Reply::Hang; 9]);
    let endpoint = OtlpEndpoint {
        url: receiver.url("/v1/logs"),
        protocol: Protocol::HttpProtobuf,
        headers: Vec::new(),
        timeout: LONG,
        compression: Compression::None,
        tls: Ok(Default::default()),
    };
    let transport = Transport::new(&endpoint, Signal::Records);
    let sender = Sender { name: "r".into(), items: "records", diagnostics: Arc::new(Diagnostics::default()) };
    let task = tokio::spawn(send(bench.queue.clone(), transport, LONG, sender));
    while receiver.received().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    (receiver, task)
}

#[test]
fn a_full_queue_drops_the_newest() {
    let bench = Bench::new(3 * MAX_BYTES);
    let push = |items| bench.queue.push(Batch { payload: vec![0; MAX_BYTES].into(), items });
    assert!(bench.queue.has_room(), "for two more, which is what a turn may bring");
    push(1);
    assert!(bench.queue.has_room());
    push(2);
    assert!(!bench.queue.has_room());
    push(4);
    push(8);
    assert_eq!((bench.tally().in_flight, bench.dropped(DropReason::QueueFull)), (7, 8));
}

#[tokio::test]
async fn newer_metrics_take_the_place_of_those_that_wait_and_not_of_those_under_way() {
    let bench = Bench::new(1000);
    bench.push(1);
    let (_receiver, task) = hanging(&bench).await;
    bench.push(2);
    bench.push(4);
    let before = bench.queue.position();
    assert_eq!(bench.queue.supersede(), Some(1));
    assert_eq!(bench.queue.supersede(), None);
    bench.push(8);
    assert_eq!(bench.dropped(DropReason::Superseded), 6);
    assert!(!bench.queue.is_settled(before), "the one under way has no outcome yet");
    task.abort();
    bench.queue.abandon();
    let tally = bench.tally();
    assert_eq!((tally.in_doubt, bench.dropped(DropReason::Shutdown), tally.in_flight), (1, 8, 0));
    assert!(bench.queue.is_settled(bench.queue.position()));
}

#[tokio::test]
async fn a_batch_whose_task_fell_over_is_settled_and_the_next_one_can_be_sent() {
    let bench = Bench::new(1000);
    bench.push(1);
    let (receiver, task) = hanging(&bench).await;
    bench.push(2);
    task.abort();
    let _ = task.await;
    bench.queue.cut_short(DropReason::Encode);
    assert_eq!((bench.tally().in_doubt, bench.tally().in_flight), (1, 2));
    drop(receiver);
    let (_receiver, task) = hanging(&bench).await;
    assert!(bench.queue.is_settled(1) && !bench.queue.is_settled(2));
    task.abort();
}
