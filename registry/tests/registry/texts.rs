//! Registries written down in a test. Every module here starts from them; nothing in them asserts what a registry means.

use tracing_weaver_registry::RegistryErrors;
use tracing_weaver_registry::model::ResolvedRegistry;
use tracing_weaver_registry::yaml::load_sources;

pub(crate) const MANIFEST: (&str, &str) = ("manifest.yaml", "schema_url: https://example.com/schemas/acme/1.0.0\n");

/// A registry of one file `a.yaml` whose first line is `file_format`; what is given begins on line 2.
pub(crate) fn one(definitions: &str) -> Result<ResolvedRegistry, RegistryErrors> {
    load_sources(&[MANIFEST, ("a.yaml", &file(definitions))])
}

/// The registry of [`one`], which must be sound.
pub(crate) fn sound(definitions: &str) -> ResolvedRegistry {
    one(definitions).unwrap_or_else(|errors| panic!("{errors}"))
}

/// The faults of [`one`], each as `line:column Kind`.
pub(crate) fn faults(definitions: &str) -> Vec<String> {
    let errors = one(definitions).expect_err("a registry with faults");
    errors
        .iter()
        .inspect(|error| assert_eq!(error.file, "a.yaml", "{error}"))
        .map(|error| format!("{}:{} {}", error.line, error.column, error.kind))
        .collect()
}

/// The one fault of [`one`] as it is shown.
pub(crate) fn fault(definitions: &str) -> String {
    let errors = one(definitions).expect_err("a registry with a fault");
    assert_eq!(errors.as_slice().len(), 1, "{errors}");
    errors.as_slice()[0].to_string()
}

/// A definition file of what is written after the line end that a raw string begins with.
pub(crate) fn file(definitions: &str) -> String {
    format!("file_format: definition/2\n{}", definitions.strip_prefix('\n').unwrap_or(definitions))
}

/// The faults of a registry of several files, each as `file:line:column Kind`.
pub(crate) fn faults_of(files: &[(&str, &str)]) -> Vec<String> {
    let errors = load_sources(files).expect_err("a registry with faults");
    errors.iter().map(|error| format!("{}:{}:{} {}", error.file, error.line, error.column, error.kind)).collect()
}
