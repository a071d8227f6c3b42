//! The detectors `process` and `process_command_line`.
//! The table of detectors calls them; the resource asks for the executable's name, too.
//! The command line and the path of the executable are never given by `process`: they hold secrets and names.

use std::path::{Path, PathBuf};

use tracing_weaver_layers::Value;

use super::file;
use super::found::Found;

/// Number, creation, executable and compiler of this process.
pub(super) fn detect(root: &Path) -> Found {
    let mut found = vec![("process.pid", Value::Int(i64::from(std::process::id())))];
    found.extend(creation_time(root).map(|time| ("process.creation.time", Value::Str(time.into()))));
    found.push(("process.executable.name", Value::Str(executable_name().into())));
    found.push(("process.runtime.name", Value::Str("rustc".into())));
    let version = env!("WEAVER_BUILD_RUSTC");
    found.extend((!version.is_empty()).then(|| ("process.runtime.version", Value::Str(version.into()))));
    found
}

/// Command, arguments and path.
pub(super) fn command_line() -> Found {
    let arguments: Vec<_> = std::env::args_os().map(|argument| argument.to_string_lossy().into()).collect();
    let mut found = Vec::new();
    found.extend(arguments.first().cloned().map(|command| ("process.command", Value::Str(command))));
    found.push(("process.command_args", Value::StrArray(arguments.into())));
    found.extend(executable().map(|path| ("process.executable.path", Value::Str(path.to_string_lossy().into()))));
    found
}

/// The name of the program's file; `unknown` where the system does not say it.
pub(super) fn executable_name() -> String {
    let path = executable().or_else(|| std::env::args_os().next().map(Into::into));
    path.as_deref().and_then(Path::file_name).map_or_else(|| "unknown".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// Linux marks the path of a program whose file was replaced while it ran.
fn executable() -> Option<PathBuf> {
    let path = std::env::current_exe().ok()?;
    let unmarked = path.to_str().and_then(|text| text.strip_suffix(" (deleted)")).map(PathBuf::from);
    Some(unmarked.filter(|_| cfg!(target_os = "linux")).unwrap_or(path))
}

/// When the process was created, as Linux counts it: ticks since the machine was started.
fn creation_time(root: &Path) -> Option<String> {
    let stat = file::text(root, "proc/self/stat")?;
    // The second field is a name in parentheses, which may hold anything.
    let (_, fields) = stat.rsplit_once(')')?;
    let ticks: u64 = fields.split_ascii_whitespace().nth(19)?.parse().ok()?;
    let machine = file::text(root, "proc/stat")?;
    let started: u64 = machine.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()?;
    let millis = started.checked_mul(1000)?.checked_add(ticks.checked_mul(1000)?.checked_div(ticks_per_second()?)?)?;
    let time = std::time::UNIX_EPOCH.checked_add(std::time::Duration::from_millis(millis))?;
    // The library writes years of four digits only.
    (millis < 253_402_300_800_000).then(|| humantime::format_rfc3339_millis(time).to_string())
}

#[cfg(unix)]
fn ticks_per_second() -> Option<u64> {
    Some(rustix::param::clock_ticks_per_second())
}

#[cfg(not(unix))]
fn ticks_per_second() -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::tests::{root, text};

    #[cfg(unix)]
    #[test]
    fn a_process_is_known_by_its_number_and_its_creation() {
        let ticks = rustix::param::clock_ticks_per_second();
        let stat = format!("7 (a b) c) S 1 1 1 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 {} 1 1", 3 * ticks / 2);
        let root = root(&[("proc/self/stat", &stat), ("proc/stat", "cpu 1 2 3\nbtime 1700558733\n")]);
        let found = detect(root.path());
        assert!(found.contains(&("process.pid", Value::Int(i64::from(std::process::id())))));
        assert_eq!(text(&found, "process.creation.time"), "2023-11-21T09:25:34.500Z");
        assert_eq!(text(&found, "process.executable.name"), executable_name());
        assert_eq!(text(&found, "process.runtime.name"), "rustc");
        assert!(text(&found, "process.runtime.version").starts_with("1."), "{found:?}");
        assert!(!found.iter().any(|(key, _)| key.contains("command") || key.contains("path")), "{found:?}");
    }

    #[test]
    fn a_system_that_does_not_say_when_says_nothing() {
        for (stat, machine) in [
            ("", "btime 1"),
            ("1 (a) S 1", "btime 1"),
            ("1 (a) S 1 1 1 0 -1 4 1 0 0 0 0 0 0 0 20 0 1 0 99999999999999999999 1", "btime 1"),
            ("1 (a) S 1 1 1 0 -1 4 1 0 0 0 0 0 0 0 20 0 1 0 1 1", "btime 99999999999999999"),
        ] {
            let root = root(&[("proc/self/stat", stat), ("proc/stat", machine)]);
            assert_eq!(creation_time(root.path()), None, "{stat} {machine}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_was_created_a_while_ago() {
        let time = humantime::parse_rfc3339(&creation_time(Path::new("/")).unwrap()).unwrap();
        let age = std::time::SystemTime::now().duration_since(time).unwrap_or_default();
        assert!(age < std::time::Duration::from_secs(86_400), "{age:?}");
    }

    #[test]
    fn the_command_line_comes_by_its_own_detector() {
        let found = command_line();
        let arguments: Vec<std::sync::Arc<str>> = std::env::args().map(Into::into).collect();
        assert_eq!(text(&found, "process.command"), &*arguments[0]);
        assert!(found.contains(&("process.command_args", Value::StrArray(arguments.into()))));
        assert!(text(&found, "process.executable.path").ends_with(&executable_name()));
    }
}
