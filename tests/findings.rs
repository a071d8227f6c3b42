//! Findings as a person meets them: on stderr of a program that disagrees with its registry, and as data of the handle.
//!
//! Each test runs this binary again with one of its ignored tests and an environment of its own.
#![cfg(all(feature = "console", feature = "log", feature = "yaml"))]

mod support;

use std::process::Command;
use std::time::{Duration, Instant};

use tracing::{Level, event, info_span};
use tracing_weaver::{Finding, FindingLevel, Telemetry};

const REGISTRY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/registry/acme");
const SECRET: &str = "t0k3n-0f-th3-sh0p";

fn install() -> Telemetry {
    tracing_weaver::builder().registry(REGISTRY).install().unwrap()
}

/// A program with a slip in each statement.
#[test]
#[ignore = "the other tests run it"]
fn program() {
    let telemetry = install();
    event!(name: "acme.order.acept", Level::DEBUG, acme.order.items = 3);
    let shop = info_span!("acme.shop", acme.shop.id = "north").entered();
    event!(name: "acme.order.accept", Level::INFO, acme.order.itmes = 3, acme.shop.token = SECRET, acme.order.outcome = SECRET);
    drop(shop);
    event!(name: "acme.order.accept", Level::INFO, acme.order.items = 3);
    shown(&telemetry.findings());
    telemetry.shutdown(Duration::from_secs(5));
    assert!(telemetry.findings().iter().all(|finding| finding.count == 1), "they are there after the end too");
}

/// The same program with findings switched off in code.
#[test]
#[ignore = "the other tests run it"]
fn program_without() {
    let telemetry = tracing_weaver::builder().registry(REGISTRY).findings(false).install().unwrap();
    event!(name: "acme.order.acept", Level::DEBUG, acme.order.items = 3);
    shown(&telemetry.findings());
}

/// Code beats the environment.
#[test]
#[ignore = "the other tests run it"]
fn program_with() {
    let telemetry = tracing_weaver::builder().registry(REGISTRY).findings(true).install().unwrap();
    event!(name: "acme.order.acept", Level::DEBUG, acme.order.items = 3);
    shown(&telemetry.findings());
}

/// More slips than one reads at once.
#[test]
#[ignore = "the other tests run it"]
fn program_with_many() {
    macro_rules! emit {
        ($($name:literal)*) => {$(
            event!(name: concat!("acme.order.", $name, ".open"), Level::INFO, {});
            event!(name: concat!("acme.order.", $name, ".close"), Level::INFO, {});
            event!(name: concat!("acme.order.", $name, ".move"), Level::INFO, {});
            event!(name: concat!("acme.order.", $name, ".stop"), Level::INFO, {});
        )*};
    }
    let telemetry = install();
    emit!("a" "b" "c" "d" "e" "f" "g" "h" "i" "j" "k" "l" "m" "n" "o" "p" "q" "r" "s" "t" "u" "v" "w" "x" "y" "z");
    shown(&telemetry.findings());
}

/// Waits until the export thread has printed without being asked to end.
#[test]
#[ignore = "the other tests run it"]
fn program_that_is_killed() {
    let _telemetry = install();
    event!(name: "acme.order.acept", Level::DEBUG, acme.order.items = 3);
    std::thread::sleep(Duration::from_secs(60));
}

fn shown(findings: &[Finding]) {
    for finding in findings {
        println!("DATA {} {} {:?} {}", finding.id, finding.level, finding.attribute, finding.name);
    }
}

struct Said {
    data: Vec<String>,
    stderr: String,
}

impl Said {
    /// First lines of findings on stderr.
    fn findings(&self) -> Vec<&str> {
        self.stderr.lines().filter_map(|line| line.strip_prefix("tracing-weaver: finding ")).collect()
    }
}

fn command(program: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", program, "--ignored", "--nocapture", "--quiet"]);
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("OTEL_") || name.starts_with("TRACING_WEAVER_") || name == "RUST_LOG") {
            command.env_remove(name);
        }
    }
    command
}

fn run(program: &str, variables: &[(&str, &str)]) -> Said {
    let output = command(program).envs(variables.iter().copied()).output().unwrap();
    let (stdout, stderr) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success(), "{stdout}\n{stderr}");
    Said { data: stdout.lines().filter_map(|line| line.split_once("DATA ")).map(|(_, data)| data.to_owned()).collect(), stderr }
}

