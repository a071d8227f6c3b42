//! From definitions by name to a resolved registry by id.
//!
//! [`load`](crate::load) calls it with everything that was read. It must never read a file, and must go on past every fault that leaves
//! something to look at.

mod assemble;
mod association;
mod attribute;
mod fold;
mod group;
mod ids;
mod import;
mod item;
mod lower;
mod merge;
mod package;
mod reference;
mod refined;
mod refinement;
mod set;
mod strict;

use crate::fault::Faults;
use crate::model::ResolvedRegistry;
use crate::yaml::read::graph::Graph;
use package::Package;
use std::rc::Rc;

/// Resolves every registry of the graph and lowers the root. What it gives is only of use where no fault was pushed.
pub(crate) fn resolve(graph: Graph, faults: &mut Faults) -> ResolvedRegistry {
    let Graph { registries, relative } = graph;
    let last = registries.len().saturating_sub(1);
    let mut packages: Vec<Rc<Package>> = Vec::with_capacity(registries.len());
    let mut budget = attribute::Budget::default();
    for (index, registry) in registries.into_iter().enumerate() {
        let dependencies = registry.dependencies.iter().filter_map(|index| packages.get(*index).cloned()).collect();
        let is_root = index == last;
        packages.push(Rc::new(assemble::assemble(registry, dependencies, is_root, &relative, &mut budget, faults)));
    }
    match packages.last() {
        Some(root) => lower::lower(root, faults),
        None => ResolvedRegistry::default(),
    }
}
