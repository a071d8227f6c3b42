//! The summary that `shutdown` prints where the console is a sink.
//! `Telemetry` makes it once, from the last counts.
//! It is for eyes: who wants to count reads the report that `shutdown` returns.

use std::fmt::Write as _;
use std::time::Duration;

use super::number::{duration, grouped};
use super::table::Table;
use crate::escape;
use crate::export::{SignalReport, Stats};
use crate::sink::{SpanTally, TalliedEvent, TalliedName, severity_name};
use crate::snapshot::MetricsSnapshot;

/// What the summary is made of.
pub(crate) struct AtShutdown<'a> {
    /// Name and version of the registry.
    pub(crate) registry: &'a str,
    /// How long telemetry ran.
    pub(crate) uptime: Duration,
    /// All metric sets.
    pub(crate) metrics: &'a MetricsSnapshot,
    /// Events that the console showed, with severity number and count.
    pub(crate) events: Vec<((TalliedEvent, i32), u64)>,
    /// Spans that the console got, by name.
    pub(crate) spans: Vec<(TalliedName, SpanTally)>,
    /// All counts.
    pub(crate) stats: &'a Stats,
}

/// The summary's text.
pub(crate) fn at_shutdown(summary: &AtShutdown<'_>) -> String {
    let mut out = String::new();
    let uptime = Duration::from_millis(u64::try_from(summary.uptime.as_millis()).unwrap_or(u64::MAX));
    let _ = writeln!(out, "── telemetry summary: {}, {} ──", escape::text(summary.registry), humantime::format_duration(uptime));
    let metrics = summary.metrics.to_string();
    if !metrics.is_empty() {
        let _ = write!(out, "\n{metrics}");
    }
    if !summary.events.is_empty() {
        let _ = write!(out, "\nevents\n{}", events(&summary.events));
    }
    if !summary.spans.is_empty() {
        let _ = write!(out, "\nspans\n{}", spans(&summary.spans));
    }
    let _ = write!(out, "\nexported\n{}", exported(summary.stats));
    let dropped = dropped(summary.stats);
    let _ = match dropped.is_empty() {
        true => writeln!(out, "\nnothing was dropped"),
        false => write!(out, "\ndropped\n{dropped}"),
    };
    out
}

fn events(events: &[((TalliedEvent, i32), u64)]) -> Table {
    let mut table = Table::new(["name", "severity", "records"].map(String::from).into(), 2);
    for ((event, severity), count) in events {
        let name = match event {
            TalliedEvent::Named(name) => escape::short(name, 60),
            TalliedEvent::Unnamed(target) => format!("(without name, {})", escape::short(target, 60)),
            TalliedEvent::Other => "(others)".to_owned(),
        };
        table.row(vec![name, severity_name(*severity).to_owned(), grouped(*count)]);
    }
    table
}

fn spans(spans: &[(TalliedName, SpanTally)]) -> Table {
    let mut table = Table::new(["name", "spans", "errors", "mean", "longest"].map(String::from).into(), 1);
    for (name, tally) in spans {
        let name = match name {
            TalliedName::Named(name) => escape::short(name, 60),
            TalliedName::Other => "(others)".to_owned(),
        };
        table.row(vec![name, grouped(tally.count), grouped(tally.errors), duration(tally.mean()), duration(tally.longest)]);
    }
    table
}

fn exported(stats: &Stats) -> Table {
    let mut table = Table::new(["what", "to", "created", "exported", "dropped", "in doubt"].map(String::from).into(), 2);
    for (what, signal) in signals(stats) {
        for destination in &signal.destinations {
            let numbers = [signal.created, destination.exported, destination.dropped_total(), destination.in_doubt];
            let names = [what.to_owned(), escape::text(&destination.name)];
            table.row(names.into_iter().chain(numbers.map(grouped)).collect());
        }
    }
    table
}

/// Empty where nothing was.
fn dropped(stats: &Stats) -> String {
    let mut table = Table::new(["what", "why", "where", "number"].map(String::from).into(), 3);
    let mut empty = true;
    let mut row = |what: &str, why: &str, place: &str, number: u64| {
        if number > 0 {
            empty = false;
            table.row(vec![what.to_owned(), why.to_owned(), escape::text(place), grouped(number)]);
        }
    };
    for (what, signal) in signals(stats) {
        for destination in &signal.destinations {
            destination.dropped.iter().for_each(|(reason, number)| row(what, reason.as_str(), &destination.name, *number));
            row(what, "still queued", &destination.name, destination.queued);
        }
    }
    let callsite = "at their callsite";
    stats.fields_dropped.iter().for_each(|(reason, number)| row("fields", reason, callsite, *number));
    row("attributes", "more than a record holds", callsite, stats.attributes_over_limit);
    row("entity spans", "identity not complete", "opened nothing", stats.entities_refused);
    row("measurements", "not of the metric's kind", "in no metric", stats.measurements_refused);
    row("measurements", "entity not in force", "counted without entity", stats.measurements_unattributed);
    if empty { String::new() } else { table.to_string() }
}

