//! SNS mobile push: endpoints for tokens, and publishing to them.

mod application;
mod endpoints;
mod publisher;

pub use application::{Application, Applications};
pub use endpoints::Endpoints;
pub use publisher::{Channel, Letter, Outcome, Publisher};

/// Codes by which SNS asks for patience. The wire codes carry no `Exception`, some SDKs' documentation does.
fn is_pressure(code: &str) -> bool {
    matches!(
        code.trim_end_matches("Exception"),
        "Throttling"
            | "Throttled"
            | "ThrottledRequest"
            | "RequestLimitExceeded"
            | "LimitExceeded"
            | "TooManyRequests"
    )
}
