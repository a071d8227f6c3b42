//! `install_or_degrade()`: whatever stands in the way costs no more than it must, and the reason is said.
//!
//! Each test runs this binary again as one of its ignored tests: there is one global subscriber to a process.
#![cfg(all(feature = "console", feature = "log", feature = "yaml"))]

#[path = "support/again.rs"]
mod again;

use std::time::Duration;

use again::Said;
use tracing_weaver::{Builder, Memory, Telemetry};

const TIMEOUT: Duration = Duration::from_secs(30);

fn builder(memory: &Memory) -> Builder {
    tracing_weaver::builder().filter("debug").console(false).memory(memory)
}

/// Says something in each way and shows what was exported.
fn speak(telemetry: &Telemetry, memory: &Memory) {
    tracing::debug!("plain");
    log::debug!("by log");
    telemetry.force_flush(TIMEOUT).unwrap();
    println!("exported {}", memory.logs().concat());
    println!("described {}", telemetry.describe().lines().next().unwrap());
    assert!(telemetry.shutdown(TIMEOUT).deadline_met);
}

fn run(program: &str) -> Said {
    again::run::<&str>(program, &[])
}

/// What the program says of itself on stderr, without the line on what runs.
fn reasons(said: &Said) -> Vec<&str> {
    said.diagnostics().into_iter().filter(|line| !line.starts_with("tracing-weaver: registry ")).collect()
}

#[test]
#[ignore = "a test runs it"]
fn program_with_mistakes_in_code() {
    let memory = Memory::new();
    let builder =
        builder(&memory).registry("no/such/folder").filter("debug,acme=loud").detectors(["hots", "os"]).resource([("", "x")]).file("/");
    speak(&builder.install_or_degrade(), &memory);
}

#[test]
fn a_registry_that_cannot_be_read_and_other_mistakes_leave_plain_records() {
    let said = run("program_with_mistakes_in_code");
    for part in ["plain", "by log", "\"os.type\"", "described registry     none (not readable)"] {
        assert!(said.stdout.contains(part), "{part}: {}", said.stdout);
    }
    for part in [
        "no/such/folder",
        "records are exported plain",
        "`hots`",
        "`acme=loud`",
        "a key is empty",
        "it is skipped",
        "`.file(\"/\")`",
        "going on without it",
    ] {
        assert!(said.stderr.contains(part), "{part}: {}", said.stderr);
    }
}

#[test]
#[ignore = "a test runs it"]
fn program_with_bytes_that_are_no_registry() {
    let memory = Memory::new();
    speak(&builder(&memory).registry_bytes(b"no registry".as_slice()).install_or_degrade(), &memory);
}

#[test]
#[ignore = "a test runs it"]
fn program_with_two_registries() {
    let memory = Memory::new();
    speak(&builder(&memory).registry("a").registry("b").install_or_degrade(), &memory);
}

#[test]
#[ignore = "a test runs it"]
fn program_with_a_faulty_registry() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("manifest.yaml"), "schema_url: https://example.com/schemas/bad/1.0.0\n").unwrap();
    std::fs::write(folder.path().join("a.yaml"), "file_format: definition/2\nattributes:\n  - key: a.b\n    type: sting\n").unwrap();
    let memory = Memory::new();
    speak(&builder(&memory).registry(folder.path()).install_or_degrade(), &memory);
}

#[test]
fn a_registry_that_cannot_be_used_leaves_plain_records_whatever_is_wrong_with_it() {
    for (program, why) in [
        ("program_with_bytes_that_are_no_registry", "pack"),
        ("program_with_two_registries", "two registries were given"),
        ("program_with_a_faulty_registry", "a.yaml:4:"),
    ] {
        let said = run(program);
        assert!(said.stdout.contains("plain") && said.stdout.contains("by log"), "{}", said.stdout);
        assert!(said.stderr.contains(why) && said.stderr.contains("records are exported plain"), "{why}: {}", said.stderr);
    }
}

struct Theirs;

impl log::Log for Theirs {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        println!("their logger {}", record.args());
    }

    fn flush(&self) {}
}

#[test]
#[ignore = "a test runs it"]
fn program_with_a_logger() {
    log::set_logger(&Theirs).unwrap();
    log::set_max_level(log::LevelFilter::Debug);
    let memory = Memory::new();
    speak(&builder(&memory).install_or_degrade(), &memory);
}

#[test]
fn where_log_has_a_logger_already_its_records_stay_there_and_the_others_are_exported() {
    let said = run("program_with_a_logger");
    let exported = said.stdout.lines().find(|line| line.starts_with("exported ")).unwrap();
    assert!(exported.contains("plain") && !exported.contains("by log"), "{exported}");
    assert!(said.stdout.contains("their logger by log"), "{}", said.stdout);
    let [reason] = reasons(&said)[..] else { panic!("{}", said.stderr) };
    assert!(reason.contains("the `log` crate has a logger already") && reason.contains("remove its `init()`"), "{reason}");
}

#[test]
#[ignore = "a test runs it"]
fn program_with_a_subscriber() {
    tracing::subscriber::set_global_default(tracing_subscriber::registry()).unwrap();
    let memory = Memory::new();
    speak(&builder(&memory).install_or_degrade(), &memory);
}

#[test]
#[ignore = "a test runs it"]
fn program_that_installs_twice() {
    let first = Memory::new();
    let telemetry = builder(&first).install_or_degrade();
    let second = Memory::new();
    let another = builder(&second).install_or_degrade();
    println!("another: {}", another.describe());
    drop(another);
    speak(&telemetry, &first);
}

#[test]
fn where_somebody_has_the_place_already_telemetry_is_off_and_says_what_to_write() {
    let said = run("program_with_a_subscriber");
    assert!(said.stdout.contains("described telemetry is switched off"), "{}", said.stdout);
    let [reason] = reasons(&said)[..] else { panic!("{}", said.stderr) };
    assert!(reason.starts_with("tracing-weaver: telemetry is off: a global `tracing` subscriber is set already"), "{reason}");
    assert!(reason.contains("builder().build()?"), "{reason}");

    let said = run("program_that_installs_twice");
    assert!(said.stdout.contains("another: telemetry is switched off") && said.stdout.contains("plain"), "{}", said.stdout);
    let [reason] = reasons(&said)[..] else { panic!("{}", said.stderr) };
    assert!(reason.contains("telemetry is installed already") && reason.contains("keep the `Telemetry` of the first one"), "{reason}");
}
