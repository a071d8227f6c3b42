//! The run as a whole: engine threads, rounds of reading, reloads in between, results. `main` calls it. It never touches data.

use std::fmt;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::args::Args;
use crate::engine::{self, Done, Plan, Start};
use crate::group::Group;
use crate::tally::Tally;
use crate::walk;

/// What a run did.
pub(crate) struct Run {
    pub(crate) tally: Tally,
    /// Why nothing was read.
    pub(crate) fault: Option<String>,
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
    let (engines, threads): (Vec<_>, Vec<_>) =
        (1..=args.threads).map(|number| start_engine(number, plan.clone())).collect::<Result<Vec<_>, _>>()?.into_iter().unzip();

    let mut tally = Tally::default();
    let mut group = Group::new(engines, args.configs.clone());
    let fault = group.start().err();
    if fault.is_none() {
        for round in 1..=args.rounds {
            group.read(&files, &mut tally);
            if args.reload_after > 0 && round % args.reload_after == 0 && round < args.rounds {
                group.reload(&mut tally);
            }
        }
    }
    group.end(&mut tally);

    let mut results = Vec::new();
    for thread in threads {
        let done = thread.join().map_err(|_| std::io::Error::other("an engine thread panicked"))?;
        tally.merge(&done.tally);
        results.extend(done.results);
    }
    Ok(Run { tally, fault, threads: args.threads, files: files.len(), rounds: args.rounds, took: started.elapsed(), results })
}

fn start_engine(number: usize, plan: Arc<Plan>) -> std::io::Result<(flume::Sender<Start>, JoinHandle<Done>)> {
    let (sender, starts) = flume::unbounded();
    let thread = thread::Builder::new().name(format!("engine-{number}")).spawn(move || engine::run(number, &starts, &plan))?;
    Ok((sender, thread))
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Run { threads, files, rounds, took, .. } = self;
        write!(f, "{files} files, {rounds} rounds, {threads} engine threads, {:.3} s", took.as_secs_f64())?;
        self.results.iter().try_for_each(|result| write!(f, "\n  {result}"))
    }
}
