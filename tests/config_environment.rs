//! What the environment does to a program that calls `install()`: seen from outside, in processes of their own.
//!
//! Each test runs this binary again with one of its ignored tests, mostly [`program`], and an environment of its own.
#![cfg(all(feature = "console", feature = "log", feature = "yaml"))]

#[path = "support/again.rs"]
mod again;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use again::{Lines, Said, shown};
use tracing::{Level, event, info_span};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::prelude::*;

const REGISTRY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/registry/acme");

/// The program under test, as a user would write it.
#[test]
#[ignore = "the other tests run it"]
fn program() {
    let telemetry = tracing_weaver::builder().registry(REGISTRY).service_version("2").install().unwrap();
    let shop = info_span!("acme.shop", acme.shop.id = "north").entered();
    event!(name: "acme.order.accept", Level::INFO, acme.order.items = 3, acme.order.outcome = "success");
    event!(name: "acme.order.accept", Level::INFO, acme.order.items = 4, acme.order.outcome = "success", acme.shop.token = "t0k3n");
    tracing::debug!(target: "quiet", "only on request");
    log::info!(target: "dependency", "by log\x1b[2J");
    drop(shop);
    match std::env::var_os("PROGRAM_ENDS_BY_DROP") {
        Some(_) => drop(telemetry),
        None => println!("{}", telemetry.shutdown(Duration::from_secs(5))),
    }
}

/// A program with a neighbour whose telemetry is disabled.
#[test]
#[ignore = "the other tests run it"]
fn disabled_program() {
    static SEEN: AtomicUsize = AtomicUsize::new(0);
    struct Counter;
    impl<S: tracing::Subscriber> Layer<S> for Counter {
        fn on_event(&self, _: &tracing::Event<'_>, _: Context<'_, S>) {
            SEEN.fetch_add(1, Ordering::Relaxed);
        }
    }
    let telemetry = tracing_weaver::builder().registry("no/such/folder").layer(Counter).install().unwrap();
    tracing::debug!("seen");
    log::info!("seen");
    assert_eq!(SEEN.load(Ordering::Relaxed), 2, "neighbours are installed all the same");
    telemetry.force_flush(Duration::from_secs(5)).unwrap();
    telemetry.set_filter("debug").unwrap();
    assert_eq!(telemetry.metrics_snapshot().sets().count(), 0);
    assert_eq!(telemetry.stats(), Default::default());

    let (_nothing, layer) = tracing_weaver::builder().build().unwrap();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer).with(Counter), || tracing::trace!("seen"));
    assert_eq!(SEEN.load(Ordering::Relaxed), 3, "a layer that does nothing hides nothing");
}

fn run(variables: &[(&str, &str)]) -> Said {
    again::run("program", variables)
}

#[test]
fn without_a_word_records_go_to_stderr_and_a_summary_to_stdout() {
    let said = run(&[]);
    let diagnostics = said.diagnostics();
    assert_eq!(diagnostics.len(), 1, "{diagnostics:#?}");
    for part in [
        "example.com/schemas/acme 1.0.0",
        "filter `info` (default)",
        "records to console",
        "metrics to console, at shutdown",
        "spans to console, at shutdown",
    ] {
        assert!(diagnostics[0].contains(part), "{diagnostics:?}");
    }
    let records = said.records();
    assert_eq!(records.len(), 3, "{}", said.stderr);
    assert!(records[0].contains(" INFO acme.order.accept config_environment [acme.shop.id=north]"), "{}", records[0]);
    assert!(records[0].ends_with("acme.order.items=3 acme.order.outcome=success"), "{}", records[0]);
    assert!(records[2].contains("dependency") && records[2].contains("by log\\u{1b}[2J"), "{}", records[2]);
    assert!(!said.stderr.contains('\x1b'), "no colour where there is no terminal");
    assert!(!said.stderr.contains("t0k3n") && !said.stdout.contains("t0k3n"));

    let summary = said.stdout.find("telemetry summary").expect("a summary");
    for part in [
        "acme.shop.order  acme.shop.id=north  acme.order.outcome=success",
        "acme.order.accept",
        "fields  secret",
        "(without name, dependency)",
    ] {
        assert!(said.stdout[summary..].contains(part), "{part}: {}", said.stdout);
    }
    assert!(said.stdout.contains("records: 3 created\n  console: 3 exported\n"), "the report follows the summary: {}", said.stdout);
}

