//! Findings: where code and registry disagree, once per callsite, for people and tests.
//!
//! Callsites are handed in as they register, cold paths note what they meet; words are made when somebody reads. Nothing here is on the
//! way of an event that is right, everything is bounded, and no lock is held while anything outside is called.

mod check;
mod code;
mod disagreement;
mod finding;
mod look;
mod names;
mod noted;
mod text;
mod yaml;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tracing_core::field::Visit;
use tracing_core::{Field, Metadata};
use tracing_weaver_registry::model::ResolvedRegistry;

use disagreement::ValueKind;
pub(crate) use disagreement::{Disagreement, Refused};
pub use finding::{Finding, FindingLevel};
pub(crate) use look::is_closed;

use crate::read::EntityContext;
use crate::sync::lock;
use crate::value::Value;
use look::TypeVisitor;
use names::Names;
use noted::{Counted, Noted};

/// Most callsites that are looked at.
const MAX_CALLSITES: usize = 1 << 14;

/// Callsites that a reader looks at for each finding that it asks for: a check takes some microseconds.
const CALLSITES_A_FINDING: usize = 256;

/// What was found at the callsites of one layer.
pub(crate) struct Findings {
    registry: Arc<ResolvedRegistry>,
    names: Names,
    on: bool,
    callsites: Mutex<Callsites>,
    noted: Noted,
    notes: Mutex<Vec<Note>>,
    left_out: AtomicU64,
    /// By callsite what kinds of values fields had that nothing declares.
    kinds: Mutex<HashMap<usize, Kinds>>,
    /// The notes in words, as far as somebody read them. Only readers take this lock.
    book: Mutex<Vec<Finding>>,
}

/// Fields of one callsite, with the kind of their values.
type Kinds = Vec<(usize, ValueKind)>;

/// Callsites that have registered.
#[derive(Default)]
struct Callsites {
    seen: HashSet<usize>,
    /// Not looked at yet.
    waiting: Vec<&'static Metadata<'static>>,
}

/// A disagreement and where it is.
#[derive(Clone, Copy)]
struct Note {
    callsite: &'static Metadata<'static>,
    what: Disagreement,
    /// Where its count stands.
    place: usize,
}

impl Findings {
    /// `resource` is what stands on the resource. Switched off, and without a registry, nothing is ever found.
    pub(crate) fn new(registry: &Arc<ResolvedRegistry>, resource: &[(Arc<str>, Value)], on: bool) -> Findings {
        let is_empty = registry.events.is_empty() && registry.spans.is_empty() && registry.entities.is_empty();
        Findings {
            names: Names::new(registry, resource),
            registry: registry.clone(),
            on: on && !is_empty,
            callsites: Mutex::default(),
            noted: Noted::new(),
            notes: Mutex::default(),
            left_out: AtomicU64::new(0),
            kinds: Mutex::default(),
            book: Mutex::default(),
        }
    }

    /// Takes a callsite in, to be looked at by the next reader. As often as one likes; safe while a callsite registers.
    pub(crate) fn callsite(&self, callsite: &'static Metadata<'static>) {
        if !self.on || !check::concerns(&self.registry, &self.names, callsite) {
            return;
        }
        let mut callsites = lock(&self.callsites);
        if callsites.seen.len() >= MAX_CALLSITES {
            return;
        }
        if callsites.seen.insert(std::ptr::from_ref(callsite) as usize) {
            callsites.waiting.push(callsite);
        }
    }

    /// What the plans of a callsite note by.
    pub(crate) fn of(self: &Arc<Self>, callsite: &'static Metadata<'static>) -> Arc<CallsiteNotes> {
        self.callsite(callsite);
        Arc::new(CallsiteNotes { findings: self.clone(), callsite, looked: AtomicBool::new(!self.on) })
    }

