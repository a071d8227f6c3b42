//! Receivers on loopback that keep what they get and answer as a test wrote it down.
//!
//! They are built on hyper's and tonic's servers and decode by `opentelemetry-proto`: nothing of the exporter is in them.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io::Read as _;
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Instant;

use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_server::{LogsService, LogsServiceServer};
use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsPartialSuccess, ExportLogsServiceRequest, ExportLogsServiceResponse};
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{MetricsService, MetricsServiceServer};
use opentelemetry_proto::tonic::collector::metrics::v1::{ExportMetricsServiceRequest, ExportMetricsServiceResponse};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::ScopeMetrics;
use opentelemetry_proto::tonic::trace::v1::{ScopeSpans, Span};
use prost::Message as _;
use tokio::net::{TcpListener, TcpSocket};
use tonic::Status;
use tonic::codec::CompressionEncoding;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

use super::LONG;

/// What a receiver does with a request for records or spans. Metrics are always taken.
#[derive(Debug, Clone)]
pub(super) enum Reply {
    Take,
    Partial(i64, &'static str),
    Http(u16, &'static [(&'static str, &'static str)], &'static str),
    Grpc(Status),
    Hang,
}

#[derive(Debug, Clone)]
pub(super) enum Request_ {
    Logs(ExportLogsServiceRequest),
    Traces(ExportTraceServiceRequest),
    Metrics(ExportMetricsServiceRequest),
}

#[derive(Debug, Clone)]
pub(super) struct Received {
    pub(super) at: Instant,
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) bytes: usize,
    pub(super) request: Request_,
}

#[derive(Default)]
struct Shared {
    script: Mutex<VecDeque<Reply>>,
    received: Mutex<Vec<Received>>,
    changed: Condvar,
}

/// A port that is ours and refuses connections until somebody listens.
pub(super) fn bound() -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    socket
}

/// Stops when it is dropped.
pub(super) struct Receiver {
    pub(super) address: SocketAddr,
    shared: Arc<Shared>,
    runtime: Option<tokio::runtime::Runtime>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        // Also inside a runtime, where a plain drop would wait.
        self.runtime.take().into_iter().for_each(tokio::runtime::Runtime::shutdown_background);
    }
}

impl Receiver {
    pub(super) fn http(script: impl Into<VecDeque<Reply>>) -> Self {
        Self::start_http(bound(), script.into())
    }

    pub(super) fn grpc(script: impl Into<VecDeque<Reply>>) -> Self {
        Self::start_grpc(bound(), script.into())
    }

    /// One that takes everything, on a port that refused connections until now.
    pub(super) fn late(socket: TcpSocket, grpc: bool) -> Self {
        if grpc { Self::start_grpc(socket, VecDeque::new()) } else { Self::start_http(socket, VecDeque::new()) }
    }

