//! The event that API Gateway makes of a request: payload format 2.0 of HTTP APIs, to the letter.

use crate::template::{ACCOUNT, Route};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use lambda_http::http::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HOST, TRANSFER_ENCODING, USER_AGENT,
};
use lambda_http::http::request::Parts;
use lambda_http::http::{HeaderMap, HeaderName};
use percent_encoding::percent_decode_str;
use push::Time;
use serde_json::{Map, Value, json};
use std::net::SocketAddr;

/// What the gateway knows of a request.
pub struct Incoming<'a> {
    /// Method, query and headers, as they came.
    pub parts: &'a Parts,
    /// The path, decoded.
    pub path: &'a str,
    /// The body.
    pub body: &'a [u8],
    /// Who called.
    pub source: SocketAddr,
    /// The port that was called.
    pub port: u16,
    /// When.
    pub now: Time,
    /// The name of this request in the log.
    pub request_id: &'a str,
    /// The name of this request in X-Ray.
    pub trace_id: &'a str,
    /// The route that it takes.
    pub route: &'a Route,
    /// The values in its path.
    pub parameters: &'a [(&'a str, String)],
    /// What the authorizer found in its token.
    pub claims: Option<&'a Map<String, Value>>,
}

impl Incoming<'_> {
    /// The event. What does not apply is left out.
    pub fn event(&self) -> Value {
        let query = self.parts.uri.query().unwrap_or_default();
        let headers = self.headers();
        let text = is_text(&self.parts.headers)
            .then(|| std::str::from_utf8(self.body).ok())
            .flatten();
        let mut event = json!({
            "version": "2.0",
            "routeKey": self.route.key,
            "rawPath": self.path,
            "rawQueryString": query,
            "headers": headers,
            "requestContext": self.context(&headers),
            "isBase64Encoded": !self.body.is_empty() && text.is_none(),
        });
        let mut set = |name: &str, value: Option<Value>| {
            if let (Some(value), Some(event)) = (value, event.as_object_mut()) {
                event.insert(name.to_owned(), value);
            }
        };
        let filled = |map: Map<String, Value>| (!map.is_empty()).then_some(Value::Object(map));
        set("cookies", self.cookies());
        set("queryStringParameters", filled(query_parameters(query)));
        let path = self.parameters.iter();
        let path = path.map(|(name, value)| ((*name).to_owned(), value.as_str().into()));
        set("pathParameters", filled(path.collect()));
        let body = || text.map_or_else(|| BASE64_STANDARD.encode(self.body), str::to_owned);
        set("body", (!self.body.is_empty()).then(|| body().into()));
        event
    }

    fn context(&self, headers: &Map<String, Value>) -> Value {
        let header = |name: HeaderName| {
            headers
                .get(name.as_str())
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let domain = header(HOST);
        let mut context = json!({
            "accountId": ACCOUNT,
            "apiId": "local",
            "domainName": domain,
            "domainPrefix": domain.split('.').next(),
            "http": {
                "method": self.parts.method.as_str(),
                "path": self.path,
                "protocol": format!("{:?}", self.parts.version),
                "sourceIp": self.source.ip().to_string(),
                "userAgent": header(USER_AGENT),
            },
            "requestId": self.request_id,
            "routeKey": self.route.key,
            "stage": "$default",
            "time": common_log_time(self.now),
            "timeEpoch": self.now.millis(),
        });
        if let (Some(claims), Some(context)) = (self.claims, context.as_object_mut()) {
            let authorizer = json!({"jwt": {"claims": claims, "scopes": null}});
            context.insert("authorizer".to_owned(), authorizer);
        }
        context
    }

    /// The headers in lower case, those that occur more than once joined by commas; cookies have a place of their own,
    /// what concerns one connection stays with it.
    fn headers(&self) -> Map<String, Value> {
        let mut headers = Map::new();
        let connection = [
            COOKIE,
            CONNECTION,
            TRANSFER_ENCODING,
            HeaderName::from_static("keep-alive"),
        ];
        for name in self
            .parts
            .headers
            .keys()
            .filter(|name| !connection.contains(name))
        {
            headers.insert(name.to_string(), joined(&self.parts.headers, name).into());
        }
        let mut set = |name: &str, value: String| headers.insert(name.to_owned(), value.into());
        let source = self.source.ip().to_string();
        let forwarded = HeaderName::from_static("x-forwarded-for");
        let forwarded = if self.parts.headers.contains_key(&forwarded) {
            format!("{}, {source}", joined(&self.parts.headers, &forwarded))
        } else {
            source
        };
        set("x-forwarded-for", forwarded);
        set("x-forwarded-port", self.port.to_string());
        set("x-forwarded-proto", "http".to_owned());
        set("x-amzn-trace-id", self.trace_id.to_owned());
        set(CONTENT_LENGTH.as_str(), self.body.len().to_string());
        headers
    }

    fn cookies(&self) -> Option<Value> {
        let cookies = self
            .parts
            .headers
            .contains_key(COOKIE)
            .then(|| joined(&self.parts.headers, &COOKIE))?;
        Some(
            cookies
                .split([';', ','])
                .map(str::trim)
                .map(Value::from)
                .collect(),
        )
    }
}

fn joined(headers: &HeaderMap, name: &HeaderName) -> String {
    let values = headers.get_all(name).iter();
    let values: Vec<_> = values
        .map(|value| String::from_utf8_lossy(value.as_bytes()))
        .collect();
    values.join(",")
}

/// Decoded as a form is; the values of a name that occurs more than once are joined by commas.
fn query_parameters(query: &str) -> Map<String, Value> {
    let mut parameters: Map<String, Value> = Map::new();
    let decoded = |text: &str| {
        let text = text.replace('+', " ");
        percent_decode_str(&text).decode_utf8_lossy().into_owned()
    };
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (decoded(name), decoded(value));
        let value = match parameters.get(&name).and_then(Value::as_str) {
            Some(former) => format!("{former},{value}"),
            None => value,
        };
        parameters.insert(name, value.into());
    }
    parameters
}

/// Whether AWS passes a body of this type on as text. Everything else is base64, a body without a type and
/// `application/problem+json` included.
fn is_text(headers: &HeaderMap) -> bool {
    let content_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    let types = [
        "application/json",
        "application/xml",
        "application/javascript",
    ];
    essence.starts_with("text/") || types.contains(&essence.as_str())
}

/// `20/May/2026:11:42:11 +0000`.
fn common_log_time(now: Time) -> String {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let text = now.to_string();
    let (date, time) = text
        .trim_end_matches('Z')
        .split_once('T')
        .unwrap_or_default();
    let mut date = date.split('-');
    let mut next = || date.next().unwrap_or_default();
    let (year, month, day) = (next(), next(), next());
    let month = month
        .parse::<usize>()
        .ok()
        .and_then(|month| MONTHS.get(month.checked_sub(1)?));
    format!("{day}/{}/{year}:{time} +0000", month.unwrap_or(&"Jan"))
}

#[cfg(test)]
mod tests;
