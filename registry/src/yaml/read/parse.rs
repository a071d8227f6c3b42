//! From the text of a file to a tree of values.
//!
//! The graph of registries asks for it. It must stay bounded whatever the text holds: in depth, in values, and in what anchors
//! multiply; past a bound there is a fault, never a crash or a hang.

use super::node::{Entry, Node, Value, shorten};
use super::scalar;
use crate::fault::{ErrorKind, Faults, Mark};
use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};
use std::collections::{HashMap, HashSet};

/// Deepest nesting of lists and maps.
const MAX_DEPTH: usize = 128;
/// Most nodes of one file, aliases expanded.
const MAX_NODES: usize = 500_000;
/// Most text that aliases may repeat, in bytes.
const MAX_REPEATED_TEXT: usize = 16 << 20;

/// Reads the one document of a file, in which `begins` says what is expected. A fault of the YAML itself is pushed and gives `None`.
pub(crate) fn parse(text: &str, file: u32, begins: &'static str, faults: &mut Faults) -> Option<Node> {
    // The scanner is a third party's; should hostile text find a panic in it, that is a fault of the text too.
    let outcome = std::panic::catch_unwind(|| Tree::new(file).read(text, begins));
    match outcome {
        Ok(Ok((node, duplicates))) => {
            for (at, key) in duplicates {
                faults
                    .push(ErrorKind::DeserializationError, at, format!("the key `{}` stands here a second time", shorten(&key)))
                    .expected("each key once in a map");
            }
            Some(node)
        }
        Ok(Err(broken)) => {
            faults.push(ErrorKind::DeserializationError, broken.at, broken.found).expected(broken.expected).help(broken.help);
            None
        }
        Err(_) => {
            let at = Mark { file, line: 0, column: 0 };
            faults.push(ErrorKind::DeserializationError, at, "the YAML reader gave up on this file").expected("YAML 1.2");
            None
        }
    }
}

#[derive(Debug)]
struct Broken {
    at: Mark,
    found: String,
    expected: &'static str,
    help: &'static str,
}

/// A list or map that is not closed yet.
struct Open {
    at: Mark,
    anchor: usize,
    nodes_before: usize,
    depth_below: usize,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Map { entries: Vec<Entry>, seen: HashSet<String>, key: Option<(Mark, String)> },
}

struct Anchored {
    node: Node,
    nodes: usize,
    depth: usize,
    text: usize,
}

struct Tree {
    file: u32,
    open: Vec<Open>,
    anchors: HashMap<usize, Anchored>,
    nodes: usize,
    repeated_text: usize,
    duplicates: Vec<(Mark, String)>,
    root: Option<Node>,
    documents: usize,
}

impl Tree {
    fn new(file: u32) -> Self {
        Tree {
            file,
            open: Vec::new(),
            anchors: HashMap::new(),
            nodes: 0,
            repeated_text: 0,
            duplicates: Vec::new(),
            root: None,
            documents: 0,
        }
    }

    fn read(mut self, text: &str, begins: &'static str) -> Result<(Node, Vec<(Mark, String)>), Broken> {
        let mut last = Mark { file: self.file, line: 1, column: 1 };
        for event in Parser::new_from_str(text) {
            let (event, span) = event.map_err(|error| Broken {
                at: self.mark_of(error.marker().line(), error.marker().col()),
                found: format!("no valid YAML: {}", error.info()),
                expected: "YAML 1.2",
                help: way_out(error.info()),
            })?;
            last = self.mark(&span);
            self.event(event, last)?;
        }
        match self.root {
            Some(node) => Ok((node, self.duplicates)),
            None => Err(broken(last, "the file is empty", begins)),
        }
    }

    fn mark(&self, span: &Span) -> Mark {
        self.mark_of(span.start.line(), span.start.col())
    }

    fn mark_of(&self, line: usize, column: usize) -> Mark {
        Mark { file: self.file, line: line.max(1) as u32, column: column as u32 + 1 }
    }

