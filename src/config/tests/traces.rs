//! Sampler, propagators, and the receiver of traces.

use super::*;

fn sampler(variables: &[(&str, &str)]) -> String {
    read(variables).sampler.to_string()
}

#[test]
fn every_sampler_of_the_specification_that_the_sdk_has_is_known() {
    for (name, argument, shown) in [
        ("always_on", None, "always_on"),
        ("always_off", None, "always_off"),
        ("traceidratio", Some("0.25"), "traceidratio 0.25"),
        ("traceidratio", None, "traceidratio 1"),
        ("parentbased_always_on", None, "parentbased_always_on"),
        ("parentbased_always_off", None, "parentbased_always_off"),
        ("ParentBased_TraceIdRatio", Some(" 0 "), "parentbased_traceidratio 0"),
    ] {
        let variables = [("OTEL_TRACES_SAMPLER", name), ("OTEL_TRACES_SAMPLER_ARG", argument.unwrap_or_default())];
        assert_eq!(sampler(&variables), shown);
        assert!(read(&variables).warnings.is_empty(), "{name}");
    }
    assert_eq!(sampler(&[]), "parentbased_always_on");
}

#[test]
fn a_sampler_that_is_not_known_is_named_once_and_the_default_holds() {
    for name in ["jaeger_remote", "xray", "parentbased_", "parentbased_parentbased_always_on", "always"] {
        let environment = read(&[("OTEL_TRACES_SAMPLER", name)]);
        assert_eq!(environment.sampler.to_string(), "parentbased_always_on");
        let [warning] = &environment.warnings[..] else { panic!("{:?}", environment.warnings) };
        assert!(warning.starts_with("OTEL_TRACES_SAMPLER: ") && warning.contains(name), "{warning}");
    }
}

#[test]
fn a_ratio_that_is_none_is_named_once_and_every_trace_is_recorded() {
    for ratio in ["1.5", "-0.1", "half", "NaN", "inf"] {
        let environment = read(&[("OTEL_TRACES_SAMPLER", "traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", ratio)]);
        assert_eq!(environment.sampler.to_string(), "traceidratio 1");
        let [warning] = &environment.warnings[..] else { panic!("{:?}", environment.warnings) };
        assert!(warning.starts_with("OTEL_TRACES_SAMPLER_ARG: "), "{warning}");
    }
}

#[test]
fn an_argument_for_a_sampler_that_takes_none_is_said() {
    let environment = read(&[("OTEL_TRACES_SAMPLER_ARG", "0.5")]);
    assert_eq!(environment.sampler.to_string(), "parentbased_always_on");
    assert!(environment.warnings[0].contains("`parentbased_always_on` takes none"), "{:?}", environment.warnings);
}

#[cfg(feature = "spans")]
#[test]
fn the_sdk_gets_the_sampler_that_was_named() {
    let sdk = |name: &str| format!("{:?}", read(&[("OTEL_TRACES_SAMPLER", name), ("OTEL_TRACES_SAMPLER_ARG", "0.25")]).sampler.to_sdk());
    assert_eq!(sdk("always_on"), "AlwaysOn");
    assert_eq!(sdk("always_off"), "AlwaysOff");
    assert_eq!(sdk("traceidratio"), "TraceIdRatioBased(0.25)");
    assert_eq!(sdk("parentbased_always_off"), "ParentBased(AlwaysOff)");
    assert_eq!(sdk("parentbased_traceidratio"), "ParentBased(TraceIdRatioBased(0.25))");
}

#[test]
fn propagators_are_those_of_the_list_and_both_where_nothing_on_it_is_known() {
    for (list, expected, said) in [
        ("", (true, true), 0),
        ("tracecontext,baggage", (true, true), 0),
        (" TraceContext ", (true, false), 0),
        ("baggage", (false, true), 0),
        ("none", (false, false), 0),
        ("b3,tracecontext", (true, false), 1),
        ("b3,jaeger", (true, true), 1),
    ] {
        let environment = read(&[("OTEL_PROPAGATORS", list)]);
        let propagators = environment.propagators;
        assert_eq!((propagators.trace_context, propagators.baggage), expected, "{list}");
        assert_eq!(environment.warnings.len(), said, "{list}: {:?}", environment.warnings);
    }
}

#[test]
fn traces_have_a_receiver_as_the_other_signals_have() {
    let url = |variables: &[(&str, &str)]| read(variables).traces.otlp.map(|endpoint| endpoint.url);
    assert_eq!(url(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:1")]).as_deref(), Some("http://h:1/v1/traces"));
    assert_eq!(url(&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://h:1/x")]).as_deref(), Some("http://h:1/x"));
    assert_eq!(url(&[("OTEL_TRACES_EXPORTER", "otlp")]).as_deref(), Some("http://localhost:4318/v1/traces"));
    assert_eq!(url(&[("OTEL_TRACES_EXPORTER", "none"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:1")]), None);
    assert!(read(&[("OTEL_TRACES_EXPORTER", "console,otlp")]).traces.console);
}
