//! What people put our layer into, with us and without us: what neighbours see, and what we count, record and trace.
//!
//! The table in `docs/compositions.md` is made from what is seen here. The test starts itself as a program without the variables that
//! would change something, and once for each subscriber that is to be the global one. No two stacks may stand at once: the most verbose
//! level is one number of the process.
#![cfg(all(feature = "spans", feature = "yaml"))]

mod seen;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;

use seen::{Page, Seen, builder, ours, work};
use tracing::Dispatch;
use tracing::dispatcher::with_default;
use tracing_subscriber::filter::{LevelFilter, Targets, filter_fn};
use tracing_subscriber::prelude::*;
use tracing_subscriber::{EnvFilter, Registry, fmt, registry, reload};
use tracing_weaver::{Memory, WeaverLayer};

const ROLE: &str = "TEST_COMPOSITIONS";
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/compositions.md");
const REWRITE: &str = "UPDATE_DOCS=1 cargo test --test compositions";

struct Row {
    stack: &'static str,
    /// What happens besides.
    and: &'static str,
    cells: [String; 4],
    said: bool,
    instead: &'static str,
}

impl Row {
    fn new(stack: &'static str, seen: &Seen, without: &[String], times: i64, instead: &'static str) -> Row {
        Row { stack, and: "", cells: seen.cells(without, times), said: seen.said, instead }
    }

    fn and(self, and: &'static str) -> Row {
        Row { and, ..self }
    }

    fn line(&self) -> String {
        let said = if self.said { "yes" } else { "" };
        format!("| {}{} | {} | {said} | {} |\n", code(self.stack), self.and, self.cells.join(" | "), code(self.instead))
    }
}

/// Code in a table's cell.
fn code(code: &str) -> String {
    if code.is_empty() { String::new() } else { format!("`{}`", code.replace('|', "\\|")) }
}

/// Does the work under a stack with us and under the same without us.
macro_rules! compose {
    ($rows:ident, $stack:literal, |$ours:ident, $theirs:ident| $with:expr, |$alone:ident| $without:expr, $instead:literal) => {
        let without = Page::default();
        let $alone = without.theirs();
        with_default(&Dispatch::from($without), work);
        let page = Page::default();
        let $theirs = page.theirs();
        let (telemetry, memory, $ours) = ours();
        let stack = Dispatch::from($with);
        with_default(&stack, work);
        $rows.push(Row::new($stack, &Seen::now(&page, &telemetry, &memory), &without.lines(), 1, $instead));
        drop(stack);
    };
}

