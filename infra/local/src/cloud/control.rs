//! The control surface of the local AWS: what tests and the playground see and steer.

use super::State;
use super::clock::with_millis;
use super::{fault, hooks};
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State as Shared};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::Stream;
use push::Span;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::sync::Arc;
use tokio::sync::broadcast::error::RecvError;
use uuid::Uuid;

type Cloud = Shared<Arc<State>>;

/// A refusal: its status and what the caller reads.
struct Wrong(StatusCode, String);

impl IntoResponse for Wrong {
    fn into_response(self) -> Response {
        (self.0, Json(json!({"message": self.1}))).into_response()
    }
}

type Outcome = Result<Json<Value>, Wrong>;

/// The paths `/_local/…` of the local AWS.
pub fn router(state: Arc<State>) -> Router {
    Router::new()
        .route("/_local/pushes", get(pushes).delete(forget_pushes))
        .route("/_local/events", get(events))
        .route(
            "/_local/faults",
            get(faults).post(add_fault).delete(clear_faults),
        )
        .route(
            "/_local/hooks",
            get(hooks).post(script_hooks).delete(forget_hooks),
        )
        .route("/_local/secrets/rotate", post(rotate))
        .route("/_local/calls", get(calls).delete(reset_calls))
        .route("/_local/metrics", get(metrics).delete(forget_metrics))
        .route("/_local/clock", post(advance))
        .route("/_local/connections", axum::routing::delete(disconnect))
        .route("/_local/sweep", post(sweep))
        .route("/_local/items", get(items))
        .route("/_local/endpoints", get(endpoints).post(change_endpoint))
        .route("/_local/applications", post(change_application))
        .route("/_local/feedback", post(feedback))
        .route("/_local/queues", get(queues))
        .route("/_local/queues/redrive", post(redrive))
        .route("/_local/queues/copies", post(copy))
        .with_state(state)
}

#[derive(Deserialize)]
struct Filter {
    token: Option<String>,
    limit: Option<usize>,
}

async fn pushes(
    Shared(cloud): Cloud,
    filter: Result<Query<Filter>, QueryRejection>,
) -> Result<Response, Wrong> {
    let Query(filter) = filter.map_err(|error| bad(error.body_text()))?;
    let shown = cloud.phones.show(filter.token.as_deref(), filter.limit);
    Ok(([(CONTENT_TYPE, "application/json")], shown).into_response())
}

async fn forget_pushes(Shared(cloud): Cloud) -> Json<Value> {
    cloud.phones.forget();
    done()
}

