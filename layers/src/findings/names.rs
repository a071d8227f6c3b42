//! The registry's names: which are its own, and which is meant by one that is nearly right.
//!
//! Checks and texts ask it. A search for near names costs a bounded number of comparisons for the life of a layer, however many names
//! are wrong.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tracing_weaver_registry::model::{AttributeRef, EventId, FoldSource, FoldValue, MetricId, Origin, RequirementLevel, ResolvedRegistry};

use crate::read::FieldDropReason;
use crate::redaction::Redaction;
use crate::rules::declared;
use crate::value::Value;

/// Comparisons that one layer may spend, some microseconds each.
const BUDGET: usize = 200_000;

/// Longer names are not compared.
const MAX_LENGTH: usize = 120;

/// Beginnings that name nobody: there the prefix is one segment longer, as in `com.acme.`.
const REVERSE_DOMAINS: [&str; 8] = ["app", "com", "dev", "edu", "gov", "io", "net", "org"];

/// How alike two names must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Near {
    /// Where the name must be one of the candidates.
    Known,
    /// Where it may well be somebody else's.
    Stranger,
}

/// What the checks ask of the registry's names, worked out once per layer.
#[derive(Debug)]
pub(crate) struct Names {
    /// With the dot at its end.
    prefixes: Vec<String>,
    /// Keys of entities that spans open.
    entity_keys: HashSet<String>,
    /// Keys that stand on the resource.
    resource_keys: HashSet<String>,
    redaction: Redaction,
    budget: AtomicUsize,
}

impl Names {
    pub(crate) fn new(registry: &ResolvedRegistry, resource: &[(Arc<str>, Value)]) -> Names {
        let own = |origin: &Origin| origin.dependency.is_none();
        let events = registry.events.iter().filter(|event| own(&event.origin)).map(|event| event.name.as_str());
        let spans = registry.spans.iter().filter(|span| own(&span.origin)).map(|span| span.span_type.as_str());
        let opened = registry.entities.iter().filter(|entity| !entity.resource);
        let entities = opened.clone().filter(|entity| own(&entity.origin)).map(|entity| entity.entity_type.as_str());
        let mut prefixes: Vec<String> = events.chain(spans).chain(entities).filter_map(prefix).collect();
        prefixes.sort();
        prefixes.dedup();
        let keys = opened.flat_map(|entity| entity.identity.iter().chain(&entity.description));
        Names {
            prefixes,
            entity_keys: keys.map(|reference| registry.attribute(reference.attribute).key.clone()).collect(),
            resource_keys: resource.iter().map(|(key, _)| key.to_string()).collect(),
            redaction: Redaction::of(registry),
            budget: AtomicUsize::new(BUDGET),
        }
    }

    /// Whether a name stands under a prefix of the registry's own events, spans and entities.
    pub(crate) fn is_own(&self, name: &str) -> bool {
        self.prefixes.iter().any(|prefix| name.starts_with(prefix.as_str()))
    }

    /// Whether entities in force or the resource carry this key, so that no signal need repeat it.
    pub(crate) fn is_carried(&self, key: &str) -> bool {
        self.entity_keys.contains(key) || self.resource_keys.contains(key)
    }

    /// Why the registry keeps a value back that stands under this name, wherever that is.
    pub(crate) fn keeps_back(&self, name: &str) -> Option<FieldDropReason> {
        self.redaction.treatment(name).keeps_back()
    }

    /// The candidate that is meant by `name`, if one is near enough.
    pub(crate) fn nearest<'a>(&self, name: &str, near: Near, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
        if name.len() > MAX_LENGTH {
            return None;
        }
        let folded = folded(name);
        let mut best: Option<(usize, &str)> = None;
        for candidate in candidates.filter(|candidate| *candidate != name && candidate.len() <= MAX_LENGTH) {
            let bound = match near {
                Near::Known => name.len().max(candidate.len()) / 3,
                Near::Stranger => name.len().max(candidate.len()) / 10,
            };
            let may_be = name.len().abs_diff(candidate.len()) <= bound || candidate.len() > name.len();
            if !may_be || !self.may_compare() {
                continue;
            }
            let distance = distance(&folded, candidate, near);
            if distance <= bound && is_near_at_its_end(name, candidate) && best.is_none_or(|(found, _)| distance < found) {
                best = Some((distance, candidate));
            }
        }
        best.map(|(_, candidate)| candidate)
    }

    fn may_compare(&self) -> bool {
        self.budget.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
    }
}

