//! What a function is started with.

use crate::Settings;
use aws_config::{ConfigLoader, SdkConfig};
use push::Time;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Settings, the configuration of AWS clients, and the clock of one function.
#[derive(Clone)]
pub struct Start {
    /// What the operator chose.
    pub settings: Arc<Settings>,
    /// How to reach AWS.
    pub aws: SdkConfig,
    /// The present moment.
    pub clock: Clock,
}

/// Tells the present moment. A function's `main` gives the system's clock, the local system one that can be moved.
pub type Clock = Arc<dyn Fn() -> Time + Send + Sync>;

impl Start {
    /// As Lambda starts a function: settings from the environment, AWS where the environment says, the clock of `now`.
    ///
    /// # Errors
    /// The setting that is missing or wrong.
    pub async fn from_environment(now: fn() -> SystemTime) -> Result<Self, lambda_http::Error> {
        let clock = move || {
            Time::from_millis(now().duration_since(UNIX_EPOCH).map_or(0, |since| {
                u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
            }))
        };
        Self::new(
            Settings::from_environment()?,
            aws_config::from_env(),
            Arc::new(clock),
        )
        .await
    }

    /// The parts given; `aws` decides where AWS is and who we are.
    ///
    /// # Errors
    /// A TLS configuration that cannot be.
    pub async fn new(
        settings: Settings,
        aws: ConfigLoader,
        clock: Clock,
    ) -> Result<Self, lambda_http::Error> {
        let http = crate::http::client(&settings)?;
        Ok(Self {
            aws: aws.http_client(http).load().await,
            settings: Arc::new(settings),
            clock,
        })
    }
}
