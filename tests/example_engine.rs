//! The example `dataflow_engine` as a program of its own: what it counts against what its telemetry says.
//!
//! Cargo runs it. It reads the OTLP-JSON lines that the program writes to a file. It never looks into the program.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::Value;
use support::example::command;

/// A run in a folder of its own.
struct Run {
    folder: tempfile::TempDir,
    output: Output,
}

impl Run {
    /// Runs the engine with this filter over the folder that `fill` filled; `{}` in an argument stands for that folder.
    fn new(filter: &str, args: &[&str], fill: impl FnOnce(&Path)) -> Run {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fill(folder.path());
        let output = command()
            .args(args.iter().map(|arg| arg.replace("{}", &folder.path().to_string_lossy())))
            .env("RUST_LOG", filter)
            .env("OTEL_LOGS_EXPORTER", "none")
            .env("OTEL_METRICS_EXPORTER", "none")
            .env("OTEL_TRACES_EXPORTER", "none")
            .env("TRACING_WEAVER_FILE", folder.path().join("telemetry.jsonl"))
            .current_dir(folder.path())
            .output()
            .expect("the example runs");
        Run { folder, output }
    }

    fn stdout(&self) -> String {
        String::from_utf8(self.output.stdout.clone()).expect("stdout is UTF-8")
    }

    fn assert_success(&self) {
        assert!(self.output.status.success(), "{}\n{}", self.output.status, String::from_utf8_lossy(&self.output.stderr));
    }

    /// The totals of the last line on stdout.
    fn engine_count(&self) -> BTreeMap<String, i64> {
        support::example::engine_count(&self.output)
    }

    fn lines(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.folder.path().join("telemetry.jsonl")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
    }

    /// Every metric of the engine with its scope, in the order in which it was exported.
    fn metrics(&self) -> Vec<(Value, Value)> {
        items(&self.lines(), "resourceMetrics", "scopeMetrics", "metrics")
            .into_iter()
            .filter(|(scope, _)| scope["scope"]["name"] != "tracing_weaver")
            .collect()
    }

    /// Every record with its scope.
    fn records(&self) -> Vec<(Value, Value)> {
        items(&self.lines(), "resourceLogs", "scopeLogs", "logRecords")
    }
}

fn items(lines: &[Value], resources: &str, scopes: &str, items: &str) -> Vec<(Value, Value)> {
    let each = |value: &Value, key: &str| value[key].as_array().cloned().unwrap_or_default();
    let scopes = lines.iter().flat_map(|line| each(line, resources)).flat_map(|resource| each(&resource, scopes));
    scopes
        .flat_map(|mut scope| {
            let inside = scope[items].take();
            inside.as_array().cloned().unwrap_or_default().into_iter().map(move |item| (scope.clone(), item))
        })
        .collect()
}

fn attributes(holder: &Value) -> BTreeMap<String, String> {
    let pairs = holder["attributes"].as_array().cloned().unwrap_or_default();
    pairs.iter().map(|pair| (pair["key"].as_str().expect("a key").to_owned(), plain(&pair["value"]))).collect()
}

fn plain(value: &Value) -> String {
    let (_, inner) = value.as_object().and_then(|object| object.iter().next()).expect("a value of one kind");
    inner.as_str().map_or_else(|| inner.to_string(), str::to_owned)
}

/// The last value of every series of every sum, added up by metric.
fn sums(metrics: &[(Value, Value)]) -> BTreeMap<String, i64> {
    let mut series = BTreeMap::new();
    for (scope, metric) in metrics {
        for point in metric["sum"]["dataPoints"].as_array().into_iter().flatten() {
            let name = metric["name"].as_str().expect("a metric has a name").to_owned();
            let value: i64 = plain_number(&point["asInt"]);
            series.insert((name, attributes(&scope["scope"]), attributes(point)), value);
        }
    }
    let mut sums = BTreeMap::new();
    for ((name, ..), value) in series {
        *sums.entry(name).or_default() += value;
    }
    sums
}

fn plain_number(value: &Value) -> i64 {
    value.as_i64().or_else(|| value.as_str()?.parse().ok()).unwrap_or_else(|| panic!("`{value}` as an integer"))
}

