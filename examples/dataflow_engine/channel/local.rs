//! The channel between two nodes of a pipeline. The pipeline opens it and gives each node its end. Both ends are on one thread, so it
//! never locks, and a full one refuses.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use tracing::{Span, info_span};

use super::End;
use crate::message::{Message, Outcome, Parcel};
use crate::node::NodeSpan;
use crate::tally::Tally;

struct Queue<T> {
    waiting: VecDeque<Parcel<T>>,
    closed: bool,
}

/// The end that a node sends on. Dropped, it closes the channel.
pub(crate) struct Sender<T> {
    end: End,
    queue: Rc<RefCell<Queue<T>>>,
}

/// The end that a node receives on.
pub(crate) struct Receiver<T> {
    end: End,
    queue: Rc<RefCell<Queue<T>>>,
}

/// What a receiver finds.
pub(crate) enum Received<T> {
    Message(Parcel<T>),
    /// Nothing waits yet.
    Empty,
    /// Nothing waits, and nothing will come.
    Closed,
}

/// Opens a channel from an output port of one node to another node.
pub(crate) fn channel<T: Message>(from: &NodeSpan, port: &str, to: &NodeSpan, capacity: usize) -> (Sender<T>, Receiver<T>) {
    let id = format!("pdata:{}:{port}", from.id);
    let end = |node: &NodeSpan| End { channel: open(&node.span, &id, port), signal: Some("logs"), capacity };
    let queue = Rc::new(RefCell::new(Queue { waiting: VecDeque::with_capacity(capacity), closed: false }));
    (Sender { end: end(from), queue: queue.clone() }, Receiver { end: end(to), queue })
}

fn open(node: &Span, id: &str, port: &str) -> Span {
    info_span!(
        parent: node,
        "otelcol.channel",
        otelcol.channel.id = id,
        otelcol.channel.kind = "pdata",
        otelcol.channel.mode = "local",
        otelcol.channel.r#type = "mpsc",
        otelcol.channel.r#impl = "internal",
        otelcol.channel.sender.out.port = port
    )
}

impl<T: Message> Sender<T> {
    /// Offers a message; a full channel gives it back.
    pub(crate) fn send(&self, parcel: Parcel<T>, tally: &mut Tally) -> Result<(), Parcel<T>> {
        let bytes = parcel.message.size();
        let mut queue = self.queue.borrow_mut();
        let offered = if queue.waiting.len() < self.end.capacity {
            queue.waiting.push_back(parcel);
            Ok(())
        } else {
            Err(parcel)
        };
        let outcome = if offered.is_ok() { Outcome::Success } else { Outcome::Refused };
        self.end.sent(outcome, Some(bytes), tally);
        offered
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.queue.borrow_mut().closed = true;
    }
}

impl<T: Message> Receiver<T> {
    /// Takes the next message.
    pub(crate) fn receive(&self, tally: &mut Tally) -> Received<T> {
        let mut queue = self.queue.borrow_mut();
        match queue.waiting.pop_front() {
            Some(parcel) => {
                self.end.received(Some(parcel.message.size()), queue.waiting.len(), tally);
                Received::Message(parcel)
            }
            None if queue.closed => {
                self.end.closed();
                Received::Closed
            }
            None => Received::Empty,
        }
    }
}