    fn event(&mut self, event: Event<'_>, at: Mark) -> Result<(), Broken> {
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(broken(at, "a second YAML document", "one document in a file"));
                }
                Ok(())
            }
            Event::Scalar(text, style, anchor, tag) => {
                let value = scalar_value(&text, style, tag.as_deref()).map_err(|found| broken(at, found, TAGS))?;
                let text_size = if let Value::String(text) = &value { text.len() } else { 0 };
                let node = Node { at, value };
                self.count(1, at)?;
                if anchor > 0 {
                    self.anchors.insert(anchor, Anchored { node: node.clone(), nodes: 1, depth: 0, text: text_size });
                }
                self.add(node)
            }
            Event::Alias(anchor) => {
                let Some(anchored) = self.anchors.get(&anchor) else {
                    return Err(broken(at, "an alias of an anchor that contains it", "an anchor that ends before the alias"));
                };
                let (nodes, depth, text) = (anchored.nodes, anchored.depth, anchored.text);
                self.count(nodes, at)?;
                self.repeat(text, at)?;
                if self.open.len() + depth > MAX_DEPTH {
                    return Err(too_deep(at));
                }
                self.deepen(depth);
                let node = Node { at, value: self.anchors[&anchor].node.value.clone() };
                self.add(node)
            }
            Event::SequenceStart(anchor, tag) => self.begin(at, anchor, tag.as_deref(), Content::List(Vec::new())),
            Event::MappingStart(anchor, tag) => {
                self.begin(at, anchor, tag.as_deref(), Content::Map { entries: Vec::new(), seen: HashSet::new(), key: None })
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
        }
    }

    fn count(&mut self, nodes: usize, at: Mark) -> Result<(), Broken> {
        self.nodes += nodes;
        if self.nodes > MAX_NODES { Err(too_large(at, "more than 500,000 values in one file, aliases expanded")) } else { Ok(()) }
    }

    fn repeat(&mut self, text: usize, at: Mark) -> Result<(), Broken> {
        self.repeated_text += text;
        if self.repeated_text > MAX_REPEATED_TEXT { Err(too_large(at, "more text repeated by anchors than 16 MiB")) } else { Ok(()) }
    }

    fn begin(&mut self, at: Mark, anchor: usize, tag: Option<&Tag>, content: Content) -> Result<(), Broken> {
        let standard = if matches!(content, Content::List(_)) { "seq" } else { "map" };
        if let Some(tag) = tag
            && !(tag.is_yaml_core_schema() && tag.suffix == standard)
        {
            return Err(broken(at, format!("the tag `{}{}`", tag.handle, tag.suffix), TAGS));
        }
        if self.open.len() >= MAX_DEPTH {
            return Err(too_deep(at));
        }
        let nodes_before = self.nodes;
        self.count(1, at)?;
        self.open.push(Open { at, anchor, nodes_before, depth_below: 0, content });
        Ok(())
    }

    fn end(&mut self) -> Result<(), Broken> {
        let Some(Open { at, anchor, nodes_before, depth_below, content }) = self.open.pop() else { return Ok(()) };
        let value = match content {
            Content::List(items) => Value::List(items),
            Content::Map { entries, .. } => Value::Map(entries),
        };
        let node = Node { at, value };
        let depth = depth_below + 1;
        self.deepen(depth);
        if anchor > 0 {
            let anchored = Anchored { node: node.clone(), nodes: self.nodes - nodes_before, depth, text: text_of(&node) };
            self.count(anchored.nodes, at)?;
            self.repeat(anchored.text, at)?;
            self.anchors.insert(anchor, anchored);
        }
        self.add(node)
    }

    fn deepen(&mut self, depth: usize) {
        if let Some(open) = self.open.last_mut() {
            open.depth_below = open.depth_below.max(depth);
        }
    }

    fn add(&mut self, node: Node) -> Result<(), Broken> {
        let Some(open) = self.open.last_mut() else {
            self.root.get_or_insert(node);
            return Ok(());
        };
        match &mut open.content {
            Content::List(items) => items.push(node),
            Content::Map { entries, seen, key } => match key.take() {
                None => {
                    let Some(name) = key_text(&node) else {
                        return Err(broken(node.at, format!("{} as the key of a map", node.describe()), "a text"));
                    };
                    *key = Some((node.at, name));
                }
                Some((at, name)) => {
                    if !seen.insert(name.clone()) {
                        self.duplicates.push((at, name));
                    } else {
                        entries.push(Entry { at, key: name, value: node });
                    }
                }
            },
        }
        Ok(())
    }
}

