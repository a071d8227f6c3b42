//! What all parts of one layer share: registry, plans, contexts, counts, and the way to what producers wrote.
//!
//! The layer works on it, the export thread and in-process readers read through it. Its locks are held for
//! short moves of pointers only, never while anything else is called.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, RwLock};

use dashmap::DashMap;
use tracing_core::callsite::Identifier;
use tracing_core::{LevelFilter, Metadata};
use tracing_log::AsTrace;
use tracing_weaver_registry::model::{FoldSource, MetricId, MetricSetId, ResolvedRegistry};

use crate::callsite::plan::{EventPlan, SpanPlan};
use crate::counted::Counted;
use crate::entity::span_table::SpanTable;
use crate::filter::ForwardFilter;
use crate::findings::{Finding, Findings};
use crate::fold::collect::Residue;
use crate::fold::layout::Layout;
use crate::fold::shard::Shard;
use crate::forward::queue::{Consumer, Pool, Queue, queue};
use crate::forward::writer::Writer;
use crate::notes::notes;
use crate::read::{ContextId, EntityContext, LayerStats, MetricsSnapshot};
use crate::rules::{FieldRules, RecordLimits};
use crate::settings::Settings;
use crate::shared::Shared;
use crate::sync::lock;
use crate::thread::{InstanceSlot, SLOTS, ThreadPart};
use crate::trace::Traces;

/// Threads that may end before somebody who starts one merges what they left, where no reader does.
const MAX_UNSEEN: usize = 1 << 10;

/// What a layer knows and what producers wrote, for readers.
///
/// [`weave`](crate::weave) makes it, and has an example.
pub struct Weaver {
    registry: Arc<ResolvedRegistry>,
    pub(crate) instance: u32,
    /// Changes when threads must look through their stacks; never the value of another layer or of before. In the upper half,
    /// as it stands in a thread's keys.
    epoch: AtomicU64,
    /// Index of this layer's state in each thread, [`SLOTS`] for none.
    pub(crate) slot: usize,
    pub(crate) alive: Arc<()>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) counted: Counted,
    pub(crate) spans: Arc<SpanTable>,
    pub(crate) traces: Option<Traces>,
    #[cfg(feature = "spans")]
    pub(crate) propagators: crate::settings::Propagators,
    has_entities: bool,
    /// Whether any span matters: there are entities, or trace spans.
    pub(crate) tracks_spans: bool,
    by_span: AtomicBool,
    entities_only: AtomicBool,
    filter: RwLock<Arc<ForwardFilter>>,
    /// How many filters there were.
    pub(crate) filter_generation: AtomicU32,
    /// Changes of the filter that are on their way.
    filter_changes: AtomicU32,
    pub(crate) forward: bool,
    closed: AtomicBool,
    pub(crate) folds: Vec<(MetricId, usize)>,
    pub(crate) layouts: Vec<Layout>,
    pub(crate) rules: Arc<FieldRules>,
    pub(crate) findings: Arc<Findings>,
    notes: Vec<String>,
    pub(crate) logs: [Identifier; 5],
    /// By the address of the callsite's metadata: callsites of size zero, as those of `log` are, may share theirs.
    pub(crate) events: DashMap<usize, (Arc<EventPlan>, &'static Metadata<'static>)>,
    pub(crate) span_plans: DashMap<usize, Arc<SpanPlan>>,
    pool: Arc<Pool>,
    new_queues: Mutex<Vec<Consumer>>,
    queues: Mutex<Vec<Arc<Queue>>>,
    /// Frames of queues that are gone.
    published_before: AtomicU64,
    taken: AtomicU64,
    new_shards: Mutex<Vec<Arc<Shard>>>,
    residue: Mutex<Residue>,
    /// When each series began.
    pub(crate) series: DashMap<(MetricSetId, u32), u64>,
    pub(crate) series_words: AtomicUsize,
}

/// Bits of [`THREAD`](crate::thread::THREAD)'s slots that live layers hold.
static TAKEN_SLOTS: Mutex<u32> = Mutex::new(0);

fn next_epoch() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

fn take_slot() -> usize {
    let mut taken = TAKEN_SLOTS.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let slot = (!*taken).trailing_zeros() as usize;
    if slot >= SLOTS {
        return SLOTS;
    }
    *taken |= 1 << slot;
    slot
}

