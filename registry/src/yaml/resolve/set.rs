//! Metric sets: which metrics belong together, and whether they hold together.
//!
//! The package names the groups, lowering makes the sets. It must never let two metrics with different dimensions or entities share a set.

use super::association;
use super::item::{Entity, Items, Metric, SetGroup};
use super::package::{Package, Scope};
use super::reference::Reference;
use crate::fault::{ErrorKind, Faults, Mark};
use crate::model::AttributeType;
use crate::yaml::read::fields::Placed;
use crate::yaml::read::shorten;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

/// Most series of a metric set: the product of its dimensions.
const SERIES_BUDGET: u64 = 2_000;

/// A metric set before ids.
#[derive(Debug)]
pub(super) struct Set<'p> {
    pub(super) name: &'p str,
    pub(super) brief: &'p str,
    pub(super) entities: Vec<Rc<Entity>>,
    pub(super) keep: Option<&'p [Rc<Entity>]>,
    pub(super) dimensions: &'p [Reference],
    pub(super) metrics: Vec<&'p Metric>,
}

/// Finds the group that each metric of this registry names as its set.
pub(super) fn name_groups(package: &mut Package, scope: &Scope<'_>, faults: &mut Faults) {
    let mut groups: BTreeMap<String, Rc<SetGroup>> = BTreeMap::new();
    for group in package.groups.values().chain(package.imported_groups.values()).filter(|group| group.public) {
        let mut find = |name: &Placed<String>| association::find(name, &package.entities, &HashMap::new(), scope, faults);
        let entity = group.set.entity.as_ref().and_then(|name| Some(Placed::new(find(name)?, name.at)));
        let keep = group.set.keep.as_ref().map(|names| names.iter().filter_map(find).collect());
        groups.insert(group.id.value.clone(), Rc::new(SetGroup { group: group.clone(), entity, keep }));
    }
    let internal: BTreeSet<&str> = package.groups.values().filter(|group| !group.public).map(|group| group.id.value.as_str()).collect();
    for metric in package.metrics.values_mut() {
        // A metric that is shared was imported, with its set.
        let Some(metric) = Rc::get_mut(metric) else { continue };
        let Some(name) = &metric.ours.set else { continue };
        match groups.get(&name.value) {
            Some(group) => metric.set = Some(group.clone()),
            None if internal.contains(name.value.as_str()) => {
                faults
                    .push(
                        ErrorKind::InvalidMetricSet,
                        name.at,
                        format!("the internal attribute group `{}` as a metric set", shorten(&name.value)),
                    )
                    .expected("a public attribute group")
                    .help("write `visibility: public` on the group, with a brief and a stability");
            }
            None => {
                if faults.is_full() || scope.unseen.may_hold(&name.value, groups.keys().map(String::as_str)) {
                    continue;
                }
                let help = faults.suggestions.did_you_mean(&name.value, groups.keys().map(String::as_str));
                faults
                    .push(ErrorKind::InvalidMetricSet, name.at, format!("no metric set `{}`", shorten(&name.value)))
                    .expected("the id of a public attribute group that holds the shared dimensions")
                    .help(help);
            }
        }
    }
}

/// All metric sets of a registry, by name, checked.
pub(super) fn sets<'p>(metrics: &'p Items<Metric>, faults: &mut Faults) -> BTreeMap<&'p str, Set<'p>> {
    let mut sets: BTreeMap<&str, Set<'_>> = BTreeMap::new();
    for metric in metrics.values() {
        if let Some(of) = &metric.set {
            let name = of.group.id.value.as_str();
            let set = sets.entry(name).or_insert_with(|| Set {
                name,
                brief: of.group.common.brief.as_deref().unwrap_or(""),
                entities: Vec::new(),
                keep: of.keep.as_deref(),
                dimensions: &of.group.attributes,
                metrics: Vec::new(),
            });
            set.metrics.push(metric);
        }
    }
    let mut alone: Vec<&Metric> = Vec::new();
    for metric in metrics.values().filter(|metric| metric.set.is_none()) {
        let name = metric.signal.name.value.as_str();
        if sets.contains_key(name) {
            faults
                .push(
                    ErrorKind::InvalidMetricSet,
                    metric.signal.name.at,
                    format!("the metric `{}` is in no set and named like one", shorten(name)),
                )
                .expected("another name, or `metric_set` on the metric");
        } else {
            alone.push(metric);
        }
    }
    for metric in alone {
        let name = metric.signal.name.value.as_str();
        let brief = metric.signal.common.brief.as_deref().unwrap_or("");
        sets.insert(
            name,
            Set { name, brief, entities: Vec::new(), keep: None, dimensions: &metric.signal.attributes, metrics: vec![metric] },
        );
    }
    for set in sets.values_mut() {
        check_dimensions(set, faults);
        set.entities = entities(set, faults);
        check_budget(set, faults);
    }
    sets
}

