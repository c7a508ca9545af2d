//! API Gateway's HTTP API: takes requests as they come, makes events of them, and answers as it does.

mod answer;
mod authorizer;
mod cors;
mod event;
mod limits;
mod log;
mod route;

use crate::Error;
use crate::environments::Environments;
use crate::template::{Api, Cors};
use answer::{own, translated};
use authorizer::Authorizer;
use aws::Clock;
use axum::Router;
use axum::body::Body;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use event::Incoming;
use http_body_util::BodyExt;
use jsonwebtoken::jwk::JwkSet;
use lambda_http::http::header::ORIGIN;
use lambda_http::http::request::Parts;
use lambda_http::http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use limits::Limits;
use log::{Entry, Log};
use push::Time;
use route::Routes;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// The API, its authorizers and the functions behind it.
pub struct Gateway {
    routes: Routes,
    authorizers: BTreeMap<String, Authorizer>,
    cors: Option<Cors>,
    functions: BTreeMap<String, Arc<Environments>>,
    port: u16,
    clock: Clock,
    /// Where requests are limited.
    limits: Option<Limits>,
    log: Arc<Log>,
}

/// The request line and the values of headers together have at most so many bytes.
const HEADER_LIMIT: usize = 10_240;
/// What API Gateway takes of a body.
const BODY_LIMIT: usize = 10 * 1024 * 1024;
/// What is read of a body that is too long, so that a client which writes before it reads gets its answer.
const PATIENCE: usize = 64 * 1024 * 1024;
/// What Lambda takes of an event, and of an answer.
const EVENT_LIMIT: usize = 6 * 1024 * 1024;
/// How long API Gateway waits for a function.
const INTEGRATION_TIMEOUT: Duration = Duration::from_secs(30);
const REQUEST_ID: HeaderName = HeaderName::from_static("apigw-requestid");

impl Gateway {
    /// The API of a template before its functions, which go by their logical names; `keys` are those of the issuer. Its limits
    /// hold where `limited` says so.
    ///
    /// # Errors
    /// A route to a function that is not there.
    pub fn new(
        api: Api,
        functions: BTreeMap<String, Arc<Environments>>,
        keys: &JwkSet,
        port: u16,
        clock: Clock,
        limited: bool,
    ) -> Result<Self, Error> {
        if let Some(route) = api
            .routes
            .iter()
            .find(|route| !functions.contains_key(&route.function))
        {
            return Err(format!("there is no function for {}", route.key).into());
        }
        let authorizer = |(name, rule)| {
            (
                name,
                Authorizer {
                    rule,
                    keys: keys.clone(),
                },
            )
        };
        Ok(Self {
            routes: Routes::new(api.routes),
            authorizers: api.authorizers.into_iter().map(authorizer).collect(),
            cors: api.cors,
            functions,
            port,
            clock,
            limits: limited.then(|| Limits::new(api.limits)),
            log: Arc::default(),
        })
    }

    /// The path `/_local/requests`.
    pub fn router(&self) -> Router {
        log::router(Arc::clone(&self.log))
    }

    /// Answers a request.
    pub async fn answer(&self, request: Request<Body>, source: SocketAddr) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let origin = parts.headers.get(ORIGIN).cloned();
        let mut entry = Entry::new(request_id(), (self.clock)());
        let preflight = self.cors.as_ref().filter(|_| Cors::is_preflight(&parts));
        let mut response = match preflight {
            Some(_) => own(StatusCode::NO_CONTENT),
            None => match self.pass(&parts, body, source, &mut entry).await {
                Ok(response) => response,
                Err(status) => own(status),
            },
        };
        let headers = response.headers_mut();
        match (&self.cors, preflight) {
            (_, Some(cors)) => cors.answer_preflight(origin.as_ref(), headers),
            (Some(cors), None) => cors.answer(origin.as_ref(), headers),
            (None, None) => {}
        }
        if let Ok(id) = HeaderValue::from_str(&entry.request_id) {
            headers.insert(REQUEST_ID, id);
        }
        entry.status = response.status().as_u16();
        self.log.add(entry);
        response
    }

    /// Hands a request to its function; where the gateway itself refuses it, the status. The log's entry gets the route.
    async fn pass(
        &self,
        parts: &Parts,
        body: Body,
        source: SocketAddr,
        entry: &mut Entry,
    ) -> Result<Response<Body>, StatusCode> {
        if header_size(parts) > HEADER_LIMIT {
            return Err(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
        }
        let path = route::decoded(parts.uri.path()).ok_or(StatusCode::BAD_REQUEST)?;
        let found = self.routes.find(parts.method.as_str(), &path);
        let (route, parameters) = found.ok_or(StatusCode::NOT_FOUND)?;
        entry.route_key.clone_from(&route.key);
        let now = entry.time;
        let limits = self.limits.as_ref();
        if limits.is_some_and(|limits| !limits.admit(&route.key, now)) {
            return Err(StatusCode::TOO_MANY_REQUESTS);
        }
        let authorizer = route
            .authorizer
            .as_ref()
            .and_then(|name| self.authorizers.get(name));
        let claims = authorizer.map(|authorizer| {
            authorizer
                .claims(&parts.headers, now)
                .ok_or(StatusCode::UNAUTHORIZED)
        });
        let claims = claims.transpose()?;
        let body = read(body).await?;
        let event = Incoming {
            parts,
            path: &path,
            body: &body,
            source,
            port: self.port,
            now,
            request_id: &entry.request_id,
            trace_id: &trace_id(now),
            route,
            parameters: &parameters,
            claims: claims.as_ref(),
        }
        .event()
        .to_string();
        if event.len() > EVENT_LIMIT {
            return Err(StatusCode::PAYLOAD_TOO_LARGE);
        }
        let function = self
            .functions
            .get(&route.function)
            .ok_or(StatusCode::INTERNAL_SERVER_ERROR)?;
        let answer = tokio::time::timeout(
            INTEGRATION_TIMEOUT,
            function.invoke(event, Some(&entry.request_id)),
        )
        .await;
        let answer = answer.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
        answer
            .filter(|answer| answer.len() <= EVENT_LIMIT)
            .and_then(|answer| translated(&answer))
            .ok_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

fn header_size(parts: &Parts) -> usize {
    let line = parts.method.as_str().len() + parts.uri.to_string().len() + "  HTTP/1.1".len();
    line + parts.headers.values().map(HeaderValue::len).sum::<usize>()
}

async fn read(mut body: Body) -> Result<Vec<u8>, StatusCode> {
    let (mut bytes, mut length) = (Vec::new(), 0);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| StatusCode::BAD_REQUEST)?;
        let Some(data) = frame.data_ref() else {
            continue;
        };
        length += data.len();
        if length > PATIENCE {
            break;
        }
        if length <= BODY_LIMIT {
            bytes.extend_from_slice(data);
        }
    }
    if length > BODY_LIMIT {
        Err(StatusCode::PAYLOAD_TOO_LARGE)
    } else {
        Ok(bytes)
    }
}

fn request_id() -> String {
    let bytes: Vec<u8> = uuid::Uuid::new_v4()
        .into_bytes()
        .into_iter()
        .take(11)
        .collect();
    BASE64_STANDARD.encode(bytes)
}

fn trace_id(now: Time) -> String {
    let mut id = format!("Root=1-{:08x}-", now.seconds());
    for byte in uuid::Uuid::new_v4().as_bytes().iter().take(12) {
        let _ = write!(id, "{byte:02x}");
    }
    id
}