fn signals(stats: &Stats) -> [(&'static str, &SignalReport); 3] {
    [("records", &stats.records), ("spans", &stats.spans), ("data points", &stats.points)]
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tracing_weaver_layers::{ContextId, EntityContext, MetricsSnapshot as Snapshot, Point, PointValue, SetSnapshot, Value};
    use tracing_weaver_registry::model::{EnumValue, MetricSetId, ResolvedRegistry};

    use super::*;
    use crate::export::{DestinationReport, DropReason};

    fn registry() -> ResolvedRegistry {
        tracing_weaver_registry::yaml::load_sources(&[
            ("manifest.yaml", include_str!("../../tests/registry/acme/manifest.yaml")),
            ("acme.yaml", include_str!("../../tests/registry/acme/acme.yaml")),
        ])
        .unwrap()
    }

    fn set(registry: &ResolvedRegistry, shop: &str, outcome: &str, count: i64) -> SetSnapshot {
        let metric = |name: &str| registry.metric_by_name(name).unwrap();
        let context = EntityContext {
            id: ContextId(1),
            types: vec!["acme.shop".into()],
            attributes: vec![("acme.shop.id".into(), Value::Str(shop.into()))],
        };
        SetSnapshot {
            set: MetricSetId(registry.metric_set_by_name("acme.shop.order").unwrap().0),
            context: Arc::new(context),
            start_unix_nano: 1,
            points: vec![Point {
                dimensions: vec![("acme.order.outcome".into(), EnumValue::String(outcome.into()))],
                values: vec![(metric("acme.shop.order.count"), PointValue::Int(count))],
            }],
        }
    }

    fn destination(exported: u64, dropped: &[(DropReason, u64)]) -> DestinationReport {
        DestinationReport { name: "console".into(), exported, dropped: dropped.into(), ..Default::default() }
    }

    #[test]
    fn the_summary_says_what_was_measured_what_happened_what_went_where_and_what_was_lost() {
        let registry = registry();
        let sets = vec![set(&registry, "north", "success", 12_345), set(&registry, "so\x1buth", "success", 7)];
        let snapshot = Snapshot { time_unix_nano: 2, sets };
        let metrics = MetricsSnapshot::new(Arc::new(registry), snapshot);
        let stats = Stats {
            records: SignalReport { created: 1_010, destinations: vec![destination(1_000, &[(DropReason::QueueFull, 10)])] },
            spans: SignalReport { created: 4, destinations: vec![destination(4, &[])] },
            points: SignalReport { created: 2, destinations: vec![destination(2, &[])] },
            fields_dropped: vec![("secret", 3)],
            ..Default::default()
        };
        let summary = AtShutdown {
            registry: "acme 1.0.0",
            uptime: Duration::from_micros(1_500_400),
            metrics: &metrics,
            events: vec![((TalliedEvent::Named("acme.order.accept".into()), 9), 1_000)],
            spans: vec![(
                TalliedName::Named("acme.order.pack".into()),
                SpanTally { count: 4, errors: 1, total: Duration::from_millis(50), longest: Duration::from_millis(20) },
            )],
            stats: &stats,
        };
        let expected = "\
── telemetry summary: acme 1.0.0, 1s 500ms ──

acme.shop.order  acme.order.outcome=success
  shop.id      count (order)
  north               12,345
  so\\u{1b}uth              7

events
  name               severity  records
  acme.order.accept  INFO        1,000

spans
  name             spans  errors     mean  longest
  acme.order.pack      4       1  12.5 ms    20 ms

exported
  what         to       created  exported  dropped  in doubt
  records      console    1,010     1,000       10         0
  spans        console        4         4        0         0
  data points  console        2         2        0         0

dropped
  what     why         where              number
  records  queue_full  console                10
  fields   secret      at their callsite       3
";
        assert_eq!(at_shutdown(&summary), expected);
    }

    #[test]
    fn where_nothing_was_lost_the_summary_says_so_in_a_line() {
        let metrics = MetricsSnapshot::new(Arc::default(), Snapshot::default());
        let stats = Stats::default();
        let summary =
            AtShutdown { registry: "none", uptime: Duration::ZERO, metrics: &metrics, events: vec![], spans: vec![], stats: &stats };
        assert!(at_shutdown(&summary).ends_with("\nnothing was dropped\n"));
    }
}