/// What holds.
fn good() -> Vec<Row> {
    let mut rows = Vec::new();
    compose!(rows, "registry().with(ours).with(theirs)", |o, t| registry().with(o).with(t), |t| registry().with(t), "");
    compose!(rows, "registry().with(theirs).with(ours)", |o, t| registry().with(t).with(o), |t| registry().with(t), "");
    compose!(
        rows,
        "registry().with(ours).with(theirs.with_filter(LevelFilter::WARN))",
        |o, t| registry().with(o).with(t.with_filter(LevelFilter::WARN)),
        |t| registry().with(t.with_filter(LevelFilter::WARN)),
        ""
    );
    compose!(
        rows,
        "registry().with(theirs.with_filter(LevelFilter::WARN)).with(ours)",
        |o, t| registry().with(t.with_filter(LevelFilter::WARN)).with(o),
        |t| registry().with(t.with_filter(LevelFilter::WARN)),
        ""
    );
    compose!(
        rows,
        "registry().with(ours).with(theirs.with_filter(EnvFilter::new(\"warn,[request{number=7}]=debug\")))",
        |o, t| registry().with(o).with(t.with_filter(EnvFilter::new("warn,[request{number=7}]=debug"))),
        |t| registry().with(t.with_filter(EnvFilter::new("warn,[request{number=7}]=debug"))),
        ""
    );
    compose!(
        rows,
        "registry().with(theirs.with_filter(EnvFilter::new(\"warn,[acme.shop]=trace\"))).with(ours)",
        |o, t| registry().with(t.with_filter(EnvFilter::new("warn,[acme.shop]=trace"))).with(o),
        |t| registry().with(t.with_filter(EnvFilter::new("warn,[acme.shop]=trace"))),
        ""
    );
    compose!(
        rows,
        "registry().with(ours).with(theirs.with_filter(Targets::new().with_default(LevelFilter::ERROR)))",
        |o, t| registry().with(o).with(t.with_filter(Targets::new().with_default(LevelFilter::ERROR))),
        |t| registry().with(t.with_filter(Targets::new().with_default(LevelFilter::ERROR))),
        ""
    );
    compose!(
        rows,
        "registry().with(theirs.with_filter(filter_fn(|metadata| !metadata.is_span()))).with(ours)",
        |o, t| registry().with(t.with_filter(filter_fn(|metadata| !metadata.is_span()))).with(o),
        |t| registry().with(t.with_filter(filter_fn(|metadata| !metadata.is_span()))),
        ""
    );
    compose!(rows, "registry().with(Some(ours)).with(theirs)", |o, t| registry().with(Some(o)).with(t), |t| registry().with(t), "");
    compose!(
        rows,
        "registry().with(ours).with(None::<WeaverLayer<_>>).with(theirs)",
        |o, t| registry().with(o).with(None::<WeaverLayer<_>>).with(t),
        |t| registry().with(t),
        ""
    );
    compose!(
        rows,
        "registry().with(ours.boxed()).with(theirs.with_filter(LevelFilter::INFO))",
        |o, t| registry().with(WeaverLayer::boxed(o)).with(t.with_filter(LevelFilter::INFO)),
        |t| registry().with(t.with_filter(LevelFilter::INFO)),
        ""
    );
    compose!(
        rows,
        "registry().with(vec![ours]).with(theirs.with_filter(LevelFilter::INFO))",
        |o, t| registry().with(vec![o]).with(t.with_filter(LevelFilter::INFO)),
        |t| registry().with(t.with_filter(LevelFilter::INFO)),
        ""
    );
    compose!(
        rows,
        "registry().with(vec![ours.boxed(), theirs.with_filter(LevelFilter::INFO).boxed()])",
        |o, t| registry().with(vec![WeaverLayer::boxed(o), t.with_filter(LevelFilter::INFO).boxed()]),
        |t| registry().with(vec![t.with_filter(LevelFilter::INFO).boxed()]),
        ""
    );
    compose!(
        rows,
        "registry().with(theirs.with_filter(LevelFilter::INFO).and_then(ours))",
        |o, t| registry().with(t.with_filter(LevelFilter::INFO).and_then(o)),
        |t| registry().with(t.with_filter(LevelFilter::INFO)),
        ""
    );
    compose!(rows, "registry().with(ours.and_then(theirs))", |o, t| registry().with(o.and_then(t)), |t| registry().with(t), "");
    compose!(
        rows,
        "registry().with(reload::Layer::new(ours).0).with(theirs.with_filter(LevelFilter::INFO))",
        |o, t| registry().with(reload::Layer::new(o).0).with(t.with_filter(LevelFilter::INFO)),
        |t| registry().with(t.with_filter(LevelFilter::INFO)),
        ""
    );
    compose!(
        rows,
        "registry().with(ours).with(opentelemetry).with(theirs)",
        |o, t| registry().with(o).with(opentelemetry()).with(t),
        |t| registry().with(opentelemetry()).with(t),
        ""
    );
    rows.push(another_of_ours());
    rows.push(their_filter_reloaded());
    rows.push(our_filter_changed());
    rows
}

