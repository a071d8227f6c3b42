//! Faults of a registry: what was found where, what was expected, what to do about it.
//!
//! The reader and the resolver collect them and the caller of `load` gets all of them at once. This
//! module must never decide whether something is a fault.

mod kind;
mod suggest;

pub use kind::ErrorKind;
use std::fmt;
pub(crate) use suggest::Suggestions;

/// Position of something in the files of a registry and its dependencies.
///
/// Line and column count from 1, the column in characters. Line 0 means the file or folder as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Mark {
    /// Index into the names that [`Faults`] holds.
    pub(crate) file: u32,
    pub(crate) line: u32,
    pub(crate) column: u32,
}

/// One fault of a registry.
///
/// Its [`Display`](fmt::Display) is one line: where, what was found, what was expected, what to do. [`RegistryErrors`] has an example.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RegistryError {
    /// File (or folder) as it was reached from the path that was given to `load`.
    pub file: String,
    /// Line, from 1; 0 where the fault is of the file or folder as a whole.
    pub line: u32,
    /// Column in characters, from 1; 0 where [`line`](Self::line) is.
    pub column: u32,
    /// Which condition it is.
    pub kind: ErrorKind,
    /// What was found.
    pub found: String,
    /// What was expected; empty where the finding says it.
    pub expected: String,
    /// What to do; empty where nothing better than the expectation can be said.
    pub help: String,
}

impl fmt::Display for RegistryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        write!(f, ": {}", self.found)?;
        match (self.expected.is_empty(), self.help.is_empty()) {
            (true, true) => Ok(()),
            (false, true) => write!(f, " (expected {})", self.expected),
            (true, false) => write!(f, " (help: {})", self.help),
            (false, false) => write!(f, " (expected {}; help: {})", self.expected, self.help),
        }
    }
}

impl std::error::Error for RegistryError {}

/// All faults of a registry and its dependencies, sorted by file, line and column.
///
/// Never empty. Its [`Display`](fmt::Display) shows every fault on a line of its own below a count, and so does its `Debug`, because
/// that is what a `main` or build script that returns it prints.
///
/// ```
/// use tracing_weaver_registry::{ErrorKind, yaml::load_sources};
///
/// let errors = load_sources(&[
///     ("manifest.yaml", "schema_url: https://example.com/schemas/acme/1.0.0"),
///     ("shop.yaml", "
/// file_format: definition/2
/// events:
///   - {name: acme.shop.open, brief: A shop was opened., stability: stable, attributes: [{ref: acme.shop.id}]}
/// "),
/// ])
/// .expect_err("nobody defines the attribute");
/// for error in &errors {
///     assert_eq!((error.file.as_str(), error.line, error.kind), ("shop.yaml", 4, ErrorKind::UnresolvedAttributeRef));
/// }
/// println!("{errors}");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct RegistryErrors {
    errors: Vec<RegistryError>,
    omitted: usize,
}

impl RegistryErrors {
    /// The faults in order.
    pub fn iter(&self) -> std::slice::Iter<'_, RegistryError> {
        self.errors.iter()
    }

    /// The faults in order.
    pub fn as_slice(&self) -> &[RegistryError] {
        &self.errors
    }

    /// How many faults there are beyond those kept: past 10,000 they are only counted, so that a hostile file
    /// cannot fill the memory with them.
    pub fn omitted(&self) -> usize {
        self.omitted
    }
}

impl<'a> IntoIterator for &'a RegistryErrors {
    type Item = &'a RegistryError;
    type IntoIter = std::slice::Iter<'a, RegistryError>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for RegistryErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.errors.len() + self.omitted;
        write!(f, "the registry has {count} {}:", if count == 1 { "fault" } else { "faults" })?;
        for error in &self.errors {
            write!(f, "\n  {error}")?;
        }
        if self.omitted > 0 {
            write!(f, "\n  … and {} more", self.omitted)?;
        }
        Ok(())
    }
}

impl fmt::Debug for RegistryErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for RegistryErrors {}

/// How many faults are kept with their text.
const MAX_KEPT: usize = 10_000;

/// The collection that reader and resolver fill.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    files: Vec<String>,
    kept: Vec<RegistryError>,
    omitted: usize,
    pub(crate) suggestions: Suggestions,
}

impl Faults {
    /// Registers a file or folder, to be named by the marks in it.
    pub(crate) fn file(&mut self, name: impl Into<String>) -> u32 {
        self.files.push(name.into());
        (self.files.len() - 1) as u32
    }

    /// Name of a file that was registered.
    pub(crate) fn file_name(&self, mark: Mark) -> &str {
        self.files.get(mark.file as usize).map_or("", String::as_str)
    }

    /// Adds a fault and gives it back, so that expectation and help can be set.
    pub(crate) fn push(&mut self, kind: ErrorKind, at: Mark, found: impl Into<String>) -> Detail<'_> {
        if self.is_full() {
            self.omitted += 1;
            return Detail(None);
        }
        let error = RegistryError {
            file: self.file_name(at).to_owned(),
            line: at.line,
            column: at.column,
            kind,
            found: printable(found.into()),
            expected: String::new(),
            help: String::new(),
        };
        self.kept.push(error);
        Detail(self.kept.last_mut())
    }

    /// Whether further faults are only counted, so that nothing need be worked out for their text.
    pub(crate) fn is_full(&self) -> bool {
        self.kept.len() >= MAX_KEPT
    }

    /// Whether anything was found so far.
    pub(crate) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// All of them, sorted.
    pub(crate) fn into_errors(self) -> RegistryErrors {
        let mut errors = self.kept;
        errors.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
        errors.dedup();
        RegistryErrors { errors, omitted: self.omitted }
    }
}

/// A registry's text must not move the cursor of the terminal that its faults are shown on.
fn printable(text: String) -> String {
    if !text.contains(char::is_control) {
        return text;
    }
    let escaped = text.chars().map(|c| if c.is_control() { c.escape_default().to_string() } else { c.to_string() });
    escaped.collect()
}

/// The fault just added, for what is said beyond the finding.
#[derive(Debug)]
pub(crate) struct Detail<'a>(Option<&'a mut RegistryError>);

impl Detail<'_> {
    pub(crate) fn expected(self, text: impl Into<String>) -> Self {
        self.set(|error| error.expected = printable(text.into()))
    }

    pub(crate) fn help(self, text: impl Into<String>) -> Self {
        self.set(|error| error.help = printable(text.into()))
    }

    fn set(mut self, change: impl FnOnce(&mut RegistryError)) -> Self {
        if let Some(error) = self.0.as_deref_mut() {
            change(error);
        }
        self
    }
}
