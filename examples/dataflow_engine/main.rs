//! A small dataflow engine with a thread per core, and the reference of how a program emits: `tracing` macros alone, and the
//! start-up lines below.
//!
//! ```text
//! cargo run --release --example dataflow_engine -- --help
//! ```

mod args;
mod channel;
mod config;
mod controller;
mod engine;
mod error_type;
mod group;
mod message;
mod node;
mod pipeline;
mod tally;
mod trace;
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
        .detectors(["host", "os", "process"])
        .install()?;

    let run = controller::run(&args);

    if let Ok(run) = &run {
        println!("{run}");
    }
    telemetry.shutdown(Duration::from_secs(5));
    let run = run?;
    if let Some(fault) = &run.fault {
        eprintln!("dataflow_engine: {fault}");
    }
    println!("engine-count {}", run.tally);
    Ok(if run.fault.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
