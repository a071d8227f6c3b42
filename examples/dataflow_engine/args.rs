//! What the command line says. `main` parses it and hands it down. It never touches the file system.

use std::ffi::OsString;
use std::path::PathBuf;

use lexopt::prelude::*;

/// What the run is to be.
#[derive(Debug, Clone)]
pub(crate) struct Args {
    /// Files and folders to read.
    pub(crate) paths: Vec<PathBuf>,
    /// How often each file is read.
    pub(crate) rounds: u32,
    /// Engine threads.
    pub(crate) threads: usize,
    /// Configurations: the first one, and one for each reload.
    pub(crate) configs: Vec<PathBuf>,
    /// Rounds from one reload to the next; 0: none.
    pub(crate) reload_after: u32,
    /// Share of the tries of the exporter `gzip_file` that fail, from 0 to 1.
    pub(crate) fail: f64,
    /// Where compressed files stay; none: a temporary folder that is removed at the end.
    pub(crate) out: Option<PathBuf>,
}

/// What the command line asks for.
pub(crate) enum Command {
    /// To run.
    Run(Args),
    /// To print this.
    Help(&'static str),
}

const HELP: &str = "\
Reads files through a small dataflow engine that tells about itself through `tracing` alone.

usage: dataflow_engine [PATH…] [--rounds N] [--threads N] [--config FILE]… [--reload-after N] [--fail RATE] [--out DIR]

  PATH…        files and folders to read (default: the tree of the repository that this was built in);
               hidden names and `target` folders below a folder are passed over
  --rounds N   read everything N times (default: 8)
  --threads N  engine threads, each bound to a core where the system allows it (default: one per core)
  --config FILE
               `batch_lines`, `batch_bytes` and `trace_every` (every how many blocks a trace begins), each `= N` on a line of its
               own (default: 512, 65536, 16); given again, the next reload takes the next one
  --reload-after N
               reload the configuration after every N rounds but the last, while files are read; 0: never (default: 4)
  --fail RATE  share of the gzip exporter's tries that fail, from 0 to 1 (default: 0); always the same ones
  --out DIR    keep the compressed files there (default: a temporary folder, removed at the end)

The last line on stdout is `engine-count` and a JSON object: the total of each counter and updowncounter
that was recorded, by metric name, added up in plain variables beside the work. Gauges and histograms
have no total and are not in it.
";

impl Args {
    /// Reads the command line, program name first.
    pub(crate) fn parse(line: impl IntoIterator<Item = OsString>) -> Result<Command, lexopt::Error> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let mut args = Args { paths: Vec::new(), rounds: 8, threads: cores, configs: Vec::new(), reload_after: 4, fail: 0.0, out: None };
        let mut parser = lexopt::Parser::from_iter(line);
        while let Some(arg) = parser.next()? {
            match arg {
                Long("rounds") => args.rounds = parser.value()?.parse()?,
                Long("threads") => args.threads = parser.value()?.parse_with(|text| within(text, 1, 1024))?,
                Long("config") => args.configs.push(parser.value()?.into()),
                Long("reload-after") => args.reload_after = parser.value()?.parse()?,
                Long("fail") => args.fail = parser.value()?.parse_with(|text| within(text, 0.0, 1.0))?,
                Long("out") => args.out = Some(parser.value()?.into()),
                Long("help") | Short('h') => return Ok(Command::Help(HELP)),
                Value(path) => args.paths.push(path.into()),
                other => return Err(other.unexpected()),
            }
        }
        if args.paths.is_empty() {
            args.paths.push(env!("CARGO_MANIFEST_DIR").into());
        }
        Ok(Command::Run(args))
    }
}

fn within<T>(text: &str, least: T, most: T) -> Result<T, String>
where
    T: std::str::FromStr<Err: ToString> + PartialOrd + std::fmt::Display,
{
    let value: T = text.parse().map_err(|error: T::Err| error.to_string())?;
    if value >= least && value <= most { Ok(value) } else { Err(format!("expected a number from {least} to {most}")) }
}
