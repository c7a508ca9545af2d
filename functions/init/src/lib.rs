//! Hands the signed-in user the client secret with which their devices register.

use aws::secrets::Secrets;
use aws::{Call, Failure, Function, Reply, Settings, Start};
use push::{ClientSecretMode, Denial, UserId};
use serde_json::{Value, json};
use std::sync::Arc;

/// GET `…/init`, behind the gateway's JWT authorizer.
pub struct Init {
    settings: Arc<Settings>,
    secrets: Secrets,
}

impl Function for Init {
    const NAME: &'static str = "init";

    async fn start(start: &Start) -> Result<Self, lambda_http::Error> {
        let secrets = Secrets::new(start);
        secrets.warm_for_devices().await?;
        Ok(Self {
            settings: Arc::clone(&start.settings),
            secrets,
        })
    }

    async fn answer(&self, call: &Call) -> Result<Reply, Failure> {
        call.expect_application(&self.settings.application)?;
        let user = self.user(call);
        let user = user.ok_or(Failure::Unauthorized(Denial::Wrong))?;
        let mut answer =
            json!({"applicationId": self.settings.application.as_str(), "userId": user.as_str()});
        let mut set = |name: &str, value: Value| {
            answer
                .as_object_mut()
                .map(|map| map.insert(name.to_owned(), value))
        };
        match self.settings.client_secret_mode {
            ClientSecretMode::PerUser => {
                let (secret, text) = self
                    .secrets
                    .sign(&user, self.settings.client_secret_life)
                    .await?;
                set("clientSecret", text.into());
                set("expiresAt", secret.expires.to_string().into());
            }
            ClientSecretMode::Shared => {
                set(
                    "clientSecret",
                    self.secrets.provisioned().await?.expose().into(),
                );
            }
        }
        if let Some(sender) = &self.settings.fcm_sender_id {
            set("senderId", sender.as_str().into());
        }
        Ok(Reply::json(200, &answer)?.not_stored())
    }
}

impl Init {
    /// The user that the identity provider vouches for; none where the gateway verified no token. An address of which the
    /// provider does not know that it is the user's does not count.
    fn user(&self, call: &Call) -> Option<UserId> {
        let claim = self.settings.user_id_claim.as_str();
        let verified = claim != "email" || call.claim("email_verified") == Some("true");
        UserId::parse(call.claim(claim)?).ok().filter(|_| verified)
    }
}