/// OpenTelemetry's own layer, for spans that nobody takes.
fn opentelemetry<S>() -> tracing_opentelemetry::OpenTelemetryLayer<S, opentelemetry_sdk::trace::SdkTracer>
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
{
    let provider = opentelemetry_sdk::trace::SdkTracerProvider::builder().build();
    tracing_opentelemetry::layer().with_tracer(opentelemetry::trace::TracerProvider::tracer(&provider, "theirs"))
}

fn another_of_ours() -> Row {
    let without = Page::default();
    with_default(&Dispatch::from(registry().with(without.theirs())), work);
    let page = Page::default();
    let ((other, other_memory, second), (telemetry, memory, first)) = (ours(), ours());
    let stack = Dispatch::from(registry().with(first).with(second).with(page.theirs()));
    with_default(&stack, work);
    let seen = Seen::now(&page, &telemetry, &memory);
    assert_eq!(Seen::now(&page, &other, &other_memory).cells(&without.lines(), 1), seen.cells(&without.lines(), 1));
    Row::new("registry().with(ours).with(another_of_ours).with(theirs)", &seen, &without.lines(), 1, "")
}

fn their_filter_reloaded() -> Row {
    let run = |page: &Page, stack: Dispatch, handle: reload::Handle<LevelFilter, _>| {
        with_default(&stack, work);
        // Elsewhere `tracing` would ask nobody where this is the only subscriber of the process.
        with_default(&stack, || handle.reload(LevelFilter::TRACE).unwrap());
        with_default(&stack, work);
        (page.lines(), stack)
    };
    let page = Page::default();
    let (filter, handle) = reload::Layer::new(LevelFilter::ERROR);
    let (without, _) = run(&page, Dispatch::from(registry().with(page.theirs().with_filter(filter))), handle);
    let page = Page::default();
    let (telemetry, memory, layer) = ours();
    let (filter, handle) = reload::Layer::new(LevelFilter::ERROR);
    let (_, _stack) = run(&page, Dispatch::from(registry().with(page.theirs().with_filter(filter)).with(layer)), handle);
    let stack = "registry().with(theirs.with_filter(reload::Layer::new(filter).0)).with(ours)";
    Row::new(stack, &Seen::now(&page, &telemetry, &memory), &without, 2, "").and(", the filter reloaded while it runs")
}

fn our_filter_changed() -> Row {
    let without = Page::default();
    let alone = Dispatch::from(registry().with(without.theirs().with_filter(LevelFilter::DEBUG)));
    (0..3).for_each(|_| with_default(&alone, work));
    let page = Page::default();
    let (telemetry, memory, layer) = ours();
    let stack = Dispatch::from(registry().with(layer).with(page.theirs().with_filter(LevelFilter::DEBUG)));
    with_default(&stack, work);
    // From a thread that knows nothing of the stack.
    let set = |directives: &str| std::thread::scope(|scope| scope.spawn(|| telemetry.set_filter(directives).unwrap()).join().unwrap());
    set("off");
    with_default(&stack, work);
    set("info");
    with_default(&stack, work);
    let seen = Seen::now(&page, &telemetry, &memory);
    let quiet = Seen { records: seen.records.clone(), spans: seen.spans.clone(), ..Seen::default() };
    let mut row = Row::new("telemetry.set_filter(..)", &seen, &without.lines(), 3, "").and(" from another thread, while it runs");
    let [_, _, records, spans] = quiet.cells(&[], 2);
    (row.cells[2], row.cells[3]) = (records, spans);
    row
}

