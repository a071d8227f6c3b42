//! Reads single variables and collects what is wrong with them.
//! The readers of this folder call it; start-up prints what it collected.
//! A value that cannot be read is as good as unset; nothing here fails, and no header's value is repeated.

use std::time::Duration;

use crate::escape;

/// The environment while it is read.
pub(super) struct Variables<'a> {
    get: &'a dyn Fn(&str) -> Option<String>,
    rejected: Vec<(String, String)>,
}

impl<'a> Variables<'a> {
    /// Reads through `get`.
    pub(super) fn new(get: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Variables { get, rejected: Vec::new() }
    }

    /// The value without white space round it; an empty one is as good as none.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let value = (self.get)(name)?;
        let value = value.trim();
        (!value.is_empty()).then(|| value.to_owned())
    }

    /// What `read` makes of the value; where it makes nothing of it, that is said once.
    pub(super) fn parsed<T>(&mut self, name: &str, expected: &str, read: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let value = self.text(name)?;
        let parsed = read(&value);
        if parsed.is_none() {
            let shown: String = value.chars().take(100).collect();
            // What stands before `@` or behind `?` in an address is a password or a key more often than not.
            let what = match value.contains(['@', '?']) {
                true => "the value".to_owned(),
                false => format!("`{}`", escape::text(&shown)),
            };
            self.reject(name, format!("{what} is not {expected}"));
        }
        parsed
    }

    /// A time in milliseconds, at least one.
    pub(super) fn millis(&mut self, name: &str) -> Option<Duration> {
        self.parsed(name, "a number of milliseconds, 1 or more", |value| {
            value.parse().ok().filter(|millis| *millis > 0).map(Duration::from_millis)
        })
    }

    /// Says once that a variable, or a part of it, is ignored and why.
    pub(super) fn reject(&mut self, name: &str, why: String) {
        if !self.rejected.iter().any(|(said, _)| said == name) {
            self.rejected.push((name.to_owned(), why));
        }
    }

    /// What was wrong, one sentence for each variable.
    pub(super) fn into_warnings(self) -> Vec<String> {
        self.rejected.into_iter().map(|(name, why)| format!("{name}: {why}; ignored")).collect()
    }
}
