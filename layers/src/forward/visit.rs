//! The visitor that writes a record.
//!
//! One is made per forwarded event; it redacts and encodes each value in the one visit of the event's
//! fields. It must never leave a half-written record where another event could find it, so user code runs
//! only once the record has moved to the heap.

use std::fmt;

use tracing_core::Field;
use tracing_core::field::Visit;

use super::encode::{Out, any_value, attribute, tag};
use super::exception;
use super::ids::SpanIds;
use super::plan::{Location, OBSERVED_AT, RecordPlan, TIME_AT};
use super::queue::FrameScope;
use super::short_key::{SHORT_STR, SMALL_INT, ShortKey, TINY_STR};
use super::writer::Writer;
use crate::clock;
use crate::error_sources;
use crate::findings::Disagreement;
use crate::hold::Hold;
use crate::read::{DropReason, FieldDropReason};
use crate::redact::{Treatment, changed, hashed};
use crate::rules::{FieldAction, FieldRecord};
use crate::shared::Shared;
use crate::user_code::{self, Formatted};
use crate::value::AnyValue;

/// What a record is written with: this thread, and the context in force.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) hold: &'a Hold,
    pub(crate) writer: &'a Writer,
    /// Context in force.
    pub(crate) context: u32,
}

/// Writes one record. A few words, since one is made per record.
pub(crate) struct RecordVisitor<'a> {
    out: Out<'a>,
    short: &'a [ShortKey],
    plan: &'a RecordPlan,
    hold: &'a Hold,
    context: u32,
    /// Name of a `log` record's scope, 0 for the plan's.
    scope: u32,
    /// Attributes so far, where they are counted.
    attributes: u32,
    dropped: u32,
}

impl<'a> RecordVisitor<'a> {
    /// The ids that the record carries. Before [`room`](Self::room), since user code may run.
    #[inline(always)]
    pub(crate) fn ids(plan: &RecordPlan) -> SpanIds {
        if plan.ids { SpanIds::current() } else { SpanIds::NONE }
    }

    /// Room for a record in this thread's queue.
    #[inline(always)]
    pub(crate) fn room(place: &Place<'_>, plan: &RecordPlan) -> Result<(*mut u8, *mut u8), DropReason> {
        place.writer.producer.begin(plan.header.room())
    }

