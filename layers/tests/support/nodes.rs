//! Nodes and their items, for tests that ask where something was counted.
//!
//! Tests of the entity context call it.

use std::collections::BTreeMap;

use tracing::{Level, Span, event, trace_span};

use crate::support::{Harness, Total};

/// A layer that forwards nothing: what it counts says where it was counted.
pub(crate) fn harness() -> Harness {
    Harness::filtered("off")
}

pub(crate) fn node(id: &str) -> Span {
    trace_span!("t.node", t.node.id = id)
}

/// Counts items where the event happens.
pub(crate) fn item(items: i64) {
    event!(name: "t.node.item", Level::TRACE, t.items = items);
}

/// Items by node; the empty name is nobody's.
pub(crate) fn items(harness: &Harness) -> Vec<(String, i64)> {
    let node = |name: &str| Some(name.strip_prefix("t.node.items{")?.strip_suffix("}[]")?.replace("t.node.id=", ""));
    let totals = harness.totals();
    let items = totals.iter().filter_map(|(name, total)| Some((node(name)?, total)));
    let items = items.map(|(node, total)| if let Total::Int(items) = total { (node, *items) } else { panic!("{total:?}") });
    items.collect::<BTreeMap<_, _>>().into_iter().collect()
}

pub(crate) fn expected(of: &[(&str, i64)]) -> Vec<(String, i64)> {
    of.iter().map(|(node, items)| ((*node).to_owned(), *items)).collect()
}
