//! The one door between API Gateway's events and our functions: repairs, hands on, catches, answers.

use crate::http::thaw;
use crate::{Call, Failure, Metric, Metrics, Reply, Start, causes};
use futures_util::FutureExt;
use lambda_http::LambdaEvent;
use lambda_http::aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use push::{Denial, Span};
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
    let start = Start::from_environment(now)?;
    let function = Arc::new(F::start(&start).await?);
    lambda_http::lambda_runtime::run(lambda_http::service_fn(move |event| {
        let function = Arc::clone(&function);
        let (clock, metrics) = (Arc::clone(&start.clock), start.metrics.clone());
        async move {
            thaw().await;
            let answer = enter(function.as_ref(), event, &*clock, &metrics);
            Ok::<_, Infallible>(answer.await)
        }
    }))
    .await
}

/// Answers one event of API Gateway. Whatever comes in, what goes out is the contract's; a panic inside is a 500 in its
/// shape, and the process lives on. The request has its line in the log, and what it counted is written.
pub async fn enter<F: Function>(
    function: &F,
    event: LambdaEvent<ApiGatewayV2httpRequest>,
    clock: &(dyn Fn() -> push::Time + Send + Sync),
    metrics: &Metrics,
) -> ApiGatewayV2httpResponse {
    let begun = clock();
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
        let call = Call::read(event, clock).inspect_err(|failure| {
            if matches!(failure, Failure::Unavailable(_)) {
                metrics.count(Metric::ClocksDiffer, 1);
            }
        })?;
        call.expect_single_parameters()?;
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
    let (reply, failure) = match answer {
        Ok(reply) => (reply, None),
        Err(failure) => (Reply::failed(&failure, &request_id), Some(failure)),
    };
    record::<F>(&Line {
        request_id: &request_id,
        route: &route,
        reply: &reply,
        failure: failure.as_ref(),
        milliseconds: clock().since(begun).millis(),
    });
    match reply.status() {
        500.. => metrics.count(Metric::Failures(F::NAME), 1),
        400.. => metrics.count(Metric::Refusals(F::NAME), 1),
        _ => {}
    }
    metrics.flush();
    reply.into_response()
}

/// So long before Lambda ends the invocation a call is given up: what Lambda would answer is not the contract's. A change
/// that was under way stands or not, and the caller's repeat finds out.
const RESERVE: Span = Span::from_millis(500);

/// How long the function may take; nothing where no deadline is known.
fn time_left(call: &Call) -> Option<Duration> {
    let left = (call.deadline - RESERVE).since(call.now);
    (left > Span::default()).then(|| Duration::from_millis(left.millis()))
}

/// What the log says of a request: no value of the request is part of it.
struct Line<'a> {
    request_id: &'a str,
    route: &'a str,
    reply: &'a Reply,
    failure: Option<&'a Failure>,
    milliseconds: u64,
}

/// Writes the one line of a request.
fn record<F: Function>(line: &Line<'_>) {
    let &Line {
        request_id,
        route,
        reply,
        failure,
        milliseconds,
    } = line;
    let (function, status, message) = (F::NAME, reply.status(), reply.messages());
    let (code, causes) = (
        failure.map(Failure::code),
        failure.map(|failure| failure.source().map(causes).unwrap_or_default()),
    );
    let parameter = failure.and_then(Failure::parameter);
    let denial = failure.and_then(Failure::denial).map(Denial::as_str);
    match status {
        500.. => error!(
            function,
            route, status, code, request_id, causes, milliseconds, "request failed"
        ),
        400.. => info!(
            function,
            route,
            status,
            code,
            parameter,
            denial,
            request_id,
            causes,
            milliseconds,
            "request refused"
        ),
        _ => info!(
            function,
            route,
            status,
            messageId = message,
            request_id,
            milliseconds,
            "request answered"
        ),
    }
}