/// Edits between a folded name and a candidate. Case and the choice of delimiter count for nothing, and a missing namespace for little:
/// these are what people mix up.
fn distance(name: &str, candidate: &str, near: Near) -> usize {
    let candidate = folded(candidate);
    // One word alone may be anybody's.
    let lacks_namespace = (near == Near::Known || name.contains('_')) && candidate.ends_with(&format!("_{name}"));
    let is_reordered = || near == Near::Known && words(name) == words(&candidate);
    if lacks_namespace || is_reordered() { 1 } else { strsim::osa_distance(name, &candidate) }
}

/// Whether the last segments are alike, by a few letters or as the same words: what merely begins alike means something else.
fn is_near_at_its_end(name: &str, candidate: &str) -> bool {
    let last = |name: &str| folded(name.rsplit('.').next().unwrap_or_default());
    let (name_folded, end) = (folded(name), last(candidate));
    // The delimiter within the last segment, or the one before it, may be what is wrong.
    let words_of_end = end.split('_').count();
    let from = name_folded.rmatch_indices('_').nth(words_of_end - 1).map_or(0, |(at, _)| at + 1);
    let is_alike = |other: &str| strsim::osa_distance(other, &end) <= (end.chars().count() / 3).min(2);
    let squeezed = |name: &str| name.replace('_', "");
    is_alike(&name_folded[from..])
        || is_alike(&last(name))
        || words(&name_folded) == words(&folded(candidate))
        || squeezed(&name_folded) == squeezed(&folded(candidate))
}

/// The words of a folded name, in one order for all.
fn words(folded: &str) -> Vec<&str> {
    let mut words: Vec<&str> = folded.split('_').collect();
    words.sort_unstable();
    words
}

fn folded(name: &str) -> String {
    name.chars().map(|c| if matches!(c, '.' | '-' | ' ' | ':' | '/') { '_' } else { c.to_ascii_lowercase() }).collect()
}

/// The first segment with its dot; of a reversed domain name the first two.
fn prefix(name: &str) -> Option<String> {
    let mut dots = name.match_indices('.').map(|(at, _)| at);
    let first = dots.next()?;
    let end = if REVERSE_DOMAINS.contains(&&name[..first]) { dots.next()? } else { first };
    Some(name[..=end].to_owned())
}

/// Keys of what metrics take from an event, and references to the dimensions of their sets.
pub(crate) fn measured(registry: &ResolvedRegistry, event: EventId) -> Measured<'_> {
    let mut measured = Measured::default();
    for (at, metric) in registry.metrics.iter().enumerate() {
        let mut folded = false;
        for fold in &metric.folds {
            let FoldSource::Event { event: from, value } = &fold.source else { continue };
            if *from != event {
                continue;
            }
            folded = true;
            if let FoldValue::Attribute(attribute) = value {
                measured.values.push(registry.attribute(*attribute).key.as_str());
            }
        }
        if folded {
            measured.folds = true;
            let dimensions = &registry.metric_set(metric.set).dimensions;
            measured.dimensions.extend(dimensions);
            let required = dimensions.iter().filter(|dimension| dimension.requirement_level == RequirementLevel::Required);
            measured.required.extend(required.map(|dimension| (MetricId(at as u32), dimension)));
        }
    }
    measured
}

/// What metrics take from an event.
#[derive(Debug, Default)]
pub(crate) struct Measured<'a> {
    /// Whether they take anything at all.
    pub(crate) folds: bool,
    /// Keys of attributes that are values of metrics.
    pub(crate) values: Vec<&'a str>,
    /// Dimensions of the sets, of several sets one after the other.
    pub(crate) dimensions: Vec<&'a AttributeRef>,
    /// Those of them that are required, each with a metric of its set.
    pub(crate) required: Vec<(MetricId, &'a AttributeRef)>,
}

