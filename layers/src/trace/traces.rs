//! Makes, enters, leaves and ends trace spans, by the layer of `tracing-opentelemetry`.
//!
//! Our layer calls it, with the store's ids. Whatever goes wrong inside ends here: a span may be lost, nothing else.

use std::any::TypeId;
use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};

use opentelemetry::Context;
use opentelemetry::trace::{SpanBuilder, SpanKind, Tracer, TracerProvider as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider, Span, SpanLimits};
use tracing_core::dispatcher::WeakDispatch;
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Dispatch, Metadata, Subscriber};
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::Registry;
use tracing_subscriber::layer::{Layer, Layered};
use tracing_subscriber::registry::{ExtensionsMut, LookupSpan, SpanData as _};
use tracing_weaver_registry::model::ResolvedRegistry;

use super::gate::{Gate, TracePlans};
use super::made::MadeValues;
use super::origin::Origin;
use super::plan::TracePlan;
use super::settings::SpanSettings;
use super::store::{TraceStore, by_own_ids};
use crate::entity::span_table::SpanTable;
use crate::findings::CallsiteNotes;
use crate::hold::Hold;
use crate::otel_context;
use crate::rules::FieldRules;
use crate::shared::Shared;

type Stack = Layered<OpenTelemetryLayer<TraceStore, OriginTracer>, TraceStore>;

/// Values that are kept of a span until it ends, for each attribute that it may have.
const KEPT_VALUES: u32 = 16;

/// Where a span hangs in its trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parent {
    /// Under OpenTelemetry's current span, if there is one.
    Current,
    /// Under this trace span.
    Of(u64),
    /// Nowhere: it begins a trace.
    Root,
}

/// All trace spans of one layer.
pub(crate) struct Traces {
    stack: Stack,
    plans: Arc<TracePlans>,
    shared: Arc<Shared>,
    /// The layer's second subscriber, which leads here. It holds the layer.
    second: OnceLock<WeakDispatch>,
}

impl fmt::Debug for Traces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Traces").finish_non_exhaustive()
    }
}

impl Traces {
    pub(crate) fn new(
        settings: SpanSettings,
        spans: Arc<SpanTable>,
        registry: Arc<ResolvedRegistry>,
        rules: Arc<FieldRules>,
        shared: Arc<Shared>,
    ) -> Traces {
        // The SDK keeps every value of a key, and drops the newest past its limit: the gate, which knows the last one, keeps the real limit.
        // One more, for the origin.
        let kept = settings.limits.max_attributes_per_span.saturating_mul(KEPT_VALUES).saturating_add(1);
        let limits = SpanLimits { max_attributes_per_span: kept, ..settings.limits };
        let sampler = settings.sampler.clone();
        let plans = Arc::<TracePlans>::default();
        let gate = Gate { registry, rules, shared: shared.clone(), plans: plans.clone(), settings, scopes: Default::default() };
        let provider = SdkTracerProvider::builder()
            .with_sampler(sampler)
            .with_span_limits(limits)
            .with_resource(Resource::builder_empty().build())
            .with_span_processor(gate)
            .build();
        let layer = OpenTelemetryLayer::new(OriginTracer(provider.tracer("tracing_weaver")))
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_target(false)
            .with_error_fields_to_exceptions(false)
            .with_error_records_to_exceptions(false);
        Traces { stack: layer.with_subscriber(TraceStore::new(spans)), plans, shared, second: OnceLock::new() }
    }

    /// The layer's second subscriber is made.
    pub(crate) fn led_to_by(&self, second: &Dispatch) {
        let _ = self.second.set(second.downgrade());
    }

    /// The plan of a callsite. `scope` is its interned target.
    pub(crate) fn plan(
        &self,
        rules: &FieldRules,
        registry: &ResolvedRegistry,
        of: &Metadata<'static>,
        scope: u32,
        notes: Arc<CallsiteNotes>,
    ) -> Arc<TracePlan> {
        let mut plans = self.plans.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        let plan = Arc::new(TracePlan::new(rules, registry, of, scope, plans.len() as u32, notes));
        plans.push(plan.clone());
        plan
    }

    /// Makes a span, `context` being the entities in force; `None` where that cannot be, at the end of a thread.
    pub(crate) fn open(&self, plan: &TracePlan, span: &Attributes<'_>, parent: Parent, context: u32, hold: &Hold) -> Option<u64> {
        plan.notes.look_at_span(span);
        let mut made = MadeValues::new(plan, hold, &self.shared.counts);
        span.record(&mut made);
        // Asked before, since it must not fail while the span's lock is held.
        otel_context::current(|_| ())?;
        let id = made.with(span.metadata(), |values| {
            let attributes = match parent {
                Parent::Current => Attributes::new(span.metadata(), values),
                Parent::Of(trace) => Attributes::child_of(Id::from_u64(trace), span.metadata(), values),
                Parent::Root => Attributes::new_root(span.metadata(), values),
            };
            START.set(Some((Origin { plan: plan.number, context }, plan.kind.clone(), plan.fields.len())));
            self.call(|stack| stack.new_span(&attributes))
        });
        START.take();
        let id = id?.into_u64();
        if parent != Parent::Current {
            self.kept(id, |kept| kept.replace(parent));
        }
        Some(id)
    }

