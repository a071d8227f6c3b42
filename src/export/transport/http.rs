//! OTLP over HTTP/1.1, protobuf or JSON.
//! The sending task of a destination uses it through `Transport`.
//! One request per attempt: no redirect is followed and nothing is sent again from in here.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, StatusCode};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};
use serde_json::Value;

use super::body::{MAX_ANSWER, SentBody, gzip, headers, taken};
use super::provider::provider;
use super::{USER_AGENT, causes, tls};
use crate::export::json;
use crate::export::ledger::Signal;
use crate::export::report::DropReason;
use crate::export::retry::{Answer, Delivery};
use crate::export::settings::{Compression, OtlpEndpoint, Protocol, Tls};

/// Bytes of an error reply that are read, so that its connection can be used again, and for how long.
const MAX_ERROR_BODY: usize = 16 << 10;
const ERROR_BODY_TIME: Duration = Duration::from_millis(250);

/// A client of one URL.
pub(crate) struct Http {
    client: reqwest::Client,
    url: reqwest::Url,
    headers: HeaderMap,
    json: bool,
    gzip: bool,
    signal: Signal,
}

impl Http {
    /// For an endpoint; the error says what is wrong with it.
    pub(super) fn new(endpoint: &OtlpEndpoint, signal: Signal) -> Result<Self, String> {
        let url = reqwest::Url::parse(&endpoint.url).map_err(|error| format!("not a URL: {error}"))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err("not a URL of http:// or https:// with a host".into());
        }
        let json = endpoint.protocol == Protocol::HttpJson;
        let gzip = endpoint.compression == Compression::Gzip;
        let mut headers = headers(endpoint)?;
        let content_type = if json { "application/json" } else { "application/x-protobuf" };
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        if gzip {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        let mut client = reqwest::Client::builder();
        if is_here(&url) {
            // A proxy could not reach it.
            client = client.no_proxy();
        }
        let client = client
            .user_agent(USER_AGENT)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .tls_backend_preconfigured(match url.scheme() {
                "https" => client_config(endpoint.tls.as_ref()?)?,
                _ => without_trust()?,
            })
            .pool_max_idle_per_host(1)
            .tcp_nodelay(true)
            .build()
            .map_err(|error| causes(&error))?;
        Ok(Http { client, url, headers, json, gzip, signal })
    }

    /// The body of a request.
    pub(super) fn encode(&self, payload: &Bytes) -> Result<Bytes, String> {
        let body = if self.json { Bytes::from(self.to_json(payload)?) } else { payload.clone() };
        if self.gzip { gzip(&body).map(Bytes::from) } else { Ok(body) }
    }

    /// Sends a body once.
    pub(super) async fn attempt(&self, body: Bytes, delivery: Arc<Delivery>) -> Answer {
        let request = self.client.post(self.url.clone()).headers(self.headers.clone());
        match request.body(reqwest::Body::wrap(SentBody::new(body, delivery))).send().await {
            Ok(response) => self.answer(response).await,
            Err(error) => {
                let error = error.without_url();
                tls::failed(&error, causes(&error))
            }
        }
    }

    fn to_json(&self, payload: &Bytes) -> Result<String, String> {
        let undecodable = |error| format!("a request that was just encoded does not decode: {error}");
        match self.signal {
            Signal::Records => json::logs(&ExportLogsServiceRequest::decode(payload.clone()).map_err(undecodable)?),
            Signal::Spans => json::traces(&ExportTraceServiceRequest::decode(payload.clone()).map_err(undecodable)?),
            Signal::Points => json::metrics(&ExportMetricsServiceRequest::decode(payload.clone()).map_err(undecodable)?),
        }
    }

    async fn answer(&self, mut response: reqwest::Response) -> Answer {
        let status = response.status();
        if status.is_success() {
            // The status is the answer: a body that does not come in full takes nothing back.
            let message = read(&mut response, MAX_ANSWER).await;
            return if self.json { taken_by_json(&message) } else { taken(self.signal, &message) };
        }
        let after = response.headers().get(RETRY_AFTER).and_then(|value| retry_after(value, SystemTime::now()));
        let _ = tokio::time::timeout(ERROR_BODY_TIME, read(&mut response, MAX_ERROR_BODY)).await;
        let what = format!("the receiver answered HTTP {status}");
        match status {
            StatusCode::TOO_MANY_REQUESTS | StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
                Answer::Later { after, what }
            }
            StatusCode::PAYLOAD_TOO_LARGE => Answer::Refused { reason: DropReason::TooLarge, what },
            _ => Answer::Refused { reason: DropReason::NotRetryable, what },
        }
    }
}

impl std::fmt::Debug for Http {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The URL may hold a password.
        f.debug_struct("Http").field("signal", &self.signal).finish_non_exhaustive()
    }
}

/// What a receiver's JSON message of success says. One that cannot be read says nothing more than success.
fn taken_by_json(message: &[u8]) -> Answer {
    let response: Value = serde_json::from_slice(message).unwrap_or_default();
    let partial = &response["partialSuccess"];
    // 64-bit integers are texts in this format, and some receivers write numbers.
    let count = |value: &Value| value.as_u64().or_else(|| value.as_str()?.parse().ok());
    let rejected =
        ["rejectedLogRecords", "rejectedSpans", "rejectedDataPoints"].into_iter().find_map(|key| count(&partial[key])).unwrap_or(0);
    Answer::Taken { rejected, message: partial["errorMessage"].as_str().unwrap_or_default().to_owned() }
}

/// Whether a URL leads to this machine.
fn is_here(url: &reqwest::Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    host == "localhost" || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

async fn read(response: &mut reqwest::Response, bound: usize) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        body.extend_from_slice(&chunk[..chunk.len().min(bound - body.len())]);
        if body.len() == bound {
            break;
        }
    }
    body
}

/// Seconds, or a date.
fn retry_after(value: &HeaderValue, now: SystemTime) -> Option<Duration> {
    let text = value.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

/// For TLS: the operator's roots, else the system's; our certificate, where there is one.
fn client_config(settings: &Tls) -> Result<ClientConfig, String> {
    let roots = match &settings.roots {
        Some(pem) => tls::roots(pem)?,
        None => system_roots()?,
    };
    let builder = builder()?.with_root_certificates(roots);
    match &settings.identity {
        None => Ok(builder.with_no_client_auth()),
        Some((certificates, key)) => {
            builder.with_client_auth_cert(tls::certificates(certificates)?, tls::key(key)?).map_err(|error| format!("TLS: {error}"))
        }
    }
}

/// Where there is no TLS, the system's roots need not be read.
fn without_trust() -> Result<ClientConfig, String> {
    Ok(builder()?.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

fn system_roots() -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    let native = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(native.certs);
    if roots.is_empty() {
        let why = native.errors.first().map(|error| format!(": {error}")).unwrap_or_default();
        return Err(format!(
            "no root certificate of the system can be read{why} (help: give the receiver's CA by OTEL_EXPORTER_OTLP_CERTIFICATE)"
        ));
    }
    Ok(roots)
}

fn builder() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, String> {
    ClientConfig::builder_with_provider(provider()?).with_safe_default_protocol_versions().map_err(|error| format!("TLS: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_770);
        let read = |text: &'static str| retry_after(&HeaderValue::from_static(text), now);
        assert_eq!(read("7"), Some(Duration::from_secs(7)));
        assert_eq!(read("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::from_secs(7)));
        assert_eq!(read("Sun, 06 Nov 1994 08:49:00 GMT"), Some(Duration::ZERO));
        assert_eq!(read("soon"), None);
        assert_eq!(read("-3"), None);
    }
}
