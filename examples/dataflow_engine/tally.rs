//! The engine's own count of what it did, to hold against what its telemetry says. Channels and nodes add to it beside their
//! events. It never reads anything back from `tracing`.

use std::fmt;

/// A running total; empty until something was added.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Total(Option<i64>);

impl Total {
    pub(crate) fn add(&mut self, amount: u64) {
        *self.0.get_or_insert(0) += amount as i64;
    }

    pub(crate) fn subtract(&mut self, amount: u64) {
        *self.0.get_or_insert(0) -= amount as i64;
    }

    fn merge(&mut self, other: Total) {
        if let Some(amount) = other.0 {
            *self.0.get_or_insert(0) += amount;
        }
    }
}

macro_rules! tally {
    ($($field:ident = $metric:literal),* $(,)?) => {
        /// One total per counter and updowncounter of the registry that the engine records.
        #[derive(Debug, Clone, Default)]
        pub(crate) struct Tally {
            $(#[doc = $metric] pub(crate) $field: Total,)*
        }

        impl Tally {
            /// Adds the totals of another thread.
            pub(crate) fn merge(&mut self, other: &Tally) {
                $(self.$field.merge(other.$field);)*
            }

            fn totals(&self) -> impl Iterator<Item = (&'static str, i64)> {
                [$(($metric, self.$field)),*].into_iter().filter_map(|(metric, total)| Some((metric, total.0?)))
            }
        }
    };
}

tally! {
    sent_messages = "otelcol.channel.sender.messages",
    sent_bytes = "otelcol.channel.sender.size",
    received_messages = "otelcol.channel.receiver.messages",
    received_bytes = "otelcol.channel.receiver.size",
    consumed_items = "otelcol.node.consumed.items",
    consumed_bytes = "otelcol.node.consumed.size",
    produced_items = "otelcol.node.produced.items",
    produced_bytes = "otelcol.node.produced.size",
    failed_items = "otelcol.node.failed.items",
    failed_bytes = "otelcol.node.failed.size",
    retries = "otelcol.node.retries",
    turns = "otelcol.engine.turns",
    pipelines = "otelcol.engine.pipelines",
    batches_inflight = "otelcol.pipeline.batch.inflight",
}

/// As a JSON object. Metric names need no escaping.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (index, (metric, total)) in self.totals().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}\"{metric}\":{total}")?;
        }
        f.write_str("}")
    }
}
