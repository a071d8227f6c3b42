//! The detector `os`: `os.type`, and `os.description`, `os.name`, `os.version`, `os.build_id` where the system says them.
//! The table of detectors calls it.
//! It describes the system that the process sees: in a container that is the image's.

use std::path::Path;

use tracing_weaver_layers::Value;

use super::file;
use super::found::Found;

/// What is known of the operating system.
pub(super) fn detect(root: &Path) -> Found {
    let release = file::text(root, "etc/os-release").or_else(|| file::text(root, "usr/lib/os-release")).unwrap_or_default();
    let said = |key: &str| value(&release, key);
    let found = [
        ("os.type", Some(os_type(std::env::consts::OS).to_owned())),
        ("os.description", said("PRETTY_NAME").or_else(kernel)),
        ("os.name", said("NAME")),
        ("os.version", said("VERSION_ID")),
        ("os.build_id", said("BUILD_ID").or_else(|| file::text(root, "proc/sys/kernel/osrelease"))),
    ];
    found.into_iter().filter_map(|(key, value)| Some((key, Value::Str(value?.into())))).collect()
}

/// OpenTelemetry's name of a system, where it is not Rust's own.
fn os_type(rust: &str) -> &str {
    match rust {
        "macos" => "darwin",
        "dragonfly" => "dragonflybsd",
        other => other,
    }
}

/// A value of an `os-release` file: bare, or in quotes as a shell would have it.
fn value(release: &str, key: &str) -> Option<String> {
    let assigned = |line: &str| Some(line.trim().strip_prefix(key)?.strip_prefix('=')?.to_owned());
    let value = release.lines().filter_map(assigned).next_back()?;
    let quoted = ['"', '\''].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote));
    let mut out = String::new();
    let mut chars = quoted.unwrap_or(&value).chars();
    while let Some(c) = chars.next() {
        out.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    (!out.is_empty()).then_some(out)
}

#[cfg(unix)]
fn kernel() -> Option<String> {
    let uname = rustix::system::uname();
    Some(format!("{} {}", uname.sysname().to_string_lossy(), uname.release().to_string_lossy()))
}

#[cfg(not(unix))]
fn kernel() -> Option<String> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::tests::{root, text};

    #[test]
    fn a_system_is_described_by_its_os_release() {
        let release = "NAME=\"Acme Linux\"\nVERSION_ID='12'\nPRETTY_NAME=\"Acme \\\"Linux\\\" 12\"\n# NAME=x\nHOME_URL=y\n";
        let root = root(&[("usr/lib/os-release", release), ("proc/sys/kernel/osrelease", "6.1.0-7\n")]);
        let found = detect(root.path());
        assert_eq!(text(&found, "os.type"), os_type(std::env::consts::OS));
        assert_eq!(text(&found, "os.name"), "Acme Linux");
        assert_eq!(text(&found, "os.version"), "12");
        assert_eq!(text(&found, "os.description"), "Acme \"Linux\" 12");
        assert_eq!(text(&found, "os.build_id"), "6.1.0-7");
    }

    #[test]
    fn a_build_of_the_release_file_goes_before_the_kernels() {
        let root = root(&[("etc/os-release", "BUILD_ID=rolling"), ("proc/sys/kernel/osrelease", "6.1.0")]);
        assert_eq!(text(&detect(root.path()), "os.build_id"), "rolling");
    }

    #[test]
    fn a_system_that_says_nothing_has_a_type_all_the_same() {
        let found = detect(root(&[("etc/os-release", "NAME=\nVERSION_ID=\"\"")]).path());
        assert_eq!(text(&found, "os.type"), os_type(std::env::consts::OS));
        assert!(!found.iter().any(|(key, _)| *key == "os.name" || *key == "os.version"), "{found:?}");
        assert_eq!(os_type("macos"), "darwin");
    }
}
