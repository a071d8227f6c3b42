//! Drops lines that no reader would want. The pipeline puts it behind the parser. It never changes a line that it keeps.

use super::processor::Processor;
use crate::message::Lines;

/// Keeps lines that are UTF-8 and not blank.
pub(crate) struct TextOnly;

impl Processor for TextOnly {
    type In = Lines;
    type Out = Lines;

    fn process(&mut self, lines: Lines, made: &mut Vec<Lines>) {
        let mut kept = Lines::default();
        for line in lines.iter() {
            if std::str::from_utf8(line).is_ok_and(|text| !text.trim().is_empty()) {
                kept.push(line, b"");
            }
        }
        if !kept.is_empty() {
            made.push(kept);
        }
    }
}
