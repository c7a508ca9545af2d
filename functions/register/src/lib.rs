//! Register.

use aws::{Call, Failure, Function, Reply, Start};

/// The function.
pub struct Register {}

impl Function for Register {
    const NAME: &'static str = "register";

    async fn start(_start: &Start) -> Result<Self, lambda_http::Error> {
        Ok(Self {})
    }

    async fn answer(&self, _call: &Call) -> Result<Reply, Failure> {
        Err(Failure::NotFound)
    }
}
