//! One engine thread: bound to a core where the system allows it, it runs its pipeline to the end. The controller starts it.
//! It never shares data with another engine thread.

use std::path::PathBuf;

use tracing::{Level, event, info_span};

use crate::channel::control;
use crate::pipeline;
use crate::tally::Tally;

/// What all engine threads are told.
pub(crate) struct Plan {
    /// How many there are.
    pub(crate) threads: usize,
    /// Share of the tries of the exporter `gzip_file` that fail.
    pub(crate) fail: f64,
    /// Where compressed files go.
    pub(crate) out: PathBuf,
}

/// What an engine thread leaves behind.
#[derive(Default)]
pub(crate) struct Done {
    pub(crate) tally: Tally,
    pub(crate) results: Vec<String>,
    /// Whether its pipeline could not be built.
    pub(crate) failed: bool,
}

/// Runs the thread's pipeline until it is told to drain.
pub(crate) fn run(number: usize, orders: control::Receiver, plan: &Plan) -> Done {
    let cpu = bind(number);
    let numa_node = cpu.and_then(numa_node);
    let engine =
        info_span!("otelcol.engine", thread.id = number as u64, cpu.logical_number = cpu, otelcol.numa_node.logical_number = numa_node);
    let _in_engine = engine.enter();
    event!(name: "otelcol.engine.start", Level::INFO, otelcol.engine.count = plan.threads as u64);

    let mut done = Done::default();
    pipeline::run(number, orders, plan, &mut done);
    done.results.iter_mut().for_each(|result| result.insert_str(0, &format!("engine {number} ")));
    done
}

/// Binds the calling thread to one of the CPUs that the process may use.
fn bind(number: usize) -> Option<u64> {
    let cpus = core_affinity::get_core_ids()?;
    let cpu = *cpus.get((number - 1) % cpus.len().max(1))?;
    core_affinity::set_for_current(cpu).then_some(cpu.id as u64)
}

/// The memory node of a CPU, as Linux tells it.
fn numa_node(cpu: u64) -> Option<u64> {
    let entries = std::fs::read_dir(format!("/sys/devices/system/cpu/cpu{cpu}")).ok()?;
    entries.flatten().find_map(|entry| entry.file_name().to_str()?.strip_prefix("node")?.parse().ok())
}