    fn start_http(socket: TcpSocket, script: VecDeque<Reply>) -> Self {
        Self::start(socket, script, |listener, shared| async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = shared.clone();
                let service = service_fn(move |request| answer_http(request, shared.clone()));
                tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        })
    }

    fn start_grpc(socket: TcpSocket, script: VecDeque<Reply>) -> Self {
        Self::start(socket, script, |listener, shared| async move {
            let gzip = CompressionEncoding::Gzip;
            let logs = LogsServiceServer::new(Grpc(shared.clone())).accept_compressed(gzip);
            let traces = TraceServiceServer::new(Grpc(shared.clone())).accept_compressed(gzip);
            let metrics = MetricsServiceServer::new(Grpc(shared)).accept_compressed(gzip);
            let server = Server::builder().add_service(logs).add_service(traces).add_service(metrics);
            server.serve_with_incoming(TcpIncoming::from(listener)).await.expect("a server");
        })
    }

    fn start<F: Future<Output = ()> + Send + 'static>(
        socket: TcpSocket,
        script: VecDeque<Reply>,
        serve: impl FnOnce(TcpListener, Arc<Shared>) -> F,
    ) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let inside = runtime.enter();
        let listener = socket.listen(16).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared { script: Mutex::new(script), ..Default::default() });
        runtime.spawn(serve(listener, shared.clone()));
        drop(inside);
        Receiver { address, shared, runtime: Some(runtime) }
    }

    /// `http://address` and a path.
    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(super) fn received(&self) -> Vec<Received> {
        self.shared.received.lock().unwrap().clone()
    }

    /// Waits until `count` requests came.
    pub(super) fn wait(&self, count: usize) -> Vec<Received> {
        let received = self.shared.received.lock().unwrap();
        let (received, timeout) = self.shared.changed.wait_timeout_while(received, LONG, |received| received.len() < count).unwrap();
        assert!(!timeout.timed_out(), "only {} of {count} requests came", received.len());
        received.clone()
    }

    /// All scopes of records, in the order in which they came.
    pub(super) fn scopes(&self) -> Vec<ScopeLogs> {
        let requests = self.received().into_iter().filter_map(|received| match received.request {
            Request_::Logs(request) => Some(request),
            _ => None,
        });
        requests.flat_map(|request| request.resource_logs).flat_map(|resource| resource.scope_logs).collect()
    }

    /// All scopes of spans, in the order in which they came.
    pub(super) fn span_scopes(&self) -> Vec<ScopeSpans> {
        let requests = self.received().into_iter().filter_map(|received| match received.request {
            Request_::Traces(request) => Some(request),
            _ => None,
        });
        requests.flat_map(|request| request.resource_spans).flat_map(|resource| resource.scope_spans).collect()
    }

    pub(super) fn spans(&self) -> Vec<Span> {
        self.span_scopes().into_iter().flat_map(|scope| scope.spans).collect()
    }

    pub(super) fn records(&self) -> Vec<LogRecord> {
        self.scopes().into_iter().flat_map(|scope| scope.log_records).collect()
    }

    /// The scopes of the last request for metrics.
    pub(super) fn last_metrics(&self) -> Vec<ScopeMetrics> {
        let mut requests = self.received().into_iter().rev().filter_map(|received| match received.request {
            Request_::Metrics(request) => Some(request),
            _ => None,
        });
        requests.next().expect("metrics").resource_metrics.into_iter().flat_map(|resource| resource.scope_metrics).collect()
    }
}

impl Shared {
    fn take(&self, received: Received) -> Reply {
        let reply = match received.request {
            Request_::Logs(_) | Request_::Traces(_) => self.script.lock().unwrap().pop_front().unwrap_or(Reply::Take),
            Request_::Metrics(_) => Reply::Take,
        };
        self.received.lock().unwrap().push(received);
        self.changed.notify_all();
        reply
    }
}

