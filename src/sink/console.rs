//! Records for people: one line each on stderr, as they are exported.
//! The export thread gives it batches; the summary at shutdown reads what it got of which event and span.
//! Whatever a program wrote, a terminal never acts on it; spans and metrics wait for the summary.

use std::fmt::Write as _;
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::LogRecord;

use super::tally::ConsoleTally;
use crate::escape;
use crate::export::{LocalSink, SinkError};

/// Characters of one value that are shown.
const MAX_VALUE: usize = 2_000;

/// Shows records and counts records and spans.
pub(crate) struct Console {
    out: Box<dyn Write + Send>,
    style: Style,
    tally: Arc<ConsoleTally>,
}

impl Console {
    /// Shows records on `out` and counts in `tally`.
    pub(crate) fn new(out: Box<dyn Write + Send>, colour: bool, tally: Arc<ConsoleTally>) -> Self {
        Console { out, style: Style { colour }, tally }
    }
}

impl LocalSink for Console {
    fn name(&self) -> &'static str {
        "console"
    }

    fn logs(&mut self, request: &ExportLogsServiceRequest) -> Result<(), SinkError> {
        let scopes = request.resource_logs.iter().flat_map(|resource| &resource.scope_logs);
        let mut records: Vec<_> = scopes.flat_map(|scope| scope.log_records.iter().map(|record| (scope.scope.as_ref(), record))).collect();
        // A request holds records by scope; a person reads them as they happened.
        records.sort_by_key(|(_, record)| record.time_unix_nano);
        let mut lines = String::new();
        for (scope, record) in records {
            self.style.line(&mut lines, scope, record);
            self.tally.count_record(scope, record);
        }
        self.out.write_all(lines.as_bytes())?;
        Ok(())
    }

    fn traces(&mut self, request: &ExportTraceServiceRequest) -> Result<(), SinkError> {
        let scopes = request.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
        scopes.flat_map(|scope| &scope.spans).for_each(|span| self.tally.count_span(span));
        Ok(())
    }

    fn metrics(&mut self, _: &ExportMetricsServiceRequest) -> Result<(), SinkError> {
        Ok(())
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(self.out.flush()?)
    }
}

/// The name of a severity, as wide as the widest.
pub(crate) fn severity_name(number: i32) -> &'static str {
    match number {
        1..=4 => "TRACE",
        5..=8 => "DEBUG",
        9..=12 => "INFO",
        13..=16 => "WARN",
        17..=24 => "ERROR",
        _ => "-",
    }
}

struct Style {
    colour: bool,
}

const DIM: &str = "2";
const BOLD: &str = "1";

impl Style {
    /// Time, severity, event name, target, entities, body, attributes. Writing to a string has no way to fail.
    fn line(&self, out: &mut String, scope: Option<&InstrumentationScope>, record: &LogRecord) {
        let time = SystemTime::UNIX_EPOCH.checked_add(Duration::from_nanos(record.time_unix_nano)).unwrap_or(SystemTime::UNIX_EPOCH);
        let severity = match record.severity_number {
            17.. => "31",
            13.. => "33",
            9.. => "32",
            5.. => "34",
            _ => "35",
        };
        self.paint(out, DIM, &humantime::format_rfc3339_micros(time).to_string());
        out.push(' ');
        self.paint(out, severity, &format!("{:>5}", severity_name(record.severity_number)));
        if !record.event_name.is_empty() {
            out.push(' ');
            self.paint(out, BOLD, &escape::short(&record.event_name, MAX_VALUE));
        }
        if let Some(scope) = scope {
            out.push(' ');
            self.paint(out, DIM, &escape::short(&scope.name, MAX_VALUE));
            if !scope.attributes.is_empty() {
                out.push_str(" [");
                self.attributes(out, &scope.attributes, "");
                out.push(']');
            }
        }
        if let Some(body) = &record.body {
            out.push_str(": ");
            match &body.value {
                Some(Any::StringValue(text)) => out.push_str(&escape::short(text, MAX_VALUE)),
                _ => any(out, body),
            }
        }
        self.attributes(out, &record.attributes, " ");
        if record.dropped_attributes_count > 0 {
            let _ = write!(out, " (+{} attributes)", record.dropped_attributes_count);
        }
        out.push('\n');
    }

    fn attributes(&self, out: &mut String, attributes: &[KeyValue], first: &str) {
        let mut before = first;
        for attribute in attributes {
            out.push_str(before);
            self.paint(out, DIM, &format!("{}=", escape::short(&attribute.key, MAX_VALUE)));
            if let Some(value) = &attribute.value {
                any(out, value);
            }
            before = " ";
        }
    }

    fn paint(&self, out: &mut String, style: &str, text: &str) {
        let _ = match self.colour {
            true => write!(out, "\x1b[{style}m{text}\x1b[0m"),
            false => write!(out, "{text}"),
        };
    }
}

