//! Entities: identity, description, and which of them stand on the resource.

use crate::texts::{faults, sound};

const ATTRIBUTES: &str = "attributes:
  - {key: a.x, type: string, brief: B., stability: stable}
  - {key: a.y, type: string, brief: B., stability: stable}
";

#[test]
fn identity_and_description_keep_the_order_in_which_they_were_written() {
    let registry =
        sound(&format!("{ATTRIBUTES}entities:\n  - {{type: e, brief: B., stability: stable, identity: [{{ref: a.y}}, {{ref: a.x}}]}}"));
    let keys: Vec<&str> =
        registry.entities[0].identity.iter().map(|identity| registry.attribute(identity.attribute).key.as_str()).collect();
    assert_eq!(keys, ["a.y", "a.x"]);
}

#[test]
fn an_entity_without_identity_or_with_one_attribute_in_both_lists_is_a_fault() {
    assert_eq!(
        faults(&format!(
            "{ATTRIBUTES}entities:
  - {{type: e, brief: B., stability: stable, identity: []}}
  - {{type: f, brief: B., stability: stable, identity: [{{ref: a.x}}], description: [{{ref: a.y}}, {{ref: a.x}}]}}
  - {{type: g, brief: B., stability: stable, identity: [{{ref: a.x}}, {{ref: a.x}}]}}
  - {{type: h, brief: B., stability: stable, identity: [{{ref_group: a}}]}}
"
        )),
        [
            "6:55 EntityMissingIdentity",
            "7:101 AttributeInIdentityAndDescription",
            "8:74 InvalidGroupDuplicateAttributeRef",
            "9:56 InvalidSemConvSpec",
            "9:57 InvalidSemConvSpec",
        ]
    );
}

#[test]
fn upstreams_entities_of_the_environment_stand_on_the_resource_unless_they_say_otherwise() {
    let is_resource = |entity_type: &str, annotation: &str| {
        let registry = sound(&format!(
            "{ATTRIBUTES}entities:\n  - {{type: {entity_type}, brief: B., stability: stable, identity: [{{ref: a.x}}], annotations: {{tracing_weaver: {{{annotation}}}}}}}"
        ));
        registry.entities[0].resource
    };
    for on_resource in
        ["service", "service.instance", "host", "host.cpu", "os", "process", "process.runtime", "container", "k8s.pod", "telemetry.sdk"]
    {
        assert!(is_resource(on_resource, ""), "{on_resource}");
        assert!(!is_resource(on_resource, "resource: false"), "{on_resource}");
    }
    for other in ["acme.node", "k8sx", "osx", "telemetry", "acme.service"] {
        assert!(!is_resource(other, ""), "{other}");
        assert!(is_resource(other, "resource: true"), "{other}");
    }
}

#[test]
fn a_span_type_named_like_an_entity_is_a_fault_unless_the_entity_stands_on_the_resource() {
    let with = |name: &str| {
        format!(
            "{ATTRIBUTES}entities:\n  - {{type: {name}, brief: B., stability: stable, identity: [{{ref: a.x}}]}}\nspans:\n  - {{type: {name}, kind: internal, name: {{note: n}}, brief: B., stability: stable}}"
        )
    };
    assert_eq!(faults(&with("acme.node")), ["8:12 AmbiguousName"]);
    assert!(sound(&with("service")).span_by_type("service").is_some());
}
