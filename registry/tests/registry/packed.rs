//! The packed form: what was packed comes back, what was not never does, and nothing panics.

use crate::texts::sound;
use proptest::prelude::*;
use tracing_weaver_registry::PackError;
use tracing_weaver_registry::model::ResolvedRegistry;

const EVERYTHING: &str = "
attributes:
  - {key: a.id, type: string, brief: Id., note: N., stability: stable, examples: [x, 1, 2.5], annotations: {tracing_weaver: {sensitivity: personal, redact: hash, normalize: [lowercase, {truncate: 3}], field: [id], cardinality: {max: 9}}, other: {deep: [[1, {a: ~}]]}}}
  - {key: a.outcome, type: {members: [{id: ok}, {id: fail, value: 3, brief: Failed., deprecated: {reason: obsoleted, note: N.}}]}, brief: B., stability: beta}
  - {key: a.size, type: double, brief: B., stability: stable, deprecated: {reason: renamed, renamed_to: a.length}}
  - {key: a.head, type: 'template[string[]]', brief: B., stability: stable}
attribute_groups:
  - {id: set, visibility: public, brief: Set., stability: stable, attributes: [{ref: a.outcome}], annotations: {tracing_weaver: {metric_set: {entity: node, keep: [node]}}}}
entities:
  - {type: node, brief: B., stability: stable, identity: [{ref: a.id, requirement_level: required}], description: [{ref: a.head}]}
events:
  - {name: e, brief: B., stability: stable, attributes: [{ref: a.size, requirement_level: {opt_in: rarely}}, {ref: a.outcome}], entity_associations: [{all_of: [node, {one_of: [node]}]}], annotations: {tracing_weaver: {severity: warn, forward: false}}}
metrics:
  - {name: m, brief: B., stability: stable, unit: By, instrument: histogram, attributes: [{ref: a.outcome}], annotations: {tracing_weaver: {metric_set: set, fold: [{event: e, value: a.size, when: {a.outcome: [ok]}, unit: kBy}, {span: s, value: idle}], aggregation: {explicit: [1, 2.5]}}}}
spans:
  - {type: s, brief: B., stability: stable, kind: server, name: {note: how}, attributes: [{ref: a.head, sampling_relevant: true}]}
event_refinements:
  - {id: e.fine, ref: e, attributes: [{ref: a.id}]}
";

#[test]
fn what_was_packed_comes_back() {
    let registry = sound(EVERYTHING);
    assert_eq!(ResolvedRegistry::from_bytes(&registry.to_bytes()), Ok(registry));
}

#[test]
fn the_same_registry_packs_to_the_same_bytes() {
    assert_eq!(sound(EVERYTHING).to_bytes(), sound(EVERYTHING).to_bytes());
}

/// A pack that was written by one version of the crate must be refused by a version that would read it differently.
#[test]
fn the_format_version_stands_for_the_shape_of_the_model() {
    let bytes = sound(EVERYTHING).to_bytes();
    let fingerprint = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    assert_eq!(
        (u16::from_le_bytes([bytes[6], bytes[7]]), fingerprint),
        (2, 16_470_563_981_931_504_667),
        "the packed form has changed: raise its format version, then write the new pair here"
    );
}

#[test]
fn a_pack_of_another_format_version_says_both_and_what_to_do() {
    let mut bytes = sound(EVERYTHING).to_bytes();
    bytes[6] = 9;
    let error = ResolvedRegistry::from_bytes(&bytes).expect_err("another version");
    assert_eq!(error, PackError::Version { found: 9, expected: 2 });
    assert_eq!(
        error.to_string(),
        "the packed registry has format version 9 (expected 2; help: pack it again with the same version of `tracing-weaver-registry` that reads it)"
    );
}

#[test]
fn bytes_that_are_no_pack_say_so() {
    for bytes in [&b""[..], b"TWREG", b"schema_url: x", &[0; 100]] {
        assert_eq!(ResolvedRegistry::from_bytes(bytes), Err(PackError::NotAPack));
    }
}

#[test]
fn a_pack_that_is_cut_short_anywhere_or_has_one_byte_changed_is_refused() {
    let bytes = sound(EVERYTHING).to_bytes();
    for end in 0..bytes.len() {
        assert!(ResolvedRegistry::from_bytes(&bytes[..end]).is_err(), "cut at {end}");
    }
    for place in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[place] ^= 0x41;
        assert!(ResolvedRegistry::from_bytes(&changed).is_err(), "changed at {place}");
    }
    let mut longer = bytes;
    longer.push(0);
    assert!(ResolvedRegistry::from_bytes(&longer).is_err());
}

/// A pack whose checksum is right, so that what follows it is read.
fn sealed(payload: &[u8]) -> Vec<u8> {
    let checksum = payload.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    [&b"TWREG\0\x02\0"[..], &checksum.to_le_bytes(), payload].concat()
}

#[test]
fn a_pack_that_nests_lists_without_end_is_refused() {
    // Empty schema URL and description, one attribute up to its examples, then lists in lists.
    let registry = sound("attributes: [{key: k, type: any, brief: B., stability: stable, examples: [[[[7]]]]}]");
    let bytes = registry.to_bytes();
    let payload = &bytes[16..];
    let list = [5, 1, 5, 1, 5, 1, 5, 1, 2, 14];
    let at = payload.windows(list.len()).position(|window| window == list).expect("lists of one item, then the integer 7");
    let hostile = [&payload[..at], &[5, 1].repeat(1_000_000), &payload[at..]].concat();
    assert!(matches!(ResolvedRegistry::from_bytes(&sealed(&hostile)), Err(PackError::Damaged(_))));
    assert_eq!(ResolvedRegistry::from_bytes(&sealed(payload)), Ok(registry), "the seal itself is right");
}

#[test]
fn ids_that_point_at_nothing_are_refused() {
    let registry = sound(EVERYTHING);
    let mut fewer = registry.clone();
    fewer.attributes.pop();
    let mut no_entity = registry.clone();
    no_entity.entities.clear();
    let mut no_event = registry.clone();
    no_event.events.clear();
    let mut no_set = registry.clone();
    no_set.metric_sets.clear();
    let mut no_metric = registry.clone();
    no_metric.metrics.clear();
    let mut unsorted = registry;
    unsorted.attributes.swap(0, 1);
    for damaged in [fewer, no_entity, no_event, no_set, no_metric, unsorted] {
        assert!(matches!(ResolvedRegistry::from_bytes(&damaged.to_bytes()), Err(PackError::Damaged(_))));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_payload_behind_a_right_checksum_panics(payload in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = ResolvedRegistry::from_bytes(&sealed(&payload));
    }

    #[test]
    fn no_change_of_a_pack_behind_a_right_checksum_panics(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in proptest::option::of(any::<prop::sample::Index>()),
    ) {
        let mut payload = sound(EVERYTHING).to_bytes().split_off(16);
        for (place, byte) in changes {
            let place = place.index(payload.len());
            payload[place] = byte;
        }
        if let Some(cut) = cut {
            payload.truncate(cut.index(payload.len()));
        }
        if let Ok(registry) = ResolvedRegistry::from_bytes(&sealed(&payload)) {
            // Every id leads somewhere.
            for metric in &registry.metrics {
                let _ = registry.metric_set(metric.set);
            }
        }
    }
}
