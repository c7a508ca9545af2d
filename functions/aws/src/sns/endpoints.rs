//! The endpoint of a token: made without attributes, always looked at, enabled where it is not.

use super::{Applications, is_pressure};
use crate::agent::Agent;
use crate::http::OnDemand;
use crate::{Failure, Start};
use aws_sdk_sns::Client;
use aws_sdk_sns::config::Builder;
use aws_sdk_sns::config::timeout::TimeoutConfig;
use aws_sdk_sns::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sns::operation::set_endpoint_attributes::SetEndpointAttributesError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use push::{Invalid, Token};
use std::time::Duration;

/// Endpoints in SNS.
#[derive(Clone)]
pub struct Endpoints {
    client: OnDemand<Client>,
    applications: Applications,
}

/// After a deletion look-ups are eventually consistent; so often the way from creating to looking is gone.
const ROUNDS: usize = 3;
const ENABLED: &str = "Enabled";

impl Endpoints {
    /// Endpoints of the applications in the settings.
    #[must_use]
    pub fn new(start: &Start) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(1))
            .operation_attempt_timeout(Duration::from_secs(2))
            .operation_timeout(Duration::from_secs(4))
            .build();
        let config = Builder::from(&start.aws)
            .timeout_config(timeouts)
            .interceptor(Agent);
        Self {
            client: OnDemand::new(move || Client::from_conf(config.build())),
            applications: Applications::new(&start.settings),
        }
    }

    /// The ARN of the token's endpoint, which exists and is enabled when this returns. Only for the token of a device that is
    /// registered or registers now.
    ///
    /// # Errors
    /// [`Failure::PlatformNotConfigured`], [`Failure::Invalid`] for a token that SNS does not take,
    /// [`Failure::Unavailable`], [`Failure::Internal`].
    pub async fn ready(&self, token: &Token) -> Result<String, Failure> {
        for _ in 0..ROUNDS {
            let arn = self.create(token).await?;
            let attributes = match self
                .client
                .get_endpoint_attributes()
                .endpoint_arn(&arn)
                .send()
                .await
            {
                Ok(answer) => answer.attributes.unwrap_or_default(),
                Err(error) if is_not_found(&error) => {
                    continue;
                }
                Err(error) => return Err(sorted(&error)),
            };
            if attributes
                .get(ENABLED)
                .is_none_or(|enabled| !enabled.eq_ignore_ascii_case("false"))
            {
                return Ok(arn);
            }
            match self.set_enabled(&arn).await {
                Ok(()) => return Ok(arn),
                Err(error) if is_not_found(&error) => {}
                Err(error) => return Err(sorted(&error)),
            }
        }
        Err(Failure::Unavailable(
            "SNS: the endpoint does not stay".into(),
        ))
    }

    /// The ARN of the token's endpoint, which was found disabled, and is enabled when this returns.
    ///
    /// # Errors
    /// As [`Endpoints::ready`].
    pub async fn enable(&self, token: &Token) -> Result<String, Failure> {
        let arn = self.create(token).await?;
        self.set_enabled(&arn)
            .await
            .map_err(|error| sorted(&error))?;
        Ok(arn)
    }

    /// Only ever this attribute: a changed token would point an ARN that another device holds at this phone.
    async fn set_enabled(
        &self,
        arn: &str,
    ) -> Result<(), SdkError<SetEndpointAttributesError, HttpResponse>> {
        let call = self.client.set_endpoint_attributes().endpoint_arn(arn);
        call.attributes(ENABLED, "true").send().await?;
        Ok(())
    }

    /// The ARN of the token's endpoint, made where there is none, and left as it is where there is one.
    ///
    /// # Errors
    /// As [`Endpoints::ready`].
    pub async fn create(&self, token: &Token) -> Result<String, Failure> {
        let application = self
            .applications
            .arn(token.platform())
            .ok_or(Failure::PlatformNotConfigured)?;
        // Without attributes and user data the call is idempotent, but for endpoints that others made with some.
        let call = self
            .client
            .create_platform_endpoint()
            .platform_application_arn(application)
            .token(token.canonical());
        match call.send().await {
            Ok(answer) => answer
                .endpoint_arn
                .ok_or_else(|| Failure::Internal("SNS: an endpoint without ARN".into())),
            Err(error) => error
                .message()
                .and_then(existing)
                .map_or_else(|| Err(sorted_create(&error)), Ok),
        }
    }

    /// The token behind an endpoint; nothing where SNS does not know the endpoint.
    ///
    /// # Errors
    /// [`Failure::Unavailable`], [`Failure::Internal`].
    pub async fn token(&self, endpoint: &str) -> Result<Option<String>, Failure> {
        let call = self.client.get_endpoint_attributes();
        match call.endpoint_arn(endpoint).send().await {
            Ok(answer) => Ok(answer.attributes.and_then(|mut of| of.remove("Token"))),
            Err(error) if is_not_found(&error) => Ok(None),
            Err(error) => Err(sorted(&error)),
        }
    }

    /// The endpoint is gone.
    ///
    /// # Errors
    /// [`Failure::Unavailable`], [`Failure::Internal`].
    pub async fn delete(&self, endpoint: &str) -> Result<(), Failure> {
        let call = self.client.delete_endpoint().endpoint_arn(endpoint);
        call.send().await.map_err(|error| sorted(&error))?;
        Ok(())
    }
}

fn is_not_found(error: &impl ProvideErrorMetadata) -> bool {
    error
        .code()
        .is_some_and(|code| code.trim_end_matches("Exception") == "NotFound")
}

/// The ARN in "Endpoint <arn> already exists with the same Token, but different attributes."
fn existing(message: &str) -> Option<String> {
    let at = message
        .to_ascii_lowercase()
        .find(" already exists with the same token")?;
    message
        .get(..at)?
        .rsplit(' ')
        .next()
        .filter(|arn| arn.starts_with("arn:"))
        .map(str::to_owned)
}

fn sorted_create<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Failure {
    let message = error.message().unwrap_or_default().to_ascii_lowercase();
    match error
        .code()
        .unwrap_or_default()
        .trim_end_matches("Exception")
    {
        "InvalidParameter"
            if message.contains("token reason") || message.contains("different token") =>
        {
            Failure::Invalid(Invalid::new("token", "The platform does not take it."))
        }
        "NotFound" => {
            tracing::error!("the platform application in the settings does not exist");
            Failure::PlatformNotConfigured
        }
        _ => sorted(error),
    }
}

fn sorted<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Failure {
    crate::http::failure("SNS", error, is_pressure)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_endpoint_of_others_is_read_from_the_message_however_it_is_spelt() {
        let arn = "arn:aws:sns:us-east-1:000000000000:endpoint/GCM/userpush/1";
        for (message, expected) in [
            (
                format!(
                    "Invalid parameter: Token Reason: Endpoint {arn} already exists with the same Token, but different attributes."
                ),
                Some(arn.to_owned()),
            ),
            (
                format!("Endpoint {arn} Already exists with the same token"),
                Some(arn.to_owned()),
            ),
            ("İ already exists with the same Token".to_owned(), None),
            (format!("Endpoint {arn} does not exist"), None),
        ] {
            assert_eq!(existing(&message), expected, "{message}");
        }
    }
}
