//! One engine thread: bound to a core where the system allows it, it runs its pipelines in turns until all have ended. The controller
//! starts it, the group tells it which pipelines to start. It never shares data with another engine thread.

use std::path::PathBuf;
use std::time::Instant;

use tracing::{Level, event, info_span};

use crate::channel::control;
use crate::config::Config;
use crate::node::Progress;
use crate::pipeline::Pipeline;
use crate::tally::Tally;
use crate::trace::Trace;

/// What all engine threads are told.
pub(crate) struct Plan {
    /// How many there are.
    pub(crate) threads: usize,
    /// Share of the tries of the exporter `gzip_file` that fail.
    pub(crate) fail: f64,
    /// Where compressed files go.
    pub(crate) out: PathBuf,
}

/// To start a pipeline.
pub(crate) struct Start {
    pub(crate) config: Config,
    /// The pipeline's control channel.
    pub(crate) orders: control::Receiver,
    /// What it is started for.
    pub(crate) trace: Trace,
    /// Where to say whether it runs, or the class of what went wrong.
    pub(crate) started: flume::Sender<Result<(), &'static str>>,
}

/// What an engine thread leaves behind.
#[derive(Default)]
pub(crate) struct Done {
    pub(crate) tally: Tally,
    pub(crate) results: Vec<String>,
}

/// Runs pipelines until none is left and none will come.
pub(crate) fn run(number: usize, starts: &flume::Receiver<Start>, plan: &Plan) -> Done {
    let cpu = bind(number);
    let numa_node = cpu.and_then(numa_node);
    let engine =
        info_span!("otelcol.engine", thread.id = number as u64, cpu.logical_number = cpu, otelcol.numa_node.logical_number = numa_node);
    let _in_engine = engine.enter();
    let since = Instant::now();
    event!(name: "otelcol.engine.start", Level::INFO, otelcol.engine.count = plan.threads as u64);
    if cpu.is_none() {
        event!(name: "otelcol.engine.bind.fail", Level::WARN, error.r#type = "not_allowed");
    }

    let mut done = Done::default();
    let mut pipelines: Vec<Pipeline> = Vec::new();
    let mut all_wait = true;
    loop {
        if all_wait {
            let waits = Instant::now();
            let mut orders: Vec<_> = pipelines.iter_mut().filter_map(Pipeline::orders).collect();
            let start = control::wait(&mut orders, starts);
            event!(name: "otelcol.engine.wait.complete", Level::TRACE, duration = waits.elapsed().as_secs_f64());
            pipelines.extend(start.and_then(|start| Pipeline::start(number, start, plan, &mut done.tally)));
        }
        pipelines.extend(starts.try_iter().filter_map(|start| Pipeline::start(number, start, plan, &mut done.tally)));
        if pipelines.is_empty() && starts.is_disconnected() {
            break;
        }
        all_wait = turn(&mut pipelines, &mut done);
    }
    done.results.iter_mut().for_each(|result| result.insert_str(0, &format!("engine {number} ")));
    event!(name: "otelcol.engine.complete", Level::INFO, duration = since.elapsed().as_secs_f64());
    done
}

/// Lets every pipeline work once; says whether there is nothing to do before something comes from outside.
fn turn(pipelines: &mut Vec<Pipeline>, done: &mut Done) -> bool {
    let since = Instant::now();
    let mut all_wait = true;
    pipelines.retain_mut(|pipeline| {
        let progress = pipeline.turn(done);
        all_wait &= progress != Progress::Blocked;
        progress != Progress::Done
    });
    done.tally.turns.add(1);
    event!(name: "otelcol.engine.turn.complete", Level::TRACE, duration = since.elapsed().as_secs_f64());
    all_wait
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
