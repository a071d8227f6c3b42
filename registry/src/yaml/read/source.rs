//! Where a registry's files come from: folders on disk, or texts in memory.
//!
//! The graph of registries asks for folders, their files and their texts, and does not see which of the two it is. This
//! module must never follow a link to a folder, open anything but a plain file, or read past the size bounds.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

/// Names of a manifest, in order of preference.
pub(crate) const MANIFESTS: [&str; 2] = ["manifest.yaml", "registry_manifest.yaml"];
/// Largest file.
const MAX_FILE: u64 = 16 << 20;
/// Text of all files together.
const MAX_TOTAL: u64 = 256 << 20;
/// Files of one registry.
const MAX_FILES: usize = 100_000;
/// Deepest folder below a registry's.
const MAX_FOLDER_DEPTH: usize = 64;

/// The files of a load.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    memory: Option<BTreeMap<PathBuf, &'a str>>,
    left: u64,
}

/// Folder of a registry.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    /// As it was reached, for faults.
    pub(crate) path: PathBuf,
    /// The same for every way that leads to it.
    pub(crate) identity: PathBuf,
}

/// Why a text could not be had.
#[derive(Debug)]
pub(crate) enum ReadFault {
    Unreadable(String),
    TooLarge,
    NotUtf8 { line: u32, column: u32 },
}

impl<'a> Source<'a> {
    pub(crate) fn disk() -> Self {
        Source { memory: None, left: MAX_TOTAL }
    }

    pub(crate) fn memory<'t: 'a>(sources: impl IntoIterator<Item = (&'t str, &'t str)>) -> Self {
        let files = sources.into_iter().map(|(path, text)| (normalize(Path::new(path)), text)).collect();
        Source { memory: Some(files), left: MAX_TOTAL }
    }

    /// The folder at a path, or what was wrong with it.
    pub(crate) fn folder(&self, path: &Path) -> Result<Folder, String> {
        match &self.memory {
            Some(files) => {
                let path = normalize(path);
                let exists = files.keys().any(|file| file.starts_with(&path));
                if exists { Ok(Folder { identity: path.clone(), path }) } else { Err("no such folder".to_owned()) }
            }
            None => {
                let identity = fs::canonicalize(path).map_err(|error| words(&error))?;
                if identity.is_dir() { Ok(Folder { path: path.to_owned(), identity }) } else { Err("not a folder".to_owned()) }
            }
        }
    }

    /// The folder of a dependency: relative to the folder that names it, else to the working directory.
    /// An error holds the paths that were tried.
    pub(crate) fn dependency(&self, of: &Folder, registry_path: &str) -> Result<Folder, Vec<PathBuf>> {
        let beside = if of.path.as_os_str().is_empty() { PathBuf::from(registry_path) } else { of.path.join(registry_path) };
        let candidates = [tidy(&beside), PathBuf::from(registry_path)];
        for candidate in &candidates {
            if let Ok(folder) = self.folder(candidate) {
                return Ok(folder);
            }
        }
        let [first, second] = candidates;
        Err(if first == second { vec![first] } else { vec![first, second] })
    }

    /// The manifest of a folder, where there is one.
    pub(crate) fn manifest(&self, folder: &Folder) -> Option<PathBuf> {
        MANIFESTS.iter().map(|name| folder.path.join(name)).find(|path| self.is_file(path))
    }

    fn is_file(&self, path: &Path) -> bool {
        match &self.memory {
            Some(files) => files.contains_key(&normalize(path)),
            None => path.is_file(),
        }
    }

    /// The definition files of a registry, sorted: every `*.yaml` and `*.yml` below its folder but manifests, hidden
    /// files and folders, and folders that have a manifest of their own.
    pub(crate) fn files(&self, folder: &Folder) -> Result<Vec<PathBuf>, (PathBuf, String)> {
        let mut found = Vec::new();
        match &self.memory {
            Some(files) => {
                for path in files.keys() {
                    if let Ok(inside) = path.strip_prefix(&folder.path)
                        && is_definition(inside)
                        && !self.is_foreign(folder, inside)
                    {
                        found.push(path.clone());
                    }
                }
            }
            None => walk(&folder.path, 0, &mut found)?,
        }
        found.sort();
        Ok(found)
    }