async fn events(Shared(cloud): Cloud) -> Sse<impl Stream<Item = Result<Event, Infallible>> + Send> {
    let listener = cloud.phones.listen();
    let stream = futures_util::stream::unfold(listener, |mut listener| async {
        loop {
            match listener.recv().await {
                Ok(push) => return Some((Ok(Event::default().data(&*push)), listener)),
                // Too slow for what arrives: it goes on with the oldest that is left.
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    });
    Sse::new(stream).keep_alive(KeepAlive::default())
}

async fn hooks(Shared(cloud): Cloud) -> Json<Value> {
    Json(cloud.hooks.show())
}

async fn script_hooks(Shared(cloud): Cloud, body: Bytes) -> Outcome {
    let script: hooks::Script = read(&body)?;
    cloud.hooks.script(script).map_err(bad)?;
    Ok(done())
}

async fn forget_hooks(Shared(cloud): Cloud) -> Json<Value> {
    cloud.hooks.forget();
    done()
}

async fn faults(Shared(cloud): Cloud) -> Json<Value> {
    Json(cloud.faults.show())
}

async fn add_fault(Shared(cloud): Cloud, body: Bytes) -> Outcome {
    let request: fault::Request = read(&body)?;
    cloud.faults.add(request).map_err(bad)?;
    Ok(done())
}

async fn clear_faults(Shared(cloud): Cloud) -> Json<Value> {
    cloud.faults.clear();
    done()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rotation {
    secret: String,
}

async fn rotate(Shared(cloud): Cloud, body: Bytes) -> Outcome {
    let Rotation { secret } = read(&body)?;
    let rotated = cloud.secrets.rotate(&secret, cloud.clock.now());
    let rotated = rotated.map_err(|error| failed(&*error))?;
    rotated
        .map(|()| done())
        .ok_or_else(|| bad("there is no such secret"))
}

async fn calls(Shared(cloud): Cloud) -> Json<Value> {
    Json(cloud.calls.show())
}

async fn reset_calls(Shared(cloud): Cloud) -> Json<Value> {
    cloud.calls.reset();
    done()
}

async fn metrics(Shared(cloud): Cloud) -> Json<Value> {
    Json(cloud.metrics.show())
}

async fn forget_metrics(Shared(cloud): Cloud) -> Json<Value> {
    cloud.metrics.forget();
    done()
}

async fn disconnect(Shared(cloud): Cloud) -> Json<Value> {
    cloud.connections.notify_waiters();
    done()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Advance {
    advance_seconds: u64,
}

async fn advance(Shared(cloud): Cloud, body: Bytes) -> Outcome {
    let Advance { advance_seconds } = read(&body)?;
    let span = Span::from_seconds(advance_seconds);
    cloud.clock.advance(span).map_err(|error| failed(&error))?;
    cloud.sqs.wake();
    Ok(Json(json!({"now": cloud.clock.now().to_string()})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sweep {
    #[serde(default = "all")]
    fraction: f64,
    #[serde(default)]
    seed: u64,
}

const fn all() -> f64 {
    1.0
}

async fn sweep(Shared(cloud): Cloud, body: Bytes) -> Outcome {
    let Sweep { fraction, seed } = read(&body)?;
    if !(0.0..=1.0).contains(&fraction) {
        return Err(bad("fraction is a number from 0 to 1"));
    }
    let swept = cloud.dynamodb.sweep(cloud.clock.now(), fraction, seed);
    let deleted = swept.await.map_err(|error| failed(&*error))?;
    Ok(Json(json!({"deleted": deleted})))
}

async fn items(Shared(cloud): Cloud) -> Outcome {
    let items = cloud.dynamodb.items().await;
    let items = items.map_err(|error| failed(&*error))?;
    Ok(Json(json!({"items": items})))
}

async fn endpoints(Shared(cloud): Cloud) -> Json<Value> {
    Json(cloud.sns.endpoints())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EndpointChange {
    token: String,
    enabled: Option<bool>,
    #[serde(default)]
    deleted: bool,
}

async fn change_endpoint(Shared(cloud): Cloud, body: Bytes) -> Outcome {
    let change: EndpointChange = read(&body)?;
    let found = match (change.enabled, change.deleted) {
        (Some(enabled), false) => cloud.sns.enable(&change.token, enabled),
        (None, true) => cloud.sns.remove(&change.token),
        _ => return Err(bad("give enabled, or deleted: true")),
    };
    let found = found.map_err(|error| failed(&error))?;
    if found == 0 {
        return Err(missing("no endpoint has this token"));
    }
    Ok(done())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ApplicationChange {
    platform: String,
    enabled: bool,
}

async fn change_application(Shared(cloud): Cloud, body: Bytes) -> Outcome {
    let ApplicationChange { platform, enabled } = read(&body)?;
    let found = cloud.sns.enable_platform(&platform, enabled);
    match found.map_err(|error| failed(&error))? {
        0 => Err(bad("no application is for this platform")),
        _ => Ok(done()),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Failed {
    token: String,
    failure_type: String,
    time: Option<String>,
}

async fn feedback(Shared(cloud): Cloud, body: Bytes) -> Outcome {
    let report: Failed = read(&body)?;
    let now = cloud.clock.now();
    let time = report.time.unwrap_or_else(|| with_millis(now));
    let publish = cloud.phones.last_publish(&report.token);
    let publish = publish.unwrap_or_else(|| Uuid::new_v4().to_string());
    let events = cloud
        .sns
        .failures(&report.token, &report.failure_type, &publish, &time);
    if events.is_empty() {
        return Err(missing("no endpoint has this token"));
    }
    for queue in cloud.sns.subscribers() {
        for event in &events {
            let sent = cloud.sqs.put(&queue, &event.to_string(), now.millis());
            sent.map_err(|refusal| failed(refusal.message()))?;
        }
    }
    Ok(done())
}

async fn queues(Shared(cloud): Cloud) -> Json<Value> {
    Json(cloud.sqs.show(cloud.clock.now().millis()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Redriven {
    queue: String,
}

async fn redrive(Shared(cloud): Cloud, body: Bytes) -> Outcome {
    let Redriven { queue } = read(&body)?;
    let moved = cloud.sqs.redrive(&queue, cloud.clock.now().millis());
    moved
        .map_err(|error| failed(&error))?
        .map(|moved| Json(json!({"moved": moved})))
        .ok_or_else(|| missing("there is no such queue"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Copied {
    one_in: u64,
}

async fn copy(Shared(cloud): Cloud, body: Bytes) -> Outcome {
    let Copied { one_in } = read(&body)?;
    cloud.sqs.copy_one_in(one_in);
    Ok(done())
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Wrong> {
    serde_json::from_slice(body).map_err(|error| bad(error.to_string()))
}

fn bad(message: impl Into<String>) -> Wrong {
    Wrong(StatusCode::BAD_REQUEST, message.into())
}

fn missing(message: &str) -> Wrong {
    Wrong(StatusCode::NOT_FOUND, message.to_owned())
}

fn failed(error: &(impl std::fmt::Display + ?Sized)) -> Wrong {
    Wrong(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}

fn done() -> Json<Value> {
    Json(json!({}))
}
