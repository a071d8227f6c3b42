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

use crate::message::{Message, Outcome};
use crate::tally::Tally;

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

    /// Waits for something to do, where it can come from outside the pipeline.
    fn wait(&mut self) {}

    /// What it has to show for itself at the end.
    fn result(&mut self) -> Option<String> {
        None
    }
}

/// A node of a pipeline.
pub(crate) struct Node {
    span: NodeSpan,
    work: Option<Box<dyn Work>>,
}

impl Node {
    pub(crate) fn start(span: NodeSpan, work: impl Work + 'static) -> Node {
        span.span.in_scope(|| event!(name: "otelcol.node.start", Level::DEBUG, {}));
        Node { span, work: Some(Box::new(work)) }
    }

    pub(crate) fn run(&mut self, tally: &mut Tally, results: &mut Vec<String>) -> Progress {
        let Some(work) = &mut self.work else { return Progress::Done };
        let _in_node = self.span.span.enter();
        let progress = work.run(tally);
        if progress == Progress::Done {
            results.extend(work.result().map(|result| format!("{}: {result}", self.span.id)));
            event!(name: "otelcol.node.complete", Level::DEBUG, {});
            self.work = None;
        }
        progress
    }

    pub(crate) fn wait(&mut self) {
        if let Some(work) = &mut self.work {
            work.wait();
        }
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

/// Tells that the node in force worked on one message, and counts it.
fn processed(outcome: Outcome, consumed: Amount, produced: Amount, since: Instant, tally: &mut Tally) {
    let counts = [
        (&mut tally.consumed_items, consumed.items),
        (&mut tally.consumed_bytes, consumed.bytes),
        (&mut tally.produced_items, produced.items),
        (&mut tally.produced_bytes, produced.bytes),
    ];
    for (total, amount) in counts {
        if let Some(amount) = amount {
            total.add(amount);
        }
    }
    event!(
        name: "otelcol.node.process",
        Level::TRACE,
        signal = "logs",
        outcome = outcome.name(),
        consumed_items = consumed.items,
        consumed_bytes = consumed.bytes,
        produced_items = produced.items,
        produced_bytes = produced.bytes,
        duration = since.elapsed().as_secs_f64()
    );
}

/// The class of an input or output error: a word of a small set, never the message.
pub(crate) fn error_type(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "not_found",
        io::ErrorKind::PermissionDenied => "permission_denied",
        io::ErrorKind::IsADirectory => "is_a_directory",
        io::ErrorKind::StorageFull => "storage_full",
        io::ErrorKind::TimedOut => "timed_out",
        _ => "_OTHER",
    }
}