impl<'a> Measured<'a> {
    /// The dimension that a field stands for.
    pub(crate) fn declared(&self, registry: &ResolvedRegistry, name: &str) -> Option<&'a AttributeRef> {
        self.dimensions.iter().copied().find(|dimension| declared(registry, std::slice::from_ref(*dimension), name).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        Names::new(&ResolvedRegistry::default(), &[])
    }

    const KNOWN: [&str; 4] = ["acme.order.accept", "acme.order.refuse", "acme.shop.open", "acme.shop"];

    #[test]
    fn slips_of_a_known_namespace_find_what_was_meant() {
        let names = names();
        for (slip, meant) in [
            ("acme.order.acept", Some("acme.order.accept")),
            ("acme.order_accept", Some("acme.order.accept")),
            ("Acme.Order.Accept", Some("acme.order.accept")),
            ("acme.orders.refuse", Some("acme.order.refuse")),
            ("acme.payment.settle", None),
        ] {
            assert_eq!(names.nearest(slip, Near::Known, KNOWN.into_iter()), meant, "{slip}");
        }
    }

    #[test]
    fn of_a_stranger_only_what_can_hardly_be_anything_else_is_taken_for_a_slip() {
        let names = names();
        for (name, meant) in [
            ("acmee.order.accept", Some("acme.order.accept")),
            ("order.accept", Some("acme.order.accept")),
            ("acme::shop", Some("acme.shop")),
            ("accept", None),
            ("shop", None),
            ("order.except", None),
            ("poll_next", None),
        ] {
            assert_eq!(names.nearest(name, Near::Stranger, KNOWN.into_iter()), meant, "{name}");
        }
    }

    #[test]
    fn a_name_is_meant_only_where_its_last_segment_is_near() {
        let names = names();
        for (name, candidate, is_meant) in [
            ("kiosk.stnad", "kiosk.stand", true),
            ("kiosk.stand_cuont", "kiosk.stand_count", true),
            ("kiosk.count_stand", "kiosk.stand_count", true),
            ("kiosk.begin.sale", "kiosk.sale.begin", true),
            ("kiosk.salebegin", "kiosk.sale.begin", true),
            ("kiosk.sale-begin", "kiosk.sale.begin", true),
            ("kiosk.sales.begin", "kiosk.sale.begin", true),
            ("kiosk.stand_id", "kiosk.stand.id", true),
            ("stand_count", "kiosk.stand_count", true),
            ("outcom", "outcome", true),
            ("kiosk.refund", "kiosk.stand", false),
            ("kiosk.sale.begin", "kiosk.sale.end", false),
            ("kiosk.sale.open", "kiosk.sale.close", false),
            ("kiosk.sale.start", "kiosk.sale.stop", false),
            ("kiosk.stand.id", "kiosk.stand.ip", false),
            ("kiosk.reader.opened", "kiosk.reader.closed", false),
            ("kiosk.stand_first", "kiosk.stand_last", false),
        ] {
            assert_eq!(names.nearest(name, Near::Known, [candidate].into_iter()).is_some(), is_meant, "{name} for {candidate}");
        }
    }

    #[test]
    fn comparisons_end_when_the_budget_is_spent() {
        let names = names();
        for _ in 0..=BUDGET {
            names.nearest("acme.order.acept", Near::Known, KNOWN.into_iter().take(1));
        }
        assert_eq!(names.nearest("acme.order.acept", Near::Known, KNOWN.into_iter()), None);
    }

    #[test]
    fn a_prefix_is_the_first_segment_and_two_of_a_reversed_domain() {
        assert_eq!(prefix("acme.order.accept").as_deref(), Some("acme."));
        assert_eq!(prefix("com.acme.order.accept").as_deref(), Some("com.acme."));
        assert_eq!(prefix("exception"), None);
        assert_eq!(prefix("com.acme"), None);
    }
}
