//! `limit ENDPOINT COUNT IN_FLIGHT`: publishes so often, over so many connections, with hyper and nothing else; each request
//! is signed (Signature Version 4) by a key that is made once. What one core can do.

use futures_util::future::try_join_all;
use hmac::{Hmac, KeyInit, Mac};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use sha2::{Digest, Sha256};
use std::cell::Cell;
use std::error::Error;
use std::fmt::Write;
use time::OffsetDateTime;
use time::macros::format_description;
use tokio::net::TcpStream;

const MESSAGE: &str = include_str!("../../message.json");
const KIND: &str = "application/x-www-form-urlencoded";

/// What every request has in common.
struct Signer {
    authority: String,
    access_key: String,
    /// `20261125/us-east-1/sns/aws4_request`
    scope: String,
    key: Hmac<Sha256>,
    token: Option<String>,
}

impl Signer {
    fn new(authority: &str, day: &str) -> Result<Self, Box<dyn Error>> {
        let region = std::env::var("AWS_REGION")?;
        let secret = std::env::var("AWS_SECRET_ACCESS_KEY")?;
        let mut key = format!("AWS4{secret}").into_bytes();
        for part in [day, &region, "sns", "aws4_request"] {
            let mut mac = Hmac::<Sha256>::new_from_slice(&key)?;
            mac.update(part.as_bytes());
            key = mac.finalize().into_bytes().to_vec();
        }
        Ok(Self {
            authority: authority.to_owned(),
            access_key: std::env::var("AWS_ACCESS_KEY_ID")?,
            scope: format!("{day}/{region}/sns/aws4_request"),
            key: Hmac::new_from_slice(&key)?,
            token: std::env::var("AWS_SESSION_TOKEN").ok(),
        })
    }

    fn request(&self, endpoint: &str, moment: &str) -> Result<Request<Full<Bytes>>, Box<dyn Error>> {
        let body = form_urlencoded::Serializer::new(String::with_capacity(1024))
            .append_pair("Action", "Publish")
            .append_pair("Version", "2010-03-31")
            .append_pair("TargetArn", endpoint)
            .append_pair("Message", MESSAGE)
            .append_pair("MessageStructure", "json")
            .finish();
        let host = &self.authority;
        let canonical = format!(
            "POST\n/\n\ncontent-type:{KIND}\nhost:{host}\nx-amz-date:{moment}\n\ncontent-type;host;x-amz-date\n{}",
            hex(&Sha256::digest(&body))
        );
        let text = format!(
            "AWS4-HMAC-SHA256\n{moment}\n{}\n{}",
            self.scope,
            hex(&Sha256::digest(canonical))
        );
        let mut mac = self.key.clone();
        mac.update(text.as_bytes());
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders=content-type;host;x-amz-date, Signature={}",
            self.access_key,
            self.scope,
            hex(&mac.finalize().into_bytes())
        );
        let mut request = Request::builder()
            .method(Method::POST)
            .uri("/")
            .header("host", host)
            .header("content-type", KIND)
            .header("x-amz-date", moment)
            .header("authorization", authorization);
        if let Some(token) = &self.token {
            request = request.header("x-amz-security-token", token);
        }
        Ok(request.body(Full::from(body))?)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [endpoint, count, in_flight] = arguments.as_slice() else {
        return Err("limit ENDPOINT COUNT IN_FLIGHT".into());
    };
    let (count, in_flight): (usize, usize) = (count.parse()?, in_flight.parse()?);
    let url = std::env::var("AWS_ENDPOINT_URL")?;
    let authority = url.strip_prefix("http://").ok_or("plain HTTP only")?;
    let now = OffsetDateTime::now_utc();
    let moment = now.format(format_description!("[year][month][day]T[hour][minute][second]Z"))?;
    let signer = Signer::new(authority, moment.get(..8).unwrap_or_default())?;
    let left = Cell::new(count);
    let connection = async || {
        let stream = TcpStream::connect(authority).await?;
        stream.set_nodelay(true)?;
        let (mut sender, driver) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(driver);
        while left.get() > 0 {
            left.set(left.get() - 1);
            let answer = sender.send_request(signer.request(endpoint, &moment)?).await?;
            let status = answer.status();
            answer.into_body().collect().await?;
            if status != StatusCode::OK {
                return Err(format!("an answer of {status}").into());
            }
            sender.ready().await?;
        }
        Ok::<_, Box<dyn Error>>(())
    };
    try_join_all((0..in_flight).map(|_| connection())).await?;
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