#[test]
fn each_slip_is_said_once_with_its_place_and_what_to_write_and_no_value() {
    let said = run("program", &[]);
    let expected = [
        "missing_event violation None acme.order.acept",
        "missing_attribute violation Some(\"acme.order.itmes\") acme.order.accept",
        "missing_attribute violation Some(\"acme.shop.token\") acme.order.accept",
        "required_attribute_not_present violation Some(\"acme.order.items\") acme.order.accept",
        "undefined_enum_variant information Some(\"acme.order.outcome\") acme.order.accept",
        "entity_association_not_satisfied violation None acme.order.accept",
    ];
    let sorted = |lines: &[&str]| {
        let mut lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&said.data.iter().map(String::as_str).collect::<Vec<_>>()), sorted(&expected), "{}", said.stderr);
    assert_eq!(said.findings().len(), expected.len(), "{}", said.stderr);
    for part in [
        "tracing-weaver: finding (violation): event `acme.order.acept` is not in the registry",
        "\n  at tests/findings.rs:",
        "\n  did you mean `acme.order.accept`?",
        "\n    event!(name: \"acme.order.accept\", Level::DEBUG, acme.order.items = …);",
        "\n    events:\n      - name: acme.order.acept\n",
        "\n  did you mean `acme.order.items`?",
        "which it requires; its field `acme.order.itmes` may be meant",
        "\n    let _entered = info_span!(\"acme.shop\", acme.shop.id = …).entered();",
    ] {
        assert!(said.stderr.contains(part), "{part:?} in {}", said.stderr);
    }
    // Records on the console begin with the year.
    let findings: Vec<&str> = said.stderr.lines().filter(|line| !line.starts_with("20")).collect();
    assert!(findings.iter().all(|line| !line.contains(SECRET)), "{findings:#?}");
}

#[test]
fn findings_are_switched_off_by_the_environment_and_in_code() {
    for (program, variables) in [
        ("program", &[("TRACING_WEAVER_FINDINGS", "off")][..]),
        ("program_without", &[]),
        ("program_without", &[("TRACING_WEAVER_FINDINGS", "on")]),
    ] {
        let said = run(program, variables);
        assert!(said.findings().is_empty() && said.data.is_empty(), "{program}: {}", said.stderr);
    }
    assert_eq!(run("program_with", &[("TRACING_WEAVER_FINDINGS", "off")]).findings().len(), 1, "code beats the environment");
}

#[test]
fn of_many_findings_some_are_printed_and_the_rest_is_counted() {
    let said = run("program_with_many", &[]);
    assert_eq!(said.data.len(), 104);
    let printed = said.findings().len();
    assert!((10..104).contains(&printed), "{}", said.stderr);
    let left = said.stderr.lines().rev().find_map(|line| line.strip_suffix(" more findings; `Telemetry::findings` has them")).unwrap();
    assert_eq!(left, format!("tracing-weaver: {}", 104 - printed), "{}", said.stderr);
}

#[test]
fn a_program_hears_of_a_slip_while_it_runs() {
    use std::io::{BufRead as _, BufReader};
    use std::process::Stdio;

    let mut child = command("program_that_is_killed").stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let stderr = BufReader::new(child.stderr.take().unwrap());
    let began = Instant::now();
    let heard = stderr.lines().map_while(Result::ok).any(|line| line.contains("finding (violation): event `acme.order.acept`"));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(heard && began.elapsed() < Duration::from_secs(50), "it is said long before the program ends");
}

#[test]
fn the_example_agrees_with_its_registry() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.txt"), "one line\n".repeat(5000)).unwrap();
    let mut command = support::example::command();
    let output = command.arg(folder.path()).args(["--rounds", "2", "--fail", "0.5"]).env("RUST_LOG", "trace").output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    assert!(stderr.contains("tracing-weaver: registry example.com/schemas/otelcol"), "{stderr}");
    let findings: Vec<&str> = stderr.lines().filter(|line| line.contains("finding")).collect();
    assert!(findings.is_empty(), "{findings:#?}");
}

#[test]
fn levels_have_an_order_and_weavers_names() {
    assert!(FindingLevel::Information < FindingLevel::Improvement && FindingLevel::Improvement < FindingLevel::Violation);
    assert_eq!(FindingLevel::Violation.to_string(), "violation");
}
