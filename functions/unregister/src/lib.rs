//! Unregister.

use aws::{Call, Failure, Function, Reply, Start};

/// The function.
pub struct Unregister {}

impl Function for Unregister {
    const NAME: &'static str = "unregister";

    async fn start(_start: &Start) -> Result<Self, lambda_http::Error> {
        Ok(Self {})
    }

    async fn answer(&self, _call: &Call) -> Result<Reply, Failure> {
        Err(Failure::NotFound)
    }
}
