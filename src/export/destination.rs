//! The destinations of all signals: receivers behind queues, and sinks inside the process.
//! The export thread hands each batch on here and asks how far it has come.
//! A destination that fails, fills up or panics is counted and never holds up another.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::{DecodeError, Message as _};
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
    /// In what is said on stderr. Several signals may go to one receiver, so that its address alone would not tell them apart.
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
        let receiver = format!("otlp {} {}", endpoint.protocol.as_str(), endpoint.shown());
        let kind = format!("{protocol}_{}_exporter", signal.noun());
        let name = format!("{} to {receiver}", signal.items());
        let account = ledger.open(signal, Component { name: receiver, kind, server: Some(endpoint.server()) });
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
        let sender = Sender { name: self.name.clone(), items: self.signal.items(), diagnostics: self.diagnostics.clone() };
        self.task = Some(tokio::spawn(send(self.queue.clone(), transport, self.endpoint.timeout, sender)));
    }

    /// Stops sending and gives up what has no outcome.
    pub(super) fn stop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
        let (dropped, in_doubt) = self.queue.abandon();
        let lost = [(dropped, "dropped (shutdown)"), (in_doubt, "in doubt")].into_iter().filter(|(count, _)| *count > 0);
        let lost: Vec<_> = lost.map(|(count, what)| format!("{count} {} {what}", self.signal.items())).collect();
        if !lost.is_empty() {
            self.diagnostics.say(Kind::Lost, &self.name, &format!("{}: the end came before their answer", lost.join(", ")));
        }
    }

    fn push(&self, batch: Batch) {
        let items = batch.items;
        if !self.queue.push(batch) {
            let (what, why) = (self.signal.items(), DropReason::QueueFull);
            self.diagnostics.say(Kind::Lost, &self.name, &format!("{items} {what} dropped ({why}): too much waits for the receiver"));
        }
    }
}

/// A sink inside the process, with an account for each signal that it gets.
pub(super) struct Local {
    sink: Box<dyn LocalSink>,
    accounts: [Option<Account>; Signal::ALL.len()],
    ledger: Arc<Ledger>,
    diagnostics: Arc<Diagnostics>,
}

impl Local {
    /// Opens its accounts.
    pub(super) fn new(destination: LocalDestination, ledger: &Arc<Ledger>, diagnostics: Arc<Diagnostics>) -> Self {
        let name = destination.sink.name();
        let accounts = Signal::ALL.map(|signal| {
            let wanted = match signal {
                Signal::Records => destination.logs,
                Signal::Spans => destination.traces,
                Signal::Points => destination.metrics,
            };
            let kind = format!("{name}_{}_exporter", signal.noun());
            wanted.then(|| ledger.open(signal, Component { name: name.to_owned(), kind, server: None }))
        });
        Local { sink: destination.sink, accounts, ledger: ledger.clone(), diagnostics }
    }

    fn account(&self, signal: Signal) -> Option<Account> {
        self.accounts[signal as usize]
    }

    fn take(&mut self, signal: Signal, account: Account, items: u64, request: &Result<Request, DecodeError>) {
        let taken = match request {
            Err(error) => Err((DropReason::Encode, error.to_string())),
            Ok(request) => self.guard(|sink| request.give(sink)).map_err(|why| (DropReason::SinkFailed, why)),
        };
        let outcome = match taken {
            Ok(()) => Outcome::Exported { rejected: 0 },
            Err((reason, why)) => {
                let lost = format!("{items} {} dropped ({reason}): {why}", signal.items());
                self.diagnostics.say(Kind::Sink, self.sink.name(), &lost);
                Outcome::Dropped(reason)
            }
        };
        self.ledger.record(account, items, outcome);
    }

    /// Makes what was taken visible to others.
    fn flush(&mut self) {
        if let Err(why) = self.guard(|sink| sink.flush()) {
            self.diagnostics.say(Kind::Sink, self.sink.name(), &why);
        }
    }

    /// Calls the sink; what came in its way comes back.
    fn guard(&mut self, call: impl FnOnce(&mut dyn LocalSink) -> Result<(), SinkError>) -> Result<(), String> {
        let sink = &mut self.sink;
        match catch_unwind(AssertUnwindSafe(|| call(sink.as_mut()))) {
            Ok(called) => called.map_err(|error| error.to_string()),
            Err(_) => {
                self.ledger.fault();
                Err("the sink panicked".to_owned())
            }
        }
    }
}

/// A request as sinks inside the process get it.
enum Request {
    Logs(ExportLogsServiceRequest),
    Traces(ExportTraceServiceRequest),
    Metrics(ExportMetricsServiceRequest),
}

