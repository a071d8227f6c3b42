//! Cuts blocks of files into lines. The pipeline puts it behind the receiver. It never joins lines of two files.

use super::processor::Processor;
use crate::message::{Block, Lines};

const LONGEST_LINE: usize = 64 * 1024;

/// Keeps the beginning of a line until its end comes.
#[derive(Default)]
pub(crate) struct ParseLines {
    begun: Vec<u8>,
}

impl Processor for ParseLines {
    type In = Block;
    type Out = Lines;

    fn process(&mut self, block: Block, made: &mut Vec<Lines>) {
        let mut lines = Lines::default();
        let mut parts = block.bytes.split(|byte| *byte == b'\n').peekable();
        while let Some(part) = parts.next() {
            let ends_here = parts.peek().is_some() || self.begun.len() + part.len() > LONGEST_LINE;
            if ends_here {
                lines.push(&self.begun, part);
                self.begun.clear();
            } else {
                self.begun.extend_from_slice(part);
            }
        }
        if block.ends_file && !self.begun.is_empty() {
            lines.push(&self.begun, b"");
            self.begun.clear();
        }
        if !lines.is_empty() {
            made.push(lines);
        }
    }

    fn keeps(&self) -> bool {
        !self.begun.is_empty()
    }
}
