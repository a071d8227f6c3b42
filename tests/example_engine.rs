//! The example `dataflow_engine` as a program of its own: what it counts against what its telemetry says.
//!
//! Cargo runs it. It never looks into the program.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use support::example::command;
use support::run::{Run, attributes, plain_number, sums};
use tracing_weaver_registry::model::ResolvedRegistry;

fn registry() -> ResolvedRegistry {
    tracing_weaver_registry::load(concat!(env!("CARGO_MANIFEST_DIR"), "/registry/otelcol")).unwrap_or_else(|faults| panic!("{faults}"))
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

/// Arguments for a run with failures, and with three reloads of which the first fails.
fn eventful() -> [&'static str; 14] {
    [
        "{}/data",
        "{}/missing",
        "--rounds",
        "7",
        "--threads",
        "2",
        "--reload-after",
        "2",
        "--fail",
        "0.4",
        "--config",
        "{}/first",
        "--config",
        "{}/wrong",
    ]
}

/// Two configurations beside the files; the second does not hold.
fn mixed_files_and_configurations(folder: &Path) {
    mixed_files(folder);
    fs::write(folder.join("first"), "# Small batches, all of them traced.\nbatch_lines = 100\ntrace_every = 1\n").expect("a file");
    fs::write(folder.join("wrong"), "\nbatch_lines = many\n").expect("a file");
    fs::write(folder.join("last"), "batch_lines = 300\ntrace_every = 1\n").expect("a file");
}

#[test]
fn the_sums_are_what_the_engine_counted_whatever_the_filter() {
    for filter in ["info", "trace", "off"] {
        let args = [&eventful()[..], &["--config", "{}/last"]].concat();
        let run = Run::new(filter, &args, mixed_files_and_configurations);
        run.assert_success();
        let counted = run.engine_count();
        assert_eq!(sums(&run.metrics()), counted, "filter `{filter}`");
        assert_eq!(counted["otelcol.pipeline.batch.inflight"], 0);
        assert_eq!(counted["otelcol.engine.pipelines"], 0);
        assert!(counted["otelcol.node.retries"] > 0 && counted["otelcol.node.failed.items"] > 0, "{counted:?}");
    }
}

#[test]
fn old_pipelines_drain_while_new_ones_run_under_the_same_ids() {
    let run = Run::new("info", &["{}/data", "--rounds", "6", "--threads", "2", "--reload-after", "2"], mixed_files);
    run.assert_success();
    for thread in ["1", "2"] {
        let mut scopes = BTreeSet::new();
        let mut story = Vec::new();
        for (scope, record) in run.records() {
            let (entities, of_record) = (attributes(&scope["scope"]), attributes(&record));
            let name = record["eventName"].as_str().unwrap_or_default().to_owned();
            if entities.get("thread.id").is_none_or(|id| id != thread) || !name.starts_with("otelcol.pipeline.") {
                continue;
            }
            scopes.insert(entities);
            let more = of_record.get("otelcol.config.generation").or(of_record.get("otelcol.drain.reason")).cloned();
            story.push((plain_number(&record["timeUnixNano"]), format!("{name} {}", more.unwrap_or_default())));
        }
        story.sort();
        assert_eq!(scopes.len(), 1, "one pipeline, however often it is started: {scopes:?}");
        let at = |what: &str, nth: usize| {
            let found = story.iter().enumerate().filter(|(_, (_, told))| told == what).nth(nth);
            found.unwrap_or_else(|| panic!("`{what}` in {story:#?}")).0
        };
        for (generation, reason) in [(1, "reload"), (2, "reload"), (3, "shutdown")] {
            let started = at(&format!("otelcol.pipeline.start {generation}"), 0);
            let drains = at(&format!("otelcol.pipeline.drain.start {reason}"), if reason == "reload" { generation - 1 } else { 0 });
            assert!(started < drains && drains < at("otelcol.pipeline.complete ", generation - 1), "{story:#?}");
        }
        assert!(at("otelcol.pipeline.start 2", 0) < at("otelcol.pipeline.complete ", 0), "the old one still ran: {story:#?}");
        assert_eq!(story.len(), 9, "{story:#?}");
    }
    let lines: i64 = run.stdout().lines().filter(|line| line.contains(" checksum: ")).map(lines_of).sum();
    assert_eq!(lines, 6 * text_lines(&run.folder.path().join("data")).len() as i64, "every round was read, none of it twice");
}

#[test]
fn a_configuration_that_does_not_hold_fails_the_reload_and_the_old_one_runs_on() {
    let run = Run::new("info", &eventful(), mixed_files_and_configurations);
    run.assert_success();
    let fault = BTreeMap::from([("error.type", "not_a_number"), ("otelcol.config.line", "2")].map(|(k, v)| (k.to_owned(), v.to_owned())));
    assert_eq!(run.told("otelcol.pipeline_group.config.fail"), vec![fault; 3]);
    let failure = BTreeMap::from([("error.type".to_owned(), "not_a_number".to_owned())]);
    assert_eq!(run.told("otelcol.pipeline_group.reload.fail"), vec![failure; 3]);
    assert_eq!(run.told("otelcol.pipeline.start").len(), 2, "none but the first, on each thread");
    let lines: i64 = run.stdout().lines().filter(|line| line.contains(" checksum: ")).map(lines_of).sum();
    assert_eq!(lines, 7 * text_lines(&run.folder.path().join("data")).len() as i64);
    assert_eq!(sums(&run.metrics()), run.engine_count());
}

#[test]
fn a_first_configuration_that_does_not_hold_is_a_failure_of_the_run() {
    let run = Run::new("info", &["{}/data", "--config", "{}/wrong"], mixed_files_and_configurations);
    assert_eq!(run.output.status.code(), Some(1));
    let stderr = String::from_utf8_lossy(&run.output.stderr);
    assert!(stderr.contains("line 2 of the configuration: not_a_number"), "{stderr}");
    assert_eq!(sums(&run.metrics()), run.engine_count());
}

/// Of the line that tells what the checksum is.
fn lines_of(result: &str) -> i64 {
    result.rsplit(' ').nth(1).and_then(|lines| lines.parse().ok()).unwrap_or_else(|| panic!("a number of lines in `{result}`"))
}

/// The lines of the mixed files that are text, in the order in which they are read.
fn text_lines(data: &Path) -> Vec<Vec<u8>> {
    let names = ["bytes", "deeper/long", "empty", "text", "unended"];
    let bytes = names.map(|name| fs::read(data.join(name)).expect("a file"));
    let lines = bytes.iter().flat_map(|bytes| bytes.split(|byte| *byte == b'\n'));
    lines.filter(|line| std::str::from_utf8(line).is_ok_and(|text| !text.trim().is_empty())).map(<[u8]>::to_vec).collect()
}

#[test]
fn gauges_and_histograms_are_there_and_the_histograms_count_each_message() {
    let run = Run::new("off", &["{}/data", "--rounds", "1", "--threads", "1"], mixed_files);
    run.assert_success();
    let metrics = run.metrics();
    let gauges: BTreeSet<_> = metrics.iter().filter(|(_, metric)| metric["gauge"].is_object()).map(|(_, m)| m["name"].as_str()).collect();
    let expected = ["otelcol.channel.receiver.capacity", "otelcol.channel.receiver.depth", "otelcol.pipeline_group.config.generation"];
    assert_eq!(gauges, expected.map(Some).into());

    let mut series = BTreeMap::new();
    for (scope, metric) in metrics.iter().filter(|(_, metric)| metric["name"] == "otelcol.pipeline.batch.size") {
        for point in metric["histogram"]["dataPoints"].as_array().expect("points") {
            let counts: i64 = point["bucketCounts"].as_array().expect("buckets").iter().map(plain_number).sum();
            assert_eq!(counts, plain_number(&point["count"]));
            series.insert((attributes(&scope["scope"]), attributes(point)), point["sum"].as_f64().expect("a sum"));
        }
    }
    let checksum = run.stdout().lines().find(|line| line.contains("checksum")).expect("a checksum").to_owned();
    assert_eq!(series.values().sum::<f64>(), lines_of(&checksum) as f64, "{checksum}");
}

#[test]
fn records_stand_in_the_scope_of_their_entities_and_nothing_that_is_only_folded_is_one() {
    let run = Run::new("trace", &["{}/data", "{}/missing", "--rounds", "1", "--threads", "1", "--fail", "1"], mixed_files);
    run.assert_success();
    let records = run.records();
    let engine: Vec<_> =
        records.iter().filter(|(scope, _)| scope["scope"]["name"].as_str().is_some_and(|n| n.starts_with("dataflow_engine"))).collect();
    let registry = registry();
    for (_, record) in &engine {
        let name = record["eventName"].as_str().expect("every event of the engine has a name");
        let event = registry.event(registry.event_by_name(name).unwrap_or_else(|| panic!("`{name}` is not in the registry")));
        assert!(event.forward, "`{name}` is only folded");
        let severity = event.severity.map(|severity| format!("{severity:?}").to_uppercase());
        assert_eq!(record["severityText"].as_str(), severity.as_deref(), "{name}");
    }

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
    let lines = text_lines(&run.folder.path().join("data"));
    let mut sum = crc32fast::Hasher::new();
    for line in &lines {
        sum.update(line);
        sum.update(b"\n");
    }
    let expected = format!("engine 1 configuration 1 checksum: {:08x} over {} lines", sum.finalize(), lines.len());
    assert!(run.stdout().contains(&expected), "`{expected}` in\n{}", run.stdout());
}

#[test]
fn a_pipeline_that_cannot_be_built_is_an_event_and_a_failure_of_the_run() {
    let run = Run::new("info", &["{}/data", "--threads", "1", "--out", "{}/nowhere"], mixed_files);
    assert_eq!(run.output.status.code(), Some(1));
    let failure = run.told("otelcol.pipeline.fail").pop().expect("the failure");
    assert_eq!(failure["error.type"], "not_found");
    assert!(failure["exception.message"].contains("os error"), "{failure:?}");
    assert_eq!(run.told("otelcol.node.fail").pop().expect("the node's")["error.type"], "not_found");
    let attempts: Vec<_> = run.told("otelcol.node.start").iter().map(|of| of["otelcol.node.start.attempt"].clone()).collect();
    assert_eq!(attempts, ["1", "2"]);
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
    for args in [&["--threads", "0"][..], &["--fail", "1.5"], &["--rounds"], &["--config"], &["--bogus"]] {
        let output = command().args(args).output().expect("the example runs");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(stderr.lines().count() == 1 && stderr.contains("--help") && output.stdout.is_empty(), "{stderr}");
    }
}

/// What no run of the example reaches, and why. What is only folded is seen by its metrics.
const NOT_REACHED: [(&str, &str); 5] = [
    ("otelcol.channel.fail", "the controller stops sending before it lets a pipeline's end of a control channel go"),
    ("otelcol.engine.bind.fail", "where the system forbids it alone"),
    ("otelcol.pipeline.abort", "the example lets a pipeline drain as long as it takes"),
    ("otelcol.pipeline_group.reload.cancel", "nobody can take back an order of the example's controller"),
    ("otelcol.node.fail", "seen in another test: it ends the run"),
];

#[test]
fn every_event_and_every_set_of_the_registry_comes_or_has_a_reason_not_to() {
    let args = [&eventful()[..], &["--config", "{}/last"]].concat();
    let run = Run::new("trace", &args, mixed_files_and_configurations);
    run.assert_success();
    let stderr = String::from_utf8_lossy(&run.output.stderr);
    assert_eq!(stderr.lines().count(), 1, "code and registry agree, so nothing is said but what started: {stderr}");
    let ended = Run::new("trace", &["{}/data", "--out", "{}/nowhere"], mixed_files);
    let records: Vec<_> = run.records().into_iter().chain(ended.records()).collect();
    let records: BTreeSet<&str> = records.iter().filter_map(|(_, record)| record["eventName"].as_str()).collect();
    let metrics = run.metrics();
    let metrics: BTreeSet<&str> = metrics.iter().filter_map(|(_, metric)| metric["name"].as_str()).collect();

    let registry = registry();
    for event in registry.events.iter().filter(|event| event.forward) {
        let reason = NOT_REACHED.iter().find(|(name, _)| *name == event.name);
        assert!(records.contains(event.name.as_str()) || reason.is_some(), "`{}` never comes, and nobody says why", event.name);
    }
    for metric in &registry.metrics {
        assert!(metrics.contains(metric.name.as_str()), "`{}` of `{}` never comes", metric.name, registry.metric_set(metric.set).name);
    }
}

#[test]
fn a_channels_sets_stand_in_the_scope_of_the_channel_and_of_the_node_that_uses_its_end() {
    let run = Run::new("off", &["{}/data", "--rounds", "1", "--threads", "1"], mixed_files);
    let ends = |set: &str| -> BTreeSet<(String, String)> {
        let scopes = run.metrics().into_iter().map(|(scope, _)| scope["scope"].clone()).filter(|scope| scope["name"] == set);
        let of = |entities: &BTreeMap<String, String>, key: &str| entities.get(key).cloned().unwrap_or_default();
        scopes.map(|scope| attributes(&scope)).map(|all| (of(&all, "otelcol.channel.id"), of(&all, "otelcol.node.id"))).collect()
    };
    let pairs = |pairs: [(&str, &str); 7]| pairs.map(|(channel, node)| (channel.to_owned(), node.to_owned())).into();
    let sending = [
        ("control:read_files", ""), // the controller is no node
        ("pdata:batch:out", "batch"),
        ("pdata:fan_out:checksum", "fan_out"),
        ("pdata:fan_out:gzip", "fan_out"),
        ("pdata:parse_lines:out", "parse_lines"),
        ("pdata:read_files:out", "read_files"),
        ("pdata:text_only:out", "text_only"),
    ];
    assert_eq!(ends("otelcol.channel.sender"), pairs(sending));
    let receiving = [
        ("control:read_files", "read_files"),
        ("pdata:batch:out", "fan_out"),
        ("pdata:fan_out:checksum", "checksum"),
        ("pdata:fan_out:gzip", "gzip_file"),
        ("pdata:parse_lines:out", "text_only"),
        ("pdata:read_files:out", "parse_lines"),
        ("pdata:text_only:out", "batch"),
    ];
    assert_eq!(ends("otelcol.channel.receiver"), pairs(receiving));
}

#[test]
fn a_set_stands_in_the_scope_of_its_own_entity_and_those_around_it_alone() {
    let run = Run::new("off", &["{}/data", "--rounds", "1", "--threads", "1"], mixed_files);
    let keys = |set: &str| -> BTreeSet<Vec<String>> {
        let scopes = run.metrics().into_iter().map(|(scope, _)| scope["scope"].clone()).filter(|scope| scope["name"] == set);
        scopes.map(|scope| attributes(&scope).into_keys().filter(|key| !key.contains("logical_number")).collect()).collect()
    };
    let only = |keys: &[&str]| BTreeSet::from([keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>()]);
    assert_eq!(keys("otelcol.engine.load"), only(&["thread.id"]));
    assert_eq!(keys("otelcol.pipeline_group.configuration"), only(&["otelcol.pipeline_group.id"]));
    assert_eq!(keys("otelcol.pipeline.batches"), only(&["otelcol.pipeline.id", "otelcol.pipeline_group.id", "thread.id"]));
    let node =
        ["otelcol.node.id", "otelcol.node.type", "otelcol.node.urn", "otelcol.pipeline.id", "otelcol.pipeline_group.id", "thread.id"];
    assert_eq!(keys("otelcol.node.flow"), only(&node));
}
