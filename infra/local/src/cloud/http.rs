//! The endpoint: one HTTP server for every service, told apart by what SDKs put into a request.

use super::State;
use super::admission::admits;
use super::answer::{Answer, Refusal, Service};
use super::fault::{Fate, Fault};
use super::sns::Form;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// The most that a service takes in: DynamoDB's limit.
const LONGEST_BODY: usize = 16 * 1024 * 1024;

/// How long a call is left without an answer before its connection closes.
const NO_ANSWER: Duration = Duration::from_mins(1);

/// Accepts connections until it is dropped, and ends them then.
pub async fn serve(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, Arc::clone(&state)));
                }
                // Out of file descriptors, or the client went away again.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
}

async fn connection(stream: TcpStream, state: Arc<State>) {
    let Ok(local) = stream.local_addr() else {
        return;
    };
    // Answers are small and waited for.
    let _ = stream.set_nodelay(true);
    let calls = Arc::clone(&state);
    let service = service_fn(move |request| {
        let state = Arc::clone(&calls);
        async move {
            match admits(local, request.headers(), &state.hosts) {
                Ok(()) => respond(state, request).await,
                Err(refused) => Ok(plain(StatusCode::FORBIDDEN, refused)),
            }
        }
    });
    // An error is a client that went away, or a connection that closes because a fault asks for it.
    let mut served = pin!(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    let closing = state.connections.notified();
    tokio::select! {
        _ = &mut served => return,
        () = closing => served.as_mut().graceful_shutdown(),
    }
    let _ = served.await;
}

/// A call to a service, as its protocol carries it.
enum Call {
    Dynamodb(String, Value),
    SecretsManager(String, Value),
    Sns(Form),
    Sqs(String, Value),
}

impl Call {
    fn read(head: &Parts, body: &[u8]) -> Result<Self, Answer> {
        let header = |name| head.headers.get(name).and_then(|value| value.to_str().ok());
        let target = header("x-amz-target").unwrap_or_default();
        let json = |service| {
            serde_json::from_slice(body)
                .ok()
                .filter(Value::is_object)
                .ok_or_else(|| Refusal::new("SerializationException", "").answer(service))
        };
        if let Some(operation) = target.strip_prefix("DynamoDB_20120810.") {
            let input = json(Service::Dynamodb)?;
            return Ok(Self::Dynamodb(operation.to_owned(), input));
        }
        if let Some(operation) = target.strip_prefix("secretsmanager.") {
            let input = json(Service::SecretsManager)?;
            return Ok(Self::SecretsManager(operation.to_owned(), input));
        }
        if let Some(operation) = target.strip_prefix("AmazonSQS.") {
            return Ok(Self::Sqs(operation.to_owned(), json(Service::Sqs)?));
        }
        let is_form = header("content-type")
            .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
        let query = head.uri.query().unwrap_or_default();
        let form = Form::parse(query, if is_form { body } else { &[] });
        if target.is_empty() && (is_form || !form.action().is_empty()) {
            return Ok(Self::Sns(form));
        }
        let called = if target.is_empty() {
            format!("{} {}", head.method, head.uri.path())
        } else {
            target.to_owned()
        };
        let text = format!(
            "{called} is not served here, only DynamoDB, Secrets Manager, SNS and SQS are."
        );
        Err(Refusal::new("UnknownOperationException", text).answer(Service::Dynamodb))
    }

    const fn service(&self) -> Service {
        match self {
            Self::Dynamodb(..) => Service::Dynamodb,
            Self::SecretsManager(..) => Service::SecretsManager,
            Self::Sns(_) => Service::Sns,
            Self::Sqs(..) => Service::Sqs,
        }
    }

    fn operation(&self) -> &str {
        match self {
            Self::Dynamodb(operation, _)
            | Self::SecretsManager(operation, _)
            | Self::Sqs(operation, _) => operation,
            Self::Sns(form) => form.action(),
        }
    }
}

/// The connection ends without an answer.
#[derive(Debug)]
struct HangUp;

impl fmt::Display for HangUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection closes without an answer")
    }
}

impl std::error::Error for HangUp {}

async fn respond(
    state: Arc<State>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, HangUp> {
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, LONGEST_BODY).collect().await else {
        return Ok(plain(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the body is over 16 MiB".to_owned(),
        ));
    };
    match Call::read(&head, &body.to_bytes()) {
        Ok(call) => meet(state, call).await.map(response),
        Err(answer) => Ok(response(answer)),
    }
}

/// Lets the call meet its fate.
async fn meet(state: Arc<State>, call: Call) -> Result<Answer, HangUp> {
    state.calls.count(call.service(), call.operation());
    let concerns = |token: &str| match &call {
        Call::Sns(form) => state.sns.concerns(form, token),
        Call::Dynamodb(..) | Call::SecretsManager(..) | Call::Sqs(..) => false,
    };
    let fate = state
        .faults
        .next(call.service(), call.operation(), concerns);
    match fate.fault {
        Some(Fault::Timeout) => {
            tokio::time::sleep(fate.delay + NO_ANSWER).await;
            return Err(HangUp);
        }
        Some(Fault::Disconnect) => {
            tokio::time::sleep(fate.delay).await;
            return Err(HangUp);
        }
        _ => {}
    }
    let lost = fate.fault == Some(Fault::LostAnswer);
    if matches!(&call, Call::Sqs(operation, _) if operation == "ReceiveMessage") {
        // Ends with its caller: one that waits for messages must not take them when nobody is there any more.
        let answer = carry_out(&state, call, fate).await;
        return if lost { Err(HangUp) } else { Ok(answer) };
    }
    // A task of its own: what AWS has begun, it finishes, whether the caller still waits or not.
    let answer = tokio::spawn(async move { carry_out(&state, call, fate).await })
        .await
        .map_err(|_| HangUp)?;
    if lost { Err(HangUp) } else { Ok(answer) }
}

async fn carry_out(state: &State, call: Call, fate: Fate) -> Answer {
    tokio::time::sleep(fate.delay).await;
    match (call, fate.fault) {
        (call, Some(Fault::Error(refusal))) => refusal.answer(call.service()),
        (Call::Dynamodb(operation, input), fault) => {
            let lie = fault.as_ref();
            state
                .dynamodb
                .answer(&operation, input, lie, fate.delay, &state.calls)
                .await
        }
        (Call::SecretsManager(operation, input), _) => {
            state.secrets.answer(&operation, &input, state.clock.now())
        }
        (Call::Sqs(operation, input), fault) => {
            let partial = match &fault {
                Some(Fault::PartialFailure(refusal)) => Some(refusal),
                _ => None,
            };
            state
                .sqs
                .answer(&operation, &input, partial, &state.clock)
                .await
        }
        (Call::Sns(form), _) => state.sns.answer(&form, &state.phones, state.clock.now()),
    }
}

fn response(answer: Answer) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(answer.body));
    *response.status_mut() =
        StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
    if let Ok(id) = HeaderValue::from_str(&answer.request_id) {
        headers.insert("x-amzn-requestid", id);
    }
    if let Some(Ok(code)) = answer.query_error.map(HeaderValue::try_from) {
        headers.insert("x-amzn-query-error", code);
    }
    response
}

fn plain(status: StatusCode, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    response
}
