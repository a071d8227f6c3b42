//! The plain model of one layer: spans with their chains, and totals in a map; and of a thread: its stack.
//!
//! The program of a test case moves it along with the real one. It must never be clever.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use tracing_weaver_registry::model::ResolvedRegistry;

use crate::support::{Total, Totals, registry, registry_of, series};

/// What a program may open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Group,
    Pipeline,
    Node,
    Channel,
    /// A node without its identity, which opens nothing.
    Nameless,
    /// A span that the usual registry does not know.
    Plain,
}

/// By which registry a layer reads the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    Usual,
    Other,
    /// No registry at all.
    None,
}

impl Reading {
    pub(crate) fn registry(self) -> Arc<ResolvedRegistry> {
        static OTHER: OnceLock<Arc<ResolvedRegistry>> = OnceLock::new();
        match self {
            Reading::Usual => registry(),
            Reading::Other => OTHER.get_or_init(|| registry_of(include_str!("other.yaml"))).clone(),
            Reading::None => Arc::default(),
        }
    }

    /// The attributes of the entity that such a span opens.
    pub(crate) fn entity(self, kind: Kind, id: u8) -> Option<Entity> {
        let attributes: &[(&str, String)] = match (self, kind) {
            (Reading::Usual | Reading::Other, Kind::Group) => &[("t.group.id", format!("g{id}"))],
            (Reading::Usual, Kind::Pipeline) => &[("t.group.id", "g0".to_owned()), ("t.pipeline.id", format!("p{id}"))],
            (Reading::Usual, Kind::Node) => &[("t.node.id", format!("n{id}")), ("t.node.kind", "sort".to_owned())],
            (Reading::Usual, Kind::Channel) => &[("t.channel.id", id.to_string())],
            (Reading::Other, Kind::Plain) => &[("t.node.id", format!("plain{id}"))],
            _ => return None,
        };
        Some(Entity { kind, attributes: attributes.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect() })
    }

    /// Whether such a span names an entity, be it that it opens none.
    pub(crate) fn is_entity(self, kind: Kind) -> bool {
        match self {
            Reading::Usual => kind != Kind::Plain,
            Reading::Other => matches!(kind, Kind::Group | Kind::Plain),
            Reading::None => false,
        }
    }
}

type Attributes = BTreeMap<String, String>;

/// One opened entity.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entity {
    pub(crate) kind: Kind,
    pub(crate) attributes: Attributes,
}

/// Entities, outermost first, each that was ever opened on the way.
pub(crate) type Chain = Vec<Entity>;

/// The attributes of a chain: of each type the innermost, inner values over outer ones.
pub(crate) fn attributes(chain: &[Entity]) -> Attributes {
    let mut all = Attributes::new();
    for (at, entity) in chain.iter().enumerate() {
        if !chain[at + 1..].iter().any(|inner| inner.kind == entity.kind) {
            all.extend(entity.attributes.clone());
        }
    }
    all
}

/// The spans that a thread has entered.
#[derive(Debug, Default)]
pub(crate) struct Stack(Vec<(usize, bool)>);

impl Stack {
    pub(crate) fn enter(&mut self, span: usize) {
        let duplicate = self.0.iter().any(|(entered, _)| *entered == span);
        self.0.push((span, duplicate));
    }

    pub(crate) fn exit(&mut self, span: usize) {
        if let Some(at) = self.0.iter().rposition(|(entered, _)| *entered == span) {
            self.0.remove(at);
        }
    }

    pub(crate) fn current(&self) -> Option<usize> {
        self.0.iter().rev().find(|(_, duplicate)| !duplicate).map(|(span, _)| *span)
    }

    /// All, in the order in which they were entered.
    pub(crate) fn spans(&self) -> Vec<usize> {
        self.0.iter().map(|(span, _)| *span).collect()
    }

    pub(crate) fn has(&self, span: usize) -> bool {
        self.0.iter().any(|(entered, _)| *entered == span)
    }
}

/// What one event measures.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Measure {
    Item { items: i64, delta: i64 },
    Send { outcome: Option<&'static str>, signal: Option<&'static str>, messages: u64, cost: f64, latency: f64 },
    Transfer { items: u64, messages: u64, outcome: Option<&'static str> },
    Depth { depth: i64 },
    Tick,
    Answer { code: Option<i64>, retried: Option<bool> },
}

/// Totals so far, and what was counted beside them.
#[derive(Debug, Default)]
pub(crate) struct Counted {
    pub(crate) totals: Totals,
    pub(crate) unattributed: u64,
    pub(crate) refused: u64,
    pub(crate) nameless: u64,
    pub(crate) late: u64,
}

impl Counted {
    pub(crate) fn fold(&mut self, reading: Reading, chain: &[Entity], measure: &Measure) {
        match reading {
            Reading::Usual => self.fold_usual(chain, measure),
            Reading::Other => self.fold_other(chain, measure),
            Reading::None => {}
        }
    }

