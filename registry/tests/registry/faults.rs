//! Every fault of a registry in one error, each at its place.

use crate::texts::{MANIFEST, fault, faults, faults_of, file};
use tracing_weaver_registry::yaml::load_sources;

#[test]
fn two_faults_in_one_file_and_one_in_another_are_in_one_error_sorted_by_place() {
    let b = file(
        "
attributes:
  - key: acme.id
    type: strin
    brief: An id.
    stability: stable
events:
  - name: acme.start
    brief: Started.
    stability: stabel
",
    );
    let c = file(
        "
events:
  - name: acme.stop
    stability: stable
",
    );
    assert_eq!(
        faults_of(&[("c.yaml", &c), MANIFEST, ("b.yaml", &b)]),
        ["b.yaml:4:11 InvalidSemConvSpec", "b.yaml:10:16 InvalidSemConvSpec", "c.yaml:3:5 InvalidSemConvSpec"]
    );
}

#[test]
fn the_error_counts_its_faults_and_shows_each_on_a_line_with_what_was_expected_and_what_to_do() {
    let text = file(
        "
attributes:
  - key: acme.id
    type: strin
    brief: An id.
    stability: stable
event: []
",
    );
    let errors = load_sources(&[MANIFEST, ("a.yaml", &text)]).expect_err("two faults");
    assert_eq!(
        errors.to_string(),
        "the registry has 2 faults:
  a.yaml:4:11: the type `strin` (expected `string`, `int`, `double`, `boolean`, one of these with `[]`, `any`, `template[…]` of one of these, or `members`; help: did you mean `string`?)
  a.yaml:7:1: the unknown key `event` in a definition file (expected `file_format`, `attributes`, `attribute_groups`, `entities`, `events`, `metrics`, `spans`, `imports`, `entity_refinements`, `event_refinements`, `metric_refinements` or `span_refinements`; help: did you mean `events`?)"
    );
    assert_eq!(format!("{errors:?}"), errors.to_string());
}

#[test]
fn broken_yaml_in_one_file_hides_no_fault_of_another_and_makes_no_reference_a_fault() {
    let broken = file(
        "
attributes:
  - key: acme.id
    type: string
    brief: \"An id.
    stability: stable
",
    );
    let other = file(
        "
events:
  - name: acme.start
    brief: Started.
    stability: stable
    attributes:
      - ref: acme.id
      - ref: acme.nowhere
",
    );
    assert_eq!(
        faults_of(&[MANIFEST, ("broken.yaml", &broken), ("other.yaml", &other)]),
        ["broken.yaml:5:12 DeserializationError", "other.yaml:8:14 UnresolvedAttributeRef"]
    );
}

#[test]
fn a_definition_with_a_fault_can_still_be_referred_to() {
    assert_eq!(
        faults(
            "
attributes:
  - {key: acme.id, type: nothing, stability: stable}
events:
  - {name: acme.start, brief: B., stability: stable, attributes: [{ref: acme.id}]}
"
        ),
        ["3:5 InvalidSemConvSpec", "3:26 InvalidSemConvSpec"]
    );
}

#[test]
fn an_unknown_key_names_the_nearest_key_at_every_level() {
    for (definitions, at, near) in [
        ("atributes: []", "2:1", "attributes"),
        ("attributes:\n  - {key: a.b, type: int, brief: B., stability: stable, exmaples: [1]}", "3:57", "examples"),
        ("attributes:\n  - {key: a.b, type: {member: []}, brief: B., stability: stable}", "3:23", "members"),
        ("attributes:\n  - {key: a.b, type: {members: [{id: x, valeu: y}]}, brief: B., stability: stable}", "3:41", "value"),
        ("attribute_groups:\n  - {id: g, visibility: internal, atributes: []}", "3:35", "attributes"),
        ("entities:\n  - {type: a, brief: B., stability: stable, identity: [], descripton: []}", "3:59", "description"),
        ("events:\n  - {name: a, brief: B., stability: stable, attribute: []}", "3:45", "attributes"),
        (
            "metrics:\n  - {name: a, brief: B., stability: stable, unit: s, instrument: gauge, entity_association: [a]}",
            "3:73",
            "entity_associations",
        ),
        ("spans:\n  - {type: a, kind: client, name: {not: x}, brief: B., stability: stable}", "3:36", "note"),
        ("metric_refinements:\n  - {id: a, reff: b}", "3:13", "ref"),
        ("imports: {metric: []}", "2:11", "metrics"),
        (
            "events:\n  - {name: a, brief: B., stability: stable, attributes: [{ref: b, requirement: required}]}",
            "3:67",
            "requirement_level",
        ),
        ("events:\n  - {name: a, brief: B., stability: stable, deprecated: {reason: renamed, renamed_too: b}}", "3:75", "renamed_to"),
        ("events:\n  - {name: a, brief: B., stability: stable, attributes: [{ref: b, requirement_level: {optin: x}}]}", "3:87", "opt_in"),
        (
            "metrics:\n  - {name: a, brief: B., stability: stable, unit: s, instrument: gauge, entity_associations: {anyof: [b]}}",
            "3:95",
            "one_of",
        ),
    ] {
        let errors = crate::texts::one(definitions).expect_err(definitions);
        let found = errors.iter().any(|error| {
            format!("{}:{}", error.line, error.column) == at
                && error.found.starts_with("the unknown key")
                && (error.help.contains(near) || near == "one_of")
        });
        assert!(found, "{definitions}\n{errors}");
    }
}

