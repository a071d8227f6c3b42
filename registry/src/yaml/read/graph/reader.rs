//! Reading a registry's folder and the folders that it depends on.
//!
//! The graph starts it at the root. It must end whatever the folders say: circles, depth and missing folders are faults.

use super::registry::{Edge, Graph, Read, Registry, Unseen};
use super::versions;
use crate::fault::{ErrorKind, Faults, Mark};
use crate::yaml::read::definition;
use crate::yaml::read::fields::Placed;
use crate::yaml::read::manifest::{self, Dependency, Manifest};
use crate::yaml::read::node::shorten;
use crate::yaml::read::parse;
use crate::yaml::read::raw::RawDefinitions;
use crate::yaml::read::source::{Folder, ReadFault, Source, shown};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

/// Dependencies of dependencies.
const MAX_DEPENDENCY_DEPTH: usize = 10;
/// Registries of one load.
const MAX_REGISTRIES: usize = 200;

/// Reads the registry in a folder and everything it depends on. `None` where there is not even a folder.
pub(crate) fn read(root: &Path, source: &mut Source<'_>, faults: &mut Faults) -> Option<Graph> {
    let folder = match source.folder(root) {
        Ok(folder) => folder,
        Err(reason) => {
            let file = faults.file(shown(root));
            faults
                .push(
                    ErrorKind::SemConvSpecError,
                    Mark { file, line: 0, column: 0 },
                    format!("the registry's folder cannot be read: {reason}"),
                )
                .expected(format!("a folder with {}", manifest::expected_names()))
                .help("give the path relative to the working directory, or an absolute one");
            return None;
        }
    };
    let mut reader = Reader { source, faults, read: Vec::new(), relative: HashMap::new(), by_identity: HashMap::new(), stack: Vec::new() };
    reader.registry(folder)?;
    let Reader { read, relative, .. } = reader;
    let registries = versions::settle(read, faults)?;
    Some(Graph { registries, relative })
}

struct Reader<'r, 's> {
    source: &'r mut Source<'s>,
    faults: &'r mut Faults,
    read: Vec<Read>,
    relative: HashMap<u32, String>,
    by_identity: HashMap<PathBuf, usize>,
    /// Folders that are being read, with their registries' names.
    stack: Vec<(PathBuf, String)>,
}

impl Reader<'_, '_> {
    /// Reads a registry after its dependencies and gives its index.
    fn registry(&mut self, folder: Folder) -> Option<usize> {
        let Some(path) = self.source.manifest(&folder) else {
            let file = self.faults.file(shown(&folder.path));
            self.faults
                .push(ErrorKind::InvalidRegistryManifest, Mark { file, line: 0, column: 0 }, "a registry's folder without a manifest")
                .expected(manifest::expected_names())
                .help("a manifest needs no more than `schema_url: https://HOST/PATH/VERSION`");
            self.definitions(&folder);
            return None;
        };
        let mut unseen = Unseen::default();
        let manifest = self.manifest(&path, &folder, &mut unseen);
        self.stack.push((
            folder.identity.clone(),
            if manifest.schema_url.is_empty() { shown(&folder.path) } else { manifest.schema_url.clone() },
        ));
        let mut edges = Vec::new();
        for dependency in &manifest.dependencies {
            match self.dependency(&folder, dependency) {
                Some(to) => {
                    let unversioned = if dependency.schema_url.is_none() { dependency.name.clone() } else { None };
                    edges.push(Edge { at: dependency.at, to, unversioned });
                }
                None => unseen.dependency = true,
            }
        }
        self.stack.pop();
        let (definitions, words) = self.definitions(&folder);
        unseen.words = words;
        let Manifest { schema_url, description, .. } = manifest;
        let registry = Registry { path: folder.path, schema_url, description, dependencies: Vec::new(), definitions, unseen };
        self.read.push(Read { registry, edges });
        let index = self.read.len() - 1;
        self.by_identity.insert(folder.identity, index);
        Some(index)
    }

    fn manifest(&mut self, path: &Path, folder: &Folder, unseen: &mut Unseen) -> Manifest {
        let file = self.file(path, folder);
        let Some(text) = self.text(path, file) else {
            unseen.dependency = true;
            return Manifest::default();
        };
        match parse::parse(&text, file, manifest::BEGINS, self.faults) {
            Some(node) => manifest::manifest(&node, self.faults),
            None => {
                unseen.dependency = true;
                Manifest::default()
            }
        }
    }

