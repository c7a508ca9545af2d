//! Lambda's Runtime API for one process (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>).

use super::Failed;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use axum::{Router, body::Bytes};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{mpsc, oneshot, watch};

/// The most that a function may answer, in bytes.
const LONGEST: usize = 6 * 1024 * 1024;

/// An event on its way to a process.
pub(super) struct Invocation {
    pub(super) id: String,
    pub(super) event: String,
    /// When its time is over, in milliseconds since 1970.
    pub(super) deadline: u64,
    pub(super) answer: oneshot::Sender<Result<Value, Failed>>,
}

/// The event that a process has, by its id, and where the answer goes.
type Present = (String, oneshot::Sender<Result<Value, Failed>>);

/// What the API knows of its process.
struct Served {
    arn: String,
    events: tokio::sync::Mutex<mpsc::UnboundedReceiver<Invocation>>,
    present: Mutex<Option<Present>>,
    asked: watch::Sender<bool>,
}

/// The API that hands out `events`; `asked` is true while the process asks for one.
pub(super) fn router(
    function: &str,
    events: mpsc::UnboundedReceiver<Invocation>,
    asked: watch::Sender<bool>,
) -> Router {
    let served = Served {
        arn: format!("arn:aws:lambda:us-east-1:000000000000:function:{function}"),
        events: tokio::sync::Mutex::new(events),
        present: Mutex::default(),
        asked,
    };
    Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/{id}/response", post(answer))
        .route("/2018-06-01/runtime/invocation/{id}/error", post(fail))
        .route("/2018-06-01/runtime/init/error", post(fail_to_start))
        .layer(DefaultBodyLimit::max(LONGEST))
        .with_state(Arc::new(served))
}

/// Waits for an event, as long as it takes.
async fn next(State(served): State<Arc<Served>>) -> Response {
    served.asked.send_replace(true);
    let Some(invocation) = served.events.lock().await.recv().await else {
        // No more will come: the process is about to be killed.
        return std::future::pending().await;
    };
    served.asked.send_replace(false);
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("lambda-runtime-aws-request-id", invocation.id.clone()),
        (
            "lambda-runtime-deadline-ms",
            invocation.deadline.to_string(),
        ),
        ("lambda-runtime-invoked-function-arn", served.arn.clone()),
    ];
    served.put(Some((invocation.id, invocation.answer)));
    (headers, invocation.event).into_response()
}

async fn answer(
    State(served): State<Arc<Served>>,
    Path(id): Path<String>,
    body: Bytes,
) -> Response {
    let answer = serde_json::from_slice(&body);
    served.end(
        &id,
        answer.map_err(|error| Failed::Error(json!(error.to_string()))),
    )
}

async fn fail(State(served): State<Arc<Served>>, Path(id): Path<String>, body: Bytes) -> Response {
    served.end(&id, Err(Failed::Error(read(&body))))
}

/// The process says what is wrong and ends by itself; that is what counts.
async fn fail_to_start(body: Bytes) -> Response {
    eprintln!("a function does not start: {}", read(&body));
    accepted()
}

impl Served {
    fn put(&self, next: Option<Present>) -> Option<Present> {
        let mut present = self.present.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *present, next)
    }

    fn end(&self, id: &str, outcome: Result<Value, Failed>) -> Response {
        match self.put(None) {
            Some((present, answer)) if present == id => {
                // Nobody waits any more: its time was over.
                let _ = answer.send(outcome);
                accepted()
            }
            other => {
                self.put(other);
                let error =
                    json!({"errorType": "InvalidRequestID", "errorMessage": "Invalid request ID"});
                (StatusCode::BAD_REQUEST, Json(error)).into_response()
            }
        }
    }
}

fn read(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_else(|_| json!(String::from_utf8_lossy(body)))
}

fn accepted() -> Response {
    (StatusCode::ACCEPTED, Json(json!({"status": "OK"}))).into_response()
}
