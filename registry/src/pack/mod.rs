//! The packed form of a resolved registry, so that a program carries its registry in its binary.
//!
//! Build scripts write it and start-up code reads it back. It must never panic, allocate without bound or give a registry with
//! an id that points at nothing, whatever bytes it is given.

#[cfg(feature = "yaml")]
mod build;
mod verify;

#[cfg(feature = "yaml")]
pub use build::{PackFolderError, pack};

use crate::model::ResolvedRegistry;

/// First bytes of a pack.
const MAGIC: [u8; 6] = *b"TWREG\0";
/// Version of the format. Every change of the model or of its serialization is another version.
const FORMAT: u16 = 2;
/// Magic, version, checksum.
const HEADER: usize = MAGIC.len() + 2 + 8;

/// Why bytes are no registry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PackError {
    /// The bytes do not begin like a pack.
    #[error(
        "these bytes are no packed registry (expected what `tracing_weaver_registry::pack` wrote; help: include `$OUT_DIR/<folder name>.registry`)"
    )]
    NotAPack,
    /// The pack was written by another version of this crate.
    #[error(
        "the packed registry has format version {found} (expected {expected}; help: pack it again with the same version of `tracing-weaver-registry` that reads it)"
    )]
    Version {
        /// Version of the pack.
        found: u16,
        /// Version that is read here.
        expected: u16,
    },
    /// The pack is cut short or changed.
    #[error("the packed registry is damaged: {0} (expected the bytes as they were packed; help: pack it again)")]
    Damaged(String),
}

impl ResolvedRegistry {
    /// The packed form.
    ///
    /// ```
    /// use tracing_weaver_registry::model::ResolvedRegistry;
    ///
    /// let registry = tracing_weaver_registry::yaml::load_sources(&[
    ///     ("manifest.yaml", "schema_url: https://example.com/schemas/acme/1.0.0"),
    /// ])?;
    /// assert_eq!(ResolvedRegistry::from_bytes(&registry.to_bytes())?, registry);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&FORMAT.to_le_bytes());
        bytes.extend_from_slice(&[0; 8]);
        // Serializing plain data into a vector has no way to fail.
        if let Ok(mut bytes) = postcard::to_extend(self, bytes) {
            let checksum = checksum(&bytes[HEADER..]);
            bytes[HEADER - 8..HEADER].copy_from_slice(&checksum.to_le_bytes());
            return bytes;
        }
        Vec::new()
    }

    /// Reads the packed form.
    ///
    /// ```
    /// use tracing_weaver_registry::{PackError, model::ResolvedRegistry};
    ///
    /// let registry = ResolvedRegistry::default();
    /// assert_eq!(ResolvedRegistry::from_bytes(&registry.to_bytes()), Ok(registry));
    /// assert_eq!(ResolvedRegistry::from_bytes(b"something else"), Err(PackError::NotAPack));
    /// ```
    ///
    /// # Errors
    /// If the bytes are no pack, of another format version, cut short or changed.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PackError> {
        let Some(rest) = bytes.strip_prefix(&MAGIC) else { return Err(PackError::NotAPack) };
        let Some((version, rest)) = rest.split_first_chunk::<2>() else { return Err(cut_short()) };
        let found = u16::from_le_bytes(*version);
        if found != FORMAT {
            return Err(PackError::Version { found, expected: FORMAT });
        }
        let Some((written, payload)) = rest.split_first_chunk::<8>() else { return Err(cut_short()) };
        if u64::from_le_bytes(*written) != checksum(payload) {
            return Err(PackError::Damaged("the checksum is another".to_owned()));
        }
        let (registry, left): (ResolvedRegistry, &[u8]) =
            postcard::take_from_bytes(payload).map_err(|error| PackError::Damaged(error.to_string()))?;
        if !left.is_empty() {
            return Err(PackError::Damaged(format!("{} bytes beyond its end", left.len())));
        }
        verify::verify(&registry).map_err(|what| PackError::Damaged(what.to_owned()))?;
        Ok(registry)
    }
}

fn cut_short() -> PackError {
    PackError::Damaged("it is cut short".to_owned())
}

/// FNV-1a: against accidents, not against people.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
