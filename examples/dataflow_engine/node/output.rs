//! An output port of a node. Nodes that send hold one or several. It never drops what the channel refused: it keeps it and offers it
//! again.

use std::collections::VecDeque;

use crate::channel::local::Sender;
use crate::message::Message;
use crate::tally::Tally;

/// The sending end of a channel, and what it refused.
pub(super) struct Output<T> {
    sender: Sender<T>,
    held: VecDeque<T>,
}

impl<T: Message> Output<T> {
    pub(super) fn new(sender: Sender<T>) -> Output<T> {
        Output { sender, held: VecDeque::new() }
    }

    /// Puts a message behind those that are held.
    pub(super) fn put(&mut self, message: T) {
        self.held.push_back(message);
    }

    /// Offers what is held; says whether all of it went.
    pub(super) fn flush(&mut self, tally: &mut Tally) -> bool {
        while let Some(message) = self.held.pop_front() {
            if let Err(refused) = self.sender.send(message, tally) {
                self.held.push_front(refused);
                return false;
            }
        }
        true
    }
}
