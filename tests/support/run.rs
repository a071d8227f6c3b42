//! A run of the dataflow engine in a folder of its own, and what its telemetry said there.
//!
//! The tests of the example call it. It reads the OTLP-JSON lines that the program writes to a file, and never looks into the program.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::Value;

use super::example::{self, command};

/// A run.
pub(crate) struct Run {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) output: Output,
}

impl Run {
    /// Runs the engine with this filter over the folder that `fill` filled; `{}` in an argument stands for that folder.
    pub(crate) fn new(filter: &str, args: &[&str], fill: impl FnOnce(&Path)) -> Run {
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

    pub(crate) fn stdout(&self) -> String {
        String::from_utf8(self.output.stdout.clone()).expect("stdout is UTF-8")
    }

    pub(crate) fn assert_success(&self) {
        assert!(self.output.status.success(), "{}\n{}", self.output.status, String::from_utf8_lossy(&self.output.stderr));
    }

    /// The totals of the last line on stdout.
    pub(crate) fn engine_count(&self) -> BTreeMap<String, i64> {
        example::engine_count(&self.output)
    }

    pub(crate) fn lines(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.folder.path().join("telemetry.jsonl")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
    }

    /// Every metric of the engine with its scope, in the order in which it was exported.
    pub(crate) fn metrics(&self) -> Vec<(Value, Value)> {
        items(&self.lines(), "resourceMetrics", "scopeMetrics", "metrics")
            .into_iter()
            .filter(|(scope, _)| scope["scope"]["name"] != "tracing_weaver")
            .collect()
    }

    /// Every record with its scope.
    pub(crate) fn records(&self) -> Vec<(Value, Value)> {
        items(&self.lines(), "resourceLogs", "scopeLogs", "logRecords")
    }

    /// The attributes of every record of this name.
    pub(crate) fn told(&self, name: &str) -> Vec<BTreeMap<String, String>> {
        self.records().iter().filter(|(_, record)| record["eventName"] == name).map(|(_, record)| attributes(record)).collect()
    }

    /// Every span with its scope.
    pub(crate) fn spans(&self) -> Vec<(Value, Value)> {
        items(&self.lines(), "resourceSpans", "scopeSpans", "spans")
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

/// Attributes as a map, values as text.
pub(crate) fn attributes(holder: &Value) -> BTreeMap<String, String> {
    let pairs = holder["attributes"].as_array().cloned().unwrap_or_default();
    pairs.iter().map(|pair| (pair["key"].as_str().expect("a key").to_owned(), plain(&pair["value"]))).collect()
}

fn plain(value: &Value) -> String {
    let (_, inner) = value.as_object().and_then(|object| object.iter().next()).expect("a value of one kind");
    inner.as_str().map_or_else(|| inner.to_string(), str::to_owned)
}

/// The last value of every series of every sum, added up by metric.
pub(crate) fn sums(metrics: &[(Value, Value)]) -> BTreeMap<String, i64> {
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

/// An integer, which OTLP's JSON may write as text.
pub(crate) fn plain_number(value: &Value) -> i64 {
    value.as_i64().or_else(|| value.as_str()?.parse().ok()).unwrap_or_else(|| panic!("`{value}` as an integer"))
}
