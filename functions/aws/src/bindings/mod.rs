//! Bindings of devices to users: reads what stands, asks the rules, and makes the change they decide on, again and again
//! while others get in between.

mod endings;
mod retirement;
mod subscribing;
mod telling;

pub use endings::Removal;
pub use subscribing::Subscribed;

use crate::jobs::Jobs;
use crate::sns::{Applications, Endpoints};
use crate::store::{Attempts, ReadErasure};
use crate::webhooks::Events;
use crate::{Clock, Failure, Metric, Metrics, Start, Store, random};
use push::change::Change;
use push::device::{Device, Policy, Record, UNKNOWN, Version};
use push::reading::{Reading, Renewal};
use push::registration::{self, Assessment, Look, Registration};
use push::{Caller, DeviceId, Time, Token};

/// Who has which device.
#[derive(Clone)]
pub struct Bindings {
    store: Store,
    endpoints: Endpoints,
    applications: Applications,
    jobs: Option<Jobs>,
    events: Option<Events>,
    policy: Policy,
    most_devices: usize,
    clock: Clock,
    metrics: Metrics,
}

impl Bindings {
    /// The bindings in the table of the settings.
    #[must_use]
    pub fn new(start: &Start) -> Self {
        Self {
            store: Store::new(start),
            endpoints: Endpoints::new(start),
            applications: Applications::new(&start.settings),
            jobs: Jobs::new(start),
            events: Events::new(start),
            policy: start.settings.policy(),
            most_devices: start.settings.max_devices_per_user,
            clock: start.clock.clone(),
            metrics: start.metrics.clone(),
        }
    }

    /// The rules' parameters.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The table.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The device is registered as wanted, or a later call has overtaken this one. The answer is the same. The order: what the
    /// caller may, what stands, then SNS, then the table. A crash in between leaves an endpoint that nobody points at, never a
    /// binding that points nowhere.
    ///
    /// # Errors
    /// [`Failure`]; nothing has changed then, or what was wanted has.
    pub async fn register(
        &self,
        wanted: &Registration,
        caller: &Caller,
    ) -> Result<Device, Failure> {
        let key = wanted.token.key();
        let mut attempts = Attempts::new(self.clock.clone(), wanted.arrived);
        let mut looked: Option<(String, Time)> = None;
        let mut erasure = ReadErasure::No;
        loop {
            let found = self
                .store
                .snapshot(&wanted.device, &key, wanted.user.as_ref(), erasure)
                .await;
            let Some(mut found) = attempts.passed(found).await? else {
                continue;
            };
            found.device = found.device.map(|record| self.usable(record));
            let now = (self.clock)();
            let assessed = registration::assess(now, &found, wanted, caller, &self.policy)?;
            let (missing, look) = match assessed {
                Assessment::Unchanged(device) => {
                    self.metrics.count(Metric::Registrations("unchanged"), 1);
                    return Ok(device);
                }
                Assessment::Overtaken(missing) => (missing, None),
                Assessment::Binds { missing, look } => (missing, Some(look)),
            };
            let further = self.store.further(&missing).await;
            let Some(further) = attempts.passed(further).await? else {
                continue;
            };
            let endpoint = match look {
                None => None,
                // The same token is not asked about twice in one call, whatever the table makes of it meanwhile.
                Some(_) if looked.is_some() => looked.clone(),
                Some(Look::Kept { endpoint, checked }) => Some((endpoint, checked)),
                Some(Look::Needed) => {
                    looked = Some((self.endpoints.ready(&wanted.token).await?, now));
                    looked.clone()
                }
            };
            let (version, now, policy) = (random::version()?, (self.clock)(), &self.policy);
            let (change, device) = match &endpoint {
                None => registration::overtaken(now, &found, &further, wanted, version, policy),
                Some((endpoint, checked)) => {
                    let endpoint = (endpoint.as_str(), *checked);
                    let (change, device) = registration::bind(
                        now, &found, &further, wanted, endpoint, version, policy,
                    );
                    (Some(change), device)
                }
            };
            let Some(change) = change else {
                self.metrics.count(Metric::Registrations("overtaken"), 1);
                return Ok(device);
            };
            if self.write(&change, version, &mut attempts).await? == Written::Done {
                let other = missing.holder.as_ref().zip(further.holder.as_ref());
                let own = found.device.as_ref().map(|record| (&wanted.device, record));
                let before: Vec<_> = own.into_iter().chain(other).collect();
                let registrant = wanted.user.as_ref();
                self.tell_of(now, &change, registrant, &before).await;
                return Ok(device);
            }
            erasure = ReadErasure::Yes;
        }
    }

