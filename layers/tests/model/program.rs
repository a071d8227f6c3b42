//! The program of a test case: real layers on real threads that take turns, and the plain model beside them.
//!
//! The test hands it one step after another.

use proptest::prelude::*;
use tracing::Span;
use tracing::span::Id;
use tracing_core::subscriber::NoSubscriber;
use tracing_core::{Dispatch, Level};
use tracing_subscriber::Registry;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::{Layer, SubscriberExt};

use crate::callsites::{emit, make};
use crate::ops::{Neighbour, Op, Place, Setup, THREADS};
use crate::plain::{Kind, Measure, Stack};
use crate::traced::Under;
use crate::view::View;
use crate::worker::{Task, Worker};

struct Opened {
    kind: Kind,
    /// Until the program drops it.
    handle: Option<Span>,
    id: Option<Id>,
    parent: Option<usize>,
    /// Handles of the program and its tasks, and children that have not ended: they keep it open.
    kept: usize,
    ended: bool,
}

/// A future and the spans that it is in, the outer one first.
struct Running {
    task: Task,
    spans: Vec<usize>,
}

pub(crate) struct Program {
    views: Vec<View>,
    dispatch: Dispatch,
    /// With one subscriber in the process, a callsite is asked about where it first fires.
    _second: Dispatch,
    workers: Vec<(Worker, Stack)>,
    spans: Vec<Opened>,
    tasks: Vec<Running>,
    /// A thread ended inside of spans: Registry hands its stack to a later thread, so that it is open what keeps which span open.
    inherited: bool,
    with_traces: bool,
    number: i64,
}

impl Program {
    pub(crate) fn start(setup: &Setup) -> Program {
        let (mut views, mut layers) = (Vec::new(), Vec::<Box<dyn Layer<Registry> + Send + Sync>>::new());
        if matches!(setup.neighbour, Neighbour::Greedy) {
            layers.push(Quiet.boxed());
        }
        for (at, (reading, directives)) in setup.layers.iter().enumerate() {
            let (view, layer) = View::new(*reading, directives, setup.with_traces && at == 0);
            views.push(view);
            layers.push(layer.boxed());
        }
        if matches!(setup.neighbour, Neighbour::Picky) {
            layers.push(Quiet.with_filter(filter_fn(|metadata| metadata.is_span() || *metadata.level() == Level::INFO)).boxed());
        }
        let dispatch = match layers.len() {
            1 => Registry::default().with(layers.remove(0)).into(),
            _ => Registry::default().with(layers).into(),
        };
        let workers = (0..THREADS).map(|_| (Worker::any(), Stack::default())).collect();
        let (spans, tasks) = (Vec::new(), Vec::new());
        Program {
            views,
            dispatch,
            _second: Dispatch::new(NoSubscriber::new()),
            workers,
            spans,
            tasks,
            inherited: false,
            with_traces: setup.with_traces,
            number: 0,
        }
    }

