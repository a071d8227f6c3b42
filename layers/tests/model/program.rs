//! The program of a test case: the real layer on real threads that take turns, and the plain model beside it.
//!
//! The test hands it one step after another. It must never let two threads run at once, or the model would have to guess.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use proptest::prelude::*;
use tracing::Span;
use tracing::span::Id;
use tracing_core::Dispatch;
use tracing_subscriber::Layer;

use crate::callsites::{emit, make};
use crate::plain::{Chain, Counted, Entity, Kind, Measure, Stack, attributes};
use crate::support::{Any, Harness, Total, Totals, settings};

const THREADS: usize = 3;

/// Where a span or an event stands.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place {
    Current,
    Root,
    Child(usize),
}

#[derive(Debug, Clone)]
pub(crate) enum Op {
    Make {
        thread: usize,
        kind: Kind,
        id: u8,
        place: Place,
    },
    Enter {
        thread: usize,
        span: usize,
    },
    Exit {
        thread: usize,
        span: usize,
    },
    /// Drops the handle; `forgotten` also of a span that some thread is still inside of.
    Close {
        thread: usize,
        span: usize,
        forgotten: bool,
    },
    Emit {
        thread: usize,
        loud: bool,
        place: Place,
        measure: Measure,
    },
    Restart {
        thread: usize,
    },
    Look,
}

pub(crate) fn ops(most: usize) -> impl Strategy<Value = Vec<Op>> {
    let place = prop_oneof![5 => Just(Place::Current), 1 => Just(Place::Root), 2 => (0..32usize).prop_map(Place::Child)];
    let kinds = vec![Kind::Group, Kind::Pipeline, Kind::Node, Kind::Node, Kind::Channel, Kind::Channel, Kind::Nameless, Kind::Plain];
    let thread = 0..THREADS;
    let which = (thread.clone(), 0..32usize);
    prop::collection::vec(
        prop_oneof![
            4 => (thread.clone(), prop::sample::select(kinds), 0..3u8, place.clone())
                .prop_map(|(thread, kind, id, place)| Op::Make { thread, kind, id, place }),
            6 => which.clone().prop_map(|(thread, span)| Op::Enter { thread, span }),
            4 => which.clone().prop_map(|(thread, span)| Op::Exit { thread, span }),
            2 => (which, prop::bool::weighted(0.2)).prop_map(|((thread, span), forgotten)| Op::Close { thread, span, forgotten }),
            12 => (thread.clone(), any::<bool>(), place, measure())
                .prop_map(|(thread, loud, place, measure)| Op::Emit { thread, loud, place, measure }),
            1 => thread.prop_map(|thread| Op::Restart { thread }),
            1 => Just(Op::Look),
        ],
        0..most,
    )
}

fn measure() -> impl Strategy<Value = Measure> {
    let outcome = prop::sample::select(vec![None, Some("success"), Some("failure"), Some("refused"), Some("odd"), Some("")]);
    let signal = prop::sample::select(vec![None, Some("logs"), Some("metrics"), Some("traces"), Some("_OTHER"), Some("profiles")]);
    // Multiples of a quarter, so that sums are exact in any order.
    let number =
        prop_oneof![6 => (0..200i32).prop_map(|n| f64::from(n) / 4.0), 1 => Just(-0.25), 1 => Just(f64::NAN), 1 => Just(f64::INFINITY)];
    prop_oneof![
        4 => (-1..5i64, -9..9i64).prop_map(|(items, delta)| Measure::Item { items, delta }),
        4 => (outcome.clone(), signal, 0..9u64, number.clone(), number)
            .prop_map(|(outcome, signal, messages, cost, latency)| Measure::Send { outcome, signal, messages, cost, latency }),
        2 => (0..9u64, 0..9u64, outcome).prop_map(|(items, messages, outcome)| Measure::Transfer { items, messages, outcome }),
        2 => (-99..99i64).prop_map(|depth| Measure::Depth { depth }),
        1 => Just(Measure::Tick),
        1 => (prop::sample::select(vec![None, Some(200), Some(503), Some(404)]), any::<Option<bool>>())
            .prop_map(|(code, retried)| Measure::Answer { code, retried }),
    ]
}

struct Opened {
    /// Until the program drops it.
    handle: Option<Span>,
    id: Option<Id>,
    chain: Chain,
    parent: Option<usize>,
    /// Children that have not ended: they keep it open.
    children: usize,
    ended: bool,
    /// Was entered by two threads at a time.
    shared: bool,
}

