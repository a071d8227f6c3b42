//! What a callsite's record looks like: its header, and what becomes of each field.
//!
//! Made once per callsite; the record visitor reads it. It holds bytes and decisions, no value.

use std::sync::Arc;

use tracing_core::{Level, Metadata};
use tracing_weaver_registry::model::{EventId, ResolvedRegistry};

use super::encode::{MARKED, Template, tag};
use super::ids::IDS_ROOM;
use super::queue::FRAME;
use super::short_key::ShortKey;
use crate::default_name::is_default_name;
use crate::findings::CallsiteNotes;
use crate::read::FieldDropReason;
use crate::redact::Treatment;
use crate::rules::{FieldAction, FieldRecord, FieldRules, RecordLimits};

/// A callsite's record.
#[derive(Debug)]
pub(crate) struct RecordPlan {
    /// All that comes before body and attributes, the two times at their places.
    pub(crate) header: Template,
    pub(crate) fields: Vec<FieldRecord>,
    /// Per field its key, where the field is simply an attribute; empty for a callsite with so many fields that
    /// attributes must be counted.
    pub(crate) short: Box<[ShortKey]>,
    /// Scope name id shifted left by one, and the known bit.
    pub(crate) scope: u32,
    /// File and line, where records carry them.
    pub(crate) location: Vec<(FieldRecord, Location)>,
    /// Of ERROR severity: an exception in it is also an event of the current span.
    pub(crate) is_error: bool,
    pub(crate) limits: RecordLimits,
    pub(crate) notes: Arc<CallsiteNotes>,
    /// [`MARKED`] where there is something to add at the end, else 0.
    pub(crate) unusual: u32,
    /// Whether it carries the current span's ids: OpenTelemetry must not be asked while it speaks itself.
    pub(crate) ids: bool,
}

/// A place in the code.
#[derive(Debug)]
pub(crate) enum Location {
    File(&'static str),
    Line(u32),
}

/// Room that a record is given in place behind its header at first.
const FIRST_ROOM: usize = 512;

/// Where the time stands in a header, and the observed time.
pub(crate) const TIME_AT: usize = 1;
pub(crate) const OBSERVED_AT: usize = 10;

impl RecordPlan {
    /// The plan of an event's callsite. `scope` is the interned target.
    pub(crate) fn of_event(
        rules: &FieldRules,
        registry: &ResolvedRegistry,
        event: Option<EventId>,
        metadata: &Metadata<'static>,
        scope: u32,
        notes: &Arc<CallsiteNotes>,
    ) -> RecordPlan {
        let attributes = event.map(|id| registry.event(id).attributes.as_slice());
        let mut fields: Vec<FieldRecord> =
            metadata.fields().iter().map(|field| rules.record_field(registry, attributes, field.name())).collect();
        // Two fields of one key: the first counts, since no key may stand twice.
        for at in 1..fields.len() {
            let (before, rest) = fields.split_at_mut(at);
            if !matches!(rest[0].action, FieldAction::Body(_)) && before.iter().any(|field| field.key == rest[0].key) {
                rest[0].action = FieldAction::Treat(Treatment::Drop(FieldDropReason::Undeclared));
            }
        }
        let name = if is_default_name(metadata) { "" } else { metadata.name() };
        let file = metadata.file().map(|file| (rules.added("code.file.path"), Location::File(file)));
        let line = metadata.line().map(|line| (rules.added("code.line.number"), Location::Line(line)));
        let location = if rules.code_location { file.into_iter().chain(line).collect() } else { Vec::new() };
        let is_error = *metadata.level() == Level::ERROR;
        RecordPlan {
            header: header(metadata.level(), name),
            short: short(&fields, rules.limits),
            fields,
            scope: scope << 1 | event.is_some() as u32,
            unusual: if is_error || !location.is_empty() { MARKED } else { 0 },
            location,
            is_error,
            limits: rules.limits,
            notes: notes.clone(),
            ids: !metadata.target().starts_with("opentelemetry"),
        }
    }

    /// The plan of `log` records of one level.
    pub(crate) fn of_log(rules: &FieldRules, metadata: &Metadata<'static>, scope: u32, notes: &Arc<CallsiteNotes>) -> RecordPlan {
        let field = |name: &str| match name {
            "message" => FieldRecord { key: name.into(), action: FieldAction::Body(rules.treatment(name)) },
            "log.target" => FieldRecord { key: name.into(), action: FieldAction::LogTarget },
            "log.file" => rules.added("code.file.path"),
            "log.line" => rules.added("code.line.number"),
            "log.module_path" => FieldRecord { key: name.into(), action: FieldAction::Ignore },
            other => rules.added(other),
        };
        let fields: Vec<FieldRecord> = metadata.fields().iter().map(|of| field(of.name())).collect();
        RecordPlan {
            header: header(metadata.level(), ""),
            short: short(&fields, rules.limits),
            fields,
            scope: scope << 1,
            location: Vec::new(),
            is_error: false,
            limits: rules.limits,
            notes: notes.clone(),
            unusual: 0,
            ids: true,
        }
    }
}

/// Keys of attributes that need not be counted or cut. None where the fields, each with its chain of sources, may pass a bound.
fn short(fields: &[FieldRecord], limits: RecordLimits) -> Box<[ShortKey]> {
    if 2 * fields.len() > limits.attributes || limits.characters.is_some() {
        return Box::default();
    }
    let key = |field: &FieldRecord| match field.action {
        // What an exception says is looked at.
        FieldAction::Plain if !field.key.starts_with("exception.") => ShortKey::new(&field.key),
        _ => ShortKey::NONE,
    };
    fields.iter().map(key).collect()
}

/// Source: <https://opentelemetry.io/docs/specs/otel/logs/data-model/#severity-fields>
fn header(level: &Level, event_name: &str) -> Template {
    let (number, text) = match *level {
        Level::TRACE => (1, "TRACE"),
        Level::DEBUG => (5, "DEBUG"),
        Level::INFO => (9, "INFO"),
        Level::WARN => (13, "WARN"),
        Level::ERROR => (17, "ERROR"),
    };
    let mut bytes = vec![tag::TIME];
    bytes.extend_from_slice(&[0; 8]);
    bytes.push(tag::OBSERVED_TIME);
    bytes.extend_from_slice(&[0; 8]);
    bytes.extend_from_slice(&[tag::SEVERITY_NUMBER, number, tag::SEVERITY_TEXT, text.len() as u8]);
    bytes.extend_from_slice(text.as_bytes());
    if !event_name.is_empty() {
        bytes.push(tag::EVENT_NAME);
        let mut rest = event_name.len();
        while rest >= 0x80 {
            bytes.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        bytes.push(rest as u8);
        bytes.extend_from_slice(event_name.as_bytes());
    }
    Template::new(&bytes, FRAME + IDS_ROOM + FIRST_ROOM)
}