fn any(out: &mut String, value: &AnyValue) {
    let _ = match &value.value {
        Some(Any::StringValue(text)) => match text.char_indices().nth(MAX_VALUE) {
            Some((end, _)) => write!(out, "{}…", escape::value(&text[..end])),
            None => write!(out, "{}", escape::value(text)),
        },
        Some(Any::BoolValue(bool)) => write!(out, "{bool}"),
        Some(Any::IntValue(int)) => write!(out, "{int}"),
        Some(Any::DoubleValue(double)) => write!(out, "{double}"),
        Some(Any::BytesValue(bytes)) => write!(out, "<{} bytes>", bytes.len()),
        Some(Any::ArrayValue(array)) => {
            out.push('[');
            for (at, item) in array.values.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                any(out, item);
            }
            write!(out, "]")
        }
        Some(Any::KvlistValue(list)) => write!(out, "<{} entries>", list.values.len()),
        _ => write!(out, "-"),
    };
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use opentelemetry_proto::tonic::logs::v1::{ResourceLogs, ScopeLogs};

    use super::*;
    use crate::sink::tally::{MAX_NAMES, Tallied, TalliedEvent};

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn attribute(key: &str, value: Any) -> KeyValue {
        KeyValue { key: key.into(), value: Some(AnyValue { value: Some(value) }), ..Default::default() }
    }

    fn request(records: Vec<LogRecord>) -> ExportLogsServiceRequest {
        let scope = InstrumentationScope {
            name: "engine::node".into(),
            attributes: vec![attribute("node.id", Any::StringValue("batch".into()))],
            ..Default::default()
        };
        let scope_logs = vec![ScopeLogs { scope: Some(scope), log_records: records, ..Default::default() }];
        ExportLogsServiceRequest { resource_logs: vec![ResourceLogs { scope_logs, ..Default::default() }] }
    }

    fn record(name: &str, body: Option<&str>, attributes: Vec<KeyValue>) -> LogRecord {
        LogRecord {
            time_unix_nano: 1_700_000_000_123_456_789,
            severity_number: 13,
            event_name: name.into(),
            body: body.map(|body| AnyValue { value: Some(Any::StringValue(body.into())) }),
            attributes,
            ..Default::default()
        }
    }

    fn shown(colour: bool, records: Vec<LogRecord>) -> (String, Vec<Tallied>) {
        let (out, tally) = (Shared::default(), Arc::new(ConsoleTally::default()));
        let mut console = Console::new(Box::new(out.clone()), colour, tally.clone());
        console.logs(&request(records)).unwrap();
        let text = String::from_utf8(out.0.lock().unwrap().clone()).unwrap();
        (text, tally.events())
    }

    #[test]
    fn a_record_is_one_line_that_says_when_how_bad_what_where_and_with_what() {
        let attributes = vec![attribute("attempt", Any::IntValue(2)), attribute("reason", Any::StringValue("no route".into()))];
        let (text, _) = shown(false, vec![record("node.fail", Some("gave up"), attributes), record("", None, vec![])]);
        assert_eq!(
            text,
            "2023-11-14T22:13:20.123456Z  WARN node.fail engine::node [node.id=batch]: gave up attempt=2 reason=\"no route\"\n\
             2023-11-14T22:13:20.123456Z  WARN engine::node [node.id=batch]\n"
        );
    }

    #[test]
    fn nothing_a_program_wrote_reaches_the_terminal_as_a_command_or_as_a_line_of_its_own() {
        let hostile = "a\x1b]0;title\x07\r\n2023 ERROR fake \u{9b}2J\u{202e}";
        let record = record(hostile, Some(hostile), vec![attribute(hostile, Any::StringValue(hostile.into()))]);
        let (text, _) = shown(false, vec![record.clone()]);
        assert_eq!(text.lines().count(), 1, "{text:?}");
        assert!(!text.trim_end_matches('\n').contains(|c: char| c.is_control() || c == '\u{202e}'), "{text:?}");
        let (coloured, _) = shown(true, vec![record]);
        let ours = coloured.split('\x1b').skip(1).all(|rest| {
            rest.strip_prefix('[')
                .is_some_and(|rest| matches!(rest.find('m'), Some(end) if rest[..end].bytes().all(|b| b.is_ascii_digit())))
        });
        assert!(ours, "only colours of ours: {coloured:?}");
    }

    #[test]
    fn a_huge_value_is_shown_in_part() {
        let huge = "x".repeat(100_000);
        let (text, _) = shown(false, vec![record("e", Some(&huge), vec![attribute("k", Any::StringValue(huge.clone()))])]);
        assert!(text.len() < 3 * MAX_VALUE, "{}", text.len());
    }

    #[test]
    fn events_are_counted_by_name_and_severity_and_without_a_name_by_target() {
        let (_, tally) =
            shown(false, vec![record("b", None, vec![]), record("a", None, vec![]), record("b", None, vec![]), record("", None, vec![])]);
        let named = |name: &str| (TalliedEvent::Named(name.into()), 13);
        assert_eq!(tally, [(named("a"), 1), (named("b"), 2), ((TalliedEvent::Unnamed("engine::node".into()), 13), 1)]);
    }

    #[test]
    fn past_a_bound_events_are_counted_together() {
        let many = (0..MAX_NAMES + 5).map(|at| record(&format!("{at:05}"), None, vec![])).collect();
        let (_, tally) = shown(false, many);
        assert_eq!(tally.len(), MAX_NAMES + 1);
        assert_eq!(tally.last(), Some(&((TalliedEvent::Other, 13), 5)));
    }
}
