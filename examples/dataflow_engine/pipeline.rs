//! The pipeline of an engine thread: how its nodes are joined, and the order in which they run. The engine thread calls it. It never
//! runs two nodes at once, so nothing in it needs a lock.
//!
//! ```text
//! read_files -> parse_lines -> text_only -> batch -> fan_out -+-> gzip_file
//!                                                             +-> checksum
//! ```

use std::io;
use std::time::Instant;

use tracing::{Level, Span, event, info_span};

use crate::channel::control;
use crate::channel::local::channel;
use crate::engine::{Done, Plan};
use crate::node::{
    Batcher, Checksum, ExporterNode, FanOut, GzipFile, Node, NodeSpan, ParseLines, ProcessorNode, Progress, ReadFiles, TextOnly,
};

const BLOCKS: usize = 16;
const LINES: usize = 16;
const BATCHES: usize = 4;

/// Builds the pipeline and runs it until it has drained.
pub(crate) fn run(thread: usize, orders: control::Receiver, plan: &Plan, done: &mut Done) {
    let _group = info_span!("otelcol.pipeline_group", otelcol.pipeline_group.id = "default").entered();
    let pipeline = info_span!("otelcol.pipeline", otelcol.pipeline_group.id = "default", otelcol.pipeline.id = "files").entered();

    let started = Instant::now();
    let mut nodes = match build(&pipeline, thread, orders, plan) {
        Ok(nodes) => nodes,
        Err(error) => {
            event!(name: "otelcol.pipeline.fail", Level::ERROR, error.r#type = crate::node::error_type(&error));
            done.failed = true;
            return;
        }
    };
    event!(name: "otelcol.pipeline.start", Level::INFO, otelcol.pipeline.node.count = nodes.len() as u64);
    run_to_the_end(&mut nodes, done);
    event!(name: "otelcol.pipeline.complete", Level::INFO, duration = started.elapsed().as_secs_f64());
}

fn build(pipeline: &Span, thread: usize, orders: control::Receiver, plan: &Plan) -> io::Result<Vec<Node>> {
    let gzip = GzipFile::create(&plan.out.join(format!("lines-{thread}.gz")), plan.fail, thread as u64)?;

    let read_files = NodeSpan::open(pipeline, "read_files", "receiver", "urn:otelcol:file:receiver");
    let parse_lines = NodeSpan::open(pipeline, "parse_lines", "processor", "urn:otelcol:line:processor");
    let text_only = NodeSpan::open(pipeline, "text_only", "processor", "urn:otelcol:filter:processor");
    let batch = NodeSpan::open(pipeline, "batch", "processor", "urn:otelcol:batch:processor");
    let fan_out = NodeSpan::open(pipeline, "fan_out", "processor", "urn:otelcol:fanout:processor");
    let gzip_file = NodeSpan::open(pipeline, "gzip_file", "exporter", "urn:otelcol:gzip:exporter");
    let checksum = NodeSpan::open(pipeline, "checksum", "exporter", "urn:otelcol:checksum:exporter");

    let (blocks_out, blocks_in) = channel(&read_files, "out", &parse_lines, BLOCKS);
    let (lines_out, lines_in) = channel(&parse_lines, "out", &text_only, LINES);
    let (text_out, text_in) = channel(&text_only, "out", &batch, LINES);
    let (batches_out, batches_in) = channel(&batch, "out", &fan_out, BATCHES);
    let (gzip_out, gzip_in) = channel(&fan_out, "gzip", &gzip_file, BATCHES);
    let (sums_out, sums_in) = channel(&fan_out, "checksum", &checksum, BATCHES);

    let reader = ReadFiles::new(orders.attach(&read_files), blocks_out);
    Ok(vec![
        Node::start(read_files, reader),
        Node::start(parse_lines, ProcessorNode::new(ParseLines::default(), blocks_in, lines_out)),
        Node::start(text_only, ProcessorNode::new(TextOnly, lines_in, text_out)),
        Node::start(batch, ProcessorNode::new(Batcher::default(), text_in, batches_out)),
        Node::start(fan_out, FanOut::new(batches_in, [gzip_out, sums_out])),
        Node::start(gzip_file, ExporterNode::new(gzip, gzip_in)),
        Node::start(checksum, ExporterNode::new(Checksum::default(), sums_in)),
    ])
}

/// Runs the nodes in turn, from the source to the sinks, so that each finds what the ones before it have just sent.
fn run_to_the_end(nodes: &mut [Node], done: &mut Done) {
    loop {
        let (mut all_wait, mut all_done) = (true, true);
        for node in nodes.iter_mut() {
            let progress = node.run(&mut done.tally, &mut done.results);
            all_wait &= progress != Progress::Blocked;
            all_done &= progress == Progress::Done;
        }
        if all_done {
            return;
        }
        if all_wait {
            nodes[0].wait();
        }
    }
}