#[test]
fn a_bad_directive_is_named_in_one_warning_and_the_others_hold() {
    let said = run(&[("RUST_LOG", "warn,quiet=debug,acme=loud,[[")]);
    let warnings: Vec<_> = said.diagnostics().into_iter().filter(|line| line.contains("RUST_LOG: ")).collect();
    assert_eq!(warnings.len(), 1, "{}", said.stderr);
    assert!(warnings[0].contains("`acme=loud`") && warnings[0].contains("`[[`"), "{}", warnings[0]);
    let records = said.records();
    assert_eq!(records.len(), 1, "{}", said.stderr);
    assert!(records[0].contains("only on request"), "{}", records[0]);
    assert!(said.stdout.contains("acme.shop.order"), "counted whatever the filter: {}", said.stdout);
}

#[test]
fn directives_of_which_none_can_be_read_mean_info() {
    let said = run(&[("TRACING_WEAVER_LOG", "acme=loud"), ("RUST_LOG", "off")]);
    assert!(said.diagnostics().iter().any(|line| line.contains("filter `info` (TRACING_WEAVER_LOG)")), "{}", said.stderr);
    assert_eq!(said.records().len(), 3);
}

#[test]
fn a_disabled_sdk_says_and_does_nothing() {
    let said = run(&[("OTEL_SDK_DISABLED", "true"), ("TRACING_WEAVER_LOG", "trace")]);
    assert_eq!(said.stderr, "");
    assert!(!said.stdout.contains("summary"), "{}", said.stdout);
    assert!(said.stdout.contains("records: 0 created") && said.stdout.contains("within its deadline"), "{}", said.stdout);
}

#[test]
fn a_disabled_sdk_installs_the_neighbours_alone() {
    let said = again::run("disabled_program", &[("OTEL_SDK_DISABLED", "true")]);
    assert_eq!(said.stderr, "");
}

