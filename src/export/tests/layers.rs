//! From a `tracing` macro through the layers to a receiver.

use std::sync::Arc;

use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::Registry;
use tracing_weaver_layers::{ForwardFilter, Settings, weave};
use tracing_weaver_registry::yaml::load_sources;

use super::fake::SCHEMA_URL;
use super::receiver::Receiver;
use super::*;
use crate::export::start as start_export;

const SIGNALS: &str = "
file_format: definition/2
attributes:
  - {key: acme.node.id, type: string, brief: Id of the node., stability: stable}
  - {key: acme.node.count, type: int, brief: How many., stability: stable}
entities:
  - {type: acme.node, brief: A node., stability: stable, identity: [{ref: acme.node.id}]}
events:
  - {name: acme.node.start, brief: The node started., stability: stable, attributes: [{ref: acme.node.count}],
     entity_associations: [acme.node]}
metrics:
  - {name: acme.node.starts, brief: Starts., unit: '{start}', instrument: counter, stability: stable, entity_associations: [acme.node],
     annotations: {tracing_weaver: {fold: {event: acme.node.start}}}}
";

#[test]
fn an_event_arrives_as_record_and_as_count_and_all_is_accounted_for() {
    let receiver = Receiver::grpc([]);
    let manifest = format!("schema_url: {SCHEMA_URL}");
    let registry = load_sources(&[("manifest.yaml", &manifest), ("signals.yaml", SIGNALS)]).unwrap_or_else(|error| panic!("{error}"));
    let mut layers = Settings::new(Arc::new(registry));
    layers.filter = ForwardFilter::parse("trace").unwrap();
    let (layer, weaver, reader) = weave::<Registry>(layers).unwrap();
    let mut settings = settings();
    settings.logs = Some(endpoint(receiver.url(""), Protocol::Grpc));
    settings.metrics = Some(endpoint(receiver.url(""), Protocol::Grpc));
    let exporter = start_export(weaver, reader, settings).unwrap();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        let node = tracing::info_span!("acme.node", acme.node.id = "batch").entered();
        for count in 0..1000u64 {
            tracing::event!(name: "acme.node.start", tracing::Level::DEBUG, acme.node.count = count);
        }
        drop(node);
        tracing::info!("plain");
    });
    let report = exporter.shutdown(LONG);
    assert!(report.deadline_met);
    assert_eq!(outcome(&report.records), (1001, 0, 0));
    assert_all_accounted(&report);

    let records = receiver.records();
    assert_eq!(records.iter().filter(|record| record.event_name == "acme.node.start" && record.body.is_none()).count(), 1000);
    for scope in receiver.scopes() {
        let known = scope.log_records[0].event_name == "acme.node.start";
        assert_eq!(scope.schema_url, if known { SCHEMA_URL } else { "" });
        let scope = scope.scope.unwrap();
        assert_eq!(scope.name, module_path!());
        assert_eq!(
            scope.attributes.iter().map(|attribute| attribute.key.as_str()).collect::<Vec<_>>(),
            if known { vec!["acme.node.id"] } else { vec![] }
        );
    }
    let metrics = receiver.last_metrics();
    let starts = metrics.iter().find(|scope| scope.scope.as_ref().unwrap().name == "acme.node.starts").expect("the set of one metric");
    assert_eq!(starts.scope.as_ref().unwrap().attributes[0].key, "acme.node.id");
    let Some(opentelemetry_proto::tonic::metrics::v1::metric::Data::Sum(sum)) = &starts.metrics[0].data else { panic!("a sum") };
    assert_eq!(sum.data_points[0].value, Some(opentelemetry_proto::tonic::metrics::v1::number_data_point::Value::AsInt(1000)));
}

#[cfg(feature = "spans")]
#[test]
fn a_span_arrives_with_its_values_as_they_are_and_its_entity_on_its_scope() {
    use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
    use tracing_weaver_layers::SpanSettings;

    let receiver = Receiver::http([]);
    let manifest = format!("schema_url: {SCHEMA_URL}");
    let registry = load_sources(&[("manifest.yaml", &manifest), ("signals.yaml", SIGNALS)]).unwrap_or_else(|error| panic!("{error}"));
    let mut settings = settings();
    settings.logs = Some(endpoint(receiver.url("/v1/logs"), Protocol::HttpProtobuf));
    settings.traces = Some(endpoint(receiver.url("/v1/traces"), Protocol::HttpProtobuf));
    let mut layers = Settings::new(Arc::new(registry));
    layers.filter = ForwardFilter::parse("trace").unwrap();
    layers.spans = Some(SpanSettings {
        sampler: opentelemetry_sdk::trace::Sampler::AlwaysOn,
        limits: Default::default(),
        text_limit: None,
        sink: settings.open_span_queue(),
    });
    let (layer, weaver, reader) = weave::<Registry>(layers).unwrap();
    let exporter = start_export(weaver, reader, settings).unwrap();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        let _node = tracing::info_span!("acme.node", acme.node.id = "batch").entered();
        let bytes: &[u8] = &[0, 1, 254, 255];
        let _work = tracing::info_span!("work", payload = bytes, many = u64::MAX, few = 3u8).entered();
        tracing::info!("in it");
    });
    let report = exporter.shutdown(LONG);
    assert!(report.deadline_met);
    assert_eq!((outcome(&report.records), outcome(&report.spans)), ((1, 0, 0), (1, 0, 0)));
    assert_all_accounted(&report);

    let scope = receiver.span_scopes().remove(0);
    let instrumentation = scope.scope.unwrap();
    assert_eq!((instrumentation.name.as_str(), scope.schema_url.as_str()), (module_path!(), ""));
    assert_eq!(instrumentation.attributes[0].key, "acme.node.id");
    let span = &scope.spans[0];
    let value = |key: &str| span.attributes.iter().find(|attribute| attribute.key == key)?.value.as_ref()?.value.clone();
    assert_eq!(value("payload"), Some(Any::BytesValue(vec![0, 1, 254, 255])));
    assert_eq!(value("many"), Some(Any::StringValue(u64::MAX.to_string())));
    assert_eq!(value("few"), Some(Any::IntValue(3)));
}
