//! Environments in, configuration out.

mod garbage;
mod limits;
#[cfg(any(feature = "http", feature = "grpc"))]
mod tls;
mod traces;
mod unknown;

use std::time::Duration;

use super::*;
use crate::export::{Compression, Protocol};

/// An environment with these variables.
pub(crate) fn environment(variables: &[(&str, &str)]) -> Environment {
    with_filter_variable(FILTER_VARIABLE, variables)
}

fn with_filter_variable(name: &str, variables: &[(&str, &str)]) -> Environment {
    Environment::read(name, &variables.iter().map(|(name, value)| ((*name).to_owned(), value.into())).collect())
}

fn read(variables: &[(&str, &str)]) -> Environment {
    environment(variables)
}

fn logs_url(variables: &[(&str, &str)]) -> Option<String> {
    read(variables).logs.otlp.map(|endpoint| endpoint.url)
}

#[test]
fn an_empty_environment_means_console_and_nothing_to_warn_of() {
    let environment = read(&[]);
    for sinks in [&environment.logs, &environment.metrics, &environment.traces] {
        assert!(sinks.console && sinks.otlp.is_none() && !sinks.asked_for);
    }
    assert_eq!((environment.filter, environment.file, environment.metric_interval), (None, None, None));
    assert!(!environment.disabled);
    assert!(environment.warnings.is_empty(), "{:?}", environment.warnings);
}

