//! Reading a map key by key: unknown keys, missing keys and wrong types become faults with a place.
//!
//! Every reader of manifest, definitions and annotations goes through it. It must never stop at a fault: it reports and lets
//! the reader go on with what there is.

use super::node::{Entry, Node, Value, shorten};
use crate::fault::{ErrorKind, Faults, Mark};

/// A value and its place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Placed<T> {
    pub(crate) value: T,
    pub(crate) at: Mark,
}

impl<T> Placed<T> {
    pub(crate) fn new(value: T, at: Mark) -> Self {
        Placed { value, at }
    }
}

/// The entries of one map whose keys were checked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields<'n> {
    /// Place of the map.
    pub(crate) at: Mark,
    /// What the map is, with its article: "an attribute".
    what: &'static str,
    kind: ErrorKind,
    entries: &'n [Entry],
    /// Keys that unknown keys were probably meant to be: that they are missing is no second fault.
    misspelt: [&'static str; 2],
}

impl<'n> Fields<'n> {
    /// The map in `node`, its keys checked against `accepted`. Something else than a map is a fault and gives `None`.
    pub(crate) fn of(node: &'n Node, what: &'static str, kind: ErrorKind, accepted: &[&'static str], faults: &mut Faults) -> Option<Self> {
        let mut fields = Fields::open(node, what, kind, faults)?;
        for entry in fields.entries {
            if !accepted.contains(&entry.key.as_str()) {
                let near = faults.suggestions.nearest(&entry.key, accepted.iter().copied());
                let help = near.map(|near| format!("did you mean `{near}`?")).unwrap_or_default();
                if let (Some(near), Some(place)) = (near, fields.misspelt.iter_mut().find(|place| place.is_empty())) {
                    *place = near;
                }
                faults
                    .push(kind, entry.at, format!("the unknown key `{}` in {what}", shorten(&entry.key)))
                    .expected(one_of(accepted))
                    .help(help);
            }
        }
        Some(fields)
    }

    /// As [`of`](Self::of), any keys.
    pub(crate) fn open(node: &'n Node, what: &'static str, kind: ErrorKind, faults: &mut Faults) -> Option<Self> {
        match &node.value {
            Value::Map(entries) => Some(Fields { at: node.at, what, kind, entries, misspelt: [""; 2] }),
            _ => {
                faults.push(kind, node.at, format!("{} where {what} should be", node.describe())).expected("a map");
                None
            }
        }
    }

    pub(crate) fn entries(&self) -> &'n [Entry] {
        self.entries
    }

