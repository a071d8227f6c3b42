//! Small files of the system.
//! The detectors read them.
//! A file that is not there, is none, or is no text, is as good as empty; nothing here waits for a writer.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// More than any file that is read here has.
const MAX_BYTES: u64 = 1 << 20;

/// The text of a file under `root`, without white space round it; `None` where there is none.
pub(super) fn text(root: &Path, path: &str) -> Option<String> {
    let path = root.join(path);
    // A pipe could keep us waiting for ever.
    if !path.metadata().ok()?.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(MAX_BYTES).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}
