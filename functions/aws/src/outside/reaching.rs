//! From a host to an open connection, and one request on it.

use super::Trouble;
use crate::Cause;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use lambda_http::http::Request;
use push::address::is_public;
use push::webhook::Host;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// Opens connections to hosts of the Internet.
pub(super) struct Connector {
    tls: TlsConnector,
    admits: fn(IpAddr) -> bool,
}

/// So many addresses of one host are tried.
const ADDRESSES: usize = 4;

impl Connector {
    /// Trusts the certificate authorities of the system: those of AWS alone, which functions trust for AWS, sign for few
    /// others.
    ///
    /// # Errors
    /// The system has none.
    pub(super) fn new() -> Result<Self, Cause> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            return Err("the system trusts no certificate authority".into());
        }
        Self::with(roots, is_public)
    }

    fn with(roots: RootCertStore, admits: fn(IpAddr) -> bool) -> Result<Self, Cause> {
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            tls: TlsConnector::from(Arc::new(config)),
            admits,
        })
    }

    /// A connection to the host, which has proved to be it. Every address that the host has is public, and the connection is
    /// to one of those that were looked at: the name is not resolved again.
    ///
    /// # Errors
    /// [`Trouble`]
    pub(super) async fn connect(
        &self,
        host: &Host,
        port: u16,
    ) -> Result<TlsStream<TcpStream>, Trouble> {
        let (name, mut addresses) = match host {
            Host::Address(ip) => ((*ip).into(), vec![SocketAddr::new(*ip, port)]),
            Host::Name(name) => {
                let found = lookup_host((name.as_str(), port)).await;
                let found = found.map_err(|_| Trouble::NotResolved)?;
                let name = ServerName::try_from(name.clone());
                (name.map_err(|_| Trouble::NotResolved)?, found.collect())
            }
        };
        if !addresses.iter().all(|address| (self.admits)(address.ip())) {
            return Err(Trouble::NotPublic);
        }
        // A function reaches the Internet over IPv4 only, unless its network is made for more.
        addresses.sort_by_key(SocketAddr::is_ipv6);
        for address in addresses.iter().take(ADDRESSES) {
            if let Ok(stream) = TcpStream::connect(address).await {
                let connected = self.tls.connect(name, stream).await;
                return connected.map_err(|_| Trouble::NotTrusted);
            }
        }
        Err(Trouble::NotConnected)
    }
}

/// That a host which is an address is a public one; any name passes.
///
/// # Errors
/// [`Trouble::NotPublic`]
pub(super) fn literal(host: &Host) -> Result<(), Trouble> {
    match host {
        Host::Address(address) if !is_public(*address) => Err(Trouble::NotPublic),
        Host::Address(_) | Host::Name(_) => Ok(()),
    }
}

/// Sends the request; gives the status of its answer.
///
/// # Errors
/// [`Trouble::NoAnswer`]
pub(super) async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    request: Request<String>,
) -> Result<u16, Trouble> {
    let shaken = http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = shaken.map_err(|_| Trouble::NoAnswer)?;
    let mut answer = pin!(sender.send_request(request));
    let answer = tokio::select! {
        biased;
        answer = &mut answer => answer,
        // Whoever answers may close the connection at once.
        _ = connection => answer.await,
    };
    let answer = answer.map_err(|_| Trouble::NoAnswer)?;
    Ok(answer.status().as_u16())
}

#[cfg(test)]
mod tests;
