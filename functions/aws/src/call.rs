//! One request, as a function reads it.

use crate::{Failure, json};
use base64::Engine;
use lambda_http::aws_lambda_events::apigw::{
    ApiGatewayV2httpRequest, ApiGatewayV2httpRequestContext,
};
use lambda_http::aws_lambda_events::query_map::QueryMap;
use lambda_http::http::header::HOST;
use lambda_http::request::{LambdaRequest, RequestContext};
use lambda_http::{Body, LambdaEvent, Request, RequestExt};
use push::{ApplicationId, Invalid, Span, Time};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::net::Ipv4Addr;

/// A request that came through the door: routed by API Gateway's route key, its body decoded.
pub struct Call {
    /// When it reached API Gateway: calls are ordered by it.
    pub arrived: Time,
    /// When it reached the function.
    pub now: Time,
    /// When Lambda ends the invocation.
    pub deadline: Time,
    request: Request,
    raw_path: String,
    raw_query: String,
}

/// The gateway's clock and ours may differ by this much. Calls are ordered by the gateway's clock, and markers of logouts
/// are kept by ours, for longer than this: past it, nothing would be sure.
const CLOCK_TOLERANCE: Span = Span::from_seconds(60);
/// API Gateway names milliseconds. A smaller number, which would be in 1973, is no moment in milliseconds: the gateway of
/// `sam local` names seconds, or nothing. Our clock is taken there.
const LEAST_EPOCH: u64 = 100_000_000_000;

impl Call {
    /// Reads an event, repairing first what `lambda_http` 1.3 would panic on: raw queries and paths with characters that
    /// a URI cannot hold, a `host` or `x-forwarded-proto` that no URL can be made of, a body that is no base64.
    ///
    /// # Errors
    /// [`Failure::NotJson`] where a body that should be base64 is not, [`Failure::Unavailable`] where the clocks differ so much
    /// that the order of calls is not known.
    pub fn read(
        event: LambdaEvent<ApiGatewayV2httpRequest>,
        clock: &(dyn Fn() -> Time + Send + Sync),
    ) -> Result<Self, Failure> {
        let LambdaEvent {
            mut payload,
            context,
        } = event;
        let now = clock();
        let arrived = match u64::try_from(payload.request_context.time_epoch) {
            Ok(epoch) if epoch >= LEAST_EPOCH => Time::from_millis(epoch),
            _ => now,
        };
        if now.since(arrived).max(arrived.since(now)) > CLOCK_TOLERANCE {
            return Err(Failure::Unavailable(
                "the clocks of the gateway and of the function differ".into(),
            ));
        }
        let body = match (payload.body.take(), payload.is_base64_encoded) {
            (None, _) => Body::Empty,
            (Some(text), false) => Body::Text(text),
            (Some(text), true) => Body::Binary(
                base64::engine::general_purpose::STANDARD
                    .decode(text)
                    .map_err(|_| Failure::NotJson)?,
            ),
        };
        let raw_path = payload.raw_path.clone().unwrap_or_default();
        let raw_query = payload.raw_query_string.clone().unwrap_or_default();
        repair(&mut payload);
        let mut request = Request::from(LambdaRequest::ApiGatewayV2(payload));
        *request.body_mut() = body;
        Ok(Self {
            arrived,
            now,
            deadline: Time::from_millis(context.deadline),
            request,
            raw_path,
            raw_query,
        })
    }

    /// Method and path template of the route, as `template.yaml` names it: `("PUT", "/devices/{deviceId}")`, the path
    /// without the prefix that all routes share. Where no route fits, both are what came in.
    #[must_use]
    pub fn route(&self) -> (&str, &str) {
        let key = self
            .context()
            .and_then(|context| context.route_key.as_deref())
            .unwrap_or("$default");
        let (method, path) = key
            .split_once(' ')
            .unwrap_or((self.request.method().as_str(), &self.raw_path));
        (method, path.strip_prefix(PREFIX).unwrap_or(path))
    }

    /// A path parameter, decoded by the gateway; empty where the route has none of this name.
    #[must_use]
    pub fn path(&self, name: &str) -> &str {
        self.request
            .path_parameters_ref()
            .and_then(|map| map.first(name))
            .unwrap_or_default()
    }

