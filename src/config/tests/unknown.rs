//! What is set and changes nothing.

use super::*;

fn warnings(variables: &[(&str, &str)]) -> Vec<String> {
    read(variables).warnings
}

#[test]
fn a_misspelt_variable_is_named_with_the_one_that_was_meant() {
    for (wrong, right) in [
        ("OTEL_EXPORTER_OTLP_ENDPIONT", "OTEL_EXPORTER_OTLP_ENDPOINT"),
        ("OTEL_SERVICE_NAMES", "OTEL_SERVICE_NAME"),
        ("OTEL_PROPAGATOR", "OTEL_PROPAGATORS"),
        ("TRACING_WEAVER_FINDING", "TRACING_WEAVER_FINDINGS"),
    ] {
        let [warning] = &warnings(&[(wrong, "x")])[..] else { panic!("{:?}", warnings(&[(wrong, "x")])) };
        assert!(warning.starts_with(&format!("{wrong}: ")) && warning.contains(&format!("did you mean `{right}`?")), "{warning}");
    }
}

#[test]
fn a_variable_of_our_own_prefix_or_of_a_family_that_we_read_is_named_where_it_is_not_known() {
    for name in ["TRACING_WEAVER_COLOUR", "OTEL_BSP_MAX_SPANS_AT_ALL", "OTEL_EXPORTER_OTLP_LOGS_RETRY_POLICY"] {
        assert_eq!(warnings(&[(name, "x")]), [format!("{name}: no such variable is known; ignored")]);
    }
}

#[test]
fn variables_of_other_languages_agents_and_signals_are_left_alone() {
    let foreign = [
        "OTEL_JAVAAGENT_ENABLED",
        "OTEL_INSTRUMENTATION_HTTP_CLIENT_CAPTURE_REQUEST_HEADERS",
        "OTEL_PYTHON_LOG_CORRELATION",
        "OTEL_DOTNET_AUTO_HOME",
        "OTEL_NODE_RESOURCE_DETECTORS",
        "OTEL_RESOURCE_ATTRIBUTES_POD_NAME",
        "OTEL_POD_IP",
        "OTEL_NODE_IP",
        "OTEL_EXPORTER_PROMETHEUS_PORT",
        "OTEL_EXPORTER_ZIPKIN_ENDPOINT",
        "OTEL_EXPORTER_OTLP_PROFILES_ENDPOINT",
        "OTEL_GO_X_EXEMPLAR",
        "OTELCOL_CONFIG",
        "RUST_BACKTRACE",
    ];
    assert_eq!(warnings(&foreign.map(|name| (name, "x"))), Vec::<String>::new());
}

#[test]
fn what_the_specification_has_and_we_do_not_is_said_with_what_holds_instead() {
    let warning = warnings(&[("OTEL_BLRP_MAX_QUEUE_SIZE", "4096")]).remove(0);
    assert!(warning.starts_with("OTEL_BLRP_MAX_QUEUE_SIZE: not supported: ") && warning.contains("64 MiB"), "{warning}");
    assert_eq!(warnings(&[("OTEL_METRICS_EXEMPLAR_FILTER", "always_off"), ("OTEL_LOG_LEVEL", "")]), Vec::<String>::new());
    let names = ["OTEL_CONFIG_FILE", "OTEL_ENTITIES", "OTEL_LOG_LEVEL", "OTEL_METRICS_EXEMPLAR_FILTER"];
    assert_eq!(warnings(&names.map(|name| (name, "x"))).len(), names.len());
}

#[test]
fn another_temporality_or_histogram_is_said_to_come_later_and_an_unknown_one_to_be_unknown() {
    let temporality = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE";
    let histogram = "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION";
    for (name, value, said) in [
        (temporality, "Cumulative", None),
        (temporality, "delta", Some("not supported yet")),
        (temporality, "lowmemory", Some("not supported yet")),
        (temporality, "monthly", Some("is not `cumulative`")),
        (histogram, "explicit_bucket_histogram", None),
        (histogram, "base2_exponential_bucket_histogram", Some("not supported yet")),
    ] {
        let warnings = warnings(&[(name, value)]);
        assert_eq!(warnings.len(), usize::from(said.is_some()), "{warnings:?}");
        assert!(warnings.iter().all(|warning| warning.contains(said.unwrap())), "{warnings:?}");
    }
}

#[test]
fn what_the_table_does_not_hold_is_not_read() {
    let all = [("OTEL_SERVICE_NAME".to_owned(), "a".into()), ("OTEL_NO_SUCH".to_owned(), "b".into())].into();
    let variables = crate::config::variables::Variables::new(&all);
    assert_eq!((variables.text("OTEL_SERVICE_NAME").as_deref(), variables.text("OTEL_NO_SUCH")), (Some("a"), None));
}

#[test]
fn findings_are_switched_off_by_a_word() {
    assert_eq!(read(&[]).findings, None);
    assert_eq!(read(&[("TRACING_WEAVER_FINDINGS", "OFF")]).findings, Some(false));
    assert_eq!(read(&[("TRACING_WEAVER_FINDINGS", "on")]).findings, Some(true));
    assert_eq!(warnings(&[("TRACING_WEAVER_FINDINGS", "maybe")]), ["TRACING_WEAVER_FINDINGS: `maybe` is not `on` or `off`; ignored"]);
}

#[test]
fn a_pod_is_described_by_the_first_of_its_variables() {
    let pod = |variables: &[(&str, &str)]| read(variables).pod;
    assert_eq!(pod(&[("POD_NAME", "a"), ("K8S_POD_NAME", "b"), ("NODE_NAME", "a build agent")]), [("k8s.pod.name", "b".to_owned())]);
    let in_pod = [("KUBERNETES_SERVICE_HOST", "10.0.0.1"), ("NODE_NAME", "n1"), ("POD_NAMESPACE", "market")];
    assert_eq!(pod(&in_pod), [("k8s.namespace.name", "market".to_owned()), ("k8s.node.name", "n1".to_owned())]);
}
