//! The destinations of both signals: receivers behind queues, and sinks inside the process.
//! The export thread hands each batch on here and asks how far it has come.
//! A destination that fails, fills up or panics is counted and never holds up another.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use prost::Message as _;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::batch::Batch;
use super::diagnostic::{Diagnostics, Kind};
use super::ledger::{Account, Component, Ledger, Outcome, Signal};
use super::queue::{QUEUE_BYTES, Queue, Sender, send};
use super::report::DropReason;
use super::settings::{OtlpEndpoint, Protocol};
use super::sink::{LocalDestination, LocalSink, SinkError};
use super::transport::Transport;

/// A receiver of one signal: its queue and the task that empties it.
#[derive(Debug)]
pub(super) struct Remote {
    name: String,
    endpoint: OtlpEndpoint,
    signal: Signal,
    queue: Arc<Queue>,
    task: Option<JoinHandle<()>>,
    diagnostics: Arc<Diagnostics>,
}

impl Remote {
    /// Opens the account; nothing is connected before the first batch.
    pub(super) fn new(
        endpoint: OtlpEndpoint,
        signal: Signal,
        ledger: &Arc<Ledger>,
        settled: Arc<Notify>,
        diagnostics: Arc<Diagnostics>,
    ) -> Self {
        let protocol = match endpoint.protocol {
            Protocol::HttpProtobuf => "otlp_http",
            Protocol::HttpJson => "otlp_http_json",
            Protocol::Grpc => "otlp_grpc",
        };
        let name = format!("otlp {} {}", endpoint.protocol.as_str(), endpoint.shown());
        let kind = format!("{protocol}_{}_exporter", noun(signal));
        let account = ledger.open(signal, Component { name: name.clone(), kind, server: Some(endpoint.server()) });
        let queue = Arc::new(Queue::new(ledger.clone(), account, QUEUE_BYTES, settled));
        Remote { name, endpoint, signal, queue, task: None, diagnostics }
    }

    /// Starts the sending task, or starts it again if it fell over. Must be called on the runtime.
    pub(super) fn keep_running(&mut self) {
        if self.task.as_ref().is_some_and(|task| !task.is_finished()) {
            return;
        }
        if self.task.is_some() {
            self.diagnostics.say(Kind::Fault, &self.name, "the sending task failed and was started again");
            self.queue.cut_short(DropReason::Encode);
        }
        let transport = Transport::new(&self.endpoint, self.signal);
        if let Some(what) = transport.fault() {
            self.diagnostics.say(Kind::Setup, &self.name, what);
        }
        let items = match self.signal {
            Signal::Records => "records",
            Signal::Points => "data points",
        };
        let sender = Sender { name: self.name.clone(), items, diagnostics: self.diagnostics.clone() };
        self.task = Some(tokio::spawn(send(self.queue.clone(), transport, self.endpoint.timeout, sender)));
    }

    /// Stops sending and gives up what has no outcome.
    pub(super) fn stop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
        self.queue.abandon();
    }
}

/// A sink inside the process, with an account for each signal that it gets.
pub(super) struct Local {
    sink: Box<dyn LocalSink>,
    logs: Option<Account>,
    metrics: Option<Account>,
    ledger: Arc<Ledger>,
    diagnostics: Arc<Diagnostics>,
}

impl Local {
    /// Opens its accounts.
    pub(super) fn new(destination: LocalDestination, ledger: &Arc<Ledger>, diagnostics: Arc<Diagnostics>) -> Self {
        let name = destination.sink.name();
        let open = |wanted: bool, signal| {
            let kind = format!("{name}_{}_exporter", noun(signal));
            wanted.then(|| ledger.open(signal, Component { name: name.to_owned(), kind, server: None }))
        };
        let logs = open(destination.logs, Signal::Records);
        let metrics = open(destination.metrics, Signal::Points);
        Local { sink: destination.sink, logs, metrics, ledger: ledger.clone(), diagnostics }
    }

    fn take(&mut self, account: Account, items: u64, give: impl FnOnce(&mut dyn LocalSink) -> Result<(), SinkError>) {
        let outcome = if self.guard(give) { Outcome::Exported { rejected: 0 } } else { Outcome::Dropped(DropReason::SinkFailed) };
        self.ledger.record(account, items, outcome);
    }

    /// Makes what was taken visible to others.
    pub(super) fn flush(&mut self) {
        self.guard(|sink| sink.flush());
    }

    fn guard(&mut self, call: impl FnOnce(&mut dyn LocalSink) -> Result<(), SinkError>) -> bool {
        let sink = &mut self.sink;
        match catch_unwind(AssertUnwindSafe(|| call(sink.as_mut()))) {
            Ok(Ok(())) => return true,
            Ok(Err(error)) => self.diagnostics.say(Kind::Sink, self.sink.name(), &error.to_string()),
            Err(_) => {
                self.ledger.fault();
                self.diagnostics.say(Kind::Sink, self.sink.name(), "the sink panicked");
            }
        }
        false
    }
}

