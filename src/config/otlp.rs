//! Receivers: `OTEL_EXPORTER_OTLP_*` and the variables of one signal, which win.
//! The reader of the environment calls it once per signal.
//! It connects to nothing, and it never repeats a header's value.

use std::time::Duration;

use http::uri::{Authority, PathAndQuery, Uri};
use http::{HeaderName, HeaderValue};

use super::pairs::pairs;
use super::tls;
use super::variables::Variables;
use crate::export::{Compression, OtlpEndpoint, Protocol, Secret};

/// A batch's time where nothing says otherwise.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What the variables of one prefix say; the endpoint is read apart, as it depends on the protocol.
#[derive(Debug, Default)]
pub(super) struct OtlpVariables {
    /// `OTEL_EXPORTER_OTLP_` and perhaps a signal.
    prefix: String,
    protocol: Option<Protocol>,
    headers: Option<Vec<(String, Secret)>>,
    timeout: Option<Duration>,
    compression: Option<Compression>,
    insecure: Option<bool>,
}

impl OtlpVariables {
    /// Reads `OTEL_EXPORTER_OTLP_PROTOCOL` and its kin, with `LOGS_`, `METRICS_` or `TRACES_` in the name where a signal is given.
    pub(super) fn read(variables: &mut Variables<'_>, signal: &str) -> Self {
        let prefix = format!("OTEL_EXPORTER_OTLP_{signal}");
        let name = |what: &str| format!("{prefix}{what}");
        OtlpVariables {
            protocol: variables.parsed(&name("PROTOCOL"), "`http/protobuf`, `http/json` or `grpc`", protocol),
            headers: headers(variables, &name("HEADERS")),
            timeout: variables.millis(&name("TIMEOUT")),
            compression: variables.parsed(&name("COMPRESSION"), "`gzip` or `none`", compression),
            insecure: variables.boolean(&name("INSECURE")),
            prefix,
        }
    }

    /// The receiver that this prefix names, as an address of this protocol.
    fn endpoint(&self, variables: &mut Variables<'_>, protocol: Protocol, insecure: bool) -> Option<Uri> {
        let name = format!("{}ENDPOINT", self.prefix);
        match protocol {
            Protocol::Grpc => variables.parsed(&name, "an address like `http://localhost:4317` or `https://host:port`", |text| {
                receiver(text).or_else(|| receiver(&format!("{}://{text}", if insecure { "http" } else { "https" })))
            }),
            _ => variables.parsed(&name, "an address like `http://localhost:4318` or `https://host:port/path`", receiver),
        }
    }
}

/// How to reach the receiver of a signal, whether or not it is wanted.
pub(super) struct Receiver {
    /// Whether a variable names it.
    pub(super) is_named: bool,
    url: String,
    protocol: Protocol,
}

/// Where a signal goes over OTLP: its own variables beat the general ones; `path` is added to the general endpoint over HTTP.
pub(super) fn locate(variables: &mut Variables<'_>, general: &OtlpVariables, own: &OtlpVariables, path: &str) -> Receiver {
    let protocol = own.protocol.or(general.protocol).unwrap_or(default_protocol());
    let insecure = own.insecure.or(general.insecure).unwrap_or(false);
    let grpc = protocol == Protocol::Grpc;
    let named = (own.endpoint(variables, protocol, insecure), general.endpoint(variables, protocol, insecure));
    let url = match &named {
        (Some(own), _) if grpc => without_path(own),
        (Some(own), _) => own.to_string(),
        (None, Some(general)) if grpc => without_path(general),
        (None, Some(general)) => with_path(general, path),
        (None, None) if grpc => "http://localhost:4317".to_owned(),
        (None, None) => format!("http://localhost:4318{path}"),
    };
    Receiver { is_named: named != (None, None), url, protocol }
}

/// The receiver with all that is sent to it and asked of it. `export_timeout` bounds a batch, too.
pub(super) fn endpoint(
    variables: &mut Variables<'_>,
    general: &OtlpVariables,
    own: &OtlpVariables,
    receiver: Receiver,
    export_timeout: Option<Duration>,
) -> OtlpEndpoint {
    let timeout = own.timeout.or(general.timeout).unwrap_or(TIMEOUT);
    OtlpEndpoint {
        tls: tls::read(variables, &[&own.prefix, &general.prefix], &receiver.url),
        url: receiver.url,
        protocol: receiver.protocol,
        headers: own.headers.as_ref().or(general.headers.as_ref()).cloned().unwrap_or_default(),
        timeout: export_timeout.map_or(timeout, |bound| bound.min(timeout)),
        compression: own.compression.or(general.compression).unwrap_or_default(),
    }
}

/// What is spoken where nothing says otherwise: `http/protobuf`, if this build can.
fn default_protocol() -> Protocol {
    match Protocol::HttpProtobuf.is_built() || !Protocol::Grpc.is_built() {
        true => Protocol::HttpProtobuf,
        false => Protocol::Grpc,
    }
}

fn receiver(text: &str) -> Option<Uri> {
    let uri: Uri = text.parse().ok()?;
    let authority = uri.authority()?;
    let port = authority.as_str().rsplit_once('@').map_or(authority.as_str(), |(_, host)| host);
    let port_is_right = match port.rsplit_once(':') {
        Some((_, port)) if !port.ends_with(']') => port.parse::<u16>().is_ok_and(|port| port > 0),
        _ => true,
    };
    let scheme_is_right = matches!(uri.scheme_str(), Some("http" | "https"));
    (scheme_is_right && port_is_right && !authority.host().is_empty()).then_some(uri)
}

fn without_path(uri: &Uri) -> String {
    format!("{}://{}", uri.scheme_str().unwrap_or("http"), uri.authority().map_or("", Authority::as_str))
}

fn with_path(uri: &Uri, path: &str) -> String {
    let query = uri.path_and_query().and_then(PathAndQuery::query).map(|query| format!("?{query}")).unwrap_or_default();
    format!("{}{}{path}{query}", without_path(uri), uri.path().trim_end_matches('/'))
}

fn protocol(text: &str) -> Option<Protocol> {
    [Protocol::HttpProtobuf, Protocol::HttpJson, Protocol::Grpc].into_iter().find(|known| known.as_str().eq_ignore_ascii_case(text))
}

fn compression(text: &str) -> Option<Compression> {
    match text.to_ascii_lowercase().as_str() {
        "gzip" => Some(Compression::Gzip),
        "none" => Some(Compression::None),
        _ => None,
    }
}

/// Entries that are no header are left out, the others hold: a request without its key would only be refused.
fn headers(variables: &mut Variables<'_>, name: &str) -> Option<Vec<(String, Secret)>> {
    let list = variables.text(name)?;
    let mut headers: Vec<(String, Secret)> = Vec::new();
    for (at, pair) in pairs(&list).enumerate() {
        let header = pair.and_then(|(key, value)| match (key.parse::<HeaderName>(), HeaderValue::from_str(&value)) {
            (Ok(key), Ok(_)) => Ok((key.as_str().to_owned(), Secret::new(value))),
            _ => Err(format!("entry {} is no HTTP header", at + 1)),
        });
        match header {
            Ok((key, value)) => {
                headers.retain(|(other, _)| *other != key);
                headers.push((key, value));
            }
            Err(why) => variables.reject(name, format!("{why} (expected `key=value,key2=value2`)")),
        }
    }
    // A list of which nothing holds is as good as unset: the general one holds then.
    (!headers.is_empty()).then_some(headers)
}
