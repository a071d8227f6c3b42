//! The frame of a processor: it takes messages from one channel and sends what comes of them to another. The pipeline makes it around
//! a [`Processor`]. It never takes a message before the last one's results have gone.

use std::time::Instant;

use tracing::info_span;

use super::output::Output;
use super::{Amount, Processed, Progress, SIGNAL, Work};
use crate::channel::local::{Received, Receiver, Sender};
use crate::message::{Message, Outcome, Parcel};
use crate::tally::Tally;
use crate::trace::Trace;

/// What a processor does with one message.
pub(crate) trait Processor {
    type In: Message;
    type Out: Message;

    fn process(&mut self, message: Self::In, made: &mut Vec<Self::Out>);

    /// Whether it keeps back something that a later message goes on with.
    fn keeps(&self) -> bool {
        false
    }

    /// Gives out what was kept back, when no more messages will come.
    fn finish(&mut self, _made: &mut Vec<Self::Out>) {}
}

/// A processor with its channels.
pub(crate) struct ProcessorNode<P: Processor> {
    processor: P,
    input: Receiver<P::In>,
    output: Output<P::Out>,
    made: Vec<P::Out>,
    /// The trace of what is kept back.
    kept: Trace,
    finished: bool,
}

impl<P: Processor> ProcessorNode<P> {
    pub(crate) fn new(processor: P, input: Receiver<P::In>, output: Sender<P::Out>) -> Self {
        let output = Output::new(output);
        ProcessorNode { processor, input, output, made: Vec::new(), kept: Trace::default(), finished: false }
    }

    fn process(&mut self, parcel: Parcel<P::In>, tally: &mut Tally) {
        let since = Instant::now();
        let consumed = Amount::of(&parcel.message);
        let size = parcel.message.items();
        let span = parcel.trace.follow(|| info_span!("otelcol.batch.process", otelcol.signal = SIGNAL, otelcol.batch.size = size));
        let _in_span = span.entered();
        self.processor.process(parcel.message, &mut self.made);
        self.give_out(consumed, since, tally);
    }

    /// Hands on what was made: in the trace of this message, else in that of one before whose content it has.
    fn give_out(&mut self, consumed: Amount, since: Instant, tally: &mut Tally) {
        let outcome = Outcome::Success;
        Processed { outcome, consumed, produced: Amount::of_all(&self.made), since }.tell(tally);
        let here = Trace::current();
        for message in self.made.drain(..) {
            let trace = if here.is_some() { here.clone() } else { std::mem::take(&mut self.kept) };
            self.output.put(message, trace);
        }
        if here.is_some() && self.processor.keeps() {
            self.kept = here;
        }
    }

    fn finish(&mut self, tally: &mut Tally) {
        let since = Instant::now();
        self.processor.finish(&mut self.made);
        if !self.made.is_empty() {
            self.give_out(Amount::default(), since, tally);
        }
        self.finished = true;
    }
}

impl<P: Processor> Work for ProcessorNode<P> {
    fn run(&mut self, tally: &mut Tally) -> Progress {
        while self.output.flush(tally) {
            if self.finished {
                return Progress::Done;
            }
            match self.input.receive(tally) {
                Received::Message(parcel) => self.process(parcel, tally),
                Received::Empty => return Progress::Waiting,
                Received::Closed => self.finish(tally),
            }
        }
        Progress::Blocked
    }
}