    pub(crate) fn step(&mut self, op: &Op) -> Result<(), TestCaseError> {
        match op {
            Op::Make { thread, kind, id, place } => self.make(*thread, *kind, *id, *place),
            Op::Enter { thread, span } => {
                if let Some((span, id)) = self.alive(*span) {
                    let dispatch = self.dispatch.clone();
                    self.run(*thread, move || dispatch.enter(&id));
                    self.workers[*thread].1.enter(span);
                }
            }
            Op::Exit { thread, span } => {
                if let Some((span, id)) = self.alive(*span) {
                    let dispatch = self.dispatch.clone();
                    self.run(*thread, move || dispatch.exit(&id));
                    self.workers[*thread].1.exit(span);
                }
            }
            Op::Scope { thread, span, measure } => {
                if let Some((span, handle)) = self.held(*span) {
                    self.inside_of(*thread, &[span], measure, |work| move || handle.in_scope(work));
                }
            }
            Op::Close { thread, span, forgotten } => {
                if let Some((span, _)) = self.alive(*span)
                    && (!self.is_entered(span) || (*forgotten && !self.inherited))
                {
                    let handle = self.spans[span].handle.take();
                    self.run(*thread, move || drop(handle));
                    self.give_up(span);
                }
            }
            Op::Spawn { outer, inner } => {
                if let Some((outer, span)) = self.held(*outer) {
                    let inner = inner.and_then(|inner| self.held(inner));
                    let spans = std::iter::once(outer).chain(inner.iter().map(|(inner, _)| *inner)).collect::<Vec<_>>();
                    spans.iter().for_each(|span| self.spans[*span].kept += 1);
                    self.tasks.push(Running { task: Task::new(span, inner.map(|(_, inner)| inner)), spans });
                }
            }
            Op::Poll { thread, task, last, measure } => self.poll(*thread, *task, *last, measure),
            Op::Emit { thread, loud, place, measure } => self.emit(*thread, *loud, *place, measure),
            Op::Record { thread, span } => self.record(*thread, *span),
            Op::Follow { thread, span, follows } => {
                if let (Some((_, span)), Some((_, follows))) = (self.held(*span), self.alive(*follows)) {
                    self.run(*thread, move || {
                        span.follows_from(follows);
                    });
                }
            }
            Op::Restart { thread, tidy } => {
                // What a later thread inherits would be the parent of trace spans, and would keep open what only tasks still hold.
                let forgotten = self.workers.iter().any(|(_, stack)| stack.spans().iter().any(|span| self.spans[*span].handle.is_none()));
                let stack = std::mem::take(&mut self.workers[*thread].1);
                match *tidy || self.with_traces || forgotten {
                    true => self.leave_all(*thread, &stack),
                    false => self.inherited |= stack.current().is_some(),
                }
                std::mem::replace(&mut self.workers[*thread].0, Worker::new()).end();
            }
            Op::Look => self.views.iter_mut().try_for_each(View::look)?,
        }
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Result<(), TestCaseError> {
        self.views.iter_mut().try_for_each(View::look)?;
        for Running { task, spans } in std::mem::take(&mut self.tasks) {
            self.run(0, move || task.cancel(|| ()));
            spans.into_iter().rev().for_each(|span| self.give_up(span));
        }
        for thread in 0..THREADS {
            let stack = std::mem::take(&mut self.workers[thread].1);
            self.leave_all(thread, &stack);
            // What OpenTelemetry keeps of a span that ended behind a forgotten guard stays with the thread.
            if stack.spans().iter().any(|span| self.spans[*span].ended) {
                std::mem::replace(&mut self.workers[thread].0, Worker::new()).end();
            }
        }
        for span in 0..self.spans.len() {
            if let Some(handle) = self.spans[span].handle.take() {
                self.run(0, move || drop(handle));
                self.give_up(span);
            }
        }
        self.workers.drain(..).for_each(|(worker, _)| worker.rest());
        self.views.drain(..).try_for_each(View::finish)
    }

    fn run<R: Send + 'static>(&self, thread: usize, work: impl FnOnce() -> R + Send + 'static) -> R {
        self.workers[thread].0.run(&self.dispatch, work)
    }

    /// A span whose handle the program still has, if it is not disabled.
    fn alive(&self, span: usize) -> Option<(usize, Id)> {
        let at = span % self.spans.len().max(1);
        let opened = self.spans.get(at).filter(|opened| opened.handle.is_some())?;
        Some((at, opened.id.clone()?))
    }

    /// As [`alive`](Self::alive), with a further handle.
    fn held(&self, span: usize) -> Option<(usize, Span)> {
        let (at, _) = self.alive(span)?;
        Some((at, self.spans[at].handle.clone()?))
    }

    /// Whether some thread is inside a span.
    fn is_entered(&self, span: usize) -> bool {
        self.workers.iter().any(|(_, stack)| stack.has(span))
    }

    /// Something that kept a span open does so no more. The span ends if nothing else does, and with it ancestors that only it kept open.
    fn give_up(&mut self, span: usize) {
        let opened = &mut self.spans[span];
        opened.kept -= 1;
        if opened.kept == 0 {
            opened.ended = true;
            let parent = opened.parent;
            self.views.iter_mut().for_each(|view| view.ended(span));
            if let Some(parent) = parent {
                self.give_up(parent);
            }
        }
    }

    fn leave_all(&self, thread: usize, stack: &Stack) {
        for id in stack.spans().into_iter().filter_map(|span| self.spans[span].id.clone()) {
            let dispatch = self.dispatch.clone();
            self.run(thread, move || dispatch.exit(&id));
        }
    }

    /// The span at a place, if there is one that has not ended, and the id that says so to the real layers.
    fn at(&self, thread: usize, place: Place) -> (Option<usize>, Option<Id>) {
        match place {
            Place::Current => (self.current(thread), None),
            Place::Root => (None, None),
            Place::Child(span) => self.alive(span).map_or((None, None), |(at, id)| (Some(at), Some(id))),
        }
    }

