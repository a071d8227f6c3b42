//! Hostile YAML: an error, never a crash, a hang or memory without bound.

use crate::texts::{MANIFEST, fault, faults_of, file, one};
use proptest::prelude::*;
use std::fmt::Write;
use tracing_weaver_registry::yaml::load_sources;

#[test]
fn nesting_beyond_the_bound_is_a_fault() {
    let nested = |depth: usize| {
        format!("events:\n  - {{name: e, brief: B., stability: stable, annotations: {{a: {}{}}}}}", "[".repeat(depth), "]".repeat(depth))
    };
    one(&nested(120)).expect("within the bound");
    assert!(fault(&nested(130)).contains("nested deeper than 128"));
    for text in ["[", "{a: ", "- ", "? "] {
        assert_eq!(faults_of(&[MANIFEST, ("a.yaml", &text.repeat(100_000))]).len(), 1, "{text}");
    }
}

#[test]
fn an_anchor_bomb_is_a_fault() {
    let mut nodes = String::from("events:\n  - {name: e, brief: B., stability: stable, annotations: {a0: &a0 [x, x, x, x, x, x, x, x]");
    for level in 1..20 {
        write!(nodes, ", a{level}: &a{level} [{}]", vec![format!("*a{}", level - 1); 8].join(", ")).expect("text");
    }
    nodes += "}}";
    assert!(fault(&nodes).contains("more than 500,000 values in one file"));
    let text = format!("x: &a \"{}\"\ny: [{}]", "x".repeat(100_000), "*a, ".repeat(1_000));
    assert!(fault(&text).contains("more text repeated by anchors than 16 MiB"));
    let mut deep = String::from("a0: &a0 x\n");
    for level in 1..1_000 {
        writeln!(deep, "a{level}: &a{level} [*a{}]", level - 1).expect("text");
    }
    assert!(fault(&deep).contains("nested deeper than 128"));
    assert!(fault("a: &a [*a]").contains("an alias of an anchor that contains it"));
}

#[test]
fn an_alias_within_the_bounds_means_what_its_anchor_holds() {
    let registry = one("attributes:\n  - &x {key: a.x, type: &t string, brief: B., stability: stable}\n  - {key: a.y, type: *t, brief: B., stability: stable}").expect("a sound registry");
    assert_eq!(registry.attributes[0].attribute_type, registry.attributes[1].attribute_type);
}

#[test]
fn a_file_beyond_16_mib_is_a_fault_before_it_is_read() {
    let large = format!("file_format: definition/2\n#{}", "x".repeat(16 << 20));
    assert_eq!(faults_of(&[MANIFEST, ("a.yaml", &large)]), ["a.yaml:0:0 DeserializationError"]);
}

#[test]
fn groups_that_multiply_references_are_a_fault() {
    let mut text = String::from("attributes:\n");
    for index in 0..1_000 {
        writeln!(text, "  - {{key: a.k{index}, type: int, brief: B., stability: stable}}").expect("text");
    }
    text += "attribute_groups:\n  - {id: all, visibility: internal, attributes: [";
    for index in 0..1_000 {
        write!(text, "{{ref: a.k{index}}}, ").expect("text");
    }
    text += "]}\n";
    for index in 0..300 {
        writeln!(text, "  - {{id: g{index}, visibility: internal, attributes: [{{ref_group: all}}]}}").expect("text");
    }
    assert!(fault(&text).contains("groups and references expand to more than is followed"));
}

#[test]
fn past_ten_thousand_faults_the_rest_is_counted() {
    let mut text = String::new();
    for index in 0..12_345 {
        writeln!(text, "k{index}: 1").expect("text");
    }
    let errors = one(&text).expect_err("many faults");
    assert_eq!((errors.as_slice().len(), errors.omitted()), (10_000, 2_345));
    let shown = errors.to_string();
    assert!(shown.starts_with("the registry has 12345 faults:") && shown.ends_with("… and 2345 more"), "{}", &shown[..60]);
}

#[test]
fn tags_that_yaml_does_not_define_are_faults() {
    for text in ["a: !mine x", "a: !!binary x", "a: !!int x", "a: !!seq {a: b}"] {
        let errors = one(text).expect_err(text);
        assert_eq!(errors.as_slice()[0].kind.name(), "DeserializationError", "{text}: {errors}");
    }
    let registry = one("events:\n  - {name: !!str 12, brief: ! 7, stability: !!str stable}").expect("a sound registry");
    assert_eq!((registry.events[0].name.as_str(), registry.events[0].brief.as_str()), ("12", "7"));
}

