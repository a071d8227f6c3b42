//! The frame of an exporter: it takes batches, tries each a few times, and says what it gave up. The pipeline makes it around an
//! [`Exporter`]. It never holds the pipeline back over a batch that fails.

use std::time::Instant;

use tracing::field::Empty;
use tracing::{Level, Span, event, info_span};

use super::{Amount, Processed, Progress, SIGNAL, Work};
use crate::channel::local::{Received, Receiver};
use crate::message::{Batch, Lines, Message, Outcome, Parcel};
use crate::tally::Tally;
use crate::trace::failed;

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

    fn take_out(&mut self, Parcel { message: batch, trace }: Parcel<Batch>, tally: &mut Tally) {
        let since = Instant::now();
        let span = trace.follow(|| {
            info_span!(
                "otelcol.batch.export",
                otelcol.signal = SIGNAL,
                otelcol.batch.size = batch.items(),
                otelcol.attempt = Empty,
                error.r#type = Empty,
                otel.status_code = Empty
            )
        });
        let _in_span = span.enter();
        let written = self.try_to_export(&batch, &span, tally);
        tally.batches_inflight.subtract(1);
        let outcome = if written.is_ok() { Outcome::Success } else { Outcome::Failure };
        let produced = Amount { items: None, bytes: written.unwrap_or_default() };
        Processed { outcome, consumed: Amount::of(&batch), produced, since }.tell(tally);
    }

    /// Tries a few times; says how many bytes were written somewhere.
    fn try_to_export(&mut self, batch: &Batch, span: &Span, tally: &mut Tally) -> Result<Option<u64>, ()> {
        let mut attempt = 1;
        loop {
            match self.exporter.export(batch) {
                Ok(written) => {
                    event!(name: "otelcol.node.batch.complete", Level::TRACE, signal = SIGNAL);
                    return Ok(written);
                }
                Err(class) if attempt < TRIES => {
                    tally.retries.add(1);
                    event!(name: "otelcol.node.batch.retry", Level::DEBUG, attempt, error.r#type = class);
                    attempt += 1;
                    span.record("otelcol.attempt", attempt);
                }
                Err(class) => {
                    failed(span, class);
                    event!(name: "otelcol.node.batch.fail", Level::WARN, signal = SIGNAL, attempt, items = batch.items(), error.r#type = class);
                    return Err(());
                }
            }
        }
    }
}

impl<E: Exporter> Work for ExporterNode<E> {
    fn run(&mut self, tally: &mut Tally) -> Progress {
        loop {
            match self.input.receive(tally) {
                Received::Message(parcel) => self.take_out(parcel, tally),
                Received::Empty => return Progress::Waiting,
                Received::Closed => return Progress::Done,
            }
        }
    }

    fn result(&mut self) -> Option<String> {
        Some(self.exporter.result())
    }
}
