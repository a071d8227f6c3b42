//! Sends each batch to several exporters. The pipeline puts it behind the batcher. It never copies a batch: the exporters share it.

use std::time::Instant;

use tracing::{Level, event};

use super::output::Output;
use super::{Amount, Progress, Work, processed};
use crate::channel::local::{Received, Receiver, Sender};
use crate::message::{Batch, Message, Outcome};
use crate::tally::Tally;

/// One input and several outputs.
pub(crate) struct FanOut {
    input: Receiver<Batch>,
    outputs: Vec<Output<Batch>>,
}

impl FanOut {
    pub(crate) fn new(input: Receiver<Batch>, outputs: impl IntoIterator<Item = Sender<Batch>>) -> FanOut {
        FanOut { input, outputs: outputs.into_iter().map(Output::new).collect() }
    }

    /// One full channel holds back all exporters, but each gets what it has room for.
    fn flush(&mut self, tally: &mut Tally) -> bool {
        let mut all_went = true;
        for output in &mut self.outputs {
            all_went &= output.flush(tally);
        }
        all_went
    }

    fn hand_on(&mut self, batch: &Batch, tally: &mut Tally) {
        let since = Instant::now();
        let exporters = self.outputs.len() as u64;
        for output in &mut self.outputs {
            output.put(batch.clone());
        }
        tally.batches_inflight.add(exporters);
        event!(name: "otelcol.node.batch.start", Level::TRACE, signal = "logs", batches = exporters, items = batch.items());

        let produced = Amount { items: Some(batch.items() * exporters), bytes: Some(batch.size() * exporters) };
        processed(Outcome::Success, Amount::of(batch), produced, since, tally);
    }
}

impl Work for FanOut {
    fn run(&mut self, tally: &mut Tally) -> Progress {
        while self.flush(tally) {
            match self.input.receive(tally) {
                Received::Message(batch) => self.hand_on(&batch, tally),
                Received::Empty => return Progress::Waiting,
                Received::Closed => return Progress::Done,
            }
        }
        Progress::Blocked
    }
}
