//! The resource: who emits, once for all signals and sinks.
//! Start-up resolves it from detectors, environment and code, in that order; the later wins.
//! It reads no variable itself, starts no program, and puts nothing on the resource that the registry calls secret or personal.

mod container;
mod detector;
mod file;
mod found;
mod host;
mod k8s;
mod os;
mod process;

use std::fmt;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use tracing_weaver_layers::{Redaction, Value};
use tracing_weaver_registry::model::ResolvedRegistry;

use crate::config::Environment;
pub(crate) use detector::Detector;

/// Value of a resource attribute, made from text, integer, float or boolean.
///
/// ```
/// use tracing_weaver::ResourceValue;
///
/// let builder = tracing_weaver::builder()
///     .resource([("deployment.environment.name", "staging")])
///     .resource([("cloud.region", ResourceValue::from("north-1")), ("acme.shard", 7.into())]);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ResourceValue(Value);

impl From<&str> for ResourceValue {
    fn from(text: &str) -> Self {
        ResourceValue(Value::Str(text.into()))
    }
}

impl From<String> for ResourceValue {
    fn from(text: String) -> Self {
        ResourceValue(Value::Str(text.into()))
    }
}

impl From<i64> for ResourceValue {
    fn from(int: i64) -> Self {
        ResourceValue(Value::Int(int))
    }
}

impl From<f64> for ResourceValue {
    fn from(double: f64) -> Self {
        ResourceValue(Value::Double(double))
    }
}

impl From<bool> for ResourceValue {
    fn from(bool: bool) -> Self {
        ResourceValue(Value::Bool(bool))
    }
}

/// Where an attribute of the resource came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// It is always there.
    Default,
    /// A detector found it.
    Detector(&'static str),
    /// The environment says it.
    Variable(&'static str),
    /// The program says it.
    Code,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::Detector(name) => write!(f, "detector {name}"),
            Origin::Variable(name) => f.write_str(name),
            Origin::Code => f.write_str("code"),
        }
    }
}

/// An attribute of the resource.
#[derive(Debug, Clone)]
pub(crate) struct ResourceAttribute {
    /// Its key.
    pub(crate) key: Arc<str>,
    /// Its value.
    pub(crate) value: Value,
    /// Where the value came from.
    pub(crate) origin: Origin,
}

/// Most bytes of a value: the resource goes with every request.
const MAX_BYTES: usize = 64 << 10;

/// Attributes in the order in which their keys first came.
#[derive(Debug, Default)]
pub(crate) struct Resource(Vec<ResourceAttribute>);

impl Resource {
    /// The resource that detectors, environment and code give together.
    pub(crate) fn resolve(detectors: &[Detector], environment: &Environment, code: Vec<(String, ResourceValue)>) -> Resource {
        Self::resolve_at(Path::new("/"), detectors, environment, code)
    }

    fn resolve_at(root: &Path, detectors: &[Detector], environment: &Environment, code: Vec<(String, ResourceValue)>) -> Resource {
        let mut resource = Resource::default();
        let text = |text: &str| Value::Str(text.into());
        resource.set("service.name", text(&format!("unknown_service:{}", process::executable_name())), Origin::Default);
        resource.set("service.instance.id", text(instance_id()), Origin::Detector(Detector::ServiceInstance.name()));
        resource.set("telemetry.sdk.name", text("tracing-weaver"), Origin::Default);
        resource.set("telemetry.sdk.language", text("rust"), Origin::Default);
        resource.set("telemetry.sdk.version", text(env!("CARGO_PKG_VERSION")), Origin::Default);
        for detector in detectors {
            for (key, value) in detector.detect(root, environment) {
                resource.set(key, value, Origin::Detector(detector.name()));
            }
        }
        environment.resource.iter().for_each(|(key, value)| resource.set(key, text(value), Origin::Variable("OTEL_RESOURCE_ATTRIBUTES")));
        if let Some(name) = &environment.service_name {
            resource.set("service.name", text(name), Origin::Variable("OTEL_SERVICE_NAME"));
        }
        code.into_iter().for_each(|(key, value)| resource.set(&key, value.0, Origin::Code));
        resource
    }

    /// The same with no value longer than [`MAX_BYTES`]; keys whose value was cut come beside it.
    pub(crate) fn bounded(mut self) -> (Resource, Vec<String>) {
        let mut cut = Vec::new();
        for attribute in &mut self.0 {
            if let Some(short) = shortened(&attribute.value) {
                attribute.value = short;
                cut.push(attribute.key.to_string());
            }
        }
        (self, cut)
    }

