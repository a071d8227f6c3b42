//! Taint: what must never leave, put wherever a program may put it, and looked for in every byte that left.
//!
//! The program runs in a process of its own, once for each protocol; receivers keep what they get as it came. A mark that may be seen
//! shows that the search finds what is there.
#![cfg(all(feature = "console", feature = "grpc", feature = "http", feature = "log", feature = "spans", feature = "yaml"))]

#[path = "../support/again.rs"]
mod again;
mod recorder;

use std::fmt;
use std::time::Duration;

use again::{Lines, shown};
use recorder::Recorder;
use tracing::field::Empty;
use tracing::{Level, event, info_span};
use tracing_weaver::otel::opentelemetry::KeyValue;
use tracing_weaver::otel::opentelemetry::trace::{SpanContext, SpanId, Status, TraceFlags, TraceId};
use tracing_weaver::otel::tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// Stands in every value that must not leave.
const TAINT: &str = "Qx7tainted";
/// Stands in values that may.
const VISIBLE: &str = "Qx7visible";

fn taint(place: &str) -> String {
    format!("{TAINT} {place}")
}

/// An error with a tainted text and source.
#[derive(Debug)]
struct Fault(Option<Box<Fault>>);

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&taint("in an error"))
    }
}

impl std::error::Error for Fault {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.as_deref().map(|source| source as _)
    }
}

#[test]
#[ignore = "a program that the other tests run"]
fn program() {
    let registry = tracing_weaver_registry::yaml::load_sources(&[
        ("manifest.yaml", "schema_url: https://example.com/schemas/taint/1.0.0"),
        ("taint.yaml", include_str!("registry.yaml")),
    ]);
    let telemetry = tracing_weaver::builder()
        .registry_bytes(registry.unwrap().to_bytes())
        .resource([("taint.secret", taint("on the resource")), ("taint.person", taint("on the resource"))])
        .console(true)
        .filter("trace")
        .install()
        .unwrap();
    let fault = Fault(Some(Box::new(Fault(None))));
    let fault: &(dyn std::error::Error + 'static) = &fault;
    let shop = info_span!(
        "taint.shop",
        taint.shop.id = VISIBLE,
        taint.secret = taint("on an entity"),
        taint.person = taint("on an entity"),
        taint.hashed = taint("on an entity"),
        undeclared = taint("on an entity"),
    );
    shop.record("taint.person", taint("late, on an entity"));
    let _shop = shop.enter();

    for work in [
        info_span!(
            "taint.work",
            taint.plain = VISIBLE,
            password = taint("on a span"),
            taint.person = ?taint("on a span"),
            email = %taint("on a span"),
            taint.hashed = taint("on a span"),
            undeclared = taint("on a span"),
            fault,
            taint.secret = Empty,
            late = Empty,
            otel.name = taint("as a name"),
            otel.status_description = taint("as a status"),
        ),
        info_span!(
            "elsewhere",
            plain = VISIBLE,
            taint.secret = fault,
            password = taint("on a span"),
            taint.person = taint("on a span"),
            email = Empty,
            taint.hashed = taint("on a span").as_bytes(),
        ),
    ] {
        for late in ["taint.secret", "late", "email"] {
            work.record(late, taint("late, on a span"));
        }
        for by_hand in ["taint.secret", "password", "taint.person", "email", "taint.hashed"] {
            work.set_attribute(by_hand, taint("by hand"));
        }
        let attributes = || vec![KeyValue::new("taint.secret", taint("by hand")), KeyValue::new("email", taint("by hand"))];
        work.add_event("by hand", attributes());
        let other = SpanContext::new(TraceId::from(1), SpanId::from(2), TraceFlags::SAMPLED, true, Default::default());
        work.add_link_with_attributes(other, attributes());
        let _in_work = work.enter();
        event!(
            name: "taint.happen",
            Level::INFO,
            taint.plain = VISIBLE,
            taint.count = 1,
            password = taint("in an event"),
            taint.person = %taint("in an event"),
            taint.hashed = taint("in an event"),
            undeclared = ?taint("in an event"),
            fault,
        );
        event!(name: "taint.happen", Level::ERROR, taint.secret = fault, taint.person = fault, exception.message = taint("in an event"));
        event!(name: "taint.unknown", Level::ERROR, taint.person = fault, password = ?fault, plain = VISIBLE);
        event!(
            Level::TRACE,
            taint.secret = taint("in an event"),
            email = taint("in an event").as_bytes(),
            taint.hashed = fault,
            "{VISIBLE}"
        );
    }
    let undeclared = info_span!("taint.work");
    undeclared.set_attribute("undeclared", taint("by hand"));
    undeclared.set_status(Status::error(taint("by hand")));
    drop(undeclared);
    let report = telemetry.shutdown(Duration::from_secs(60));
    assert!(report.deadline_met, "{report}");
    println!("{report}\n{}", telemetry.describe());
    telemetry.findings().iter().for_each(|finding| println!("{finding}"));
}

#[test]
fn nothing_that_must_not_leave_leaves_by_any_way() {
    for protocol in ["http/protobuf", "http/json", "grpc"] {
        let receiver = Recorder::start();
        let lines = Lines::new();
        let file = shown(&lines.path());
        let variables = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url().as_str()),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
            ("OTEL_LOGS_EXPORTER", "otlp,console"),
            ("OTEL_TRACES_EXPORTER", "otlp,console"),
            ("OTEL_METRICS_EXPORTER", "otlp,console"),
            ("TRACING_WEAVER_FILE", file.as_str()),
        ]
        .map(|(name, value)| (name, value.to_owned()));
        let said = again::run("program", &variables);
        let received = receiver.bodies();
        assert!(received.len() >= 3, "one request for each signal at least");
        // What stands in place of the values, and each signal, did arrive.
        for mark in ["[redacted:personal]", "[hash:", "taint.shop.count", "taint.happen", "elsewhere", "by hand", "exception"] {
            assert!(holds(&received.concat(), mark), "{protocol}: `{mark}` did not arrive");
        }
        let ways = [("receiver", received.concat()), ("file", lines.text().into_bytes()), ("stderr", said.stderr.into_bytes())];
        for (way, bytes) in ways {
            assert!(holds(&bytes, VISIBLE), "{protocol}: the search finds nothing by {way}");
            assert!(!holds(&bytes, TAINT), "{protocol}: by {way}: {}", around(&bytes));
        }
        assert!(!said.stdout.contains(TAINT), "{}", said.stdout);
    }
}

fn holds(bytes: &[u8], mark: &str) -> bool {
    bytes.windows(mark.len()).any(|window| window == mark.as_bytes())
}

/// Where the mark stands.
fn around(bytes: &[u8]) -> String {
    let at = bytes.windows(TAINT.len()).position(|window| window == TAINT.as_bytes()).unwrap_or(0);
    String::from_utf8_lossy(&bytes[at.saturating_sub(200)..bytes.len().min(at + 60)]).into_owned()
}
