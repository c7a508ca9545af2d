//! Subscriptions of devices to tags: as every other change of a device, on the condition that it is as it was seen.

use super::{Bindings, Written};
use crate::store::{Attempts, Fault};
use crate::{Failure, random};
use push::device::Record;
use push::subscription::{Outcome, Refused, Tags, Wish, decide};
use push::{DeviceId, UserId};

/// What subscribing, or unsubscribing, a device came to.
#[derive(Debug)]
pub struct Subscribed {
    /// What became of each tag that was named.
    pub outcome: Outcome,
    /// Whose the device is.
    pub owner: Option<UserId>,
}

/// Whether the tags that a device subscribes to are taken to be there still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Own {
    /// They are: all tags are in one partition, of which each call is to read little.
    Presumed,
    /// They are looked for.
    Read,
}

impl Bindings {
    /// The device listens as wished, and was the caller's, or nobody's, at the moment it began to; see [`decide`].
    ///
    /// # Errors
    /// [`Failure::NotFound`] where there is no such device or it is another's, [`Failure::Unauthorized`],
    /// [`Failure::Invalid`] where it would subscribe to too many tags, [`Failure::Unavailable`].
    pub async fn subscribe(&self, id: &DeviceId, wish: Wish<'_>) -> Result<Subscribed, Failure> {
        let mut attempts = Attempts::new(self.clock.clone(), wish.arrived);
        let mut own = Own::Presumed;
        loop {
            let record = self.store.device(id).await;
            let Some(record) = attempts.passed(record).await? else {
                continue;
            };
            let tags = self.tags(wish, record.as_ref(), own).await;
            let Some(tags) = attempts.passed(tags).await? else {
                continue;
            };
            let (version, now) = (random::version()?, (self.clock)());
            let found = (id, record.as_ref());
            let outcome = match decide(now, found, wish, &tags, version, &self.policy) {
                // Some of its own may be gone.
                Err(Refused::TooMany) if own == Own::Presumed => {
                    own = Own::Read;
                    continue;
                }
                outcome => outcome?,
            };
            let done = match &outcome.change {
                Some(change) => self.write(change, version, &mut attempts).await?,
                None => Written::Done,
            };
            if done == Written::Done {
                self.tell_of_tags(now, id, record.as_ref(), &outcome).await;
                let device = record.as_ref().and_then(Record::device);
                let owner = device.and_then(|device| self.policy.owner(device, now));
                return Ok(Subscribed {
                    owner: owner.cloned(),
                    outcome,
                });
            }
        }
    }

    /// The tags that there are, among the named ones and the device's own.
    async fn tags(&self, wish: Wish<'_>, record: Option<&Record>, own: Own) -> Result<Tags, Fault> {
        let device = record.and_then(Record::device);
        let on = device
            .into_iter()
            .flat_map(|device| &device.subscriptions.on);
        let named = wish.names.iter();
        match own {
            Own::Read => self.store.tags(named.chain(on.map(|(name, _)| name))).await,
            Own::Presumed => {
                let mut tags = self.store.tags(named).await?;
                let others = on.filter(|(name, _)| !wish.names.contains(name));
                tags.extend(others.map(|(name, own)| (name.clone(), own.tag)));
                Ok(tags)
            }
        }
    }
}
