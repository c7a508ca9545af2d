//! The one door between API Gateway's events and our functions: repairs, hands on, catches, answers.

use crate::{Call, Failure, Reply, Start};
use futures_util::FutureExt;
use lambda_http::LambdaEvent;
use lambda_http::aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use push::Span;
use std::convert::Infallible;
use std::error::Error;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::time::timeout;
use tracing::{error, info};

/// One Lambda function behind the API.
pub trait Function: Send + Sync + Sized + 'static {
    /// Its name: of its binary, of its logical role in `template.yaml`, in the log.
    const NAME: &'static str;

    /// Builds the clients and opens what can be opened, so that the first call finds it ready.
    ///
    /// # Errors
    /// What is missing, for the operator.
    fn start(start: &Start) -> impl Future<Output = Result<Self, lambda_http::Error>> + Send;

    /// Answers one request.
    ///
    /// # Errors
    /// [`Failure`] says why the request failed; the door writes the body.
    fn answer(&self, call: &Call) -> impl Future<Output = Result<Reply, Failure>> + Send;
}

/// Runs a function until Lambda ends the environment; `now` is the clock of the process.
///
/// # Errors
/// What kept the function from starting.
pub async fn serve<F: Function>(now: fn() -> SystemTime) -> Result<(), lambda_http::Error> {
    crate::log::init();
    let start = Start::from_environment(now).await?;
    let function = Arc::new(F::start(&start).await?);
    lambda_http::lambda_runtime::run(lambda_http::service_fn(move |event| {
        let (function, now) = (Arc::clone(&function), Arc::clone(&start.clock));
        async move { Ok::<_, Infallible>(enter(function.as_ref(), event, &*now).await) }
    }))
    .await
}

/// Answers one event of API Gateway. Whatever comes in, what goes out is the contract's; a panic inside is a 500 in its
/// shape, and the process lives on.
pub async fn enter<F: Function>(
    function: &F,
    event: LambdaEvent<ApiGatewayV2httpRequest>,
    clock: &(dyn Fn() -> push::Time + Send + Sync),
) -> ApiGatewayV2httpResponse {
    let request_id = event
        .payload
        .request_context
        .request_id
        .clone()
        .unwrap_or_else(|| event.context.request_id.clone());
    let route = event
        .payload
        .request_context
        .route_key
        .clone()
        .unwrap_or_default();
    let work = async {
        let call = Call::read(event, clock)?;
        let answer = function.answer(&call);
        match time_left(&call) {
            Some(left) => timeout(left, answer).await.unwrap_or_else(|_| {
                Err(Failure::Unavailable(
                    "the time of the invocation is over".into(),
                ))
            }),
            None => answer.await,
        }
    };
    let answer = AssertUnwindSafe(work)
        .catch_unwind()
        .await
        .unwrap_or_else(|_| Err(Failure::Internal("a panic".into())));
    match answer {
        Ok(reply) => reply.into_response(),
        Err(failure) => {
            record::<F>(&failure, &request_id, &route);
            Reply::failed(&failure, &request_id).into_response()
        }
    }
}

/// So long before Lambda ends the invocation a call is given up: what Lambda would answer is not the contract's. A change
/// that was under way stands or not, and the caller's repeat finds out.
const RESERVE: Span = Span::from_millis(500);

/// How long the function may take; nothing where no deadline is known.
fn time_left(call: &Call) -> Option<Duration> {
    let left = (call.deadline - RESERVE).since(call.now);
    (left > Span::default()).then(|| Duration::from_millis(left.millis()))
}

/// The one line of a failed request: no value of the request is part of it.
fn record<F: Function>(failure: &Failure, request_id: &str, route: &str) {
    let causes = causes(failure);
    let (function, code, status) = (F::NAME, failure.code(), failure.status());
    if status >= 500 {
        error!(
            function,
            route, code, status, request_id, causes, "request failed"
        );
    } else {
        info!(
            function,
            route, code, status, request_id, causes, "request refused"
        );
    }
}

/// The chain of sources, written out because the log's formatter drops it.
fn causes(failure: &Failure) -> String {
    let mut text = String::new();
    let mut next = failure.source();
    while let Some(cause) = next {
        text.push_str(if text.is_empty() { "" } else { ": " });
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}