#[test]
fn the_filter_is_that_of_the_first_variable_that_is_not_empty() {
    for (variables, expected) in [
        (&[("TRACING_WEAVER_LOG", "warn"), ("RUST_LOG", "debug")][..], Some(("TRACING_WEAVER_LOG", "warn"))),
        (&[("TRACING_WEAVER_LOG", " "), ("RUST_LOG", "debug")], Some(("RUST_LOG", "debug"))),
        (&[("TRACING_WEAVER_LOG", ""), ("RUST_LOG", "")], None),
        (&[("RUST_LOG", "a=info,b[s{f=1}]=trace")], Some(("RUST_LOG", "a=info,b[s{f=1}]=trace"))),
    ] {
        assert_eq!(read(variables).filter, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
}

#[test]
fn another_variable_can_be_named_for_the_filter() {
    let variables = [("ACME_LOG", "a"), ("TRACING_WEAVER_LOG", "b")];
    assert_eq!(with_filter_variable("ACME_LOG", &variables).filter, Some(("ACME_LOG".to_owned(), "a".to_owned())));
}

#[test]
fn the_sinks_of_a_signal_are_those_of_its_list_else_its_receiver_else_the_console() {
    let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:1");
    let own = ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://h:1");
    for (variables, logs, metrics) in [
        (&[endpoint][..], (true, false), (true, false)),
        (&[own], (true, false), (false, true)),
        (&[("OTEL_LOGS_EXPORTER", "otlp")], (true, false), (false, true)),
        (&[("OTEL_LOGS_EXPORTER", "console"), endpoint], (false, true), (true, false)),
        (&[("OTEL_LOGS_EXPORTER", "otlp, console")], (true, true), (false, true)),
        (&[("OTEL_LOGS_EXPORTER", "none"), ("OTEL_METRICS_EXPORTER", "NONE"), endpoint], (false, false), (false, false)),
        (&[("OTEL_LOGS_EXPORTER", "")], (false, true), (false, true)),
        (&[("OTEL_LOGS_EXPORTER", "syslog")], (false, true), (false, true)),
        (&[("OTEL_LOGS_EXPORTER", "syslog,otlp")], (true, false), (false, true)),
    ] {
        let environment = read(variables);
        let sinks = |sinks: &SignalSinks| (sinks.otlp.is_some(), sinks.console);
        assert_eq!((sinks(&environment.logs), sinks(&environment.metrics)), (logs, metrics), "{variables:?}");
        let unknown = variables.iter().any(|(_, value)| value.contains("syslog"));
        assert_eq!(environment.warnings.len(), usize::from(unknown), "{:?}", environment.warnings);
    }
}

#[test]
fn the_general_endpoint_gets_the_signals_path_and_a_signals_own_is_taken_as_it_is() {
    let general = |url| [("OTEL_EXPORTER_OTLP_ENDPOINT", url)];
    let own = |url| [("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", url), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://other:1")];
    for (variables, url) in [
        (&general("http://h:4318")[..], "http://h:4318/v1/logs"),
        (&general("https://h/"), "https://h/v1/logs"),
        (&general("http://h:4318/base/"), "http://h:4318/base/v1/logs"),
        (&general("http://h/base?key=1"), "http://h/base/v1/logs?key=1"),
        (&general("http://[::1]:4318"), "http://[::1]:4318/v1/logs"),
        (&own("http://h:9/custom"), "http://h:9/custom"),
        (&own("http://h:9"), "http://h:9/"),
        (&[("OTEL_LOGS_EXPORTER", "otlp")], "http://localhost:4318/v1/logs"),
        (&[("OTEL_LOGS_EXPORTER", "otlp"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")], "http://localhost:4317"),
        (&[general("http://h:4317/")[0], ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")], "http://h:4317"),
        (&[own("https://h:4317/v1/logs")[0], ("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "grpc")], "https://h:4317"),
    ] {
        assert_eq!(logs_url(variables).as_deref(), Some(url), "{variables:?}");
    }
}

#[test]
fn a_signals_own_variables_beat_the_general_ones() {
    let environment = read(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:1"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
        ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "gRPC"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "500"),
        ("OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "1500"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
        ("OTEL_EXPORTER_OTLP_METRICS_COMPRESSION", "none"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "X-Key=a%20b, X-Other=1"),
        ("OTEL_EXPORTER_OTLP_METRICS_HEADERS", "x-key=c"),
    ]);
    let (logs, metrics) = (environment.logs.otlp.unwrap(), environment.metrics.otlp.unwrap());
    assert_eq!((logs.protocol, metrics.protocol), (Protocol::HttpJson, Protocol::Grpc));
    assert_eq!((logs.timeout, metrics.timeout), (Duration::from_millis(500), Duration::from_millis(1500)));
    assert_eq!((logs.compression, metrics.compression), (Compression::Gzip, Compression::None));
    let headers =
        |endpoint: &OtlpEndpoint| endpoint.headers.iter().map(|(key, value)| format!("{key}: {}", value.expose())).collect::<Vec<_>>();
    assert_eq!(headers(&logs), ["x-key: a b", "x-other: 1"]);
    assert_eq!(headers(&metrics), ["x-key: c"], "a signal's own list stands in place of the general one");
    assert!(environment.warnings.is_empty(), "{:?}", environment.warnings);
}

#[test]
fn receivers_are_spoken_to_for_ten_seconds_uncompressed_in_protobuf_unless_something_else_is_said() {
    let logs = read(&[("OTEL_LOGS_EXPORTER", "otlp")]).logs.otlp.unwrap();
    let protocol = if cfg!(feature = "http") || !cfg!(feature = "grpc") { Protocol::HttpProtobuf } else { Protocol::Grpc };
    assert_eq!((logs.protocol, logs.compression, logs.timeout), (protocol, Compression::None, Duration::from_secs(10)));
    assert!(logs.headers.is_empty());
}

#[test]
fn each_malformed_value_is_named_once_and_as_good_as_unset() {
    let malformed = [
        ("OTEL_SDK_DISABLED", "yes"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4317"),
        ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://h:99999"),
        ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "ftp://h"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "0"),
        ("OTEL_LOGS_EXPORTER", "a,b"),
        ("OTEL_RESOURCE_ATTRIBUTES", "a=1,b"),
    ];
    let environment = read(&malformed);
    for (name, _) in malformed {
        let said = environment.warnings.iter().filter(|warning| warning.starts_with(&format!("{name}: "))).count();
        assert_eq!(said, 1, "{name}: {:?}", environment.warnings);
    }
    assert_eq!(environment.warnings.len(), malformed.len());
    assert!(!environment.disabled && environment.logs.console && environment.metrics.console);
    assert_eq!((environment.metric_interval, environment.resource), (None, vec![]));
}

#[test]
fn a_malformed_header_is_left_out_and_its_value_not_repeated() {
    let environment = read(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:1"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "good=1,hunter2,bad key=hunter2,x=hunter2%0aevil: 1"),
    ]);
    let logs = environment.logs.otlp.unwrap();
    assert_eq!(logs.headers.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(), ["good"]);
    assert_eq!(environment.warnings.len(), 1);
    assert!(environment.warnings[0].contains("entry 2") && !environment.warnings[0].contains("hunter2"), "{:?}", environment.warnings);
}

#[test]
fn a_malformed_address_is_reported_without_the_password_or_the_key_in_it() {
    for address in ["ftp://me:hunter2@h:1/", "me:hunter2@h:1", "http://h:99999/?key=hunter2", "http://me:hunter2@h:99999"] {
        let environment = read(&[("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", address)]);
        let [warning] = &environment.warnings[..] else { panic!("one warning, not {:?}", environment.warnings) };
        assert!(warning.starts_with("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: ") && !warning.contains("hunter2"), "{warning}");
    }
}

#[test]
fn a_signals_own_headers_of_which_none_holds_leave_the_general_ones_in_force() {
    let environment = read(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:1"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-key=1"),
        ("OTEL_EXPORTER_OTLP_LOGS_HEADERS", "=,nothing"),
    ]);
    let keys = |sinks: &SignalSinks| sinks.otlp.as_ref().unwrap().headers.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>();
    assert_eq!((keys(&environment.logs), keys(&environment.metrics)), (vec!["x-key".to_owned()], vec!["x-key".to_owned()]));
    assert_eq!(environment.warnings.len(), 1);
}

#[test]
fn a_value_of_the_environment_cannot_steer_the_terminal_that_it_is_reported_on() {
    let environment = read(&[("OTEL_EXPORTER_OTLP_PROTOCOL", "\x1b[2Jgrpc")]);
    assert!(!environment.warnings[0].contains('\x1b'), "{:?}", environment.warnings);
}

#[test]
fn resource_service_file_and_switches_are_read() {
    let environment = read(&[
        ("OTEL_RESOURCE_ATTRIBUTES", "a=1, b=x%2Cy"),
        ("OTEL_SERVICE_NAME", " shop "),
        ("TRACING_WEAVER_FILE", "-"),
        ("OTEL_SDK_DISABLED", "TRUE"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "1500"),
        ("OTEL_TRACES_EXPORTER", "otlp"),
    ]);
    assert_eq!(environment.resource, [("a", "1"), ("b", "x,y")].map(|(key, value)| (key.to_owned(), value.to_owned())));
    assert_eq!(environment.service_name.as_deref(), Some("shop"));
    assert_eq!(environment.file, Some(PathBuf::from("-")));
    assert_eq!(environment.metric_interval, Some(Duration::from_millis(1500)));
    assert!(environment.disabled && environment.traces.otlp.is_some() && environment.traces.asked_for);
}

#[cfg(all(feature = "console", any(feature = "http", feature = "grpc")))]
#[test]
fn every_variable_of_the_table_changes_something() {
    let base = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://h:1"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_TRACES_SAMPLER", "traceidratio"),
        ("OTEL_TRACES_SAMPLER_ARG", "0.5"),
        ("KUBERNETES_SERVICE_HOST", "10.0.0.1"),
        ("NODE_NAME", "n"),
    ];
    let shown = |variables: &[(&str, &str)]| format!("{:?}", read(variables));
    let sections = table::SECTIONS.iter().filter(|section| section.title != "Read by the libraries underneath");
    for name in sections.flat_map(|section| section.rows).flat_map(|row| row.names) {
        let others: Vec<_> = base.iter().copied().filter(|(other, _)| other != name).collect();
        let changes = |value: &str| shown(&[&others[..], &[(*name, value)]].concat()) != shown(&others);
        assert!(["something", "dumb"].into_iter().any(changes), "{name} is in the table and read by nobody");
    }
}

#[cfg(feature = "console")]
#[test]
fn colour_can_be_switched_off_and_is_off_where_the_terminal_knows_none() {
    assert!(read(&[]).colour && read(&[("NO_COLOR", "")]).colour && read(&[("TERM", "xterm")]).colour);
    assert!(!read(&[("NO_COLOR", "1")]).colour && !read(&[("TERM", "dumb")]).colour);
}
