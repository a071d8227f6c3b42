//! Sends each batch to several exporters. The pipeline puts it behind the batcher. It never copies a batch: the exporters share it.

use std::time::Instant;

use tracing::{Level, event, info_span};

use super::output::Output;
use super::{Amount, Processed, Progress, SIGNAL, Work};
use crate::channel::local::{Received, Receiver, Sender};
use crate::message::{Batch, Message, Outcome, Parcel};
use crate::tally::Tally;
use crate::trace::Trace;

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

    fn hand_on(&mut self, Parcel { message: batch, trace }: Parcel<Batch>, tally: &mut Tally) {
        let since = Instant::now();
        let (items, exporters) = (batch.items(), self.outputs.len() as u64);
        let _in_span = trace.follow(|| info_span!("otelcol.batch.process", otelcol.signal = SIGNAL, otelcol.batch.size = items)).entered();
        for output in &mut self.outputs {
            output.put(batch.clone(), Trace::current());
        }
        tally.batches_inflight.add(exporters);
        event!(name: "otelcol.node.batch.start", Level::TRACE, signal = SIGNAL, batches = exporters, items);

        let produced = Amount { items: Some(items * exporters), bytes: Some(batch.size() * exporters) };
        Processed { outcome: Outcome::Success, consumed: Amount::of(&batch), produced, since }.tell(tally);
    }
}

impl Work for FanOut {
    fn run(&mut self, tally: &mut Tally) -> Progress {
        while self.flush(tally) {
            match self.input.receive(tally) {
                Received::Message(parcel) => self.hand_on(parcel, tally),
                Received::Empty => return Progress::Waiting,
                Received::Closed => return Progress::Done,
            }
        }
        Progress::Blocked
    }
}
