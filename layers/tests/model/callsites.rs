//! The callsites of the program: every span and event in each of its places and levels.
//!
//! A worker's thread calls it. It must never keep anything from one call to the next but the clock's last answer.

use std::time::{SystemTime, UNIX_EPOCH};

use tracing::span::Id;
use tracing::{Level, Span, event, span};

use crate::plain::{Kind, Measure};

pub(crate) fn make(kind: Kind, id: u8, number: i64, contextual: bool, parent: Option<Id>) -> Span {
    macro_rules! at {
        ($level:expr, $name:literal, $($field:tt)+) => {
            if contextual {
                span!($level, $name, t.number = number, $($field)+)
            } else {
                span!(parent: parent, $level, $name, t.number = number, $($field)+)
            }
        };
    }
    match kind {
        Kind::Group => at!(Level::ERROR, "t.group", t.group.id = format!("g{id}")),
        Kind::Pipeline => at!(Level::INFO, "t.pipeline", t.group.id = "g0", t.pipeline.id = %format_args!("p{id}")),
        Kind::Node => at!(Level::DEBUG, "t.node", t.node.id = format!("n{id}"), t.node.kind = "sort"),
        Kind::Channel => at!(Level::TRACE, "t.channel", t.channel.id = id),
        Kind::Nameless => at!(Level::INFO, "t.node", t.node.id = tracing::field::Empty, t.node.kind = "sort"),
        Kind::Plain => at!(Level::INFO, "t.plain", t.node.id = format!("plain{id}")),
    }
}

pub(crate) fn emit(measure: &Measure, loud: bool, contextual: bool, parent: Option<Id>, number: i64) {
    macro_rules! at {
        ($name:literal, $($field:tt)+) => {
            match (loud, contextual) {
                (true, true) => event!(name: $name, Level::INFO, { $($field)+ }),
                (true, false) => event!(name: $name, parent: parent, Level::INFO, { $($field)+ }),
                (false, true) => event!(name: $name, Level::TRACE, { $($field)+ }),
                (false, false) => event!(name: $name, parent: parent, Level::TRACE, { $($field)+ }),
            }
        };
    }
    match *measure {
        Measure::Item { items, delta } => at!("t.node.item", t.seq = number, t.items = items, t.delta = delta),
        Measure::Send { outcome, signal, messages, cost, latency } => {
            at!(
                "t.channel.send",
                outcome = outcome,
                t.signal = signal,
                messages = messages,
                t.cost = cost,
                t.latency = latency,
                t.seq = number
            )
        }
        Measure::Transfer { items, messages, outcome } => {
            at!("t.transfer", t.seq = number, t.items = items, messages = messages, t.outcome = outcome)
        }
        Measure::Depth { depth } => {
            wait_for_a_new_instant();
            at!("t.node.depth", t.depth = depth, t.seq = number);
        }
        Measure::Tick => at!("t.tick", t.seq = number),
        Measure::Answer { code, retried } => at!("t.answer", t.code = code, t.retried = retried, t.seq = number),
    }
}

/// A gauge keeps what was written last, by the clock: no two writings of one instant, however coarse the clock is.
fn wait_for_a_new_instant() {
    static LAST: std::sync::Mutex<u128> = std::sync::Mutex::new(0);
    let mut last = LAST.lock().unwrap();
    loop {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
        if now > *last + 1 {
            *last = now;
            return;
        }
    }
}
