//! Folding and forwarding in one visit.
//!
//! The layer uses it for events that do both. It must not run user code twice, nor before the record has stepped aside.

use std::fmt;

use tracing_core::Field;
use tracing_core::field::Visit;

use crate::fold::visit::FoldVisitor;
use crate::forward::visit::RecordVisitor;

/// Hands every value to both.
pub(crate) struct Both<'a> {
    pub(crate) fold: FoldVisitor<'a>,
    pub(crate) record: RecordVisitor<'a>,
}

macro_rules! both {
    ($($method:ident: $value:ty),* $(,)?) => {$(
        #[inline]
        fn $method(&mut self, field: &Field, value: $value) {
            self.fold.$method(field, value);
            self.record.$method(field, value);
        }
    )*};
}

impl Visit for Both<'_> {
    both! {
        record_i64: i64,
        record_u64: u64,
        record_i128: i128,
        record_u128: u128,
        record_f64: f64,
        record_bool: bool,
        record_str: &str,
        record_bytes: &[u8],
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if self.fold.needs_text(field) {
            // The record makes the text in any case, so that user code runs once.
            self.record.text(field, format_args!("{value:?}"), |text| self.fold.made_text(field, text));
        } else {
            self.fold.record_debug(field, value);
            self.record.record_debug(field, value);
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        if self.fold.needs_text(field) {
            self.record.step_aside();
        }
        self.fold.record_error(field, value);
        self.record.record_error(field, value);
    }
}
