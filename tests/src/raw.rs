//! Requests that no well-behaved client can send: bytes on a connection.

use crate::answer::Answer;
use crate::api::Api;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// One request, written byte by byte.
pub(crate) struct Raw {
    method: String,
    target: String,
    head: Vec<u8>,
    body: Vec<u8>,
}

impl Raw {
    /// Begins with a request line of any target.
    pub(crate) fn new(method: &str, target: &str) -> Self {
        Self {
            method: method.to_owned(),
            target: target.to_owned(),
            head: Vec::new(),
            body: Vec::new(),
        }
    }

    pub(crate) fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.head.extend_from_slice(name.as_bytes());
        self.head.extend_from_slice(b": ");
        self.head.extend_from_slice(value.as_ref());
        self.head.extend_from_slice(b"\r\n");
        self
    }

    /// With a body and its length.
    pub(crate) fn body(self, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        let mut raw = self.header("content-length", body.len().to_string());
        raw.body = body;
        raw
    }

    /// Sends it to a server that speaks HTTP without TLS; `host` and `origin` are added where they are missing.
    pub(crate) async fn send(mut self, api: &Api) -> Answer {
        let url = reqwest::Url::parse(api.url()).unwrap();
        // What the gateway puts before every path.
        let prefix = url.path().trim_end_matches('/');
        let line = format!("{} {prefix}{} HTTP/1.1", self.method, self.target);
        let host = format!(
            "{}:{}",
            url.host_str().unwrap(),
            url.port_or_known_default().unwrap()
        );
        let has = |head: &[u8], name: &str| {
            String::from_utf8_lossy(head)
                .to_ascii_lowercase()
                .lines()
                .any(|line| line.starts_with(&format!("{name}: ")))
        };
        if !has(&self.head, "host") {
            self = self.header("host", &host);
        }
        if !has(&self.head, "origin") {
            self = self.header("origin", crate::api::ORIGIN);
        }
        self = self.header("connection", "close");
        let mut stream = TcpStream::connect(&host).await.unwrap();
        let begin = format!("{line}\r\n");
        stream.write_all(begin.as_bytes()).await.unwrap();
        stream.write_all(&self.head).await.unwrap();
        stream.write_all(b"\r\n").await.unwrap();
        stream.write_all(&self.body).await.unwrap();
        let mut bytes = Vec::new();
        tokio::time::timeout(Duration::from_secs(45), stream.read_to_end(&mut bytes))
            .await
            .unwrap_or_else(|_| panic!("{line}: no answer"))
            .unwrap();
        read(line, &bytes)
    }
}

/// An answer that ended with its connection.
fn read(request: String, bytes: &[u8]) -> Answer {
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text
        .split_once("\r\n\r\n")
        .unwrap_or_else(|| panic!("{request}: no answer: {text}"));
    let mut lines = head.lines();
    let status = lines
        .next()
        .and_then(|line| line.split(' ').nth(1))
        .and_then(|status| status.parse().ok())
        .unwrap_or_else(|| panic!("{request}: no status: {head}"));
    let headers: HeaderMap = lines
        .filter_map(|line| {
            let (name, value) = line.split_once(':')?;
            let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
            Some((name, HeaderValue::from_str(value.trim()).ok()?))
        })
        .collect();
    let chunked = headers
        .get("transfer-encoding")
        .is_some_and(|value| value == "chunked");
    Answer {
        request,
        status,
        headers,
        text: if chunked {
            joined(body)
        } else {
            body.to_owned()
        },
    }
}

/// The chunks of a body, put together.
fn joined(mut rest: &str) -> String {
    let mut text = String::new();
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            break;
        }
        text.push_str(after.get(..size).unwrap());
        rest = after.get(size + 2..).unwrap_or_default();
    }
    text
}
