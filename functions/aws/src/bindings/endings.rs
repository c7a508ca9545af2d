//! Devices that end: by a logout, a dead token, a user who has too many or is erased.

use super::{Bindings, Written};
use crate::jobs::Work;
use crate::store::{Attempts, Fault, LINKS};
use crate::{Failure, Metric, random};
use futures_util::future::try_join_all;
use push::change::Change;
use push::device::{Record, Version};
use push::erasure::Erasure;
use push::logout::UserHash;
use push::removal::{self, DeadEndpoint};
use push::token_item::TokenItem;
use push::unregistration::{self, Erased, Found, TokenSeen};
use push::{Caller, DeviceId, Span, Time, UserId};
use std::time::Duration;

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

/// By then every item of a transaction that was committed is visible. DynamoDB names no bound; it takes milliseconds, and
/// longer only where one of its nodes fails meanwhile.
const ALL_VISIBLE: Duration = Duration::from_millis(500);

/// Devices of an erased user that end at the same time.
const AT_ONCE: usize = 16;

impl Bindings {
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
        let decide = |now, found: Found<'_>, version| {
            let policy = &self.policy;
            let done = unregistration::unregister(now, found, caller, arrived, version, policy)?;
            Ok((done.change, done.answer))
        };
        Ok(self.end(id, arrived, decide).await??)
    }

    /// The device is removed if [`removal::remove`] says so, and the budget lasts.
    ///
    /// # Errors
    /// [`Failure::Unavailable`], [`Failure::Internal`].
    pub async fn remove(
        &self,
        id: &DeviceId,
        dead: &DeadEndpoint,
        budget: u32,
    ) -> Result<Removal, Failure> {
        let record = self.store.device(id).await?;
        let now = (self.clock)();
        let found = Found {
            id,
            record: record.as_ref(),
            token: TokenSeen::NotRead,
        };
        let needed = removal::remove(now, found, dead, random::version()?);
        let device = record
            .as_ref()
            .filter(|_| needed.is_some())
            .and_then(Record::device);
        let Some(device) = device else {
            return Ok(Removal::NotNeeded);
        };
        if !self
            .store
            .spend_removal(device.token.platform(), now, budget)
            .await?
        {
            self.metrics.count(Metric::RemovalsOverBudget, 1);
            return Ok(Removal::OverBudget);
        }
        let decide = |now, found: Found<'_>, version| {
            let change = removal::remove(now, found, dead, version);
            let removal = if change.is_some() {
                Removal::Done
            } else {
                Removal::NotNeeded
            };
            Ok((change, removal))
        };
        self.end(id, now, decide).await
    }

    /// A send has found the endpoint disabled; see [`removal::revive`]. Where somebody else changes the device now, the next
    /// send notes it.
    ///
    /// # Errors
    /// [`Failure::Unavailable`], [`Failure::Internal`].
    pub async fn note_disabled(
        &self,
        id: &DeviceId,
        record: &Record,
        found: (&str, Time),
        revived: Option<Time>,
    ) -> Result<(), Failure> {
        let seen = Found {
            id,
            record: Some(record),
            token: TokenSeen::NotRead,
        };
        let version = random::version()?;
        let change = removal::revive((self.clock)(), seen, found, revived, version);
        if let Some(change) = change {
            self.write_once(&change, version).await?;
        }
        Ok(())
    }

    /// One attempt to make the change: what is in its way leaves it for the next time.
    async fn write_once(&self, change: &Change, version: Version) -> Result<Written, Failure> {
        match self.store.apply(change, version).await {
            Ok(()) => {
                self.changed(change);
                Ok(Written::Done)
            }
            Err(Fault::Conflict) => Ok(Written::DecideAgain),
            Err(fault) => Err(fault.into()),
        }
    }

    /// The user has more devices than is allowed. Those whose leases end first are to end: a worker of the queue does that, or this
    /// call where there is no queue.
    ///
    /// # Errors
    /// [`Failure::Unavailable`], [`Failure::Internal`].
    pub async fn trim_later(&self, user: &UserId, deadline: Time) -> Result<(), Failure> {
        match &self.jobs {
            Some(jobs) => jobs.put(&[Work::Trim(user.clone())], deadline).await,
            None => self.trim(user, deadline).await,
        }
    }

    /// The user has at most as many devices as is allowed. Those whose leases end first have ended; what is in the way of one
    /// leaves it for the next time.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] where that takes longer than until `deadline`: it can be repeated. [`Failure::Internal`].
    pub async fn trim(&self, user: &UserId, deadline: Time) -> Result<(), Failure> {
        loop {
            let mut links = self.store.links(user, (self.clock)()).await?;
            let whole = links.len() < LINKS;
            let surplus = removal::surplus(&mut links, self.most_devices);
            for some in surplus.chunks(AT_ONCE) {
                if (self.clock)() >= deadline {
                    return Err(Failure::Unavailable("surplus devices are left".into()));
                }
                try_join_all(some.iter().map(|(id, lease)| self.evict(id, user, *lease))).await?;
            }
            if whole {
                return Ok(());
            }
        }
    }

    async fn evict(&self, id: &DeviceId, user: &UserId, lease: Time) -> Result<(), Failure> {
        let record = self.store.device(id).await?;
        let found = Found {
            id,
            record: record.as_ref(),
            token: TokenSeen::NotRead,
        };
        let (version, now) = (random::version()?, (self.clock)());
        if let Some(change) = removal::evict(now, found, user, lease, version, &self.policy)
            && self.write_once(&change, version).await? == Written::Done
        {
            self.ended(now, &change, id, record.as_ref()).await;
        }
        Ok(())
    }

    /// The user is erased. From now on no registration that arrived before the call makes a device theirs, and no client
    /// secret that was made before it does. Every device that was theirs has ended. What they registered after the call
    /// arrived stays.
    ///
    /// # Errors
    /// [`Failure::Unavailable`], where a repeat goes on; [`Failure::Internal`].
    pub async fn erase(
        &self,
        user: &UserId,
        arrived: Time,
        secret_life: Span,
    ) -> Result<(), Failure> {
        let mut attempts = Attempts::new(self.clock.clone(), arrived);
        let erasure = Erasure::new((self.clock)(), arrived, secret_life);
        let hash = UserHash::of(user);
        attempts
            .repeat(|| self.store.erased(&hash, &erasure))
            .await?;
        let mut empty = 0;
        // A registration whose commit is only half visible may show its link late: so look twice, some time apart.
        while empty < 2 {
            if empty > 0 {
                tokio::time::sleep(ALL_VISIBLE).await;
            }
            // Expired entries too.
            let links = self.store.links(user, Time::default()).await;
            let Some(links) = attempts.passed(links).await? else {
                continue;
            };
            let mut written = false;
            for some in links.chunks(AT_ONCE) {
                let decide = |now, found: Found<'_>, version| {
                    Ok(
                        match unregistration::erase(now, found, user, arrived, version) {
                            Erased::Write(change) => (Some(change), true),
                            Erased::PassedOver => (None, false),
                        },
                    )
                };
                let ends = some.iter().map(|(id, _)| self.end(id, arrived, decide));
                written |= try_join_all(ends).await?.contains(&true);
            }
            empty = if written { 0 } else { empty + 1 };
        }
        Ok(())
    }

    /// Reads the device, writes what `decide` makes of it, and does so again while others get in between. The device's
    /// token is read from the second attempt on: until then its condition tells.
    async fn end<T>(
        &self,
        id: &DeviceId,
        arrived: Time,
        decide: impl Fn(Time, Found<'_>, Version) -> Result<(Option<Change>, T), Failure>,
    ) -> Result<T, Failure> {
        let mut attempts = Attempts::new(self.clock.clone(), arrived);
        let mut again = false;
        loop {
            let found = self.found(id, again).await;
            let Some((record, token)) = attempts.passed(found).await? else {
                continue;
            };
            let (version, now) = (random::version()?, (self.clock)());
            let found = Found {
                id,
                record: record.as_ref(),
                token: if again {
                    TokenSeen::Read(token.as_ref())
                } else {
                    TokenSeen::NotRead
                },
            };
            let (change, answer) = decide(now, found, version)?;
            let Some(change) = change else {
                return Ok(answer);
            };
            if self.write(&change, version, &mut attempts).await? == Written::Done {
                self.ended(now, &change, id, record.as_ref()).await;
                return Ok(answer);
            }
            again = true;
        }
    }

    /// What follows the end of a device that was decided at `now`: webhooks are told, its endpoint is looked after.
    async fn ended(&self, now: Time, change: &Change, id: &DeviceId, record: Option<&Record>) {
        let before: Vec<_> = record.map(|record| (id, record)).into_iter().collect();
        let told = self.tell_of(now, change, None, &before);
        tokio::join!(told, self.retire(change, record));
    }

    /// The device's item, and that of its token where asked for.
    async fn found(
        &self,
        id: &DeviceId,
        with_token: bool,
    ) -> Result<(Option<Record>, Option<TokenItem>), Fault> {
        let record = self.store.device(id).await?;
        let key = record
            .as_ref()
            .and_then(Record::device)
            .map(|device| device.token.key());
        let token = match key {
            Some(key) if with_token => self.store.token_item(&key).await?,
            _ => None,
        };
        Ok((record, token))
    }
}
