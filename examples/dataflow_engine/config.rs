//! What pipelines are told when they are built, read from a small file. The group reads it. It never guesses: a line that it cannot
//! read is a fault, and the group goes on as it was.
//!
//! ```text
//! # Lines and bytes at which a batch is full, and which of the blocks that are read begins a trace (every 16th; 0: none).
//! batch_lines = 512
//! batch_bytes = 65536
//! trace_every = 16
//! ```

use std::fmt;
use std::path::Path;

use crate::error_type::error_type;

/// A configuration. What a file does not say is as it is without one.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    /// Which one it is, counted from 1.
    pub(crate) generation: u64,
    pub(crate) batch_lines: u64,
    pub(crate) batch_bytes: u64,
    pub(crate) trace_every: u64,
}

/// What is wrong with a file.
#[derive(Debug)]
pub(crate) struct Fault {
    /// A word of a small set.
    pub(crate) class: &'static str,
    /// The line that is wrong, counted from 1.
    pub(crate) line: Option<u64>,
}

impl Config {
    /// Reads a file; none is a configuration too.
    pub(crate) fn read(path: Option<&Path>, generation: u64) -> Result<Config, Fault> {
        let text = match path {
            Some(path) => std::fs::read_to_string(path).map_err(|error| Fault { class: error_type(&error), line: None })?,
            None => String::new(),
        };
        let mut config = Config { generation, batch_lines: 512, batch_bytes: 64 * 1024, trace_every: 16 };
        for (line, number) in text.lines().zip(1..) {
            config.take(line).map_err(|class| Fault { class, line: Some(number) })?;
        }
        Ok(config)
    }

    fn take(&mut self, line: &str) -> Result<(), &'static str> {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            return Ok(());
        }
        let (key, value) = line.split_once('=').ok_or("not_a_setting")?;
        let value: u64 = value.trim().parse().map_err(|_| "not_a_number")?;
        match key.trim() {
            "batch_lines" => self.batch_lines = value,
            "batch_bytes" => self.batch_bytes = value,
            "trace_every" => self.trace_every = value,
            _ => return Err("unknown_setting"),
        }
        Ok(())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line} of the configuration: {}", self.class),
            None => write!(f, "the configuration: {}", self.class),
        }
    }
}