    fn current(&self, thread: usize) -> Option<usize> {
        self.workers[thread].1.current().filter(|span| !self.spans[*span].ended)
    }

    fn make(&mut self, thread: usize, kind: Kind, id: u8, place: Place) {
        let (parent, id_of_parent) = self.at(thread, place);
        let (contextual, number) = (matches!(place, Place::Current), self.spans.len() as i64);
        let handle = self.run(thread, move || make(kind, id, number, contextual, id_of_parent));
        let exists = handle.id().is_some();
        let spans = self.around(thread, contextual, parent);
        let under = if contextual { Under::Entered(&spans) } else { Under::Parents(&spans) };
        self.views.iter_mut().for_each(|view| view.made(kind, id, exists, parent, under));
        let parent = parent.filter(|_| exists);
        parent.iter().for_each(|parent| self.spans[*parent].kept += 1);
        self.spans.push(Opened { kind, id: handle.id(), handle: Some(handle), parent, kept: 1, ended: false });
    }

    /// All that is entered, or the parent by hand and its ancestors.
    fn around(&self, thread: usize, contextual: bool, parent: Option<usize>) -> Vec<usize> {
        match contextual {
            true => self.workers[thread].1.spans(),
            false => std::iter::successors(parent, |span| self.spans[*span].parent).collect(),
        }
    }

    fn emit(&mut self, thread: usize, loud: bool, place: Place, measure: &Measure) {
        let (span, parent) = self.at(thread, place);
        let contextual = matches!(place, Place::Current);
        let (number, measure) = (self.count(thread, span, contextual, loud, measure), measure.clone());
        self.run(thread, move || emit(&measure, loud, contextual, parent, number));
    }

    /// Lets the model know of an event, and numbers it.
    fn count(&mut self, thread: usize, span: Option<usize>, contextual: bool, loud: bool, measure: &Measure) -> i64 {
        self.number += 1;
        let spans = self.around(thread, contextual, span);
        let under = if contextual { Under::Entered(&spans) } else { Under::Parents(&spans) };
        self.views.iter_mut().for_each(|view| view.emitted(span, under, loud, self.number, measure));
        self.number
    }

    /// Enters spans one after another, emits an event inside, and leaves them, all by what `by` makes of the event.
    fn inside_of<W>(&mut self, thread: usize, spans: &[usize], measure: &Measure, by: impl FnOnce(Box<dyn FnOnce() + Send>) -> W)
    where
        W: FnOnce() + Send + 'static,
    {
        spans.iter().for_each(|span| self.workers[thread].1.enter(*span));
        let (number, measure) = (self.count(thread, self.current(thread), true, true, measure), measure.clone());
        spans.iter().rev().for_each(|span| self.workers[thread].1.exit(*span));
        self.run(thread, by(Box::new(move || emit(&measure, true, true, None, number))));
    }

    fn poll(&mut self, thread: usize, task: usize, last: bool, measure: &Measure) {
        if self.tasks.is_empty() {
            return;
        }
        let at = task % self.tasks.len();
        let Running { mut task, spans } = self.tasks.swap_remove(at);
        if last {
            self.inside_of(thread, &spans, measure, |work| move || task.cancel(work));
            spans.into_iter().rev().for_each(|span| self.give_up(span));
            return;
        }
        let (give, take) = std::sync::mpsc::channel();
        self.inside_of(thread, &spans, measure, |work| {
            move || {
                task.poll(work);
                give.send(task).unwrap_or_default();
            }
        });
        self.tasks.push(Running { task: take.recv().unwrap(), spans });
    }

    fn record(&mut self, thread: usize, span: usize) {
        let Some((at, handle)) = self.held(span) else { return };
        let kind = self.spans[at].kind;
        let field = match kind {
            Kind::Node | Kind::Nameless => "t.node.kind",
            Kind::Plain => "t.node.id",
            Kind::Group | Kind::Pipeline | Kind::Channel => return,
        };
        self.run(thread, move || {
            handle.record(field, "late");
        });
        self.views.iter_mut().for_each(|view| view.recorded(kind));
    }
}

/// A neighbour that wants everything that reaches it, so that spans exist which our filters do not want.
struct Quiet;

impl<S: tracing_core::Subscriber> Layer<S> for Quiet {}
