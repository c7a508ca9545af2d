//! What an environment holds: a function that takes its events and gives its answers as JSON.

use crate::Error;
use aws::{Clock, Function, Metrics, Start, Worker};
use futures_util::FutureExt;
use lambda_http::{Context, LambdaEvent};
use push::Time;
use std::future::Future;
use std::panic::AssertUnwindSafe;

/// A started function of either kind.
pub trait Code: Sized {
    /// Starts it.
    fn start(start: &Start) -> impl Future<Output = Result<Self, Error>>;

    /// The answer to an event.
    ///
    /// # Errors
    /// An event or an answer that cannot be; the function's own failure.
    fn run(
        &self,
        event: &str,
        context: Context,
        clock: &Clock,
    ) -> impl Future<Output = Result<String, Error>>;
}

/// A function behind the API.
pub struct Behind<F>(F, Metrics);

impl<F: Function> Code for Behind<F> {
    async fn start(start: &Start) -> Result<Self, Error> {
        Ok(Self(F::start(start).await?, start.metrics.clone()))
    }

    async fn run(&self, event: &str, context: Context, clock: &Clock) -> Result<String, Error> {
        let event = LambdaEvent::new(serde_json::from_str(event)?, context);
        let answer = aws::enter(&self.0, event, &**clock, &self.1).await;
        Ok(serde_json::to_string(&answer)?)
    }
}

/// A function that other services call.
pub struct Called<W>(W, Metrics);

impl<W: Worker> Code for Called<W> {
    async fn start(start: &Start) -> Result<Self, Error> {
        Ok(Self(W::start(start).await?, start.metrics.clone()))
    }

    async fn run(&self, event: &str, context: Context, _: &Clock) -> Result<String, Error> {
        let event = serde_json::from_str(event)?;
        let work = self.0.work(event, Time::from_millis(context.deadline));
        // A panic is a failure like others: Lambda's runtime for Rust catches it, and the environment lives on.
        let done = AssertUnwindSafe(work).catch_unwind().await;
        self.1.flush();
        let answer = done.map_err(|_| "a panic")??;
        Ok(serde_json::to_string(&answer)?)
    }
}
