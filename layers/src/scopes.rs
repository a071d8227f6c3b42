//! Scope names, interned to small ids.
//!
//! Plans come here for the targets of their callsites, `log` records with the target that each carries, and
//! the export thread for the names. Bounded, since `log` targets are texts of the program.

use std::sync::{Arc, RwLock};

use dashmap::DashMap;

/// Most scope names; past it records stand in one scope of the name [`OTHER`].
const MAX: usize = 1 << 14;

/// Scope of records whose targets came past the bound; its id is 0.
const OTHER: &str = "_OTHER";

/// All scope names of one layer.
#[derive(Debug)]
pub(crate) struct Scopes {
    by_name: DashMap<Arc<str>, u32>,
    names: RwLock<Vec<Arc<str>>>,
}

impl Scopes {
    pub(crate) fn new() -> Scopes {
        Scopes { by_name: DashMap::new(), names: RwLock::new(vec![OTHER.into()]) }
    }

    /// The id of a name.
    pub(crate) fn intern(&self, name: &str) -> u32 {
        if let Some(id) = self.by_name.get(name) {
            return *id;
        }
        let name: Arc<str> = Arc::from(crate::user_code::cut(name).0);
        let push = || {
            let mut names = self.names.write().unwrap_or_else(|poisoned| poisoned.into_inner());
            if names.len() >= MAX {
                return Err(());
            }
            names.push(name.clone());
            Ok(names.len() as u32 - 1)
        };
        self.by_name.entry(name.clone()).or_try_insert_with(push).map_or(0, |id| *id)
    }

    /// The name of an id.
    pub(crate) fn name(&self, id: u32) -> Arc<str> {
        let names = self.names.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        names.get(id as usize).unwrap_or(&names[0]).clone()
    }
}