    /// A query parameter, decoded; an empty value counts as absent.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<&str> {
        self.request
            .query_string_parameters_ref()
            .and_then(|map| map.first(name))
            .filter(|value| !value.is_empty())
    }

    /// Every value of a query parameter that may be repeated, decoded; empty ones count as absent. They are read from the
    /// query as it came: the gateway joins them with commas, which a value may hold too.
    pub fn queries(&self, name: &str) -> impl Iterator<Item = String> {
        form_urlencoded::parse(self.raw_query.as_bytes())
            .filter(move |(own, value)| own == name && !value.is_empty())
            .map(|(_, value)| value.into_owned())
    }

    /// That no query parameter is given twice: one of the values would be ignored. `filter` may be, as all filters hold.
    ///
    /// # Errors
    /// [`Invalid`] names it, or `query` where the contract does not know it.
    pub fn expect_single_parameters(&self) -> Result<(), Invalid> {
        let mut names = BTreeSet::new();
        let mut doubled = self.parameter_names().filter(|name| {
            let name = name.to_ascii_lowercase();
            name != "filter" && !names.insert(name)
        });
        match doubled.next() {
            None => Ok(()),
            Some(name) => {
                let known = PARAMETERS.iter().find(|known| **known == name);
                let rule = "It must be given once.";
                Err(Invalid::new(*known.unwrap_or(&"query"), rule))
            }
        }
    }

    /// That every query parameter is one that this read for backends knows.
    ///
    /// # Errors
    /// [`Failure::QueryParameterUnknown`] names the others.
    pub fn expect_parameters(&self, known: &'static [&'static str]) -> Result<(), Failure> {
        let unknown: BTreeSet<_> = self
            .parameter_names()
            .filter(|name| !known.contains(&name.as_str()))
            .map(|name| name.chars().take(LONGEST_NAME).collect())
            .collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let unknown = unknown.into_iter().take(MOST_NAMES).collect();
        Err(Failure::QueryParameterUnknown { unknown, known })
    }

    fn parameter_names(&self) -> impl Iterator<Item = String> {
        form_urlencoded::parse(self.raw_query.as_bytes()).map(|(name, _)| name.into_owned())
    }

    /// A query parameter that is on or off: off where it is absent, on where it has no value. Names and words compare
    /// without letter case: what is meant to do less must not do more for a capital.
    ///
    /// # Errors
    /// [`Invalid`] names it where it is neither `true` nor `false`.
    pub fn flag(&self, name: &str) -> Result<bool, Invalid> {
        let map = self.request.query_string_parameters_ref();
        let found = map
            .into_iter()
            .flat_map(QueryMap::iter)
            .find(|(own, _)| own.eq_ignore_ascii_case(name));
        match found
            .map(|(_, value)| value.to_ascii_lowercase())
            .as_deref()
        {
            None | Some("false") => Ok(false),
            Some("" | "true") => Ok(true),
            Some(_) => Err(Invalid::new(name, "It is 'true' or 'false'.")),
        }
    }

    /// A header by its name in any letter case; nothing where its value is no text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.request
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
    }

    /// Whether the header is there, readable or not.
    #[must_use]
    pub fn has_header(&self, name: &str) -> bool {
        self.request.headers().contains_key(name)
    }

    /// That the path speaks of this application.
    ///
    /// # Errors
    /// [`Failure::NotFound`] where it speaks of another.
    pub fn expect_application(&self, application: &ApplicationId) -> Result<(), Failure> {
        if self.path("applicationId") == application.as_str() {
            Ok(())
        } else {
            Err(Failure::NotFound)
        }
    }

    /// A claim that the gateway's JWT authorizer has verified.
    #[must_use]
    pub fn claim(&self, name: &str) -> Option<&str> {
        self.context()?
            .authorizer
            .as_ref()?
            .jwt
            .as_ref()?
            .claims
            .get(name)
            .map(String::as_str)
    }

    /// Where the caller reached the API: scheme and host, without a path.
    #[must_use]
    pub fn origin(&self) -> String {
        let host = self
            .context()
            .and_then(|context| context.domain_name.as_deref())
            .unwrap_or("localhost");
        let scheme = self.header(FORWARDED_PROTO).unwrap_or("https");
        format!("{scheme}://{host}")
    }

    /// The body as JSON. No content type counts as JSON, and so does `application/json; charset = UTF-8` with the
    /// spaces that one client sends and strict parsers of media types refuse. A byte order mark is skipped, and a lone
    /// UTF-16 surrogate in content is U+FFFD. In a name it is U+0000, which no name may hold.
    ///
    /// # Errors
    /// [`Failure::TooLarge`] over `limit` bytes, [`Failure::UnsupportedContentType`], [`Failure::UnsupportedContentEncoding`],
    /// [`Failure::NotJson`].
    pub fn json(&self, limit: usize) -> Result<Value, Failure> {
        let body: &[u8] = self.request.body().as_ref();
        if body.len() > limit {
            return Err(Failure::TooLarge);
        }
        if !self.header("content-type").is_none_or(is_json) {
            return Err(Failure::UnsupportedContentType);
        }
        let encoding = self.header("content-encoding").unwrap_or_default().trim();
        if !encoding.is_empty() && !encoding.eq_ignore_ascii_case("identity") {
            return Err(Failure::UnsupportedContentEncoding);
        }
        json::parse(body).ok_or(Failure::NotJson)
    }

    fn context(&self) -> Option<&ApiGatewayV2httpRequestContext> {
        match self.request.request_context_ref()? {
            RequestContext::ApiGatewayV2(context) => Some(context),
            _ => None,
        }
    }
}