    fn fold_other(&mut self, chain: &[Entity], measure: &Measure) {
        match measure {
            Measure::Item { items, .. } => {
                let plain = self.cut(chain, Kind::Plain);
                self.sum("o.items", &plain, &[], *items, true);
            }
            Measure::Tick => self.sum("o.ticks", &Attributes::new(), &[], 1, true),
            _ => {}
        }
    }

    fn fold_usual(&mut self, chain: &[Entity], measure: &Measure) {
        match measure {
            Measure::Item { items, delta } => {
                let node = self.cut(chain, Kind::Node);
                self.sum("t.node.items", &node, &[], *items, true);
                self.sum("t.node.balance", &node, &[], *delta, false);
                self.sum("t.node.calls", &node, &[], 1, true);
            }
            Measure::Send { outcome, signal, messages, cost, latency } => {
                let channel = self.cut(chain, Kind::Channel);
                let dimensions = [("t.outcome", *outcome), ("t.signal", *signal)].map(|(key, value)| (key, value.map(known)));
                self.sum("t.channel.messages", &channel, &dimensions, *messages as i64, true);
                self.double("t.channel.cost", &channel, &dimensions, *cost);
                self.distribute("t.channel.latency", &channel, &dimensions, *latency);
            }
            Measure::Transfer { items, messages, outcome } => {
                let (node, channel) = (self.cut(chain, Kind::Node), self.cut(chain, Kind::Channel));
                self.sum("t.node.items", &node, &[], *items as i64, true);
                self.sum("t.channel.messages", &channel, &[("t.outcome", outcome.map(known))], *messages as i64, true);
            }
            Measure::Depth { depth } => {
                let node = self.cut(chain, Kind::Node);
                self.totals.insert(series("t.node.depth", &node, &Attributes::new()), Total::Int(*depth));
            }
            Measure::Tick => {
                self.sum("t.ticks", &Attributes::new(), &[], 1, true);
                self.sum("t.ticks.weighed", &Attributes::new(), &[], 5, true);
            }
            Measure::Answer { code, retried } => {
                let code = code.map(|code| if [200, 503].contains(&code) { code.to_string() } else { "_OTHER".to_owned() });
                let dimensions = [("t.code", code), ("t.retried", retried.map(|retried| retried.to_string()))];
                self.sum("t.answers", &Attributes::new(), &dimensions, 1, true);
            }
        }
    }

    /// The chain as a set of this kind sees it: up to the innermost of its own entity, which may be nowhere.
    fn cut(&mut self, chain: &[Entity], own: Kind) -> Attributes {
        match chain.iter().rposition(|entity| entity.kind == own) {
            Some(at) => attributes(&chain[..=at]),
            None => {
                self.unattributed += 1;
                Attributes::new()
            }
        }
    }

    fn name(metric: &str, entities: &Attributes, dimensions: &[(&str, Option<String>)]) -> String {
        let given = dimensions.iter().filter_map(|(key, value)| Some(((*key).to_owned(), value.clone()?))).collect();
        series(metric, entities, &given)
    }

    fn sum(&mut self, metric: &str, entities: &Attributes, dimensions: &[(&str, Option<String>)], value: i64, monotonic: bool) {
        if monotonic && value < 0 {
            self.refused += 1;
            return;
        }
        match self.totals.entry(Self::name(metric, entities, dimensions)).or_insert(Total::Int(0)) {
            Total::Int(sum) => *sum += value,
            other => panic!("{other:?}"),
        }
    }

    fn double(&mut self, metric: &str, entities: &Attributes, dimensions: &[(&str, Option<String>)], value: f64) {
        if !value.is_finite() || value < 0.0 {
            self.refused += 1;
            return;
        }
        match self.totals.entry(Self::name(metric, entities, dimensions)).or_insert(Total::Double(0.0)) {
            Total::Double(sum) => *sum += value,
            other => panic!("{other:?}"),
        }
    }

    fn distribute(&mut self, metric: &str, entities: &Attributes, dimensions: &[(&str, Option<String>)], value: f64) {
        if !value.is_finite() || value < 0.0 {
            self.refused += 1;
            return;
        }
        let new = Total::Histogram { counts: vec![0; 3], sum: 0.0, min: f64::INFINITY, max: f64::NEG_INFINITY };
        match self.totals.entry(Self::name(metric, entities, dimensions)).or_insert(new) {
            Total::Histogram { counts, sum, min, max } => {
                counts[if value <= 1.0 {
                    0
                } else if value <= 10.0 {
                    1
                } else {
                    2
                }] += 1;
                (*sum, *min, *max) = (*sum + value, min.min(value), max.max(value));
            }
            other => panic!("{other:?}"),
        }
    }
}

/// A closed enum's value, `_OTHER` for any that it does not have.
fn known(value: &'static str) -> String {
    let members = ["success", "failure", "refused", "logs", "metrics", "traces"];
    if members.contains(&value) { value.to_owned() } else { "_OTHER".to_owned() }
}
