//! A pipeline of an engine thread: how its nodes are joined, and the order in which they work. The engine thread starts it and lets it
//! work in turns. It never runs two nodes at once, so nothing in it needs a lock.
//!
//! ```text
//! read_files -> parse_lines -> text_only -> batch -> fan_out -+-> gzip_file
//!                                                             +-> checksum
//! ```

use std::io;
use std::time::Instant;

use tracing::field::Empty;
use tracing::{Level, Span, event, info_span};

use crate::channel::control::{self, Orders};
use crate::channel::local::channel;
use crate::config::Config;
use crate::engine::{Done, Plan, Start};
use crate::error_type::error_type;
use crate::node::{
    Batcher, Checksum, ExporterNode, FanOut, GzipFile, Node, NodeSpan, ParseLines, ProcessorNode, Progress, ReadFiles, TextOnly,
};
use crate::tally::Tally;
use crate::trace::failed;

const BLOCKS: usize = 16;
const LINES: usize = 16;
const BATCHES: usize = 4;

/// A pipeline that runs.
pub(crate) struct Pipeline {
    span: Span,
    nodes: Vec<Node>,
    generation: u64,
    since: Instant,
}

impl Pipeline {
    /// Builds it and answers whether that went well. The spans of the entities are not opened inside the trace span, which would otherwise
    /// stay open as long as they.
    pub(crate) fn start(thread: usize, start: Start, plan: &Plan, tally: &mut Tally) -> Option<Pipeline> {
        let Start { config, orders, trace, started } = start;
        let group = info_span!("otelcol.pipeline_group", otelcol.pipeline_group.id = "default");
        let span = info_span!(parent: &group, "otelcol.pipeline", otelcol.pipeline_group.id = "default", otelcol.pipeline.id = "files");

        let _in_pipeline = span.clone().entered();
        let _attached = trace.attach();
        let generation = config.generation;
        let building =
            info_span!("otelcol.pipeline.build", otelcol.config.generation = generation, error.r#type = Empty, otel.status_code = Empty)
                .entered();
        let since = Instant::now();
        match build(&span, thread, orders, &config, plan) {
            Ok(nodes) => {
                let count = nodes.len() as u64;
                tally.pipelines.add(1);
                event!(name: "otelcol.pipeline.start", Level::INFO, otelcol.pipeline.node.count = count, generation);
                // Nobody waits for the answer if another thread has failed.
                let _ = started.send(Ok(()));
                Some(Pipeline { span, nodes, generation, since })
            }
            Err(error) => {
                let class = error_type(&error);
                failed(&building, class);
                event!(name: "otelcol.pipeline.fail", Level::ERROR, error.r#type = class, exception.message = %error);
                let _ = started.send(Err(class));
                None
            }
        }
    }

    /// Lets the nodes work in turn, from the source to the sinks, so that each finds what the ones before it have just sent.
    pub(crate) fn turn(&mut self, done: &mut Done) -> Progress {
        let _in_pipeline = self.span.enter();
        let (mut all_wait, mut all_done) = (true, true);
        for node in &mut self.nodes {
            let progress = node.run(&mut done.tally);
            all_wait &= progress != Progress::Blocked;
            all_done &= progress == Progress::Done;
        }
        if all_done {
            let results = self.nodes.iter_mut().filter_map(Node::result);
            done.results.extend(results.map(|result| format!("configuration {} {result}", self.generation)));
            done.tally.pipelines.subtract(1);
            event!(name: "otelcol.pipeline.complete", Level::INFO, duration = self.since.elapsed().as_secs_f64());
        }
        match (all_done, all_wait) {
            (true, _) => Progress::Done,
            (false, true) => Progress::Waiting,
            (false, false) => Progress::Blocked,
        }
    }

    /// Where its orders come from, as long as any may come.
    pub(crate) fn orders(&mut self) -> Option<&mut Orders> {
        self.nodes.iter_mut().find_map(Node::orders)
    }
}

fn build(pipeline: &Span, thread: usize, orders: control::Receiver, config: &Config, plan: &Plan) -> io::Result<Vec<Node>> {
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

    // The old and the new pipeline may run at once under the same ids, so each has a file and a sequence of faults of its own.
    let file = plan.out.join(format!("lines-{thread}-{}.gz", config.generation));
    let seed = thread as u64 + 1_000 * config.generation;
    let gzip = gzip_file.start(|| GzipFile::create(&file, plan.fail, seed))?;
    let gzip_file = Node::new(gzip_file, ExporterNode::new(gzip, gzip_in));

    let reader = ReadFiles::new(pipeline, orders.attach(&read_files), blocks_out, config.trace_every);
    let batcher = Batcher::new(config.batch_lines, config.batch_bytes);
    Ok(vec![
        Node::start(read_files, reader),
        Node::start(parse_lines, ProcessorNode::new(ParseLines::default(), blocks_in, lines_out)),
        Node::start(text_only, ProcessorNode::new(TextOnly, lines_in, text_out)),
        Node::start(batch, ProcessorNode::new(batcher, text_in, batches_out)),
        Node::start(fan_out, FanOut::new(batches_in, [gzip_out, sums_out])),
        gzip_file,
        Node::start(checksum, ExporterNode::new(Checksum::default(), sums_in)),
    ])
}
