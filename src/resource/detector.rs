//! Detectors by name: which there are, and what each finds.
//! Start-up asks for them by the names that code gives; the resource asks each what it finds.
//! A detector that finds nothing gives nothing: none fails, waits, or starts a program.

use std::path::Path;

use super::found::Found;
use super::{container, host, k8s, os, process};
use crate::config::Environment;
use crate::error::Error;

/// Finds out what the program runs as and on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detector {
    /// A random id of this start of the process; always on.
    ServiceInstance,
    /// `OTEL_RESOURCE_ATTRIBUTES`; always on.
    Env,
    /// `OTEL_SERVICE_NAME`; always on.
    ServiceName,
    /// The machine.
    Host,
    /// The operating system.
    Os,
    /// The process.
    Process,
    /// What the process was started with: its own choice, since arguments hold secrets and paths hold names.
    ProcessCommandLine,
    /// The container.
    Container,
    /// The pod.
    K8s,
}

impl Detector {
    /// All there are.
    pub(crate) const ALL: [Detector; 9] = [
        Detector::ServiceInstance,
        Detector::Env,
        Detector::ServiceName,
        Detector::Host,
        Detector::Os,
        Detector::Process,
        Detector::ProcessCommandLine,
        Detector::Container,
        Detector::K8s,
    ];

    /// Those that are always on.
    pub(crate) const DEFAULT: [Detector; 3] = [Detector::ServiceInstance, Detector::Env, Detector::ServiceName];

    /// The detector of a name.
    pub(crate) fn named(name: &str) -> Result<Detector, Error> {
        let found = Detector::ALL.into_iter().find(|detector| detector.name() == name);
        found.ok_or_else(|| Error::UnknownDetector { name: name.to_owned() })
    }

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Detector::ServiceInstance => "service_instance",
            Detector::Env => "env",
            Detector::ServiceName => "service_name",
            Detector::Host => "host",
            Detector::Os => "os",
            Detector::Process => "process",
            Detector::ProcessCommandLine => "process_command_line",
            Detector::Container => "container",
            Detector::K8s => "k8s",
        }
    }

    /// What it gives, for the page in `docs/`; Markdown.
    #[cfg(test)]
    pub(crate) fn gives(self) -> &'static str {
        match self {
            Detector::ServiceInstance => "`service.instance.id`, random for each start of the process. Always on.",
            Detector::Env => "What `OTEL_RESOURCE_ATTRIBUTES` says. Always on.",
            Detector::ServiceName => "`service.name`, from `OTEL_SERVICE_NAME`. Always on.",
            Detector::Host => {
                "`host.id` (`/etc/machine-id`, `/var/lib/dbus/machine-id`, `/etc/hostid`; in a container that of the image, if it has one), \
                 `host.name`, `host.arch`."
            }
            Detector::Os => {
                "`os.type`; `os.description`, `os.name`, `os.version` from `os-release`; `os.build_id` from there or the kernel's release."
            }
            Detector::Process => {
                "`process.pid`, `process.creation.time` (Linux), `process.executable.name`, `process.runtime.name` = `rustc` and \
                 `process.runtime.version`, that of the compiler. Neither arguments nor paths."
            }
            Detector::ProcessCommandLine => {
                "`process.command`, `process.command_args`, `process.executable.path`. Arguments hold secrets and paths hold names of people, \
                 more often than one thinks: ask for it only where you know yours."
            }
            Detector::Container => {
                "`container.id`, from the control group (versions 1 and 2), or from what Docker and Podman mount. containerd under version 2 tells \
                 a container nothing: then there is none."
            }
            Detector::K8s => {
                "`k8s.pod.name`, `k8s.pod.uid`, `k8s.namespace.name`, `k8s.node.name`, `k8s.container.name`, `k8s.deployment.name`, \
                 `k8s.cluster.name`: from the variables below, else from a volume of the downward API at `/etc/podinfo` (files `name`, `uid`, \
                 `namespace`), else from what the kubelet mounts. The node, the deployment and the cluster are known from variables alone."
            }
        }
    }

    /// What it finds under a root of the file system. What the environment says by itself is read elsewhere.
    pub(super) fn detect(self, root: &Path, environment: &Environment) -> Found {
        match self {
            Detector::ServiceInstance | Detector::Env | Detector::ServiceName => Vec::new(),
            Detector::Host => host::detect(root),
            Detector::Os => os::detect(root),
            Detector::Process => process::detect(root),
            Detector::ProcessCommandLine => process::command_line(),
            Detector::Container => container::detect(root),
            Detector::K8s => k8s::detect(root, &environment.pod),
        }
    }
}
