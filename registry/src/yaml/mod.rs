//! Reading a registry: a folder of Weaver's YAML becomes a [`ResolvedRegistry`].
//!
//! Start-up code, build scripts and tools call [`load`]. It must never stop at the first fault, and never crash, hang or grow without
//! bound on a hostile folder.

mod read;
mod resolve;

use crate::fault::{Faults, RegistryErrors};
use crate::model::ResolvedRegistry;
use read::graph;
use read::source::{self, Source};
use std::path::{Path, PathBuf};

/// Reads and resolves the registry in a folder.
///
/// The folder holds `manifest.yaml` and, at any depth, `*.yaml` and `*.yml` in `file_format: definition/2`. Folders below it that
/// have a manifest of their own are other registries and not read with it. Dependencies are local folders (`registry_path`),
/// relative to the folder of the manifest that names them or to the working directory.
///
/// ```no_run
/// let registry = tracing_weaver_registry::load("registry/acme")?;
/// println!("{} {}: {} events", registry.name(), registry.version(), registry.events.len());
/// # Ok::<(), tracing_weaver_registry::RegistryErrors>(())
/// ```
///
/// # Errors
/// Every fault of the registry and its dependencies, each with file, line and column.
pub fn load(folder: impl AsRef<Path>) -> Result<ResolvedRegistry, RegistryErrors> {
    load_from(folder.as_ref(), &mut Source::disk()).map(|(registry, _)| registry)
}

/// As [`load`], with the folders that were read: the registry's own and those of its dependencies.
pub(crate) fn load_with_folders(folder: &Path) -> Result<(ResolvedRegistry, Vec<PathBuf>), RegistryErrors> {
    load_from(folder, &mut Source::disk())
}

/// Reads and resolves a registry from texts in memory, each with its path.
///
/// The first manifest in the list is the registry's; folders of other manifests are found by the `registry_path` of a dependency.
///
/// ```
/// use tracing_weaver_registry::yaml::load_sources;
///
/// let registry = load_sources(&[
///     ("manifest.yaml", "schema_url: https://example.com/schemas/acme/1.0.0"),
///     ("events.yaml", "
/// file_format: definition/2
/// events:
///   - name: acme.start
///     brief: The program started.
///     stability: development
/// "),
/// ])?;
/// assert_eq!(registry.version(), "1.0.0");
/// assert!(registry.event_by_name("acme.start").is_some());
/// # Ok::<(), tracing_weaver_registry::RegistryErrors>(())
/// ```
///
/// # Errors
/// Every fault, as [`load`] has them.
pub fn load_sources(sources: &[(&str, &str)]) -> Result<ResolvedRegistry, RegistryErrors> {
    let is_manifest = |path: &Path| path.file_name().is_some_and(|name| source::MANIFESTS.iter().any(|manifest| name == *manifest));
    let root = sources.iter().map(|(path, _)| Path::new(path)).find(|path| is_manifest(path)).and_then(Path::parent);
    load_from(root.unwrap_or(Path::new("")), &mut Source::memory(sources.iter().copied())).map(|(registry, _)| registry)
}

fn load_from(root: &Path, source: &mut Source<'_>) -> Result<(ResolvedRegistry, Vec<PathBuf>), RegistryErrors> {
    let mut faults = Faults::default();
    let Some(graph) = graph::read(root, source, &mut faults) else { return Err(faults.into_errors()) };
    let folders = graph.registries.iter().map(|registry| registry.path.clone()).collect();
    let registry = resolve::resolve(graph, &mut faults);
    if faults.is_empty() { Ok((registry, folders)) } else { Err(faults.into_errors()) }
}