impl Request {
    fn decode(signal: Signal, payload: Bytes) -> Result<Self, DecodeError> {
        match signal {
            Signal::Records => ExportLogsServiceRequest::decode(payload).map(Request::Logs),
            Signal::Spans => ExportTraceServiceRequest::decode(payload).map(Request::Traces),
            Signal::Points => ExportMetricsServiceRequest::decode(payload).map(Request::Metrics),
        }
    }

    fn give(&self, sink: &mut dyn LocalSink) -> Result<(), SinkError> {
        match self {
            Request::Logs(request) => sink.logs(request),
            Request::Traces(request) => sink.traces(request),
            Request::Metrics(request) => sink.metrics(request),
        }
    }
}

/// Where everything goes.
pub(super) struct Destinations {
    remotes: [Option<Remote>; Signal::ALL.len()],
    locals: Vec<Local>,
    nowhere: Option<Account>,
    ledger: Arc<Ledger>,
}

impl Destinations {
    /// All of them, receivers in the order of [`Signal::ALL`]. Records without a destination are counted on an account of their own.
    pub(super) fn new(remotes: [Option<Remote>; Signal::ALL.len()], locals: Vec<Local>, ledger: Arc<Ledger>) -> Self {
        let mut destinations = Destinations { remotes, locals, nowhere: None, ledger };
        destinations.nowhere = (!destinations.take(Signal::Records)).then(|| {
            let nobody = Component { name: "none".into(), kind: String::new(), server: None };
            destinations.ledger.open(Signal::Records, nobody)
        });
        destinations
    }

    /// Whether a signal goes anywhere.
    pub(super) fn take(&self, signal: Signal) -> bool {
        self.remote(signal).is_some() || self.have_local(signal)
    }

    /// Whether more of a signal may come: while its only destination is full, it is better left where it is.
    pub(super) fn have_room(&self, signal: Signal) -> bool {
        self.have_local(signal) || self.remote(signal).is_none_or(|remote| remote.queue.has_room())
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
        self.remotes[signal as usize].as_ref()
    }

    fn have_local(&self, signal: Signal) -> bool {
        self.locals.iter().any(|local| local.account(signal).is_some())
    }

    /// Starts what has to run, or to run again.
    pub(super) fn keep_running(&mut self) {
        self.remotes.iter_mut().flatten().for_each(Remote::keep_running);
    }

    /// Hands a batch on to all that take its signal.
    pub(super) fn hand_on(&mut self, signal: Signal, batch: Batch) {
        let items = batch.items;
        self.ledger.hand_on(signal, items);
        if let (Signal::Records, Some(account)) = (signal, self.nowhere) {
            self.ledger.record(account, items, Outcome::Dropped(DropReason::NoDestination));
        }
        if self.have_local(signal) {
            let request = Request::decode(signal, batch.payload.clone());
            for local in &mut self.locals {
                if let Some(account) = local.account(signal) {
                    local.take(signal, account, items, &request);
                }
            }
        }
        if let Some(remote) = self.remote(signal) {
            remote.push(batch);
        }
    }

    /// Hands one collection of metrics on; what is still waiting of an older one is out of date. Returns the number of its first batch.
    pub(super) fn collection(&mut self, batches: Vec<Batch>) -> Option<u64> {
        let superseded = self.remote(Signal::Points).and_then(|remote| remote.queue.supersede());
        for batch in batches {
            self.ledger.take(Signal::Points, batch.items, batch.payload.len() as u64);
            self.hand_on(Signal::Points, batch);
        }
        superseded
    }

    /// Flushes the sinks inside the process.
    pub(super) fn flush_locals(&mut self) {
        self.locals.iter_mut().for_each(Local::flush);
    }

    /// Stops everything; what has no outcome is given up.
    pub(super) fn stop(&mut self) {
        self.remotes.iter_mut().flatten().for_each(Remote::stop);
        self.flush_locals();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::export::settings::{Compression, Tls};

    #[test]
    fn the_signals_of_one_receiver_are_told_apart_in_what_is_said() {
        let ledger = Arc::new(Ledger::default());
        let names = Signal::ALL.map(|signal| {
            let endpoint = OtlpEndpoint {
                url: "http://localhost:4317".into(),
                protocol: Protocol::Grpc,
                headers: Vec::new(),
                timeout: Duration::from_secs(1),
                compression: Compression::None,
                tls: Ok(Tls::default()),
            };
            Remote::new(endpoint, signal, &ledger, Arc::default(), Arc::default()).name
        });
        assert_eq!(
            names,
            ["records", "spans", "data points"].map(|items| format!("{items} to otlp grpc http://localhost:4317")),
            "what is said of one would else hold back what is to be said of another"
        );
    }
}