    /// The value of a key, absent where it is null.
    pub(crate) fn get(&self, key: &str) -> Option<&'n Node> {
        self.entry(key).map(|entry| &entry.value).filter(|node| !matches!(node.value, Value::Null))
    }

    pub(crate) fn entry(&self, key: &str) -> Option<&'n Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// The value of a key that must be there.
    pub(crate) fn required(&self, key: &str, faults: &mut Faults) -> Option<&'n Node> {
        let found = self.get(key);
        if found.is_none() && !self.misspelt.contains(&key) {
            let at = self.entry(key).map_or(self.at, |entry| entry.at);
            let found = if self.entry(key).is_some() {
                format!("`{key}` without a value in {}", self.what)
            } else {
                format!("{} without `{key}`", self.what)
            };
            faults.push(self.kind, at, found).expected(format!("the key `{key}`"));
        }
        found
    }

    /// The text of a key that may be absent.
    pub(crate) fn text(&self, key: &str, faults: &mut Faults) -> Option<Placed<String>> {
        self.get(key).and_then(|node| text(node, key, self.kind, faults))
    }

    /// The text of a key that must be there. The empty text is a text.
    pub(crate) fn required_text(&self, key: &str, faults: &mut Faults) -> Option<Placed<String>> {
        self.required(key, faults).and_then(|node| text(node, key, self.kind, faults))
    }

    /// The name under a key that must be there: a text that is not empty.
    pub(crate) fn required_name(&self, key: &str, faults: &mut Faults) -> Option<Placed<String>> {
        let name = self.required_text(key, faults)?;
        if name.value.trim().is_empty() {
            faults.push(self.kind, name.at, format!("an empty `{key}` in {}", self.what)).expected("a name");
            return None;
        }
        Some(name)
    }

    pub(crate) fn boolean(&self, key: &str, faults: &mut Faults) -> Option<Placed<bool>> {
        let node = self.get(key)?;
        match node.value {
            Value::Bool(value) => Some(Placed::new(value, node.at)),
            _ => {
                faults.push(self.kind, node.at, format!("{} as `{key}`", node.describe())).expected("`true` or `false`");
                None
            }
        }
    }

    /// The items of a list that may be absent.
    pub(crate) fn list(&self, key: &str, faults: &mut Faults) -> &'n [Node] {
        self.get(key).and_then(|node| list(node, key, self.kind, faults)).unwrap_or(&[])
    }

    /// The texts of a list that may be absent.
    pub(crate) fn texts(&self, key: &str, faults: &mut Faults) -> Vec<Placed<String>> {
        self.list(key, faults).iter().filter_map(|node| text(node, key, self.kind, faults)).collect()
    }

    /// One of the words in `choices` under a key, absent where the key is.
    pub(crate) fn choice<T: Copy>(&self, key: &str, choices: &[(&str, T)], faults: &mut Faults) -> Option<Placed<T>> {
        self.get(key).and_then(|node| choice(node, key, self.kind, choices, faults))
    }

    /// One of the words in `choices` under a key that must be there.
    pub(crate) fn required_choice<T: Copy>(&self, key: &str, choices: &[(&str, T)], faults: &mut Faults) -> Option<Placed<T>> {
        self.required(key, faults).and_then(|node| choice(node, key, self.kind, choices, faults))
    }
}

pub(crate) fn text(node: &Node, key: &str, kind: ErrorKind, faults: &mut Faults) -> Option<Placed<String>> {
    match &node.value {
        Value::String(text) => Some(Placed::new(text.clone(), node.at)),
        other => {
            let help = match other {
                Value::Int(_) | Value::Double(_) | Value::Bool(_) => "put it in quotes",
                // `unit: {batch}` is a map to YAML.
                Value::Map(entries) if entries.iter().all(|entry| matches!(entry.value.value, Value::Null)) => {
                    "put a text that begins with `{` in quotes"
                }
                _ => "",
            };
            faults.push(kind, node.at, format!("{} as `{key}`", node.describe())).expected("a text").help(help);
            None
        }
    }
}

pub(crate) fn list<'n>(node: &'n Node, key: &str, kind: ErrorKind, faults: &mut Faults) -> Option<&'n [Node]> {
    match &node.value {
        Value::List(items) => Some(items),
        _ => {
            faults.push(kind, node.at, format!("{} as `{key}`", node.describe())).expected("a list");
            None
        }
    }
}

pub(crate) fn choice<T: Copy>(node: &Node, key: &str, kind: ErrorKind, choices: &[(&str, T)], faults: &mut Faults) -> Option<Placed<T>> {
    if let Value::String(text) = &node.value {
        if let Some((_, value)) = choices.iter().find(|(word, _)| word == text) {
            return Some(Placed::new(*value, node.at));
        }
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        let help = faults.suggestions.did_you_mean(text, words.iter().copied());
        faults.push(kind, node.at, format!("`{}` as `{key}`", shorten(text))).expected(one_of(&words)).help(help);
        return None;
    }
    let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
    faults.push(kind, node.at, format!("{} as `{key}`", node.describe())).expected(one_of(&words));
    None
}

/// "`a`, `b` or `c`".
pub(crate) fn one_of(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        None => "no key at all".to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    }
}