#[test]
fn a_key_that_is_missing_is_reported_where_its_item_stands() {
    for (definitions, missing) in [
        ("attributes:\n  - {type: int, brief: B., stability: stable}", vec!["key"]),
        ("attributes:\n  - {key: a.b}", vec!["type", "brief", "stability"]),
        ("attributes:\n  - {key: a.b, type: {members: [{value: x}]}, brief: B., stability: stable}", vec!["id"]),
        ("attributes:\n  - {key: a.b, type: {}, brief: B., stability: stable}", vec!["members"]),
        ("attribute_groups:\n  - {attributes: []}", vec!["id", "visibility"]),
        ("attribute_groups:\n  - {id: g, visibility: public}", vec!["brief", "stability"]),
        ("entities:\n  - {type: a, brief: B., stability: stable}", vec!["identity"]),
        ("events:\n  - {brief: B., stability: stable}", vec!["name"]),
        ("metrics:\n  - {name: a, brief: B., stability: stable}", vec!["unit", "instrument"]),
        ("spans:\n  - {type: a, brief: B., stability: stable}", vec!["kind", "name"]),
        ("span_refinements:\n  - {}", vec!["id", "ref"]),
    ] {
        let errors = crate::texts::one(definitions).expect_err(definitions);
        let found: Vec<&str> = errors.iter().map(|error| error.expected.trim_start_matches("the key `").trim_end_matches('`')).collect();
        let mut missing = missing;
        missing.sort_unstable();
        let mut found = found;
        found.sort_unstable();
        assert_eq!(found, missing, "{definitions}\n{errors}");
        assert!(errors.iter().all(|error| error.line == 3), "{errors}");
    }
}

#[test]
fn a_value_of_a_wrong_type_says_what_it_is_and_what_it_should_be() {
    assert_eq!(
        fault("metrics:\n  - {name: a, brief: B., stability: stable, unit: 1, instrument: gauge}"),
        "a.yaml:3:51: the integer 1 as `unit` (expected a text; help: put it in quotes)"
    );
    assert_eq!(fault("events: {name: a}"), "a.yaml:2:9: a map as `events` (expected a list)");
    assert_eq!(fault("events: [a]"), "a.yaml:2:10: the text `a` where an event should be (expected a map)");
    assert_eq!(
        fault("attributes:\n  - {key: '', type: int, brief: B., stability: stable}"),
        "a.yaml:3:11: an empty `key` in an attribute (expected a name)"
    );
}

#[test]
fn duplicates_are_faults_at_the_second_place() {
    assert_eq!(
        faults(
            "
attributes:
  - {key: a.b, type: int, brief: B., stability: stable}
  - {key: a.b, type: string, brief: B., stability: stable}
attribute_groups:
  - {id: g, visibility: internal}
  - {id: g, visibility: internal}
entities:
  - {type: e, brief: B., stability: stable, identity: [{ref: a.b}]}
  - {type: e, brief: B., stability: stable, identity: [{ref: a.b}]}
events:
  - {name: ev, brief: B., stability: stable}
  - {name: ev, brief: B., stability: stable}
metrics:
  - {name: m, brief: B., stability: stable, unit: s, instrument: gauge}
  - {name: m, brief: B., stability: stable, unit: s, instrument: gauge}
spans:
  - {type: s, brief: B., stability: stable, kind: client, name: {note: n}}
  - {type: s, brief: B., stability: stable, kind: client, name: {note: n}}
metric_refinements:
  - {id: m.r, ref: m}
  - {id: m.r, ref: m}
"
        ),
        [
            "4:11 DuplicateAttributeId",
            "7:10 DuplicateGroupId",
            "10:12 DuplicateGroupName",
            "13:12 DuplicateGroupName",
            "16:12 DuplicateMetricName",
            "19:12 DuplicateGroupName",
            "22:10 DuplicateGroupId",
        ]
    );
}

