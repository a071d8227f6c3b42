//! Gathers lines into batches. The pipeline puts it before the exporters. It never keeps lines back past the end of the data.

use std::rc::Rc;

use super::processor::Processor;
use crate::message::{Batch, Lines, Message};

/// Gives out a batch once it has enough lines or bytes.
pub(crate) struct Batcher {
    gathered: Lines,
    enough_lines: u64,
    enough_bytes: u64,
}

impl Batcher {
    pub(crate) fn new(enough_lines: u64, enough_bytes: u64) -> Batcher {
        Batcher { gathered: Lines::default(), enough_lines, enough_bytes }
    }
}

impl Processor for Batcher {
    type In = Lines;
    type Out = Batch;

    fn process(&mut self, lines: Lines, made: &mut Vec<Batch>) {
        for line in lines.iter() {
            self.gathered.push(line, b"");
            if self.gathered.items() >= self.enough_lines || self.gathered.size() >= self.enough_bytes {
                self.finish(made);
            }
        }
    }

    fn keeps(&self) -> bool {
        !self.gathered.is_empty()
    }

    fn finish(&mut self, made: &mut Vec<Batch>) {
        if !self.gathered.is_empty() {
            made.push(Rc::new(std::mem::take(&mut self.gathered)));
        }
    }
}
