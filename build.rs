//! Tells the crate which compiler makes it, for the resource attribute `process.runtime.version`.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let version = std::env::var_os("RUSTC").and_then(|rustc| Command::new(rustc).arg("--version").output().ok());
    let version = version.and_then(|output| String::from_utf8(output.stdout).ok()).unwrap_or_default();
    // "rustc 1.88.0 (…)"
    let version = version.split_ascii_whitespace().nth(1).unwrap_or_default();
    println!("cargo::rustc-env=WEAVER_BUILD_RUSTC={version}");
}