/// What does not hold, and what to write instead.
fn bad() -> Vec<Row> {
    let mut rows = Vec::new();
    compose!(
        rows,
        "registry().with(ours).with(EnvFilter::new(\"info\")).with(theirs)",
        |o, t| registry().with(o).with(EnvFilter::new("info")).with(t),
        |t| registry().with(EnvFilter::new("info")).with(t),
        "registry().with(ours).with(theirs.with_filter(EnvFilter::new(\"info\")))"
    );
    compose!(
        rows,
        "registry().with(EnvFilter::new(\"info\")).with(ours).with(theirs)",
        |o, t| registry().with(EnvFilter::new("info")).with(o).with(t),
        |t| registry().with(EnvFilter::new("info")).with(t),
        "registry().with(ours).with(theirs.with_filter(EnvFilter::new(\"info\")))"
    );
    compose!(
        rows,
        "registry().with(LevelFilter::WARN).with(ours).with(theirs)",
        |o, t| registry().with(LevelFilter::WARN).with(o).with(t),
        |t| registry().with(LevelFilter::WARN).with(t),
        "registry().with(ours).with(theirs.with_filter(LevelFilter::WARN))"
    );
    compose!(
        rows,
        "registry().with(filter_fn(|metadata| metadata.is_span())).with(ours).with(theirs)",
        |o, t| registry().with(filter_fn(|metadata| metadata.is_span())).with(o).with(t),
        |t| registry().with(filter_fn(|metadata| metadata.is_span())).with(t),
        "registry().with(ours).with(theirs.with_filter(filter_fn(|metadata| metadata.is_span())))"
    );
    compose!(
        rows,
        "registry().with(ours.and_then(theirs.with_filter(LevelFilter::INFO)))",
        |o, t| registry().with(o.and_then(t.with_filter(LevelFilter::INFO))),
        |t| registry().with(t.with_filter(LevelFilter::INFO)),
        "registry().with(ours).with(theirs.with_filter(LevelFilter::INFO))"
    );
    compose!(
        rows,
        "registry().with(ours.with_filter(LevelFilter::INFO)).with(theirs)",
        |o, t| registry().with(o.with_filter(LevelFilter::INFO)).with(t),
        |t| registry().with(t),
        "builder().filter(\"info\")"
    );
    rows
}

/// What `tracing-subscriber` itself refuses, with a panic.
fn refused() -> String {
    std::panic::set_hook(Box::new(|_| ()));
    let says = |stack: &dyn Fn()| if catch_unwind(AssertUnwindSafe(stack)).is_err() { "refused" } else { "taken" };
    let finished = says(&|| {
        let (_telemetry, _, layer) = ours();
        drop(fmt().finish().with(layer));
    });
    // Only debug builds look.
    let reloaded = says(&|| {
        if !cfg!(debug_assertions) {
            panic!("as in debug builds");
        }
        let ((_one, _, layer), (_other, _, another)) = (ours::<Registry>(), ours());
        let (layer, handle) = reload::Layer::new(layer);
        let stack = Dispatch::from(registry().with(layer));
        with_default(&stack, || {
            handle.reload(another).unwrap();
            work();
        });
    });
    let _ = std::panic::take_hook();
    format!(
        "| Stack | `tracing-subscriber` | Write instead |\n| --- | --- | --- |\n\
         | `fmt().finish().with(ours)` | {finished} | `registry().with(ours).with(fmt::layer().with_filter(LevelFilter::INFO))` |\n\
         | `reload::Handle::reload` of ours | {reloaded} | `telemetry.set_filter(..)` |\n"
    )
}

/// As the global subscriber, which is one for each process.
fn global(role: &str) {
    let (page, memory) = (Page::default(), Memory::new());
    let quiet = || page.theirs().with_filter(LevelFilter::WARN);
    let everyone = || EnvFilter::new("warn");
    let built = || builder().memory(&memory).build::<_>().unwrap();
    let telemetry = match role {
        "install" => Some(builder().memory(&memory).layer(page.theirs().with_filter(LevelFilter::WARN)).install().unwrap()),
        "install with a filter for all" => Some(builder().memory(&memory).layer(everyone()).layer(page.theirs()).install().unwrap()),
        "init" => {
            let (telemetry, layer) = built();
            registry().with(layer).with(page.theirs().with_filter(LevelFilter::WARN)).init();
            Some(telemetry)
        }
        "without us" => {
            registry().with(quiet()).init();
            None
        }
        "without us, with a filter for all" => {
            registry().with(everyone()).with(page.theirs()).init();
            None
        }
        other => panic!("{other}"),
    };
    std::thread::spawn(work).join().unwrap();
    match telemetry {
        Some(telemetry) => {
            let without: Vec<_> = std::env::var("TEST_WITHOUT").unwrap().lines().map(str::to_owned).collect();
            let seen = Seen::now(&page, &telemetry, &memory);
            println!("\nROW {}\t{}", seen.cells(&without, 1).join("\t"), seen.said);
        }
        None => page.lines().iter().for_each(|line| println!("\nLINE {line}")),
    }
}

