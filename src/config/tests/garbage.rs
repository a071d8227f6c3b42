//! Environments that make no sense.

use proptest::prelude::*;

use super::*;

fn name() -> impl Strategy<Value = String> {
    let known: Vec<_> = table::names().chain(table::UNSUPPORTED.iter().map(|variable| variable.name)).collect();
    prop_oneof![
        8 => proptest::sample::select(known).prop_map(str::to_owned),
        1 => "OTEL_[A-Z_]{0,20}",
        1 => "TRACING_WEAVER_\\PC{0,10}",
    ]
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,40}",
        any::<String>(),
        "[a-z%=,;:/@.0-9]{0,40}",
        "https?://[a-z@:.\\[\\]0-9]{0,20}",
        proptest::sample::select(vec![
            "grpc",
            "http/json",
            "otlp,console",
            "traceidratio",
            "0",
            "-1",
            "99999999999999999999",
            "NaN",
            "true"
        ])
        .prop_map(str::to_owned),
    ]
}

proptest! {
    #[test]
    fn no_environment_is_a_panic_or_steers_the_terminal_that_it_is_reported_on(all in proptest::collection::btree_map(name(), value(), 0..12)) {
        let variables: Vec<_> = all.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let environment = read(&variables);
        for warning in &environment.warnings {
            let shown = crate::escape::text(warning);
            prop_assert!(!shown.contains(|c: char| c.is_control()), "{shown:?}");
        }
    }

    #[test]
    fn no_value_of_a_header_is_ever_repeated(list in "[^=,]{0,3}(=|,|%){0,4}[ -~]{0,10}") {
        let secret = "s3cr3tv4lue";
        let value = format!("{list}{secret},x={secret},{secret}");
        let environment = read(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:1"), ("OTEL_EXPORTER_OTLP_HEADERS", &value)]);
        // As the name of a header it is none: names are shown.
        let names: Vec<_> = environment.logs.otlp.iter().flat_map(|endpoint| &endpoint.headers).map(|(name, _)| name.clone()).collect();
        prop_assume!(!names.iter().any(|name| name.contains(secret)));
        prop_assert!(!format!("{environment:?}").contains(secret), "{environment:?}");
    }
}
