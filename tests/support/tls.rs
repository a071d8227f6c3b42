//! An authority that lasts as long as a test, and an OTLP receiver behind TLS: HTTP and gRPC on one port of loopback.
//!
//! The receiver is built on rustls's and tonic's servers and decodes by `opentelemetry-proto`: nothing of the exporter is in it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::routing::post;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_server::{LogsService, LogsServiceServer};
use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsServiceRequest, ExportLogsServiceResponse};
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{MetricsService, MetricsServiceServer};
use opentelemetry_proto::tonic::collector::metrics::v1::{ExportMetricsServiceRequest, ExportMetricsServiceResponse};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, date_time_ymd};
use tokio::io::AsyncReadExt as _;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig, crypto::ring};
use tonic::{Request, Response, Status};

/// Files of one certificate and its key.
pub(crate) struct Identity {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

/// Signs certificates and keeps them in a folder that goes with it.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: tempfile::TempDir,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("a certificate");
        let authority = Authority { issuer, folder: tempfile::tempdir().expect("a folder") };
        authority.write("ca.pem", &authority.issuer.pem());
        authority
    }

    /// The file of its own certificate.
    pub(crate) fn roots(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// A certificate for a host, valid until a year.
    pub(crate) fn issue(&self, host: &str, until: i32, purpose: ExtendedKeyUsagePurpose) -> Identity {
        let mut params = CertificateParams::new(vec![host.to_owned()]).expect("a name");
        params.extended_key_usages = vec![purpose];
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        Identity {
            certificate: self.write(&format!("{host}-{until}.pem"), &certificate.pem()),
            key: self.write(&format!("{host}-{until}.key"), &key.serialize_pem()),
        }
    }

    /// Its own certificate and key, as one who signs for himself would show them.
    pub(crate) fn itself(&self) -> Identity {
        Identity { certificate: self.roots(), key: self.write("ca.key", &self.issuer.key().serialize_pem()) }
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path
    }
}

/// How many items came, by signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Arrived {
    pub(crate) records: usize,
    pub(crate) points: usize,
    pub(crate) spans: usize,
}

type Shared = Arc<Mutex<Arrived>>;

/// A receiver; it stops with the test's process.
pub(crate) struct TlsReceiver {
    pub(crate) port: u16,
    arrived: Shared,
}

impl TlsReceiver {
    /// One that shows `identity`, and asks for a certificate of `clients` where there are any.
    pub(crate) fn start(identity: &Identity, clients: Option<&Authority>) -> Self {
        Self::start_at("127.0.0.1:0", identity, clients)
    }

    /// The same at an address of loopback.
    pub(crate) fn start_at(address: &str, identity: &Identity, clients: Option<&Authority>) -> Self {
        let config = server_config(identity, clients);
        let listener = std::net::TcpListener::bind(address).expect("a free port on loopback");
        let port = listener.local_addr().expect("a bound port").port();
        listener.set_nonblocking(true).expect("a socket option");
        let arrived = Shared::default();
        let routes = routes(arrived.clone());
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(serve(listener, config, routes));
        });
        TlsReceiver { port, arrived }
    }

    /// What came so far.
    pub(crate) fn arrived(&self) -> Arrived {
        *self.arrived.lock().expect("nobody panicked with it")
    }
}

/// For a server that shows `identity`, and asks for a certificate of `clients` where there are any.
pub(crate) fn server_config(identity: &Identity, clients: Option<&Authority>) -> ServerConfig {
    let certificates = |path: &Path| CertificateDer::pem_file_iter(path).expect("a file").map(|one| one.expect("a certificate"));
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions().expect("versions");
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(certificates(&authority.roots()));
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().expect("a verifier");
            builder.with_client_cert_verifier(verifier)
        }
    };
    let key = PrivateKeyDer::from_pem_file(&identity.key).expect("a key");
    let mut config = builder.with_single_cert(certificates(&identity.certificate).collect(), key).expect("a certificate and its key");
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config
}

async fn serve(listener: std::net::TcpListener, config: ServerConfig, routes: axum::Router) {
    let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, routes) = (acceptor.clone(), routes.clone());
        tokio::spawn(async move {
            match acceptor.accept(stream).into_fallible().await {
                Ok(stream) => {
                    let server = auto::Builder::new(TokioExecutor::new());
                    let _ = server.serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes)).await;
                }
                // To close at once, with bytes of the client unread, would reset the connection before it could read why.
                Err((_, mut stream)) => while stream.read(&mut [0; 4096]).await.is_ok_and(|read| read > 0) {},
            }
        });
    }
}

fn routes(arrived: Shared) -> axum::Router {
    let http = axum::Router::new()
        .route("/v1/logs", post(|State(into): State<Shared>, body: axum::body::Bytes| async move { logs(&into, &decoded(&body)) }))
        .route("/v1/metrics", post(|State(into): State<Shared>, body: axum::body::Bytes| async move { metrics(&into, &decoded(&body)) }))
        .route("/v1/traces", post(|State(into): State<Shared>, body: axum::body::Bytes| async move { traces(&into, &decoded(&body)) }))
        .with_state(arrived.clone());
    let grpc = tonic::service::Routes::new(LogsServiceServer::new(Grpc(arrived.clone())))
        .add_service(MetricsServiceServer::new(Grpc(arrived.clone())))
        .add_service(TraceServiceServer::new(Grpc(arrived)));
    http.merge(grpc.into_axum_router())
}

fn decoded<M: prost::Message + Default>(body: &[u8]) -> M {
    M::decode(body).expect("a request of this signal")
}

fn logs(into: &Shared, request: &ExportLogsServiceRequest) {
    let scopes = request.resource_logs.iter().flat_map(|resource| &resource.scope_logs);
    into.lock().expect("nobody panicked with it").records += scopes.map(|scope| scope.log_records.len()).sum::<usize>();
}

fn metrics(into: &Shared, request: &ExportMetricsServiceRequest) {
    let scopes = request.resource_metrics.iter().flat_map(|resource| &resource.scope_metrics);
    into.lock().expect("nobody panicked with it").points += scopes.map(|scope| scope.metrics.len()).sum::<usize>();
}

fn traces(into: &Shared, request: &ExportTraceServiceRequest) {
    let scopes = request.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
    into.lock().expect("nobody panicked with it").spans += scopes.map(|scope| scope.spans.len()).sum::<usize>();
}

struct Grpc(Shared);

#[tonic::async_trait]
impl LogsService for Grpc {
    async fn export(&self, request: Request<ExportLogsServiceRequest>) -> Result<Response<ExportLogsServiceResponse>, Status> {
        logs(&self.0, request.get_ref());
        Ok(Response::new(Default::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Grpc {
    async fn export(&self, request: Request<ExportMetricsServiceRequest>) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        metrics(&self.0, request.get_ref());
        Ok(Response::new(Default::default()))
    }
}

#[tonic::async_trait]
impl TraceService for Grpc {
    async fn export(&self, request: Request<ExportTraceServiceRequest>) -> Result<Response<ExportTraceServiceResponse>, Status> {
        traces(&self.0, request.get_ref());
        Ok(Response::new(Default::default()))
    }
}
