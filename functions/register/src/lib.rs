//! Registers a device for a user or for nobody, and shows it to its owner.

mod body;

use aws::bindings::Bindings;
use aws::secrets::Secrets;
use aws::sns::Applications;
use aws::{Call, Failure, Function, Reply, Settings, Start, missing, shown};
use body::Body;
use push::device::Device;
use push::registration::{self, IfAbsent, Registration};
use push::{Caller, DeviceId, Token, UserId};
use std::sync::Arc;

/// POST `…/devices`, PUT and GET `…/devices/{deviceId}`.
pub struct Register {
    settings: Arc<Settings>,
    secrets: Secrets,
    bindings: Bindings,
    applications: Applications,
}

impl Function for Register {
    const NAME: &'static str = "register";

    async fn start(start: &Start) -> Result<Self, lambda_http::Error> {
        let function = Self::new(start);
        let store = function.bindings.store();
        let (secrets, ()) = tokio::join!(function.secrets.warm_for_devices(), store.warm());
        secrets?;
        Ok(function)
    }

    async fn answer(&self, call: &Call) -> Result<Reply, Failure> {
        call.expect_application(&self.settings.application)?;
        match call.route() {
            ("POST", "/devices") => {
                let body = Body::of(call)?;
                let (id, device) = self
                    .register(call, &body, body.device_id()?, IfAbsent::Create)
                    .await?;
                self.show(201, call, &id, &device)
            }
            ("PUT", "/devices/{deviceId}") => {
                let body = Body::of(call)?;
                let id = DeviceId::parse(call.path("deviceId"))?;
                let (id, device) = self
                    .register(call, &body, body.same_device_id(id)?, IfAbsent::NotFound)
                    .await?;
                self.show(200, call, &id, &device)
            }
            ("GET", "/devices/{deviceId}") => {
                let id = DeviceId::parse(call.path("deviceId")).map_err(|_| Failure::NotFound)?;
                let device = self.read(call, &id).await?;
                self.show(200, call, &id, &device)
            }
            _ => Err(Failure::NotFound),
        }
    }
}

impl Register {
    /// Nothing is fetched and no connection open yet.
    #[must_use]
    pub fn new(start: &Start) -> Self {
        Self {
            settings: Arc::clone(&start.settings),
            secrets: Secrets::new(start),
            bindings: Bindings::new(start),
            applications: Applications::new(&start.settings),
        }
    }

    async fn register(
        &self,
        call: &Call,
        body: &Body,
        device: DeviceId,
        if_absent: IfAbsent,
    ) -> Result<(DeviceId, Device), Failure> {
        let user = body.user_id()?;
        let token = body
            .platform()?
            .map(|platform| body.token(platform))
            .transpose()?;
        let caller = self.secrets.caller(call).await?;
        caller.admit(self.settings.require_client_secret)?;
        registration::authorise(call.now, user.as_ref(), None, false, &caller)?;
        let token = match (token, if_absent) {
            (Some(token), _) => token,
            (None, IfAbsent::Create) => return Err(missing("platform").into()),
            (None, IfAbsent::NotFound) => {
                self.token_of(&device, body, user.as_ref(), &caller, call)
                    .await?
            }
        };
        if self.applications.arn(token.platform()).is_none() {
            return Err(Failure::PlatformNotConfigured);
        }
        let wanted = Registration {
            device,
            user,
            token,
            arrived: call.arrived,
            issued: caller.issued(),
            if_absent,
        };
        let device = self.bindings.register(&wanted, &caller).await?;
        Ok((wanted.device, device))
    }

    /// The token of a body without a platform: the iOS SDK leaves it out when it updates a device. Who may register comes
    /// before what is wrong with the token, which would tell a stranger the platform of somebody's device.
    async fn token_of(
        &self,
        device: &DeviceId,
        body: &Body,
        user: Option<&UserId>,
        caller: &Caller,
        call: &Call,
    ) -> Result<Token, Failure> {
        let record = self.bindings.store().device(device).await?;
        let known = record
            .as_ref()
            .and_then(|record| record.live(call.now))
            .ok_or(Failure::NotFound)?;
        let token = body.token(known.token.platform());
        let owner = self.bindings.policy().owner(known, call.now);
        let same_token = token.as_ref().is_ok_and(|token| known.token.is(token));
        registration::authorise(call.now, user, owner, same_token, caller)?;
        Ok(token?)
    }

    /// A secret that is wrong makes no difference here: what is not the caller's is not found, and nothing else is said.
    async fn read(&self, call: &Call, id: &DeviceId) -> Result<Device, Failure> {
        let caller = match self.secrets.caller(call).await {
            Err(Failure::Unauthorized(_)) => return Err(Failure::NotFound),
            caller => caller?,
        };
        self.bindings.read(id, &caller, call.arrived).await
    }

    fn show(
        &self,
        status: u16,
        call: &Call,
        id: &DeviceId,
        device: &Device,
    ) -> Result<Reply, Failure> {
        Reply::json(status, &shown::device(&self.settings, call, id, device))
    }
}
