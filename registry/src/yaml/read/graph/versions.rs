//! One version of each registry: where several are depended on, the highest of one major.
//!
//! The graph calls it once everything is read. It must never let two majors of a registry pass.

use super::registry::{Read, Registry};
use crate::fault::{ErrorKind, Faults};
use semver::Version;
use std::collections::{BTreeMap, HashSet};

/// Name of a registry by its schema URL, and its version.
fn name_and_version(schema_url: &str) -> Option<(&str, &str)> {
    schema_url.split_once("://").and_then(|(_, rest)| rest.rsplit_once('/'))
}

/// Points every edge at the version that wins and orders the registries, dependencies first, the root last.
pub(super) fn settle(mut read: Vec<Read>, faults: &mut Faults) -> Option<Vec<Registry>> {
    unversioned_twice(&read, faults);
    let winners = winners(&read, faults);
    for one in &mut read {
        for edge in &one.edges {
            let to = winners.get(&edge.to).copied().unwrap_or(edge.to);
            if !one.registry.dependencies.contains(&to) {
                one.registry.dependencies.push(to);
            }
        }
    }
    let order = order(&read, faults)?;
    let place: BTreeMap<usize, usize> = order.iter().enumerate().map(|(place, index)| (*index, place)).collect();
    let mut slots: Vec<Option<Read>> = read.into_iter().map(Some).collect();
    let mut registries = Vec::with_capacity(order.len());
    for index in order {
        let mut registry = slots[index].take()?.registry;
        registry.dependencies = registry.dependencies.iter().filter_map(|to| place.get(to).copied()).collect();
        registries.push(registry);
    }
    Some(registries)
}

fn unversioned_twice(read: &[Read], faults: &mut Faults) {
    let mut names: BTreeMap<&str, usize> = BTreeMap::new();
    for edge in read.iter().flat_map(|one| &one.edges) {
        let Some(name) = &edge.unversioned else { continue };
        if let Some(other) = names.insert(name, edge.to)
            && other != edge.to
        {
            faults
                .push(
                    ErrorKind::UnversionedDependencyConflict,
                    edge.at,
                    format!("two registries under the name `{name}`, neither with a version"),
                )
                .expected("`schema_url` in each dependency");
        }
    }
}

/// For every registry that gives way to another version of itself: the one that stays.
fn winners(read: &[Read], faults: &mut Faults) -> BTreeMap<usize, usize> {
    let mut by_name: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, one) in read.iter().enumerate() {
        if let Some((name, _)) = name_and_version(&one.registry.schema_url) {
            by_name.entry(name).or_default().push(index);
        }
    }
    let mut winners = BTreeMap::new();
    for (name, indexes) in by_name.into_iter().filter(|(_, indexes)| indexes.len() > 1) {
        let mut best: Option<(Version, usize)> = None;
        for &index in &indexes {
            let at = read.iter().flat_map(|one| &one.edges).find(|edge| edge.to == index).map_or_else(Default::default, |edge| edge.at);
            let written = name_and_version(&read[index].registry.schema_url).map_or("", |(_, version)| version);
            let version = match Version::parse(written) {
                Ok(version) => version,
                Err(_) => {
                    faults
                        .push(ErrorKind::InvalidSemVer, at, format!("`{written}` as a version of `{name}`, of which there are several"))
                        .expected("a semantic version such as `1.2.0`");
                    continue;
                }
            };
            match &best {
                Some((other, _)) if other.major != version.major => {
                    faults
                        .push(ErrorKind::IncompatibleDependencyVersions, at, format!("`{name}` in the versions {other} and {version}"))
                        .expected("versions of one major")
                        .help("depend on one version everywhere");
                }
                Some((other, _)) if *other >= version => {}
                _ => best = Some((version, index)),
            }
        }
        if let Some((_, winner)) = best {
            winners.extend(indexes.iter().map(|index| (*index, winner)));
        }
    }
    winners
}

/// Indexes of what the last registry reaches, dependencies first. A circle that only the winning versions close is a fault.
fn order(read: &[Read], faults: &mut Faults) -> Option<Vec<usize>> {
    let root = read.len().checked_sub(1)?;
    let (mut order, mut done, mut open) = (Vec::new(), HashSet::new(), Vec::new());
    open.push((root, 0));
    while let Some((index, next)) = open.pop() {
        match read[index].registry.dependencies.get(next) {
            None => {
                done.insert(index);
                order.push(index);
            }
            Some(&to) => {
                open.push((index, next + 1));
                if open.iter().any(|(waiting, _)| *waiting == to) {
                    let at = read[index].edges.first().map_or_else(Default::default, |edge| edge.at);
                    faults
                        .push(
                            ErrorKind::CircularDependency,
                            at,
                            format!("a circle of dependencies through `{}`", read[to].registry.schema_url),
                        )
                        .expected("registries that do not depend on themselves");
                    return None;
                }
                if !done.contains(&to) {
                    open.push((to, 0));
                }
            }
        }
    }
    Some(order)
}