fn as_the_global_one(stack: &'static str, role: &str, without: &str, instead: &'static str) -> Row {
    let lines =
        |output: &str, begin: &str| output.lines().filter_map(|line| line.strip_prefix(begin).map(str::to_owned)).collect::<Vec<_>>();
    let without = lines(&run(without, ""), "LINE ");
    assert!(!without.is_empty());
    let output = run(role, &without.join("\n"));
    let row = lines(&output, "ROW ").pop().unwrap_or_else(|| panic!("{output}"));
    let mut cells: Vec<_> = row.split('\t').map(str::to_owned).collect();
    let said = cells.pop().unwrap() == "true";
    Row { stack, and: "", cells: cells.try_into().unwrap(), said, instead }
}

/// Runs this program in a role; gives its stdout.
fn run(role: &str, without: &str) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "each_composition_shows_neighbours_the_same_and_the_page_tells_the_rest", "--nocapture"]);
    for (name, _) in std::env::vars() {
        if name.starts_with("OTEL_") || name.starts_with("TRACING_WEAVER") || name == "RUST_LOG" {
            command.env_remove(name);
        }
    }
    let output = command.env(ROLE, role).env("TEST_WITHOUT", without).output().unwrap();
    assert!(output.status.success(), "{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn page() -> String {
    const HEAD: &str = "| Stack | Neighbours see | Our metrics | Our records | Our spans | Said | Write instead |\n| --- | --- | --- | --- | --- | --- | --- |\n";
    let (mut good, mut bad) = (good(), bad());
    good.push(as_the_global_one("builder().layer(theirs.with_filter(LevelFilter::WARN)).install()", "install", "without us", ""));
    good.push(as_the_global_one("registry().with(ours).with(theirs.with_filter(LevelFilter::WARN)).init()", "init", "without us", ""));
    bad.push(as_the_global_one(
        "builder().layer(EnvFilter::new(\"warn\")).layer(theirs).install()",
        "install with a filter for all",
        "without us, with a filter for all",
        "builder().layer(theirs.with_filter(EnvFilter::new(\"warn\"))).install()",
    ));
    for row in &good {
        assert_eq!(row.cells, ["the same", "exact", "exact", "exact"], "{}", row.stack);
        assert!(!row.said, "{}", row.stack);
    }
    for row in &bad {
        assert_eq!((row.cells[0].as_str(), row.said), ("the same", true), "{}: {:?}", row.stack, row.cells);
    }
    let table = |rows: &[Row]| rows.iter().map(Row::line).collect::<String>();
    format!(
        include_str!("page.md"),
        good = format!("{HEAD}{}", table(&good)),
        bad = format!("{HEAD}{}", table(&bad)),
        refused = refused(),
        rewrite = REWRITE
    )
}

#[test]
fn each_composition_shows_neighbours_the_same_and_the_page_tells_the_rest() {
    match std::env::var(ROLE).as_deref() {
        Ok("page") => {
            let page = page();
            if std::env::var_os("UPDATE_DOCS").is_some() {
                std::fs::write(PAGE, page).unwrap();
            } else if std::fs::read_to_string(PAGE).unwrap_or_default().replace("\r\n", "\n") != page {
                panic!("docs/compositions.md is not what was seen; write it anew and look at the difference:\n    {REWRITE}");
            }
        }
        Ok(role) => global(role),
        Err(_) => drop(run("page", "")),
    }
}
