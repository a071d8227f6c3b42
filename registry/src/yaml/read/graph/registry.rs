//! What is read of registries, before anything is resolved.
//!
//! The reader fills it and the resolver takes it apart. It must never look into a definition.

use super::super::raw::RawDefinitions;
use crate::fault::Mark;
use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

/// One registry, read.
#[derive(Debug)]
pub(crate) struct Registry {
    pub(crate) path: PathBuf,
    pub(crate) schema_url: String,
    pub(crate) description: String,
    /// Direct dependencies, indexes into the graph.
    pub(crate) dependencies: Vec<usize>,
    pub(crate) definitions: RawDefinitions,
    pub(crate) unseen: Unseen,
}

/// Definitions that may exist but could not be read: what only they could answer is no further fault.
#[derive(Debug, Default)]
pub(crate) struct Unseen {
    /// Words of the files that could not be read.
    pub(super) words: HashSet<String>,
    /// A dependency is missing altogether.
    pub(super) dependency: bool,
    /// Names compared so far.
    compared: Cell<usize>,
}

/// Comparisons after which a name counts as one that a missing dependency may hold.
const MAX_COMPARED: usize = 5_000_000;

impl Unseen {
    /// Whether `name` may be defined where nobody could look. `known` are the names of its kind that were read: a namespace that this
    /// registry defines itself is not looked for in a missing dependency.
    pub(crate) fn may_hold<'a>(&self, name: &str, known: impl Iterator<Item = &'a str>) -> bool {
        if self.words.contains(name) || !self.dependency {
            return self.words.contains(name);
        }
        let left = MAX_COMPARED.saturating_sub(self.compared.get());
        let is_own = known.take(left).any(|known| {
            self.compared.set(self.compared.get() + 1);
            namespace(known) == namespace(name)
        });
        !is_own
    }
}

fn namespace(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

/// Registries, each after those it depends on; the root is the last.
#[derive(Debug)]
pub(crate) struct Graph {
    pub(crate) registries: Vec<Registry>,
    /// File of each mark, relative to its registry's folder.
    pub(crate) relative: HashMap<u32, String>,
}

/// A registry with its edges before versions are settled.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) registry: Registry,
    pub(super) edges: Vec<Edge>,
}

#[derive(Debug)]
pub(super) struct Edge {
    pub(super) at: Mark,
    pub(super) to: usize,
    /// Declared by name alone.
    pub(super) unversioned: Option<String>,
}
