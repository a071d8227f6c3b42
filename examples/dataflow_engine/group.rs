//! The pipeline group: its configuration, and one pipeline of it on each engine thread. The controller starts, feeds and reloads it. It
//! never touches data.
//!
//! A reload starts the new pipelines first and then lets the old ones drain, under the same ids. Where the new ones cannot be built,
//! the old ones run on.

use std::mem;
use std::path::PathBuf;
use std::time::Instant;

use tracing::field::Empty;
use tracing::{Level, Span, event, info_span};

use crate::channel::control;
use crate::config::{Config, Fault};
use crate::engine::Start;
use crate::message::{DrainReason, Order};
use crate::tally::Tally;
use crate::trace::{Trace, failed};

const FILES_AN_ORDER: usize = 16;

/// The group, seen from the controller.
pub(crate) struct Group {
    group: Span,
    pipeline: Span,
    engines: Vec<flume::Sender<Start>>,
    files: Vec<PathBuf>,
    /// Configurations that were read, those that do not hold among them.
    read: u64,
    /// The one that runs.
    generation: u64,
    orders: Vec<control::Sender>,
}

impl Group {
    /// A group on these engine threads, with the files of its configurations, one after the other.
    pub(crate) fn new(engines: Vec<flume::Sender<Start>>, files: Vec<PathBuf>) -> Group {
        let group = info_span!("otelcol.pipeline_group", otelcol.pipeline_group.id = "default");
        let pipeline = info_span!(parent: &group, "otelcol.pipeline", otelcol.pipeline_group.id = "default", otelcol.pipeline.id = "files");
        Group { group, pipeline, engines, files, read: 0, generation: 0, orders: Vec::new() }
    }

    /// Starts the first pipelines.
    pub(crate) fn start(&mut self) -> Result<(), String> {
        let _in_group = self.group.clone().entered();
        let config = self.configure().map_err(|fault| fault.to_string())?;
        self.orders = self.start_pipelines(&config).map_err(|class| format!("a pipeline could not be built: {class}"))?;
        self.generation = config.generation;
        Ok(())
    }

    /// Replaces the pipelines by those of the next configuration.
    pub(crate) fn reload(&mut self, tally: &mut Tally) {
        let _in_group = self.group.clone().entered();
        if let Some(orders) = self.start_anew() {
            let old = mem::replace(&mut self.orders, orders);
            drain(old, DrainReason::Reload, tally);
        }
    }

    /// Starts pipelines beside those that run, in a trace of its own.
    fn start_anew(&mut self) -> Option<Vec<control::Sender>> {
        let reload = info_span!("otelcol.config.reload", otelcol.config.generation = Empty, error.r#type = Empty, otel.status_code = Empty);
        let _in_reload = reload.enter();
        event!(name: "otelcol.pipeline_group.reload.start", Level::INFO, generation = self.generation);
        let since = Instant::now();
        let config = self.configure().map_err(|fault| fault.class);
        match config.and_then(|config| Ok((self.start_pipelines(&config)?, config.generation))) {
            Ok((orders, generation)) => {
                self.generation = generation;
                reload.record("otelcol.config.generation", generation);
                let duration = since.elapsed().as_secs_f64();
                event!(name: "otelcol.pipeline_group.reload.complete", Level::INFO, generation, duration);
                Some(orders)
            }
            Err(class) => {
                failed(&reload, class);
                event!(name: "otelcol.pipeline_group.reload.fail", Level::ERROR, error.r#type = class);
                None
            }
        }
    }

    /// Deals files out in turn, so that every thread has about as many. A thread that is behind holds the controller back.
    pub(crate) fn read(&self, files: &[PathBuf], tally: &mut Tally) {
        for (part, sender) in files.chunks(FILES_AN_ORDER).zip(self.orders.iter().cycle()) {
            sender.send(Order::Read(part.to_vec()), tally);
        }
    }

    /// Lets the pipelines finish what they have.
    pub(crate) fn end(self, tally: &mut Tally) {
        drain(self.orders, DrainReason::Shutdown, tally);
    }

    /// Reads the next configuration; after the last file comes the last file again.
    fn configure(&mut self) -> Result<Config, Fault> {
        let file = self.files.get(self.read as usize).or(self.files.last());
        self.read += 1;
        let config = Config::read(file.map(PathBuf::as_path), self.read);
        match &config {
            Ok(config) => event!(name: "otelcol.pipeline_group.config.complete", Level::INFO, generation = config.generation),
            Err(fault) => {
                let line = fault.line;
                event!(name: "otelcol.pipeline_group.config.fail", Level::ERROR, error.r#type = fault.class, otelcol.config.line = line);
            }
        }
        config
    }

    /// Starts a pipeline on each thread and waits for all; gives the senders of their control channels. If one cannot be built, those that
    /// were find no sender, and drain.
    fn start_pipelines(&self, config: &Config) -> Result<Vec<control::Sender>, &'static str> {
        let (started, answers) = flume::unbounded();
        let mut senders = Vec::new();
        for engine in &self.engines {
            let (sender, orders) = control::channel(&self.pipeline, "read_files");
            let start = Start { config: config.clone(), orders, trace: Trace::current(), started: started.clone() };
            engine.send(start).map_err(|_| "engine_gone")?;
            senders.push(sender);
        }
        drop(started);
        // An engine thread that is gone has dropped its sender.
        let answers: Vec<_> = answers.iter().collect();
        if answers.len() < senders.len() {
            return Err("engine_gone");
        }
        answers.into_iter().collect::<Result<(), _>>()?;
        Ok(senders)
    }
}

fn drain(orders: Vec<control::Sender>, reason: DrainReason, tally: &mut Tally) {
    for sender in orders {
        sender.send(Order::Drain(reason), tally);
    }
}
