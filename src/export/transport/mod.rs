//! How an encoded request goes to a receiver: OTLP over HTTP or gRPC, one module for both.
//! A destination's sending task prepares each batch once with `encode` and makes each try with `attempt`.
//! Nothing here retries, follows redirects, or shows a header's value or the body of an error reply.

#[cfg(any(feature = "http", feature = "grpc"))]
mod body;
#[cfg(feature = "grpc")]
mod grpc;
#[cfg(feature = "http")]
mod http;
#[cfg(any(feature = "http", feature = "grpc"))]
pub(crate) mod provider;
#[cfg(any(feature = "http", feature = "grpc"))]
pub(crate) mod tls;

use std::sync::Arc;

use bytes::Bytes;

use super::ledger::Signal;
use super::report::DropReason;
use super::retry::{Answer, Delivery};
use super::settings::OtlpEndpoint;
#[cfg(any(feature = "http", feature = "grpc"))]
use super::settings::Protocol;

/// What the receiver sees as the client's name.
#[cfg(any(feature = "http", feature = "grpc"))]
const USER_AGENT: &str = concat!("OTel-OTLP-Exporter-Rust-tracing-weaver/", env!("CARGO_PKG_VERSION"));

/// A way to one receiver. Connects when it is first used.
#[derive(Debug)]
pub(crate) enum Transport {
    /// OTLP/HTTP.
    #[cfg(feature = "http")]
    Http(http::Http),
    /// OTLP/gRPC.
    #[cfg(feature = "grpc")]
    Grpc(Box<grpc::Grpc>),
    /// It cannot work, for this reason: each batch is dropped.
    Broken(String),
}

impl Transport {
    /// For an endpoint of a signal. Must be called on the runtime that will use it.
    pub(crate) fn new(endpoint: &OtlpEndpoint, signal: Signal) -> Self {
        let made = match endpoint.protocol {
            #[cfg(feature = "http")]
            Protocol::HttpProtobuf | Protocol::HttpJson => http::Http::new(endpoint, signal).map(Transport::Http),
            #[cfg(feature = "grpc")]
            Protocol::Grpc => grpc::Grpc::new(endpoint, signal).map(|grpc| Transport::Grpc(Box::new(grpc))),
            #[allow(unreachable_patterns)]
            protocol => Err(format!("this build has no {}: enable the feature of the crate", protocol.as_str())),
        };
        let _ = signal;
        made.unwrap_or_else(Transport::Broken)
    }

    /// Why it cannot work, if it cannot.
    pub(crate) fn fault(&self) -> Option<&str> {
        match self {
            Transport::Broken(what) => Some(what),
            #[cfg(any(feature = "http", feature = "grpc"))]
            _ => None,
        }
    }

    /// The body of a request, to be sent as often as need be.
    pub(crate) fn encode(&self, payload: &Bytes) -> Result<Bytes, String> {
        match self {
            #[cfg(feature = "http")]
            Transport::Http(http) => http.encode(payload),
            #[cfg(feature = "grpc")]
            Transport::Grpc(grpc) => grpc.encode(payload),
            Transport::Broken(_) => Ok(payload.clone()),
        }
    }

    /// Sends a body once.
    pub(crate) async fn attempt(&self, body: Bytes, delivery: Arc<Delivery>) -> Answer {
        match self {
            #[cfg(feature = "http")]
            Transport::Http(http) => http.attempt(body, delivery).await,
            #[cfg(feature = "grpc")]
            Transport::Grpc(grpc) => grpc.attempt(body, delivery).await,
            Transport::Broken(what) => {
                let _ = (body, delivery);
                Answer::Refused { reason: DropReason::NotRetryable, what: what.clone() }
            }
        }
    }
}

/// What an error and its causes say, once each.
#[cfg(any(feature = "http", feature = "grpc"))]
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let more = cause.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        source = cause.source();
    }
    text
}
