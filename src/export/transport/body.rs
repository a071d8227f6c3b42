//! Bodies and headers of requests and answers, the same for HTTP and gRPC.
//! Both transports build their requests and read their answers with it.
//! It must keep bounds on whatever a receiver sends.

use std::convert::Infallible;
use std::io::Write as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use flate2::Compression as Level;
use flate2::write::GzEncoder;
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body::{Frame, SizeHint};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceResponse;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceResponse;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message as _;

use crate::export::ledger::Signal;
use crate::export::retry::{Answer, Delivery};
use crate::export::settings::OtlpEndpoint;

/// Bytes of an answer that are read.
pub(super) const MAX_ANSWER: usize = 64 << 10;

/// Headers that belong to the protocol: a configured one of these names would break the request.
const OWN_HEADERS: [&str; 8] =
    ["content-type", "content-length", "content-encoding", "transfer-encoding", "connection", "upgrade", "te", "grpc-encoding"];

/// A request's body that knows when it is asked for: from then on the receiver may have it.
#[derive(Debug)]
pub(super) struct SentBody {
    bytes: Bytes,
    delivery: Arc<Delivery>,
}

impl SentBody {
    pub(super) fn new(bytes: Bytes, delivery: Arc<Delivery>) -> Self {
        SentBody { bytes, delivery }
    }
}

impl http_body::Body for SentBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.delivery.mark_sent();
        let bytes = std::mem::take(&mut self.bytes);
        Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.len() as u64)
    }
}

/// Gzip at the speed that suits a thread beside the program's own work.
pub(super) fn gzip(payload: &[u8]) -> Result<Vec<u8>, String> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(payload.len() / 4), Level::fast());
    encoder.write_all(payload).and_then(|()| encoder.finish()).map_err(|error| format!("gzip: {error}"))
}

/// The configured headers, values marked as sensitive. The error names the header and never its value.
pub(super) fn headers(endpoint: &OtlpEndpoint) -> Result<HeaderMap, String> {
    let mut map = HeaderMap::new();
    for (name, value) in &endpoint.headers {
        let shown = name.escape_debug();
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("`{shown}` is not the name of a header"))?;
        if OWN_HEADERS.contains(&name.as_str()) {
            return Err(format!("the header `{name}` belongs to the protocol and cannot be configured"));
        }
        let mut value = HeaderValue::from_str(value.expose())
            .map_err(|_| format!("the value of header `{name}` has characters that a header cannot have"))?;
        value.set_sensitive(true);
        map.append(name, value);
    }
    Ok(map)
}

/// What a receiver's protobuf message of success says. One that cannot be read says nothing more than success.
pub(super) fn taken(signal: Signal, message: &[u8]) -> Answer {
    let partial = match signal {
        Signal::Records => ExportLogsServiceResponse::decode(message)
            .ok()
            .and_then(|response| response.partial_success)
            .map(|partial| (partial.rejected_log_records, partial.error_message)),
        Signal::Spans => ExportTraceServiceResponse::decode(message)
            .ok()
            .and_then(|response| response.partial_success)
            .map(|partial| (partial.rejected_spans, partial.error_message)),
        Signal::Points => ExportMetricsServiceResponse::decode(message)
            .ok()
            .and_then(|response| response.partial_success)
            .map(|partial| (partial.rejected_data_points, partial.error_message)),
    };
    let (rejected, message) = partial.unwrap_or_default();
    Answer::Taken { rejected: u64::try_from(rejected).unwrap_or(0), message }
}
