//! Traces and the records in them as a receiver gets them: through entity spans, threads, channels and tasks, sampled or not.
//!
//! The test runs this binary again as its ignored test `program`. What is expected of the traces is written down here alone.
#![cfg(all(feature = "http", feature = "spans", feature = "yaml"))]

#[path = "support/again.rs"]
mod again;
mod support;

use std::collections::BTreeMap;
use std::sync::mpsc::channel;
use std::time::Duration;

use support::receiver::{Arrived, Receiver, attributes};
use tracing::{Instrument as _, Level, Span, event, info_span};

const ORDERS: usize = 60;

/// Orders go from a counter over a packer to a carrier, each a thread inside of a shop of its own, by channels.
#[test]
#[ignore = "a program that the other tests run"]
fn program() {
    let registry = tracing_weaver_registry::yaml::load_sources(&[
        ("manifest.yaml", "schema_url: https://example.com/schemas/acme/1.0.0"),
        ("acme.yaml", include_str!("registry/acme/acme.yaml")),
    ]);
    let telemetry = tracing_weaver::builder().registry_bytes(registry.unwrap().to_bytes()).console(false).install().unwrap();
    let (to_packer, orders) = channel::<Span>();
    let (to_carrier, parcels) = channel::<Span>();
    let shop = |id: &'static str| info_span!("acme.shop", acme.shop.id = id);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let _counter = shop("counter").entered();
            for number in 0..ORDERS {
                let order = info_span!("order", number);
                order.in_scope(|| event!(name: "acme.order.accept", Level::INFO, acme.order.items = 1));
                to_packer.send(order).unwrap();
            }
            drop(to_packer);
        });
        scope.spawn(|| {
            for order in orders {
                // The packer's own shop is opened inside of the order's trace.
                let pack = order.in_scope(|| {
                    let _packer = shop("packer").entered();
                    let pack = info_span!("pack");
                    pack.in_scope(|| event!(name: "acme.order.accept", Level::INFO, acme.order.items = 10));
                    pack
                });
                to_carrier.send(pack).unwrap();
            }
            drop(to_carrier);
        });
        scope.spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
            runtime.block_on(async {
                let carry = |pack: Span| async move {
                    tokio::task::yield_now().await;
                    info_span!("step").in_scope(|| event!(name: "acme.order.accept", Level::INFO, acme.order.items = 100));
                    tokio::task::yield_now().await;
                    drop(pack);
                };
                let tasks: Vec<_> = parcels
                    .into_iter()
                    .map(|pack| tokio::spawn(carry(pack.clone()).instrument(info_span!(parent: &pack, "carry"))))
                    .collect();
                for task in tasks {
                    task.await.unwrap();
                }
            });
        });
    });
    event!(Level::INFO, "outside of all");
    let report = telemetry.shutdown(Duration::from_secs(30));
    assert!(report.deadline_met, "{report}");
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Seen {
    name: String,
    parent: Option<String>,
    shop: Option<String>,
}

/// Items, shop, name of the span and flags.
type Record = (String, Option<String>, Option<String>, u32);

/// What arrived of one trace.
#[derive(Debug, Default)]
struct Trace {
    spans: Vec<Seen>,
    records: Vec<Record>,
}

