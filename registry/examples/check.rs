//! Reads a registry and prints what it holds, or every fault: `cargo run -p tracing-weaver-registry --example check -- DIR`.

use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1) else {
        eprintln!("usage: check DIR");
        return ExitCode::from(2);
    };
    match tracing_weaver_registry::load(&folder) {
        Ok(registry) => {
            println!("{} {}", registry.name(), registry.version());
            println!(
                "{} attributes, {} entities, {} events, {} metrics in {} sets, {} spans, {} refinements",
                registry.attributes.len(),
                registry.entities.len(),
                registry.events.len(),
                registry.metrics.len(),
                registry.metric_sets.len(),
                registry.spans.len(),
                registry.refinements.len(),
            );
            ExitCode::SUCCESS
        }
        Err(errors) => {
            eprintln!("{errors}");
            ExitCode::FAILURE
        }
    }
}