    fn dependency(&mut self, folder: &Folder, dependency: &Dependency) -> Option<usize> {
        let Some(path) = &dependency.registry_path else {
            let url = dependency.schema_url.clone().or_else(|| dependency.name.clone()).unwrap_or_default();
            self.faults
                .push(ErrorKind::DependencyNotFetched, dependency.at, format!("the dependency `{}` is not fetched", shorten(&url)))
                .expected("`registry_path` with a local folder")
                .help("check the registry out and name its folder");
            return None;
        };
        let found = match self.source.dependency(folder, &path.value) {
            Ok(found) => found,
            Err(tried) => {
                self.missing(path, &tried);
                return None;
            }
        };
        if let Some(start) = self.stack.iter().position(|(identity, _)| *identity == found.identity) {
            let chain: Vec<&str> = self.stack[start..].iter().chain(self.stack.get(start)).map(|(_, name)| name.as_str()).collect();
            self.faults
                .push(ErrorKind::CircularDependency, path.at, format!("a circle of dependencies: {}", chain.join(" → ")))
                .expected("registries that do not depend on themselves");
            return None;
        }
        if let Some(index) = self.by_identity.get(&found.identity) {
            return Some(*index);
        }
        if self.stack.len() > MAX_DEPENDENCY_DEPTH || self.read.len() >= MAX_REGISTRIES {
            self.faults
                .push(ErrorKind::MaximumDependencyDepth, path.at, "more dependencies of dependencies than are followed")
                .expected(format!("at most {MAX_DEPENDENCY_DEPTH} levels and {MAX_REGISTRIES} registries"));
            return None;
        }
        self.registry(found)
    }

    fn missing(&mut self, path: &Placed<String>, tried: &[PathBuf]) {
        if is_remote(&path.value) {
            self.faults
                .push(ErrorKind::DependencyNotFetched, path.at, format!("the dependency at `{}` is not fetched", shorten(&path.value)))
                .expected("`registry_path` with a local folder")
                .help("check it out or unpack it and name the folder");
            return;
        }
        let tried: Vec<String> = tried.iter().map(|path| format!("`{}`", shown(path))).collect();
        self.faults
            .push(ErrorKind::SemConvSpecError, path.at, format!("no folder at `{}`", shorten(&path.value)))
            .expected("a folder, relative to this manifest's or to the working directory")
            .help(format!("looked at {}", tried.join(" and ")));
    }

    fn file(&mut self, path: &Path, folder: &Folder) -> u32 {
        let file = self.faults.file(shown(path));
        let relative = path.strip_prefix(&folder.path).unwrap_or(path);
        self.relative.insert(file, shown(relative));
        file
    }

    fn text(&mut self, path: &Path, file: u32) -> Option<String> {
        let whole = Mark { file, line: 0, column: 0 };
        match self.source.text(path) {
            Ok(text) => return Some(text),
            Err(ReadFault::Unreadable(reason)) => self
                .faults
                .push(ErrorKind::SemConvSpecError, whole, format!("the file cannot be read: {reason}"))
                .expected("a readable file"),
            Err(ReadFault::TooLarge) => self
                .faults
                .push(ErrorKind::DeserializationError, whole, "the file is too large")
                .expected("at most 16 MiB in a file and 256 MiB in all files"),
            Err(ReadFault::NotUtf8 { line, column }) => self
                .faults
                .push(ErrorKind::DeserializationError, Mark { file, line, column }, "bytes that are no UTF-8")
                .expected("text in UTF-8"),
        };
        None
    }

    fn definitions(&mut self, folder: &Folder) -> (RawDefinitions, HashSet<String>) {
        let (mut definitions, mut words) = (RawDefinitions::default(), HashSet::new());
        let files = match self.source.files(folder) {
            Ok(files) => files,
            Err((path, reason)) => {
                let file = self.faults.file(shown(&path));
                self.faults
                    .push(ErrorKind::SemConvSpecError, Mark { file, line: 0, column: 0 }, format!("the folder cannot be read: {reason}"))
                    .expected("a readable folder of definitions");
                return (definitions, words);
            }
        };
        for path in files {
            let file = self.file(&path, folder);
            let Some(text) = self.text(&path, file) else { continue };
            let seen = parse::parse(&text, file, definition::BEGINS, self.faults)
                .is_some_and(|node| definition::definitions(&node, &mut definitions, self.faults));
            if !seen {
                words.extend(names_in(&text));
            }
        }
        (definitions, words)
    }
}

/// Everything in a text that could be the name of a definition.
fn names_in(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '.' | '_' | '-'))).filter(|word| !word.is_empty()).map(str::to_owned)
}

fn is_remote(path: &str) -> bool {
    path.contains("://")
        || path.starts_with("git@")
        || path.contains(".git@")
        || [".git", ".zip", ".tar.gz", ".tgz"].iter().any(|end| path.ends_with(end))
}
