//! The channel from the controller to a receiver on an engine thread. The controller opens it and sends, the node receives. It never
//! loses an order without saying so.

use tracing::{Level, Span, event, info_span};

use super::End;
use crate::message::{DrainReason, Order, Outcome};
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
    closed: bool,
}

/// Opens a control channel to the node of this id in a pipeline.
pub(crate) fn channel(pipeline: &Span, node_id: &str) -> (Sender, Receiver) {
    let (sender, receiver) = flume::bounded(CAPACITY);
    (Sender { end: open(pipeline, node_id), orders: sender }, Receiver(receiver))
}

fn open(parent: &Span, node_id: &str) -> End {
    let channel = info_span!(
        parent: parent,
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
        let sent = self.orders.send(order).is_ok();
        self.end.sent(if sent { Outcome::Success } else { Outcome::Failure }, None, tally);
        if !sent {
            self.end.channel.in_scope(|| event!(name: "otelcol.channel.fail", Level::WARN, error.r#type = "closed"));
        }
    }
}

impl Receiver {
    /// Gives the end to the node that will use it.
    pub(crate) fn attach(self, node: &NodeSpan) -> Orders {
        Orders { end: open(&node.span, node.id), orders: self.0, ahead: None, closed: false }
    }
}

impl Orders {
    /// The next order, if one is there. After an order to drain comes no other. A controller that is gone has no more data: that is such an
    /// order too.
    pub(crate) fn receive(&mut self, tally: &mut Tally) -> Option<Order> {
        let order = match self.ahead.take().map_or_else(|| self.orders.try_recv(), Ok) {
            Ok(order) => {
                self.end.received(None, self.orders.len(), tally);
                order
            }
            Err(flume::TryRecvError::Empty) => return None,
            Err(flume::TryRecvError::Disconnected) => Order::Drain(DrainReason::Shutdown),
        };
        if matches!(order, Order::Drain(_)) {
            self.closed = true;
            self.end.closed();
        }
        Some(order)
    }
}

/// Waits until one of these has an order, or something else has come: for a thread that has nothing to do.
pub(crate) fn wait<T>(ends: &mut [&mut Orders], other: &flume::Receiver<T>) -> Option<T> {
    enum Came<T> {
        Order(usize, Option<Order>),
        Other(Option<T>),
    }
    let mut select = flume::Selector::new().recv(other, |came| Came::Other(came.ok()));
    for (index, end) in ends.iter().enumerate().filter(|(_, end)| !end.closed) {
        select = select.recv(&end.orders, move |order| Came::Order(index, order.ok()));
    }
    match select.wait() {
        Came::Other(other) => other,
        Came::Order(index, order) => {
            ends[index].ahead = order;
            None
        }
    }
}