    /// Begins a record in the room that the thread's producer gave: writes what comes before body and attributes.
    ///
    /// # Safety
    /// `room` comes from [`room`](Self::room) for this plan and place, and nothing was begun, pushed or committed since.
    #[inline(always)]
    pub(crate) unsafe fn begin(plan: &'a RecordPlan, place: &Place<'a>, room: (*mut u8, *mut u8), ids: &SpanIds) -> RecordVisitor<'a> {
        // SAFETY: the producer is this thread's, and until `finish` no other event writes there: user code runs only after
        // `move_to_heap`, and nothing else here emits.
        let out = unsafe {
            place.writer.producer.frame(room.0, FrameScope { name: plan.scope, context: place.context });
            Out::new(room.0, room.1, place.writer, plan.unusual)
        };
        let (hold, context) = (place.hold, place.context);
        let mut visitor = RecordVisitor { out, short: &plan.short, plan, hold, context, scope: 0, attributes: 0, dropped: 0 };
        // SAFETY: `room` asked for header and ids.
        unsafe {
            visitor.out.template(&plan.header);
            visitor.out.with(|at| ids.write(at));
        }
        let now = clock::unix_nanos();
        visitor.out.patch(TIME_AT, now);
        visitor.out.patch(OBSERVED_AT, now);
        visitor
    }

    fn shared(&self) -> &'a Shared {
        &self.out.writer().shared
    }

    /// Publishes the record. The last call.
    #[inline(always)]
    pub(crate) fn finish(&mut self) {
        if self.out.is_unusual() {
            return self.finish_unusual();
        }
        // SAFETY: `out` wrote up to there from the place that `begin` gave, and no `begin` or `push` came between.
        unsafe { self.out.writer().producer.commit(self.out.start(), self.out.cursor()) };
    }

    #[cold]
    #[inline(never)]
    fn finish_unusual(&mut self) {
        self.finish_rest();
        let name = if self.scope == 0 { self.plan.scope } else { self.scope };
        let scope = FrameScope { name, context: self.context };
        if !self.out.in_place() {
            return self.finish_on_heap(scope);
        }
        // SAFETY: as in `finish`.
        unsafe {
            self.out.writer().producer.frame(self.out.start(), scope);
            self.out.writer().producer.commit(self.out.start(), self.out.cursor());
        }
    }

    fn finish_rest(&mut self) {
        let plan = self.plan;
        for (record, location) in &plan.location {
            let value = match location {
                Location::File(file) => AnyValue::Str(file),
                Location::Line(line) => AnyValue::Int((*line).into()),
            };
            match &record.action {
                FieldAction::Treat(treatment) => self.treat(record, treatment, value),
                _ => self.treat(record, &Treatment::Plain, value),
            }
        }
        if self.dropped > 0 {
            self.out.byte(tag::DROPPED_ATTRIBUTES);
            self.out.varint(self.dropped.into());
            self.shared().counts.over_limit.add(self.dropped.into());
        }
        if plan.is_error {
            exception::hand_over(self.out.writer().exception.take());
        }
    }

    fn finish_on_heap(&mut self, scope: FrameScope) {
        let mut record = self.out.take_heap();
        if let Err(reason) = self.out.writer().producer.push(&record, scope) {
            self.shared().counts.record_dropped(reason);
        }
        // A buffer that one large record made is not kept for ever.
        record.clear();
        record.shrink_to(user_code::MAX_TEXT * 2);
        self.out.writer().record.set(record);
    }

    /// Gives the place in the queue free, so that user code may run.
    pub(crate) fn step_aside(&mut self) {
        self.out.move_to_heap();
    }

    /// The key of a field; one that writes nothing, unless the field is simply an attribute and need not be counted.
    #[inline(always)]
    fn short(&self, field: &Field) -> Option<&'a ShortKey> {
        self.short.get(field.index())
    }

    /// Whether the record has room for one more attribute; counts it either way.
    fn admit(&mut self) -> bool {
        if (self.attributes as usize) < self.plan.limits.attributes {
            self.attributes += 1;
            true
        } else {
            self.dropped += 1;
            self.out.mark_unusual();
            false
        }
    }

    fn count(&self, reason: FieldDropReason) {
        self.shared().counts.field_dropped(reason);
    }

    /// A value that is not simply an attribute.
    #[cold]
    #[inline(never)]
    fn unusual(&mut self, field: &Field, value: AnyValue<'_>) {
        let Some(record) = self.plan.fields.get(field.index()) else { return };
        match &record.action {
            FieldAction::Plain => self.treat(record, &Treatment::Plain, value),
            FieldAction::Treat(treatment) => self.treat(record, treatment, value),
            FieldAction::Body(treatment) => self.body(treatment, value),
            FieldAction::Entity { declared, treatment } => match self.shared().contexts.value(self.context, &record.key) {
                Some(in_force) => {
                    if *treatment == Treatment::Plain && !in_force.is(value) {
                        self.shared().counts.conflicts.add(1);
                        self.plan.notes.note(Disagreement::IdentityConflict { field: field.index() });
                    }
                }
                None if *declared => self.treat(record, treatment, value),
                None => {
                    self.count(FieldDropReason::Undeclared);
                    self.plan.notes.note(Disagreement::EntityKeyUndeclared { field: field.index() });
                }
            },
            FieldAction::StackTrace(treatment) => {
                if self.shared().shows_stack_traces() {
                    self.treat(record, treatment, value);
                }
            }
            FieldAction::Resource(on_resource) => {
                if !on_resource.is(value) {
                    self.shared().counts.conflicts.add(1);
                    self.plan.notes.note(Disagreement::ResourceConflict { field: field.index() });
                }
            }
            FieldAction::LogTarget => {
                if let AnyValue::Str(target) = value {
                    self.scope = self.shared().scopes.intern(target) << 1;
                    self.out.mark_unusual();
                }
            }
            FieldAction::Ignore => {}
        }
    }

    fn treat(&mut self, record: &FieldRecord, treatment: &Treatment, value: AnyValue<'_>) {
        if let Treatment::Drop(reason) = treatment {
            return self.count(*reason);
        }
        if !self.admit() {
            return;
        }
        match treatment {
            Treatment::Drop(_) => {}
            Treatment::Plain => self.attribute(record, value),
            Treatment::Mark(mark) => {
                self.count(FieldDropReason::Personal);
                self.attribute(record, AnyValue::Str(mark));
            }
            Treatment::Hash => {
                self.count(FieldDropReason::Personal);
                self.attribute(record, AnyValue::Str(&hashed(value)));
            }
            Treatment::Change(normalize) => match value {
                AnyValue::Str(text) => self.attribute(record, AnyValue::Str(&changed(text, normalize))),
                other => self.attribute(record, other),
            },
        }
    }

    /// Writes an attribute as it may leave.
    fn attribute(&mut self, record: &FieldRecord, value: AnyValue<'_>) {
        let value = match (value, self.plan.limits.characters) {
            (AnyValue::Str(text), Some(most)) => AnyValue::Str(self.limited(text, most)),
            (value, _) => value,
        };
        attribute(&mut self.out, &record.key, value);
        if self.plan.is_error {
            exception::note(&self.out.writer().exception, &record.key, value);
        }
    }

    /// The beginning of a text of at most so many characters.
    fn limited<'t>(&self, text: &'t str, most: usize) -> &'t str {
        match text.char_indices().nth(most) {
            Some((end, _)) => {
                self.count(FieldDropReason::TooLong);
                &text[..end]
            }
            None => text,
        }
    }

    fn body(&mut self, treatment: &Treatment, value: AnyValue<'_>) {
        match treatment {
            Treatment::Plain => any_value(&mut self.out, tag::BODY, value),
            Treatment::Drop(reason) => self.count(*reason),
            Treatment::Mark(mark) => {
                self.count(FieldDropReason::Personal);
                any_value(&mut self.out, tag::BODY, AnyValue::Str(mark));
            }
            Treatment::Hash => {
                self.count(FieldDropReason::Personal);
                any_value(&mut self.out, tag::BODY, AnyValue::Str(&hashed(value)));
            }
            Treatment::Change(normalize) => match value {
                AnyValue::Str(text) => any_value(&mut self.out, tag::BODY, AnyValue::Str(&changed(text, normalize))),
                other => any_value(&mut self.out, tag::BODY, other),
            },
        }
    }

    /// Whether a value's text matters: user code is not run for what is left out or replaced anyway.
    fn needs_text(record: &FieldRecord) -> bool {
        match &record.action {
            FieldAction::Treat(treatment) | FieldAction::Body(treatment) | FieldAction::Entity { treatment, .. } => {
                !matches!(treatment, Treatment::Drop(_) | Treatment::Mark(_))
            }
            FieldAction::Ignore => false,
            // Seldom enough to be made for nothing.
            FieldAction::StackTrace(_) | FieldAction::Plain | FieldAction::Resource(_) | FieldAction::LogTarget => true,
        }
    }

    fn formatted(&mut self, field: &Field, value: fmt::Arguments<'_>) -> bool {
        match self.plan.fields.get(field.index()) {
            Some(record) if Self::needs_text(record) => self.text(field, value, |_| ()),
            Some(_) => {
                self.unusual(field, AnyValue::Str(""));
                true
            }
            None => false,
        }
    }

    /// Makes a value's text, shows it to `also`, and writes it as the field asks; `false` if making it panicked.
    pub(crate) fn text(&mut self, field: &Field, value: fmt::Arguments<'_>, also: impl FnOnce(&str)) -> bool {
        self.out.move_to_heap();
        let mut text = self.out.writer().text.take();
        let exception = self.out.writer().exception.take();
        let formatted = user_code::format(self.hold, &mut text, value);
        self.out.writer().exception.set(exception);
        match formatted {
            Formatted::Panicked => self.count(FieldDropReason::Panic),
            Formatted::Cut => self.count(FieldDropReason::TooLong),
            Formatted::Whole => {}
        }
        if formatted != Formatted::Panicked {
            also(&text);
            self.unusual(field, AnyValue::Str(&text));
        }
        self.out.writer().text.set(text);
        formatted != Formatted::Panicked
    }

    // One function per type, without a value on the stack, so that the visitor's methods end in a jump.

    #[inline(never)]
    fn any_int(&mut self, field: &Field, value: i64) {
        match self.short(field) {
            Some(key) if key.write_int(&mut self.out, value) => {}
            _ => self.unusual(field, AnyValue::Int(value)),
        }
    }

    #[inline(never)]
    fn any_natural(&mut self, field: &Field, value: u64) {
        match i64::try_from(value) {
            Ok(value) => self.any_int(field, value),
            Err(_) => self.unusual(field, AnyValue::Str(&value.to_string())),
        }
    }

    #[inline(never)]
    fn any_bool(&mut self, field: &Field, value: bool) {
        match self.short(field) {
            Some(key) if key.write_any_bool(&mut self.out, value) => {}
            _ => self.unusual(field, AnyValue::Bool(value)),
        }
    }

    #[inline(never)]
    fn short_str(&mut self, field: &Field, value: &str) {
        match self.short(field) {
            Some(key) if value.len() <= SHORT_STR && key.write_str(&mut self.out, value) => {}
            _ => self.unusual_str(field, value),
        }
    }

    #[inline(never)]
    fn unusual_str(&mut self, field: &Field, value: &str) {
        let (text, cut) = user_code::cut(value);
        if cut && self.plan.fields.get(field.index()).is_some_and(Self::needs_text) {
            self.count(FieldDropReason::TooLong);
        }
        self.unusual(field, AnyValue::Str(text));
    }
}

