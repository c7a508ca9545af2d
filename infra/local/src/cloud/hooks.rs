//! Whoever is called outside: one server that is every webhook there is. It keeps what it is told, and answers as scripted, else
//! as the receiver of the developer's own, if there is one.

use super::State;
use super::clock::with_millis;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State as Shared};
use axum::http::header::{HOST, LOCATION};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpListener;

/// What it was told, and how it answers.
#[derive(Default)]
pub struct Hooks(Mutex<Told>);

#[derive(Default)]
struct Told {
    calls: VecDeque<Value>,
    script: Vec<Script>,
}

/// How the next calls are answered.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// Calls of this URL; of any, where it is absent.
    url: Option<String>,
    /// The status of the answer.
    status: u16,
    #[serde(default = "once")]
    times: u64,
}

const fn once() -> u64 {
    1
}

/// So many calls are kept, the newest.
const MOST: usize = 10_000;
/// The largest body that is taken in.
const LARGEST: usize = 1024 * 1024;
/// Where an answer that redirects leads to.
const ELSEWHERE: &str = "https://elsewhere.example/";

impl Hooks {
    /// The next calls are answered so, before those that are scripted later.
    ///
    /// # Errors
    /// A status that there is not.
    pub fn script(&self, script: Script) -> Result<(), String> {
        if !(200..=599).contains(&script.status) {
            return Err("status is a number from 200 to 599".to_owned());
        }
        self.told().script.push(script);
        Ok(())
    }

    /// `{"hooks":[…]}`, the oldest first.
    pub fn show(&self) -> Value {
        json!({"hooks": self.told().calls})
    }

    /// Forgets what it was told, and how it was to answer.
    pub fn forget(&self) {
        *self.told() = Told::default();
    }

    /// Keeps a call; gives the status that is scripted for it.
    fn keep(&self, url: &str, call: Value) -> Option<u16> {
        let mut told = self.told();
        told.calls.push_back(call);
        if told.calls.len() > MOST {
            told.calls.pop_front();
        }
        let fits = |script: &&mut Script| {
            script.times > 0 && script.url.as_deref().is_none_or(|own| own == url)
        };
        let next = told.script.iter_mut().find(fits);
        next.map(|script| {
            script.times -= 1;
            script.status
        })
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Answers calls until it is dropped.
pub async fn serve(listener: TcpListener, state: Arc<State>) {
    let router = Router::new().fallback(told).with_state(state);
    // It ends with the runtime.
    let _ = axum::serve(listener, router).await;
}

async fn told(Shared(state): Shared<Arc<State>>, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LARGEST).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let host = text(&parts.headers, HOST.as_str());
    let url = format!("https://{host}{}", parts.uri);
    let headers: Map<_, _> = parts
        .headers
        .keys()
        .map(|name| (name.to_string(), text(&parts.headers, name.as_str()).into()))
        .collect();
    let call = json!({
        "url": url,
        "method": parts.method.as_str(),
        "headers": headers,
        "body": String::from_utf8_lossy(&body),
        "at": with_millis(state.clock.now()),
    });
    let status = match (state.hooks.keep(&url, call), &state.receiver) {
        (Some(scripted), _) => scripted,
        (None, None) => 200,
        (None, Some(receiver)) => {
            let answer = receiver.forward(&parts.headers, body).await;
            answer.unwrap_or_else(|error| {
                tracing::warn!(%error, "the receiver of webhooks does not answer");
                StatusCode::BAD_GATEWAY.as_u16()
            })
        }
    };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if status.is_redirection() {
        return (status, [(LOCATION, ELSEWHERE)]).into_response();
    }
    status.into_response()
}

fn text(headers: &HeaderMap, name: &str) -> String {
    let value = headers.get(name).map(HeaderValue::as_bytes);
    String::from_utf8_lossy(value.unwrap_or_default()).into_owned()
}
