//! OTLP over gRPC.
//! The sending task of a destination uses it through `Transport`.
//! A unary call is five bytes of frame and the request as it is: nothing is decoded, encoded again or sent twice in here.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use http::header::{CONTENT_TYPE, TE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body::Body as _;
use tonic::body::Body;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use tower_service::Service as _;

use super::body::{MAX_ANSWER, SentBody, gzip, headers, taken};
use super::provider::provider;
use super::{USER_AGENT, causes, tls};
use crate::export::ledger::Signal;
use crate::export::report::DropReason;
use crate::export::retry::{Answer, Delivery};
use crate::export::settings::{Compression, OtlpEndpoint, Tls};

const FRAME: usize = 5;

/// A client of one service of one server.
#[derive(Debug)]
pub(crate) struct Grpc {
    endpoint: Endpoint,
    channel: Mutex<Channel>,
    path: &'static str,
    headers: HeaderMap,
    gzip: bool,
    signal: Signal,
}

impl Grpc {
    /// For an endpoint; the error says what is wrong with it.
    pub(super) fn new(endpoint: &OtlpEndpoint, signal: Signal) -> Result<Self, String> {
        let gzip = endpoint.compression == Compression::Gzip;
        let mut headers = headers(endpoint)?;
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert(TE, HeaderValue::from_static("trailers"));
        if gzip {
            headers.insert("grpc-encoding", HeaderValue::from_static("gzip"));
        }
        let mut client = Endpoint::from_shared(endpoint.url.clone())
            .and_then(|client| client.user_agent(USER_AGENT))
            .map_err(|error| causes(&error))?
            .connect_timeout(endpoint.timeout.max(Duration::from_millis(1)))
            .tcp_nodelay(true);
        if client.uri().authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err("user and password in the URL are not sent over gRPC: use a header".into());
        }
        match client.uri().scheme_str() {
            Some("http") => {}
            Some("https") => {
                // Asked here, since without one the channel would panic.
                provider()?;
                let mut config = client_config(endpoint.tls.as_ref()?);
                // A certificate names an address without the brackets that it has in a URL.
                if let Some(address) = client.uri().host().and_then(|host| host.strip_prefix('[')?.strip_suffix(']')) {
                    config = config.domain_name(address);
                }
                client = client.tls_config(config).map_err(|error| causes(&error))?;
            }
            _ => return Err("not a URL of http:// or https:// with a host".into()),
        }
        Ok(Grpc {
            channel: Mutex::new(client.connect_lazy()),
            endpoint: client,
            path: match signal {
                Signal::Records => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
                Signal::Spans => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
                Signal::Points => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
            },
            headers,
            gzip,
            signal,
        })
    }

    /// The body of a request: whether it is compressed, its length, itself.
    pub(super) fn encode(&self, payload: &Bytes) -> Result<Bytes, String> {
        let compressed = if self.gzip { Some(gzip(payload)?) } else { None };
        let message = compressed.as_deref().unwrap_or(payload);
        let length = u32::try_from(message.len()).map_err(|_| "a request of more than 4 GiB".to_owned())?;
        let mut body = BytesMut::with_capacity(FRAME + message.len());
        body.put_u8(u8::from(self.gzip));
        body.put_u32(length);
        body.put_slice(message);
        Ok(body.freeze())
    }

    /// Sends a body once.
    pub(super) async fn attempt(&self, body: Bytes, delivery: Arc<Delivery>) -> Answer {
        let mut reconnect = Reconnect { grpc: self, armed: true };
        let mut channel = self.channel.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let answer = match self.call(&mut channel, body, delivery).await {
            Ok(response) => self.answer(response).await,
            Err(error) => tls::failed(&error, causes(&error)),
        };
        reconnect.armed = matches!(answer, Answer::None { .. });
        answer
    }

    async fn call(&self, channel: &mut Channel, body: Bytes, delivery: Arc<Delivery>) -> Result<Response<Body>, tonic::transport::Error> {
        poll_fn(|context| channel.poll_ready(context)).await?;
        let mut request = Request::new(Body::new(SentBody::new(body, delivery)));
        *request.method_mut() = Method::POST;
        *request.version_mut() = Version::HTTP_2;
        *request.uri_mut() = http::Uri::from_static(self.path);
        *request.headers_mut() = self.headers.clone();
        channel.call(request).await
    }

    async fn answer(&self, response: Response<Body>) -> Answer {
        let http_status = response.status();
        if let Some(status) = Status::from_header_map(response.headers()) {
            return self.judge(&status, &[]);
        }
        let mut body = response.into_body();
        let mut message = Vec::new();
        loop {
            match poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => message.extend_from_slice(&data[..data.len().min(MAX_ANSWER - message.len())]),
                    Err(frame) => {
                        if let Some(status) = frame.trailers_ref().and_then(Status::from_header_map) {
                            return self.judge(&status, &message);
                        }
                    }
                },
                Some(Err(status)) => return tls::failed(&status, causes(&status)),
                None => return without_status(http_status),
            }
        }
    }

    fn judge(&self, status: &Status, framed: &[u8]) -> Answer {
        if status.code() == Code::Ok {
            let uncompressed = framed.first() == Some(&0) && framed.len() >= FRAME;
            return taken(self.signal, if uncompressed { &framed[FRAME..] } else { &[] });
        }
        let after = status.get_details_retry_info().map(|info| info.retry_delay.unwrap_or_default());
        let what = format!("the receiver answered gRPC {:?}", status.code());
        match status.code() {
            Code::Cancelled | Code::DeadlineExceeded | Code::Aborted | Code::OutOfRange | Code::Unavailable | Code::DataLoss => {
                Answer::Later { after, what }
            }
            Code::ResourceExhausted if after.is_some() => Answer::Later { after, what },
            _ => Answer::Refused { reason: DropReason::NotRetryable, what },
        }
    }
}

/// The operator's roots, else the system's; our certificate, where there is one.
fn client_config(settings: &Tls) -> ClientTlsConfig {
    let config = match &settings.roots {
        Some(pem) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem.expose())),
        None => ClientTlsConfig::new().with_native_roots(),
    };
    match &settings.identity {
        Some((certificates, key)) => config.identity(Identity::from_pem(certificates.expose(), key.expose())),
        None => config,
    }
}

/// An answer of something that does not speak gRPC, or one that broke off.
fn without_status(status: StatusCode) -> Answer {
    let what = format!("the receiver answered HTTP {status} without a gRPC status");
    match status {
        StatusCode::OK => Answer::None { what },
        StatusCode::TOO_MANY_REQUESTS | StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
            Answer::Later { after: None, what }
        }
        _ => Answer::Refused { reason: DropReason::NotRetryable, what },
    }
}

/// A connection that did not answer is given up, also when the attempt is cut short: else every later one would wait on it.
struct Reconnect<'a> {
    grpc: &'a Grpc,
    armed: bool,
}

impl Drop for Reconnect<'_> {
    fn drop(&mut self) {
        if self.armed && tokio::runtime::Handle::try_current().is_ok() {
            *self.grpc.channel.lock().unwrap_or_else(PoisonError::into_inner) = self.grpc.endpoint.connect_lazy();
        }
    }
}
