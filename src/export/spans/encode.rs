//! Spans as OTLP requests: OpenTelemetry's own exporter encodes them.
//! The export thread calls it for each request that it takes from the queue.
//! It sends nothing: the exporter's HTTP client only keeps the body, and our transports send it, over HTTP or gRPC alike.

use std::future::{Future, ready};
use std::io::Read as _;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use flate2::read::GzDecoder;
use http::header::CONTENT_ENCODING;
use http::{Request, Response};
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{Protocol, RetryPolicy, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_sdk::trace::{SpanData, SpanExporter as _};
use prost::{DecodeError, Message};
use tracing_weaver_layers::bytes_of_marked_text;

/// Makes requests of spans.
#[derive(Debug)]
pub(super) struct SpanEncoder {
    exporter: Result<SpanExporter, String>,
    kept: Arc<KeptRequest>,
    resource: Resource,
}

impl SpanEncoder {
    /// For requests that bear `resource`.
    pub(super) fn new(resource: Resource) -> Self {
        let kept = Arc::new(KeptRequest::default());
        let exporter = SpanExporter::builder()
            .with_http()
            .with_shared_http_client(kept.clone())
            // The exporter asks the environment for whatever code leaves open. None of this is used, except the protocol.
            .with_endpoint("http://localhost/v1/traces")
            .with_protocol(Protocol::HttpBinary)
            .with_timeout(Duration::from_secs(1))
            .with_retry_policy(RetryPolicy::disabled())
            .build()
            .map_err(|error| error.to_string());
        SpanEncoder { exporter, kept, resource }
    }

    /// One request with these spans, grouped by scope.
    pub(super) fn encode(&self, spans: Vec<SpanData>) -> Result<Bytes, String> {
        let exporter = self.exporter.as_ref().map_err(String::clone)?;
        let bytes = spans.iter().any(holds_bytes);
        // Nothing in it waits: its client has the answer at once.
        match pin!(exporter.export(spans)).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(exported) => exported.map_err(|error| error.to_string())?,
            Poll::Pending => return Err("OpenTelemetry's exporter waits for something".to_owned()),
        }
        let body = self.kept.take()?;
        let body = if bytes { with_bytes(body)? } else { body };
        let mut request = OpenRequest::decode(body).map_err(unreadable)?;
        for spans in &mut request.resource_spans {
            spans.resource = Some(self.resource.clone());
        }
        Ok(request.encode_to_vec().into())
    }
}

fn unreadable(error: DecodeError) -> String {
    format!("a request of OpenTelemetry's exporter does not decode: {error}")
}

/// A request whose scopes stay as they were encoded. Its resource is put in here: as the other signals have it, bytes and order included.
#[derive(Message)]
struct OpenRequest {
    #[prost(message, repeated, tag = "1")]
    resource_spans: Vec<OpenSpans>,
}

/// `ResourceSpans`, likewise.
#[derive(Message)]
struct OpenSpans {
    #[prost(message, optional, tag = "1")]
    resource: Option<Resource>,
    #[prost(bytes = "bytes", repeated, tag = "2")]
    scope_spans: Vec<Bytes>,
}

/// Whether a span has a value that OpenTelemetry's types have no place for.
fn holds_bytes(span: &SpanData) -> bool {
    let marked = |attribute: &opentelemetry::KeyValue| match &attribute.value {
        opentelemetry::Value::String(text) => bytes_of_marked_text(text.as_str()).is_some(),
        _ => false,
    };
    span.attributes.iter().any(marked)
        || span.instrumentation_scope.attributes().any(marked)
        || span.events.iter().any(|event| event.attributes.iter().any(marked))
        || span.links.iter().any(|link| link.attributes.iter().any(marked))
}

/// The request with bytes in the place of marked texts.
fn with_bytes(body: Bytes) -> Result<Bytes, String> {
    let mut request = ExportTraceServiceRequest::decode(body).map_err(unreadable)?;
    for scope in request.resource_spans.iter_mut().flat_map(|resource| &mut resource.scope_spans) {
        scope.scope.iter_mut().for_each(|scope| unmark(&mut scope.attributes));
        for span in &mut scope.spans {
            unmark(&mut span.attributes);
            span.events.iter_mut().for_each(|event| unmark(&mut event.attributes));
            span.links.iter_mut().for_each(|link| unmark(&mut link.attributes));
        }
    }
    Ok(request.encode_to_vec().into())
}

/// Marked texts become the bytes that the program gave.
fn unmark(attributes: &mut [KeyValue]) {
    for value in attributes.iter_mut().filter_map(|attribute| attribute.value.as_mut()) {
        if let Some(Any::StringValue(text)) = &value.value
            && let Some(bytes) = bytes_of_marked_text(text)
        {
            value.value = Some(Any::BytesValue(bytes));
        }
    }
}

/// The client of OpenTelemetry's exporter: keeps the last request, and answers that it went well.
#[derive(Debug, Default)]
struct KeptRequest(Mutex<Option<Request<Bytes>>>);

impl KeptRequest {
    /// The body, uncompressed.
    fn take(&self) -> Result<Bytes, String> {
        let request = self.0.lock().unwrap_or_else(PoisonError::into_inner).take().ok_or("OpenTelemetry's exporter sent nothing")?;
        let encoding = request.headers().get(CONTENT_ENCODING).cloned();
        let body = request.into_body();
        match encoding.as_ref().map(|encoding| encoding.as_bytes()) {
            None => Ok(body),
            // A program can switch compression on in the exporter's crate, and the environment in the exporter; ours comes later.
            Some(b"gzip") => {
                let mut plain = Vec::new();
                GzDecoder::new(&body[..]).read_to_end(&mut plain).map_err(|error| format!("gzip: {error}"))?;
                Ok(plain.into())
            }
            Some(other) => Err(format!(
                "OpenTelemetry's exporter compresses by `{}`: unset OTEL_EXPORTER_OTLP_COMPRESSION and OTEL_EXPORTER_OTLP_TRACES_COMPRESSION",
                String::from_utf8_lossy(other)
            )),
        }
    }
}

/// As the `async_trait` of `HttpClient` has it, written out.
impl HttpClient for KeptRequest {
    fn send_bytes<'a, 'b>(
        &'a self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(request);
        Box::pin(ready(Ok(Response::new(Bytes::new()))))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn kept(encoding: Option<&str>, body: Vec<u8>) -> Result<Bytes, String> {
        let kept = KeptRequest::default();
        let mut request = Request::new(Bytes::from(body));
        if let Some(encoding) = encoding {
            request.headers_mut().insert(CONTENT_ENCODING, encoding.parse().unwrap());
        }
        drop(kept.send_bytes(request));
        kept.take()
    }

    #[test]
    fn a_body_that_the_environment_had_compressed_is_plain_again() {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(b"spans").unwrap();
        assert_eq!(kept(None, b"spans".to_vec()).unwrap(), "spans");
        assert_eq!(kept(Some("gzip"), gzip.finish().unwrap()).unwrap(), "spans");
    }

    #[test]
    fn a_body_that_cannot_be_read_is_an_error_that_says_what_to_do() {
        let error = kept(Some("zstd"), b"?".to_vec()).unwrap_err();
        assert!(error.contains("`zstd`") && error.contains("unset OTEL_EXPORTER_OTLP_COMPRESSION"), "{error}");
        assert!(kept(Some("gzip"), b"?".to_vec()).is_err());
        assert!(KeptRequest::default().take().is_err());
    }
}
