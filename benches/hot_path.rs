//! What an event costs: instructions by callgrind, and time as ratios, beside a floor measured in the same run.
//!
//! The set-up is always the same: the reference registry with the reference event beside it, a global
//! dispatcher, inside a node span inside a pipeline span inside a sampled trace, filter `warn,hot_path=info`. The floor is a
//! `Registry` with one layer that visits the same four fields. The peer is what else sends records and spans of `tracing` to OTLP:
//! `tracing-opentelemetry` with `opentelemetry-appender-tracing` and the SDK's batch processors. Without valgrind only times are printed.
//!
//! `cargo bench --bench hot_path` prints the table; with `-- --check` it fails where a ratio is exceeded.

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use opentelemetry::trace::{TraceContextExt, Tracer, TracerProvider};
use opentelemetry::{Context, ContextGuard};
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::{self, BatchLogProcessor, LogBatch, LogExporter, SdkLoggerProvider};
use opentelemetry_sdk::trace::{self, BatchSpanProcessor, Sampler, SdkTracerProvider, SpanData, SpanExporter, SpanLimits};
use tracing::{Level, event, info_span};
use tracing_subscriber::prelude::*;
use tracing_weaver_layers::{ForwardFilter, RecordReader, Settings, SpanSettings, SpanSink, weave};
use tracing_weaver_registry::model::ResolvedRegistry;

const EVENTS: usize = 20_000;
const TURN: usize = 200;

/// A scenario, what it is measured against, and the most that it may cost.
struct Scenario {
    name: &'static str,
    floor: &'static str,
    limit: Limit,
}

enum Limit {
    None,
    /// Times the floor.
    Ratio(f64),
    /// Instructions over the floor.
    Over(f64),
}

const SCENARIOS: &[Scenario] = &[
    Scenario { name: "floor", floor: "floor", limit: Limit::None },
    Scenario { name: "fold", floor: "floor", limit: Limit::Ratio(1.3) },
    Scenario { name: "dimension", floor: "floor", limit: Limit::Ratio(1.6) },
    Scenario { name: "forward", floor: "floor", limit: Limit::Ratio(2.1) },
    Scenario { name: "peer-forward", floor: "floor", limit: Limit::None },
    Scenario { name: "disabled", floor: "floor", limit: Limit::None },
    Scenario { name: "enter-registry", floor: "enter-registry", limit: Limit::None },
    Scenario { name: "enter", floor: "enter-registry", limit: Limit::Over(200.0) },
    Scenario { name: "span-registry", floor: "span-registry", limit: Limit::None },
    Scenario { name: "span", floor: "span-registry", limit: Limit::None },
    Scenario { name: "peer-span", floor: "span-registry", limit: Limit::None },
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| arguments.iter().position(|a| a == name).and_then(|at| arguments.get(at + 1));
    if let Some(scenario) = value("--scenario") {
        return run(scenario, value("--events").and_then(|n| n.parse().ok()).unwrap_or(EVENTS));
    }
    let check = arguments.iter().any(|a| a == "--check");
    let valgrind = Command::new("valgrind").arg("--version").output().is_ok_and(|out| out.status.success());
    if !valgrind {
        println!("valgrind is not installed: times only");
        assert!(!check, "`--check` compares instruction counts, which need valgrind");
    }
    let measured: Vec<_> =
        SCENARIOS.iter().map(|scenario| (scenario, valgrind.then(|| instructions(scenario.name)), best_time(scenario.name))).collect();
    let of = |name: &str| measured.iter().find(|(s, ..)| s.name == name).expect("every floor is a scenario");
    println!("{:<16} {:>13} {:>8} {:>8} {:>9} {:>8}  limit", "scenario", "instructions", "ratio", "over", "ns (min)", "ratio");
    let mut failed = false;
    for (scenario, count, time) in &measured {
        let (_, floor, floor_time) = of(scenario.floor);
        let (mut ratio, mut over, mut shown) = (String::new(), String::new(), String::new());
        if let (Some(count), Some(floor)) = (count, floor) {
            (ratio, over, shown) = (format!("{:.2}x", count / floor), format!("{:+.0}", count - floor), format!("{count:.1}"));
            failed |= match scenario.limit {
                Limit::None => false,
                Limit::Ratio(limit) => count / floor > limit,
                Limit::Over(limit) => count - floor > limit,
            };
        }
        let limit = match scenario.limit {
            Limit::None => String::new(),
            Limit::Ratio(limit) => format!("<= {limit:.2}x"),
            Limit::Over(limit) => format!("<= {limit:+.0}"),
        };
        println!("{:<16} {shown:>13} {ratio:>8} {over:>8} {time:>9.1} {:>7.2}x  {limit}", scenario.name, time / floor_time);
    }
    if check && failed {
        eprintln!("an instruction count is past its limit");
        std::process::exit(1);
    }
}

