//! Reads single variables and collects what is wrong with them.
//! The readers of this folder call it; start-up prints what it collected.
//! A variable that the table does not hold is not read; a value that cannot be read is as good as unset; nothing here fails.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt::Display;
use std::path::PathBuf;
use std::time::Duration;

use super::table;
use crate::escape;

/// Longest part of a value that is repeated.
const MAX_SHOWN: usize = 100;

/// The environment while it is read.
pub(super) struct Variables<'a> {
    all: &'a BTreeMap<String, OsString>,
    said: Vec<(String, String)>,
}

impl<'a> Variables<'a> {
    /// Reads from `all`.
    pub(super) fn new(all: &'a BTreeMap<String, OsString>) -> Self {
        Variables { all, said: Vec::new() }
    }

    /// The names of those that are set.
    pub(super) fn names(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.all.keys().map(String::as_str)
    }

    /// The value without white space round it; an empty one is as good as none.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        if table::holds(name) { self.text_of_code(name) } else { None }
    }

    /// As [`text`](Self::text), for a variable that the program named.
    pub(super) fn text_of_code(&self, name: &str) -> Option<String> {
        let value = self.all.get(name)?.to_string_lossy();
        let value = value.trim();
        (!value.is_empty()).then(|| value.to_owned())
    }

    /// A path, as the system has it.
    pub(super) fn path(&self, name: &str) -> Option<PathBuf> {
        let text = self.text(name)?;
        let whole: &OsStr = self.all.get(name)?;
        // White space round a path goes like that round every value; where that cannot be done the path stays as it is.
        Some(if whole.to_str().is_some() { PathBuf::from(text) } else { PathBuf::from(whole) })
    }

    /// What `read` makes of the value; where it makes nothing of it, that is said once.
    pub(super) fn parsed<T>(&mut self, name: &str, expected: &str, read: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let value = self.text(name)?;
        let parsed = read(&value);
        if parsed.is_none() {
            // What stands before `@` or behind `?` in an address is a password or a key more often than not.
            let what = match value.contains(['@', '?']) {
                true => "the value".to_owned(),
                false => format!("`{}`", escape::short(&value, MAX_SHOWN)),
            };
            self.reject(name, format!("{what} is not {expected}"));
        }
        parsed
    }

    /// `true` or `false`.
    pub(super) fn boolean(&mut self, name: &str) -> Option<bool> {
        self.parsed(name, "`true` or `false`", |value| match value.to_ascii_lowercase().as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        })
    }

    /// A time in milliseconds, at least one.
    pub(super) fn millis(&mut self, name: &str) -> Option<Duration> {
        self.parsed(name, "a number of milliseconds, 1 or more", |value| {
            value.parse().ok().filter(|millis| *millis > 0).map(Duration::from_millis)
        })
    }

    /// A count, at least `least`.
    pub(super) fn count(&mut self, name: &str, least: u32) -> Option<u32> {
        self.parsed(name, &format!("a whole number, {least} or more"), |value| value.parse().ok().filter(|count| *count >= least))
    }

    /// A list of words that `known` knows, each what it makes of it; the others are named once. `None` where nothing on the list is known.
    pub(super) fn list<T>(&mut self, name: &str, expected: impl Display, known: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
        let list = self.text(name)?;
        let mut found = Vec::new();
        for word in list.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            match known(&word.to_ascii_lowercase()) {
                Some(word) => found.push(word),
                None => self.reject(name, format!("`{}` is not {expected}", escape::short(word, MAX_SHOWN))),
            }
        }
        (!found.is_empty()).then_some(found)
    }

    /// Says once that a variable, or a part of it, is ignored and why.
    pub(super) fn reject(&mut self, name: &str, why: String) {
        self.warn(name, format!("{why}; ignored"));
    }

    /// Says once that nothing is sent because of a variable, and why.
    #[cfg(any(feature = "http", feature = "grpc"))]
    pub(super) fn refuse(&mut self, name: &str, why: String) {
        self.warn(name, format!("{why}; nothing is sent there"));
    }

    fn warn(&mut self, name: &str, what: String) {
        if !self.said.iter().any(|(said, _)| said == name) {
            self.said.push((name.to_owned(), what));
        }
    }

    /// What was wrong, one sentence for each variable.
    pub(super) fn into_warnings(self) -> Vec<String> {
        self.said.into_iter().map(|(name, what)| format!("{name}: {what}")).collect()
    }
}
