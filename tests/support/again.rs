//! A test binary that runs itself again: one of its ignored tests is the program, with an environment of its own.
//!
//! Whatever of this process's environment telemetry reads stays behind.

#![allow(dead_code)] // Each test binary takes a part of it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a program said, once it ended well.
pub(crate) struct Said {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Said {
    /// Lines of our own on stderr, but for findings.
    pub(crate) fn diagnostics(&self) -> Vec<&str> {
        let own = self.stderr.lines().filter(|line| line.starts_with("tracing-weaver: "));
        own.filter(|line| !line.starts_with("tracing-weaver: finding ")).collect()
    }

    /// Lines of our own on stderr that name a variable.
    pub(crate) fn warnings_of(&self, variable: &str) -> Vec<&str> {
        self.diagnostics().into_iter().filter(|line| line.starts_with(&format!("tracing-weaver: {variable}: "))).collect()
    }

    /// Records on the console.
    pub(crate) fn records(&self) -> Vec<&str> {
        self.stderr.lines().filter(|line| line.starts_with("20")).collect()
    }
}

/// Runs the ignored test `program` of this binary.
pub(crate) fn run<V: AsRef<OsStr>>(program: &str, variables: &[(&str, V)]) -> Said {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", program, "--ignored", "--nocapture", "--quiet"]);
    for (name, _) in std::env::vars_os() {
        if ["OTEL_", "TRACING_WEAVER_", "RUST_LOG", "K8S_"].iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
            command.env_remove(name);
        }
    }
    let output = command.envs(variables.iter().map(|(name, value)| (name, value.as_ref()))).output().unwrap();
    let said = Said { stdout: String::from_utf8(output.stdout).unwrap(), stderr: String::from_utf8(output.stderr).unwrap() };
    assert!(output.status.success(), "{}\n{}", said.stdout, said.stderr);
    said
}

/// A file of OTLP-JSON lines that goes with the test.
pub(crate) struct Lines {
    folder: tempfile::TempDir,
}

impl Lines {
    pub(crate) fn new() -> Self {
        Lines { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("lines.jsonl")
    }

    pub(crate) fn text(&self) -> String {
        std::fs::read_to_string(self.path()).unwrap_or_default()
    }

    pub(crate) fn all(&self) -> Vec<serde_json::Value> {
        self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// What stands at `path` in each line that has it: `/resourceLogs/0/scopeLogs` for all scopes of records.
    pub(crate) fn at(&self, path: &str) -> Vec<serde_json::Value> {
        self.all().iter().filter_map(|line| line.pointer(path).cloned()).collect()
    }

    /// All records, request by request.
    pub(crate) fn requests_of_records(&self) -> Vec<Vec<serde_json::Value>> {
        self.requests("/resourceLogs/0/scopeLogs", "logRecords")
    }

    /// All spans, request by request.
    pub(crate) fn requests_of_spans(&self) -> Vec<Vec<serde_json::Value>> {
        self.requests("/resourceSpans/0/scopeSpans", "spans")
    }

    fn requests(&self, scopes: &str, items: &str) -> Vec<Vec<serde_json::Value>> {
        let items_of = |scope: &serde_json::Value| scope[items].as_array().unwrap().clone();
        self.at(scopes).iter().map(|scopes| scopes.as_array().unwrap().iter().flat_map(items_of).collect()).collect()
    }

    /// The resource of the first line, as key and value.
    pub(crate) fn resource(&self) -> Vec<(String, serde_json::Value)> {
        let first = self.at("/resourceLogs/0/resource").remove(0);
        attributes(&first)
    }
}

/// The attributes of an item, as key and value.
pub(crate) fn attributes(item: &serde_json::Value) -> Vec<(String, serde_json::Value)> {
    let attributes = item["attributes"].as_array().cloned().unwrap_or_default();
    attributes.iter().map(|attribute| (attribute["key"].as_str().unwrap().to_owned(), attribute["value"].clone())).collect()
}

/// The text of a key that stands once.
pub(crate) fn text(attributes: &[(String, serde_json::Value)], key: &str) -> Option<String> {
    let mut values = attributes.iter().filter(|(known, _)| known == key);
    let (_, value) = values.next()?;
    assert!(values.next().is_none(), "{key} once: {attributes:?}");
    Some(value["stringValue"].as_str().unwrap_or_else(|| panic!("{key} is a text: {value}")).to_owned())
}

/// As text, for a variable.
pub(crate) fn shown(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}