/// Instructions per event, counted in the emitting functions alone: the difference of two runs, so that what a
/// first event sets up does not count.
fn instructions(scenario: &str) -> f64 {
    let collected = |events: usize| {
        let exe = std::env::current_exe().expect("a bench knows its own path");
        let out = Command::new("valgrind")
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--collect-atstart=no", "--toggle-collect=*emit_events*"])
            .arg(exe)
            .args(["--scenario", scenario, "--events", &events.to_string()])
            .output()
            .expect("valgrind runs");
        let text = String::from_utf8_lossy(&out.stderr).into_owned();
        let count = text.lines().find_map(|line| line.split("Collected : ").nth(1)).unwrap_or_else(|| panic!("callgrind's output: {text}"));
        count.trim().parse::<f64>().expect("callgrind prints a count")
    };
    (collected(2 * EVENTS) - collected(EVENTS)) / EVENTS as f64
}

/// Nanoseconds per event, the best of several runs.
fn best_time(scenario: &str) -> f64 {
    let exe = std::env::current_exe().expect("a bench knows its own path");
    let time = || {
        let out = Command::new(&exe).args(["--scenario", scenario, "--events", "400000"]).output().expect("the bench runs itself");
        String::from_utf8_lossy(&out.stdout).trim().parse::<f64>().expect("a scenario prints its time")
    };
    (0..5).map(|_| time()).fold(f64::INFINITY, f64::min)
}

fn registry() -> ResolvedRegistry {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = Vec::new();
    for folder in ["registry/otelcol", "registry/otel"] {
        read(root, &root.join(folder), &mut sources);
    }
    let reference = std::fs::read_to_string(root.join("benches/registry/reference.yaml")).expect("the bench's registry file");
    sources.push(("registry/otelcol/bench.yaml".to_owned(), reference));
    let sources: Vec<(&str, &str)> = sources.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    tracing_weaver_registry::yaml::load_sources(&sources).unwrap_or_else(|errors| panic!("{errors}"))
}

fn read(root: &Path, folder: &Path, sources: &mut Vec<(String, String)>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder).expect("a folder of the registry").flatten().map(|e| e.path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            read(root, &path, sources);
        } else if path.extension().is_some_and(|e| e == "yaml" || e == "yml") {
            let name = path.strip_prefix(root).expect("under the root").to_string_lossy().into_owned();
            sources.push((name, std::fs::read_to_string(&path).expect("a file of the registry")));
        }
    }
}

struct FloorLayer;

struct Sum(u64);

impl tracing::field::Visit for Sum {
    fn record_u64(&mut self, _: &tracing::field::Field, value: u64) {
        self.0 = self.0.wrapping_add(value);
    }
    fn record_i64(&mut self, _: &tracing::field::Field, value: i64) {
        self.0 = self.0.wrapping_add(value as u64);
    }
    fn record_bool(&mut self, _: &tracing::field::Field, value: bool) {
        self.0 = self.0.wrapping_add(value as u64);
    }
    fn record_str(&mut self, _: &tracing::field::Field, value: &str) {
        self.0 = self.0.wrapping_add(value.len() as u64);
    }
    fn record_debug(&mut self, _: &tracing::field::Field, _: &dyn std::fmt::Debug) {}
}

impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for FloorLayer {
    fn on_event(&self, event: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
        let mut sum = Sum(0);
        event.record(&mut sum);
        black_box(sum.0);
    }
}

macro_rules! emit {
    ($function:ident, $name:literal, $level:ident) => {
        #[inline(never)]
        fn $function(from: usize, to: usize) {
            for i in from..to {
                event!(
                    name: $name,
                    Level::$level,
                    item_count = black_box(i as u64),
                    outcome = black_box("success"),
                    is_retry = black_box(false),
                    queue_depth = black_box(7i64)
                );
            }
        }
    };
}

// The fold's level is below the filter's: counting goes on at TRACE.
emit!(emit_events_fold, "otelcol.bench.fold", TRACE);
emit!(emit_events_dimension, "otelcol.bench.dimension", TRACE);
emit!(emit_events_forward, "otelcol.bench.forward", INFO);
emit!(emit_events_disabled, "otelcol.bench.forward", TRACE);

#[inline(never)]
fn emit_events_enter(spans: &[tracing::Span], from: usize, to: usize) {
    for i in from..to {
        let _entered = spans[i % spans.len()].enter();
        black_box(i);
    }
}

/// A sampled span of OpenTelemetry's SDK, current until the guard drops.
fn current_trace() -> ContextGuard {
    let tracer = SdkTracerProvider::builder().build().tracer("hot_path");
    Context::current_with_span(tracer.start("batch")).attach()
}

/// A trace span: made, entered, left and closed.
#[inline(never)]
fn emit_events_span(from: usize, to: usize) {
    for i in from..to {
        let _entered = info_span!("batch", items = black_box(i as u64), signal = black_box("logs")).entered();
        black_box(i);
    }
}

