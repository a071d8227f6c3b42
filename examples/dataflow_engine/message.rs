//! What flows: blocks of files, lines, batches of lines, and orders to a node. Nodes make them and channels carry them. They
//! never know who tells about them.

use std::path::PathBuf;
use std::rc::Rc;

use crate::trace::Trace;

/// What a channel between two nodes carries.
pub(crate) trait Message {
    /// How many things are in it.
    fn items(&self) -> u64;
    /// How many bytes.
    fn size(&self) -> u64;
}

/// A message on its way, with the trace that it belongs to.
pub(crate) struct Parcel<T> {
    pub(crate) message: T,
    pub(crate) trace: Trace,
}

/// A piece of a file.
pub(crate) struct Block {
    pub(crate) bytes: Vec<u8>,
    pub(crate) ends_file: bool,
}

impl Message for Block {
    fn items(&self) -> u64 {
        1
    }
    fn size(&self) -> u64 {
        self.bytes.len() as u64
    }
}

/// Lines of text, one after the other in one buffer.
#[derive(Default)]
pub(crate) struct Lines {
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl Lines {
    /// Adds a line that may come in two parts.
    pub(crate) fn push(&mut self, head: &[u8], tail: &[u8]) {
        self.text.extend_from_slice(head);
        self.text.extend_from_slice(tail);
        self.ends.push(self.text.len());
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| &self.text[start..*end])
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
}

impl Message for Lines {
    fn items(&self) -> u64 {
        self.ends.len() as u64
    }
    fn size(&self) -> u64 {
        self.text.len() as u64
    }
}

/// Lines that travel together, shared by the exporters.
pub(crate) type Batch = Rc<Lines>;

impl Message for Batch {
    fn items(&self) -> u64 {
        Lines::items(self)
    }
    fn size(&self) -> u64 {
        Lines::size(self)
    }
}

/// What the controller tells a receiver.
pub(crate) enum Order {
    /// Read these files.
    Read(Vec<PathBuf>),
    /// Finish what is there, then end.
    Drain(DrainReason),
}

/// Why a pipeline is to drain.
#[derive(Clone, Copy)]
pub(crate) enum DrainReason {
    /// A pipeline of a new configuration takes its place.
    Reload,
    /// The process is to end.
    Shutdown,
}

impl DrainReason {
    /// As the registry spells it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            DrainReason::Reload => "reload",
            DrainReason::Shutdown => "shutdown",
        }
    }
}

/// What became of some work.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was done.
    Success,
    /// It was tried and not done.
    Failure,
    /// There was no room for it.
    Refused,
}

impl Outcome {
    /// As the registry spells it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Outcome::Success => "success",
            Outcome::Failure => "failure",
            Outcome::Refused => "refused",
        }
    }
}