/// A thread that does what it is told, one thing at a time.
struct Worker {
    todo: Sender<Box<dyn FnOnce() + Send>>,
    done: Receiver<()>,
    thread: JoinHandle<()>,
    stack: Stack,
}

impl Worker {
    fn start(dispatch: Dispatch) -> Worker {
        let (todo, work) = channel::<Box<dyn FnOnce() + Send>>();
        let (say, done) = channel();
        let thread = std::thread::spawn(move || {
            let _default = tracing_core::dispatcher::set_default(&dispatch);
            work.iter().for_each(|work| {
                work();
                say.send(()).unwrap();
            });
        });
        Worker { todo, done, thread, stack: Stack::default() }
    }

    fn run<R: Send + 'static>(&self, work: impl FnOnce() -> R + Send + 'static) -> R {
        let (give, take) = channel();
        self.todo.send(Box::new(move || drop(give.send(work())))).unwrap();
        self.done.recv().expect("the thread did its work");
        take.recv().unwrap()
    }

    fn end(self) {
        drop(self.todo);
        self.thread.join().unwrap();
    }
}

pub(crate) struct Program {
    harness: Harness,
    directives: &'static str,
    workers: Vec<Worker>,
    spans: Vec<Opened>,
    /// Threads leave their spans before they end, so that Registry hands no stack to a later thread, and guards may be forgotten.
    tidy: bool,
    counted: Counted,
    before: Totals,
    /// By number of event the scope that its record must have; only of events that must become one.
    expected: BTreeMap<i64, BTreeMap<String, String>>,
    said: BTreeMap<i64, BTreeMap<String, String>>,
    number: i64,
    refused_entities: u64,
}

impl Program {
    pub(crate) fn start(directives: &'static str, neighbour: bool, tidy: bool) -> Program {
        let settings = settings(directives);
        let harness = if neighbour { Harness::beside(settings, Quiet) } else { Harness::new(settings) };
        let workers = (0..THREADS).map(|_| Worker::start(harness.dispatch.clone())).collect();
        let (expected, said) = Default::default();
        let (counted, before) = Default::default();
        Program { harness, directives, workers, spans: Vec::new(), tidy, counted, before, expected, said, number: 0, refused_entities: 0 }
    }

