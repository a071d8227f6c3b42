//! Bounded channels, and what they tell at each end. Pipelines and the controller make them, nodes use them. They never block a
//! pipeline: a full one refuses.
//!
//! A channel is an entity, with a span at each end whose parent is the node that uses it. What an end records, it records inside that
//! span.

pub(crate) mod control;
pub(crate) mod local;

use tracing::{Level, Span, event};

use crate::message::Outcome;
use crate::tally::Tally;

/// One end of a channel.
struct End {
    channel: Span,
    /// Absent on a control channel.
    signal: Option<&'static str>,
    capacity: usize,
}

impl End {
    fn sent(&self, outcome: Outcome, bytes: Option<u64>, tally: &mut Tally) {
        let _in_channel = self.channel.enter();
        tally.sent_messages.add(1);
        if let Some(bytes) = bytes {
            tally.sent_bytes.add(bytes);
        }
        event!(
            name: "otelcol.channel.send",
            Level::TRACE,
            outcome = outcome.name(),
            signal = self.signal,
            messages = 1u64,
            bytes
        );
    }

    fn received(&self, bytes: Option<u64>, left: usize, tally: &mut Tally) {
        let _in_channel = self.channel.enter();
        tally.received_messages.add(1);
        if let Some(bytes) = bytes {
            tally.received_bytes.add(bytes);
        }
        event!(
            name: "otelcol.channel.receive",
            Level::TRACE,
            signal = self.signal,
            messages = 1u64,
            bytes,
            depth = left as u64,
            capacity = self.capacity as u64
        );
    }

    /// Nothing more will be sent, and all that was sent has been taken.
    fn closed(&self) {
        self.channel.in_scope(|| event!(name: "otelcol.channel.complete", Level::DEBUG, {}));
    }
}
