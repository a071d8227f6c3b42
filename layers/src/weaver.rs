//! The shared heart behind a layer: what readers call. (Skeleton: bodies follow.)
use std::sync::Arc;

use tracing_weaver_registry::model::ResolvedRegistry;

use crate::filter::ForwardFilter;
use crate::read::*;

/// What a layer is made from.
#[derive(Debug)]
#[non_exhaustive]
pub struct Settings {
    /// The registry; the empty one forwards plain records and folds nothing.
    pub registry: Arc<ResolvedRegistry>,
    /// Which records are forwarded.
    pub filter: ForwardFilter,
    /// Fold measurements.
    pub fold: bool,
    /// Forward records.
    pub forward: bool,
    /// Put `code.*` on records of `tracing` events too.
    pub code_location: bool,
    /// What stands on the resource: its keys are not repeated on records.
    pub resource: Vec<(Arc<str>, Value)>,
    /// Process-wide bound on the bytes of queues.
    pub queue_bytes: usize,
}
impl Settings {
    /// Defaults for a registry: everything on, filter `info`, 64 MiB of queues.
    pub fn new(registry: Arc<ResolvedRegistry>) -> Self {
        Settings {
            registry,
            filter: ForwardFilter::default(),
            fold: true,
            forward: true,
            code_location: false,
            resource: vec![],
            queue_bytes: 64 << 20,
        }
    }
}

/// Reads what producers wrote; shared by all readers.
#[derive(Debug)]
pub struct Weaver {
    pub(crate) registry: Arc<ResolvedRegistry>,
}
impl Weaver {
    /// The registry it was made from.
    pub fn registry(&self) -> &ResolvedRegistry {
        &self.registry
    }
    /// What of the registry is not acted on yet, one sentence each, to be said once at start-up.
    pub fn notes(&self) -> Vec<String> {
        vec![]
    }
    /// All metric sets now. Never stops a producer.
    pub fn snapshot(&self) -> MetricsSnapshot {
        MetricsSnapshot::default()
    }
    /// Counts since start.
    pub fn stats(&self) -> LayerStats {
        LayerStats::default()
    }
    /// Name of a scope.
    pub fn scope_name(&self, _name: u32) -> Arc<str> {
        Arc::from("")
    }
    /// An entity context.
    pub fn context(&self, _id: ContextId) -> Arc<EntityContext> {
        Arc::default()
    }
    /// Changes which records are forwarded, for all threads.
    pub fn set_filter(&self, _filter: ForwardFilter) {}
    /// The most verbose level that is forwarded, for `log::set_max_level`.
    pub fn forward_level(&self) -> tracing_core::LevelFilter {
        tracing_core::LevelFilter::INFO
    }
    /// From now on records drop as `Shutdown`.
    pub fn close(&self) {}
}

/// The single consumer of records.
#[derive(Debug)]
pub struct RecordReader {
    _weaver: Arc<Weaver>,
}
impl RecordReader {
    /// Hands records to `take`, in each thread's order, until about `budget` bytes went. Returns whether more are waiting.
    pub fn drain(&mut self, _budget: usize, _take: &mut dyn FnMut(Record<'_>)) -> bool {
        false
    }
}

/// Marks the calling thread as one whose events and spans no layer of this crate sees: for threads that export.
pub fn suppress_this_thread() {}

/// Why a layer could not be made.
#[derive(Debug)]
pub struct PlanError(pub String);
impl std::fmt::Display for PlanError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
impl std::error::Error for PlanError {}

/// The layer.
#[derive(Debug)]
pub struct WeaverLayer<S> {
    _s: std::marker::PhantomData<fn(S)>,
}
impl<S: tracing_core::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>> tracing_subscriber::Layer<S> for WeaverLayer<S> {}

/// Makes a layer, the handle that readers share, and the one reader of records.
pub fn weave<S>(settings: Settings) -> Result<(WeaverLayer<S>, Arc<Weaver>, RecordReader), PlanError>
where
    S: tracing_core::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
{
    let weaver = Arc::new(Weaver { registry: settings.registry });
    Ok((WeaverLayer { _s: std::marker::PhantomData }, weaver.clone(), RecordReader { _weaver: weaver }))
}