    /// Notes a disagreement. May be called at each event, from any thread: only the first of its kind at a callsite costs a lock.
    #[cold]
    #[inline(never)]
    pub(crate) fn note(&self, callsite: &'static Metadata<'static>, what: Disagreement) {
        if !self.on {
            return;
        }
        let mut hasher = DefaultHasher::new();
        (std::ptr::from_ref(callsite) as usize, what).hash(&mut hasher);
        match self.noted.count(hasher.finish().max(1)) {
            Counted::First(place) => lock(&self.notes).push(Note { callsite, what, place }),
            Counted::Again => {}
            Counted::Full => {
                self.left_out.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Notes that a trace context was to be extracted into a span, if that is an entity's. Any other belongs to no trace since nobody
    /// makes one of it.
    #[cfg(feature = "spans")]
    pub(crate) fn note_extract(&self, callsite: &'static Metadata<'static>) {
        let entity = self.registry.entity_by_type(callsite.name()).map(|id| self.registry.entity(id));
        if entity.is_some_and(|entity| !entity.resource) {
            self.note(callsite, Disagreement::ExtractOnEntity);
        }
    }

    /// At most so many findings from the `from`th on, in the order in which they were met.
    pub(crate) fn read(&self, from: usize, at_most: usize) -> Vec<Finding> {
        let mut book = lock(&self.book);
        let waiting: Vec<_> = {
            let mut callsites = lock(&self.callsites);
            let some = at_most.saturating_mul(CALLSITES_A_FINDING).min(callsites.waiting.len());
            callsites.waiting.drain(..some).collect()
        };
        for callsite in waiting {
            for what in check::check(&self.registry, &self.names, callsite) {
                self.note(callsite, what);
            }
        }
        let notes: Vec<Note> = lock(&self.notes).clone();
        let (done, wanted) = (book.len(), from.saturating_add(at_most).min(notes.len()));
        for note in notes.get(done..wanted).unwrap_or_default() {
            let kinds = lock(&self.kinds).get(&(std::ptr::from_ref(note.callsite) as usize)).cloned().unwrap_or_default();
            book.push(text::finding(&self.registry, &self.names, &kinds, note.callsite, note.what));
        }
        let with_count = |(finding, note): (&Finding, &Note)| Finding { count: self.noted.read(note.place), ..finding.clone() };
        book.iter().zip(&notes).take(wanted).skip(from).map(with_count).collect()
    }

    /// Keeps the kinds of values for the YAML of a finding.
    fn keep_kinds(&self, callsite: &'static Metadata<'static>, found: Kinds) {
        let mut kinds = lock(&self.kinds);
        if !found.is_empty() && kinds.len() < MAX_CALLSITES {
            kinds.insert(std::ptr::from_ref(callsite) as usize, found);
        }
    }

    /// How many findings there are so far, not counting callsites that nobody looked at.
    pub(crate) fn len(&self) -> usize {
        lock(&self.notes).len()
    }

    /// Disagreements that were met and not kept, past the bound.
    pub(crate) fn left_out(&self) -> u64 {
        self.left_out.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Findings").field("on", &self.on).finish_non_exhaustive()
    }
}

/// Notes what is wrong at one callsite.
#[derive(Debug)]
pub(crate) struct CallsiteNotes {
    findings: Arc<Findings>,
    callsite: &'static Metadata<'static>,
    /// Whether its first event or span was looked at.
    looked: AtomicBool,
}

impl CallsiteNotes {
    /// Notes a disagreement at this callsite.
    #[cold]
    #[inline(never)]
    pub(crate) fn note(&self, what: Disagreement) {
        self.findings.note(self.callsite, what);
    }

    fn is_first(&self) -> bool {
        !self.looked.load(Ordering::Relaxed) && !self.looked.swap(true, Ordering::Relaxed)
    }

    /// Looks at an event, if it is the callsite's first; `in_force` are the entities then.
    pub(crate) fn look_at_event(&self, event: &tracing_core::Event<'_>, in_force: impl FnOnce() -> Arc<EntityContext>) {
        if !self.is_first() {
            return;
        }
        let registry = &self.findings.registry;
        if let Some(mut types) = TypeVisitor::of_event(registry, &self.findings.names, self.callsite.name()) {
            event.record(&mut types);
            self.findings.keep_kinds(self.callsite, types.strangers);
            types.found.into_iter().for_each(|what| self.note(what));
            if look::is_unassociated(registry, self.callsite, &in_force()) {
                self.note(Disagreement::Unassociated);
            }
        }
    }

    /// Looks at a span, if it is the callsite's first.
    pub(crate) fn look_at_span(&self, span: &tracing_core::span::Attributes<'_>) {
        if !self.is_first() {
            return;
        }
        let registry = &self.findings.registry;
        if let Some(mut types) = TypeVisitor::of_span(registry, &self.findings.names, self.callsite.name()) {
            span.record(&mut types);
            self.findings.keep_kinds(self.callsite, types.strangers);
            types.found.into_iter().for_each(|what| self.note(what));
        }
    }

    /// Notes the fields that were recorded on an entity span after it was opened.
    #[cold]
    pub(crate) fn note_late(&self, values: &tracing_core::span::Record<'_>) {
        values.record(&mut EachField(|field: &Field| self.note(Disagreement::LateValue { field: field.index() })));
    }

    /// Notes that an entity finds no room; it is nothing.
    pub(crate) fn note_limit(&self) -> Option<u32> {
        self.note(Disagreement::EntityLimit);
        None
    }
}

/// Calls the function with every field that has a value.
struct EachField<F>(F);

impl<F: FnMut(&Field)> Visit for EachField<F> {
    // All other methods come here by default.
    fn record_debug(&mut self, field: &Field, _: &dyn fmt::Debug) {
        (self.0)(field);
    }
}
