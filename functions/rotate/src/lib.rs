//! Gives a provisioned secret a new version, in the four steps by which Secrets Manager asks for one.
//!
//! Nothing else has to be told: the functions accept the current and the previous version, and see a new one within a
//! minute. Every step can be repeated, and does nothing where it is done already or no longer wanted.

use aws::secrets::unanswered;
use aws::{Cause, Start, Worker};
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::ProvideErrorMetadata;
use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretOutput;
use push::{Secret, Time};
use serde::Deserialize;

/// The function that Secrets Manager calls.
pub struct Rotate {
    client: Client,
    /// The secrets that it may rotate, by ARN or name.
    ours: [String; 2],
}

/// What Secrets Manager asks for.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Request {
    /// Which of the four steps.
    pub step: Step,
    /// The ARN of the secret.
    pub secret_id: String,
    /// The id that the new version has or will have.
    pub client_request_token: String,
}

/// The steps, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Step {
    /// The new version is made, as pending.
    CreateSecret,
    /// Whatever else holds the secret would be told.
    SetSecret,
    /// The pending version is tried.
    TestSecret,
    /// It becomes the current one.
    FinishSecret,
}

const CURRENT: &str = "AWSCURRENT";
const PENDING: &str = "AWSPENDING";
/// As long as the ones that are made with the stack.
const LENGTH: i64 = 64;

impl Worker for Rotate {
    const NAME: &'static str = "rotate";
    type Event = Request;
    type Answer = ();

    async fn start(start: &Start) -> Result<Self, lambda_http::Error> {
        let ours = [
            start.settings.client_secret.clone(),
            start.settings.app_secret.clone(),
        ];
        Ok(Self {
            client: Client::new(&start.aws),
            ours,
        })
    }

    async fn work(&self, request: Request, _deadline: Time) -> Result<(), Cause> {
        let id = request.secret_id.as_str();
        if !self.ours.iter().any(|own| is_same(own, id)) {
            return Err("the secret is none of this installation's".into());
        }
        let secret = self
            .client
            .describe_secret()
            .secret_id(id)
            .send()
            .await
            .map_err(|error| unanswered(&error))?;
        let token = request.client_request_token.as_str();
        if is_at(&secret, token, CURRENT) {
            return Ok(());
        }
        match request.step {
            Step::CreateSecret => self.create(id, token).await,
            Step::SetSecret => Ok(()),
            Step::TestSecret => self.test(id, token, &secret).await,
            Step::FinishSecret => self.finish(id, token, &secret).await,
        }
    }
}

impl Rotate {
    async fn create(&self, id: &str, token: &str) -> Result<(), Cause> {
        let pending = self
            .client
            .get_secret_value()
            .secret_id(id)
            .version_id(token);
        match pending.version_stage(PENDING).send().await {
            Ok(_) => return Ok(()),
            Err(error) if error.code() == Some("ResourceNotFoundException") => {}
            Err(error) => return Err(unanswered(&error)),
        }
        let made = self
            .client
            .get_random_password()
            .password_length(LENGTH)
            .exclude_punctuation(true);
        let made = made.send().await.map_err(|error| unanswered(&error))?;
        let made = made
            .random_password
            .ok_or("Secrets Manager: a password without text")?;
        let put = self
            .client
            .put_secret_value()
            .secret_id(id)
            .client_request_token(token);
        match put.secret_string(made).version_stages(PENDING).send().await {
            // Another call of this step was faster.
            Err(error) if error.code() == Some("ResourceExistsException") => {}
            done => drop(done.map_err(|error| unanswered(&error))?),
        }
        Ok(())
    }

    /// The pending version can do what a provisioned secret has to. It may hold the value of the current one: where a schedule
    /// is set without a rotation, Secrets Manager tries this step with such a version.
    async fn test(
        &self,
        id: &str,
        token: &str,
        secret: &DescribeSecretOutput,
    ) -> Result<(), Cause> {
        if !is_at(secret, token, PENDING) {
            return Err("the version is not pending".into());
        }
        let pending = self
            .client
            .get_secret_value()
            .secret_id(id)
            .version_id(token);
        let pending = pending.send().await.map_err(|error| unanswered(&error))?;
        Secret::parse(pending.secret_string().unwrap_or_default())?;
        Ok(())
    }

    /// Secrets Manager makes the version that was current the previous one.
    async fn finish(
        &self,
        id: &str,
        token: &str,
        secret: &DescribeSecretOutput,
    ) -> Result<(), Cause> {
        if !is_at(secret, token, PENDING) {
            return Err("the version is not pending".into());
        }
        let versions = secret.version_ids_to_stages().into_iter().flatten();
        let current = versions.filter(|(_, stages)| stages.iter().any(|stage| stage == CURRENT));
        let current = current.map(|(version, _)| version.clone()).next();
        let stage = self
            .client
            .update_secret_version_stage()
            .secret_id(id)
            .version_stage(CURRENT);
        let stage = stage
            .move_to_version_id(token)
            .set_remove_from_version_id(current);
        stage.send().await.map_err(|error| unanswered(&error))?;
        tracing::info!("a secret has a new version");
        Ok(())
    }
}

/// Whether the version has the stage.
fn is_at(secret: &DescribeSecretOutput, version: &str, stage: &str) -> bool {
    let stages = secret
        .version_ids_to_stages()
        .and_then(|versions| versions.get(version));
    stages.is_some_and(|stages| stages.iter().any(|own| own == stage))
}

/// Whether both name one secret. An ARN ends in the name, a hyphen and six characters.
fn is_same(own: &str, id: &str) -> bool {
    let named = |id: &str| {
        id.rsplit(':')
            .next()
            .and_then(|name| name.rsplit_once('-'))
            .map(|(name, _)| name == own)
    };
    own == id || (id.starts_with("arn:") && named(id) == Some(true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_told_by_arn_or_name() {
        let arn = "arn:aws:secretsmanager:us-east-1:000000000000:secret:ClientSecret-x1-AbCdEf";
        for (own, id, same) in [
            (arn, arn, true),
            ("ClientSecret-x1", "ClientSecret-x1", true),
            ("ClientSecret-x1", arn, true),
            ("ClientSecret", arn, false),
            ("ClientSecret-x1", "ClientSecret-x1-AbCdEf", false),
        ] {
            assert_eq!(is_same(own, id), same, "{own} {id}");
        }
    }
}
