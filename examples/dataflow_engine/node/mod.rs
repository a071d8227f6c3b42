//! Nodes: what they do, and the frame that runs them and tells about it. The pipeline makes and runs them. A node never waits: it
//! works until it has nothing to take or nowhere to put it.

mod batch;
mod checksum;
mod exporter;
mod fan_out;
mod filter;
mod gzip_file;
mod output;
mod parse_lines;
mod processor;
mod read_files;

pub(crate) use batch::Batcher;
pub(crate) use checksum::Checksum;
pub(crate) use exporter::ExporterNode;
pub(crate) use fan_out::FanOut;
pub(crate) use filter::TextOnly;
pub(crate) use gzip_file::GzipFile;
pub(crate) use parse_lines::ParseLines;
pub(crate) use processor::ProcessorNode;
pub(crate) use read_files::ReadFiles;

use std::io;
use std::time::Instant;

use tracing::{Level, Span, event, info_span};

use crate::channel::control::Orders;
use crate::error_type::error_type;
use crate::message::{Message, Outcome};
use crate::tally::Tally;

/// What flows through these nodes.
const SIGNAL: &str = "logs";

/// Tries to start a node.
const STARTS: u64 = 2;

/// A node's span, which is the node's entity for as long as it lives.
pub(crate) struct NodeSpan {
    pub(crate) id: &'static str,
    pub(crate) span: Span,
}

impl NodeSpan {
    pub(crate) fn open(pipeline: &Span, id: &'static str, role: &'static str, urn: &'static str) -> NodeSpan {
        let span = info_span!(
            parent: pipeline,
            "otelcol.node",
            otelcol.node.id = id,
            otelcol.node.urn = urn,
            otelcol.node.r#type = role
        );
        NodeSpan { id, span }
    }

    /// Makes what the node cannot do without, in a few tries.
    pub(crate) fn start<T>(&self, mut make: impl FnMut() -> io::Result<T>) -> io::Result<T> {
        let _in_node = self.span.enter();
        let mut attempt = 1;
        loop {
            event!(name: "otelcol.node.start", Level::INFO, otelcol.node.start.attempt = attempt);
            match make() {
                Err(error) if attempt == STARTS => {
                    event!(name: "otelcol.node.fail", Level::ERROR, error.r#type = error_type(&error));
                    return Err(error);
                }
                Err(_) => attempt += 1,
                made => return made,
            }
        }
    }
}

/// Where a node stands after it ran.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// It has nothing to take.
    Waiting,
    /// It has something that the next node has no room for.
    Blocked,
    /// It has ended.
    Done,
}

/// What a node does.
pub(crate) trait Work {
    /// Works until there is nothing to take or nowhere to put it.
    fn run(&mut self, tally: &mut Tally) -> Progress;

    /// Where it is told what to do, as long as it may be told something.
    fn orders(&mut self) -> Option<&mut Orders> {
        None
    }

    /// What it has to show for itself at the end.
    fn result(&mut self) -> Option<String> {
        None
    }
}

/// A node of a pipeline.
pub(crate) struct Node {
    span: NodeSpan,
    work: Option<Box<dyn Work>>,
    result: Option<String>,
}

impl Node {
    /// A node that has been started.
    pub(crate) fn new(span: NodeSpan, work: impl Work + 'static) -> Node {
        Node { span, work: Some(Box::new(work)), result: None }
    }

    /// Starts a node that needs nothing but its channels.
    pub(crate) fn start(span: NodeSpan, work: impl Work + 'static) -> Node {
        span.span.in_scope(|| event!(name: "otelcol.node.start", Level::INFO, otelcol.node.start.attempt = 1));
        Node::new(span, work)
    }

    pub(crate) fn run(&mut self, tally: &mut Tally) -> Progress {
        let Some(work) = &mut self.work else { return Progress::Done };
        let _in_node = self.span.span.enter();
        let progress = work.run(tally);
        if progress == Progress::Done {
            self.result = work.result().map(|result| format!("{}: {result}", self.span.id));
            event!(name: "otelcol.node.complete", Level::INFO, {});
            self.work = None;
        }
        progress
    }

    pub(crate) fn orders(&mut self) -> Option<&mut Orders> {
        self.work.as_mut()?.orders()
    }

    /// What it has to show for itself, once it is done.
    pub(crate) fn result(&mut self) -> Option<String> {
        self.result.take()
    }
}

/// Items and bytes of a message, kept while the message itself moves on.
#[derive(Clone, Copy, Default)]
struct Amount {
    items: Option<u64>,
    bytes: Option<u64>,
}

impl Amount {
    fn of(message: &impl Message) -> Amount {
        Amount { items: Some(message.items()), bytes: Some(message.size()) }
    }

    fn of_all<'a, T: Message + 'a>(messages: impl IntoIterator<Item = &'a T>) -> Amount {
        let (items, bytes) = messages.into_iter().fold((0, 0), |(items, bytes), m| (items + m.items(), bytes + m.size()));
        Amount { items: Some(items), bytes: Some(bytes) }
    }
}

/// What became of one message.
struct Processed {
    outcome: Outcome,
    consumed: Amount,
    produced: Amount,
    since: Instant,
}

impl Processed {
    /// Tells it of the node in force, and counts it.
    fn tell(self, tally: &mut Tally) {
        let Processed { outcome, consumed, produced, since } = self;
        let failed = if outcome == Outcome::Failure { consumed } else { Amount::default() };
        let counts = [
            (&mut tally.consumed_items, consumed.items),
            (&mut tally.consumed_bytes, consumed.bytes),
            (&mut tally.produced_items, produced.items),
            (&mut tally.produced_bytes, produced.bytes),
            (&mut tally.failed_items, failed.items),
            (&mut tally.failed_bytes, failed.bytes),
        ];
        for (total, amount) in counts {
            if let Some(amount) = amount {
                total.add(amount);
            }
        }
        event!(
            name: "otelcol.node.process",
            Level::TRACE,
            signal = SIGNAL,
            outcome = outcome.name(),
            consumed_items = consumed.items,
            consumed_bytes = consumed.bytes,
            produced_items = produced.items,
            produced_bytes = produced.bytes,
            failed_items = failed.items,
            failed_bytes = failed.bytes,
            duration = since.elapsed().as_secs_f64()
        );
    }
}
