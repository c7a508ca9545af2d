//! Init.

use aws::{Call, Failure, Function, Reply, Start};

/// The function.
pub struct Init {}

impl Function for Init {
    const NAME: &'static str = "init";

    async fn start(_start: &Start) -> Result<Self, lambda_http::Error> {
        Ok(Self {})
    }

    async fn answer(&self, _call: &Call) -> Result<Reply, Failure> {
        Err(Failure::NotFound)
    }
}
