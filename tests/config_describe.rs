//! `telemetry.describe()`: all that code and environment made of telemetry, and no secret.
#![cfg(all(feature = "console", feature = "grpc", feature = "http", feature = "log", feature = "spans", feature = "yaml"))]

#[path = "support/again.rs"]
mod again;

use std::time::Duration;

use again::{Lines, shown};
use tracing_subscriber::Layer;

const REGISTRY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/registry/acme");

struct Neighbour;

impl<S: tracing::Subscriber> Layer<S> for Neighbour {}

#[test]
#[ignore = "the other tests run it"]
fn program() {
    let telemetry = tracing_weaver::builder()
        .registry(REGISTRY)
        .layer(Neighbour)
        .detectors(["os", "os", "service_name"])
        .resource([("deployment.environment.name", "a test")])
        .resource([("acme.shard", 7)])
        .resource([("acme.shop.token", "t0k3n")])
        .service_version("2")
        .install()
        .unwrap();
    println!("{}", telemetry.describe());
    telemetry.set_filter("warn,acme=debug").unwrap();
    println!("THEN {}", telemetry.describe().lines().nth(1).unwrap());
    let _ = telemetry.shutdown(Duration::from_secs(30));
}

#[test]
#[ignore = "the other tests run it"]
fn program_without_a_word() {
    let (telemetry, _layer) = tracing_weaver::builder().build::<tracing_subscriber::Registry>().unwrap();
    println!("{}", telemetry.describe());
}

/// Lines of the description, without those of the resource whose values depend on where the test runs.
fn description(stdout: &str) -> Vec<&str> {
    let all = stdout.lines().skip_while(|line| !line.starts_with("registry "));
    let all = all.take_while(|line| line.starts_with(|c: char| c.is_ascii_lowercase() || c == ' '));
    let varies = ["service.instance.id=", "os.", "telemetry.sdk.version="];
    all.filter(|line| !varies.iter().any(|key| line[13..].starts_with(key))).collect()
}

#[test]
fn without_a_word_the_defaults_are_described() {
    let said = again::run::<&str>("program_without_a_word", &[]);
    let service = said.stdout.lines().find(|line| line.starts_with("resource ")).unwrap();
    assert!(
        service.starts_with("resource     service.name=unknown_service:config_describe-") && service.ends_with(" (default)"),
        "{service}"
    );
    let expected = [
        "registry     none (not given)",
        "filter       info (default)",
        "records      to console",
        "metrics      to console, at shutdown",
        "spans        to console, at shutdown",
        "limits       record: 128 attributes, texts of 64 KiB",
        "             span: 128 attributes, texts of 64 KiB",
        "             span: 128 events of 128 attributes, 128 links of 128 attributes",
        "sampler      parentbased_always_on",
        "propagators  tracecontext, baggage",
        "queues       records: 64 MiB for all threads; requests of 512 records or 1 MiB, after 100ms at most",
        "             spans: 32768; requests of 512 spans or 1 MiB, after 5s at most",
        "             before each receiver: 16 MiB",
        "detectors    service_instance, env, service_name",
        service,
        "             telemetry.sdk.name=tracing-weaver (default)",
        "             telemetry.sdk.language=rust (default)",
        "neighbours   those of the program's own subscriber",
        "findings     on",
    ];
    assert_eq!(description(&said.stdout), expected, "{}", said.stdout);
}

#[test]
fn what_code_and_environment_say_is_described_with_where_it_came_from_and_without_secrets() {
    let lines = Lines::new();
    let file = shown(&lines.path());
    let said = again::run(
        "program",
        &[
            ("RUST_LOG", "debug"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://me:hunter2@localhost:9/base?key=hunter2"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=hunter2,x-tenant=hunter2"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "100"),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "localhost:9"),
            ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc"),
            ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "gzip"),
            ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "200"),
            ("OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", "/no/such/key"),
            ("OTEL_LOGS_EXPORTER", "console,otlp"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "1500"),
            ("OTEL_METRICS_EXPORTER", "none"),
            ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
            ("OTEL_TRACES_SAMPLER_ARG", "0.25"),
            ("OTEL_PROPAGATORS", "baggage"),
            ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "1000"),
            ("OTEL_SPAN_LINK_COUNT_LIMIT", "4"),
            ("OTEL_BLRP_SCHEDULE_DELAY", "300"),
            ("OTEL_SERVICE_NAME", "shop"),
            ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=staging,acme.region=north%20sea"),
            ("TRACING_WEAVER_FILE", &file),
            ("TRACING_WEAVER_FINDINGS", "off"),
        ],
    );
    let everywhere = format!("file {file}");
    let expected = [
        format!("registry     example.com/schemas/acme 1.0.0 (folder {REGISTRY})"),
        "filter       debug (RUST_LOG)".to_owned(),
        format!(
            "records      to otlp http/protobuf http://localhost:9/base/v1/logs (not encrypted, headers authorization x-tenant, timeout 100ms) \
             and console and {everywhere}"
        ),
        format!("metrics      to {everywhere}, every 1.5s"),
        format!(
            "spans        to otlp grpc https://localhost:9 (nothing is sent: OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY: a client key needs its \
             certificate: set `…_CLIENT_CERTIFICATE`, too, gzip, headers authorization x-tenant, timeout 200ms) and {everywhere}"
        ),
        "limits       record: 128 attributes, texts of 1000 characters and 64 KiB".to_owned(),
        "             span: 128 attributes, texts of 1000 characters and 64 KiB".to_owned(),
        "             span: 128 events of 128 attributes, 4 links of 128 attributes".to_owned(),
        "sampler      parentbased_traceidratio 0.25".to_owned(),
        "propagators  baggage".to_owned(),
        "queues       records: 64 MiB for all threads; requests of 512 records or 1 MiB, after 300ms at most".to_owned(),
        "             spans: 32768; requests of 512 spans or 1 MiB, after 5s at most".to_owned(),
        "             before each receiver: 16 MiB".to_owned(),
        "detectors    service_instance, env, service_name, os".to_owned(),
        "resource     service.name=shop (OTEL_SERVICE_NAME)".to_owned(),
        "             telemetry.sdk.name=tracing-weaver (default)".to_owned(),
        "             telemetry.sdk.language=rust (default)".to_owned(),
        "             deployment.environment.name=\"a test\" (code)".to_owned(),
        "             acme.region=\"north sea\" (OTEL_RESOURCE_ATTRIBUTES)".to_owned(),
        "             acme.shard=7 (code)".to_owned(),
        "             service.version=2 (code)".to_owned(),
        "neighbours   config_describe::Neighbour".to_owned(),
        "findings     off".to_owned(),
    ];
    assert_eq!(description(&said.stdout), expected, "{}", said.stdout);
    assert!(
        said.stdout.contains(&format!("os.type={} (detector os)", std::env::consts::OS)) || !cfg!(target_os = "linux"),
        "{}",
        said.stdout
    );
    assert!(said.stdout.contains("THEN filter       warn,acme=debug (set at run time)"), "{}", said.stdout);
    for secret in ["hunter2", "t0k3n"] {
        assert!(!said.stdout.contains(secret) && !said.stderr.contains(secret), "{}{}", said.stdout, said.stderr);
    }
}