    pub(crate) fn step(&mut self, op: &Op) -> Result<(), TestCaseError> {
        match op {
            Op::Make { thread, kind, id, place } => self.make(*thread, *kind, *id, *place),
            Op::Enter { thread, span } => {
                if let Some((span, id)) = self.alive(*span) {
                    let dispatch = self.harness.dispatch.clone();
                    self.workers[*thread].run(move || dispatch.enter(&id));
                    self.workers[*thread].stack.enter(span);
                    self.spans[span].shared |= self.inside(span) > 1;
                }
            }
            Op::Exit { thread, span } => {
                if let Some((span, id)) = self.alive(*span) {
                    let dispatch = self.harness.dispatch.clone();
                    self.workers[*thread].run(move || dispatch.exit(&id));
                    self.workers[*thread].stack.exit(span);
                }
            }
            Op::Close { thread, span, forgotten } => {
                if let Some((span, _)) = self.alive(*span) {
                    let (inside, shared) = (self.inside(span), self.spans[span].shared);
                    if inside == 0 || (*forgotten && self.tidy && inside == 1 && !shared) {
                        let handle = self.spans[span].handle.take();
                        self.workers[*thread].run(move || drop(handle));
                        self.end(span);
                    }
                }
            }
            Op::Emit { thread, loud, place, measure } => self.emit(*thread, *loud, *place, measure.clone()),
            Op::Restart { thread } => {
                if self.tidy {
                    self.leave_all(*thread);
                }
                let new = Worker::start(self.harness.dispatch.clone());
                std::mem::replace(&mut self.workers[*thread], new).end();
            }
            Op::Look => self.look()?,
        }
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Result<(), TestCaseError> {
        self.look()?;
        self.workers.drain(..).for_each(Worker::end);
        self.look()?;
        let stats = self.harness.stats();
        prop_assert_eq!(stats.measurements_unattributed, self.counted.unattributed);
        prop_assert_eq!(stats.measurements_refused, self.counted.refused);
        prop_assert_eq!(stats.entities_refused, self.refused_entities);
        prop_assert_eq!(stats.records_created, stats.records_taken);
        Ok(())
    }

    fn look(&mut self) -> Result<(), TestCaseError> {
        let totals = self.harness.totals();
        prop_assert_eq!(&totals, &self.counted.totals);
        for (name, old) in &self.before {
            if let (Total::Int(old), Total::Int(new), false) = (old, &totals[name], name.contains("balance") || name.contains("depth")) {
                prop_assert!(new >= old, "{} went from {} to {}", name, old, new);
            }
        }
        self.before = totals;
        for record in self.harness.drain() {
            let Some(Any::Int(number)) = record.get("t.seq") else { panic!("{record:?}") };
            prop_assert!(self.said.insert(*number, record.entities).is_none(), "a record came twice");
        }
        if !self.directives.contains('[') {
            prop_assert_eq!(&self.said, &self.expected);
        }
        Ok(())
    }

    /// A span whose handle the program still has, if it is not disabled.
    fn alive(&self, span: usize) -> Option<(usize, Id)> {
        let at = span % self.spans.len().max(1);
        let opened = self.spans.get(at).filter(|opened| opened.handle.is_some())?;
        Some((at, opened.id.clone()?))
    }

    /// How many threads are inside a span.
    fn inside(&self, span: usize) -> usize {
        self.workers.iter().filter(|worker| worker.stack.has(span)).count()
    }

    /// Ends a span that nobody holds any more, and with it ancestors that only it kept open.
    fn end(&mut self, span: usize) {
        let opened = &mut self.spans[span];
        if opened.handle.is_none() && opened.children == 0 {
            opened.ended = true;
            if let Some(parent) = opened.parent {
                self.spans[parent].children -= 1;
                self.end(parent);
            }
        }
    }

    fn leave_all(&mut self, thread: usize) {
        let stack = std::mem::take(&mut self.workers[thread].stack);
        for id in stack.spans().filter_map(|span| self.spans[span].id.clone()) {
            let dispatch = self.harness.dispatch.clone();
            self.workers[thread].run(move || dispatch.exit(&id));
        }
    }

    /// The span at a place, if there is one that has not ended, and the id that says so to the real layer.
    fn at(&self, thread: usize, place: Place) -> (Option<usize>, Option<Id>) {
        match place {
            Place::Current => (self.workers[thread].stack.current().filter(|span| !self.spans[*span].ended), None),
            Place::Root => (None, None),
            Place::Child(span) => self.alive(span).map_or((None, None), |(at, id)| (Some(at), Some(id))),
        }
    }

    fn chain(&self, span: Option<usize>) -> Chain {
        span.map(|span| self.spans[span].chain.clone()).unwrap_or_default()
    }

    fn make(&mut self, thread: usize, kind: Kind, id: u8, place: Place) {
        let (parent, id_of_parent) = self.at(thread, place);
        let mut chain = self.chain(parent);
        let contextual = matches!(place, Place::Current);
        let handle = self.workers[thread].run(move || make(kind, id, contextual, id_of_parent));
        let own: &[(&str, String)] = match kind {
            Kind::Group => &[("t.group.id", format!("g{id}"))],
            Kind::Pipeline => &[("t.group.id", "g0".to_owned()), ("t.pipeline.id", format!("p{id}"))],
            Kind::Node => &[("t.node.id", format!("n{id}")), ("t.node.kind", "sort".to_owned())],
            Kind::Channel => &[("t.channel.id", id.to_string())],
            Kind::Nameless | Kind::Plain => &[],
        };
        self.refused_entities += u64::from(kind == Kind::Nameless);
        if !own.is_empty() {
            chain.push(Entity { kind, attributes: own.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect() });
        }
        assert!(kind == Kind::Plain || handle.id().is_some(), "an entity span exists whatever the filter says");
        let id = handle.id();
        if let (Some(parent), Some(_)) = (parent, &id) {
            self.spans[parent].children += 1;
        }
        self.spans.push(Opened { id, handle: Some(handle), chain, parent, children: 0, ended: false, shared: false });
    }

    fn emit(&mut self, thread: usize, loud: bool, place: Place, measure: Measure) {
        let (span, parent) = self.at(thread, place);
        let chain = self.chain(span);
        let number = self.number;
        self.number += 1;
        self.counted.fold(&chain, &measure);
        let forwarded = match self.directives {
            "info" => loud,
            "trace" => true,
            _ => false,
        };
        if forwarded {
            self.expected.insert(number, attributes(&chain));
        }
        let contextual = matches!(place, Place::Current);
        self.workers[thread].run(move || emit(&measure, loud, contextual, parent, number));
    }
}

/// A neighbour without filter, so that spans exist which our filter does not want.
struct Quiet;

impl<S: tracing_core::Subscriber> Layer<S> for Quiet {}
