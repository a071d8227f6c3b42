//! `imports`: items of direct dependencies that become items of this registry.
//!
//! The package calls it for entities before it resolves its signals, and for signals after. It must never import from a dependency's
//! dependency, nor what is kept from dependents.

use super::item::{Items, Metric};
use super::package::{Package, Scope};
use crate::fault::{ErrorKind, Faults};
use crate::yaml::read::raw::{Common, ItemKind, RawImport};
use crate::yaml::read::shorten;
use globset::{Glob, GlobMatcher};
use std::rc::Rc;

/// Imports entities.
pub(super) fn entities(imports: &[RawImport], into: &mut Package, scope: &Scope<'_>, faults: &mut Faults) {
    each(imports, ItemKind::Entity, scope, faults, |import, from, matcher, faults| {
        take(import, &from.entities, &mut into.entities, matcher, |entity| &entity.common, faults)
    });
}

/// Imports events, spans, metrics and public groups.
pub(super) fn signals(imports: &[RawImport], into: &mut Package, metrics: &mut Items<Metric>, scope: &Scope<'_>, faults: &mut Faults) {
    each(imports, ItemKind::Event, scope, faults, |import, from, matcher, faults| {
        take(import, &from.events, &mut into.events, matcher, |event| &event.signal.common, faults)
    });
    each(imports, ItemKind::Span, scope, faults, |import, from, matcher, faults| {
        take(import, &from.spans, &mut into.spans, matcher, |span| &span.signal.common, faults)
    });
    each(imports, ItemKind::Metric, scope, faults, |import, from, matcher, faults| {
        take(import, &from.metrics, metrics, matcher, |metric| &metric.signal.common, faults)
    });
    each(imports, ItemKind::Group, scope, faults, |import, from, matcher, faults| {
        let public: Items<_> = from
            .groups
            .iter()
            .chain(&from.imported_groups)
            .filter(|(_, group)| group.public)
            .map(|(id, group)| (id.clone(), group.clone()))
            .collect();
        take(import, &public, &mut into.imported_groups, matcher, |group| &group.common, faults)
    });
}

/// Runs `take` for every import of a kind and every direct dependency; it says how many items matched.
fn each(
    imports: &[RawImport],
    kind: ItemKind,
    scope: &Scope<'_>,
    faults: &mut Faults,
    mut take: impl FnMut(&RawImport, &Package, &GlobMatcher, &mut Faults) -> usize,
) {
    for import in imports.iter().filter(|import| import.kind == kind) {
        let pattern = &import.pattern;
        let matcher = match Glob::new(&pattern.value) {
            Ok(glob) => glob.compile_matcher(),
            Err(error) => {
                faults
                    .push(
                        ErrorKind::InvalidWildcard,
                        pattern.at,
                        format!("the import pattern `{}`: {}", shorten(&pattern.value), error.kind()),
                    )
                    .expected("a name, or a glob such as `http.*`");
                continue;
            }
        };
        let matched: usize = scope.dependencies.iter().map(|dependency| take(import, dependency, &matcher, faults)).sum();
        if matched == 0 && !scope.unseen.may_hold(&pattern.value, std::iter::empty()) {
            let names: Vec<&str> = scope.dependencies.iter().flat_map(|dependency| dependency.names(kind)).collect();
            let help = faults.suggestions.did_you_mean(&pattern.value, names);
            faults
                .push(
                    ErrorKind::UnmatchedImport,
                    pattern.at,
                    format!("no {} of a direct dependency matches `{}`", kind.word(), shorten(&pattern.value)),
                )
                .expected("a name or glob that matches something")
                .help(help);
        }
    }
}

fn take<T>(
    import: &RawImport,
    from: &Items<T>,
    into: &mut Items<T>,
    matcher: &GlobMatcher,
    common: impl Fn(&T) -> &Common,
    faults: &mut Faults,
) -> usize {
    let mut matched = 0;
    for (name, item) in from.iter().filter(|(name, item)| matcher.is_match(name) && !common(item).excluded) {
        matched += 1;
        match into.get(name) {
            None => {
                into.insert(name.clone(), item.clone());
            }
            Some(present) if Rc::ptr_eq(present, item) => {}
            Some(_) => {
                faults
                    .push(
                        ErrorKind::DuplicateGroupName,
                        import.pattern.at,
                        format!("the import brings another {} `{}`", import.kind.word(), shorten(name)),
                    )
                    .expected("each name once in a registry")
                    .help("name what is wanted instead of a glob, or rename what is here");
            }
        }
    }
    matched
}
