//! The recipe for `#[tokio::test]`: telemetry of one test, beside others in the same process.
#![cfg(feature = "yaml")]

use std::time::Duration;

use tracing::{Instrument as _, Level, event, info_span};
use tracing_subscriber::prelude::*;
use tracing_weaver::{Memory, Telemetry};

const REGISTRY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/registry/acme");

fn telemetry() -> (Telemetry, Memory, tracing::subscriber::DefaultGuard) {
    let memory = Memory::new();
    let (telemetry, layer) = tracing_weaver::builder().registry(REGISTRY).filter("info").console(false).memory(&memory).build().unwrap();
    let guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
    (telemetry, memory, guard)
}

async fn accept(items: i64) {
    event!(name: "acme.order.accept", Level::INFO, acme.order.items = items);
    tokio::task::yield_now().await;
    event!(name: "acme.order.accept", Level::INFO, acme.order.items = items);
}

#[tokio::test]
async fn tasks_of_the_tests_thread_are_seen() {
    let (telemetry, memory, _guard) = telemetry();
    let north = tokio::spawn(accept(3).instrument(info_span!("acme.shop", acme.shop.id = "north")));
    let south = tokio::spawn(accept(4).instrument(info_span!("acme.shop", acme.shop.id = "south")));
    north.await.unwrap();
    south.await.unwrap();
    telemetry.force_flush(Duration::from_secs(30)).unwrap();
    let snapshot = telemetry.metrics_snapshot();
    let mut totals: Vec<_> = snapshot.metric("acme.shop.order.items").map(|series| series.value.clone()).collect();
    totals.sort_by_key(|total| format!("{total:?}"));
    assert_eq!(totals, [6, 8].map(tracing_weaver::PointValue::Int), "each shop's own");
    assert_eq!(memory.logs().concat().matches("\"acme.order.accept\"").count(), 4);
}

#[tokio::test]
async fn another_test_beside_it_sees_nothing_of_it() {
    let (telemetry, memory, _guard) = telemetry();
    accept(1).instrument(info_span!("acme.shop", acme.shop.id = "west")).await;
    telemetry.force_flush(Duration::from_secs(30)).unwrap();
    assert_eq!(telemetry.metrics_snapshot().total("acme.shop.order.items"), 2.0);
    assert_eq!(memory.logs().concat().matches("\"acme.order.accept\"").count(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_several_threads_a_future_takes_its_subscriber_along() {
    use tracing::instrument::WithSubscriber as _;

    let (telemetry, memory, _guard) = telemetry();
    let task = accept(5).instrument(info_span!("acme.shop", acme.shop.id = "east")).with_current_subscriber();
    tokio::spawn(task).await.unwrap();
    // Not from a worker of the runtime: the call waits.
    let telemetry =
        tokio::task::spawn_blocking(move || telemetry.force_flush(Duration::from_secs(30)).map(|()| telemetry)).await.unwrap().unwrap();
    assert_eq!(telemetry.metrics_snapshot().total("acme.shop.order.items"), 10.0);
    assert_eq!(memory.logs().concat().matches("\"acme.order.accept\"").count(), 2);
}
