//! What a thread writes records with: its end of the queue, buffers for what does not fit in place, and what it needs of the layer.
//!
//! A thread's part of a layer owns one; the record visitor borrows it for one event.

use std::cell::Cell;
use std::sync::Arc;

use super::exception::Exception;
use super::queue::Producer;
use crate::shared::Shared;

/// One thread's means of writing records.
pub(crate) struct Writer {
    pub(crate) producer: Producer,
    /// Buffer of a record that does not fit in place.
    pub(crate) record: Cell<Vec<u8>>,
    /// Buffer of a value's text.
    pub(crate) text: Cell<String>,
    /// What the record that is being written says of an exception.
    pub(crate) exception: Cell<Exception>,
    pub(crate) shared: Arc<Shared>,
}

impl Writer {
    pub(crate) fn new(producer: Producer, shared: Arc<Shared>) -> Writer {
        Writer { producer, record: Cell::default(), text: Cell::default(), exception: Cell::default(), shared }
    }
}
