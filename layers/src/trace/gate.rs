//! The gate: what a trace span may show of itself, decided once, when it has ended.
//!
//! OpenTelemetry's SDK calls it as a span processor, on the thread that ended the span; a sink gets what passed. It sees every attribute,
//! event, link and status, whoever put it there, applies the same rules as to records, and never waits.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use dashmap::DashMap;
use opentelemetry::trace::{Event, Status};
use opentelemetry::{Array, Context, InstrumentationScope, Key, KeyValue, StringValue, Value};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};
use tracing_weaver_registry::model::{AttributeRef, ResolvedRegistry};

use super::convert::{to_otel, with_any};
use super::marked::bytes_of_marked_text;
use super::origin::Origin;
use super::plan::{DESCRIPTION, TracePlan};
use super::settings::SpanSettings;
use crate::findings::Disagreement;
use crate::read::FieldDropReason;
use crate::redact::{Treatment, changed, hashed};
use crate::rules::{FieldAction, FieldRecord, FieldRules};
use crate::shared::Shared;
use crate::user_code;

/// Scopes that are remembered; past it all are forgotten and made anew.
const MAX_SCOPES: usize = 4096;

/// Plans by their numbers.
pub(crate) type TracePlans = RwLock<Vec<Arc<TracePlan>>>;

/// Redacts spans, and hands them on.
#[derive(Debug)]
pub(crate) struct Gate {
    pub(crate) registry: Arc<ResolvedRegistry>,
    pub(crate) rules: Arc<FieldRules>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) plans: Arc<TracePlans>,
    pub(crate) settings: SpanSettings,
    pub(crate) scopes: DashMap<(u32, bool, u32), InstrumentationScope>,
}

impl SpanProcessor for Gate {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        // A span that is recorded but not sampled is not for export.
        if span.span_context.is_sampled() {
            let _ = catch_unwind(AssertUnwindSafe(|| self.settings.sink.take(self.passed(span))));
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// Where a list of attributes stands.
struct Place<'a> {
    /// What the registry declares there, `None` where it knows nothing of it.
    declared: Option<&'a [AttributeRef]>,
    plan: Option<&'a TracePlan>,
    context: u32,
}

impl Place<'_> {
    /// Notes what is wrong with a field of the span's callsite. What was set by hand has no callsite.
    fn note(&self, name: &str, what: impl FnOnce(usize) -> Disagreement) {
        if let Some((plan, field)) = self.plan.and_then(|plan| Some((plan, plan.index(name)?))) {
            plan.notes.note(what(field));
        }
    }
}

impl Gate {
    fn passed(&self, mut span: SpanData) -> SpanData {
        let origin = Origin::take(&mut span.attributes);
        let plans = self.plans.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        let plan = origin.and_then(|origin| plans.get(origin.plan as usize).cloned());
        drop(plans);
        let context = origin.map_or(0, |origin| origin.context);
        let declared = plan.as_ref().and_then(|plan| plan.span_type).map(|id| self.registry.spans[id.0 as usize].attributes.as_slice());
        let place = Place { declared, plan: plan.as_deref(), context };
        self.attributes(&place, &mut span.attributes);
        let most = self.settings.limits.max_attributes_per_span as usize;
        let over = span.attributes.len().saturating_sub(most);
        span.attributes.truncate(most);
        span.dropped_attributes_count = span.dropped_attributes_count.saturating_add(over as u32);
        if let Status::Error { description } = &mut span.status
            && !description.is_empty()
        {
            let mut text = KeyValue::new(DESCRIPTION, std::mem::take(description).into_owned());
            if self.attribute(&place, &mut text) {
                *description = text.value.as_str().into_owned().into();
            }
        }
        for event in &mut span.events.events {
            self.event(event, context);
        }
        let unknown = Place { declared: None, plan: None, context };
        for link in &mut span.links.links {
            self.attributes(&unknown, &mut link.attributes);
        }
        if let Some(plan) = &plan {
            span.instrumentation_scope = self.scope(plan, context);
            if plan.span_type.is_some() {
                span.name = plan.name.into();
            }
        }
        span
    }

    fn event(&self, event: &mut Event, context: u32) {
        let known = self.registry.event_by_name(&event.name).map(|id| self.registry.event(id).attributes.as_slice());
        let place = Place { declared: known, plan: None, context };
        self.attributes(&place, &mut event.attributes);
    }

    fn scope(&self, plan: &TracePlan, context: u32) -> InstrumentationScope {
        let key = (plan.scope, plan.span_type.is_some(), context);
        if let Some(scope) = self.scopes.get(&key) {
            return scope.clone();
        }
        let entities = self.shared.contexts.get(context);
        let attributes = entities.attributes.iter().map(|(key, value)| KeyValue::new(Key::from(key.clone()), to_otel(value)));
        let mut scope = InstrumentationScope::builder(self.shared.scopes.name(plan.scope).to_string()).with_attributes(attributes);
        if plan.span_type.is_some() && !self.registry.schema_url.is_empty() {
            scope = scope.with_schema_url(self.registry.schema_url.clone());
        }
        let scope = scope.build();
        if self.scopes.len() >= MAX_SCOPES {
            self.scopes.clear();
        }
        self.scopes.insert(key, scope.clone());
        scope
    }

