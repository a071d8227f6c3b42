//! Entities and contexts, interned to small ids.
//!
//! A context is a chain of entity instances, outermost first, each type once: an inner one takes the place
//! of an outer one of its type. Equal chains have equal ids. Opening spans and collection come here, events
//! never do; the tables are bounded, and no lock is held while anything else is called.

use std::sync::{Arc, RwLock};

use dashmap::DashMap;
use smallvec::SmallVec;
use tracing_weaver_registry::model::{EntityId, MetricSetId, ResolvedRegistry};

use crate::read::{ContextId, EntityContext, Value};

/// Most contexts of one layer, some 300 bytes each; past it an entity span opens nothing.
const MAX_CONTEXTS: usize = 1 << 17;

/// One entity as a span opened it.
#[derive(Debug)]
pub(crate) struct EntityInstance {
    pub(crate) entity: EntityId,
    /// Type and values, as bytes that are equal for equal instances.
    key: Box<[u8]>,
    /// Attributes as they are exported.
    attributes: Vec<(Arc<str>, Value)>,
}

impl EntityInstance {
    /// `values` are what the span gave, by position of the attribute; `attributes` what is exported of it.
    pub(crate) fn new(entity: EntityId, values: &[(u32, Value)], attributes: Vec<(Arc<str>, Value)>) -> EntityInstance {
        let mut key = Vec::with_capacity(64);
        key.extend_from_slice(&entity.0.to_le_bytes());
        key.extend_from_slice(&(values.len() as u32).to_le_bytes());
        for (at, value) in values {
            key.extend_from_slice(&at.to_le_bytes());
            value_key(&mut key, value);
        }
        EntityInstance { entity, key: key.into(), attributes }
    }
}

fn value_key(key: &mut Vec<u8>, value: &Value) {
    let mut sized = |kind: u8, bytes: &[u8]| {
        key.push(kind);
        key.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
        key.extend_from_slice(bytes);
    };
    match value {
        Value::Str(s) => sized(0, s.as_bytes()),
        Value::Int(i) => sized(1, &i.to_le_bytes()),
        Value::Double(d) => sized(2, &d.to_bits().to_le_bytes()),
        Value::Bool(b) => sized(3, &[*b as u8]),
        Value::Bytes(b) => sized(4, b),
        Value::StrArray(items) => {
            sized(5, &(items.len() as u32).to_le_bytes());
            items.iter().for_each(|item| value_key(key, &Value::Str(item.clone())));
        }
    }
}

#[derive(Debug)]
struct Context {
    chain: SmallVec<[Arc<EntityInstance>; 4]>,
    public: Arc<EntityContext>,
}

/// All contexts of one layer.
#[derive(Debug)]
pub(crate) struct Contexts {
    by_key: DashMap<Box<[u8]>, u32>,
    by_id: RwLock<Vec<Context>>,
    /// A context as a set sees it.
    cuts: DashMap<(u32, MetricSetId), Option<u32>>,
}

impl Contexts {
    pub(crate) fn new() -> Contexts {
        let empty = Context { chain: SmallVec::new(), public: Arc::default() };
        Contexts { by_key: DashMap::new(), by_id: RwLock::new(vec![empty]), cuts: DashMap::new() }
    }

    /// The context of this id; the empty one for an id that is none.
    pub(crate) fn get(&self, id: u32) -> Arc<EntityContext> {
        let by_id = self.by_id.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        by_id.get(id as usize).unwrap_or(&by_id[0]).public.clone()
    }

    fn chain(&self, id: u32) -> SmallVec<[Arc<EntityInstance>; 4]> {
        let by_id = self.by_id.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        by_id.get(id as usize).map(|context| context.chain.clone()).unwrap_or_default()
    }

    /// The context inside `parent` once `entity` is opened there; `None` past the bound.
    pub(crate) fn open(&self, registry: &ResolvedRegistry, parent: u32, entity: EntityInstance) -> Option<u32> {
        let mut chain = self.chain(parent);
        chain.retain(|outer| outer.entity != entity.entity);
        chain.push(Arc::new(entity));
        self.intern(registry, chain)
    }

    /// The context as `set` sees it: its own entity and that entity's ancestors. `None`: its own entity is not in force.
    pub(crate) fn cut(&self, registry: &ResolvedRegistry, id: u32, set: MetricSetId) -> Option<u32> {
        if let Some(cut) = self.cuts.get(&(id, set)) {
            return *cut;
        }
        let cut = self.make_cut(registry, id, set);
        self.cuts.insert((id, set), cut);
        cut
    }

    fn make_cut(&self, registry: &ResolvedRegistry, id: u32, set: MetricSetId) -> Option<u32> {
        let set = registry.metric_set(set);
        if set.entities.is_empty() {
            return Some(0);
        }
        let mut chain = self.chain(id);
        let own = chain.iter().rposition(|entity| set.entities.contains(&entity.entity))?;
        chain.truncate(own + 1);
        if let Some(keep) = &set.keep {
            let own_type = chain[own].entity;
            chain.retain(|entity| entity.entity == own_type || keep.contains(&entity.entity));
        }
        // The order of opening is no part of a series' identity.
        chain.sort_by_key(|entity| entity.entity);
        self.intern(registry, chain)
    }

    fn intern(&self, registry: &ResolvedRegistry, chain: SmallVec<[Arc<EntityInstance>; 4]>) -> Option<u32> {
        if chain.is_empty() {
            return Some(0);
        }
        let key: Vec<u8> = chain.iter().flat_map(|entity| entity.key.iter().copied()).collect();
        if let Some(id) = self.by_key.get(key.as_slice()) {
            return Some(*id);
        }
        // Two threads may come here with one chain: the entry decides which of their ids counts.
        self.by_key.entry(key.into()).or_try_insert_with(|| self.push(registry, chain).ok_or(())).ok().map(|id| *id)
    }

    fn push(&self, registry: &ResolvedRegistry, chain: SmallVec<[Arc<EntityInstance>; 4]>) -> Option<u32> {
        let mut by_id = self.by_id.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        let id = by_id.len();
        if id >= MAX_CONTEXTS {
            return None;
        }
        let mut attributes: Vec<(Arc<str>, Value)> = Vec::new();
        for (key, value) in chain.iter().flat_map(|entity| &entity.attributes) {
            match attributes.iter_mut().find(|(known, _)| known == key) {
                Some(known) => known.1 = value.clone(),
                None => attributes.push((key.clone(), value.clone())),
            }
        }
        let types = chain.iter().map(|entity| registry.entity(entity.entity).entity_type.as_str().into()).collect();
        by_id.push(Context { chain, public: Arc::new(EntityContext { id: ContextId(id as u32), types, attributes }) });
        Some(id as u32)
    }
}
