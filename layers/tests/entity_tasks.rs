//! Which entities are in force in async code: instrumented functions that hop threads, joined and spawned tasks, futures given up half way.
//!
//! Nothing here may depend on a filter, or on which thread a task runs.

#[path = "support/nodes.rs"]
mod nodes;
mod support;

use nodes::{expected, harness, item, items, node};
use support::{Harness, Total, Totals};
use tracing::instrument::WithSubscriber as _;
use tracing::{Instrument as _, Level, Span, event, instrument};

#[instrument(name = "t.node", skip_all, fields(t.node.id = %id, t.node.kind = "async"))]
async fn work(id: String, turns: i64) {
    for turn in 0..turns {
        item(1);
        channel(turn % 3).await;
        tokio::task::yield_now().await;
        event!(name: "t.node.item", Level::TRACE, t.items = 10);
    }
}

#[instrument(name = "t.channel", level = "trace", fields(t.channel.id = id))]
async fn channel(id: i64) {
    tokio::task::yield_now().await;
    event!(name: "t.channel.send", Level::TRACE, messages = 1);
    helper().await;
}

/// A span that no registry knows, in between.
#[instrument]
async fn helper() {
    tokio::time::sleep(std::time::Duration::from_micros(10)).await;
    event!(name: "t.node.item", Level::TRACE, t.items = 100);
}

/// What `tasks` tasks of `turns` turns must have counted.
fn worked(tasks: usize, turns: i64) -> Totals {
    let mut totals = Totals::new();
    for task in 0..tasks {
        let node = format!("t.node.id=task{task},t.node.kind=async");
        totals.insert(format!("t.node.items{{{node}}}[]"), Total::Int(111 * turns));
        totals.insert(format!("t.node.calls{{{node}}}[]"), Total::Int(3 * turns));
        for id in 0..3 {
            totals.insert(format!("t.channel.messages{{t.channel.id={id},{node}}}[]"), Total::Int((turns + 2 - id) / 3));
        }
    }
    totals
}

#[test]
fn instrumented_async_functions_keep_their_entities_while_tasks_hop_threads() {
    const TASKS: usize = 30;
    const TURNS: i64 = 31;
    for directives in ["off", "trace"] {
        let harness = Harness::filtered(directives);
        let dispatch = harness.dispatch.clone();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_time().build().unwrap();
        runtime.block_on(async {
            let spawn = |task| tokio::spawn(work(format!("task{task}"), TURNS).with_subscriber(dispatch.clone()));
            let tasks: Vec<_> = (0..TASKS).map(spawn).collect();
            for task in tasks {
                task.await.unwrap();
            }
        });
        drop(runtime);
        assert_eq!(harness.totals(), worked(TASKS, TURNS), "under `{directives}`");
        assert_eq!(harness.stats().measurements_unattributed, 0);
    }
}

#[test]
fn futures_that_are_joined_on_one_thread_do_not_see_each_other() {
    const TASKS: usize = 10;
    let harness = harness();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    harness.run(|| {
        let set = tokio::task::LocalSet::new();
        (0..TASKS).for_each(|task| drop(set.spawn_local(work(format!("task{task}"), 7))));
        runtime.block_on(set);
    });
    assert_eq!(harness.totals(), worked(TASKS, 7));
}

#[test]
fn a_task_that_is_spawned_inside_of_an_entity_takes_it_along_where_it_is_asked_to() {
    let harness = harness();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    runtime.block_on(
        async {
            let asked = tokio::spawn(async { item(1) }.in_current_span().with_current_subscriber());
            let not_asked = tokio::spawn(async { item(10) }.with_current_subscriber());
            let dispatch = harness.dispatch.clone();
            let current = Span::current();
            let blocking = tokio::task::spawn_blocking(move || {
                tracing::dispatcher::with_default(&dispatch, || current.in_scope(|| item(100)));
            });
            asked.await.unwrap();
            not_asked.await.unwrap();
            blocking.await.unwrap();
            item(1_000);
        }
        .instrument(harness.run(|| node("n")))
        .with_subscriber(harness.dispatch.clone()),
    );
    assert_eq!(items(&harness), expected(&[("", 10), ("n", 1_101)]));
}

#[test]
fn a_future_that_is_given_up_half_way_leaves_its_span_and_what_it_drops_stands_inside() {
    struct Counts;
    impl Drop for Counts {
        fn drop(&mut self) {
            item(100);
        }
    }
    let harness = harness();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    harness.run(|| {
        let never = async {
            let _counts = Counts;
            item(1);
            std::future::pending::<()>().await;
        };
        let never = never.instrument(node("n"));
        let timeout = std::time::Duration::from_millis(5);
        assert!(runtime.block_on(async { tokio::time::timeout(timeout, never).await }).is_err());
        item(10);
    });
    assert_eq!(items(&harness), expected(&[("", 10), ("n", 101)]));
}

#[test]
fn a_guard_that_is_held_across_an_await_disturbs_the_tasks_of_its_thread_and_nothing_after_them() {
    // What clippy warns of: the guard stays on the thread while other tasks run there, and whose turn it is nobody can know.
    let harness = harness();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    harness.run(|| {
        let set = tokio::task::LocalSet::new();
        for id in ["a", "b"] {
            set.spawn_local(async move {
                let span = node(id);
                let _entered = span.enter();
                item(1);
                tokio::task::yield_now().await;
                item(1);
            });
        }
        runtime.block_on(set);
        item(10);
    });
    let items = items(&harness);
    assert_eq!(items[0], (String::new(), 10));
    assert_eq!(items[1..].iter().map(|(_, items)| items).sum::<i64>(), 4);
}
