//! What the record of an ERROR event says of an exception, kept until the record is done.
//!
//! The record visitor notes it, redacted as it stands on the record, and the current span gets it as its event `exception`. User code
//! never runs while it is kept where another event could find it.

use std::cell::Cell;
use std::sync::Arc;

use crate::trace;
use crate::value::{AnyValue, Value};

/// What is known of an exception so far.
#[derive(Debug, Default)]
pub(crate) struct Exception {
    found: bool,
    /// The next attribute is the text of an error.
    next_is_error: bool,
    attributes: Vec<(Arc<str>, Value)>,
}

/// The next attribute that is written, if it is, is the text of an error.
pub(crate) fn begin_error(of: &Cell<Exception>) {
    let exception = of.take();
    of.set(Exception { found: true, next_is_error: true, ..exception });
}

/// No attribute came, or it was noted.
pub(crate) fn end_error(of: &Cell<Exception>) {
    let exception = of.take();
    of.set(Exception { next_is_error: false, ..exception });
}

/// An attribute was written.
#[cold]
pub(crate) fn note(of: &Cell<Exception>, key: &str, value: AnyValue<'_>) {
    let mut exception = of.take();
    let key = if key.starts_with("exception.") { Some(key) } else { exception.next_is_error.then_some("exception.message") };
    if let Some(key) = key {
        exception.found = true;
        let value = Value::from(value);
        match exception.attributes.iter_mut().find(|(known, _)| **known == *key) {
            None => exception.attributes.push((key.into(), value)),
            // What the event itself calls so counts before an error's text.
            Some(known) if !exception.next_is_error => known.1 = value,
            Some(_) => {}
        }
    }
    of.set(exception);
}

/// The record is done: the current span has failed, and has the exception if there was one.
pub(crate) fn hand_over(exception: Exception) {
    trace::fail_current(exception.found.then_some(exception.attributes));
}