/// Where everything goes.
pub(super) struct Destinations {
    logs: Option<Remote>,
    metrics: Option<Remote>,
    locals: Vec<Local>,
    nowhere: Option<Account>,
    ledger: Arc<Ledger>,
}

impl Destinations {
    /// All of them. Records without a destination are counted on an account of their own.
    pub(super) fn new(logs: Option<Remote>, metrics: Option<Remote>, locals: Vec<Local>, ledger: Arc<Ledger>) -> Self {
        let nowhere = (logs.is_none() && locals.iter().all(|local| local.logs.is_none()))
            .then(|| ledger.open(Signal::Records, Component { name: "none".into(), kind: String::new(), server: None }));
        Destinations { logs, metrics, locals, nowhere, ledger }
    }

    /// Whether metrics go anywhere.
    pub(super) fn take_metrics(&self) -> bool {
        self.metrics.is_some() || self.locals.iter().any(|local| local.metrics.is_some())
    }

    /// Whether records may come: while the only destination of records is full, they are better left where they are.
    pub(super) fn have_room(&self) -> bool {
        let full = self.logs.as_ref().is_some_and(|remote| !remote.queue.has_room());
        !full || self.locals.iter().any(|local| local.logs.is_some())
    }

    /// How many batches of a signal went to its receiver so far.
    pub(super) fn position(&self, signal: Signal) -> u64 {
        self.remote(signal).map_or(0, |remote| remote.queue.position())
    }

    /// Whether each of the first `position` batches of a signal got its outcome.
    pub(super) fn is_settled(&self, signal: Signal, position: u64) -> bool {
        self.remote(signal).is_none_or(|remote| remote.queue.is_settled(position))
    }

    fn remote(&self, signal: Signal) -> Option<&Remote> {
        match signal {
            Signal::Records => self.logs.as_ref(),
            Signal::Points => self.metrics.as_ref(),
        }
    }

    /// Starts what has to run, or to run again.
    pub(super) fn keep_running(&mut self) {
        self.logs.iter_mut().chain(&mut self.metrics).for_each(Remote::keep_running);
    }

    /// Hands a batch of records on.
    pub(super) fn logs(&mut self, batch: Batch) {
        let items = batch.items;
        self.ledger.hand_on(Signal::Records, items);
        if let Some(account) = self.nowhere {
            self.ledger.record(account, items, Outcome::Dropped(DropReason::NoDestination));
        }
        if self.locals.iter().any(|local| local.logs.is_some()) {
            let request = ExportLogsServiceRequest::decode(batch.payload.clone());
            for local in &mut self.locals {
                match (local.logs, &request) {
                    (Some(account), Ok(request)) => local.take(account, items, |sink| sink.logs(request)),
                    (Some(account), Err(_)) => self.ledger.record(account, items, Outcome::Dropped(DropReason::Encode)),
                    (None, _) => {}
                }
            }
        }
        if let Some(remote) = &self.logs {
            remote.queue.push(batch);
        }
    }

    /// Hands one collection of metrics on; what is still waiting of an older one is out of date. Returns the number of its first batch.
    pub(super) fn metrics(&mut self, batches: Vec<Batch>) -> Option<u64> {
        let superseded = self.metrics.as_ref().and_then(|remote| remote.queue.supersede());
        for batch in batches {
            let items = batch.items;
            self.ledger.take(Signal::Points, items, batch.payload.len() as u64);
            self.ledger.hand_on(Signal::Points, items);
            if self.locals.iter().any(|local| local.metrics.is_some()) {
                let request = ExportMetricsServiceRequest::decode(batch.payload.clone());
                for local in &mut self.locals {
                    match (local.metrics, &request) {
                        (Some(account), Ok(request)) => local.take(account, items, |sink| sink.metrics(request)),
                        (Some(account), Err(_)) => self.ledger.record(account, items, Outcome::Dropped(DropReason::Encode)),
                        (None, _) => {}
                    }
                }
            }
            if let Some(remote) = &self.metrics {
                remote.queue.push(batch);
            }
        }
        superseded
    }

    /// Flushes the sinks inside the process.
    pub(super) fn flush_locals(&mut self) {
        self.locals.iter_mut().for_each(Local::flush);
    }

    /// Stops everything; what has no outcome is given up.
    pub(super) fn stop(&mut self) {
        self.logs.iter_mut().chain(&mut self.metrics).for_each(Remote::stop);
        self.flush_locals();
    }
}

fn noun(signal: Signal) -> &'static str {
    match signal {
        Signal::Records => "log",
        Signal::Points => "metric",
    }
}
