//! What the exporter is told at start: the resource, and where each signal goes.
//! The configuration makes it from code and environment; the exporter reads it once, at start.
//! Nothing here reads the environment, and nothing here prints a header's value.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tracing_weaver_layers::Value;

use super::sink::LocalDestination;
#[cfg(feature = "spans")]
use super::spans::SpanQueue;
use super::watch::Watch;

/// Everything the exporter needs to know.
#[derive(Debug)]
pub(crate) struct ExportSettings {
    /// Resource attributes, each key once, the same for every signal and destination.
    pub(crate) resource: Vec<(Arc<str>, Value)>,
    /// Where records go over OTLP; `None`: nowhere.
    pub(crate) logs: Option<OtlpEndpoint>,
    /// Where metrics go over OTLP; `None`: nowhere.
    pub(crate) metrics: Option<OtlpEndpoint>,
    /// Where spans go over OTLP; `None`: nowhere.
    pub(crate) traces: Option<OtlpEndpoint>,
    /// Destinations inside this process: console, file, memory.
    pub(crate) locals: Vec<LocalDestination>,
    /// Time between two collections of metrics.
    pub(crate) metric_interval: Duration,
    /// Time after which what ended threads counted is merged at the latest, whether metrics go anywhere or not.
    pub(crate) merge_interval: Duration,
    /// How long a record waits at most for its batch to fill.
    pub(crate) log_delay: Duration,
    /// Who looks at something now and then.
    pub(crate) watch: Vec<Box<dyn Watch>>,
    /// Most records in one request.
    pub(crate) log_batch: usize,
    /// How long a span waits at most for its batch to fill.
    pub(crate) span_delay: Duration,
    /// Most spans in one request.
    #[cfg_attr(not(feature = "spans"), allow(dead_code))]
    pub(crate) span_batch: usize,
    /// Most spans that wait for the export thread.
    #[cfg_attr(not(feature = "spans"), allow(dead_code))]
    pub(crate) span_queue: usize,
    /// Where spans wait; `None`: nobody makes any.
    #[cfg(feature = "spans")]
    pub(crate) spans: Option<Arc<SpanQueue>>,
}

impl ExportSettings {
    /// For a resource: no destination yet, metrics every minute, records after a second and spans after five at most.
    pub(crate) fn new(resource: Vec<(Arc<str>, Value)>) -> Self {
        ExportSettings {
            resource,
            logs: None,
            metrics: None,
            traces: None,
            locals: Vec::new(),
            metric_interval: Duration::from_secs(60),
            merge_interval: Duration::from_secs(10),
            log_delay: Duration::from_secs(1),
            watch: Vec::new(),
            log_batch: 512,
            span_delay: Duration::from_secs(5),
            span_batch: 512,
            span_queue: 32_768,
            #[cfg(feature = "spans")]
            spans: None,
        }
    }

    /// Makes the queue that the layer is to put spans into, with the bounds that stand here.
    #[cfg(feature = "spans")]
    pub(crate) fn open_span_queue(&mut self) -> Arc<SpanQueue> {
        let queue = Arc::new(SpanQueue::new(self.span_queue, self.span_batch));
        self.spans = Some(queue.clone());
        queue
    }
}

/// One receiver of one signal.
#[derive(Clone)]
pub(crate) struct OtlpEndpoint {
    /// For HTTP the whole URL, with `/v1/logs`, `/v1/metrics` or `/v1/traces`; for gRPC `http://host:port` (plaintext) or `https://host:port`.
    pub(crate) url: String,
    /// How to speak to it.
    pub(crate) protocol: Protocol,
    /// Sent with each request.
    pub(crate) headers: Vec<(String, Secret)>,
    /// Bound on one batch, its retries included.
    pub(crate) timeout: Duration,
    /// Of the request's body.
    pub(crate) compression: Compression,
    /// Certificates, where the URL is one of `https://`. Where they cannot be used, nothing is sent, for this reason.
    pub(crate) tls: Result<Tls, String>,
}

impl OtlpEndpoint {
    /// The URL as it may be shown to people: without user, password and query.
    pub(crate) fn shown(&self) -> String {
        let (scheme, authority, path) = self.parts();
        let scheme = if scheme.is_empty() { String::new() } else { format!("{scheme}://") };
        format!("{scheme}{authority}{path}")
    }

