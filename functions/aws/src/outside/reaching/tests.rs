//! A server with a certificate of its own, and who gets how far with it.

use super::*;
use crate::outside::{Client, Way};
use push::webhook::WebhookUrl;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// A server on this machine that has a certificate for it, and answers every request the same.
struct Server {
    port: u16,
    certificate: CertificateDer<'static>,
    /// How often it was called, with or without a request.
    called: Arc<AtomicUsize>,
    running: tokio::task::AbortHandle,
}

impl Server {
    async fn start(answer: &'static str) -> Self {
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        let certificate = made.cert.der().clone();
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], PrivateKeyDer::Pkcs8(key));
        let acceptor = TlsAcceptor::from(Arc::new(config.unwrap()));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let called = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&called);
        let server = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                count.fetch_add(1, Ordering::SeqCst);
                // Who does not trust the certificate goes away.
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    continue;
                };
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n{}") {
                    let byte = stream.read_u8().await.unwrap();
                    request.push(byte);
                }
                stream.write_all(answer.as_bytes()).await.unwrap();
                let _ = stream.shutdown().await;
            }
        });
        Self {
            port,
            certificate,
            called,
            running: server.abort_handle(),
        }
    }

    fn called(&self) -> usize {
        self.called.load(Ordering::SeqCst)
    }

    /// One who takes every address for public, and trusts this server.
    fn friend(&self) -> Connector {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        Connector::with(roots, |_| true).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.running.abort();
    }
}

const OK: &str = "HTTP/1.1 204 No Content\r\n\r\n";

fn localhost() -> Host {
    Host::Name("localhost".to_owned())
}

/// The status that a friend of the server, who believes that a name of the Internet leads to it, is answered.
async fn answered(server: &Server) -> Result<u16, Trouble> {
    let stream = server.friend().connect(&localhost(), server.port).await?;
    let request = crate::outside::request(
        &WebhookUrl::parse("https://h.example/x").unwrap(),
        &[("user-agent", "Userpush")],
        "{}".to_owned(),
    );
    exchange(stream, request.unwrap()).await
}

#[tokio::test]
async fn an_address_that_is_not_public_is_not_called_although_somebody_is_there() {
    let server = Server::start(OK).await;
    let connector = Connector {
        admits: is_public,
        ..server.friend()
    };
    for host in [
        localhost(),
        Host::Address(Ipv4Addr::LOCALHOST.into()),
        Host::Address("::ffff:127.0.0.1".parse().unwrap()),
    ] {
        let refused = connector.connect(&host, server.port).await.map(drop);
        assert_eq!(refused.unwrap_err(), Trouble::NotPublic, "{host:?}");
    }
    assert_eq!(server.called(), 0);
    // It is only the rule that keeps it from it.
    assert_eq!(answered(&server).await, Ok(204));
    assert_eq!(server.called(), 1);
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_nobody_follows_it() {
    const MOVED: &str = "HTTP/1.1 307 Temporary Redirect\r\nlocation: https://localhost/\r\ncontent-length: 0\r\n\r\n";
    let server = Server::start(MOVED).await;
    assert_eq!(answered(&server).await, Ok(307));
    assert_eq!(server.called(), 1);
}

#[tokio::test]
async fn a_certificate_that_no_authority_of_the_system_signed_is_not_trusted() {
    let server = Server::start(OK).await;
    let connector = Connector {
        admits: |_| true,
        ..Connector::new().unwrap()
    };
    let refused = connector.connect(&localhost(), server.port).await.map(drop);
    assert_eq!(refused.unwrap_err(), Trouble::NotTrusted);
    assert_eq!(server.called(), 1);
}

#[tokio::test]
async fn who_gives_no_answer_of_http_gives_none() {
    let server = Server::start("SSH-2.0-x\r\n").await;
    assert_eq!(answered(&server).await, Err(Trouble::NoAnswer));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let refused = server.friend().connect(&localhost(), port).await.map(drop);
    assert_eq!(refused.unwrap_err(), Trouble::NotConnected);
}

#[tokio::test(start_paused = true)]
async fn who_is_too_slow_is_given_up_after_five_seconds() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let client = Client(Way::StandIn(listener.local_addr().unwrap()));
    let url = WebhookUrl::parse("https://h.example/").unwrap();
    let begun = tokio::time::Instant::now();
    let answer = client.post(&url, &[], String::new()).await;
    assert_eq!(answer, Err(Trouble::TooSlow));
    assert_eq!(begun.elapsed().as_secs(), Duration::from_secs(5).as_secs());
}
