//! `install()` with neighbours: one global subscriber, the bridge of `log`, the filter at run time, and no second time.
#![cfg(all(feature = "log", feature = "yaml"))]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tracing::{Event, Level, Subscriber, event, info_span};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::{Context, Layer};
use tracing_weaver::Memory;

const REGISTRY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/registry/acme");
const TIMEOUT: Duration = Duration::from_secs(5);

struct Counter(&'static AtomicUsize);

impl<S: Subscriber> Layer<S> for Counter {
    fn on_event(&self, _: &Event<'_>, _: Context<'_, S>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

static FILTERED: AtomicUsize = AtomicUsize::new(0);
static UNFILTERED: AtomicUsize = AtomicUsize::new(0);

/// Names and bodies of the records so far.
fn exported(memory: &Memory) -> Vec<String> {
    let requests = memory.logs();
    let requests = requests.iter().map(|request| serde_json::from_str::<serde_json::Value>(request).unwrap());
    let mut out = Vec::new();
    for request in requests {
        for scope in request["resourceLogs"][0]["scopeLogs"].as_array().unwrap() {
            for record in scope["logRecords"].as_array().unwrap() {
                let body = record["body"]["stringValue"].as_str();
                out.push(body.or(record["eventName"].as_str()).unwrap_or_default().to_owned());
            }
        }
    }
    out
}

#[test]
fn one_install_serves_us_neighbours_and_log_and_a_second_one_is_an_error() {
    let memory = Memory::new();
    // A subscriber of this thread alone is no global one.
    let scoped = tracing::subscriber::set_default(tracing_subscriber::registry());
    let telemetry = tracing_weaver::builder()
        .registry(REGISTRY)
        .filter("warn,config_install=info")
        .layer(Counter(&FILTERED).with_filter(LevelFilter::WARN))
        .layer(Counter(&UNFILTERED))
        .console(false)
        .memory(&memory)
        .install()
        .unwrap();
    drop(scoped);

    let shop = info_span!("acme.shop", acme.shop.id = "north").entered();
    event!(name: "acme.order.accept", Level::TRACE, acme.order.items = 3);
    event!(name: "acme.order.accept", Level::INFO, acme.order.items = 4);
    tracing::warn!("careful");
    log::warn!(target: "dependency", "by log");
    log::debug!(target: "dependency", "not asked for");
    drop(shop);
    telemetry.force_flush(TIMEOUT).unwrap();

    let mut records = exported(&memory);
    records.sort();
    assert_eq!(records, ["acme.order.accept", "by log", "careful"]);
    assert_eq!(telemetry.metrics_snapshot().total("acme.shop.order.items"), 7.0, "at TRACE too");
    assert_eq!(FILTERED.load(Ordering::Relaxed), 2, "a neighbour's filter is its own");
    assert_eq!(UNFILTERED.load(Ordering::Relaxed), 4, "ours does not filter for a neighbour");
    assert_eq!(log::max_level(), log::LevelFilter::Info, "log follows the filter");

    telemetry.set_filter("debug").unwrap();
    assert_eq!(log::max_level(), log::LevelFilter::Debug);
    assert!(telemetry.describe().contains("debug (set at run time)"), "{}", telemetry.describe());
    let error = telemetry.set_filter("debug,acme=loud").unwrap_err().to_string();
    assert!(error.contains("`acme=loud`"), "{error}");
    assert_eq!(log::max_level(), log::LevelFilter::Debug, "a filter that cannot be read changes nothing");
    memory.clear();
    tracing::debug!("now asked for");
    log::debug!(target: "dependency", "now asked for");
    telemetry.force_flush(TIMEOUT).unwrap();
    assert_eq!(exported(&memory), ["now asked for", "now asked for"]);

    let error = tracing_weaver::builder().install().unwrap_err();
    assert!(matches!(error, tracing_weaver::Error::AlreadyInstalled), "{error}");
    assert!(error.to_string().contains("builder().build()?"), "{error}");

    memory.clear();
    let first = telemetry.shutdown(TIMEOUT);
    assert!(first.deadline_met, "{first}");
    tracing::warn!("too late");
    let second = telemetry.shutdown(TIMEOUT);
    assert_eq!(second.records.created, first.records.created + 1);
    assert_eq!(second.records.destinations[0].dropped_for(tracing_weaver::DropReason::Shutdown), 1, "{second}");
    assert!(telemetry.force_flush(TIMEOUT).is_err());
}
