//! Sender.

use aws::{Call, Failure, Function, Reply, Start};

/// The function.
pub struct Sender {}

impl Function for Sender {
    const NAME: &'static str = "send";

    async fn start(_start: &Start) -> Result<Self, lambda_http::Error> {
        Ok(Self {})
    }

    async fn answer(&self, _call: &Call) -> Result<Reply, Failure> {
        Err(Failure::NotFound)
    }
}
