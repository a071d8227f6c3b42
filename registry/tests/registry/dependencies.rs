//! Manifests and the registries that they depend on.

use crate::texts::{MANIFEST, faults_of, file};
use std::fs;
use std::path::{Path, PathBuf};
use tracing_weaver_registry::load;
use tracing_weaver_registry::yaml::load_sources;

/// A manifest at version 1.0.0 under `name`, with dependencies of version 1.0.0 at paths.
fn manifest(name: &str, dependencies: &[(&str, &str)]) -> String {
    let mut text = format!("schema_url: https://example.com/{name}/1.0.0\n");
    if !dependencies.is_empty() {
        text += "dependencies:\n";
    }
    for (name, path) in dependencies {
        text += &format!("  - schema_url: https://example.com/{name}/1.0.0\n    registry_path: {path}\n");
    }
    text
}

fn attribute(key: &str) -> String {
    file(&format!("attributes:\n  - {{key: {key}, type: string, brief: Of the dependency., stability: stable}}"))
}

fn event_with(key: &str) -> String {
    file(&format!("events:\n  - {{name: e, brief: B., stability: stable, attributes: [{{ref: {key}}}]}}"))
}

struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let root = std::env::temp_dir().join(format!("tracing-weaver-registry-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(&root).expect("temporary folder");
        for (path, text) in files {
            let path = root.join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("temporary folder");
            fs::write(path, text).expect("temporary file");
        }
        Temporary(root)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_reference_finds_the_attribute_of_a_dependency_and_the_item_says_where_it_is_from() {
    let registry = load_sources(&[
        ("app/manifest.yaml", &manifest("app", &[("base", "../base")])),
        ("app/e.yaml", &event_with("base.id")),
        ("base/manifest.yaml", &manifest("base", &[])),
        ("base/deep/a.yml", &attribute("base.id")),
    ])
    .expect("a sound registry");
    assert_eq!(registry.name(), "example.com/app");
    let origin = &registry.attributes[0].origin;
    assert_eq!(
        (origin.dependency.as_deref(), origin.file.as_str(), origin.line),
        (Some("https://example.com/base/1.0.0"), "deep/a.yml", 3)
    );
    assert_eq!(registry.events[0].origin.dependency, None);
}

#[test]
fn a_local_definition_hides_that_of_a_dependency() {
    let local = "file_format: definition/2\nattributes:\n  - {key: base.id, type: int, brief: Mine., stability: stable}\n";
    let registry = load_sources(&[
        ("manifest.yaml", &manifest("app", &[("base", "base")])),
        ("a.yaml", local),
        ("e.yaml", &event_with("base.id")),
        ("base/manifest.yaml", &manifest("base", &[])),
        ("base/a.yaml", &attribute("base.id")),
    ])
    .expect("a sound registry");
    assert_eq!(registry.attributes[0].brief, "Mine.");
}

#[test]
fn an_attribute_of_a_dependencys_dependency_is_found_only_where_the_dependency_uses_it() {
    let with = |middle: &str| {
        load_sources(&[
            ("manifest.yaml", &manifest("app", &[("middle", "middle")])),
            ("e.yaml", &event_with("base.id")),
            ("middle/manifest.yaml", &manifest("middle", &[("base", "../base")])),
            ("middle/m.yaml", middle),
            ("base/manifest.yaml", &manifest("base", &[])),
            ("base/a.yaml", &attribute("base.id")),
        ])
    };
    with(&event_with("base.id")).expect("a sound registry");
    let errors = with("file_format: definition/2\nevents: []").expect_err("an attribute that is not in sight");
    assert_eq!(errors.as_slice()[0].kind.name(), "UnresolvedAttributeRef");
}

#[test]
fn a_cyclic_dependency_is_one_error_that_names_the_cycle() {
    let errors = load_sources(&[
        ("a/manifest.yaml", &manifest("a", &[("b", "../b")])),
        ("b/manifest.yaml", &manifest("b", &[("c", "../c")])),
        ("c/manifest.yaml", &manifest("c", &[("a", "../a")])),
    ])
    .expect_err("a circle");
    assert_eq!(errors.as_slice().len(), 1, "{errors}");
    assert_eq!(
        errors.as_slice()[0].to_string(),
        "c/manifest.yaml:4:20: a circle of dependencies: https://example.com/a/1.0.0 → https://example.com/b/1.0.0 → https://example.com/c/1.0.0 → https://example.com/a/1.0.0 (expected registries that do not depend on themselves)"
    );
    let errors = load_sources(&[("a/manifest.yaml", &manifest("a", &[("a", ".")]))]).expect_err("a circle");
    assert_eq!(errors.as_slice()[0].kind.name(), "CircularDependency");
}

#[test]
fn a_missing_folder_says_where_it_was_looked_for() {
    let errors =
        load_sources(&[("app/manifest.yaml", &manifest("app", &[("base", "../bse")])), ("base/manifest.yaml", &manifest("base", &[]))])
            .expect_err("no such folder");
    assert_eq!(errors.as_slice().len(), 1, "{errors}");
    let error = &errors.as_slice()[0];
    assert_eq!((error.file.as_str(), error.line, error.column, error.kind.name()), ("app/manifest.yaml", 4, 20, "SemConvSpecError"));
    assert!(error.help.contains("`app/../bse` and `../bse`"), "{error}");
}

#[test]
fn a_missing_dependency_makes_its_own_names_no_further_faults_but_hides_no_other() {
    let text = file(
        "
attributes:
  - {key: app.id, type: string, brief: B., stability: stable}
events:
  - {name: e, brief: B., stability: stable, attributes: [{ref: base.id}, {ref: app.idd}], entity_associations: [host]}
",
    );
    assert_eq!(
        faults_of(&[("manifest.yaml", &manifest("app", &[("base", "nowhere")])), ("e.yaml", &text)]),
        ["e.yaml:5:80 UnresolvedAttributeRef", "manifest.yaml:4:20 SemConvSpecError"]
    );
}

#[test]
fn a_folder_that_is_not_there_or_has_no_manifest_is_an_error_without_a_line() {
    let errors = load("/no/such/folder").expect_err("no such folder");
    assert_eq!(
        errors.to_string(),
        "the registry has 1 fault:\n  /no/such/folder: the registry's folder cannot be read: no such file or folder (expected a folder with `manifest.yaml` or `registry_manifest.yaml`; help: give the path relative to the working directory, or an absolute one)"
    );
    let folder = Temporary::new("bare", &[("a.yaml", "file_format: definition/2\nevent: []")]);
    let errors = load(&folder.0).expect_err("no manifest");
    let kinds: Vec<&str> = errors.iter().map(|error| error.kind.name()).collect();
    assert_eq!(kinds, ["InvalidRegistryManifest", "InvalidSemConvSpec"], "the faults of its files are shown all the same");
}

#[test]
fn the_chain_of_dependencies_is_bounded() {
    let files: Vec<(String, String)> = (0..14)
        .map(|level| {
            (
                format!("r{level}/manifest.yaml"),
                manifest(&format!("r{level}"), &[(&format!("r{}", level + 1), &format!("../r{}", level + 1))]),
            )
        })
        .collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    assert_eq!(faults_of(&files), ["r10/manifest.yaml:4:20 MaximumDependencyDepth"]);
}

#[test]
fn of_two_versions_of_one_major_the_highest_wins_and_two_majors_are_a_fault() {
    let with = |first: &str, second: &str| {
        let depend = |version: &str, path: &str| format!("  - {{schema_url: https://example.com/base/{version}, registry_path: {path}}}\n");
        let root = format!("schema_url: https://example.com/app/1.0.0\ndependencies:\n{}{}", depend(first, "one"), depend(second, "two"));
        let url = |version: &str| format!("schema_url: https://example.com/base/{version}");
        load_sources(&[
            ("manifest.yaml", &root),
            ("e.yaml", &event_with("base.id")),
            ("one/manifest.yaml", &url(first)),
            ("one/a.yaml", "file_format: definition/2\nattributes: [{key: base.id, type: string, brief: One., stability: stable}]"),
            ("two/manifest.yaml", &url(second)),
            ("two/a.yaml", "file_format: definition/2\nattributes: [{key: base.id, type: string, brief: Two., stability: stable}]"),
        ])
    };
    assert_eq!(with("1.2.0", "1.10.0").expect("one major").attributes[0].brief, "Two.");
    assert_eq!(with("1.10.0", "1.2.0").expect("one major").attributes[0].brief, "One.");
    for (first, second, kind) in [("1.0.0", "2.0.0", "IncompatibleDependencyVersions"), ("v1", "1.0.0", "InvalidSemVer")] {
        let errors = with(first, second).expect_err(kind);
        assert_eq!(errors.as_slice()[0].kind.name(), kind, "{errors}");
    }
}

#[test]
fn a_dependency_that_would_have_to_be_fetched_is_said_not_to_be() {
    for dependency in [
        "{schema_url: https://example.com/base/1.0.0}",
        "{schema_url: https://example.com/base/1.0.0, registry_path: 'https://example.com/base.git'}",
        "{schema_url: https://example.com/base/1.0.0, registry_path: 'https://example.com/base.git@v1[model]'}",
        "{schema_url: https://example.com/base/1.0.0, registry_path: 'git@example.com:base'}",
        "{schema_url: https://example.com/base/1.0.0, registry_path: base.zip}",
        "{schema_url: https://example.com/base/1.0.0, registry_path: base.tar.gz}",
    ] {
        let text = format!("schema_url: https://example.com/app/1.0.0\ndependencies:\n  - {dependency}");
        let found = faults_of(&[("manifest.yaml", &text)]);
        assert!(found.len() == 1 && found[0].ends_with("DependencyNotFetched"), "{dependency}: {found:?}");
    }
}

#[test]
fn a_manifest_with_faults_says_each() {
    let with = |text: &str| faults_of(&[("manifest.yaml", text)]);
    assert_eq!(with("description: d"), ["manifest.yaml:1:1 InvalidRegistryManifest"]);
    assert_eq!(with("schema_url: example.com/1.0.0"), ["manifest.yaml:1:13 InvalidRegistryManifest"]);
    assert_eq!(with("schema_url: https://example.com"), ["manifest.yaml:1:13 InvalidRegistryManifest"]);
    assert_eq!(
        with("schema_url: https://example.com/a/1.0.0\nstability: preview\nextra: 1"),
        ["manifest.yaml:2:12 InvalidRegistryManifest", "manifest.yaml:3:1 InvalidRegistryManifest"]
    );
    assert_eq!(
        with("schema_url: https://example.com/a/1.0.0\ndependencies:\n  - {registry_path: b}"),
        ["manifest.yaml:3:5 InvalidRegistryManifest"]
    );
    assert_eq!(with("schema_url: [\n"), ["manifest.yaml:2:1 DeserializationError"]);
    assert_eq!(
        with("file_format: manifest/2.0\nschema_url: https://example.com/a/1.0.0\nresolved_registry_uri: r.yaml"),
        ["manifest.yaml:1:14 NotSupportedYet"]
    );
}

#[test]
fn the_old_spellings_of_a_manifest_are_read() {
    let registry = load_sources(&[
        ("registry_manifest.yaml", "name: app\nschema_base_url: https://example.com/app/\nsemconv_version: 1.2.0\ndependencies:\n  - {name: base, registry_path: base}"),
        ("e.yaml", &event_with("base.id")),
        ("base/manifest.yaml", &manifest("base", &[])),
        ("base/a.yaml", &attribute("base.id")),
    ])
    .expect("a sound registry");
    assert_eq!(registry.schema_url, "https://example.com/app/1.2.0");
    let twice = "semconv_version: 1.0.0\nschema_base_url: https://example.com/app\ndependencies:\n  - {name: base, registry_path: one}\n  - {name: base, registry_path: two}";
    assert_eq!(
        faults_of(&[("manifest.yaml", twice), ("one/manifest.yaml", &manifest("one", &[])), ("two/manifest.yaml", &manifest("two", &[]))]),
        ["manifest.yaml:5:5 UnversionedDependencyConflict"]
    );
}

#[test]
fn a_folder_is_read_at_any_depth_but_for_hidden_ones_and_other_registries() {
    let event = |name: &str| file(&format!("events:\n  - {{name: {name}, brief: B., stability: stable}}"));
    let folder = Temporary::new(
        "deep",
        &[
            ("manifest.yaml", &manifest("app", &[("base", "base")])),
            ("one.yaml", &event("one")),
            ("x/y/two.yml", &event("two")),
            (".git/three.yaml", "no registry file"),
            ("x/.four.yaml", "no registry file"),
            ("five.txt", "no registry file"),
            ("base/manifest.yaml", &manifest("base", &[])),
            ("base/six.yaml", &event("six")),
        ],
    );
    let registry = load(&folder.0).expect("a sound registry");
    let names: Vec<&str> = registry.events.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(names, ["one", "two"]);
    assert_eq!(registry.events[1].origin.file, "x/y/two.yml");
}

#[test]
fn faults_of_a_dependency_are_faults_of_the_registry() {
    assert_eq!(
        faults_of(&[
            ("manifest.yaml", &manifest("app", &[("base", "base")])),
            ("a.yaml", "file_format: definition/2\nevent: []"),
            ("base/manifest.yaml", &manifest("base", &[])),
            ("base/a.yaml", "file_format: definition/2\nmetric: []"),
        ]),
        ["a.yaml:2:1 InvalidSemConvSpec", "base/a.yaml:2:1 InvalidSemConvSpec"]
    );
}

#[cfg(unix)]
#[test]
fn a_file_that_is_no_text_or_no_plain_file_is_a_fault_and_never_blocks() {
    let folder = Temporary::new("odd", &[("manifest.yaml", MANIFEST.1)]);
    fs::write(folder.0.join("bytes.yaml"), b"file_format: definition/2\nevents: \xff\n").expect("temporary file");
    fs::create_dir(folder.0.join("folder.yaml")).expect("temporary folder");
    std::os::unix::fs::symlink("/dev/zero", folder.0.join("zero.yaml")).expect("a link");
    std::os::unix::fs::symlink(&folder.0, folder.0.join("loop")).expect("a link");
    std::os::unix::fs::symlink(Path::new("nothing.yaml"), folder.0.join("dangling.yaml")).expect("a link");
    let errors = load(&folder.0).expect_err("three faults");
    let shown: Vec<String> = errors
        .iter()
        .map(|error| {
            format!(
                "{}:{}:{} {}",
                Path::new(&error.file).file_name().expect("a file").to_string_lossy(),
                error.line,
                error.column,
                error.kind
            )
        })
        .collect();
    assert_eq!(shown, ["bytes.yaml:2:9 DeserializationError", "dangling.yaml:0:0 SemConvSpecError", "zero.yaml:0:0 SemConvSpecError"]);
}