    /// The device as its owner, or a holder of a provisioned secret, sees it. To the owner's app this is a sign of life: it
    /// renews a lease that is half over, and enables an endpoint that a send has found disabled. That the renewal fails is no
    /// reason to fail the reading.
    ///
    /// # Errors
    /// [`Failure::NotFound`] where there is none or it is not the caller's; [`Failure::Unavailable`].
    pub async fn read(
        &self,
        id: &DeviceId,
        caller: &Caller,
        arrived: Time,
    ) -> Result<Device, Failure> {
        let record = self.store.device(id).await?;
        let record = record.map(|record| self.usable(record));
        let now = (self.clock)();
        let Reading { device, renewal } =
            push::reading::read(now, record.as_ref(), caller, &self.policy)?;
        if renewal == Renewal::Due
            && let Some(seen) = &record
            && let Err(failure) = self.renew(id, seen, arrived).await
        {
            tracing::warn!(code = failure.code(), "a device was not renewed");
        }
        Ok(device.clone())
    }

    /// One attempt to renew a device that is as it was seen. SNS is asked only where it has to be.
    async fn renew(&self, id: &DeviceId, seen: &Record, arrived: Time) -> Result<(), Failure> {
        let Some(device) = seen.device() else {
            return Ok(());
        };
        let user = device.binding.as_ref().map(|binding| &binding.user);
        let key = device.token.key();
        let found = self.store.snapshot(id, &key, user, ReadErasure::No).await?;
        let same = found
            .device
            .as_ref()
            .is_some_and(|record| record.version == seen.version);
        let asked = if device.checked == UNKNOWN {
            let now = (self.clock)();
            Some((self.endpoints.ready(&device.token).await?, now))
        } else {
            None
        };
        let (endpoint, checked) = match &asked {
            Some((endpoint, now)) => (endpoint.as_str(), *now),
            None => (device.endpoint.as_str(), device.checked),
        };
        let (version, now) = (random::version()?, (self.clock)());
        let policy = &self.policy;
        let change = registration::renew(now, id, &found, (endpoint, checked), version, policy);
        if let Some(change) = change.filter(|_| same) {
            Attempts::new(self.clock.clone(), arrived).in_time()?;
            self.store.apply(&change, version).await?;
        }
        Ok(())
    }

    /// The device's item, without trust in an endpoint of another application.
    fn usable(&self, record: Record) -> Record {
        let usable = record.device().is_none_or(|device| {
            (self.applications).have(device.token.platform(), &device.endpoint)
        });
        if usable {
            record
        } else {
            record.with_useless_endpoint()
        }
    }

    /// The platform's endpoint for the token, made again if SNS has lost it.
    ///
    /// # Errors
    /// As [`Endpoints::create`].
    pub async fn endpoint(&self, token: &Token) -> Result<String, Failure> {
        self.endpoints.create(token).await
    }

    /// The same for one that was found disabled: it is enabled.
    ///
    /// # Errors
    /// As [`Endpoints::enable`].
    pub async fn enabled_endpoint(&self, token: &Token) -> Result<String, Failure> {
        self.endpoints.enable(token).await
    }

    fn changed(&self, change: &Change) {
        tracing::info!(case = ?change.case, "binding changed");
        self.metrics.changed(change.case);
    }

    /// Makes the change, or waits for the next attempt at deciding what it should be.
    async fn write(
        &self,
        change: &Change,
        version: Version,
        attempts: &mut Attempts,
    ) -> Result<Written, Failure> {
        let apply = || self.store.apply(change, version);
        if attempts.written(apply).await? {
            self.changed(change);
            Ok(Written::Done)
        } else {
            Ok(Written::DecideAgain)
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Written {
    Done,
    DecideAgain,
}