impl Visit for RecordVisitor<'_> {
    #[inline]
    fn record_i64(&mut self, field: &Field, value: i64) {
        match self.short(field) {
            Some(key) if (value as u64) < SMALL_INT && key.write_small(&mut self.out, value as u64) => {}
            _ => self.any_int(field, value),
        }
    }

    #[inline]
    fn record_u64(&mut self, field: &Field, value: u64) {
        match self.short(field) {
            Some(key) if value < SMALL_INT && key.write_small(&mut self.out, value) => {}
            _ => self.any_natural(field, value),
        }
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        match i64::try_from(value) {
            Ok(value) => self.record_i64(field, value),
            Err(_) => self.unusual(field, AnyValue::Str(&value.to_string())),
        }
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        match i64::try_from(value) {
            Ok(value) => self.record_i64(field, value),
            Err(_) => self.unusual(field, AnyValue::Str(&value.to_string())),
        }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.unusual(field, AnyValue::Double(value));
    }

    #[inline]
    fn record_bool(&mut self, field: &Field, value: bool) {
        match self.short(field) {
            Some(key) if key.write_bool(&mut self.out, value) => {}
            _ => self.any_bool(field, value),
        }
    }

    #[inline]
    fn record_str(&mut self, field: &Field, value: &str) {
        match self.short(field) {
            Some(key) if value.len() <= TINY_STR && key.write_tiny(&mut self.out, value) => {}
            _ => self.short_str(field, value),
        }
    }

    fn record_bytes(&mut self, field: &Field, value: &[u8]) {
        let cut = &value[..value.len().min(user_code::MAX_TEXT)];
        if cut.len() < value.len() {
            self.count(FieldDropReason::TooLong);
        }
        self.unusual(field, AnyValue::Bytes(cut));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.formatted(field, format_args!("{value:?}"));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        if self.plan.is_error {
            exception::begin_error(&self.out.writer().exception);
        }
        let formatted = self.formatted(field, format_args!("{value}"));
        if self.plan.is_error {
            exception::end_error(&self.out.writer().exception);
        }
        if !formatted {
            return;
        }
        let Some(record) = self.plan.fields.get(field.index()) else { return };
        let treatment = match &record.action {
            FieldAction::Plain => &Treatment::Plain,
            FieldAction::Treat(treatment) => treatment,
            _ => return,
        };
        if !matches!(treatment, Treatment::Plain | Treatment::Change(_)) {
            return;
        }
        // Events that the program's code emits meanwhile have exceptions of their own.
        let exception = self.out.writer().exception.take();
        let mut sources = error_sources::sources(value, self.hold, &self.shared().counts);
        if let Some(most) = self.plan.limits.characters {
            sources.iter_mut().for_each(|source| source.truncate(self.limited(source, most).len()));
        }
        self.out.writer().exception.set(exception);
        if !sources.is_empty() && self.admit() {
            let chain = format!("{}.chain", record.key);
            attribute(&mut self.out, &chain, AnyValue::StrArray(&sources));
        }
    }
}
