//! Records and readings that a test scripts, in the place of the layers.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::logs::v1::LogRecord;
use prost::Message as _;
use tracing_weaver_layers::{ContextId, DropReason, EntityContext, LayerStats, MetricsSnapshot, Record, RecordScope, Value};
use tracing_weaver_registry::model::ResolvedRegistry;

use crate::export::source::{Readings, RecordSource};

pub(super) const SCHEMA_URL: &str = "https://example.com/schemas/acme/0.1.0";

/// Numbers of scope names that differ by this stand for one name.
pub(super) const NAMES: u32 = 1000;

#[derive(Clone)]
pub(super) struct Fake(Arc<Inner>);

struct Inner {
    registry: ResolvedRegistry,
    records: Mutex<VecDeque<(RecordScope, Vec<u8>)>>,
    stats: Mutex<LayerStats>,
    snapshot: Mutex<MetricsSnapshot>,
    closed: AtomicBool,
    broken: AtomicBool,
    snapshots: AtomicUsize,
}

/// The scope of a target in context 0, known to the registry.
pub(super) fn scope(name: u32) -> RecordScope {
    RecordScope { name, known: true, context: ContextId(0) }
}

impl Fake {
    pub(super) fn new() -> Self {
        let mut registry = ResolvedRegistry::default();
        registry.schema_url = SCHEMA_URL.into();
        Self::with_registry(registry)
    }

    pub(super) fn with_registry(registry: ResolvedRegistry) -> Self {
        Fake(Arc::new(Inner {
            registry,
            records: Mutex::default(),
            stats: Mutex::default(),
            snapshot: Mutex::default(),
            closed: AtomicBool::new(false),
            broken: AtomicBool::new(false),
            snapshots: AtomicUsize::new(0),
        }))
    }

    pub(super) fn source(&self) -> Box<dyn RecordSource> {
        Box::new(self.clone())
    }

    pub(super) fn readings(&self) -> Arc<dyn Readings> {
        Arc::new(self.clone())
    }

    pub(super) fn emit(&self, scope: RecordScope, event_name: &str) {
        self.emit_bytes(scope, LogRecord { event_name: event_name.into(), ..Default::default() }.encode_to_vec());
    }

    pub(super) fn emit_bytes(&self, scope: RecordScope, bytes: Vec<u8>) {
        let mut stats = self.0.stats.lock().unwrap();
        stats.records_created += 1;
        if self.0.closed.load(Ordering::Relaxed) {
            match stats.records_dropped.first_mut() {
                Some((_, count)) => *count += 1,
                None => stats.records_dropped.push((DropReason::Shutdown, 1)),
            }
        } else {
            self.0.records.lock().unwrap().push_back((scope, bytes));
        }
    }

    /// Events `prefix.0` to `prefix.{count-1}` in one scope.
    pub(super) fn emit_many(&self, prefix: &str, count: usize) {
        (0..count).for_each(|number| self.emit(scope(0), &format!("{prefix}.{number}")));
    }

    pub(super) fn set_snapshot(&self, snapshot: MetricsSnapshot) {
        *self.0.snapshot.lock().unwrap() = snapshot;
    }

    pub(super) fn change_stats(&self, change: impl FnOnce(&mut LayerStats)) {
        change(&mut self.0.stats.lock().unwrap());
    }

    /// From now on reading records panics.
    pub(super) fn break_down(&self) {
        self.0.broken.store(true, Ordering::Relaxed);
    }

    /// How often a snapshot was taken.
    pub(super) fn snapshots(&self) -> usize {
        self.0.snapshots.load(Ordering::Relaxed)
    }

    /// Records that nobody took yet.
    pub(super) fn left(&self) -> usize {
        self.0.records.lock().unwrap().len()
    }
}

impl RecordSource for Fake {
    fn drain(&mut self, budget: usize, take: &mut dyn FnMut(Record<'_>)) -> bool {
        assert!(!self.0.broken.load(Ordering::Relaxed), "the test broke the source");
        let mut records = self.0.records.lock().unwrap();
        let mut left = budget;
        while let Some((scope, bytes)) = records.pop_front() {
            take(Record { scope, bytes: &bytes });
            if bytes.len() >= left {
                break;
            }
            left -= bytes.len();
        }
        !records.is_empty()
    }
}

impl Readings for Fake {
    fn registry(&self) -> &ResolvedRegistry {
        &self.0.registry
    }

    fn snapshot(&self) -> MetricsSnapshot {
        self.0.snapshots.fetch_add(1, Ordering::Relaxed);
        self.0.snapshot.lock().unwrap().clone()
    }

    fn stats(&self) -> LayerStats {
        self.0.stats.lock().unwrap().clone()
    }

    fn scope_name(&self, name: u32) -> Arc<str> {
        format!("target::{}", name % NAMES).into()
    }

    /// Context 0 is empty; any other has one entity with the id as its identity.
    fn context(&self, id: ContextId) -> Arc<EntityContext> {
        let mut context = EntityContext { id, ..Default::default() };
        if id.0 > 0 {
            context.types.push("acme.node".into());
            context.attributes.push(("acme.node.id".into(), Value::Int(i64::from(id.0))));
        }
        Arc::new(context)
    }

    fn close(&self) {
        self.0.closed.store(true, Ordering::Relaxed);
    }
}