async fn answer_http(request: Request<Incoming>, shared: Arc<Shared>) -> Result<Response<Full<bytes::Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let raw = body.collect().await.expect("a whole body").to_bytes();
    let bytes = raw.len();
    let plain = if parts.headers.get("content-encoding").is_some_and(|encoding| encoding == "gzip") {
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(&raw[..]).read_to_end(&mut plain).expect("gzip");
        plain
    } else {
        raw.to_vec()
    };
    let json = parts.headers.get("content-type").is_some_and(|kind| kind == "application/json");
    let path = parts.uri.path().to_owned();
    let request = match (path.rsplit('/').next(), json) {
        (Some("traces"), false) => Request_::Traces(ExportTraceServiceRequest::decode(&plain[..]).expect("spans")),
        (Some("traces"), true) => Request_::Traces(serde_json::from_slice(&plain).expect("spans as JSON")),
        (Some("metrics"), false) => Request_::Metrics(ExportMetricsServiceRequest::decode(&plain[..]).expect("metrics")),
        (Some("metrics"), true) => Request_::Metrics(serde_json::from_slice(&plain).expect("metrics as JSON")),
        (_, false) => Request_::Logs(ExportLogsServiceRequest::decode(&plain[..]).expect("records")),
        (_, true) => Request_::Logs(serde_json::from_slice(&plain).expect("records as JSON")),
    };
    let is_traces = matches!(request, Request_::Traces(_));
    let reply = shared.take(Received { at: Instant::now(), path, headers: parts.headers, bytes, request });
    let response = |status: u16, body: Vec<u8>| Response::builder().status(status).body(Full::from(body)).unwrap();
    Ok(match reply {
        Reply::Take => response(200, Vec::new()),
        Reply::Partial(rejected_spans, message) if !json && is_traces => {
            let partial = ExportTracePartialSuccess { rejected_spans, error_message: message.into() };
            response(200, ExportTraceServiceResponse { partial_success: Some(partial) }.encode_to_vec())
        }
        Reply::Partial(rejected_log_records, message) if !json => {
            let partial = ExportLogsPartialSuccess { rejected_log_records, error_message: message.into() };
            response(200, ExportLogsServiceResponse { partial_success: Some(partial) }.encode_to_vec())
        }
        Reply::Partial(rejected, message) => {
            let key = if is_traces { "rejectedSpans" } else { "rejectedLogRecords" };
            let body = format!(r#"{{"partialSuccess":{{"{key}":"{rejected}","errorMessage":"{message}"}}}}"#);
            response(200, body.into_bytes())
        }
        Reply::Http(status, headers, body) => {
            let mut answer = response(status, body.as_bytes().to_vec());
            for (name, value) in headers {
                answer.headers_mut().insert(*name, value.parse().unwrap());
            }
            answer
        }
        Reply::Grpc(_) => panic!("a gRPC reply in the script of an HTTP receiver"),
        Reply::Hang => std::future::pending().await,
    })
}

struct Grpc(Arc<Shared>);

impl Grpc {
    fn take<M: prost::Message>(&self, path: &str, request: tonic::Request<M>, kind: impl FnOnce(M) -> Request_) -> Reply {
        let (metadata, _, message) = request.into_parts();
        let bytes = message.encoded_len();
        self.0.take(Received { at: Instant::now(), path: path.into(), headers: metadata.into_headers(), bytes, request: kind(message) })
    }
}

#[tonic::async_trait]
impl LogsService for Grpc {
    async fn export(
        &self,
        request: tonic::Request<ExportLogsServiceRequest>,
    ) -> Result<tonic::Response<ExportLogsServiceResponse>, Status> {
        match self.take("logs", request, Request_::Logs) {
            Reply::Take => Ok(tonic::Response::new(Default::default())),
            Reply::Partial(rejected_log_records, message) => {
                let partial = ExportLogsPartialSuccess { rejected_log_records, error_message: message.into() };
                Ok(tonic::Response::new(ExportLogsServiceResponse { partial_success: Some(partial) }))
            }
            Reply::Grpc(status) => Err(status),
            Reply::Http(..) => panic!("an HTTP reply in the script of a gRPC receiver"),
            Reply::Hang => std::future::pending().await,
        }
    }
}

#[tonic::async_trait]
impl TraceService for Grpc {
    async fn export(
        &self,
        request: tonic::Request<ExportTraceServiceRequest>,
    ) -> Result<tonic::Response<ExportTraceServiceResponse>, Status> {
        match self.take("traces", request, Request_::Traces) {
            Reply::Take => Ok(tonic::Response::new(Default::default())),
            Reply::Partial(rejected_spans, message) => {
                let partial = ExportTracePartialSuccess { rejected_spans, error_message: message.into() };
                Ok(tonic::Response::new(ExportTraceServiceResponse { partial_success: Some(partial) }))
            }
            Reply::Grpc(status) => Err(status),
            Reply::Http(..) => panic!("an HTTP reply in the script of a gRPC receiver"),
            Reply::Hang => std::future::pending().await,
        }
    }
}

#[tonic::async_trait]
impl MetricsService for Grpc {
    async fn export(
        &self,
        request: tonic::Request<ExportMetricsServiceRequest>,
    ) -> Result<tonic::Response<ExportMetricsServiceResponse>, Status> {
        self.take("metrics", request, Request_::Metrics);
        Ok(tonic::Response::new(Default::default()))
    }
}
