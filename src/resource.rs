//! The resource: who emits, once for all signals and sinks.
//! Start-up resolves it from detectors, environment and code, in that order; the later wins.
//! It reads no variable itself, starts no program, and puts nothing on the resource that the registry calls secret or personal.

use std::sync::{Arc, OnceLock};

use tracing_weaver_layers::{Redaction, Value};
use tracing_weaver_registry::model::ResolvedRegistry;

use crate::config::Environment;
use crate::error::Error;

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

/// Attributes in the order in which their keys first came.
#[derive(Debug, Default)]
pub(crate) struct Resource(Vec<(Arc<str>, Value)>);

impl Resource {
    /// The resource that detectors, environment and code give together.
    pub(crate) fn resolve(detectors: &[Detector], environment: &Environment, code: Vec<(String, ResourceValue)>) -> Resource {
        let mut resource = Resource::default();
        resource.text("service.name", &format!("unknown_service:{}", executable()));
        resource.text("service.instance.id", instance_id());
        resource.text("telemetry.sdk.name", "tracing-weaver");
        resource.text("telemetry.sdk.language", "rust");
        resource.text("telemetry.sdk.version", env!("CARGO_PKG_VERSION"));
        detectors.iter().for_each(|detector| detector.detect(&mut resource));
        environment.resource.iter().for_each(|(key, value)| resource.text(key, value));
        if let Some(name) = &environment.service_name {
            resource.text("service.name", name);
        }
        code.into_iter().for_each(|(key, value)| resource.set(&key, value.0));
        resource
    }

    /// What of it may leave under a registry; keys that were withheld or changed come beside it.
    pub(crate) fn redacted(self, registry: &ResolvedRegistry) -> (Vec<(Arc<str>, Value)>, Vec<String>) {
        let mut withheld = Vec::new();
        let mut attributes = Vec::with_capacity(self.0.len());
        let redaction = Redaction::of(registry);
        for (key, value) in self.0 {
            match redaction.value(&key, &value) {
                Some(same) if same == value => attributes.push((key, value)),
                safe => {
                    withheld.push(key.to_string());
                    attributes.extend(safe.map(|safe| (key, safe)));
                }
            }
        }
        (attributes, withheld)
    }

    fn text(&mut self, key: &str, text: &str) {
        self.set(key, Value::Str(text.into()));
    }

    fn set(&mut self, key: &str, value: Value) {
        match self.0.iter_mut().find(|(known, _)| **known == *key) {
            Some((_, old)) => *old = value,
            None => self.0.push((key.into(), value)),
        }
    }
}

/// Finds out what the program runs as and on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detector {
    /// What is always there: nothing is left to do.
    Always,
    /// The machine's name.
    Host,
    /// The operating system's type.
    Os,
    /// The process's number and executable.
    Process,
}

impl Detector {
    /// The detector of a name.
    pub(crate) fn named(name: &str) -> Result<Detector, Error> {
        match name {
            "service_instance" | "env" | "service_name" => Ok(Detector::Always),
            "host" if cfg!(target_os = "linux") => Ok(Detector::Host),
            "os" => Ok(Detector::Os),
            "process" => Ok(Detector::Process),
            "host" | "container" | "k8s" => Err(Error::DetectorNotBuilt { name: name.to_owned() }),
            _ => Err(Error::UnknownDetector { name: name.to_owned() }),
        }
    }

    fn detect(self, resource: &mut Resource) {
        match self {
            Detector::Always => {}
            Detector::Host => {
                if let Ok(name) = std::fs::read_to_string("/proc/sys/kernel/hostname") {
                    resource.text("host.name", name.trim());
                }
            }
            Detector::Os => resource.text("os.type", os_type(std::env::consts::OS)),
            Detector::Process => {
                resource.set("process.pid", Value::Int(i64::from(std::process::id())));
                resource.text("process.executable.name", &executable());
            }
        }
    }
}

/// OpenTelemetry's name of a system, where it is not Rust's own.
fn os_type(os: &str) -> &str {
    match os {
        "macos" => "darwin",
        "dragonfly" => "dragonflybsd",
        os => os,
    }
}