impl Drop for Weaver {
    fn drop(&mut self) {
        if self.slot < SLOTS {
            *TAKEN_SLOTS.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) &= !(1 << self.slot);
        }
    }
}

impl fmt::Debug for Weaver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Weaver").field("registry", &self.registry.schema_url).field("instance", &self.instance).finish_non_exhaustive()
    }
}

impl Weaver {
    pub(crate) fn new(settings: Settings) -> Weaver {
        let instance = next_epoch();
        let has_entities = settings.registry.entities.iter().any(|entity| !entity.resource);
        let registry = settings.registry;
        let mut notes = notes(&registry);
        let mut folds = Vec::new();
        for (at, metric) in registry.metrics.iter().enumerate() {
            for (fold, source) in metric.folds.iter().enumerate() {
                let built = matches!(source.source, FoldSource::Event { .. }) && source.when.is_empty() && source.unit.is_none();
                if built && settings.fold {
                    folds.push((MetricId(at as u32), fold));
                }
            }
        }
        let levels = [log::Level::Error, log::Level::Warn, log::Level::Info, log::Level::Debug, log::Level::Trace];
        let logs = levels.map(|level| log::Record::builder().level(level).build().as_trace().callsite());
        let findings = Arc::new(Findings::new(&registry, &settings.resource, settings.findings));
        let limits = RecordLimits { attributes: settings.attribute_count_limit, characters: settings.attribute_length_limit };
        let rules = Arc::new(FieldRules::new(&registry, settings.resource, settings.code_location, limits));
        let layout = |at: usize| Layout::new(&rules, &registry, MetricSetId(at as u32), &mut notes);
        let layouts = (0..registry.metric_sets.len()).map(layout).collect();
        let (shared, spans) = (Arc::new(Shared::new()), Arc::new(SpanTable::new()));
        #[cfg(feature = "spans")]
        let traces = settings.spans.map(|of| Traces::new(of, spans.clone(), registry.clone(), rules.clone(), shared.clone()));
        #[cfg(not(feature = "spans"))]
        let traces = None;
        let tracks_spans = has_entities || traces.is_some();
        shared.set_debug(settings.filter.lets_debug_through());
        Weaver {
            instance,
            epoch: ((instance as u64) << 32).into(),
            slot: take_slot(),
            alive: Arc::new(()),
            shared,
            counted: Counted::default(),
            spans,
            traces,
            #[cfg(feature = "spans")]
            propagators: settings.propagators,
            has_entities,
            tracks_spans,
            by_span: settings.filter.by_span.into(),
            entities_only: (tracks_spans && !settings.filter.by_span).into(),
            filter: RwLock::new(Arc::new(settings.filter)),
            filter_generation: 0.into(),
            filter_changes: 0.into(),
            forward: settings.forward,
            closed: AtomicBool::new(false),
            folds,
            layouts,
            rules,
            findings,
            notes,
            logs,
            events: DashMap::new(),
            span_plans: DashMap::new(),
            pool: Pool::new(settings.queue_bytes),
            new_queues: Mutex::default(),
            queues: Mutex::default(),
            published_before: 0.into(),
            taken: 0.into(),
            new_shards: Mutex::default(),
            residue: Mutex::default(),
            series: DashMap::new(),
            series_words: 0.into(),
            registry,
        }
    }

    /// The registry that the layer was made from.
    pub fn registry(&self) -> &ResolvedRegistry {
        &self.registry
    }

