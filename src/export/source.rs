//! Where the export thread reads from: records, spans, and metrics and counts beside them.
//! The layers crate and the queue of spans stand behind it in every program; tests put scripted records there.
//! Nothing here may wait for a producer or make one wait.

use std::sync::Arc;

use bytes::Bytes;
use tracing_weaver_layers::{ContextId, EntityContext, LayerStats, MetricsSnapshot, Record, RecordReader, Weaver};
use tracing_weaver_registry::model::ResolvedRegistry;

use super::report::DropReason;

/// The single consumer's side: records in the order of each thread.
pub(crate) trait RecordSource: Send {
    /// Hands records to `take` until about `budget` bytes went; returns whether more are waiting.
    fn drain(&mut self, budget: usize, take: &mut dyn FnMut(Record<'_>)) -> bool;
}

/// What any thread may read at any time.
pub(crate) trait Readings: Send + Sync {
    /// The registry in force.
    fn registry(&self) -> &ResolvedRegistry;
    /// All metric sets now.
    fn snapshot(&self) -> MetricsSnapshot;
    /// Counts of the layer since start.
    fn stats(&self) -> LayerStats;
    /// Name of a scope.
    fn scope_name(&self, name: u32) -> Arc<str>;
    /// An entity context.
    fn context(&self, id: ContextId) -> Arc<EntityContext>;
    /// From now on records drop as `shutdown`.
    fn close(&self);
}

/// Spans that have ended: where they wait, bounded and counted, and how they become requests.
pub(crate) trait SpanSource: Send + Sync {
    /// What came and what did not find room, since start.
    fn counts(&self) -> SpanCounts;

    /// As [`counts`](Self::counts), unless another thread holds them: after a fork it may hold them for ever.
    fn try_counts(&self) -> Option<SpanCounts>;

    /// Whether as many wait as a request holds, so that none of them need wait any longer.
    fn is_request_full(&self) -> bool;

    /// Takes the oldest spans, as many as a request holds; `None` where none wait.
    fn take(&self) -> Option<TakenSpans>;

    /// From now on spans drop as `shutdown`.
    fn close(&self);

    /// Forgets the spans that wait: nobody will take them any more.
    fn clear(&self);
}

/// Spans taken for one request.
#[derive(Debug)]
pub(crate) struct TakenSpans {
    /// How many.
    pub(crate) items: u64,
    /// The request, or why there is none.
    pub(crate) payload: Result<Bytes, String>,
}

/// Counts of the spans that ended, by what became of them on their way to the export thread.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct SpanCounts {
    /// All that ended.
    pub(crate) created: u64,
    /// Given up for want of room.
    pub(crate) queue_full: u64,
    /// Given up because they ended after the end.
    pub(crate) shutdown: u64,
    /// How many may wait at once; 0 where nobody makes spans.
    pub(crate) capacity: u64,
}

impl SpanCounts {
    /// Those that were or will be taken.
    pub(crate) fn accepted(&self) -> u64 {
        self.created - self.queue_full - self.shutdown
    }

    /// Those that were given up, by reason.
    pub(crate) fn dropped(&self) -> impl Iterator<Item = (DropReason, u64)> + use<> {
        [(DropReason::QueueFull, self.queue_full), (DropReason::Shutdown, self.shutdown)].into_iter().filter(|(_, count)| *count > 0)
    }
}

impl RecordSource for RecordReader {
    fn drain(&mut self, budget: usize, take: &mut dyn FnMut(Record<'_>)) -> bool {
        RecordReader::drain(self, budget, take)
    }
}

impl Readings for Weaver {
    fn registry(&self) -> &ResolvedRegistry {
        Weaver::registry(self)
    }

    fn snapshot(&self) -> MetricsSnapshot {
        Weaver::snapshot(self)
    }

    fn stats(&self) -> LayerStats {
        Weaver::stats(self)
    }

    fn scope_name(&self, name: u32) -> Arc<str> {
        Weaver::scope_name(self, name)
    }

    fn context(&self, id: ContextId) -> Arc<EntityContext> {
        Weaver::context(self, id)
    }

    fn close(&self) {
        Weaver::close(self);
    }
}
