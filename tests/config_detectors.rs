//! Detectors, seen from outside: what stands on the resource of every signal.
#![cfg(feature = "console")]

#[path = "support/again.rs"]
mod again;

use std::time::Duration;

use again::{Lines, shown, text};
use serde_json::Value;

const DETECTORS: &str = "PROGRAM_DETECTORS";

#[test]
#[ignore = "the other tests run it"]
fn program() {
    let names = std::env::var(DETECTORS).unwrap_or_default();
    let names = names.split(',').filter(|name| !name.is_empty()).map(str::to_owned);
    match tracing_weaver::builder().detectors(names).build() {
        Ok((telemetry, layer)) => {
            use tracing_subscriber::prelude::*;
            tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
                tracing::info!("up");
                tracing::info_span!("work").in_scope(|| ());
            });
            let _ = telemetry.shutdown(Duration::from_secs(30));
        }
        Err(error) => println!("error {error}"),
    }
}

/// The resource with these detectors.
fn resource(detectors: &str, variables: &[(&str, &str)]) -> Vec<(String, Value)> {
    let lines = Lines::new();
    let path = shown(&lines.path());
    let all = [&[(DETECTORS, detectors), ("TRACING_WEAVER_FILE", path.as_str())], variables].concat();
    again::run("program", &all);
    let resources = ["/resourceLogs/0/resource", "/resourceSpans/0/resource", "/resourceMetrics/0/resource"].map(|path| lines.at(path));
    let mut resources = resources.concat().into_iter();
    let first = resources.next().expect("a resource");
    assert!(resources.all(|other| other == first), "one and the same for every signal: {}", lines.text());
    again::attributes(&first)
}

fn keys(resource: &[(String, Value)]) -> Vec<&str> {
    resource.iter().map(|(key, _)| key.as_str()).collect()
}

const DEFAULTS: [&str; 5] =
    ["service.name", "service.instance.id", "telemetry.sdk.name", "telemetry.sdk.language", "telemetry.sdk.version"];

#[test]
fn without_a_word_there_is_the_service_and_nothing_of_the_machine() {
    assert_eq!(keys(&resource("", &[])), DEFAULTS);
    assert_eq!(keys(&resource("service_instance,env,service_name,env", &[])), DEFAULTS, "those that are always on may be named");
}

#[test]
fn every_start_is_an_instance_of_its_own() {
    let id = || text(&resource("", &[]), "service.instance.id").unwrap();
    assert_ne!(id(), id());
}

#[cfg(target_os = "linux")]
#[test]
fn machine_system_and_process_are_told_on_request_and_agree_with_the_system() {
    let resource = resource("host,os,process", &[]);
    let file = |path: &str| std::fs::read_to_string(path).map(|text| text.trim().to_owned());
    assert_eq!(text(&resource, "host.name"), file("/proc/sys/kernel/hostname").ok());
    if let Ok(id) = file("/etc/machine-id")
        && id.len() == 32
    {
        assert_eq!(text(&resource, "host.id"), Some(id));
    }
    assert!(text(&resource, "host.arch").is_some());
    assert_eq!(text(&resource, "os.type").as_deref(), Some("linux"));
    let pid = resource.iter().find(|(key, _)| key == "process.pid").map(|(_, value)| value["intValue"].as_str().unwrap().to_owned());
    assert!(pid.is_some_and(|pid| pid.parse::<u32>().is_ok_and(|pid| pid != std::process::id())));
    let created = text(&resource, "process.creation.time").unwrap();
    let created = humantime::parse_rfc3339(&created).unwrap();
    let age = std::time::SystemTime::now().duration_since(created).unwrap();
    assert!(age < Duration::from_secs(3600), "this very process: {age:?}");
    assert!(text(&resource, "process.executable.name").unwrap().starts_with("config_detectors"));
    assert_eq!(text(&resource, "process.runtime.name").as_deref(), Some("rustc"));
    let says_more_than_asked =
        |key: &&str| ["process.command", "process.executable.path", "process.owner"].iter().any(|prefix| key.starts_with(prefix));
    assert!(!keys(&resource).iter().any(says_more_than_asked), "{resource:?}");
}

#[test]
fn the_command_line_is_told_by_its_own_choice_alone() {
    let resource = resource("process_command_line", &[]);
    let arguments = resource.iter().find(|(key, _)| key == "process.command_args").map(|(_, value)| value.to_string()).unwrap();
    assert!(arguments.contains("--ignored"), "{arguments}");
    assert!(text(&resource, "process.executable.path").unwrap().contains("config_detectors"));
    assert!(!keys(&resource).contains(&"process.pid"));
}

#[test]
fn a_pod_is_told_from_the_variables_of_the_downward_api() {
    let pod = [("K8S_POD_NAME", "shop-1"), ("POD_NAMESPACE", "market"), ("K8S_NODE_NAME", "n1"), ("POD_UID", "7")];
    let found = resource("k8s,container", &pod);
    assert_eq!(text(&found, "k8s.pod.name").as_deref(), Some("shop-1"));
    assert_eq!(text(&found, "k8s.namespace.name").as_deref(), Some("market"));
    assert_eq!(text(&found, "k8s.node.name").as_deref(), Some("n1"));
    assert_eq!(text(&found, "k8s.pod.uid").as_deref(), Some("7"));
    assert!(!keys(&resource("", &pod)).iter().any(|key| key.starts_with("k8s.")), "only on request");
}

#[test]
fn what_the_environment_says_wins_over_what_a_detector_found() {
    let resource = resource("os,host", &[("OTEL_RESOURCE_ATTRIBUTES", "os.type=plan9,host.name=ken")]);
    assert_eq!(text(&resource, "os.type").as_deref(), Some("plan9"));
    assert_eq!(text(&resource, "host.name").as_deref(), Some("ken"));
}

#[test]
fn a_name_that_no_detector_has_is_an_error_that_names_those_there_are() {
    let said = again::run("program", &[(DETECTORS, "os,hots")]);
    let error = said.stdout.lines().find(|line| line.starts_with("error ")).expect("an error");
    for name in ["`hots`", "`host`", "`os`", "`process`", "`process_command_line`", "`container`", "`k8s`"] {
        assert!(error.contains(name), "{error}");
    }
}