    /// What of it may leave under a registry; keys that were withheld or changed come beside it.
    pub(crate) fn redacted(self, registry: &ResolvedRegistry) -> (Vec<ResourceAttribute>, Vec<String>) {
        let mut withheld = Vec::new();
        let mut attributes = Vec::with_capacity(self.0.len());
        let redaction = Redaction::of(registry);
        for attribute in self.0 {
            match redaction.value(&attribute.key, &attribute.value) {
                Some(same) if same == attribute.value => attributes.push(attribute),
                safe => {
                    withheld.push(attribute.key.to_string());
                    attributes.extend(safe.map(|value| ResourceAttribute { value, ..attribute }));
                }
            }
        }
        (attributes, withheld)
    }

    fn set(&mut self, key: &str, value: Value, origin: Origin) {
        match self.0.iter_mut().find(|known| *known.key == *key) {
            Some(known) => (known.value, known.origin) = (value, origin),
            None => self.0.push(ResourceAttribute { key: key.into(), value, origin }),
        }
    }
}

/// A value that is too long, cut between characters; of a list the first texts that fit.
fn shortened(value: &Value) -> Option<Value> {
    match value {
        Value::Str(text) if text.len() > MAX_BYTES => {
            let end = (0..=MAX_BYTES).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
            Some(Value::Str(text[..end].into()))
        }
        Value::StrArray(texts) => {
            let fits = texts.iter().scan(0, |bytes, text| {
                *bytes += text.len();
                (*bytes <= MAX_BYTES).then_some(())
            });
            let fits = fits.count();
            (fits < texts.len()).then(|| Value::StrArray(texts[..fits].into()))
        }
        _ => None,
    }
}

