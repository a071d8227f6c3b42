//! The detector `host`: `host.id`, `host.name`, `host.arch`.
//! The table of detectors calls it.
//! It asks no cloud and no network.

use std::path::Path;

use tracing_weaver_layers::Value;

use super::file;
use super::found::Found;

/// Where systems keep the id of the machine: systemd, D-Bus, FreeBSD.
const IDS: [&str; 3] = ["etc/machine-id", "var/lib/dbus/machine-id", "etc/hostid"];

/// What is known of the machine.
pub(super) fn detect(root: &Path) -> Found {
    let id = IDS.iter().filter_map(|path| file::text(root, path)).find(|id| is_id(id));
    let found = [("host.id", id), ("host.name", name(root)), ("host.arch", Some(architecture(std::env::consts::ARCH).to_owned()))];
    found.into_iter().filter_map(|(key, value)| Some((key, Value::Str(value?.into())))).collect()
}

/// Before the first start of a system its file says `uninitialized`.
fn is_id(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_hexdigit).count();
    digits == 32 && text.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
}

fn name(root: &Path) -> Option<String> {
    file::text(root, "proc/sys/kernel/hostname").or_else(node_name)
}

#[cfg(unix)]
fn node_name() -> Option<String> {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    (!name.is_empty()).then_some(name)
}

#[cfg(not(unix))]
fn node_name() -> Option<String> {
    None
}

/// OpenTelemetry's name of an architecture, where it is not Rust's own.
fn architecture(rust: &str) -> &str {
    match rust {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "arm" => "arm32",
        "powerpc" => "ppc32",
        "powerpc64" => "ppc64",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::tests::{root, text};

    #[test]
    fn a_machine_is_known_by_its_id_its_name_and_its_architecture() {
        let root = root(&[("etc/machine-id", "f5c6f0b2e0d84b8e9d3f4a1b2c3d4e5f\n"), ("proc/sys/kernel/hostname", "build-7\n")]);
        let found = detect(root.path());
        assert_eq!(text(&found, "host.id"), "f5c6f0b2e0d84b8e9d3f4a1b2c3d4e5f");
        assert_eq!(text(&found, "host.name"), "build-7");
        assert_eq!(text(&found, "host.arch"), architecture(std::env::consts::ARCH));
    }

    #[test]
    fn what_is_no_id_is_not_taken_for_one_and_the_next_place_is_asked() {
        let root = root(&[("etc/machine-id", "uninitialized"), ("var/lib/dbus/machine-id", "00000000000000000000000000000001")]);
        assert_eq!(text(&detect(root.path()), "host.id"), "00000000000000000000000000000001");
        let root = self::root(&[("etc/machine-id", "")]);
        assert!(!detect(root.path()).iter().any(|(key, _)| *key == "host.id"));
    }

    #[test]
    fn architectures_have_the_names_of_the_conventions() {
        assert_eq!(["x86_64", "aarch64", "arm", "s390x", "riscv64"].map(architecture), ["amd64", "arm64", "arm32", "s390x", "riscv64"]);
    }
}
