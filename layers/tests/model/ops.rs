//! What a program of a test case may do, and how it is drawn.
//!
//! The test draws, the program does it. Plain data.

use proptest::prelude::*;

use crate::plain::{Kind, Measure, Reading};

pub(crate) const THREADS: usize = 3;

/// Where a span or an event stands.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place {
    Current,
    Root,
    Child(usize),
}

/// What else is in the stack.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Neighbour {
    None,
    /// Wants everything, before us.
    Greedy,
    /// Wants spans and some events, behind us.
    Picky,
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
    /// `in_scope`, with an event inside.
    Scope {
        thread: usize,
        span: usize,
        measure: Measure,
    },
    /// Drops the handle; `forgotten` also of a span that threads are still inside of.
    Close {
        thread: usize,
        span: usize,
        forgotten: bool,
    },
    /// Puts a future into one span, or into one inside of another.
    Spawn {
        outer: usize,
        inner: Option<usize>,
    },
    /// Polls it on a thread, or drops it there; an event inside.
    Poll {
        thread: usize,
        task: usize,
        last: bool,
        measure: Measure,
    },
    Emit {
        thread: usize,
        loud: bool,
        place: Place,
        measure: Measure,
    },
    /// Records a value later.
    Record {
        thread: usize,
        span: usize,
    },
    Follow {
        thread: usize,
        span: usize,
        follows: usize,
    },
    /// Ends a thread and takes a new one; a tidy one leaves its spans before.
    Restart {
        thread: usize,
        tidy: bool,
    },
    Look,
}

pub(crate) fn ops(most: usize) -> impl Strategy<Value = Vec<Op>> {
    let place = prop_oneof![5 => Just(Place::Current), 1 => Just(Place::Root), 2 => (0..32usize).prop_map(Place::Child)];
    let kinds =
        vec![Kind::Group, Kind::Pipeline, Kind::Node, Kind::Node, Kind::Channel, Kind::Channel, Kind::Nameless, Kind::Plain, Kind::Plain];
    let thread = 0..THREADS;
    let span = 0..32usize;
    let which = (thread.clone(), span.clone());
    prop::collection::vec(
        prop_oneof![
            8 => (thread.clone(), prop::sample::select(kinds), 0..3u8, place.clone())
                .prop_map(|(thread, kind, id, place)| Op::Make { thread, kind, id, place }),
            12 => which.clone().prop_map(|(thread, span)| Op::Enter { thread, span }),
            8 => which.clone().prop_map(|(thread, span)| Op::Exit { thread, span }),
            3 => (which.clone(), measure()).prop_map(|((thread, span), measure)| Op::Scope { thread, span, measure }),
            4 => (which.clone(), prop::bool::weighted(0.5)).prop_map(|((thread, span), forgotten)| Op::Close { thread, span, forgotten }),
            3 => (span.clone(), prop::option::of(span.clone())).prop_map(|(outer, inner)| Op::Spawn { outer, inner }),
            8 => (thread.clone(), 0..8usize, prop::bool::weighted(0.2), measure())
                .prop_map(|(thread, task, last, measure)| Op::Poll { thread, task, last, measure }),
            24 => (thread.clone(), any::<bool>(), place, measure())
                .prop_map(|(thread, loud, place, measure)| Op::Emit { thread, loud, place, measure }),
            1 => which.clone().prop_map(|(thread, span)| Op::Record { thread, span }),
            1 => (which, span).prop_map(|((thread, span), follows)| Op::Follow { thread, span, follows }),
            1 => (thread, prop::bool::weighted(0.7)).prop_map(|(thread, tidy)| Op::Restart { thread, tidy }),
            2 => Just(Op::Look),
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

/// What a program starts with.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    pub(crate) layers: Vec<(Reading, &'static str)>,
    pub(crate) neighbour: Neighbour,
    /// The first layer makes trace spans.
    pub(crate) with_traces: bool,
}

pub(crate) fn setup() -> impl Strategy<Value = Setup> {
    let reading = prop::sample::select(vec![Reading::Usual, Reading::Usual, Reading::Other, Reading::None]);
    let directives = prop::sample::select(vec!["off", "info", "trace", "warn,t=debug", "info,[t.node]=trace"]);
    let layer = (reading, directives.clone());
    let layers = prop_oneof![
        10 => (prop::sample::select(vec![Reading::Usual, Reading::Usual, Reading::Usual, Reading::Other, Reading::None]), directives)
            .prop_map(|layer| vec![layer]),
        9 => prop::collection::vec(layer.clone(), 2..4),
        // More than have a place of their own.
        1 => prop::collection::vec(layer, 9..11),
    ];
    let neighbour = prop::sample::select(vec![Neighbour::None, Neighbour::Greedy, Neighbour::Picky]);
    (layers, neighbour, any::<bool>()).prop_map(|(layers, neighbour, with_traces)| Setup { layers, neighbour, with_traces })
}