    fn is_foreign(&self, folder: &Folder, inside: &Path) -> bool {
        let below = inside.ancestors().skip(1).filter(|parent| !parent.as_os_str().is_empty());
        below.into_iter().any(|parent| MANIFESTS.iter().any(|name| self.is_file(&folder.path.join(parent).join(name))))
    }

    /// The text of a file.
    pub(crate) fn text(&mut self, path: &Path) -> Result<String, ReadFault> {
        let bytes = match &self.memory {
            Some(files) => files
                .get(&normalize(path))
                .map(|text| text.as_bytes().to_vec())
                .ok_or_else(|| ReadFault::Unreadable("no such file".to_owned()))?,
            None => read_plain(path)?,
        };
        let size = bytes.len() as u64;
        if size > MAX_FILE || size > self.left {
            return Err(ReadFault::TooLarge);
        }
        self.left -= size;
        String::from_utf8(bytes).map_err(|error| {
            let valid = String::from_utf8_lossy(&error.as_bytes()[..error.utf8_error().valid_up_to()]).into_owned();
            let line = valid.matches('\n').count() + 1;
            let column = valid.rsplit('\n').next().unwrap_or("").chars().count() + 1;
            ReadFault::NotUtf8 { line: line as u32, column: column as u32 }
        })
    }
}

/// A path with slashes on every system, for faults and origins.
pub(crate) fn shown(path: &Path) -> String {
    let text = path.display().to_string();
    if std::path::MAIN_SEPARATOR == '/' { text } else { text.replace(std::path::MAIN_SEPARATOR, "/") }
}

fn words(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "no such file or folder".to_owned(),
        std::io::ErrorKind::PermissionDenied => "no permission to read it".to_owned(),
        _ => error.to_string(),
    }
}

/// A device or pipe that is named like a definition would block the reader: only plain files are opened.
fn read_plain(path: &Path) -> Result<Vec<u8>, ReadFault> {
    let unreadable = |error: std::io::Error| ReadFault::Unreadable(words(&error));
    if !fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(ReadFault::Unreadable("not a plain file".to_owned()));
    }
    let mut bytes = Vec::new();
    fs::File::open(path).map_err(unreadable)?.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}

fn walk(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<(), (PathBuf, String)> {
    let fault = |error: std::io::Error| (folder.to_owned(), words(&error));
    if depth > MAX_FOLDER_DEPTH {
        return Err((folder.to_owned(), format!("folders nested deeper than {MAX_FOLDER_DEPTH}")));
    }
    for entry in fs::read_dir(folder).map_err(fault)? {
        let entry = entry.map_err(fault)?;
        let (name, path) = (entry.file_name(), entry.path());
        if name.to_string_lossy().starts_with('.') {
            continue;
        }
        if entry.file_type().map_err(fault)?.is_dir() {
            if !MANIFESTS.iter().any(|manifest| path.join(manifest).is_file()) {
                walk(&path, depth + 1, found)?;
            }
        } else if is_definition(Path::new(&name)) && !path.is_dir() {
            if found.len() >= MAX_FILES {
                return Err((folder.to_owned(), format!("more than {MAX_FILES} files")));
            }
            found.push(path);
        }
    }
    Ok(())
}

fn is_definition(inside: &Path) -> bool {
    let hidden = inside.components().any(|part| part.as_os_str().to_string_lossy().starts_with('.'));
    let yaml = inside.extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
    let manifest = inside.file_name().is_some_and(|name| MANIFESTS.iter().any(|manifest| name == *manifest));
    yaml && !hidden && !manifest
}

/// Without `.` and with `..` taken back where it can be.
fn normalize(path: &Path) -> PathBuf {
    let mut parts = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                if !parts.pop() {
                    parts.push("..");
                }
            }
            other => parts.push(other),
        }
    }
    parts
}

/// As it was written, but for `a/../b` where no link can be meant: faults read better without.
fn tidy(path: &Path) -> PathBuf {
    path.components().filter(|part| *part != Component::CurDir).collect()
}
