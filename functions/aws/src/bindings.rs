//! Bindings of devices to users: reads what stands, asks the rules, and makes the change they decide on, again and again
//! while others get in between.

use crate::sns::Endpoints;
use crate::store::{Attempts, Fault};
use crate::{Clock, Failure, Start, Store, random};
use futures_util::future::try_join_all;
use push::change::Change;
use push::device::{Device, Policy, Record, Version};
use push::reading::{Reading, Renewal};
use push::registration::{Assessment, Decision, Further, Look, Registration};
use push::unregistration::{self, Found, Unregistration};
use push::{Caller, DeviceId, Time, Token, UserId};

/// Who has which device.
#[derive(Clone)]
pub struct Bindings {
    store: Store,
    endpoints: Endpoints,
    policy: Policy,
    clock: Clock,
}

/// Whether a registration may make a device known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// It becomes known.
    Registers,
    /// It has to be known already.
    IsMissing,
}

impl Bindings {
    /// The bindings in the table of the settings.
    #[must_use]
    pub fn new(start: &Start) -> Self {
        Self {
            store: Store::new(start),
            endpoints: Endpoints::new(start),
            policy: start.settings.policy(),
            clock: start.clock.clone(),
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

    /// The device is registered as wanted, and was nobody else's nor held another's token at the moment it became so. The
    /// order: what the caller may, what stands, then SNS, then the table. A crash in between leaves an endpoint that
    /// nobody points at, never a binding that points nowhere.
    ///
    /// # Errors
    /// [`Failure`]; nothing has changed then, or what was wanted has.
    pub async fn register(
        &self,
        wanted: &Registration,
        caller: &Caller,
        unknown: Unknown,
    ) -> Result<Device, Failure> {
        let key = wanted.token.key();
        let mut attempts = Attempts::new(self.clock.clone(), wanted.arrived);
        let mut looked: Option<(String, Time)> = None;
        loop {
            let found = match self
                .store
                .snapshot(&wanted.device, &key, wanted.user.as_ref())
                .await
            {
                Ok(found) => found,
                Err(fault) => {
                    attempts.again(fault).await?;
                    continue;
                }
            };
            let now = (self.clock)();
            let assessment = push::registration::assess(now, &found, wanted, caller, &self.policy)?;
            let live = found.device.as_ref().and_then(|record| record.live(now));
            if unknown == Unknown::IsMissing && live.is_none() {
                return Err(Failure::NotFound);
            }
            let (missing, look) = match assessment {
                Assessment::Unchanged(device) | Assessment::Superseded(device) => {
                    return Ok(device);
                }
                Assessment::Changes { missing, look } => (missing, look),
            };
            let further = match self.store.further(&missing).await {
                Ok(further) => further,
                Err(fault) => {
                    attempts.again(fault).await?;
                    continue;
                }
            };
            // The same token is not asked about twice in one call, whatever the table makes of it meanwhile.
            let (endpoint, checked) = match (looked.take(), look, live) {
                (Some(looked), ..) => looked,
                (None, Look::Kept(endpoint), Some(device)) => (endpoint, device.checked),
                (None, ..) => (self.endpoints.ready(&wanted.token).await?, now),
            };
            let version = random::version()?;
            let now = (self.clock)();
            let decision = push::registration::decide(
                now,
                &found,
                &further,
                wanted,
                (&endpoint, checked),
                version,
                &self.policy,
            );
            looked = Some((endpoint, checked));
            let (change, device) = match decision {
                Decision::Superseded(device) => return Ok(device),
                Decision::Write(change, device) => (change, device),
            };
            if self
                .write(&change, &wanted.device, version, &mut attempts)
                .await?
                == Written::Done
            {
                return Ok(device);
            }
        }
    }

    /// The device as its owner, or a holder of a provisioned secret, sees it. To the owner's app this is a sign of life:
    /// it renews a lease that is half over. That the renewal fails is no reason to fail the reading.
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
        let now = (self.clock)();
        let Reading { device, renewal } =
            push::reading::read(now, record.as_ref(), caller, &self.policy)?;
        if renewal == Renewal::Due
            && let Err(failure) = self.renew(id, record.as_ref(), arrived).await
        {
            tracing::warn!(code = failure.code(), "a lease was not renewed");
        }
        Ok(device.clone())
    }

    /// One attempt to renew the lease of a device that is as `seen`, without asking SNS.
    async fn renew(
        &self,
        id: &DeviceId,
        seen: Option<&Record>,
        arrived: Time,
    ) -> Result<(), Failure> {
        let Some(device) = seen.and_then(Record::device) else {
            return Ok(());
        };
        let user = device.binding.as_ref().map(|binding| binding.user.clone());
        let wanted = Registration {
            device: id.clone(),
            user,
            token: device.token.clone(),
            arrived,
        };
        let found = self
            .store
            .snapshot(id, &device.token.key(), wanted.user.as_ref())
            .await?;
        let same =
            found.device.as_ref().map(|record| record.version) == seen.map(|record| record.version);
        let held = found
            .token
            .as_ref()
            .is_none_or(|holder| holder.device == *id);
        if !same || !held {
            return Ok(());
        }
        let now = (self.clock)();
        let endpoint = (device.endpoint.as_str(), device.checked);
        let decision = push::registration::decide(
            now,
            &found,
            &Further::default(),
            &wanted,
            endpoint,
            random::version()?,
            &self.policy,
        );
        let Decision::Write(change, _) = decision else {
            return Ok(());
        };
        Attempts::new(self.clock.clone(), arrived).in_time()?;
        Ok(self.store.apply(&change).await?)
    }

    /// The device has ended, as far as it was the caller's; see [`unregistration::unregister`]. No call to SNS is made: an
    /// endpoint without a binding is harmless, and a logout does not wait for it.
    ///
    /// # Errors
    /// [`Failure::NotFound`] where there is none or it is not the caller's, [`Failure::Unauthorized`],
    /// [`Failure::Unavailable`].
    pub async fn unregister(
        &self,
        id: &DeviceId,
        caller: &Caller,
        arrived: Time,
    ) -> Result<(), Failure> {
        let mut attempts = Attempts::new(self.clock.clone(), arrived);
        let mut begun = false;
        loop {
            let (record, holder) = match self.found(id, begun).await {
                Ok(found) => found,
                Err(fault) => {
                    attempts.again(fault).await?;
                    continue;
                }
            };
            let version = random::version()?;
            let found = Found {
                id,
                record: record.as_ref(),
                token: begun.then_some(holder.as_ref()),
            };
            let Unregistration { change, answer } = unregistration::unregister(
                (self.clock)(),
                found,
                caller,
                arrived,
                version,
                &self.policy,
            )?;
            let Some(change) = change else {
                return Ok(answer?);
            };
            if self.write(&change, id, version, &mut attempts).await? == Written::Done {
                return Ok(answer?);
            }
            begun = true;
        }
    }

    /// The device's item, and that of its token where asked for.
    async fn found(
        &self,
        id: &DeviceId,
        with_token: bool,
    ) -> Result<(Option<Record>, Option<push::registration::Holder>), Fault> {
        let record = self.store.device(id).await?;
        let key = record
            .as_ref()
            .and_then(Record::device)
            .map(|device| device.token.key());
        let holder = match key {
            Some(key) if with_token => self.store.snapshot(id, &key, None).await?.token,
            _ => None,
        };
        Ok((record, holder))
    }

    /// The device is removed if its endpoint is dead as `at` found it and it has not registered since, and the budget
    /// lasts.
    ///
    /// # Errors
    /// [`Failure::Unavailable`], [`Failure::Internal`].
    pub async fn remove(
        &self,
        id: &DeviceId,
        endpoint: &str,
        at: Time,
        budget: u32,
    ) -> Result<Removal, Failure> {
        let mut attempts = Attempts::new(self.clock.clone(), (self.clock)());
        let mut spent = false;
        let mut begun = false;
        loop {
            let (record, holder) = self.found(id, begun).await?;
            let now = (self.clock)();
            let version = random::version()?;
            let found = Found {
                id,
                record: record.as_ref(),
                token: begun.then_some(holder.as_ref()),
            };
            let Some(change) = unregistration::remove(now, found, endpoint, at, version) else {
                return Ok(Removal::NotNeeded);
            };
            if let Some(device) = record.as_ref().and_then(Record::device)
                && !spent
                && !self
                    .store
                    .spend_removal(device.token.platform(), now, budget)
                    .await?
            {
                return Ok(Removal::OverBudget);
            }
            spent = true;
            if self.write(&change, id, version, &mut attempts).await? == Written::Done {
                return Ok(Removal::Done);
            }
            begun = true;
        }
    }

    /// Nothing in the table names the user as the owner of a device any more, as far as registrations that are under way
    /// had not yet been answered: every device in the user's index has ended, or is another's.
    ///
    /// # Errors
    /// [`Failure::Unavailable`], where a repeat goes on; [`Failure::Internal`].
    pub async fn erase(&self, user: &UserId, arrived: Time) -> Result<(), Failure> {
        const AT_ONCE: usize = 16;
        let mut attempts = Attempts::new(self.clock.clone(), arrived);
        let mut empty = 0;
        // A registration whose commit is only half visible may show its link late: so look twice.
        while empty < 2 {
            attempts.in_time()?;
            let links = match self.store.links(user, Time::default()).await {
                Ok(links) => links,
                Err(fault) => {
                    attempts.again(fault).await?;
                    continue;
                }
            };
            empty = if links.is_empty() { empty + 1 } else { 0 };
            for some in links.chunks(AT_ONCE) {
                try_join_all(
                    some.iter()
                        .map(|(id, _)| self.erase_from(id, user, arrived)),
                )
                .await?;
            }
        }
        Ok(())
    }

    async fn erase_from(&self, id: &DeviceId, user: &UserId, arrived: Time) -> Result<(), Failure> {
        let mut attempts = Attempts::new(self.clock.clone(), arrived);
        let mut begun = false;
        loop {
            let (record, holder) = match self.found(id, begun).await {
                Ok(found) => found,
                Err(fault) => {
                    attempts.again(fault).await?;
                    continue;
                }
            };
            let token = begun.then_some(holder.as_ref());
            let found = Found {
                id,
                record: record.as_ref(),
                token,
            };
            let version = random::version()?;
            let now = (self.clock)();
            let Some(change) = unregistration::erase(now, found, user, arrived, version) else {
                return Ok(());
            };
            if self.write(&change, id, version, &mut attempts).await? == Written::Done {
                return Ok(());
            }
            begun = true;
        }
    }

    /// The device ends because its user has more of them than is allowed. Anything in its way leaves it for the next time.
    ///
    /// # Errors
    /// [`Failure::Unavailable`], [`Failure::Internal`].
    pub async fn evict(&self, id: &DeviceId, user: &UserId) -> Result<(), Failure> {
        let record = self.store.device(id).await?;
        let found = Found {
            id,
            record: record.as_ref(),
            token: None,
        };
        match unregistration::evict(
            (self.clock)(),
            found,
            user,
            random::version()?,
            &self.policy,
        ) {
            Some(change) => Ok(self.store.apply(&change).await?),
            None => Ok(()),
        }
    }

    /// The platform's endpoint for the token, made again if SNS has lost it, never changed.
    ///
    /// # Errors
    /// As [`Endpoints::create`].
    pub async fn endpoint(&self, token: &Token) -> Result<String, Failure> {
        self.endpoints.create(token).await
    }

    /// Makes the change, or waits for the next attempt at deciding what it should be. A change whose answer was lost
    /// counts as made where the device's item has the version that it gave it.
    async fn write(
        &self,
        change: &Change,
        id: &DeviceId,
        version: Version,
        attempts: &mut Attempts,
    ) -> Result<Written, Failure> {
        attempts.in_time()?;
        match self.store.apply(change).await {
            Ok(()) => {
                tracing::info!(case = ?change.case, "binding changed");
                return Ok(Written::Done);
            }
            Err(fault @ Fault::Lost(_)) => {
                attempts.again(fault).await?;
                let found = self.store.device(id).await;
                let stands = found
                    .is_ok_and(|record| record.is_some_and(|record| record.version == version));
                if stands {
                    return Ok(Written::Done);
                }
            }
            Err(fault) => attempts.again(fault).await?,
        }
        Ok(Written::DecideAgain)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Written {
    Done,
    DecideAgain,
}

/// What became of a removal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// The device has ended.
    Done,
    /// It is not what it was when its endpoint was found dead.
    NotNeeded,
    /// So many devices were removed in this hour that the tokens are not likely to be what is wrong.
    OverBudget,
}
