//! Whom a target names, as devices to look at.

use super::Dispatch;
use crate::store::Fault;
use crate::{Failure, random};
use futures_util::future::try_join_all;
use push::message::Target;
use push::{DeviceId, Time, UserId};
use std::time::Duration;

/// A device to be looked at, for one of the message's targets: people, not endpoints, so that every attempt finds out
/// anew who owns it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aim {
    /// The place of the target in the message.
    pub target: usize,
    /// The device.
    pub device: DeviceId,
    /// Attempts so far.
    pub attempts: u32,
}

impl Aim {
    fn new(target: usize, device: DeviceId) -> Self {
        Self {
            target,
            device,
            attempts: 0,
        }
    }
}

/// What becomes of devices beyond the most that a user may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Surplus {
    /// They end, the ones that registered longest ago.
    Ends,
    /// They are left out.
    Stays,
}

/// Users whose links are read at the same time.
const READS: usize = 16;

/// The users that a target names; none where it names something else.
pub(super) fn users(target: &Target) -> &[UserId] {
    match target {
        Target::Users(users) => users,
        Target::Everybody | Target::Devices(_) | Target::Platforms(_) | Target::Tags(_) => &[],
    }
}

/// How many users or devices a target names.
pub(super) fn targets(target: &Target) -> usize {
    match target {
        Target::Users(users) => users.len(),
        Target::Devices(devices) => devices.len(),
        Target::Everybody | Target::Platforms(_) | Target::Tags(_) => 0,
    }
}

impl Dispatch {
    /// The devices that the target's users are linked with, or the devices it names.
    pub(super) async fn aims(
        &self,
        target: &Target,
        deadline: Time,
        surplus: Surplus,
    ) -> Result<Vec<Aim>, Failure> {
        match target {
            Target::Users(users) => {
                let mut aims = Vec::new();
                for (n, some) in users.chunks(READS).enumerate() {
                    let reads = some
                        .iter()
                        .map(|user| self.devices_of(user, deadline, surplus));
                    for (m, devices) in try_join_all(reads).await?.into_iter().enumerate() {
                        aims.extend(
                            devices
                                .into_iter()
                                .map(|device| Aim::new(n * READS + m, device)),
                        );
                    }
                }
                Ok(aims)
            }
            Target::Devices(devices) => Ok(devices
                .iter()
                .cloned()
                .enumerate()
                .map(|(n, device)| Aim::new(n, device))
                .collect()),
            Target::Everybody | Target::Platforms(_) | Target::Tags(_) => Ok(Vec::new()),
        }
    }

    /// The devices in the user's index, at most as many as a user may have: those whose leases last longest, which are
    /// those that registered last.
    async fn devices_of(
        &self,
        user: &UserId,
        deadline: Time,
        surplus: Surplus,
    ) -> Result<Vec<DeviceId>, Failure> {
        let mut links = loop {
            match self.bindings.store().links(user, (self.clock)()).await {
                Ok(links) => break links,
                Err(fault @ (Fault::Pressure(_) | Fault::Lost(_))) if self.is_late(deadline) => {
                    return Err(fault.into());
                }
                Err(Fault::Pressure(_) | Fault::Lost(_)) => {
                    tokio::time::sleep(Duration::from_millis(50 + random::below(100))).await;
                }
                Err(fault) => return Err(fault.into()),
            }
        };
        let most = self.settings.max_devices_per_user;
        if links.len() > most {
            links.sort_by_key(|(_, lease)| std::cmp::Reverse(*lease));
            for (device, _) in links.split_off(most) {
                if surplus == Surplus::Ends
                    && let Err(failure) = self.bindings.evict(&device, user).await
                {
                    tracing::warn!(code = failure.code(), "a surplus device was not ended");
                }
            }
        }
        Ok(links.into_iter().map(|(device, _)| device).collect())
    }
}
