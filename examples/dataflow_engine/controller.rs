//! The thread that starts the engine's threads and tells them what to read. `main` calls it. It never touches data.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::args::Args;
use crate::channel::control;
use crate::engine::{self, Plan};
use crate::message::Order;
use crate::tally::Tally;
use crate::walk;

const FILES_AN_ORDER: usize = 16;

/// What a run did.
pub(crate) struct Run {
    pub(crate) tally: Tally,
    pub(crate) failed_pipelines: usize,
    threads: usize,
    files: usize,
    rounds: u32,
    took: Duration,
    results: Vec<String>,
}

/// Reads all files, as often as asked, through one pipeline on each engine thread.
pub(crate) fn run(args: &Args) -> std::io::Result<Run> {
    let files = walk::files(&args.paths);
    let started = Instant::now();

    let temporary = tempfile::tempdir()?;
    let out = args.out.clone().unwrap_or_else(|| temporary.path().to_owned());
    let plan = Arc::new(Plan { threads: args.threads, fail: args.fail, out });

    let (senders, cores): (Vec<_>, Vec<_>) = (1..=args.threads)
        .map(|number| {
            let (sender, receiver) = control::channel("read_files");
            let plan = plan.clone();
            let core = thread::Builder::new().name(format!("engine-{number}")).spawn(move || engine::run(number, receiver, &plan));
            core.map(|core| (sender, core))
        })
        .collect::<Result<Vec<_>, _>>()?
        .into_iter()
        .unzip();

    let mut tally = Tally::default();
    give_orders(&senders, &files, args.rounds, &mut tally);
    drop(senders);

    let mut results = Vec::new();
    let mut failed_pipelines = 0;
    for core in cores {
        let done = core.join().map_err(|_| std::io::Error::other("an engine thread panicked"))?;
        tally.merge(&done.tally);
        results.extend(done.results);
        failed_pipelines += usize::from(done.failed);
    }
    Ok(Run { tally, failed_pipelines, threads: args.threads, files: files.len(), rounds: args.rounds, took: started.elapsed(), results })
}

/// Deals the files out in turn, so that every thread has about as many. A thread that is behind holds the controller back.
fn give_orders(senders: &[control::Sender], files: &[PathBuf], rounds: u32, tally: &mut Tally) {
    for _ in 0..rounds {
        for (part, sender) in files.chunks(FILES_AN_ORDER).zip(senders.iter().cycle()) {
            sender.send(Order::Read(part.to_vec()), tally);
        }
    }
    for sender in senders {
        sender.send(Order::Drain, tally);
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Run { threads, files, rounds, took, .. } = self;
        write!(f, "{files} files, {rounds} rounds, {threads} engine threads, {:.3} s", took.as_secs_f64())?;
        self.results.iter().try_for_each(|result| write!(f, "\n  {result}"))
    }
}
