//! Where the export thread reads from: records on one side, metrics and counts on the other.
//! The layers crate stands behind it in every program; tests put scripted records there.
//! Nothing here may wait for a producer or make one wait.

use std::sync::Arc;

use tracing_weaver_layers::{ContextId, EntityContext, LayerStats, MetricsSnapshot, Record, RecordReader, Weaver};
use tracing_weaver_registry::model::ResolvedRegistry;

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
