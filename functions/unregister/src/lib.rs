//! Ends a device, which is the logout before the next user of a shared phone, and all devices of a user.

use aws::bindings::Bindings;
use aws::secrets::Secrets;
use aws::{Call, Failure, Function, Reply, Settings, Start};
use push::{DeviceId, UserId};
use std::sync::Arc;

/// DELETE `…/devices/{deviceId}`, `…/users/{userId}` and `…/users?userId=`. A body, which some clients send, is not read.
pub struct Unregister {
    settings: Arc<Settings>,
    secrets: Secrets,
    bindings: Bindings,
}

impl Function for Unregister {
    const NAME: &'static str = "unregister";

    async fn start(start: &Start) -> Result<Self, lambda_http::Error> {
        let function = Self {
            settings: Arc::clone(&start.settings),
            secrets: Secrets::new(start),
            bindings: Bindings::new(start),
        };
        let store = function.bindings.store();
        let (secrets, ()) = tokio::join!(function.secrets.warm_for_devices(), store.warm());
        secrets?;
        Ok(function)
    }

    async fn answer(&self, call: &Call) -> Result<Reply, Failure> {
        call.expect_application(&self.settings.application)?;
        match call.route() {
            ("DELETE", "/devices/{deviceId}") => {
                let id = DeviceId::parse(call.path("deviceId"))?;
                let caller = self.secrets.caller(call).await?;
                caller.admit(self.settings.require_client_secret)?;
                self.bindings.unregister(&id, &caller, call.arrived).await?;
            }
            ("DELETE", "/users/{userId}") => self.erase(call, call.path("userId")).await?,
            // A path cannot hold every user id: the gateway decodes it, and cuts it at what is then a `?`.
            ("DELETE", "/users") => {
                let user = call.query("userId");
                let user = user.ok_or(Failure::QueryParameterMissing("userId"))?;
                self.erase(call, user).await?;
            }
            _ => return Err(Failure::NotFound),
        }
        Ok(Reply::empty(204))
    }
}

impl Unregister {
    /// Ends every binding of the user, for a backend. Who is not known is erased already.
    async fn erase(&self, call: &Call, user: &str) -> Result<(), Failure> {
        self.secrets.backend(call).await?;
        let secret_life = self.settings.client_secret_life;
        self.bindings
            .erase(&UserId::parse(user)?, call.arrived, secret_life)
            .await
    }
}
