//! A span's values, made plain: numbers, texts, and errors that are texts already.
//!
//! `tracing-opentelemetry` visits values while it holds a lock on the span. So the program's own code runs here, before, behind a panic
//! guard, and what is handed on is only read. 128-bit and unsigned integers become what OTLP has for them on the way.

use std::error::Error;
use std::fmt;

use tracing_core::field::{Value, ValueSet, Visit};
use tracing_core::{Field, Metadata};

use super::marked::marked_text;
use super::plan::{FieldPass, TracePlan};
use crate::count::Counts;
use crate::error_sources;
use crate::hold::Hold;
use crate::read::FieldDropReason;
use crate::user_code::{self, Formatted};

#[derive(Debug)]
enum Made {
    Int(i64),
    Double(f64),
    Bool(bool),
    Str(String),
    Error(Box<dyn Error + 'static>),
}

/// An error's text and those of its sources.
#[derive(Debug)]
struct MadeError {
    text: String,
    source: Option<Box<MadeError>>,
}

impl fmt::Display for MadeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for MadeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// Makes values plain, field by field.
pub(crate) struct MadeValues<'a> {
    plan: &'a TracePlan,
    hold: &'a Hold,
    counts: &'a Counts,
    values: Vec<Option<Made>>,
}

impl<'a> MadeValues<'a> {
    pub(crate) fn new(plan: &'a TracePlan, hold: &'a Hold, counts: &'a Counts) -> Self {
        MadeValues { plan, hold, counts, values: plan.fields.iter().map(|_| None).collect() }
    }

    /// Calls `with` with the values, as a set of the callsite's.
    ///
    /// The one use of `tracing-core`'s `value_set_all`, which its documentation hides; it takes any number of fields.
    pub(crate) fn with<R>(&self, metadata: &'static Metadata<'static>, with: impl FnOnce(&ValueSet<'_>) -> R) -> R {
        let values: Vec<Option<&dyn Value>> = self.values.iter().map(|made| made.as_ref().map(Made::value)).collect();
        with(&metadata.fields().value_set_all(&values))
    }

    /// Whether a field's own value matters; counts and notes it where not.
    fn wants(&mut self, field: &Field) -> bool {
        match self.plan.fields.get(field.index()).map(|field| field.pass) {
            Some(FieldPass::Value) => return true,
            Some(FieldPass::Empty) => self.values[field.index()] = Some(Made::Str(String::new())),
            Some(FieldPass::Nothing(Some(reason))) => self.counts.field_dropped(reason),
            Some(FieldPass::Nothing(None)) | None => {}
        }
        false
    }

    fn set(&mut self, field: &Field, value: Made) {
        if self.wants(field) {
            self.values[field.index()] = Some(value);
        }
    }

    fn cut(&self, text: &str) -> String {
        let (text, cut) = user_code::cut(text);
        if cut {
            self.counts.field_dropped(FieldDropReason::TooLong);
        }
        text.to_owned()
    }

    fn text(&self, value: fmt::Arguments<'_>) -> Option<String> {
        let mut text = String::new();
        match user_code::format(self.hold, &mut text, value) {
            Formatted::Panicked => {
                self.counts.field_dropped(FieldDropReason::Panic);
                return None;
            }
            Formatted::Cut => self.counts.field_dropped(FieldDropReason::TooLong),
            Formatted::Whole => {}
        }
        Some(text)
    }
}

impl Made {
    fn value(&self) -> &dyn Value {
        match self {
            Made::Int(value) => value,
            Made::Double(value) => value,
            Made::Bool(value) => value,
            Made::Str(value) => value,
            Made::Error(error) => error,
        }
    }
}

impl Visit for MadeValues<'_> {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, Made::Int(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.record_i128(field, value.into());
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.set(field, i64::try_from(value).map_or_else(|_| Made::Str(value.to_string()), Made::Int));
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.set(field, i64::try_from(value).map_or_else(|_| Made::Str(value.to_string()), Made::Int));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field, Made::Double(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, Made::Bool(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if self.wants(field) {
            self.values[field.index()] = Some(Made::Str(self.cut(value)));
        }
    }

    fn record_bytes(&mut self, field: &Field, value: &[u8]) {
        if self.wants(field) {
            let cut = &value[..value.len().min(user_code::MAX_TEXT)];
            if cut.len() < value.len() {
                self.counts.field_dropped(FieldDropReason::TooLong);
            }
            self.values[field.index()] = Some(Made::Str(marked_text(cut)));
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if self.wants(field) {
            self.values[field.index()] = self.text(format_args!("{value:?}")).map(Made::Str);
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        if self.wants(field) {
            let Some(text) = self.text(format_args!("{value}")) else { return };
            let sources = error_sources::sources(value, self.hold, self.counts).into_iter();
            let source = sources.rev().fold(None, |source, text| Some(Box::new(MadeError { text, source })));
            self.values[field.index()] = Some(match source {
                None => Made::Str(text),
                source => Made::Error(Box::new(MadeError { text, source })),
            });
        }
    }
}
