//! Ends a device: the logout before the next user of a shared phone.

use aws::bindings::Bindings;
use aws::secrets::Secrets;
use aws::{Call, Failure, Function, Reply, Settings, Start};
use push::DeviceId;
use std::sync::Arc;

/// DELETE `…/devices/{deviceId}`. A body, which some clients send, is not read.
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
        let (devices, backends, ()) = tokio::join!(
            function.secrets.warm_for_devices(),
            function.secrets.warm_for_backends(),
            function.bindings.store().warm()
        );
        devices.and(backends)?;
        Ok(function)
    }

    async fn answer(&self, call: &Call) -> Result<Reply, Failure> {
        call.expect_application(&self.settings.application)?;
        let id = DeviceId::parse(call.path("deviceId"))?;
        let caller = self.secrets.caller(call).await?;
        caller.admit(self.settings.require_client_secret)?;
        self.bindings.unregister(&id, &caller, call.arrived).await?;
        Ok(Reply::empty(204))
    }
}