    /// What may leave of a list.
    fn attributes(&self, place: &Place<'_>, attributes: &mut Vec<KeyValue>) {
        attributes.retain_mut(|attribute| self.attribute(place, attribute));
        merge(attributes);
    }

    /// Changes an attribute to what may leave of it; `false` where nothing may.
    fn attribute(&self, place: &Place<'_>, attribute: &mut KeyValue) -> bool {
        let key = attribute.key.as_str();
        // The sources of an error are treated as the error is.
        let chain = matches!(attribute.value, Value::Array(Array::String(_))).then(|| key.strip_suffix(".chain")).flatten();
        let name = chain.unwrap_or(key);
        let made;
        let record = match place.plan.and_then(|plan| plan.field(name)) {
            Some(record) => record,
            None => {
                made = self.rules.field(&self.registry, place.declared, name);
                &made
            }
        };
        let renamed = (*record.key != *name).then(|| Key::from(format!("{}{}", record.key, &key[name.len()..])));
        if !self.value(place, name, record, &mut attribute.value) {
            return false;
        }
        if let Some(renamed) = renamed {
            attribute.key = renamed;
        }
        true
    }

    /// Changes a value to what may leave of it; `false` where nothing may.
    fn value(&self, place: &Place<'_>, name: &str, record: &FieldRecord, value: &mut Value) -> bool {
        let counts = &self.shared.counts;
        let treatment = match &record.action {
            FieldAction::Plain => &Treatment::Plain,
            FieldAction::Treat(treatment) | FieldAction::Body(treatment) => treatment,
            FieldAction::Entity { declared, treatment } => match self.shared.contexts.value(place.context, &record.key) {
                None if *declared => treatment,
                None => return self.dropped(FieldDropReason::Undeclared),
                Some(in_force) => {
                    if *treatment == Treatment::Plain && !with_any(value, |value| in_force.is(value)) {
                        counts.conflicts.add(1);
                        place.note(name, |field| Disagreement::IdentityConflict { field });
                    }
                    return false;
                }
            },
            FieldAction::Resource(on_resource) => {
                if !with_any(value, |value| on_resource.is(value)) {
                    counts.conflicts.add(1);
                    place.note(name, |field| Disagreement::ResourceConflict { field });
                }
                return false;
            }
            FieldAction::StackTrace(treatment) if self.shared.shows_stack_traces() => treatment,
            FieldAction::StackTrace(_) | FieldAction::LogTarget | FieldAction::Ignore => return false,
        };
        match treatment {
            Treatment::Drop(reason) => return self.dropped(*reason),
            Treatment::Mark(mark) => {
                counts.field_dropped(FieldDropReason::Personal);
                *value = (*mark).into();
            }
            Treatment::Hash => {
                counts.field_dropped(FieldDropReason::Personal);
                *value = with_any(value, hashed).into();
            }
            Treatment::Change(normalize) => {
                if let Value::String(text) = value {
                    *text = changed(text.as_str(), normalize).into();
                }
                self.bound(value);
            }
            Treatment::Plain => self.bound(value),
        }
        true
    }

    fn dropped(&self, reason: FieldDropReason) -> bool {
        self.shared.counts.field_dropped(reason);
        false
    }

    /// Cuts texts that are too long, each member of a list by itself.
    fn bound(&self, value: &mut Value) {
        match value {
            Value::String(text) => self.cut(text),
            Value::Array(Array::String(texts)) => texts.iter_mut().for_each(|text| self.cut(text)),
            _ => {}
        }
    }

    fn cut(&self, value: &mut StringValue) {
        let text = value.as_str();
        let end = self.end_of(text);
        if text.len() > end && bytes_of_marked_text(text).is_none() {
            *value = text[..end].to_owned().into();
            self.shared.counts.field_dropped(FieldDropReason::TooLong);
        }
    }

    /// Where a text ends at the latest.
    fn end_of(&self, text: &str) -> usize {
        let end = user_code::floor_char_boundary(text, user_code::MAX_TEXT);
        let character = self.settings.text_limit.and_then(|limit| text.char_indices().nth(limit));
        character.map_or(end, |(at, _)| end.min(at))
    }
}

/// Longest list that is searched for each of its keys: a map costs more there.
const SHORT: usize = 32;

/// Leaves one attribute of each key: the value that came last, where the key came first.
fn merge(attributes: &mut Vec<KeyValue>) {
    let mut places = HashMap::new();
    let first_of = |at: usize| {
        let key = attributes[at].key.as_str();
        if attributes.len() > SHORT {
            return *places.entry(key).or_insert(at);
        }
        attributes[..at].iter().position(|before| before.key.as_str() == key).unwrap_or(at)
    };
    let firsts: Vec<usize> = (0..attributes.len()).map(first_of).collect();
    for (at, first) in firsts.iter().enumerate() {
        attributes.swap(at, *first);
    }
    let mut firsts = firsts.into_iter().enumerate();
    attributes.retain(|_| firsts.next().is_some_and(|(at, first)| at == first));
}
