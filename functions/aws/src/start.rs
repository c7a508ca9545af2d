//! What a function is started with.

use crate::metrics::{Sink, standard_output};
use crate::outside::Outside;
use crate::settings::variable;
use crate::{Metrics, Settings, account};
use aws_sdk_dynamodb::config::StalledStreamProtectionConfig;
use aws_types::SdkConfig;
use aws_types::sdk_config::Builder;
use push::Time;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Settings, the configuration of AWS clients, the clock and the metrics of one function.
#[derive(Clone)]
pub struct Start {
    /// What the operator chose.
    pub settings: Arc<Settings>,
    /// How to reach AWS.
    pub aws: SdkConfig,
    /// The present moment.
    pub clock: Clock,
    /// What is counted.
    pub metrics: Metrics,
    /// How servers are reached that are not AWS's.
    pub outside: Outside,
}

/// Tells the present moment. A function's `main` gives the system's clock, the local system one that can be moved.
pub type Clock = Arc<dyn Fn() -> Time + Send + Sync>;

impl Start {
    /// As Lambda starts a function: settings from the environment, AWS where the environment says, the clock of `now`,
    /// metrics on standard output.
    ///
    /// # Errors
    /// The setting that is missing or wrong.
    pub fn from_environment(now: fn() -> SystemTime) -> Result<Self, lambda_http::Error> {
        let clock = move || {
            Time::from_millis(now().duration_since(UNIX_EPOCH).map_or(0, |since| {
                u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
            }))
        };
        let start = Self::new(
            Settings::from_environment()?,
            account::read(variable)?,
            Arc::new(clock),
        );
        Ok(start?.with_metrics(standard_output()))
    }

    /// The parts given; `aws` decides where AWS is and who we are. Metrics go nowhere.
    ///
    /// # Errors
    /// A TLS configuration that cannot be; a platform application of another region.
    pub fn new(settings: Settings, aws: Builder, clock: Clock) -> Result<Self, lambda_http::Error> {
        let http = crate::http::client(&settings)?;
        let application = settings.application.clone();
        // Each client bounds each of its attempts, with the body of the answer.
        let aws = aws
            .http_client(http)
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .build();
        if let Some(region) = aws.region() {
            settings.expect_region(region.as_ref())?;
        }
        Ok(Self {
            aws,
            settings: Arc::new(settings),
            metrics: Metrics::new(application, Arc::clone(&clock), Arc::new(|_| {})),
            clock,
            outside: Outside::Internet,
        })
    }

    /// The same, with another outside.
    #[must_use]
    pub fn with_outside(mut self, outside: Outside) -> Self {
        self.outside = outside;
        self
    }

    /// The same, with lines of metrics going to `sink`.
    #[must_use]
    pub fn with_metrics(mut self, sink: Sink) -> Self {
        let application = self.settings.application.clone();
        self.metrics = Metrics::new(application, Arc::clone(&self.clock), sink);
        self
    }
}