    /// The context that a span hangs in, where its parent was named; else the one that is current now. Starts the parent, as looking at it
    /// does.
    pub(crate) fn context_around(&self, trace: u64) -> Option<Context> {
        match self.kept(trace, |kept| kept.get_mut::<Parent>().copied()).flatten() {
            None | Some(Parent::Current) => Some(Context::current()),
            Some(Parent::Root) => Some(Context::new()),
            // It is open for as long as its child is.
            Some(Parent::Of(parent)) => {
                let second = self.second.get()?.upgrade()?;
                self.call(|_| tracing_opentelemetry::get_otel_context(&Id::from_u64(parent), &second)).flatten()
            }
        }
    }

    /// What is kept of a span beside what OpenTelemetry keeps of it: its parent, where that was named.
    fn kept<R>(&self, trace: u64, with: impl FnOnce(&mut ExtensionsMut<'_>) -> R) -> Option<R> {
        let span = |stack: &Stack| Some(with(&mut stack.downcast_ref::<TraceStore>()?.span_data(&Id::from_u64(trace))?.extensions_mut()));
        self.call(span).flatten()
    }

    /// Enters a span; `false` where that cannot be, at the end of a thread.
    pub(crate) fn enter(&self, trace: u64) -> bool {
        if otel_context::current(|_| ()).is_none() || self.call(|stack| stack.enter(&Id::from_u64(trace))).is_none() {
            return false;
        }
        otel_context::after_enter();
        true
    }

    pub(crate) fn exit(&self, trace: u64) {
        if otel_context::is_open() {
            self.call(|stack| stack.exit(&Id::from_u64(trace)));
        }
    }

    pub(crate) fn record(&self, trace: u64, plan: &TracePlan, of: &'static Metadata<'static>, values: &Record<'_>, hold: &Hold) {
        let mut made = MadeValues::new(plan, hold, &self.shared.counts);
        values.record(&mut made);
        made.with(of, |values| self.call(|stack| stack.record(&Id::from_u64(trace), &Record::new(values))));
    }

    pub(crate) fn follows_from(&self, trace: u64, follows: u64) {
        self.call(|stack| stack.record_follows_from(&Id::from_u64(trace), &Id::from_u64(follows)));
    }

    pub(crate) fn close(&self, trace: u64) {
        // What could not be closed in order may still hold something, so that its place is not taken again.
        let closed = self.call(|stack| stack.try_close(Id::from_u64(trace)));
        if let (Some(_), Some(store)) = (closed, self.stack.downcast_ref::<TraceStore>()) {
            self.kept(trace, |kept| kept.remove::<Parent>());
            store.give_back(Id::from_u64(trace));
        }
    }

    /// What `OpenTelemetrySpanExt` asks a subscriber for.
    pub(crate) fn downcast_raw(&self, id: TypeId) -> Option<*const ()> {
        if id == TypeId::of::<Registry>() {
            return None;
        }
        // SAFETY: passed on; what is answered lives as long as this.
        unsafe { Subscriber::downcast_raw(&self.stack, id) }
    }

    fn call<R>(&self, call: impl FnOnce(&Stack) -> R) -> Option<R> {
        catch_unwind(AssertUnwindSafe(|| by_own_ids(|| call(&self.stack)))).ok()
    }
}

thread_local! {
    /// What the span that is being made begins with, and how many fields it has.
    static START: Cell<Option<(Origin, Option<SpanKind>, usize)>> = const { Cell::new(None) };
}

/// The SDK's tracer, which also says where a span came from.
#[derive(Debug)]
pub(crate) struct OriginTracer(SdkTracer);

impl Tracer for OriginTracer {
    type Span = Span;

    fn span_builder<T: Into<Cow<'static, str>>>(&self, name: T) -> SpanBuilder {
        let mut builder = SpanBuilder::from_name(name);
        if let Some((origin, kind, fields)) = START.take() {
            let mut attributes = Vec::with_capacity(1 + fields);
            attributes.push(origin.attribute());
            builder.attributes = Some(attributes);
            builder.span_kind = kind;
        }
        builder
    }

    fn build_with_context(&self, builder: SpanBuilder, parent: &Context) -> Span {
        self.0.build_with_context(builder, parent)
    }
}
