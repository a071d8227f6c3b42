//! The frame of an exporter: it takes batches, tries each a few times, and says what it gave up. The pipeline makes it around an
//! [`Exporter`]. It never holds the pipeline back over a batch that fails.

use std::time::Instant;

use tracing::{Level, event};

use super::{Amount, Progress, Work, processed};
use crate::channel::local::{Received, Receiver};
use crate::message::{Batch, Lines, Message, Outcome};
use crate::tally::Tally;

const TRIES: u64 = 2;

/// What an exporter does with one batch.
pub(crate) trait Exporter {
    /// Takes the lines out; says how many bytes it wrote somewhere, if it writes, or the class of what went wrong.
    fn export(&mut self, lines: &Lines) -> Result<Option<u64>, &'static str>;

    /// What it has to show for itself at the end.
    fn result(&mut self) -> String;
}

/// An exporter with its channel.
pub(crate) struct ExporterNode<E> {
    exporter: E,
    input: Receiver<Batch>,
}

impl<E: Exporter> ExporterNode<E> {
    pub(crate) fn new(exporter: E, input: Receiver<Batch>) -> Self {
        ExporterNode { exporter, input }
    }

    fn take_out(&mut self, batch: &Batch, tally: &mut Tally) {
        let since = Instant::now();
        let mut attempt = 1;
        let written = loop {
            match self.exporter.export(batch) {
                Err(class) if attempt < TRIES => {
                    tally.retries.add(1);
                    event!(name: "otelcol.node.batch.retry", Level::DEBUG, attempt, error.r#type = class);
                    attempt += 1;
                }
                done => break done,
            }
        };
        tally.batches_inflight.subtract(1);
        let outcome = match written {
            Ok(_) => {
                event!(name: "otelcol.node.batch.complete", Level::TRACE, signal = "logs");
                Outcome::Success
            }
            Err(class) => {
                event!(name: "otelcol.node.batch.fail", Level::WARN, signal = "logs", attempt, items = batch.items(), error.r#type = class);
                Outcome::Failure
            }
        };
        let produced = Amount { items: None, bytes: written.unwrap_or(None) };
        processed(outcome, Amount::of(batch), produced, since, tally);
    }
}

impl<E: Exporter> Work for ExporterNode<E> {
    fn run(&mut self, tally: &mut Tally) -> Progress {
        loop {
            match self.input.receive(tally) {
                Received::Message(batch) => self.take_out(&batch, tally),
                Received::Empty => return Progress::Waiting,
                Received::Closed => return Progress::Done,
            }
        }
    }

    fn result(&mut self) -> Option<String> {
        Some(self.exporter.result())
    }
}