#[test]
fn a_key_that_stands_twice_in_a_map_is_a_fault() {
    assert_eq!(
        fault("events:\n  - name: a\n    brief: B.\n    stability: stable\n    brief: C."),
        "a.yaml:6:5: the key `brief` stands here a second time (expected each key once in a map)"
    );
}

#[test]
fn a_reference_to_nothing_names_what_is_near() {
    let base = "
attributes:
  - {key: acme.node.id, type: string, brief: B., stability: stable}
entities:
  - {type: acme.node, brief: B., stability: stable, identity: [{ref: acme.node.id}]}
attribute_groups:
  - {id: acme.dimensions, visibility: internal}
";
    for (more, expected) in [
        (
            "events:\n  - {name: e, brief: B., stability: stable, attributes: [{ref: acme.node_id}]}",
            "a.yaml:9:64: no attribute `acme.node_id` (expected an attribute of this registry or of a direct dependency; help: did you mean `acme.node.id`?)",
        ),
        (
            "events:\n  - {name: e, brief: B., stability: stable, attributes: [{ref_group: acme.dimension}]}",
            "a.yaml:9:70: no attribute group `acme.dimension` (expected an attribute group of this registry; help: did you mean `acme.dimensions`?)",
        ),
        (
            "events:\n  - {name: e, brief: B., stability: stable, entity_associations: [acme.nod]}",
            "a.yaml:9:67: no entity `acme.nod` (expected an entity of this registry or of a direct dependency; help: did you mean `acme.node`?)",
        ),
        (
            "event_refinements:\n  - {id: e.r, ref: e}",
            "a.yaml:9:20: no event `e` to refine (expected an event of this registry or of a direct dependency)",
        ),
    ] {
        assert_eq!(fault(&format!("{base}{more}")), expected);
    }
}

#[test]
fn text_of_a_registry_cannot_steer_the_terminal_that_shows_its_faults() {
    let shown = fault("\"\\e[31mred\": 1");
    assert!(shown.contains(r"\u{1b}[31mred") && !shown.contains('\u{1b}'), "{shown}");
}

#[test]
fn a_slip_in_the_yaml_comes_with_the_way_out_of_it() {
    for (line, help) in [
        ("\t- a", "indent with spaces"),
        ("  - name: a\n    brief: x: y", "put a text that holds `: ` in quotes"),
        ("  - {name: a, brief: 'it's'}", "check the quotes"),
        ("  - {name: a, brief: @x}", "put the text in quotes"),
        ("  - {name: a, brief: *x}", "put a text that begins with `*` in quotes"),
        ("  - {name: [a\n    brief: x}", "check that every `[` and `{` is closed"),
        ("  - name: a\n   brief: x", "check the indentation"),
        ("  - name: a\n    brief", "check the indentation here and above, and that each key has its `:`"),
    ] {
        let shown = fault(&format!("events:\n{line}\n"));
        assert!(shown.contains("no valid YAML") && shown.contains(&format!("help: {help}")), "{line}: {shown}");
    }
}

#[test]
fn a_unit_in_braces_without_quotes_says_that_quotes_are_what_it_lacks() {
    let shown = fault("metrics:\n  - {name: m, brief: B., stability: stable, instrument: counter, unit: {batch}}\n");
    assert!(shown.ends_with("a map as `unit` (expected a text; help: put a text that begins with `{` in quotes)"), "{shown}");
}

#[test]
fn an_empty_file_says_what_this_file_would_hold() {
    let of_files =
        |manifest: &str, file: &str| load_sources(&[("manifest.yaml", manifest), ("a.yaml", file)]).expect_err("a fault").to_string();
    let manifest = of_files("# nothing\n", "file_format: definition/2\n");
    assert!(manifest.contains("the file is empty (expected a map that holds at least `schema_url:"), "{manifest}");
    let file = of_files(MANIFEST.1, "");
    assert!(file.contains("the file is empty (expected a map that begins with `file_format: definition/2`"), "{file}");
}