/// Random, and the same for everything in this process.
fn instance_id() -> &'static str {
    static ID: OnceLock<String> = OnceLock::new();
    ID.get_or_init(|| uuid::Uuid::new_v4().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::environment;

    /// A file system of its own, with these files.
    pub(super) fn root(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        root
    }

    /// The text of a key that was found once.
    pub(super) fn text<K: AsRef<str> + fmt::Debug>(found: &[(K, Value)], key: &str) -> String {
        let values: Vec<_> = found.iter().filter(|(known, _)| known.as_ref() == key).collect();
        match values[..] {
            [(_, Value::Str(text))] => text.to_string(),
            _ => panic!("{key}: {found:?}"),
        }
    }

    fn resolve(variables: &[(&str, &str)], code: &[(&str, &str)]) -> Vec<(String, Value)> {
        let files = [("proc/sys/kernel/hostname", "h"), ("etc/os-release", "NAME=Acme")];
        let code = code.iter().map(|(key, value)| ((*key).to_owned(), (*value).into())).collect();
        let detectors = [Detector::Os, Detector::Process, Detector::Host];
        let resource = Resource::resolve_at(root(&files).path(), &detectors, &environment(variables), code);
        resource.0.into_iter().map(|attribute| (attribute.key.to_string(), attribute.value)).collect()
    }

    #[test]
    fn code_beats_service_name_beats_resource_attributes_beat_detectors() {
        let variables = [("OTEL_RESOURCE_ATTRIBUTES", "service.name=list,os.type=plan9,a=1"), ("OTEL_SERVICE_NAME", "name")];
        let resource = resolve(&variables, &[]);
        assert_eq!(text(&resource, "service.name"), "name");
        assert_eq!(text(&resource, "os.type"), "plan9");
        assert_eq!(text(&resource, "os.name"), "Acme");
        assert_eq!(text(&resource, "a"), "1");
        let resource = resolve(&variables, &[("service.name", "code"), ("a", "2"), ("host.name", "code")]);
        assert_eq!(text(&resource, "service.name"), "code");
        assert_eq!(text(&resource, "a"), "2");
        assert_eq!(text(&resource, "host.name"), "code");
        assert_eq!(text(&resolve(&variables[..1], &[]), "service.name"), "list");
        assert_eq!(text(&resolve(&[("OTEL_RESOURCE_ATTRIBUTES", "service.instance.id=7")], &[]), "service.instance.id"), "7");
    }

    #[test]
    fn each_value_knows_where_it_came_from() {
        let variables = environment(&[("OTEL_RESOURCE_ATTRIBUTES", "a=1,b=1"), ("OTEL_SERVICE_NAME", "name")]);
        let resource = Resource::resolve(&[Detector::Os], &variables, vec![("b".to_owned(), "2".into())]);
        let origin = |key: &str| resource.0.iter().find(|attribute| *attribute.key == *key).unwrap().origin.to_string();
        let keys = ["telemetry.sdk.name", "service.instance.id", "os.type", "a", "service.name", "b"];
        let origins = ["default", "detector service_instance", "detector os", "OTEL_RESOURCE_ATTRIBUTES", "OTEL_SERVICE_NAME", "code"];
        assert_eq!(keys.map(origin), origins.map(str::to_owned));
    }

    #[test]
    fn without_any_word_the_service_is_named_after_its_executable() {
        let resource = resolve(&[], &[]);
        assert_eq!(text(&resource, "service.name"), format!("unknown_service:{}", text(&resource, "process.executable.name")));
        assert_eq!(text(&resource, "telemetry.sdk.name"), "tracing-weaver");
        assert_eq!(text(&resource, "telemetry.sdk.language"), "rust");
        assert_eq!(text(&resource, "telemetry.sdk.version"), env!("CARGO_PKG_VERSION"));
    }

    #[test]
    fn the_instance_is_a_random_uuid_and_one_for_the_whole_process() {
        let id = text(&resolve(&[], &[]), "service.instance.id");
        assert_eq!(uuid::Uuid::parse_str(&id).map(|id| id.get_version_num()), Ok(4));
        assert_eq!(id, text(&resolve(&[], &[]), "service.instance.id"));
    }

    #[test]
    fn a_value_that_would_make_every_request_large_is_cut_and_named() {
        let list = format!("a={},b=short", "ä".repeat(MAX_BYTES));
        let resource = Resource::resolve(&[], &environment(&[("OTEL_RESOURCE_ATTRIBUTES", &list)]), Vec::new());
        let (resource, cut) = resource.bounded();
        assert_eq!(cut, ["a"]);
        let value = |key: &str| resource.0.iter().find(|attribute| *attribute.key == *key).unwrap().value.clone();
        assert_eq!(value("a"), Value::Str("ä".repeat(MAX_BYTES / 2).into()));
        assert_eq!(value("b"), Value::Str("short".into()));
        let half: Arc<str> = "x".repeat(MAX_BYTES / 2).into();
        let texts = |count| Value::StrArray(vec![half.clone(); count].into());
        assert_eq!((shortened(&texts(2)), shortened(&texts(3))), (None, Some(texts(2))));
    }

    #[test]
    fn a_detector_without_that_name_is_an_error_that_names_those_there_are() {
        let error = Detector::named("hots").unwrap_err().to_string();
        for name in ["service_instance", "env", "service_name", "host", "os", "process", "process_command_line", "container", "k8s"] {
            assert_eq!(Detector::named(name).unwrap().name(), name);
            assert!(error.contains("`hots`") && error.contains(&format!("`{name}`")), "{error}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_file_of_the_system_is_a_panic(text in proptest::prop_oneof![
            proptest::prelude::any::<String>(),
            "([0-9]{1,2}:[a-z,=]{0,8}:(/[a-z0-9.:_-]{0,70}){0,5}\n){0,4}",
            "([0-9 ]{4}8:1 (/(pods|containers|[a-f0-9-]{0,64})){0,6} / rw\n){0,4}",
            "[0-9]{1,3} \\(\\PC{0,9}\\)( -?[0-9]{1,21}){0,25}",
            "([A-Z_]{0,11}(=|VERSION_ID=|NAME=)[\"'\\\\a-z]{0,9}\n){0,6}btime [0-9]{0,22}\n",
        ]) {
            let files = ["proc/self/cgroup", "proc/self/mountinfo", "proc/self/stat", "proc/stat", "etc/os-release", "etc/machine-id", "etc/hosts"];
            let root = root(&files.map(|path| (path, text.as_str())));
            Resource::resolve_at(root.path(), &Detector::ALL, &environment(&[]), Vec::new());
        }
    }

    #[test]
    fn what_the_registry_calls_secret_or_personal_is_not_on_the_resource() {
        let registry = tracing_weaver_registry::yaml::load_sources(&[
            ("manifest.yaml", "schema_url: https://example.com/schemas/acme/1.0.0"),
            (
                "attributes.yaml",
                "file_format: definition/2
attributes:
  - key: acme.token
    type: string
    brief: A token.
    stability: development
    annotations: { tracing_weaver: { sensitivity: secret } }
  - key: acme.owner
    type: string
    brief: Who runs it.
    stability: development
    annotations: { tracing_weaver: { sensitivity: personal } }
",
            ),
        ])
        .unwrap();
        let code = [("acme.token", "t0k"), ("acme.owner", "someone"), ("acme.free", "x")].map(|(k, v)| (k.to_owned(), v.into()));
        let (attributes, withheld) = Resource::resolve(&[], &environment(&[]), code.into()).redacted(&registry);
        let value = |key: &str| attributes.iter().find(|known| *known.key == *key).map(|known| known.value.clone());
        assert_eq!(value("acme.token"), None);
        assert_eq!(value("acme.owner"), Some(Value::Str("[redacted:personal]".into())));
        assert_eq!(value("acme.free"), Some(Value::Str("x".into())));
        assert_eq!(withheld, ["acme.token", "acme.owner"]);
    }
}
