//! Query.

use aws::{Call, Failure, Function, Reply, Start};

/// The function.
pub struct Query {}

impl Function for Query {
    const NAME: &'static str = "query";

    async fn start(_start: &Start) -> Result<Self, lambda_http::Error> {
        Ok(Self {})
    }

    async fn answer(&self, _call: &Call) -> Result<Reply, Failure> {
        Err(Failure::NotFound)
    }
}