/// Pieces of which YAML that is nearly a registry is made.
const PIECES: &[&str] = &[
    "\n",
    "\n  ",
    "\n  - ",
    "\n    ",
    "- ",
    ": ",
    ", ",
    "{",
    "}",
    "[",
    "]",
    "&a ",
    "*a",
    "!!str ",
    "|\n",
    ">\n",
    "\"",
    "'",
    "#",
    "---\n",
    "? ",
    "~",
    "\t",
    "%TAG ! x\n",
    "attributes:",
    "attribute_groups:",
    "entities:",
    "events:",
    "metrics:",
    "spans:",
    "imports:",
    "event_refinements:",
    "key: a.b",
    "type: string",
    "type: a.b",
    "brief: B",
    "stability: stable",
    "name: a.b",
    "ref: a.b",
    "ref_group: a.b",
    "id: a.b",
    "visibility: public",
    "visibility: internal",
    "identity:",
    "unit: s",
    "instrument: counter",
    "annotations:",
    "tracing_weaver:",
    "fold: {event: a.b}",
    "metric_set: a.b",
    "value: 1",
    "when:",
    "aggregation: {explicit: [1]}",
    "1",
    "-1",
    "1e400",
    ".nan",
    "é",
    "\u{feff}",
    "\u{0}",
    "true",
    "members:",
    "one_of:",
    "kind: client",
    "deprecated: {reason: renamed, renamed_to: a}",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_panics_the_reader(text in any::<String>()) {
        let _ = load_sources(&[MANIFEST, ("a.yaml", &text)]);
        let _ = load_sources(&[("manifest.yaml", &text)]);
    }

    #[test]
    fn no_mixture_of_the_formats_own_pieces_panics_the_reader(pieces in proptest::collection::vec(prop::sample::select(PIECES), 0..60)) {
        let text = pieces.concat();
        let _ = load_sources(&[MANIFEST, ("a.yaml", &file(&text))]);
        let _ = load_sources(&[("manifest.yaml", &text)]);
    }

    #[test]
    fn no_change_of_a_sound_registry_panics_the_reader(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), prop::sample::select(PIECES), 0..8_usize), 1..8),
    ) {
        let mut text = SOUND.to_owned();
        for (place, piece, cut) in changes {
            let boundary = |mut at: usize, text: &str| { while !text.is_char_boundary(at) { at -= 1 } at };
            let start = boundary(place.index(text.len() + 1), &text);
            let end = boundary((start + cut).min(text.len()), &text).max(start);
            text.replace_range(start..end, piece);
        }
        // Whatever it says now: with faults it is an error with at least one, without it packs and comes back.
        match load_sources(&[MANIFEST, ("a.yaml", &text)]) {
            Ok(registry) => {
                let back = tracing_weaver_registry::model::ResolvedRegistry::from_bytes(&registry.to_bytes());
                prop_assert!(back.is_ok(), "{:?}", back.err());
            }
            Err(errors) => prop_assert!(!errors.as_slice().is_empty()),
        }
    }
}

const SOUND: &str = "file_format: definition/2
attributes:
  - key: a.id
    type: string
    brief: Id.
    stability: stable
    annotations: {tracing_weaver: {sensitivity: personal, normalize: [lowercase, {truncate: 3}], field: [id]}}
  - key: a.outcome
    type: {members: [{id: ok}, {id: fail}]}
    brief: What became of it.
    stability: stable
attribute_groups:
  - {id: dims, visibility: internal, attributes: [{ref: a.outcome}]}
  - {id: set, visibility: public, brief: Set., stability: stable, attributes: [{ref_group: dims}]}
entities:
  - {type: node, brief: Node., stability: stable, identity: [{ref: a.id}]}
events:
  - name: e
    brief: It happened.
    stability: stable
    attributes: [{ref: a.id}, {ref_group: dims}]
    entity_associations: [node]
metrics:
  - name: m
    brief: How often.
    stability: stable
    unit: '{time}'
    instrument: counter
    attributes: [{ref_group: dims}]
    entity_associations: [node]
    annotations: {tracing_weaver: {metric_set: set, fold: {event: e, when: {a.outcome: [ok]}}}}
spans:
  - {type: s, brief: Span., stability: stable, kind: internal, name: {note: n}}
event_refinements:
  - {id: e.fine, ref: e, brief: Fine.}
";
