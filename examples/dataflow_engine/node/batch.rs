//! Gathers lines into batches. The pipeline puts it before the exporters. It never keeps lines back past the end of the data.

use std::rc::Rc;

use super::processor::Processor;
use crate::message::{Batch, Lines, Message};

const MOST_LINES: u64 = 512;
const MOST_BYTES: u64 = 64 * 1024;

/// Gives out a batch once it has enough lines or bytes.
#[derive(Default)]
pub(crate) struct Batcher {
    gathered: Lines,
}

impl Processor for Batcher {
    type In = Lines;
    type Out = Batch;

    fn process(&mut self, lines: Lines, made: &mut Vec<Batch>) {
        for line in lines.iter() {
            self.gathered.push(line, b"");
            if self.gathered.items() >= MOST_LINES || self.gathered.size() >= MOST_BYTES {
                self.finish(made);
            }
        }
    }

    fn finish(&mut self, made: &mut Vec<Batch>) {
        if !self.gathered.is_empty() {
            made.push(Rc::new(std::mem::take(&mut self.gathered)));
        }
    }
}
