//! Functions that no client calls: other services of AWS hand them their events.

use crate::http::thaw;
use crate::{Cause, Start, causes};
use lambda_http::lambda_runtime::{self, LambdaEvent};
use push::Time;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::future::Future;
use std::sync::Arc;
use std::time::SystemTime;

/// One Lambda function behind the scenes.
pub trait Worker: Send + Sync + Sized + 'static {
    /// Its name: of its binary and in the log.
    const NAME: &'static str;
    /// What it is handed.
    type Event: DeserializeOwned + Send;
    /// What it gives back.
    type Answer: Serialize + Send;

    /// Builds the clients.
    ///
    /// # Errors
    /// What is missing, for the operator.
    fn start(start: &Start) -> impl Future<Output = Result<Self, lambda_http::Error>> + Send;

    /// Does what the event asks for. At the deadline Lambda ends the invocation, done or not.
    ///
    /// # Errors
    /// Whoever handed the event over tries again.
    fn work(
        &self,
        event: Self::Event,
        deadline: Time,
    ) -> impl Future<Output = Result<Self::Answer, Cause>> + Send;
}

/// Runs a worker until Lambda ends the environment; `now` is the clock of the process.
///
/// # Errors
/// What kept the worker from starting.
pub async fn work<W: Worker>(now: fn() -> SystemTime) -> Result<(), lambda_http::Error> {
    crate::log::init();
    let start = Start::from_environment(now)?;
    let worker = Arc::new(W::start(&start).await?);
    lambda_runtime::run(lambda_runtime::service_fn(
        move |event: LambdaEvent<W::Event>| {
            let (worker, metrics) = (Arc::clone(&worker), start.metrics.clone());
            async move {
                thaw().await;
                let deadline = Time::from_millis(event.context.deadline);
                let done = worker.work(event.payload, deadline).await;
                metrics.flush();
                done.inspect_err(|cause| {
                    let cause = causes(cause.as_ref());
                    tracing::error!(function = W::NAME, cause, "work failed");
                })
            }
        },
    ))
    .await
}
