//! A small dataflow engine with a thread per core, and the reference of how a program emits: `tracing` macros alone, and the
//! start-up lines below.
//!
//! ```text
//! cargo run --release --example dataflow_engine -- [PATH…] [--rounds N] [--threads N] [--fail RATE] [--out DIR]
//! ```

mod args;
mod channel;
mod controller;
mod engine;
mod message;
mod node;
mod pipeline;
mod tally;
mod walk;

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use args::{Args, Command};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let args = match Args::parse(std::env::args_os()) {
        Ok(Command::Run(args)) => args,
        Ok(Command::Help(text)) => {
            print!("{text}");
            return Ok(ExitCode::SUCCESS);
        }
        Err(misuse) => {
            eprintln!("dataflow_engine: {misuse} (`--help` shows what there is)");
            return Ok(ExitCode::from(2));
        }
    };

    let telemetry = tracing_weaver::builder()
        .registry(concat!(env!("CARGO_MANIFEST_DIR"), "/registry/otelcol"))
        .service_name("dataflow_engine")
        .service_version(env!("CARGO_PKG_VERSION"))
        .install()?;

    let run = controller::run(&args);

    if let Ok(run) = &run {
        println!("{run}");
    }
    telemetry.shutdown(Duration::from_secs(5));
    let run = run?;
    println!("engine-count {}", run.tally);
    Ok(if run.failed_pipelines == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
