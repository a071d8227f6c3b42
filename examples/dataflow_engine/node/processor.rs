//! The frame of a processor: it takes messages from one channel and sends what comes of them to another. The pipeline makes it around
//! a [`Processor`]. It never takes a message before the last one's results have gone.

use std::time::Instant;

use super::output::Output;
use super::{Amount, Progress, Work, processed};
use crate::channel::local::{Received, Receiver, Sender};
use crate::message::{Message, Outcome};
use crate::tally::Tally;

/// What a processor does with one message.
pub(crate) trait Processor {
    type In: Message;
    type Out: Message;

    fn process(&mut self, message: Self::In, made: &mut Vec<Self::Out>);

    /// Gives out what was kept back, when no more messages will come.
    fn finish(&mut self, _made: &mut Vec<Self::Out>) {}
}

/// A processor with its channels.
pub(crate) struct ProcessorNode<P: Processor> {
    processor: P,
    input: Receiver<P::In>,
    output: Output<P::Out>,
    made: Vec<P::Out>,
    finished: bool,
}

impl<P: Processor> ProcessorNode<P> {
    pub(crate) fn new(processor: P, input: Receiver<P::In>, output: Sender<P::Out>) -> Self {
        ProcessorNode { processor, input, output: Output::new(output), made: Vec::new(), finished: false }
    }

    fn give_out(&mut self, consumed: Amount, since: Instant, tally: &mut Tally) {
        processed(Outcome::Success, consumed, Amount::of_all(&self.made), since, tally);
        self.made.drain(..).for_each(|message| self.output.put(message));
    }
}

impl<P: Processor> Work for ProcessorNode<P> {
    fn run(&mut self, tally: &mut Tally) -> Progress {
        while self.output.flush(tally) {
            if self.finished {
                return Progress::Done;
            }
            match self.input.receive(tally) {
                Received::Message(message) => {
                    let since = Instant::now();
                    let consumed = Amount::of(&message);
                    self.processor.process(message, &mut self.made);
                    self.give_out(consumed, since, tally);
                }
                Received::Empty => return Progress::Waiting,
                Received::Closed => {
                    let since = Instant::now();
                    self.processor.finish(&mut self.made);
                    if !self.made.is_empty() {
                        self.give_out(Amount::default(), since, tally);
                    }
                    self.finished = true;
                }
            }
        }
        Progress::Blocked
    }
}