fn executable() -> String {
    let path = std::env::current_exe().ok().or_else(|| std::env::args_os().next().map(Into::into));
    path.as_deref().and_then(|path| path.file_name()).map_or_else(|| "unknown".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// Random, and the same for everything in this process.
fn instance_id() -> &'static str {
    static ID: OnceLock<String> = OnceLock::new();
    ID.get_or_init(|| uuid::Uuid::new_v4().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(variables: &'static [(&str, &str)], code: &[(&str, &str)]) -> Vec<(String, Value)> {
        let get = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        let environment = Environment::read("X", &get);
        let code = code.iter().map(|(key, value)| ((*key).to_owned(), (*value).into())).collect();
        let detectors = [Detector::Os, Detector::Process];
        Resource::resolve(&detectors, &environment, code).0.into_iter().map(|(key, value)| (key.to_string(), value)).collect()
    }

    fn text(resource: &[(String, Value)], key: &str) -> String {
        let values: Vec<_> = resource.iter().filter(|(known, _)| known == key).collect();
        match values[..] {
            [(_, Value::Str(text))] => text.to_string(),
            _ => panic!("{key}: {values:?}"),
        }
    }

    #[test]
    fn code_beats_service_name_beats_resource_attributes_beat_detectors() {
        let variables = &[("OTEL_RESOURCE_ATTRIBUTES", "service.name=list,os.type=plan9,a=1"), ("OTEL_SERVICE_NAME", "name")];
        let resource = resolve(variables, &[]);
        assert_eq!(text(&resource, "service.name"), "name");
        assert_eq!(text(&resource, "os.type"), "plan9");
        assert_eq!(text(&resource, "a"), "1");
        let resource = resolve(variables, &[("service.name", "code"), ("a", "2")]);
        assert_eq!(text(&resource, "service.name"), "code");
        assert_eq!(text(&resource, "a"), "2");
        assert_eq!(text(&resolve(&variables[..1], &[]), "service.name"), "list");
    }

    #[test]
    fn without_any_word_the_service_is_named_after_its_executable() {
        let resource = resolve(&[], &[]);
        assert_eq!(text(&resource, "service.name"), format!("unknown_service:{}", text(&resource, "process.executable.name")));
        assert_eq!(text(&resource, "telemetry.sdk.name"), "tracing-weaver");
        assert_eq!(text(&resource, "telemetry.sdk.language"), "rust");
        assert_eq!(text(&resource, "telemetry.sdk.version"), env!("CARGO_PKG_VERSION"));
        assert!(resource.contains(&("process.pid".to_owned(), Value::Int(i64::from(std::process::id())))));
    }

    #[test]
    fn the_instance_is_a_random_uuid_and_one_for_the_whole_process() {
        let id = text(&resolve(&[], &[]), "service.instance.id");
        assert_eq!(uuid::Uuid::parse_str(&id).map(|id| id.get_version_num()), Ok(4));
        assert_eq!(id, text(&resolve(&[], &[]), "service.instance.id"));
    }

    #[test]
    fn a_detector_without_that_name_is_an_error_that_names_those_there_are() {
        let error = Detector::named("hots").unwrap_err().to_string();
        assert!(error.contains("`hots`") && error.contains("`host`"), "{error}");
        let error = Detector::named("k8s").unwrap_err().to_string();
        assert!(error.contains("`k8s`") && error.contains("not built"), "{error}");
        for name in ["service_instance", "env", "service_name"] {
            assert_eq!(Detector::named(name).unwrap(), Detector::Always);
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
        let environment = Environment::read("X", &|_| None);
        let (attributes, withheld) = Resource::resolve(&[], &environment, code.into()).redacted(&registry);
        let value = |key: &str| attributes.iter().find(|(known, _)| **known == *key).map(|(_, value)| value.clone());
        assert_eq!(value("acme.token"), None);
        assert_eq!(value("acme.owner"), Some(Value::Str("[redacted:personal]".into())));
        assert_eq!(value("acme.free"), Some(Value::Str("x".into())));
        assert_eq!(withheld, ["acme.token", "acme.owner"]);
    }
}
