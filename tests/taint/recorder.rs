//! A receiver that keeps the bodies of requests as they came, over HTTP/1 and HTTP/2, and answers that all is well.
//!
//! The taint test starts it on loopback. It decodes nothing.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;

type Bodies = Arc<Mutex<Vec<Vec<u8>>>>;

/// Keeps what it gets; it stops with the test's process.
pub(crate) struct Recorder {
    bodies: Bodies,
    port: u16,
}

impl Recorder {
    pub(crate) fn start() -> Recorder {
        let bodies = Bodies::default();
        let kept = bodies.clone();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port on loopback");
        let port = listener.local_addr().expect("a bound port").port();
        listener.set_nonblocking(true).expect("a socket option");
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let listener = TcpListener::from_std(listener).expect("a listener");
                while let Ok((stream, _)) = listener.accept().await {
                    let kept = kept.clone();
                    let service = hyper::service::service_fn(move |request| answer(kept.clone(), request));
                    tokio::spawn(async move {
                        let server = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                        let _ = server.serve_connection(TokioIo::new(stream), service).await;
                    });
                }
            });
        });
        Recorder { bodies, port }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn bodies(&self) -> Vec<Vec<u8>> {
        self.bodies.lock().expect("nobody panics with it").clone()
    }
}

async fn answer(
    kept: Bodies,
    request: Request<Incoming>,
) -> Result<Response<impl hyper::body::Body<Data = Bytes, Error = Infallible> + Send>, Infallible> {
    let kind = request.headers().get(CONTENT_TYPE).cloned().unwrap_or(HeaderValue::from_static("application/x-protobuf"));
    if let Ok(body) = request.into_body().collect().await {
        kept.lock().expect("nobody panics with it").push(body.to_bytes().to_vec());
    }
    // An empty message: of gRPC five bytes, flag and length, and a status behind.
    let (empty, status): (&[u8], _) = match kind.as_bytes() {
        b"application/grpc" => {
            (&[0; 5], Some(HeaderMap::from_iter([("grpc-status".parse().expect("a name"), HeaderValue::from_static("0"))])))
        }
        b"application/json" => (b"{}", None),
        _ => (b"", None),
    };
    let body = Full::new(Bytes::from_static(empty)).with_trailers(std::future::ready(status.map(Ok)));
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, kind);
    Ok(response)
}
