//! SNS mobile push: endpoints for tokens, and publishing to them.

mod endpoints;
mod publisher;

pub use endpoints::Endpoints;
pub use publisher::{Channel, Letter, Outcome, Publisher};

use crate::Settings;
use push::Platform;

/// The platform applications of this installation.
#[derive(Clone, Debug)]
pub struct Applications {
    apns: Option<String>,
    fcm: Option<String>,
}

impl Applications {
    /// Those that the settings name.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        Self {
            apns: settings.apns_application.clone(),
            fcm: settings.fcm_application.clone(),
        }
    }

    /// The ARN of the platform's application, if there is one.
    #[must_use]
    pub fn arn(&self, platform: Platform) -> Option<&str> {
        match platform {
            Platform::Apns => self.apns.as_deref(),
            Platform::Fcm => self.fcm.as_deref(),
        }
    }
}

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
