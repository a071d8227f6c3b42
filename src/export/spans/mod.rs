//! Spans that have ended, from the layer's gate to requests for the destinations.
//! The gate puts them into a [`SpanQueue`]; the export thread takes them, encoded, as it takes records.
//! Nothing here changes what a span says: what must not leave was stopped at the gate.

mod encode;
mod queue;
mod size;

#[cfg(test)]
mod tests;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use opentelemetry_proto::tonic::resource::v1::Resource;
use tokio::sync::Notify;

use super::source::{SpanCounts, SpanSource, TakenSpans};
use encode::SpanEncoder;
pub(crate) use queue::SpanQueue;

/// The spans of a queue as requests that bear `resource`; `wake` is told when a request is full.
///
/// `None` where nobody takes spans: the queue then neither keeps nor counts any.
pub(super) fn source(queue: Arc<SpanQueue>, taken: bool, resource: &Resource, wake: Arc<Notify>) -> Option<Arc<dyn SpanSource>> {
    if !taken {
        queue.ignore_all();
        return None;
    }
    queue.wake_by(wake);
    Some(Arc::new(EncodedSpans { queue, encoder: SpanEncoder::new(resource.clone()) }))
}

struct EncodedSpans {
    queue: Arc<SpanQueue>,
    encoder: SpanEncoder,
}

impl SpanSource for EncodedSpans {
    fn counts(&self) -> SpanCounts {
        self.queue.counts()
    }

    fn try_counts(&self) -> Option<SpanCounts> {
        self.queue.try_counts()
    }

    fn is_request_full(&self) -> bool {
        self.queue.is_request_full()
    }

    fn take(&self) -> Option<TakenSpans> {
        let spans = self.queue.take_request();
        if spans.is_empty() {
            return None;
        }
        let items = spans.len() as u64;
        // Once taken they stand on no other account, so that they are counted whatever the encoder does.
        let payload = catch_unwind(AssertUnwindSafe(|| self.encoder.encode(spans)));
        Some(TakenSpans { items, payload: payload.unwrap_or_else(|_| Err("the encoder panicked".to_owned())) })
    }

    fn close(&self) {
        self.queue.close();
    }

    fn clear(&self) {
        self.queue.clear();
    }
}
