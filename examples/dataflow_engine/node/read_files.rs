//! Reads the files that the controller orders. The pipeline puts it first. It never ends over a file that it cannot read: it says so
//! and goes on with the next.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Instant;

use tracing::{Level, event};

use super::output::Output;
use super::{Amount, Progress, Work, error_type, processed};
use crate::channel::control::Orders;
use crate::channel::local::Sender;
use crate::message::{Block, Order, Outcome};
use crate::tally::Tally;

const BLOCK: usize = 16 * 1024;

/// The files to read, and the one that is open.
pub(crate) struct ReadFiles {
    orders: Orders,
    output: Output<Block>,
    files: VecDeque<PathBuf>,
    open: Option<(PathBuf, File)>,
    draining: bool,
}

impl ReadFiles {
    pub(crate) fn new(orders: Orders, output: Sender<Block>) -> ReadFiles {
        ReadFiles { orders, output: Output::new(output), files: VecDeque::new(), open: None, draining: false }
    }

    fn read_on(&mut self, path: PathBuf, mut file: File, tally: &mut Tally) {
        let since = Instant::now();
        let mut bytes = Vec::with_capacity(BLOCK);
        let read = file.by_ref().take(BLOCK as u64).read_to_end(&mut bytes);
        let block = Block { ends_file: read.is_err() || bytes.len() < BLOCK, bytes };
        let outcome = if read.is_ok() { Outcome::Success } else { Outcome::Failure };
        processed(outcome, Amount::default(), Amount::of(&block), since, tally);
        if let Err(error) = read {
            file_failed(&path, &error);
        } else if !block.ends_file {
            self.open = Some((path, file));
        }
        self.output.put(block);
    }
}

impl Work for ReadFiles {
    fn run(&mut self, tally: &mut Tally) -> Progress {
        while self.output.flush(tally) {
            if let Some((path, file)) = self.open.take() {
                self.read_on(path, file, tally);
            } else if let Some(path) = self.files.pop_front() {
                match open(&path) {
                    Ok(file) => self.open = Some((path, file)),
                    Err(error) => file_failed(&path, &error),
                }
            } else if self.draining {
                return Progress::Done;
            } else {
                match self.orders.receive(tally) {
                    Some(Order::Read(files)) => self.files.extend(files),
                    Some(Order::Drain) => self.draining = true,
                    None => return Progress::Waiting,
                }
            }
        }
        Progress::Blocked
    }

    fn wait(&mut self) {
        self.orders.wait();
    }
}

/// Opens what can be read to an end: a device or a pipe might have none.
fn open(path: &Path) -> io::Result<File> {
    let kind = std::fs::metadata(path)?;
    if kind.is_file() || kind.is_dir() { File::open(path) } else { Err(io::ErrorKind::Unsupported.into()) }
}

fn file_failed(path: &Path, error: &io::Error) {
    let here = std::env::current_dir().unwrap_or_default();
    let path = path.strip_prefix(here).unwrap_or(path);
    event!(name: "otelcol.node.file.fail", Level::WARN, file.path = %path.display(), error.r#type = error_type(error));
}
