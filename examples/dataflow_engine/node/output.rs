//! An output port of a node. Nodes that send hold one or several. It never drops what the channel refused: it keeps it and offers it
//! again.

use std::collections::VecDeque;

use crate::channel::local::Sender;
use crate::message::{Message, Parcel};
use crate::tally::Tally;
use crate::trace::Trace;

/// The sending end of a channel, and what it refused.
pub(super) struct Output<T> {
    sender: Sender<T>,
    held: VecDeque<Parcel<T>>,
}

impl<T: Message> Output<T> {
    pub(super) fn new(sender: Sender<T>) -> Output<T> {
        Output { sender, held: VecDeque::new() }
    }

    /// Puts a message behind those that are held.
    pub(super) fn put(&mut self, message: T, trace: Trace) {
        self.held.push_back(Parcel { message, trace });
    }

    /// Offers what is held; says whether all of it went.
    pub(super) fn flush(&mut self, tally: &mut Tally) -> bool {
        while let Some(parcel) = self.held.pop_front() {
            if let Err(refused) = self.sender.send(parcel, tally) {
                self.held.push_front(refused);
                return false;
            }
        }
        true
    }
}
