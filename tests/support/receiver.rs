//! An OTLP/HTTP receiver on loopback that keeps what it gets, decoded by `opentelemetry-proto`.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io::Read as _;
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::logs::v1::ResourceLogs;
use opentelemetry_proto::tonic::metrics::v1::{ResourceMetrics, metric::Data, number_data_point};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, Span};
use prost::Message as _;

/// All that arrived.
#[derive(Default)]
pub(crate) struct Arrived {
    pub(crate) logs: Vec<ResourceLogs>,
    pub(crate) metrics: Vec<ResourceMetrics>,
    pub(crate) spans: Vec<ResourceSpans>,
}

/// A receiver; it stops with the test's process.
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    arrived: Arc<(Mutex<Arrived>, Condvar)>,
}

impl Receiver {
    pub(crate) fn start() -> Receiver {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port on loopback");
        let address = listener.local_addr().expect("a bound port");
        listener.set_nonblocking(true).expect("a socket option");
        let arrived: Arc<(Mutex<Arrived>, Condvar)> = Arc::default();
        let into = arrived.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
                while let Ok((stream, _)) = listener.accept().await {
                    let into = into.clone();
                    let service = service_fn(move |request| take(request, into.clone()));
                    tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
                }
            });
        });
        Receiver { address, arrived }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Waits until `done` holds, `limit` at most; then shows all that arrived.
    pub(crate) fn wait<R>(&self, limit: Duration, done: impl Fn(&Arrived) -> bool, show: impl FnOnce(&Arrived) -> R) -> R {
        let until = Instant::now() + limit;
        let mut arrived = self.arrived.0.lock().expect("no test thread panicked with it");
        while !done(&arrived) && Instant::now() < until {
            arrived = self.arrived.1.wait_timeout(arrived, Duration::from_millis(100)).expect("as above").0;
        }
        show(&arrived)
    }
}

async fn take(request: Request<Incoming>, into: Arc<(Mutex<Arrived>, Condvar)>) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().to_owned();
    let gzip = request.headers().get("content-encoding").is_some_and(|encoding| encoding == "gzip");
    let mut body = request.into_body().collect().await.map(|body| body.to_bytes().to_vec()).unwrap_or_default();
    if gzip {
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(body.as_slice()).read_to_end(&mut plain).expect("gzip as the header says");
        body = plain;
    }
    let mut arrived = into.0.lock().expect("no test thread panicked with it");
    match path.as_str() {
        "/v1/logs" => arrived.logs.extend(ExportLogsServiceRequest::decode(body.as_slice()).expect("logs").resource_logs),
        "/v1/metrics" => arrived.metrics.extend(ExportMetricsServiceRequest::decode(body.as_slice()).expect("metrics").resource_metrics),
        "/v1/traces" => arrived.spans.extend(ExportTraceServiceRequest::decode(body.as_slice()).expect("spans").resource_spans),
        _ => {}
    }
    into.1.notify_all();
    Ok(Response::new(Full::default()))
}

/// Attributes as a map, texts and numbers as text.
pub(crate) fn attributes(of: &[KeyValue]) -> BTreeMap<String, String> {
    of.iter().map(|kv| (kv.key.clone(), text(kv.value.as_ref()))).collect()
}

pub(crate) fn text(value: Option<&AnyValue>) -> String {
    match value.and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(s)) => s.clone(),
        Some(Value::IntValue(i)) => i.to_string(),
        Some(Value::DoubleValue(d)) => d.to_string(),
        Some(Value::BoolValue(b)) => b.to_string(),
        other => format!("{other:?}"),
    }
}

impl Arrived {
    /// All spans, whatever their scope.
    pub(crate) fn each_span(&self) -> impl Iterator<Item = &Span> {
        self.spans.iter().flat_map(|resource| &resource.scope_spans).flat_map(|scope| &scope.spans)
    }

    /// Per sum the total over all series, each by its last point.
    pub(crate) fn totals(&self) -> BTreeMap<String, f64> {
        let mut last: BTreeMap<(String, String), (u64, f64)> = BTreeMap::new();
        for scope in self.metrics.iter().flat_map(|resource| &resource.scope_metrics) {
            let of = scope.scope.as_ref().map(|s| format!("{} {:?}", s.name, attributes(&s.attributes))).unwrap_or_default();
            for metric in &scope.metrics {
                let Some(Data::Sum(sum)) = &metric.data else { continue };
                for point in &sum.data_points {
                    let value = match point.value {
                        Some(number_data_point::Value::AsInt(i)) => i as f64,
                        Some(number_data_point::Value::AsDouble(d)) => d,
                        None => continue,
                    };
                    let series = format!("{of} {:?}", attributes(&point.attributes));
                    let entry = last.entry((metric.name.clone(), series)).or_default();
                    if point.time_unix_nano >= entry.0 {
                        *entry = (point.time_unix_nano, value);
                    }
                }
            }
        }
        let mut totals = BTreeMap::new();
        for ((metric, _), (_, value)) in last {
            *totals.entry(metric).or_default() += value;
        }
        totals
    }
}
