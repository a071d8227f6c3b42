//! Sensitivity, redaction and normalization: on a definition, and tightened on a reference.

use crate::texts::{MANIFEST, faults, file, sound};
use tracing_weaver_registry::model::{Normalize, Privacy, Redact, Sensitivity};
use tracing_weaver_registry::yaml::load_sources;

/// Privacy of the definition and of the reference.
fn privacy(definition: &str, reference: &str) -> (Privacy, Privacy) {
    let registry = sound(&registry(definition, reference));
    (registry.attributes[0].privacy.clone(), registry.events[0].attributes[0].privacy.clone())
}

fn registry(definition: &str, reference: &str) -> String {
    format!(
        "attributes:\n  - {{key: a.b, type: string, brief: B., stability: stable, annotations: {{tracing_weaver: {{{definition}}}}}}}\nevents:\n  - {{name: e, brief: B., stability: stable, attributes: [{{ref: a.b, annotations: {{tracing_weaver: {{{reference}}}}}}}]}}"
    )
}

#[test]
fn without_a_word_an_attribute_is_internal() {
    let (definition, reference) = privacy("", "");
    assert_eq!(definition, Privacy::default());
    assert_eq!(reference.sensitivity, Sensitivity::Internal);
}

#[test]
fn a_reference_tightens_and_never_loosens() {
    for (definition, reference, expected) in [
        ("public", "secret", Sensitivity::Secret),
        ("secret", "public", Sensitivity::Secret),
        ("personal", "internal", Sensitivity::Personal),
        ("internal", "personal", Sensitivity::Personal),
    ] {
        let (_, read) = privacy(&format!("sensitivity: {definition}"), &format!("sensitivity: {reference}"));
        assert_eq!(read.sensitivity, expected, "{definition} then {reference}");
    }
    let (_, read) = privacy("redact: drop", "redact: hash");
    assert_eq!(read.redact, Some(Redact::Drop));
    let (_, read) = privacy("redact: hash", "redact: mask");
    assert_eq!(read.redact, Some(Redact::Mask));
}

#[test]
fn a_reference_that_says_less_than_internal_of_a_silent_definition_is_public() {
    let (_, read) = privacy("", "sensitivity: public");
    assert_eq!(read.sensitivity, Sensitivity::Public);
}

#[test]
fn a_reference_adds_normalizers_to_those_of_the_definition_and_cuts_shorter() {
    let (definition, reference) =
        privacy("normalize: [url_template, {truncate: 64}]", "normalize: [lowercase, url_template, {truncate: 16}]");
    assert_eq!(definition.normalize, [Normalize::UrlTemplate, Normalize::Truncate(64)]);
    assert_eq!(reference.normalize, [Normalize::UrlTemplate, Normalize::Truncate(16), Normalize::Lowercase]);
    let (_, reference) = privacy("normalize: [{truncate: 16}]", "normalize: [{truncate: 64}]");
    assert_eq!(reference.normalize, [Normalize::Truncate(16)]);
}

#[test]
fn fields_add_up_and_the_lower_bound_on_values_holds() {
    let registry = sound(&registry("field: [b, bee], cardinality: {max: 64}", "field: [bee, beta], cardinality: {max: 8}"));
    assert_eq!(registry.attributes[0].fields, ["b", "bee"]);
    assert_eq!(registry.events[0].attributes[0].fields, ["b", "bee", "beta"]);
    assert_eq!((registry.attributes[0].cardinality_max, registry.events[0].attributes[0].cardinality_max), (Some(64), Some(8)));
}

#[test]
fn an_attribute_of_a_dependency_is_tightened_on_a_reference_too() {
    let registry = load_sources(&[
        ("manifest.yaml", "schema_url: https://example.com/acme/1.0.0\ndependencies: [{schema_url: https://example.com/base/1.0.0, registry_path: base}]"),
        ("a.yaml", &file("events:\n  - {name: e, brief: B., stability: stable, attributes: [{ref: user.id, annotations: {tracing_weaver: {sensitivity: secret}}}]}")),
        ("base/manifest.yaml", "schema_url: https://example.com/base/1.0.0"),
        ("base/a.yaml", &file("attributes:\n  - {key: user.id, type: string, brief: B., stability: stable, annotations: {tracing_weaver: {sensitivity: personal, redact: hash}}}")),
    ])
    .expect("a sound registry");
    let read = &registry.events[0].attributes[0].privacy;
    assert_eq!((read.sensitivity, read.redact), (Sensitivity::Secret, Some(Redact::Hash)));
    assert_eq!(registry.attributes[0].privacy.sensitivity, Sensitivity::Personal);
}

#[test]
fn personal_and_secret_attributes_of_dependencies_are_known_even_where_nothing_refers_to_them() {
    let registry = load_sources(&[
        (
            "manifest.yaml",
            "schema_url: https://example.com/acme/1.0.0\ndependencies: [{schema_url: https://example.com/base/1.0.0, registry_path: base}]",
        ),
        ("base/manifest.yaml", "schema_url: https://example.com/base/1.0.0"),
        (
            "base/a.yaml",
            &file(
                "
attributes:
  - {key: user.id, type: string, brief: B., stability: stable, annotations: {tracing_weaver: {sensitivity: personal}}}
  - {key: user.colour, type: string, brief: B., stability: stable}
",
            ),
        ),
    ])
    .expect("a sound registry");
    let keys: Vec<&str> = registry.attributes.iter().map(|attribute| attribute.key.as_str()).collect();
    assert_eq!(keys, ["user.id"]);
}

#[test]
fn what_cannot_be_read_of_privacy_refuses_the_registry() {
    for wrong in [
        "sensitivity: confidential",
        "sensitivity: [secret]",
        "redact: remove",
        "redact: {hash: 1}",
        "normalize: lowercase",
        "normalize: [upper]",
        "normalize: [truncate]",
        "normalize: [{truncate: 0}]",
        "normalize: [{truncate: -1}]",
        "normalize: [{truncate: 1, lowercase: 2}]",
        "normalize: [{lowercase: 2}]",
        "normalize: [3]",
        "field: a",
        "field: [3]",
        "field: ['']",
        "cardinality: 5",
        "cardinality: {}",
        "cardinality: {max: 0}",
        "cardinality: {max: 1, overflow: x}",
    ] {
        for (definition, reference) in [(wrong, ""), ("", wrong)] {
            let found = faults(&registry(definition, reference));
            assert!(found.len() == 1 && found[0].ends_with("InvalidAnnotation"), "{wrong}: {found:?}");
        }
    }
}

#[test]
fn one_field_name_for_two_attributes_of_an_event_is_a_fault() {
    let with = |second: &str| {
        file(&format!(
            "attributes:
  - {{key: a.b, type: string, brief: B., stability: stable, annotations: {{tracing_weaver: {{field: [bee]}}}}}}
  - {{key: c.d, type: string, brief: B., stability: stable, annotations: {{tracing_weaver: {{field: [{second}]}}}}}}
events:
  - {{name: e, brief: B., stability: stable, attributes: [{{ref: a.b}}, {{ref: c.d}}]}}"
        ))
    };
    let kinds = |second: &str| match load_sources(&[MANIFEST, ("a.yaml", &with(second))]) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.iter().map(|error| format!("{}:{} {}", error.line, error.column, error.kind)).collect(),
    };
    assert_eq!(kinds("dee"), Vec::<String>::new());
    assert_eq!(kinds("bee"), ["6:76 AmbiguousName"]);
    assert_eq!(kinds("a.b"), ["6:76 AmbiguousName"]);
}