/// Text, blank lines, a line longer than a block, line feeds of two kinds, bytes that are no text, an empty file.
fn mixed_files(folder: &Path) {
    let data = folder.join("data");
    fs::create_dir_all(data.join("deeper")).expect("folders");
    let text: String = (0..4_000).map(|line| format!("line {line} of a text\n{}", if line % 7 == 0 { "\n  \r\n" } else { "" })).collect();
    let write = |name: &str, bytes: &[u8]| fs::write(data.join(name), bytes).expect("a file");
    write("text", text.as_bytes());
    write("deeper/long", "é".repeat(20_000).as_bytes());
    write("bytes", &(0..=255u8).cycle().take(70_000).collect::<Vec<_>>());
    write("empty", b"");
    write("unended", b"one\ntwo");
}

#[test]
fn the_sums_are_what_the_engine_counted_whatever_the_filter() {
    for filter in ["info", "trace", "off"] {
        let run = Run::new(filter, &["{}/data", "{}/missing", "--rounds", "5", "--threads", "2", "--fail", "0.4"], mixed_files);
        run.assert_success();
        let counted = run.engine_count();
        assert_eq!(sums(&run.metrics()), counted, "filter `{filter}`");
        assert_eq!(counted["otelcol.pipeline.batch.inflight"], 0);
        assert!(counted["otelcol.node.retries"] > 0, "{counted:?}");
    }
}

#[test]
fn gauges_and_histograms_are_there_and_the_histograms_count_each_message() {
    let run = Run::new("off", &["{}/data", "--rounds", "1", "--threads", "1"], mixed_files);
    run.assert_success();
    let metrics = run.metrics();
    let gauges: BTreeSet<_> = metrics.iter().filter(|(_, metric)| metric["gauge"].is_object()).map(|(_, m)| m["name"].as_str()).collect();
    assert_eq!(gauges, [Some("otelcol.channel.receiver.capacity"), Some("otelcol.channel.receiver.depth")].into());

    let mut series = BTreeMap::new();
    for (scope, metric) in metrics.iter().filter(|(_, metric)| metric["name"] == "otelcol.pipeline.batch.size") {
        for point in metric["histogram"]["dataPoints"].as_array().expect("points") {
            let counts: i64 = point["bucketCounts"].as_array().expect("buckets").iter().map(plain_number).sum();
            assert_eq!(counts, plain_number(&point["count"]));
            series.insert((attributes(&scope["scope"]), attributes(point)), point["sum"].as_f64().expect("a sum"));
        }
    }
    let checksum = run.stdout().lines().find(|line| line.contains("checksum")).expect("a checksum").to_owned();
    let lines: f64 = checksum.rsplit(' ').nth(1).and_then(|lines| lines.parse().ok()).expect("a number of lines");
    assert_eq!(series.values().sum::<f64>(), lines, "{checksum}");
}

#[test]
fn records_stand_in_the_scope_of_their_entities_and_nothing_that_is_only_folded_is_one() {
    let run = Run::new("trace", &["{}/data", "{}/missing", "--rounds", "1", "--threads", "1", "--fail", "1"], mixed_files);
    run.assert_success();
    let records = run.records();
    let engine: Vec<_> =
        records.iter().filter(|(scope, _)| scope["scope"]["name"].as_str().is_some_and(|n| n.starts_with("dataflow_engine"))).collect();
    let names: BTreeSet<_> = engine.iter().filter_map(|(_, record)| record["eventName"].as_str()).collect();
    assert_eq!(
        names,
        [
            "otelcol.engine.start",
            "otelcol.node.batch.fail",
            "otelcol.node.batch.retry",
            "otelcol.node.complete",
            "otelcol.node.file.fail",
            "otelcol.node.start",
            "otelcol.pipeline.complete",
            "otelcol.pipeline.start",
        ]
        .into()
    );

    let (scope, record) = engine.iter().find(|(_, record)| record["eventName"] == "otelcol.node.file.fail").expect("the missing file");
    assert_eq!(record["severityText"], "WARN");
    assert_eq!(attributes(record), [("error.type", "not_found"), ("file.path", "missing")].map(|(k, v)| (k.into(), v.into())).into());
    let entities = attributes(&scope["scope"]);
    assert_eq!(entities["thread.id"], "1");
    assert_eq!(entities["otelcol.pipeline.id"], "files");
    assert_eq!(entities["otelcol.node.id"], "read_files");
    assert_eq!(entities["otelcol.node.type"], "receiver");
    assert!(scope["schemaUrl"].as_str().is_some_and(|url| url.contains("/otelcol/")), "{scope}");
}

