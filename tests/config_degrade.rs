//! `install_or_degrade()`: a registry that cannot be read costs the registry, not the records.
#![cfg(all(feature = "log", feature = "yaml"))]

use std::time::Duration;

use tracing_weaver::Memory;

#[test]
fn a_program_with_a_broken_registry_runs_with_plain_records() {
    let memory = Memory::new();
    let telemetry = tracing_weaver::builder()
        .registry("no/such/folder")
        .filter("debug,acme=loud")
        .detectors(["hots", "os"])
        .file("/")
        .console(false)
        .memory(&memory)
        .install_or_degrade();
    tracing::debug!("plain");
    log::debug!("by log");
    telemetry.force_flush(Duration::from_secs(5)).unwrap();
    let logs = memory.logs().concat();
    for part in ["plain", "by log", "\"os.type\""] {
        assert!(logs.contains(part), "{part}: {logs}");
    }
    assert!(telemetry.describe().starts_with("registry     none "), "{}", telemetry.describe());
}