#[test]
fn none_everywhere_means_silence_and_a_file_is_written_all_the_same() {
    let file = Lines::new();
    let said = run(&[
        ("OTEL_LOGS_EXPORTER", "none"),
        ("OTEL_METRICS_EXPORTER", "none"),
        ("OTEL_TRACES_EXPORTER", "none"),
        ("TRACING_WEAVER_FILE", &shown(&file.path())),
    ]);
    assert!(said.records().is_empty() && !said.stdout.contains("summary"), "{}{}", said.stdout, said.stderr);
    let text = file.text();
    assert!(text.contains(r#""eventName":"acme.order.accept""#) && text.contains(r#""name":"acme.shop.order.items""#), "{text}");
    assert!(!text.contains("t0k3n"));
    assert!(file.all().iter().all(|line| line.get("resourceLogs").is_some() || line.get("resourceMetrics").is_some()));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(file.path()).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn a_dash_writes_the_lines_to_stdout() {
    let said = run(&[("OTEL_LOGS_EXPORTER", "none"), ("OTEL_METRICS_EXPORTER", "none"), ("TRACING_WEAVER_FILE", "-")]);
    let lines: Vec<serde_json::Value> =
        said.stdout.lines().filter(|line| line.starts_with('{')).map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().any(|line| line.get("resourceLogs").is_some()), "{}", said.stdout);
    assert!(lines.iter().any(|line| line.get("resourceMetrics").is_some()), "{}", said.stdout);
}

#[test]
fn the_resource_comes_from_list_name_and_code_and_the_later_wins() {
    let file = Lines::new();
    run(&[
        ("TRACING_WEAVER_FILE", &shown(&file.path())),
        ("OTEL_RESOURCE_ATTRIBUTES", "service.name=list,service.version=1,acme.region=north%20sea"),
        ("OTEL_SERVICE_NAME", "named"),
    ]);
    let resource = file.resource();
    let text = |key: &str| again::text(&resource, key).unwrap();
    assert_eq!(text("service.name"), "named");
    assert_eq!(text("service.version"), "2");
    assert_eq!(text("acme.region"), "north sea");
    assert_eq!(text("telemetry.sdk.name"), "tracing-weaver");
    assert_eq!(text("service.instance.id").len(), 36);
    let of_metrics = file.all().iter().find_map(|line| line.pointer("/resourceMetrics/0/resource").cloned()).unwrap();
    assert_eq!(Some(&of_metrics), file.all()[0].pointer("/resourceLogs/0/resource"), "one and the same for all signals");
}

#[test]
fn a_malformed_value_is_reported_once_and_the_program_runs() {
    let said =
        run(&[("OTEL_RESOURCE_ATTRIBUTES", "service.name=list,broken"), ("OTEL_LOGS_EXPORTER", "kafka"), ("TRACING_WEAVER_FILE", "/")]);
    for name in ["OTEL_RESOURCE_ATTRIBUTES: ", "OTEL_LOGS_EXPORTER: ", "TRACING_WEAVER_FILE: "] {
        assert_eq!(said.diagnostics().iter().filter(|line| line.contains(name)).count(), 1, "{}", said.stderr);
    }
    assert_eq!(said.records().len(), 3);
}

#[test]
fn a_misspelt_variable_and_one_that_is_not_supported_are_reported_once_and_those_of_others_are_not() {
    let said = run(&[
        ("OTEL_EXPORTER_OTLP_ENDPIONT", "http://localhost:4318"),
        ("OTEL_BLRP_MAX_QUEUE_SIZE", "4096"),
        ("TRACING_WEAVER_LOGS", "debug"),
        ("OTEL_JAVAAGENT_DEBUG", "true"),
        ("OTEL_NODE_IP", "10.0.0.1"),
    ]);
    assert_eq!(said.diagnostics().len(), 4, "{}", said.stderr);
    for (name, part) in [
        ("OTEL_EXPORTER_OTLP_ENDPIONT", "did you mean `OTEL_EXPORTER_OTLP_ENDPOINT`?"),
        ("OTEL_BLRP_MAX_QUEUE_SIZE", "not supported: "),
        ("TRACING_WEAVER_LOGS", "did you mean `TRACING_WEAVER_LOG`?"),
    ] {
        let [warning] = said.warnings_of(name)[..] else { panic!("{}", said.stderr) };
        assert!(warning.contains(part), "{warning}");
    }
    assert_eq!(said.records().len(), 3);
}

/// What a proxy is asked for.
fn proxied(variable: &str, endpoint: &str) -> Option<String> {
    let proxy = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", proxy.local_addr().unwrap());
    proxy.set_nonblocking(true).unwrap();
    run(&[
        (variable, &address),
        ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", endpoint),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "1000"),
        ("OTEL_METRICS_EXPORTER", "none"),
        ("OTEL_TRACES_EXPORTER", "none"),
    ]);
    // It was queued by the system, whatever became of the program since.
    let (mut stream, _) = proxy.accept().ok()?;
    stream.set_nonblocking(false).unwrap();
    let mut begin = [0; 200];
    let length = std::io::Read::read(&mut stream, &mut begin).unwrap();
    Some(String::from_utf8_lossy(&begin[..length]).lines().next().unwrap_or_default().to_owned())
}

#[test]
fn a_proxy_is_asked_for_what_is_elsewhere_and_not_for_this_machine() {
    let elsewhere = "http://collector.invalid:4318/v1/logs";
    for variable in ["HTTP_PROXY", "http_proxy", "ALL_PROXY"] {
        assert_eq!(proxied(variable, elsewhere).as_deref(), Some("POST http://collector.invalid:4318/v1/logs HTTP/1.1"), "{variable}");
    }
    assert_eq!(proxied("HTTPS_PROXY", "https://collector.invalid/v1/logs").as_deref(), Some("CONNECT collector.invalid:443 HTTP/1.1"));
    assert_eq!(proxied("HTTP_PROXY", "http://127.0.0.1:9/v1/logs"), None);
    assert_eq!(proxied("HTTP_PROXY", "http://localhost:9/v1/logs"), None);
}

#[test]
fn dropping_the_handle_is_a_shutdown() {
    let file = Lines::new();
    let said = run(&[("PROGRAM_ENDS_BY_DROP", "1"), ("TRACING_WEAVER_FILE", &shown(&file.path()))]);
    assert_eq!(said.records().len(), 3, "{}", said.stderr);
    assert_eq!(said.stdout.matches("telemetry summary").count(), 1, "{}", said.stdout);
    assert!(file.all().iter().any(|line| line.get("resourceMetrics").is_some()));
}

#[cfg(unix)]
#[test]
fn a_pipe_that_nobody_reads_is_refused_and_the_program_starts() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let (sender, outcome) = std::sync::mpsc::channel();
    let path = shown(&pipe);
    std::thread::spawn(move || sender.send(run(&[("TRACING_WEAVER_FILE", &path)])));
    let said = outcome.recv_timeout(Duration::from_secs(60)).expect("the program hangs");
    let warnings = said.warnings_of("TRACING_WEAVER_FILE");
    assert!(warnings.len() == 1 && warnings[0].contains("it is a pipe") && warnings[0].ends_with("; ignored"), "{}", said.stderr);

    let error = tracing_weaver::builder().file(&pipe).build::<tracing_subscriber::Registry>().unwrap_err();
    assert!(matches!(error, tracing_weaver::Error::File { .. }) && error.to_string().contains("it is a pipe"), "{error}");
}

#[cfg(unix)]
#[test]
fn stderr_and_devices_take_the_lines_of_the_file() {
    let said = run(&[("TRACING_WEAVER_FILE", "/dev/stderr"), ("OTEL_LOGS_EXPORTER", "none")]);
    assert!(said.stderr.contains("{\"resourceLogs\":"), "{}", said.stderr);
    let said = run(&[("TRACING_WEAVER_FILE", "/dev/null")]);
    assert_eq!(said.warnings_of("TRACING_WEAVER_FILE"), [""; 0]);
}

#[test]
fn what_is_lost_is_said_on_stderr_where_nobody_gets_the_report() {
    let nobody = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1");
    let said = run(&[nobody, ("PROGRAM_ENDS_BY_DROP", "1")]);
    let lines: Vec<_> = said.diagnostics().into_iter().filter(|line| line.contains("not everything was exported")).collect();
    assert_eq!(lines.len(), 1, "{}", said.stderr);
    assert!(lines[0].contains("records to otlp http/protobuf http://127.0.0.1:1/v1/logs: 3 dropped (shutdown)"), "{}", lines[0]);
    assert!(said.stderr.contains("/v1/logs: 3 records dropped (shutdown): the end came before their answer"), "{}", said.stderr);

    let said = run(&[nobody, ("OTEL_EXPORTER_OTLP_TIMEOUT", "300")]);
    assert!(said.stderr.contains("/v1/logs: 3 records dropped (retry_exhausted): "), "{}", said.stderr);
    assert!(!said.stderr.contains("not everything was exported"), "who shuts down has the report: {}", said.stderr);

    let said = run(&[("PROGRAM_ENDS_BY_DROP", "1")]);
    assert!(!said.stderr.contains("not everything was exported"), "{}", said.stderr);
}

#[test]
#[ignore = "a test runs it"]
fn program_of_many_spans() {
    let telemetry = tracing_weaver::builder().console(false).memory(&tracing_weaver::Memory::new()).install().unwrap();
    (0..20_000).for_each(|_| drop(info_span!("acme.order.pack").entered()));
    telemetry.shutdown(Duration::from_secs(30));
}

#[cfg(feature = "spans")]
#[test]
fn spans_that_find_no_room_are_said_once_on_stderr() {
    let said = again::run("program_of_many_spans", &[("OTEL_BSP_MAX_QUEUE_SIZE", "1"), ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1")]);
    let lines: Vec<_> = said.diagnostics().into_iter().filter(|line| line.starts_with("tracing-weaver: spans: ")).collect();
    assert!(lines.len() == 1 && lines[0].contains(" dropped so far before they could be sent (queue_full "), "{}", said.stderr);
}
