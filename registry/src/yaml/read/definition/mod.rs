//! Reading definition files: from a tree of values to raw definitions.
//!
//! The graph of registries calls [`definitions`] for each file. It must never resolve a name, and must keep every definition
//! whose name could be read, however wrong the rest of it is, so that one fault does not cause others.

mod annotation;
mod attribute;
mod common;
mod entity;
mod group;
mod refinement;
mod signal;

use crate::fault::{ErrorKind, Faults};
use crate::yaml::read::fields::Fields;
use crate::yaml::read::node::{Entry, Node, Value, shorten};
use crate::yaml::read::raw::{ItemKind, RawDefinitions, RawImport};

/// Most import patterns of one kind in a file.
const MAX_IMPORTS: usize = 1_000;

const SECTIONS: [&str; 13] = [
    // The old spelling of `file_format`, accepted where it stands in its place.
    "version",
    "file_format",
    "attributes",
    "attribute_groups",
    "entities",
    "events",
    "metrics",
    "spans",
    "imports",
    "entity_refinements",
    "event_refinements",
    "metric_refinements",
    "span_refinements",
];

/// What a definition file is, for faults.
pub(crate) const BEGINS: &str = "a map that begins with `file_format: definition/2`";

/// Adds what one file defines. False where its definitions could not be seen, so that what they are missed for is no fault.
pub(crate) fn definitions(root: &Node, into: &mut RawDefinitions, faults: &mut Faults) -> bool {
    let kind = ErrorKind::InvalidSemConvSpec;
    let Value::Map(entries) = &root.value else {
        faults.push(kind, root.at, format!("{} as the whole file", root.describe())).expected(BEGINS);
        return false;
    };
    if !format_is_read(root, entries, faults) {
        return false;
    }
    let old_spelling = !entries.iter().any(|entry| entry.key == "file_format");
    let Some(file) = Fields::of(root, "a definition file", kind, &SECTIONS[usize::from(!old_spelling)..], faults) else { return false };
    into.attributes.extend(file.list("attributes", faults).iter().filter_map(|node| attribute::definition(node, faults)));
    into.groups.extend(file.list("attribute_groups", faults).iter().filter_map(|node| group::group(node, faults)));
    into.entities.extend(file.list("entities", faults).iter().filter_map(|node| entity::entity(node, faults)));
    into.events.extend(file.list("events", faults).iter().filter_map(|node| signal::event(node, faults)));
    into.metrics.extend(file.list("metrics", faults).iter().filter_map(|node| signal::metric(node, faults)));
    into.spans.extend(file.list("spans", faults).iter().filter_map(|node| signal::span(node, faults)));
    for (section, kind) in [
        ("entity_refinements", ItemKind::Entity),
        ("event_refinements", ItemKind::Event),
        ("metric_refinements", ItemKind::Metric),
        ("span_refinements", ItemKind::Span),
    ] {
        into.refinements.extend(file.list(section, faults).iter().filter_map(|node| refinement::refinement(node, kind, faults)));
    }
    if let Some(node) = file.get("imports") {
        imports(node, into, faults);
    }
    true
}

fn imports(node: &Node, into: &mut RawDefinitions, faults: &mut Faults) {
    let sections = [
        ("metrics", ItemKind::Metric),
        ("events", ItemKind::Event),
        ("entities", ItemKind::Entity),
        ("spans", ItemKind::Span),
        ("attribute_groups", ItemKind::Group),
    ];
    let accepted = sections.map(|(name, _)| name);
    let Some(fields) = Fields::of(node, "`imports`", ErrorKind::InvalidSemConvSpec, &accepted, faults) else { return };
    for (name, kind) in sections {
        let patterns = fields.list(name, faults);
        if patterns.len() > MAX_IMPORTS {
            faults
                .push(ErrorKind::InvalidSemConvSpec, fields.at, format!("{} import patterns", patterns.len()))
                .expected(format!("at most {MAX_IMPORTS} of a kind"));
            continue;
        }
        into.imports.extend(fields.texts(name, faults).into_iter().map(|pattern| RawImport { kind, pattern }));
    }
}

/// Whether the file says a format that is read here.
fn format_is_read(root: &Node, entries: &[Entry], faults: &mut Faults) -> bool {
    let find = |key: &str| entries.iter().find(|entry| entry.key == key);
    let expected = "`file_format: definition/2`";
    if let Some(entry) = find("file_format") {
        return match &entry.value.value {
            Value::String(format) if format == "definition/2" => {
                match find("groups") {
                    None => true,
                    Some(groups) => {
                        faults
                        .push(ErrorKind::InvalidFileFormat, groups.at, "`groups` in a `definition/2` file")
                        .expected("the sections of `definition/2`")
                        .help("`groups` belongs to `definition/1`, which is not read yet: write `attributes`, `events`, `metrics` … instead");
                        false
                    }
                }
            }
            Value::String(format) if format == "definition/1" => {
                not_yet(entry.at, "the file format `definition/1`", faults);
                false
            }
            Value::String(format) if format.starts_with("manifest/") || format.starts_with("resolved/") => {
                not_yet(entry.at, &format!("the file format `{}`, a published registry,", shorten(format)), faults);
                false
            }
            Value::String(format) => {
                let help = faults.suggestions.did_you_mean(format, ["definition/2"]);
                faults
                    .push(ErrorKind::InvalidFileFormat, entry.value.at, format!("the file format `{}`", shorten(format)))
                    .expected(expected)
                    .help(help);
                false
            }
            _ => {
                faults
                    .push(ErrorKind::InvalidFileFormat, entry.value.at, format!("{} as `file_format`", entry.value.describe()))
                    .expected(expected);
                false
            }
        };
    }
    if let Some(entry) = find("version") {
        match &entry.value.value {
            Value::String(version) if version == "2" => return true,
            Value::Int(2) => return true,
            _ => {}
        }
    }
    if let Some(groups) = find("groups") {
        not_yet(groups.at, "a file of `groups`, the format `definition/1`,", faults);
        return false;
    }
    if let (Some(imports), 1) = (find("imports"), entries.len()) {
        not_yet(imports.at, "a file of `imports` without `file_format`, so of the format `definition/1`,", faults);
        return false;
    }
    faults
        .push(ErrorKind::InvalidFileFormat, root.at, "a file without `file_format`")
        .expected(expected)
        .help("write it as the first line");
    false
}

fn not_yet(at: crate::fault::Mark, what: &str, faults: &mut Faults) {
    faults
        .push(ErrorKind::NotSupportedYet, at, format!("{what} is not read yet"))
        .expected("`file_format: definition/2`")
        .help("rewrite the file in `definition/2`, or leave it out");
}
