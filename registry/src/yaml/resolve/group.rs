//! Attribute groups, and lists of references and groups.
//!
//! The package resolves its groups first, then every signal's list with them. It must never follow a group into another registry or
//! round a circle.

use super::attribute::{self, Budget};
use super::item::Group;
use super::package::Scope;
use super::reference::Reference;
use crate::fault::{ErrorKind, Faults};
use crate::yaml::read::fields::Placed;
use crate::yaml::read::raw::{RawGroup, RawItem};
use crate::yaml::read::shorten;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;

/// Groups within groups.
const MAX_DEPTH: usize = 64;

/// Resolves all groups of a registry.
pub(super) fn resolve(raw: Vec<RawGroup>, scope: &Scope<'_>, budget: &mut Budget, faults: &mut Faults) -> BTreeMap<String, Rc<Group>> {
    let mut waiting: HashMap<String, RawGroup> = HashMap::new();
    let mut order = Vec::new();
    for group in raw {
        if waiting.contains_key(&group.id.value) {
            faults
                .push(ErrorKind::DuplicateGroupId, group.id.at, format!("the attribute group `{}` a second time", shorten(&group.id.value)))
                .expected("each id once in a registry");
            continue;
        }
        order.push(group.id.value.clone());
        waiting.insert(group.id.value.clone(), group);
    }
    let mut resolver = Groups { scope, budget, waiting, open: Vec::new(), done: BTreeMap::new() };
    for id in order {
        resolver.group(&id, faults);
    }
    resolver.done
}

struct Groups<'g, 's> {
    scope: &'g Scope<'s>,
    budget: &'g mut Budget,
    waiting: HashMap<String, RawGroup>,
    open: Vec<String>,
    done: BTreeMap<String, Rc<Group>>,
}

impl Groups<'_, '_> {
    fn group(&mut self, id: &str, faults: &mut Faults) {
        let Some(raw) = self.waiting.remove(id) else { return };
        self.open.push(id.to_owned());
        for item in &raw.attributes {
            let RawItem::Group(inner) = item else { continue };
            if let Some(start) = self.open.iter().position(|open| *open == inner.value) {
                let chain: Vec<&str> = self.open[start..].iter().map(String::as_str).chain([inner.value.as_str()]).collect();
                faults
                    .push(ErrorKind::UnresolvedIncludeRef, inner.at, format!("a circle of attribute groups: {}", chain.join(" → ")))
                    .expected("groups that do not include themselves");
            } else if self.open.len() >= MAX_DEPTH {
                faults
                    .push(ErrorKind::UnresolvedIncludeRef, inner.at, format!("attribute groups nested deeper than {MAX_DEPTH}"))
                    .expected("fewer levels");
            } else {
                self.group(&inner.value, faults);
            }
        }
        let open = &self.open;
        let known = |id: &str| open.iter().any(|open| open == id) || self.waiting.contains_key(id);
        let attributes = expand(&raw.attributes, &self.done, &known, self.scope, self.budget, faults);
        self.open.pop();
        let group = Group { id: raw.id, public: raw.public, common: raw.common, attributes, set: raw.set };
        self.done.insert(id.to_owned(), Rc::new(group));
    }
}

/// The attributes of a list of references and groups, sorted by key: groups in order, single references over them.
/// `reported` says of a group that cannot be used why it is silent: it was reported elsewhere.
pub(super) fn expand(
    items: &[RawItem],
    groups: &BTreeMap<String, Rc<Group>>,
    reported: &dyn Fn(&str) -> bool,
    scope: &Scope<'_>,
    budget: &mut Budget,
    faults: &mut Faults,
) -> Vec<Reference> {
    let mut by_key: BTreeMap<String, Reference> = BTreeMap::new();
    for item in items {
        let RawItem::Group(id) = item else { continue };
        let Some(group) = groups.get(&id.value) else {
            if !reported(&id.value) {
                unknown(id, groups, scope, faults);
            }
            continue;
        };
        if !budget.take(&group.attributes, id.at, faults) {
            break;
        }
        for reference in &group.attributes {
            if by_key.contains_key(reference.key()) {
                faults
                    .push(
                        ErrorKind::DuplicateAttributeId,
                        id.at,
                        format!("the group `{}` brings `{}` a second time", shorten(&id.value), shorten(reference.key())),
                    )
                    .expected("each attribute from one group");
                continue;
            }
            by_key.insert(reference.key().to_owned(), reference.clone());
        }
    }
    let mut single: HashSet<&str> = HashSet::new();
    for item in items {
        let RawItem::Ref(raw) = item else { continue };
        if !single.insert(&raw.key.value) {
            faults
                .push(
                    ErrorKind::InvalidGroupDuplicateAttributeRef,
                    raw.key.at,
                    format!("`{}` a second time in one list", shorten(&raw.key.value)),
                )
                .expected("each attribute once");
            continue;
        }
        match by_key.get_mut(&raw.key.value) {
            Some(reference) => reference.lay(raw),
            None => {
                if let Some(reference) = attribute::refer(raw, scope, budget, faults) {
                    by_key.insert(raw.key.value.clone(), reference);
                }
            }
        }
    }
    by_key.into_values().collect()
}

fn unknown(id: &Placed<String>, groups: &BTreeMap<String, Rc<Group>>, scope: &Scope<'_>, faults: &mut Faults) {
    if scope.unseen.may_hold(&id.value, groups.keys().map(String::as_str)) {
        return;
    }
    let abroad = scope.dependencies.iter().any(|dependency| dependency.groups.contains_key(&id.value));
    let help = if abroad {
        "the group belongs to a dependency: a group is only included within its registry, so name its attributes one by one".to_owned()
    } else {
        faults.suggestions.did_you_mean(&id.value, groups.keys().map(String::as_str))
    };
    faults
        .push(ErrorKind::UnresolvedIncludeRef, id.at, format!("no attribute group `{}`", shorten(&id.value)))
        .expected("an attribute group of this registry")
        .help(help);
}
