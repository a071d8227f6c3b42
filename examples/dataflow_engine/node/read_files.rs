//! Reads the files that the controller orders. The pipeline puts it first. It never ends over a file that it cannot read: it says so
//! and goes on with the next.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Instant;

use tracing::field::Empty;
use tracing::{Level, Span, event, info_span};

use super::output::Output;
use super::{Amount, Processed, Progress, SIGNAL, Work};
use crate::channel::control::Orders;
use crate::channel::local::Sender;
use crate::error_type::error_type;
use crate::message::{Block, Message, Order, Outcome};
use crate::tally::Tally;
use crate::trace::{Trace, failed};

const BLOCK: usize = 16 * 1024;

/// The order that is being carried out: the files that are left, and the one that is open.
pub(crate) struct ReadFiles {
    pipeline: Span,
    orders: Orders,
    output: Output<Block>,
    reading: bool,
    files: VecDeque<PathBuf>,
    open: Option<OpenFile>,
    draining: bool,
    /// Blocks that were read, and at which of them a trace begins.
    blocks: u64,
    trace_every: u64,
}

struct OpenFile {
    path: PathBuf,
    file: File,
    read: u64,
}

impl ReadFiles {
    pub(crate) fn new(pipeline: &Span, orders: Orders, output: Sender<Block>, trace_every: u64) -> ReadFiles {
        ReadFiles {
            pipeline: pipeline.clone(),
            orders,
            output: Output::new(output),
            reading: false,
            files: VecDeque::new(),
            open: None,
            draining: false,
            blocks: 0,
            trace_every,
        }
    }

    /// Reads a block, in a trace of its own if it is its turn.
    fn read_on(&mut self, mut open: OpenFile, tally: &mut Tally) {
        let since = Instant::now();
        let traced = self.trace_every > 0 && self.blocks.is_multiple_of(self.trace_every);
        self.blocks += 1;
        let span = if traced {
            info_span!(
                "otelcol.batch.receive",
                otelcol.signal = SIGNAL,
                otelcol.batch.size = Empty,
                error.r#type = Empty,
                otel.status_code = Empty
            )
        } else {
            Span::none()
        };
        let _in_span = span.enter();

        let mut bytes = Vec::with_capacity(BLOCK);
        let read = open.file.by_ref().take(BLOCK as u64).read_to_end(&mut bytes);
        open.read += bytes.len() as u64;
        let block = Block { ends_file: read.is_err() || bytes.len() < BLOCK, bytes };
        span.record("otelcol.batch.size", block.items());
        let outcome = if read.is_ok() { Outcome::Success } else { Outcome::Failure };
        Processed { outcome, consumed: Amount::default(), produced: Amount::of(&block), since }.tell(tally);
        let ends_file = block.ends_file;
        self.output.put(block, Trace::current());

        if let Err(error) = read {
            failed(&span, error_type(&error));
            file_failed(&open.path, &error);
        } else if ends_file {
            let path = shown(&open.path);
            event!(name: "otelcol.node.file.complete", Level::DEBUG, file.path = %path.display(), file.size = open.read);
        } else {
            self.open = Some(open);
        }
    }

    fn take_order(&mut self, order: Order) {
        match order {
            Order::Read(files) => {
                self.reading = true;
                self.files.extend(files);
            }
            Order::Drain(reason) => {
                self.draining = true;
                // Of the pipeline, so not of this node or its channel.
                event!(
                    name: "otelcol.pipeline.drain.start",
                    parent: &self.pipeline,
                    Level::INFO,
                    otelcol.drain.reason = reason.name()
                );
            }
        }
    }
}

impl Work for ReadFiles {
    fn run(&mut self, tally: &mut Tally) -> Progress {
        while self.output.flush(tally) {
            if let Some(file) = self.open.take() {
                self.read_on(file, tally);
            } else if let Some(path) = self.files.pop_front() {
                match open(&path) {
                    Ok(file) => self.open = Some(OpenFile { path, file, read: 0 }),
                    Err(error) => file_failed(&path, &error),
                }
            } else if self.reading {
                self.reading = false;
                event!(name: "otelcol.node.order.complete", Level::DEBUG, otelcol.order.r#type = "read");
            } else if self.draining {
                event!(name: "otelcol.node.order.complete", Level::DEBUG, otelcol.order.r#type = "drain");
                return Progress::Done;
            } else {
                match self.orders.receive(tally) {
                    Some(order) => self.take_order(order),
                    None => return Progress::Waiting,
                }
            }
        }
        Progress::Blocked
    }

    fn orders(&mut self) -> Option<&mut Orders> {
        Some(&mut self.orders)
    }
}

/// Opens what can be read to an end: a device or a pipe might have none.
fn open(path: &Path) -> io::Result<File> {
    let kind = std::fs::metadata(path)?;
    if kind.is_file() || kind.is_dir() { File::open(path) } else { Err(io::ErrorKind::Unsupported.into()) }
}

fn file_failed(path: &Path, error: &io::Error) {
    event!(name: "otelcol.node.file.fail", Level::WARN, file.path = %shown(path).display(), error.r#type = error_type(error));
}

/// As short as it is clear.
fn shown(path: &Path) -> &Path {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(here).unwrap_or(path)
}
