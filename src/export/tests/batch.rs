//! Batches of any records: decoded by `opentelemetry-proto`, they are the records that went in, each in its scope and in order.

use std::collections::BTreeMap;
use std::time::Instant;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::resource::v1::Resource;
use proptest::prelude::*;
use prost::Message as _;
use tracing_weaver_layers::{ContextId, Record, RecordScope};

use super::fake::{self, Fake, SCHEMA_URL};
use crate::export::attribute;
use crate::export::batch::{LogBatcher, MAX_BYTES};

fn scopes() -> impl Strategy<Value = RecordScope> {
    (0..3u32, any::<bool>(), 0..3u32).prop_map(|(name, known, context)| RecordScope { name, known, context: ContextId(context) })
}

const MAX_ITEMS: usize = 300;

/// Sizes around every length at which a varint grows, and past a whole batch.
fn bodies() -> impl Strategy<Value = usize> {
    prop_oneof![20 => 0..300usize, 4 => 16_000..17_000usize, 1 => MAX_BYTES - 40..MAX_BYTES + 40]
}

type Key = (String, Option<i64>, bool);

fn key(scope: RecordScope) -> Key {
    let node = (scope.context.0 > 0).then_some(i64::from(scope.context.0));
    (format!("target::{}", scope.name), node, scope.known)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_batch_is_the_records_that_went_in(records in prop::collection::vec((scopes(), bodies()), 1..1500)) {
        let fake = Fake::new();
        let readings = fake.readings();
        let resource = Resource { attributes: vec![attribute::text("service.name", "test")], ..Default::default() };
        let mut batcher = LogBatcher::new(&resource.encode_to_vec(), SCHEMA_URL, MAX_ITEMS);
        let mut expected = BTreeMap::<Key, Vec<String>>::new();
        for (number, (scope, size)) in records.iter().enumerate() {
            let event_name = format!("{number}.{}", "x".repeat(*size));
            let bytes = LogRecord { event_name: event_name.clone(), ..Default::default() }.encode_to_vec();
            batcher.push(Record { scope: *scope, bytes: &bytes }, readings.as_ref(), Instant::now());
            expected.entry(key(*scope)).or_default().push(event_name);
        }
        batcher.close();
        prop_assert_eq!(batcher.pending(), 0);

        let mut found = BTreeMap::<Key, Vec<String>>::new();
        for batch in batcher.take_full() {
            let request = ExportLogsServiceRequest::decode(batch.payload.clone()).unwrap();
            prop_assert_eq!(request.encoded_len(), batch.payload.len(), "nothing stands in it that does not decode");
            prop_assert_eq!(request.resource_logs.len(), 1);
            prop_assert_eq!(request.resource_logs[0].resource.as_ref(), Some(&resource));
            let mut items = 0;
            let mut keys = Vec::new();
            for scope in &request.resource_logs[0].scope_logs {
                let instrumentation = scope.scope.as_ref().unwrap();
                let node = instrumentation.attributes.first().map(|attribute| match attribute.value.as_ref().unwrap().value {
                    Some(opentelemetry_proto::tonic::common::v1::any_value::Value::IntValue(int)) => int,
                    _ => 0,
                });
                let key = (instrumentation.name.clone(), node, scope.schema_url == SCHEMA_URL);
                prop_assert!(!keys.contains(&key), "a scope stands once in a batch");
                keys.push(key.clone());
                items += scope.log_records.len();
                found.entry(key).or_default().extend(scope.log_records.iter().map(|record| record.event_name.clone()));
            }
            prop_assert_eq!(items as u64, batch.items);
            prop_assert!(items <= MAX_ITEMS);
            prop_assert!(batch.payload.len() <= MAX_BYTES + 4096 || items == 1, "{} bytes in {items} records", batch.payload.len());
        }
        prop_assert!(found == expected);
    }
}

#[test]
fn scopes_that_look_the_same_on_the_wire_are_one() {
    let fake = Fake::new();
    let readings = fake.readings();
    // Without a schema URL, known and unknown look the same, and so do two numbers of one name.
    let mut batcher = LogBatcher::new(&[], "", MAX_ITEMS);
    let bytes = LogRecord::default().encode_to_vec();
    for name in [1, 1 + fake::NAMES, 2, 2 + fake::NAMES] {
        for known in [true, false] {
            let scope = RecordScope { name, known, context: ContextId(0) };
            batcher.push(Record { scope, bytes: &bytes }, readings.as_ref(), Instant::now());
        }
    }
    batcher.close();
    let request = ExportLogsServiceRequest::decode(batcher.take_full().remove(0).payload).unwrap();
    let scopes = &request.resource_logs[0].scope_logs;
    let shape: Vec<_> = scopes.iter().map(|scope| (scope.scope.as_ref().unwrap().name.as_str(), scope.log_records.len())).collect();
    assert_eq!(shape, [("target::1", 4), ("target::2", 4)]);
    assert!(scopes.iter().all(|scope| scope.schema_url.is_empty()));
}