/// The query parameters of the contract.
const PARAMETERS: [&str; 10] = [
    "action", "cursor", "deviceId", "dryRun", "expand", "filter", "offset", "size", "tagName",
    "userId",
];
const FORWARDED_PROTO: &str = "x-forwarded-proto";
/// An answer names at most so many unknown parameters, by at most so many characters of each.
const MOST_NAMES: usize = 10;
const LONGEST_NAME: usize = 64;
/// What every path of the contract begins with.
const PREFIX: &str = "/imfpush/v1/apps/{applicationId}";

fn is_json(content_type: &str) -> bool {
    let essence = content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    essence.is_empty()
        || essence == "application/json"
        || (essence.contains('/') && essence.ends_with("+json"))
}

/// Makes of an event one that `lambda_http` can build a request from.
fn repair(event: &mut ApiGatewayV2httpRequest) {
    if let Some(query) = &mut event.raw_query_string {
        *query = encoded(query, b"-._~!$&'()*+,;=:@/?%");
    }
    if let Some(path) = &mut event.raw_path {
        let safe = encoded(path, b"-._~!$&'()*+,;=:@/%");
        *path = if safe.starts_with('/') {
            safe
        } else {
            format!("/{safe}")
        };
    }
    let headers = &mut event.headers;
    if headers
        .get(FORWARDED_PROTO)
        .is_some_and(|value| value != "http" && value != "https")
    {
        headers.remove(FORWARDED_PROTO);
    }
    if headers
        .get(HOST)
        .is_some_and(|value| !value.to_str().is_ok_and(is_host))
    {
        headers.remove(HOST);
    }
    let context = &mut event.request_context;
    context.domain_name = context.domain_name.take().filter(|name| is_host(name));
    context.stage = None;
}

/// A name, optionally with a port, that a URL can hold.
fn is_host(text: &str) -> bool {
    let (name, port) = text.rsplit_once(':').unwrap_or((text, "443"));
    let label = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    // A name whose last part is a number would be read as an IPv4 address, and has to be one.
    let last_is_number = name
        .rsplit('.')
        .next()
        .is_some_and(|last| last.starts_with(|c: char| c.is_ascii_digit()));
    port.parse::<u16>().is_ok()
        && name.split('.').all(label)
        && (!last_is_number || name.parse::<Ipv4Addr>().is_ok())
        && !name.contains("xn--")
}

/// Percent-encodes every byte that is neither a letter, a digit, nor one of `kept`.
fn encoded(text: &str, kept: &[u8]) -> String {
    let mut safe = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || kept.contains(&byte) {
            safe.push(char::from(byte));
        } else {
            let _ = write!(safe, "%{byte:02X}");
        }
    }
    safe
}
