//! What one span callsite means as a trace span.
//!
//! Made once per callsite; values are made plain by it when a span is opened or recorded to, and the gate asks it when one has ended.
//! It holds decisions, no value.

use std::sync::Arc;

use opentelemetry::trace::SpanKind;
use tracing_core::Metadata;
use tracing_weaver_registry::model::{self, ResolvedRegistry, SpanId};

use crate::findings::CallsiteNotes;
use crate::read::FieldDropReason;
use crate::redact::Treatment;
use crate::rules::{FieldAction, FieldRecord, FieldRules};

/// What becomes of a span's field before OpenTelemetry sees it. The gate does the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FieldPass {
    /// It goes on, made plain.
    Value,
    /// It goes on as an empty text, which the gate replaces: its own text is not needed.
    Empty,
    /// It goes no further; the gate would drop and count it.
    Nothing(Option<FieldDropReason>),
}

/// A trace span's callsite.
#[derive(Debug)]
pub(crate) struct TracePlan {
    /// Number under which the gate finds it.
    pub(crate) number: u32,
    /// Its name, which is that of its type if it has one.
    pub(crate) name: &'static str,
    /// Its type in the registry.
    pub(crate) span_type: Option<SpanId>,
    pub(crate) kind: Option<SpanKind>,
    /// Interned target.
    pub(crate) scope: u32,
    pub(crate) fields: Box<[TraceField]>,
    pub(crate) notes: Arc<CallsiteNotes>,
}

/// One field of a trace span's callsite.
#[derive(Debug)]
pub(crate) struct TraceField {
    name: &'static str,
    pub(crate) pass: FieldPass,
    record: FieldRecord,
}

/// Fields that say something about the span itself, in `tracing-opentelemetry`'s words.
pub(crate) const NAME: &str = "otel.name";
pub(crate) const KIND: &str = "otel.kind";
pub(crate) const STATUS: &str = "otel.status_code";
pub(crate) const DESCRIPTION: &str = "otel.status_description";

impl TracePlan {
    pub(crate) fn new(
        rules: &FieldRules,
        registry: &ResolvedRegistry,
        metadata: &Metadata<'static>,
        scope: u32,
        number: u32,
        notes: Arc<CallsiteNotes>,
    ) -> TracePlan {
        let span_type = registry.span_by_type(metadata.name());
        let declared = span_type.map(|id| registry.spans[id.0 as usize].attributes.as_slice());
        let field = |name: &'static str| {
            let record = rules.field(registry, declared, name);
            let pass = match (name, &record.action) {
                // The name of a known type is the type.
                (NAME, _) if span_type.is_some() => FieldPass::Nothing(None),
                (NAME | KIND | STATUS | DESCRIPTION, _) => FieldPass::Value,
                (_, FieldAction::Treat(Treatment::Drop(reason))) => FieldPass::Nothing(Some(*reason)),
                (_, FieldAction::Treat(Treatment::Mark(_))) => FieldPass::Empty,
                _ => FieldPass::Value,
            };
            TraceField { name, pass, record }
        };
        TracePlan {
            number,
            name: metadata.name(),
            span_type,
            kind: span_type.map(|id| kind(registry.spans[id.0 as usize].kind)),
            scope,
            fields: metadata.fields().iter().map(|of| field(of.name())).collect(),
            notes,
        }
    }
}

impl TracePlan {
    /// Which field of the callsite an attribute is.
    pub(crate) fn index(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name == name)
    }

    /// What becomes of an attribute that is a field of the callsite.
    pub(crate) fn field(&self, name: &str) -> Option<&FieldRecord> {
        self.fields.iter().find(|field| field.name == name).map(|field| &field.record)
    }
}

fn kind(kind: model::SpanKind) -> SpanKind {
    match kind {
        model::SpanKind::Internal => SpanKind::Internal,
        model::SpanKind::Client => SpanKind::Client,
        model::SpanKind::Server => SpanKind::Server,
        model::SpanKind::Producer => SpanKind::Producer,
        model::SpanKind::Consumer => SpanKind::Consumer,
    }
}
