//! Packing a folder from a build script.
//!
//! `build.rs` of a program calls [`pack`]. It must never write a pack of a registry that has a fault.

use crate::fault::RegistryErrors;
use std::fmt;
use std::path::{Path, PathBuf};

/// Why a folder could not be packed. `Debug` shows what [`Display`](fmt::Display) shows, because that is what a build script that
/// returns it prints.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PackFolderError {
    /// The registry has faults.
    Registry(RegistryErrors),
    /// Called from outside a build script.
    NoOutDir,
    /// The pack could not be written.
    Write {
        /// Where to.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
}

impl fmt::Display for PackFolderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PackFolderError::Registry(errors) => errors.fmt(f),
            PackFolderError::NoOutDir => f.write_str(
                "`OUT_DIR` is not set (expected a call from a build script, `build.rs`; help: outside of one use `load` and `to_bytes`)",
            ),
            PackFolderError::Write { path, reason } => {
                write!(f, "{}: cannot be written: {reason} (expected a writable folder)", path.display())
            }
        }
    }
}

impl fmt::Debug for PackFolderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for PackFolderError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            PackFolderError::Registry(errors) => Some(errors),
            _ => None,
        }
    }
}

/// Packs the registry in a folder, from a build script, and gives the path of the pack: `$OUT_DIR/<folder name>.registry`.
///
/// Prints a `cargo:rerun-if-changed` line for the folder and for every folder that it depends on.
///
/// ```no_run
/// // build.rs
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     tracing_weaver_registry::pack("registry/acme")?;
///     Ok(())
/// }
/// ```
///
/// The program then starts with `include_bytes!(concat!(env!("OUT_DIR"), "/acme.registry"))`.
///
/// # Errors
/// Every fault of the registry; that `OUT_DIR` is not set; that the pack cannot be written.
pub fn pack(folder: impl AsRef<Path>) -> Result<PathBuf, PackFolderError> {
    let out_dir = std::env::var_os("OUT_DIR").ok_or(PackFolderError::NoOutDir)?;
    let (path, folders) =
        pack_into(folder.as_ref(), Path::new(&out_dir), |folder| println!("cargo:rerun-if-changed={}", folder.display()))?;
    for folder in folders {
        println!("cargo:rerun-if-changed={}", folder.display());
    }
    Ok(path)
}

/// Packs into a folder; `before` hears of the registry's own folder before anything can fail.
fn pack_into(folder: &Path, out_dir: &Path, before: impl FnOnce(&Path)) -> Result<(PathBuf, Vec<PathBuf>), PackFolderError> {
    before(folder);
    let (registry, folders) = crate::yaml::load_with_folders(folder).map_err(PackFolderError::Registry)?;
    let name =
        std::fs::canonicalize(folder).ok().and_then(|path| path.file_name().map(|name| name.to_owned())).unwrap_or_else(|| "root".into());
    let mut file = name;
    file.push(".registry");
    let path = out_dir.join(file);
    std::fs::write(&path, registry.to_bytes()).map_err(|error| PackFolderError::Write { path: path.clone(), reason: error.to_string() })?;
    let others = folders.into_iter().filter(|other| other != folder).collect();
    Ok((path, others))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ResolvedRegistry;
    use std::fs;

    fn folder(name: &str, files: &[(&str, &str)]) -> PathBuf {
        let root = std::env::temp_dir().join(format!("tracing-weaver-pack-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        for (path, text) in files {
            let path = root.join(path);
            fs::create_dir_all(path.parent().expect("a file in a folder")).expect("temporary folder");
            fs::write(path, text).expect("temporary file");
        }
        root
    }

    #[test]
    fn a_pack_is_named_like_its_folder_and_every_dependency_is_watched() {
        let root = folder(
            "watched",
            &[
                (
                    "acme/manifest.yaml",
                    "schema_url: https://example.com/acme/1.0.0\ndependencies:\n  - {schema_url: https://example.com/base/1.0.0, registry_path: ../base}\n",
                ),
                ("base/manifest.yaml", "schema_url: https://example.com/base/1.0.0\n"),
                ("out/.keep", ""),
            ],
        );
        let mut first = None;
        let (path, others) =
            pack_into(&root.join("acme"), &root.join("out"), |folder| first = Some(folder.to_owned())).expect("a sound registry");
        assert_eq!(path, root.join("out/acme.registry"));
        assert_eq!(first, Some(root.join("acme")));
        assert_eq!(others, [root.join("acme/../base")]);
        let registry = ResolvedRegistry::from_bytes(&fs::read(&path).expect("the pack")).expect("a pack");
        assert_eq!(registry.name(), "example.com/acme");
        fs::remove_dir_all(root).expect("temporary folder");
    }

    #[test]
    fn a_registry_with_faults_is_not_packed_and_its_error_shows_them_all_even_as_debug() {
        let root = folder(
            "faults",
            &[
                ("acme/manifest.yaml", "schema_url: https://example.com/acme/1.0.0\n"),
                ("acme/a.yaml", "file_format: definition/2\nevent: []\n"),
                ("acme/b.yaml", "file_format: definition/2\nmetric: []\n"),
                ("out/.keep", ""),
            ],
        );
        let error = pack_into(&root.join("acme"), &root.join("out"), |_| {}).expect_err("two faults");
        let shown = format!("{error:?}");
        assert!(shown.contains("a.yaml:2:1: the unknown key `event`") && shown.contains("b.yaml:2:1: the unknown key `metric`"), "{shown}");
        assert!(!root.join("out/acme.registry").exists());
        fs::remove_dir_all(root).expect("temporary folder");
    }

    #[test]
    fn outside_of_a_build_script_the_error_says_so() {
        let error = PackFolderError::NoOutDir;
        assert!(std::env::var_os("OUT_DIR").is_some() || pack("registry/acme") == Err(error.clone()));
        assert!(error.to_string().contains("expected a call from a build script"), "{error}");
    }
}
