//! An example as a process: built as the test was built, run with nothing in its environment that the test did not set.
//!
//! The tests that run an example call it. It never looks into the program.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, PoisonError};

/// The dataflow engine, without what would tell it where to send or what to show.
pub(crate) fn command() -> Command {
    command_of("dataflow_engine")
}

/// An example by its name, likewise.
pub(crate) fn command_of(name: &'static str) -> Command {
    let mut command = Command::new(program(name));
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("OTEL_") || name.starts_with("TRACING_WEAVER_") || name == "RUST_LOG") {
            command.env_remove(name);
        }
    }
    command
}

/// The example of the profile that this test was built in; built once.
fn program(name: &'static str) -> PathBuf {
    static BUILT: Mutex<BTreeMap<&str, PathBuf>> = Mutex::new(BTreeMap::new());
    BUILT.lock().unwrap_or_else(PoisonError::into_inner).entry(name).or_insert_with(|| build(name)).clone()
}

fn build(example: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test has a path");
    let profile = test.parent().and_then(Path::parent).expect("a test stands in target/PROFILE/deps");
    let program = profile.join("examples").join(format!("{example}{}", std::env::consts::EXE_SUFFIX));
    // `cargo test --test NAME` builds no examples, so what stands there may be missing or old.
    if let Some(cargo) = std::env::var_os("CARGO") {
        let name = profile.file_name().and_then(|name| name.to_str()).expect("a profile has a name");
        let mut build = Command::new(cargo);
        // What cargo told this test about its package would look like a change to build scripts, which then build all anew.
        for (name, _) in std::env::vars_os() {
            if name
                .to_str()
                .is_some_and(|name| ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "OUT_DIR"].iter().any(|of| name.starts_with(of)))
            {
                build.env_remove(name);
            }
        }
        let built = build
            .args(["build", "--quiet", "--example", example, "--profile", if name == "debug" { "dev" } else { name }])
            .arg("--target-dir")
            .arg(profile.parent().expect("a profile stands in the target folder"))
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status()
            .expect("cargo runs");
        assert!(built.success(), "the example builds");
    }
    program
}

/// What the engine counted by itself: the last line on stdout.
pub(crate) fn engine_count(output: &Output) -> BTreeMap<String, i64> {
    let stdout = String::from_utf8_lossy(&output.stdout);
    let last = stdout.lines().last().unwrap_or_default();
    let counts = last.strip_prefix("engine-count ").unwrap_or_else(|| panic!("the last line is `{last}`"));
    serde_json::from_str(counts).expect("engine-count is a JSON object of integers")
}