    /// What the registry asks for that is not acted on yet, one sentence each, to be said once at start-up.
    pub fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }

    /// Where code and registry disagree: at most so many findings from the `from`th on, in the order in which they were met. Callsites that
    /// nobody looked at before are looked at, 256 for each finding that is asked for; more come with the next call.
    pub fn findings(&self, from: usize, at_most: usize) -> Vec<Finding> {
        self.findings.read(from, at_most)
    }

    /// How many findings there are so far, not counting callsites that nobody looked at.
    pub fn findings_len(&self) -> usize {
        self.findings.len()
    }

    /// How often something was met that would be a further finding, past the bound of 1,024.
    pub fn findings_left_out(&self) -> u64 {
        self.findings.left_out()
    }

    /// Counts since start.
    pub fn stats(&self) -> LayerStats {
        let dropped = self.shared.counts.records();
        let lost: u64 = dropped.iter().map(|(_, count)| count).sum();
        let queues = lock(&self.queues);
        let published: u64 = queues.iter().map(|queue| queue.published()).sum();
        let taken = self.taken.load(Ordering::Acquire);
        let published = published + self.published_before.load(Ordering::Acquire);
        drop(queues);
        let (held, bound) = self.pool.bytes();
        LayerStats {
            records_created: published.max(taken) + lost,
            records_taken: taken,
            records_dropped: dropped,
            fields_dropped: self.shared.counts.fields(),
            attributes_over_limit: self.shared.counts.over_limit.get(),
            measurements_refused: self.shared.counts.refused.get(),
            measurements_unattributed: self.shared.counts.unattributed.get(),
            identity_conflicts: self.shared.counts.conflicts.get(),
            entities_refused: self.shared.counts.entities_refused.get(),
            late_values: self.shared.counts.late_values.get(),
            queue_bytes: (held as u64, bound as u64),
        }
    }

    /// All metric sets now. Never stops a producer; readers wait for one another.
    pub fn snapshot(&self) -> MetricsSnapshot {
        let mut residue = lock(&self.residue);
        residue.adopt(std::mem::take(&mut *lock(&self.new_shards)));
        residue.snapshot(&self.layouts, |set, context| {
            (self.shared.contexts.get(context), self.series.get(&(set, context)).map_or(0, |start| *start))
        })
    }

    /// Name of a scope.
    pub fn scope_name(&self, name: u32) -> Arc<str> {
        self.shared.scopes.name(name)
    }

    /// An entity context.
    pub fn context(&self, id: ContextId) -> Arc<EntityContext> {
        self.shared.contexts.get(id.0)
    }

    /// Changes which records are forwarded, for all threads and from any thread.
    ///
    /// Entities and folds go on as before. Cost: one pass over the callsites of the process.
    ///
    /// ```
    /// # use tracing_weaver_layers::{ForwardFilter, Settings, weave};
    /// # let (_layer, weaver, _reader) = weave::<tracing_subscriber::Registry>(Settings::new(Default::default()))?;
    /// weaver.set_filter(ForwardFilter::parse("off")?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_filter(&self, filter: ForwardFilter) {
        // No thread goes a short way by what the old filter said, nor by what it finds half changed: a question that was answered before
        // may have left a bit, which only the way through the filter clears.
        self.filter_changes.fetch_add(1, Ordering::AcqRel);
        self.begin_epoch();
        self.shared.set_debug(filter.lets_debug_through());
        self.by_span.store(filter.by_span, Ordering::Relaxed);
        self.entities_only.store(self.tracks_spans && !filter.by_span, Ordering::Relaxed);
        *self.filter.write().unwrap_or_else(|poisoned| poisoned.into_inner()) = Arc::new(filter);
        self.filter_generation.fetch_add(1, Ordering::AcqRel);
        let plans: Vec<_> = self.events.iter().filter(|entry| !self.is_log(entry.1)).map(|entry| entry.value().clone()).collect();
        for (plan, metadata) in plans {
            plan.decide(self.verdict(metadata));
        }
        self.begin_epoch();
        self.filter_changes.fetch_sub(1, Ordering::AcqRel);
        // Reaches the stack of every thread, since the layer's second subscriber stands beside it.
        tracing_core::callsite::rebuild_interest_cache();
    }

    /// The most verbose level that is forwarded, for `log::set_max_level`.
    pub fn forward_level(&self) -> LevelFilter {
        if !self.forward {
            return LevelFilter::OFF;
        }
        self.filter().env.max_level_hint().unwrap_or(LevelFilter::TRACE)
    }

    /// From now on records drop as `Shutdown` and nothing folds. Records in queues can still be drained.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.events.iter().for_each(|entry| entry.value().0.close());
    }

    /// The epoch as it stands in a thread's keys, above the context.
    #[inline(always)]
    pub(crate) fn epoch_of_key(&self) -> u64 {
        self.epoch.load(Ordering::Relaxed)
    }

    /// Whether a short way that is worked out now may be gone again.
    pub(crate) fn is_settled(&self) -> bool {
        self.filter_changes.load(Ordering::Acquire) == 0
    }

    /// Makes every thread look through its stack at its next event, and work its ways out anew.
    pub(crate) fn begin_epoch(&self) {
        self.epoch.store((next_epoch() as u64) << 32, Ordering::Relaxed);
    }

    /// Takes note of the thread's default dispatcher, if it holds this layer and none is known yet.
    #[inline]
    pub(crate) fn find_holder(&self) {
        self.counted.find_holder(|default| default.downcast_ref::<Weaver>().is_some_and(|weaver| weaver.instance == self.instance));
    }

    /// Makes a slot this layer's, at the present epoch. Returns whether that is another one than the slot's before.
    pub(crate) fn claim(&self, slot: &InstanceSlot) -> bool {
        slot.claim(self.instance, (self.epoch_of_key() >> 32) as u32, |span, context| self.spans.get(span).context == context)
    }

    /// Whether the directives have a say of a callsite at all.
    pub(crate) fn may_forward(&self, metadata: &Metadata<'_>) -> bool {
        self.forward || metadata.is_span() && self.traces.is_some()
    }

    /// Whether entering a span matters for entities and traces, and not for the directives.
    #[inline(always)]
    pub(crate) fn spans_are_entities_only(&self) -> bool {
        self.entities_only.load(Ordering::Relaxed)
    }

    /// Whether the directives must see which spans are entered.
    #[inline(always)]
    pub(crate) fn filters_by_span(&self) -> bool {
        self.by_span.load(Ordering::Relaxed)
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    pub(crate) fn filter(&self) -> Arc<ForwardFilter> {
        self.filter.read().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    /// Whether there is anything that must be seen whatever the directives say.
    pub(crate) fn counts(&self) -> bool {
        self.has_entities || !self.folds.is_empty()
    }

    /// The verbosity that the layer needs to be asked about.
    pub(crate) fn level_hint(&self) -> Option<LevelFilter> {
        if self.counts() { Some(LevelFilter::TRACE) } else { self.filter().env.max_level_hint() }
    }

    /// Queues of threads that came since this was asked last.
    pub(crate) fn new_queues(&self) -> Vec<Consumer> {
        std::mem::take(&mut lock(&self.new_queues))
    }

    /// Counts records that the reader took.
    pub(crate) fn note_taken(&self, records: u64) {
        self.taken.fetch_add(records, Ordering::AcqRel);
    }

    /// Forgets a queue that will hold nothing any more.
    pub(crate) fn forget_queue(&self, ended: &Arc<Queue>) {
        let mut queues = lock(&self.queues);
        queues.retain(|queue| !Arc::ptr_eq(queue, ended));
        self.published_before.fetch_add(ended.published(), Ordering::AcqRel);
    }

    /// A thread's part, made at its first event.
    pub(crate) fn make_part(&self) -> ThreadPart {
        let shard = Shard::new();
        let (producer, consumer) = queue(&self.pool);
        self.forget_unseen();
        lock(&self.new_shards).push(shard.clone());
        lock(&self.queues).push(consumer.queue().clone());
        lock(&self.new_queues).push(consumer);
        ThreadPart::new(shard, Writer::new(producer, self.shared.clone()))
    }

    /// Where nobody reads, what ended threads left would pile up for ever.
    fn forget_unseen(&self) {
        if lock(&self.new_shards).len() >= MAX_UNSEEN {
            // A reader that is at work takes them by itself.
            if let Ok(mut residue) = self.residue.try_lock() {
                residue.adopt(std::mem::take(&mut *lock(&self.new_shards)));
                residue.settle(&self.layouts);
            }
        }
        let mut unseen = lock(&self.new_queues);
        if unseen.len() >= MAX_UNSEEN {
            let (spent, left) = std::mem::take(&mut *unseen).into_iter().partition(Consumer::is_spent);
            *unseen = left;
            drop(unseen);
            let spent: Vec<Consumer> = spent;
            lock(&self.queues).retain(|queue| !spent.iter().any(|consumer| Arc::ptr_eq(queue, consumer.queue())));
        }
    }
}
