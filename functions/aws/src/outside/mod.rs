//! Servers that are not AWS's, called because somebody told us their URL: over https, at public addresses only, and never at
//! another address than the one that was looked at.

mod reaching;

use crate::Cause;
use lambda_http::http::header::{AUTHORIZATION, HOST};
use lambda_http::http::{HeaderValue, Request};
use push::webhook::WebhookUrl;
use reaching::{Connector, exchange};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;

/// How the outside is reached.
#[derive(Clone, Copy, Debug)]
pub enum Outside {
    /// As it is.
    Internet,
    /// There is nobody: every request goes, over plain HTTP, to this address. Only the program of a development system says
    /// so; no setting does.
    StandIn(SocketAddr),
}

/// Who calls.
pub struct Client(Way);

enum Way {
    Internet(Connector),
    StandIn(SocketAddr),
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// An address of the host is not public.
    NotPublic,
    /// The host's name leads nowhere.
    NotResolved,
    /// Nobody takes the connection.
    NotConnected,
    /// The host does not prove to be the one of the URL.
    NotTrusted,
    /// What came is no answer.
    NoAnswer,
    /// It took too long.
    TooSlow,
}

/// So long a call takes at most, all of it.
const MOST: Duration = Duration::from_secs(5);

impl Trouble {
    /// The word in the log.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotPublic => "address not public",
            Self::NotResolved => "name not resolved",
            Self::NotConnected => "no connection",
            Self::NotTrusted => "no trusted TLS",
            Self::NoAnswer => "no answer",
            Self::TooSlow => "too slow",
        }
    }
}

impl Client {
    /// Ready to call.
    ///
    /// # Errors
    /// No certificate authority to trust.
    pub fn new(outside: Outside) -> Result<Self, Cause> {
        Ok(Self(match outside {
            Outside::Internet => Way::Internet(Connector::new()?),
            Outside::StandIn(address) => Way::StandIn(address),
        }))
    }

    /// Posts the body, with the user info of the URL as Basic; gives the status of the answer, of which nothing else is read. A redirect is an answer like any other.
    /// No proxy that the environment may name is used.
    ///
    /// # Errors
    /// [`Trouble`]
    pub async fn post(
        &self,
        url: &WebhookUrl,
        headers: &[(&'static str, &str)],
        body: String,
    ) -> Result<u16, Trouble> {
        let call = async {
            let request = request(url, headers, body).ok_or(Trouble::NoAnswer)?;
            match &self.0 {
                Way::Internet(connector) => {
                    let stream = connector.connect(url.host(), url.port()).await?;
                    exchange(stream, request).await
                }
                Way::StandIn(address) => {
                    reaching::literal(url.host())?;
                    let stream = TcpStream::connect(address).await;
                    exchange(stream.map_err(|_| Trouble::NotConnected)?, request).await
                }
            }
        };
        tokio::time::timeout(MOST, call)
            .await
            .unwrap_or(Err(Trouble::TooSlow))
    }
}

fn request(
    url: &WebhookUrl,
    headers: &[(&'static str, &str)],
    body: String,
) -> Option<Request<String>> {
    let mut request = Request::post(url.target()).body(body).ok()?;
    let host = HeaderValue::from_str(&url.authority()).ok()?;
    request.headers_mut().insert(HOST, host);
    if let Some(basic) = url.authorization() {
        let mut basic = HeaderValue::from_str(&basic).ok()?;
        basic.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, basic);
    }
    for (name, value) in headers {
        let value = HeaderValue::from_str(value).ok()?;
        request.headers_mut().insert(*name, value);
    }
    Some(request)
}