fn place(metric: &Metric) -> Mark {
    metric.ours.set.as_ref().map_or(metric.signal.name.at, |set| set.at)
}

fn check_dimensions(set: &Set<'_>, faults: &mut Faults) {
    let shared: BTreeSet<&str> = set.dimensions.iter().map(Reference::key).collect();
    for metric in &set.metrics {
        let own: BTreeSet<&str> = metric.signal.attributes.iter().map(Reference::key).collect();
        if own == shared {
            continue;
        }
        let quote = |keys: Vec<&&str>| keys.iter().map(|key| format!("`{}`", shorten(key))).collect::<Vec<_>>().join(", ");
        let (lacking, beyond) = (quote(shared.difference(&own).collect()), quote(own.difference(&shared).collect()));
        let mut found =
            format!("the metric `{}` has not the dimensions of its set `{}`:", shorten(&metric.signal.name.value), shorten(set.name));
        if !lacking.is_empty() {
            found += &format!(" it lacks {lacking}");
        }
        if !beyond.is_empty() {
            found += &format!("{} it has {beyond} beyond them", if lacking.is_empty() { "" } else { "," });
        }
        faults
            .push(ErrorKind::InvalidMetricSet, place(metric), found)
            .expected("the attributes of the group that is the set")
            .help("let metric and set include one internal group of dimensions");
    }
}

/// The set's own entity types: what its group says, else what all its metrics say.
fn entities(set: &Set<'_>, faults: &mut Faults) -> Vec<Rc<Entity>> {
    let said = set.metrics.first().and_then(|metric| metric.set.as_ref()).and_then(|of| of.entity.as_ref());
    let of_metrics: Vec<Vec<Rc<Entity>>> = set.metrics.iter().map(|metric| own_entities(metric)).collect();
    let types = |entities: &[Rc<Entity>]| entities.iter().map(|entity| entity.entity_type.value.clone()).collect::<Vec<_>>();
    if let Some(entity) = said {
        for (metric, described) in set.metrics.iter().zip(&of_metrics) {
            if !described.is_empty() && !described.contains(&entity.value) {
                disagrees(set, metric, &types(described), &types(std::slice::from_ref(&entity.value)), faults);
            }
        }
        return vec![entity.value.clone()];
    }
    let Some(first) = of_metrics.first() else { return Vec::new() };
    for (metric, described) in set.metrics.iter().zip(&of_metrics).skip(1) {
        if types(described) != types(first) {
            disagrees(set, metric, &types(described), &types(first), faults);
        }
    }
    first.clone()
}

fn disagrees(set: &Set<'_>, metric: &Metric, described: &[String], expected: &[String], faults: &mut Faults) {
    let words = |types: &[String]| match types {
        [] => "no entity".to_owned(),
        types => types.iter().map(|name| format!("`{}`", shorten(name))).collect::<Vec<_>>().join(", "),
    };
    faults
        .push(
            ErrorKind::InvalidMetricSet,
            place(metric),
            format!(
                "the metric `{}` describes {}, its set `{}` {}",
                shorten(&metric.signal.name.value),
                words(described),
                shorten(set.name),
                words(expected)
            ),
        )
        .expected("one entity for all metrics of a set")
        .help("make their `entity_associations` equal, or say `metric_set: {entity: TYPE}` on the group");
}

/// The entities that a metric describes but for those on the resource, sorted by type.
fn own_entities(metric: &Metric) -> Vec<Rc<Entity>> {
    let mut named = Vec::new();
    if let Some(association) = &metric.signal.association {
        association.entities(&mut named);
    }
    let by_type: BTreeMap<&str, &Rc<Entity>> =
        named.iter().map(|entity| (entity.value.entity_type.value.as_str(), &entity.value)).collect();
    by_type.into_values().filter(|entity| !entity.resource).cloned().collect()
}

fn check_budget(set: &Set<'_>, faults: &mut Faults) {
    let mut product: u64 = 1;
    let mut factors = Vec::new();
    for dimension in set.dimensions {
        let values = match &dimension.definition.attribute.attribute_type {
            AttributeType::Enum(closed) => closed.members.len() as u64 + 1,
            AttributeType::Boolean => 3,
            _ => continue,
        };
        product = product.saturating_mul(values);
        factors.push(format!("{values} of `{}`", shorten(dimension.key())));
    }
    if product > SERIES_BUDGET {
        let of = set.metrics.first().and_then(|metric| metric.set.as_ref());
        let at = of.map_or_else(|| set.metrics.first().map_or_else(Mark::default, |metric| metric.signal.name.at), |of| of.group.id.at);
        faults
            .push(
                ErrorKind::SeriesBudgetExceeded,
                at,
                format!("the metric set `{}` may have {product} series: {}", shorten(set.name), factors.join(" × ")),
            )
            .expected(format!("at most {SERIES_BUDGET} (members of each closed enum and one for any other value, multiplied)"))
            .help("take a dimension away, or split the set");
    }
}
