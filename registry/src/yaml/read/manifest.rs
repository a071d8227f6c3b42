//! A registry's manifest: its schema URL and the registries it depends on.
//!
//! The graph of registries reads one per folder. It must never open a dependency itself.

use super::fields::{Fields, Placed, one_of};
use super::node::{Node, Value, shorten};
use crate::fault::{ErrorKind, Faults, Mark};

const KIND: ErrorKind = ErrorKind::InvalidRegistryManifest;
const KEYS: [&str; 9] = [
    "schema_url",
    "description",
    "stability",
    "dependencies",
    "name",
    "file_format",
    "schema_base_url",
    "semconv_version",
    "resolved_registry_uri",
];

/// What a manifest is, for faults.
pub(crate) const BEGINS: &str = "a map that holds at least `schema_url: https://HOST/PATH/VERSION`";

/// What a manifest says.
#[derive(Debug, Default)]
pub(crate) struct Manifest {
    pub(crate) schema_url: String,
    pub(crate) description: String,
    pub(crate) dependencies: Vec<Dependency>,
}

/// One entry of `dependencies`.
#[derive(Debug)]
pub(crate) struct Dependency {
    pub(crate) at: Mark,
    /// The schema URL; `None` for a legacy entry that has a name only.
    pub(crate) schema_url: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) registry_path: Option<Placed<String>>,
}

/// Reads a manifest. What cannot be read is a fault and left empty.
pub(crate) fn manifest(node: &Node, faults: &mut Faults) -> Manifest {
    let Some(fields) = Fields::of(node, "a manifest", KIND, &KEYS, faults) else { return Manifest::default() };
    if let Some(format) = fields.get("file_format")
        && matches!(&format.value, Value::String(format) if format.starts_with("manifest/"))
    {
        faults
            .push(ErrorKind::NotSupportedYet, format.at, "the manifest of a published registry is not read yet")
            .expected("the manifest of a folder of definitions")
            .help("depend on the registry's definitions instead");
        return Manifest::default();
    }
    if let Some(entry) = fields.entry("resolved_registry_uri") {
        faults
            .push(KIND, entry.at, "`resolved_registry_uri` in a manifest of definitions")
            .expected("it only beside `file_format: manifest/2.0`");
    }
    let legacy = fields.entry("schema_base_url").is_some() || fields.entry("semconv_version").is_some();
    let schema_url = if fields.get("schema_url").is_none() && legacy {
        let base = fields.required_text("schema_base_url", faults);
        let version = fields.required_text("semconv_version", faults);
        base.zip(version).map(|(base, version)| Placed::new(format!("{}/{}", base.value.trim_end_matches('/'), version.value), base.at))
    } else {
        fields.required_text("schema_url", faults)
    };
    let words = ["development", "experimental", "alpha", "beta", "release_candidate", "stable", "deprecated"];
    fields.choice("stability", &words.map(|word| (word, ())), faults);
    Manifest {
        schema_url: schema_url.map(|url| checked_url(url, faults)).unwrap_or_default(),
        description: fields.text("description", faults).map(|text| text.value).unwrap_or_default(),
        dependencies: fields.list("dependencies", faults).iter().filter_map(|node| dependency(node, legacy, faults)).collect(),
    }
}

fn checked_url(url: Placed<String>, faults: &mut Faults) -> String {
    let scheme = url.value.strip_prefix("https://").or_else(|| url.value.strip_prefix("http://"));
    let parts = scheme.and_then(|rest| rest.rsplit_once('/'));
    if !parts.is_some_and(|(name, version)| !name.is_empty() && !version.is_empty()) || url.value.contains(char::is_whitespace) {
        faults
            .push(KIND, url.at, format!("`{}` as `schema_url`", shorten(&url.value)))
            .expected("`https://HOST/PATH/VERSION`")
            .help("for example `https://example.com/schemas/acme/1.0.0`");
    }
    url.value
}

fn dependency(node: &Node, legacy: bool, faults: &mut Faults) -> Option<Dependency> {
    let fields = Fields::of(node, "a dependency", KIND, &["schema_url", "registry_path", "name"], faults)?;
    let name = fields.text("name", faults);
    let registry_path = fields.text("registry_path", faults);
    if let Some(path) = &registry_path
        && path.value.is_empty()
    {
        faults.push(KIND, path.at, "an empty `registry_path`").expected("the path of a folder");
        return None;
    }
    let schema_url = if legacy && name.is_some() { fields.text("schema_url", faults) } else { fields.required_text("schema_url", faults) };
    let schema_url = schema_url.map(|url| checked_url(url, faults));
    if schema_url.is_none() && name.is_none() {
        return None;
    }
    Some(Dependency { at: node.at, schema_url, name: name.map(|name| name.value), registry_path })
}

/// The manifest's names, for a fault about a folder that has none.
pub(crate) fn expected_names() -> String {
    one_of(&super::source::MANIFESTS)
}
