//! Which files a run reads. The controller calls it once. It never reads a file, and what it cannot list it hands on as if it
//! were one, for the receiver to say what is wrong with it.

use std::fs;
use std::path::{Path, PathBuf};

/// The files at and below these paths, in a stable order.
pub(crate) fn files(roots: &[PathBuf]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for root in roots {
        if root.is_dir() { below(root, &mut found) } else { found.push(root.clone()) }
    }
    found
}

fn below(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        found.push(folder.to_owned());
        return;
    };
    let mut entries: Vec<_> = entries.flatten().collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        // A link is neither, so none is followed.
        let Ok(kind) = entry.file_type() else { continue };
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with('.') {
            continue;
        }
        if kind.is_file() {
            found.push(entry.path());
        } else if kind.is_dir() && name != "target" && !name.starts_with("target-") {
            below(&entry.path(), found);
        }
    }
}
