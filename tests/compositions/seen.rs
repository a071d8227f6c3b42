//! A program that emits under a stack, and what is seen of it: by the neighbour, in our metrics, records and spans.
//!
//! Rows of the table are made from it. It must never look into the layer.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tracing::{Level, Subscriber, debug_span, event, info_span};
use tracing_subscriber::fmt::format::{DefaultFields, FmtSpan, Format, Full};
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::registry::LookupSpan;
use tracing_weaver::{Builder, Memory, PointValue, Telemetry, WeaverLayer};

/// What a neighbour writes.
#[derive(Clone, Default)]
pub(crate) struct Page(Arc<Mutex<Vec<u8>>>);

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Page {
    type Writer = Page;

    fn make_writer(&'a self) -> Page {
        self.clone()
    }
}

/// A neighbour that writes down everything that it gets to see.
pub(crate) type Theirs<S> = fmt::Layer<S, DefaultFields, Format<Full, ()>, Page>;

impl Page {
    pub(crate) fn theirs<S: Subscriber + for<'a> LookupSpan<'a>>(&self) -> Theirs<S> {
        fmt::layer().without_time().with_ansi(false).with_span_events(FmtSpan::FULL).with_writer(self.clone())
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap().lines().map(str::to_owned).collect()
    }
}

/// Events of every level in an entity, in a trace span, under a parent by hand, and after all; twice, so that caches are cold and warm.
pub(crate) fn work() {
    for _ in 0..2 {
        let shop = debug_span!("acme.shop", acme.shop.id = "north").entered();
        event!(name: "acme.order.accept", Level::TRACE, acme.order.items = 1);
        event!(name: "acme.order.accept", Level::DEBUG, acme.order.items = 10);
        let request = info_span!("request", number = 7).entered();
        event!(name: "acme.order.accept", Level::INFO, acme.order.items = 100);
        event!(name: "acme.order.accept", Level::WARN, acme.order.items = 1_000);
        tracing::debug!("between");
        let quiet = debug_span!("quiet").entered();
        tracing::info!("in a quiet span");
        drop((quiet, request));
        let other = info_span!(parent: &shop, "other").entered();
        event!(name: "acme.order.accept", parent: &shop, Level::ERROR, acme.order.items = 10_000);
        drop(other);
        drop(shop);
        event!(name: "acme.order.accept", Level::TRACE, acme.order.items = 100_000);
        tracing::error!("at the end");
    }
}

/// Totals of [`work`] done this many times.
fn totals(times: i64) -> BTreeMap<String, i64> {
    let shop = "acme.shop.id=north";
    let of = [("count", shop, 10), ("items", shop, 22_222), ("count", "", 2), ("items", "", 200_000)];
    of.map(|(metric, entity, total)| (format!("acme.shop.order.{metric}{{{entity}}}"), total * times)).into()
}

/// What was seen.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) theirs: Vec<String>,
    pub(crate) totals: BTreeMap<String, i64>,
    /// Severity, name and body.
    pub(crate) records: Vec<String>,
    pub(crate) spans: Vec<String>,
    /// Whether `describe` says that something is hidden.
    pub(crate) said: bool,
}

pub(crate) fn builder() -> Builder {
    let registry = tracing_weaver_registry::yaml::load_sources(&[
        ("manifest.yaml", "schema_url: https://example.com/schemas/acme/1.0.0"),
        ("acme.yaml", include_str!("../registry/acme/acme.yaml")),
    ]);
    tracing_weaver::builder().registry_bytes(registry.unwrap().to_bytes()).console(false)
}

/// A layer of ours with its readers.
pub(crate) fn ours<S: Subscriber + for<'a> LookupSpan<'a>>() -> (Telemetry, Memory, WeaverLayer<S>) {
    let memory = Memory::new();
    let (telemetry, layer) = builder().memory(&memory).build().unwrap();
    (telemetry, memory, layer)
}

impl Seen {
    /// After the work was done; the stack still stands.
    pub(crate) fn now(page: &Page, telemetry: &Telemetry, memory: &Memory) -> Seen {
        let report = telemetry.shutdown(Duration::from_secs(10));
        assert!(report.deadline_met, "{report}");
        let mut totals = BTreeMap::new();
        for set in telemetry.metrics_snapshot().sets() {
            let entity: Vec<_> = set.attributes().iter().map(|(key, value)| format!("{key}={}", text(value))).collect();
            for (metric, value) in
                set.points().flat_map(|point| point.values().map(|(name, value)| (name.to_owned(), value.clone())).collect::<Vec<_>>())
            {
                let PointValue::Int(total) = value else { panic!("{value:?}") };
                totals.insert(format!("{metric}{{{}}}", entity.join(",")), total);
            }
        }
        let shown = |record: &Value| {
            let of = |key: &str| record[key].as_str().unwrap_or_default().to_owned();
            format!("{} {}{}", of("severityText"), of("eventName"), record["body"]["stringValue"].as_str().unwrap_or_default())
        };
        let named = |span: &Value| span["name"].as_str().unwrap_or_default().to_owned();
        Seen {
            theirs: page.lines(),
            totals,
            records: items(&memory.logs(), "resourceLogs", "scopeLogs", "logRecords").iter().map(shown).collect(),
            spans: items(&memory.traces(), "resourceSpans", "scopeSpans", "spans").iter().map(named).collect(),
            said: telemetry.describe().contains("\nhidden "),
        }
    }

    /// Whether all is as it must be after so many times of work.
    pub(crate) fn cells(&self, without: &[String], times: i64) -> [String; 4] {
        let theirs = match self.theirs == without {
            true => "the same".to_owned(),
            false => format!("{} lines of {}", self.theirs.len(), without.len()),
        };
        let sum = |totals: &BTreeMap<String, i64>| totals.iter().filter(|(name, _)| name.contains("count")).map(|(_, n)| *n).sum::<i64>();
        let expected = totals(times);
        let folds = match self.totals == expected {
            true => "exact".to_owned(),
            false => format!("{} of {} events", sum(&self.totals), sum(&expected)),
        };
        let records =
            ["INFO acme.order.accept", "WARN acme.order.accept", "INFO in a quiet span", "ERROR acme.order.accept", "ERROR at the end"];
        [theirs, folds, of(&self.records, &records, times), of(&self.spans, &["request", "other"], times)]
    }
}

fn of(seen: &[String], round: &[&str], times: i64) -> String {
    // Batches go by scope, so that order is kept only within one.
    let (mut all, mut seen) = (round.repeat(2 * times as usize), seen.iter().map(String::as_str).collect::<Vec<_>>());
    all.sort_unstable();
    seen.sort_unstable();
    if seen == all { "exact".to_owned() } else { format!("{} of {}", seen.len(), all.len()) }
}

fn text(value: &tracing_weaver::Value) -> String {
    match value {
        tracing_weaver::Value::Str(text) => text.to_string(),
        other => format!("{other:?}"),
    }
}

fn items(batches: &[String], resources: &str, scopes: &str, items: &str) -> Vec<Value> {
    let list = |value: &Value, key: &str| value[key].as_array().cloned().unwrap_or_default();
    let batches = batches.iter().map(|batch| serde_json::from_str::<Value>(batch).unwrap());
    let scopes_of = batches.flat_map(|batch| list(&batch, resources)).flat_map(|resource| list(&resource, scopes));
    scopes_of.flat_map(|scope| list(&scope, items)).collect()
}
