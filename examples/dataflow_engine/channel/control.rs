//! The channel from the controller to a receiver on an engine thread. The controller opens it and sends, the node receives. It never
//! loses an order without saying so.

use tracing::info_span;

use super::End;
use crate::message::{Order, Outcome};
use crate::node::NodeSpan;
use crate::tally::Tally;

const CAPACITY: usize = 4;

/// The controller's end.
pub(crate) struct Sender {
    end: End,
    orders: flume::Sender<Order>,
}

/// The other end, on its way to the node that will use it.
pub(crate) struct Receiver(flume::Receiver<Order>);

/// The node's end.
pub(crate) struct Orders {
    end: End,
    orders: flume::Receiver<Order>,
    ahead: Option<Order>,
}

/// Opens a control channel to the node of this id.
pub(crate) fn channel(node_id: &str) -> (Sender, Receiver) {
    let (sender, receiver) = flume::bounded(CAPACITY);
    (Sender { end: open(node_id, None), orders: sender }, Receiver(receiver))
}

fn open(node_id: &str, node: Option<&NodeSpan>) -> End {
    let channel = info_span!(
        parent: node.and_then(|node| node.span.id()),
        "otelcol.channel",
        otelcol.channel.id = format!("control:{node_id}"),
        otelcol.channel.kind = "control",
        otelcol.channel.mode = "shared",
        otelcol.channel.r#type = "mpsc",
        otelcol.channel.r#impl = "flume"
    );
    End { channel, signal: None, capacity: CAPACITY }
}

impl Sender {
    /// Sends an order, and waits while the channel is full.
    pub(crate) fn send(&self, order: Order, tally: &mut Tally) {
        let outcome = if self.orders.send(order).is_ok() { Outcome::Success } else { Outcome::Failure };
        self.end.sent(outcome, None, tally);
    }
}

impl Receiver {
    /// Gives the end to the node that will use it.
    pub(crate) fn attach(self, node: &NodeSpan) -> Orders {
        Orders { end: open(node.id, Some(node)), orders: self.0, ahead: None }
    }
}

impl Orders {
    /// The next order, if one is there. A controller that is gone has no more data: that is an order to drain.
    pub(crate) fn receive(&mut self, tally: &mut Tally) -> Option<Order> {
        let order = match self.ahead.take() {
            Some(order) => order,
            None => match self.orders.try_recv() {
                Ok(order) => order,
                Err(flume::TryRecvError::Empty) => return None,
                Err(flume::TryRecvError::Disconnected) => return Some(Order::Drain),
            },
        };
        self.end.received(None, self.orders.len(), tally);
        Some(order)
    }

    /// Waits until an order is there, for a thread that has nothing else to do.
    pub(crate) fn wait(&mut self) {
        if self.ahead.is_none() {
            self.ahead = self.orders.recv().ok();
        }
    }
}