fn traces(arrived: &Arrived) -> BTreeMap<Vec<u8>, Trace> {
    let names: BTreeMap<_, _> = arrived.each_span().map(|span| (span.span_id.clone(), span.name.clone())).collect();
    assert_eq!(names.len(), arrived.each_span().count(), "an id stands for two spans");
    let mut traces = BTreeMap::<Vec<u8>, Trace>::new();
    for scope in arrived.spans.iter().flat_map(|resource| &resource.scope_spans) {
        let shop = scope.scope.as_ref().and_then(|scope| attributes(&scope.attributes).remove("acme.shop.id"));
        for span in &scope.spans {
            let parent = (!span.parent_span_id.is_empty()).then(|| names.get(&span.parent_span_id).expect("the parent arrived").clone());
            let seen = Seen { name: span.name.clone(), parent, shop: shop.clone() };
            traces.entry(span.trace_id.clone()).or_default().spans.push(seen);
        }
    }
    for scope in arrived.logs.iter().flat_map(|resource| &resource.scope_logs) {
        let shop = scope.scope.as_ref().and_then(|scope| attributes(&scope.attributes).remove("acme.shop.id"));
        for record in &scope.log_records {
            let items = attributes(&record.attributes).remove("acme.order.items").unwrap_or_default();
            let seen = (items, shop.clone(), names.get(&record.span_id).cloned(), record.flags);
            traces.entry(record.trace_id.clone()).or_default().records.push(seen);
        }
    }
    for trace in traces.values_mut() {
        trace.spans.sort();
        trace.records.sort();
    }
    traces
}

fn run(sampler: &[(&str, &str)]) -> BTreeMap<Vec<u8>, Trace> {
    let receiver = Receiver::start();
    let url = receiver.url();
    let variables: Vec<_> = [("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str())].into_iter().chain(sampler.iter().copied()).collect();
    again::run("program", &variables);
    let records = |arrived: &Arrived| {
        arrived.logs.iter().flat_map(|resource| &resource.scope_logs).map(|scope| scope.log_records.len()).sum::<usize>()
    };
    // All was answered before the program ended.
    receiver.wait(Duration::from_secs(10), |arrived| records(arrived) > 3 * ORDERS, traces)
}

/// What must arrive of one order.
fn whole() -> (Vec<Seen>, Vec<Record>) {
    let span =
        |name: &str, parent: Option<&str>, shop: &str| Seen { name: name.into(), parent: parent.map(Into::into), shop: Some(shop.into()) };
    let spans = vec![
        span("carry", Some("pack"), "packer"),
        span("order", None, "counter"),
        span("pack", Some("order"), "packer"),
        span("step", Some("carry"), "packer"),
    ];
    let record = |items: &str, shop: &str, span: &str| (items.to_owned(), Some(shop.to_owned()), Some(span.to_owned()), 1);
    (spans, vec![record("1", "counter", "order"), record("10", "packer", "pack"), record("100", "packer", "step")])
}

#[test]
fn each_order_is_one_trace_through_threads_channels_tasks_and_entities_and_its_records_name_their_spans() {
    let mut traces = run(&[]);
    let outside = traces.remove(&Vec::new()).expect("a record outside of all traces");
    assert_eq!((outside.spans.len(), outside.records), (0, vec![(String::new(), None, None, 0)]));
    assert_eq!(traces.len(), ORDERS);
    for trace in traces.into_values() {
        assert_eq!((trace.spans, trace.records), whole());
    }
}

#[test]
fn records_of_what_is_sampled_out_carry_its_ids_without_the_flag_and_a_trace_is_there_whole_or_not_at_all() {
    for (sampler, argument, least, most) in [("always_off", "", 0, 0), ("parentbased_traceidratio", "0.5", 1, ORDERS - 1)] {
        let mut traces = run(&[("OTEL_TRACES_SAMPLER", sampler), ("OTEL_TRACES_SAMPLER_ARG", argument)]);
        traces.remove(&Vec::new()).expect("a record outside of all traces");
        assert_eq!(traces.len(), ORDERS, "{sampler}");
        let mut sampled = 0;
        for trace in traces.into_values() {
            if trace.spans.is_empty() {
                let items: Vec<_> = trace.records.iter().map(|(items, _, span, flags)| (items.as_str(), span.clone(), *flags)).collect();
                assert_eq!(items, [("1", None, 0), ("10", None, 0), ("100", None, 0)], "{sampler}");
            } else {
                sampled += 1;
                assert_eq!((trace.spans, trace.records), whole(), "{sampler}");
            }
        }
        assert!((least..=most).contains(&sampled), "{sampler}: {sampled} sampled");
    }
}
