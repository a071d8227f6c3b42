//! TLS before a receiver that has none: a door that takes TLS off and passes the bytes on.
//!
//! It knows nothing of what passes.

use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::tls::{Authority, Identity, server_config};

/// Opens a door on loopback to `port` that shows `identity`, and asks for a certificate of `clients` where there are any; returns its own
/// port. `protocol` is what is spoken inside, `h2` or `http/1.1`. It stays open until the test's process ends.
pub(crate) fn open(identity: &Identity, clients: Option<&Authority>, protocol: &str, port: u16) -> u16 {
    let mut config = server_config(identity, clients);
    config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port on loopback");
    let own = listener.local_addr().expect("a bound port").port();
    listener.set_nonblocking(true).expect("a socket option");
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async move {
            let listener = TcpListener::from_std(listener).expect("a listener");
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let mut outside = acceptor.accept(stream).await?;
                    let mut inside = TcpStream::connect(("127.0.0.1", port)).await?;
                    tokio::io::copy_bidirectional(&mut outside, &mut inside).await
                });
            }
        });
    });
    own
}