#[test]
fn the_checksum_is_that_of_the_lines_that_are_text() {
    let run = Run::new("off", &["{}/data", "--rounds", "1", "--threads", "1"], mixed_files);
    run.assert_success();
    let data = run.folder.path().join("data");
    // The order of the walk: by name.
    let mut sum = crc32fast::Hasher::new();
    let mut count = 0;
    for name in ["bytes", "deeper/long", "empty", "text", "unended"] {
        for line in fs::read(data.join(name)).expect("a file").split(|byte| *byte == b'\n') {
            if std::str::from_utf8(line).is_ok_and(|text| !text.trim().is_empty()) {
                sum.update(line);
                sum.update(b"\n");
                count += 1;
            }
        }
    }
    let expected = format!("engine 1 checksum: {:08x} over {count} lines", sum.finalize());
    assert!(run.stdout().contains(&expected), "`{expected}` in\n{}", run.stdout());
}

#[test]
fn a_pipeline_that_cannot_be_built_is_an_event_and_a_failure_of_the_run() {
    let run = Run::new("info", &["{}/data", "--threads", "1", "--out", "{}/nowhere"], mixed_files);
    assert_eq!(run.output.status.code(), Some(1));
    let records = run.records();
    let (_, record) = records.iter().find(|(_, record)| record["eventName"] == "otelcol.pipeline.fail").expect("the failure");
    assert_eq!(attributes(record), [("error.type".into(), "not_found".into())].into());
    assert_eq!(sums(&run.metrics()), run.engine_count());
}

#[test]
fn by_itself_it_shows_records_on_stderr_and_a_summary_before_its_last_line() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    mixed_files(folder.path());
    let output = command().arg(folder.path().join("data")).args(["--threads", "1"]).output().expect("the example runs");
    assert!(output.status.success());
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(stderr.contains("otelcol.pipeline.start"), "{stderr}");
    assert!(!stderr.contains('\u{1b}'), "no colours where no terminal is: {stderr}");
    let summary = stdout.find("otelcol.node.flow").unwrap_or_else(|| panic!("a table of the node's set in\n{stdout}"));
    let last = stdout.find("engine-count ").expect("the last line");
    assert!(summary < last && stdout[last..].lines().count() == 1, "{stdout}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_that_breaks_off_while_it_is_read_is_a_failure_of_the_receiver_and_an_event() {
    // A plain file that opens and whose first byte cannot be read.
    let run = Run::new("info", &["/proc/self/mem", "--rounds", "1", "--threads", "1"], mixed_files);
    run.assert_success();
    let outcomes: BTreeSet<_> = run
        .metrics()
        .iter()
        .filter(|(scope, metric)| {
            metric["name"] == "otelcol.node.produced.items" && attributes(&scope["scope"])["otelcol.node.id"] == "read_files"
        })
        .flat_map(|(_, metric)| metric["sum"]["dataPoints"].as_array().cloned().unwrap_or_default())
        .map(|point| attributes(&point)["otelcol.outcome"].clone())
        .collect();
    assert_eq!(outcomes, ["failure".to_owned()].into());
    assert!(run.records().iter().any(|(_, record)| record["eventName"] == "otelcol.node.file.fail"));
    assert_eq!(sums(&run.metrics()), run.engine_count());
}

#[test]
fn misuse_is_said_in_one_line_and_with_its_own_exit_code_before_anything_starts() {
    for args in [&["--threads", "0"][..], &["--fail", "1.5"], &["--rounds"], &["--bogus"]] {
        let output = command().args(args).output().expect("the example runs");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(stderr.lines().count() == 1 && stderr.contains("--help") && output.stdout.is_empty(), "{stderr}");
    }
}