    /// Host and port, for `server.address` and `server.port`.
    pub(crate) fn server(&self) -> (String, u16) {
        let (scheme, authority, _) = self.parts();
        let default = if scheme == "https" { 443 } else { 80 };
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().unwrap_or(default)),
            _ => (authority, default),
        };
        (host.trim_matches(['[', ']']).to_owned(), port)
    }

    fn parts(&self) -> (&str, &str, &str) {
        let (scheme, rest) = self.url.split_once("://").unwrap_or(("", &self.url));
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        let (authority, path) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
        (scheme, authority.rsplit_once('@').map_or(authority, |(_, host)| host), path)
    }
}

impl fmt::Debug for OtlpEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL as it is may hold a password.
        f.debug_struct("OtlpEndpoint")
            .field("url", &self.shown())
            .field("protocol", &self.protocol)
            .field("headers", &self.headers)
            .field("timeout", &self.timeout)
            .field("compression", &self.compression)
            .field("tls", &self.tls)
            .finish()
    }
}

/// An OTLP protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// `http/protobuf`.
    HttpProtobuf,
    /// `http/json`.
    HttpJson,
    /// `grpc`.
    Grpc,
}

impl Protocol {
    /// As the environment names it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Protocol::HttpProtobuf => "http/protobuf",
            Protocol::HttpJson => "http/json",
            Protocol::Grpc => "grpc",
        }
    }

    /// Whether this build of the crate can speak it.
    pub(crate) fn is_built(self) -> bool {
        match self {
            Protocol::HttpProtobuf | Protocol::HttpJson => cfg!(feature = "http"),
            Protocol::Grpc => cfg!(feature = "grpc"),
        }
    }
}

/// Compression of a request's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Compression {
    /// None.
    #[default]
    None,
    /// Gzip.
    Gzip,
}

/// Who is trusted, and what we show of ourselves.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tls {
    /// Trusted in place of the system's roots: certificates, at least one.
    pub(crate) roots: Option<Pem>,
    /// The client's certificates and their key.
    pub(crate) identity: Option<(Pem, Pem)>,
}

/// What stands in a PEM file, a key perhaps: never shown.
#[derive(Clone)]
pub(crate) struct Pem(Arc<[u8]>);

impl Pem {
    /// Hides `bytes`.
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Pem(bytes.into())
    }

    /// The bytes, to be parsed.
    pub(crate) fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[pem]")
    }
}

/// A value that is sent and never shown.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    /// Hides `value`.
    pub(crate) fn new(value: impl Into<String>) -> Self {
        Secret(value.into())
    }

    /// The value, to be sent.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(url: &str) -> OtlpEndpoint {
        OtlpEndpoint {
            url: url.into(),
            protocol: Protocol::HttpProtobuf,
            headers: vec![("authorization".into(), Secret::new("Bearer hunter2"))],
            timeout: Duration::from_secs(10),
            compression: Compression::None,
            tls: Ok(Tls::default()),
        }
    }

    #[test]
    fn a_shown_endpoint_has_no_password_and_no_query() {
        assert_eq!(endpoint("https://me:pw@h.example:4318/a/v1/logs?key=1#x").shown(), "https://h.example:4318/a/v1/logs");
        assert_eq!(endpoint("http://[::1]:4317").shown(), "http://[::1]:4317");
        assert_eq!(endpoint("me:pw@h/x").shown(), "h/x");
    }

    #[test]
    fn the_port_of_an_endpoint_is_that_of_its_scheme_where_none_is_written() {
        assert_eq!(endpoint("https://h.example/v1/logs").server(), ("h.example".to_owned(), 443));
        assert_eq!(endpoint("http://[::1]:4317").server(), ("::1".to_owned(), 4317));
        assert_eq!(endpoint("http://[::1]/x").server(), ("::1".to_owned(), 80));
    }

    #[test]
    fn debug_of_settings_never_shows_a_header_or_a_password() {
        let mut settings = ExportSettings::new(Vec::new());
        settings.logs = Some(endpoint("http://me:hunter2@h:1"));
        assert!(!format!("{settings:?}").contains("hunter2"));
        assert!(!format!("{}", Secret::new("hunter2")).contains("hunter2"));
    }
}
