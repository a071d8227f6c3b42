//! Entities and contexts, interned to small ids.
//!
//! A context is a chain of entity instances, outermost first; of those of one type the innermost counts. Equal
//! chains have equal ids, and so have equal views of metric sets. Opening spans and new series come here, events
//! never do; the tables are bounded, and no lock is held while anything else is called.

use std::sync::{Arc, RwLock};

use dashmap::DashMap;
use smallvec::SmallVec;
use tracing_weaver_registry::model::{EntityId, MetricSetId, ResolvedRegistry};

use crate::read::{ContextId, EntityContext};
use crate::value::Value;

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

type Chain = SmallVec<[Arc<EntityInstance>; 4]>;

#[derive(Debug)]
struct Context {
    chain: Chain,
    public: Arc<EntityContext>,
}

/// All contexts of one layer.
#[derive(Debug)]
pub(crate) struct Contexts {
    /// By the instances of the chain, and by what a set sees, which begins with another byte.
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

    /// The value that the entities in force give a key.
    pub(crate) fn value(&self, id: u32, key: &str) -> Option<Value> {
        if id == 0 {
            return None;
        }
        self.get(id).attributes.iter().find(|(known, _)| **known == *key).map(|(_, value)| value.clone())
    }

    fn chain(&self, id: u32) -> Chain {
        let by_id = self.by_id.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        by_id.get(id as usize).map(|context| context.chain.clone()).unwrap_or_default()
    }

    /// The context inside `parent` once `entity` is opened there; `None` past the bound.
    pub(crate) fn open(&self, registry: &ResolvedRegistry, parent: u32, entity: EntityInstance) -> Option<u32> {
        let mut chain = self.chain(parent);
        chain.push(Arc::new(entity));
        let chain = seen_by_some_type(chain);
        let key = std::iter::once(0).chain(chain.iter().flat_map(|entity| entity.key.iter().copied())).collect();
        self.intern(key, || (merged(registry, &chain), chain.clone()))
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
        let view = merged(registry, &chain);
        // Series of equal attributes are one series, whatever the order of opening and whatever was redacted.
        let mut attributes: Vec<_> = view.attributes.iter().collect();
        attributes.sort_by(|a, b| a.0.cmp(&b.0));
        let mut key = vec![1];
        for (name, value) in attributes {
            value_key(&mut key, &Value::Str(name.clone()));
            value_key(&mut key, value);
        }
        self.intern(key, || (view, chain))
    }

    fn intern(&self, key: Vec<u8>, make: impl FnOnce() -> (EntityContext, Chain)) -> Option<u32> {
        if let Some(id) = self.by_key.get(key.as_slice()) {
            return Some(*id);
        }
        // Two threads may come here with one key: the entry decides which of their ids counts.
        let push = || {
            let (mut public, chain) = make();
            let mut by_id = self.by_id.write().unwrap_or_else(|poisoned| poisoned.into_inner());
            if by_id.len() >= MAX_CONTEXTS {
                return Err(());
            }
            let id = by_id.len() as u32;
            public.id = ContextId(id);
            by_id.push(Context { chain, public: Arc::new(public) });
            Ok(id)
        };
        self.by_key.entry(key.into()).or_try_insert_with(push).ok().map(|id| *id)
    }
}

/// The chain without the instances that no type in it can see: of each type, seen from each type's innermost
/// instance, the innermost stays. So a recursion that opens entities in turn keeps a chain of bounded length.
fn seen_by_some_type(chain: Chain) -> Chain {
    let innermost_in = |prefix: &[Arc<EntityInstance>], at: usize| !prefix[at + 1..].iter().any(|inner| inner.entity == prefix[at].entity);
    let last: SmallVec<[usize; 8]> = (0..chain.len()).filter(|at| innermost_in(&chain, *at)).collect();
    let seen = |at: usize| last.iter().any(|end| at <= *end && innermost_in(&chain[..=*end], at));
    (0..chain.len()).filter(|at| seen(*at)).map(|at| chain[at].clone()).collect()
}

/// What stands on a scope: of each type the innermost instance, of each key the innermost value.
fn merged(registry: &ResolvedRegistry, chain: &[Arc<EntityInstance>]) -> EntityContext {
    let mut context = EntityContext::default();
    for (at, entity) in chain.iter().enumerate() {
        if chain[at + 1..].iter().any(|inner| inner.entity == entity.entity) {
            continue;
        }
        context.types.push(registry.entity(entity.entity).entity_type.as_str().into());
        for (key, value) in &entity.attributes {
            match context.attributes.iter_mut().find(|(known, _)| known == key) {
                Some(known) => known.1 = value.clone(),
                None => context.attributes.push((key.clone(), value.clone())),
            }
        }
    }
    context
}