/// Takes everything and sends nothing.
#[derive(Debug)]
struct Nowhere;

impl LogExporter for Nowhere {
    async fn export(&self, batch: LogBatch<'_>) -> OTelSdkResult {
        black_box(batch.iter().count());
        Ok(())
    }
}

impl SpanExporter for Nowhere {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        black_box(batch.len());
        Ok(())
    }
}

/// Keeps spans until they are taken, as a queue would.
#[derive(Debug, Default)]
struct Kept(Mutex<Vec<SpanData>>);

impl SpanSink for Kept {
    fn take(&self, span: SpanData) {
        self.0.lock().expect("nobody panics with it").push(span);
    }
}

/// The SDK's providers with batch processors that lose nothing.
struct Peer {
    logs: SdkLoggerProvider,
    spans: SdkTracerProvider,
}

impl Peer {
    fn new() -> Peer {
        let logs = logs::BatchConfigBuilder::default().with_max_queue_size(EVENTS).build();
        let spans = trace::BatchConfigBuilder::default().with_max_queue_size(EVENTS).build();
        Peer {
            logs: SdkLoggerProvider::builder()
                .with_log_processor(BatchLogProcessor::builder(Nowhere).with_batch_config(logs).build())
                .build(),
            spans: SdkTracerProvider::builder()
                .with_span_processor(BatchSpanProcessor::builder(Nowhere).with_batch_config(spans).build())
                .build(),
        }
    }

    /// As an application uses them: spans become traces, events become records.
    fn install(&self) {
        let spans = tracing_opentelemetry::layer().with_tracer(self.spans.tracer("hot_path"));
        tracing_subscriber::registry().with(spans).with(OpenTelemetryTracingBridge::new(&self.logs)).init();
    }

    fn flush(&self) {
        self.logs.force_flush().expect("nothing stands in the way");
        self.spans.force_flush().expect("nothing stands in the way");
    }
}

fn run(scenario: &str, events: usize) {
    let mut reader: Option<RecordReader> = None;
    let mut peer: Option<Peer> = None;
    let mut kept: Option<Arc<Kept>> = None;
    match scenario {
        "floor" => tracing_subscriber::registry().with(FloorLayer).init(),
        "enter-registry" | "span-registry" => tracing_subscriber::registry().init(),
        "peer-forward" | "peer-span" => peer.insert(Peer::new()).install(),
        _ => {
            let mut settings = Settings::new(Arc::new(registry()));
            settings.filter = ForwardFilter::parse("warn,hot_path=info").expect("good directives");
            if scenario == "span" {
                let sink = kept.insert(Arc::default()).clone();
                settings.spans = Some(SpanSettings { sampler: Sampler::AlwaysOn, limits: SpanLimits::default(), text_limit: None, sink });
            }
            let (layer, _, records) = weave(settings).expect("the layer is made");
            reader = Some(records);
            tracing_subscriber::registry().with(layer).init();
        }
    }
    let pipeline = info_span!("otelcol.pipeline", otelcol.pipeline_group.id = "default", otelcol.pipeline.id = "main");
    let _in_pipeline = pipeline.enter();
    let node = info_span!(
        "otelcol.node",
        otelcol.node.id = "batch",
        otelcol.node.urn = "urn:otel:batch:processor",
        otelcol.node.r#type = "processor"
    );
    let other = info_span!(
        "otelcol.node",
        otelcol.node.id = "retry",
        otelcol.node.urn = "urn:otel:retry:processor",
        otelcol.node.r#type = "processor"
    );
    let spans = [node.clone(), other];
    let _in_node = (!scenario.starts_with("enter")).then(|| node.enter());
    let _in_trace = current_trace();
    let emit: &dyn Fn(usize, usize) = match scenario {
        "floor" | "forward" | "peer-forward" => &emit_events_forward,
        "fold" => &emit_events_fold,
        "dimension" => &emit_events_dimension,
        "disabled" => &emit_events_disabled,
        "span-registry" | "span" | "peer-span" => &emit_events_span,
        "enter" | "enter-registry" => &|from, to| emit_events_enter(&spans, from, to),
        other => panic!("no scenario `{other}`"),
    };
    let drain = |reader: &mut Option<RecordReader>| {
        if let Some(reader) = reader {
            while reader.drain(usize::MAX, &mut |record| {
                black_box(record.bytes.len());
            }) {}
        }
        if let Some(peer) = &peer {
            peer.flush();
        }
        if let Some(kept) = &kept {
            black_box(std::mem::take(&mut *kept.0.lock().expect("nobody panics with it")));
        }
    };
    let mut spent = Duration::ZERO;
    let mut done = 0;
    while done < events {
        let until = (done + TURN).min(events);
        let start = Instant::now();
        emit(done, until);
        spent += start.elapsed();
        done = until;
        drain(&mut reader);
    }
    println!("{}", spent.as_nanos() as f64 / events as f64);
}