const TAGS: &str = "a tag of YAML's core schema, or none";

fn broken(at: Mark, found: impl Into<String>, expected: &'static str) -> Broken {
    Broken { at, found: found.into(), expected, help: "" }
}

fn too_deep(at: Mark) -> Broken {
    broken(at, "lists and maps nested deeper than 128", "a flat file")
}

fn too_large(at: Mark, found: &str) -> Broken {
    broken(at, found, "a smaller file")
}

const FLOW: &str = "check that every `[` and `{` is closed, and that a text in them that holds `: ` or `,` stands in quotes";

/// What usually is behind a complaint of the scanner, which speaks of grammar alone. What it does not know gets no help.
fn way_out(complaint: &str) -> &'static str {
    let slips = [
        ("tab", "indent with spaces"),
        ("mapping values are not allowed", "put a text that holds `: ` in quotes, and give the keys of one map one indentation"),
        ("quoted scalar", "check the quotes: where the text ends, and that a quote inside it is doubled or escaped"),
        ("unexpected character", "put the text in quotes"),
        ("unknown anchor", "put a text that begins with `*` in quotes"),
        ("flow", FLOW),
        ("illegal placement of ':'", FLOW),
        ("simple key", "check the indentation here and above, and that each key has its `:`"),
        ("block", "check the indentation here and above"),
    ];
    slips.iter().find(|(words, _)| complaint.contains(words)).map_or("", |(_, help)| help)
}

fn text_of(node: &Node) -> usize {
    match &node.value {
        Value::String(text) => text.len(),
        Value::List(items) => items.iter().map(text_of).sum(),
        Value::Map(entries) => entries.iter().map(|entry| entry.key.len() + text_of(&entry.value)).sum(),
        _ => 0,
    }
}

fn key_text(node: &Node) -> Option<String> {
    match &node.value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Int(value) => Some(value.to_string()),
        Value::Double(value) => Some(value.to_string()),
        Value::Null => Some("null".to_owned()),
        Value::List(_) | Value::Map(_) => None,
    }
}

fn scalar_value(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Value, String> {
    let plain = style == ScalarStyle::Plain;
    match tag {
        None if plain => Ok(scalar::read(text)),
        None => Ok(Value::String(text.to_owned())),
        Some(tag) if tag.is_yaml_core_schema() => {
            let value = scalar::read(text);
            match (tag.suffix.as_str(), value) {
                ("str", _) => Ok(Value::String(text.to_owned())),
                ("int", value @ Value::Int(_))
                | ("float", value @ Value::Double(_))
                | ("bool", value @ Value::Bool(_))
                | ("null", value @ Value::Null) => Ok(value),
                ("float", Value::Int(value)) => Ok(Value::Double(value as f64)),
                (name, _) => Err(format!("`{}` with the tag `!!{}`", shorten(text), shorten(name))),
            }
        }
        Some(tag) if tag.handle.is_empty() && tag.suffix == "!" || tag.handle == "!" && tag.suffix.is_empty() => {
            Ok(Value::String(text.to_owned()))
        }
        Some(tag) => Err(format!("the tag `{}{}`", tag.handle, shorten(&tag.suffix))),
    }
}
