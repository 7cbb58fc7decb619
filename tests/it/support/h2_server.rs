//! A server on loopback that speaks HTTP/2 over TLS, with few streams on each connection. It counts both.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use h2::server::{Builder, SendResponse};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use super::server::{Reply, Request};

/// The certificate, for `SSL_CERT_FILE`: it is its own authority.
pub const CERTIFICATE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/it/support/localhost.pem"
);
const KEY: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/it/support/localhost.key"
);

type Handler = Arc<dyn Fn(&Request) -> Reply + Send + Sync>;

/// What a server has seen.
#[derive(Default)]
pub struct Seen {
    connections: AtomicUsize,
    requests: AtomicUsize,
    under_way: AtomicUsize,
    most: AtomicUsize,
}

/// The server; it ends with the program.
pub struct H2Server {
    port: u16,
    seen: Arc<Seen>,
}

impl H2Server {
    /// Starts a server that takes so many requests at once on a connection.
    pub fn start(
        streams: u32,
        handler: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let server = Self {
            port: listener.local_addr().unwrap().port(),
            seen: Arc::default(),
        };
        let (seen, handler): (_, Handler) = (Arc::clone(&server.seen), Arc::new(handler));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        thread::spawn(move || runtime.block_on(serve(listener, streams, seen, handler)));
        server
    }

    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    pub fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::SeqCst)
    }

    pub fn requests(&self) -> usize {
        self.seen.requests.load(Ordering::SeqCst)
    }

    /// Returns how many requests were under way at once.
    pub fn most(&self) -> usize {
        self.seen.most.load(Ordering::SeqCst)
    }
}

async fn serve(listener: TcpListener, streams: u32, seen: Arc<Seen>, handler: Handler) {
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    let certificate = CertificateDer::from_pem_file(CERTIFICATE).unwrap();
    let key = PrivateKeyDer::from_pem_file(KEY).unwrap();
    let provider = Arc::new(ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    while let Ok((stream, _)) = listener.accept().await {
        seen.connections.fetch_add(1, Ordering::SeqCst);
        let (acceptor, seen, handler) = (acceptor.clone(), Arc::clone(&seen), Arc::clone(&handler));
        tokio::spawn(async move {
            let Ok(stream) = acceptor.accept(stream).await else {
                return;
            };
            let mut builder = Builder::new();
            let handshake = builder.max_concurrent_streams(streams).handshake(stream);
            let Ok(mut connection) = handshake.await else {
                return;
            };
            while let Some(Ok((request, response))) = connection.accept().await {
                let (seen, handler) = (Arc::clone(&seen), Arc::clone(&handler));
                tokio::spawn(async move { answer(&request, response, &seen, &handler).await });
            }
        });
    }
}

async fn answer(
    request: &http::Request<h2::RecvStream>,
    mut response: SendResponse<Bytes>,
    seen: &Seen,
    handler: &Handler,
) {
    seen.requests.fetch_add(1, Ordering::SeqCst);
    let now = seen.under_way.fetch_add(1, Ordering::SeqCst) + 1;
    seen.most.fetch_max(now, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(5)).await;
    let reply = handler(&read(request));
    seen.under_way.fetch_sub(1, Ordering::SeqCst);
    let mut head = http::Response::builder().status(reply.status);
    for (name, value) in &reply.headers {
        head = head.header(name.to_lowercase(), value);
    }
    if reply.status != 304 {
        head = head.header("content-length", reply.body.len());
    }
    let is_brief = request.method() == http::Method::HEAD || reply.body.is_empty();
    let Ok(mut stream) = response.send_response(head.body(()).unwrap(), is_brief) else {
        return;
    };
    if !is_brief {
        // Who has gone does not want it.
        let _ = stream.send_data(reply.body.into(), true);
    }
}

fn read(request: &http::Request<h2::RecvStream>) -> Request {
    let headers = request.headers().iter();
    let path = request.uri().path_and_query();
    Request {
        method: request.method().to_string(),
        path: path.map_or_else(String::new, ToString::to_string),
        headers: headers
            .map(|(name, value)| {
                (
                    name.to_string(),
                    value.to_str().unwrap_or_default().to_owned(),
                )
            })
            .collect(),
        body: Vec::new(),
    }
}
