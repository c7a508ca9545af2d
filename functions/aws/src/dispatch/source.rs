//! Whom a target names, as devices to look at, read piece by piece.

use super::aftermath::Aftermath;
use super::{Aim, Dispatch};
use crate::Failure;
use crate::store::{Fault, Position};
use futures_util::future::try_join_all;
use push::device::Record;
use push::message::Target;
use push::{DeviceId, Time, UserId};
use std::collections::HashMap;
use std::time::Duration;

/// What is left of a target.
pub(super) enum Source<'a> {
    /// Users whose links are to be read; so many were before them.
    Users(&'a [UserId], usize),
    /// Devices that are named.
    Devices(&'a [DeviceId]),
    /// Devices of every shard from this position on, whoever owns them.
    Shards(Position),
    /// Nothing.
    Empty,
}

/// The next piece of a target.
#[derive(Default)]
pub(super) struct Piece {
    pub aims: Vec<Aim>,
    /// The devices' items and when they were read, where reading them was how the devices were found.
    pub looked: Option<(HashMap<DeviceId, Record>, Time)>,
}

/// Users whose links are read at the same time.
const READS: usize = 16;

impl Aim {
    fn new(target: usize, device: DeviceId) -> Self {
        Self {
            target,
            device,
            attempts: 0,
        }
    }
}

impl<'a> Source<'a> {
    /// All of the target.
    pub fn new(target: &'a Target) -> Self {
        match target {
            Target::Users(users) => Self::Users(users, 0),
            Target::Devices(devices) => Self::Devices(devices),
            Target::Everybody | Target::Platforms(_) => Self::Shards(Position::first()),
            Target::Tags(_) => Self::Empty,
        }
    }

    pub fn is_empty(&self) -> bool {
        match self {
            Self::Users(users, _) => users.is_empty(),
            Self::Devices(devices) => devices.is_empty(),
            Self::Shards(_) => false,
            Self::Empty => true,
        }
    }
}

impl Dispatch {
    /// The devices that the next users are linked with, the devices that are named, or the next ones of a shard.
    pub(super) async fn next(
        &self,
        source: &mut Source<'_>,
        deadline: Time,
        aftermath: &mut Aftermath,
    ) -> Result<Piece, Failure> {
        let mut piece = Piece::default();
        *source = match std::mem::replace(source, Source::Empty) {
            Source::Users(users, before) => {
                let (some, rest) = users.split_at(users.len().min(READS));
                let reads = some.iter().map(|user| self.links(user, deadline));
                for (n, links) in try_join_all(reads).await?.into_iter().enumerate() {
                    let devices = self.within_limit(before + n, links, aftermath);
                    piece
                        .aims
                        .extend(devices.map(|device| Aim::new(before + n, device)));
                }
                Source::Users(rest, before + some.len())
            }
            Source::Devices(devices) => {
                let aim = |(n, device): (usize, &DeviceId)| Aim::new(n, device.clone());
                piece.aims = devices.iter().enumerate().map(aim).collect();
                Source::Empty
            }
            Source::Shards(position) => {
                let read = || self.bindings.store().shard(&position);
                let looked = (self.clock)();
                let (records, next) = self.patiently(deadline, read).await?;
                piece.aims = records
                    .keys()
                    .map(|id| Aim::new(usize::MAX, id.clone()))
                    .collect();
                piece.looked = Some((records, looked));
                next.map_or(Source::Empty, Source::Shards)
            }
            Source::Empty => Source::Empty,
        };
        Ok(piece)
    }

    async fn links(&self, user: &UserId, deadline: Time) -> Result<Vec<(DeviceId, Time)>, Failure> {
        let read = || self.bindings.store().links(user, (self.clock)());
        self.patiently(deadline, read).await
    }

    /// The devices in a user's index, at most as many as a user may have: those whose leases last longest, which are those
    /// that registered last.
    fn within_limit(
        &self,
        target: usize,
        mut links: Vec<(DeviceId, Time)>,
        aftermath: &mut Aftermath,
    ) -> impl Iterator<Item = DeviceId> + use<> {
        let most = self.settings.max_devices_per_user;
        if links.len() > most {
            links.sort_by_key(|(_, lease)| std::cmp::Reverse(*lease));
            let surplus = links.split_off(most);
            aftermath
                .surplus
                .extend(surplus.into_iter().map(|(device, _)| (device, target)));
        }
        links.into_iter().map(|(device, _)| device)
    }

    /// Reads again while the table asks for patience, as long as there is time.
    async fn patiently<T, R>(&self, deadline: Time, read: impl Fn() -> R) -> Result<T, Failure>
    where
        R: Future<Output = Result<T, Fault>>,
    {
        loop {
            match read().await {
                Err(Fault::Pressure(_) | Fault::Lost(_)) if !self.is_late(deadline) => {
                    let pause = 50 + crate::random::below(100);
                    tokio::time::sleep(Duration::from_millis(pause)).await;
                }
                done => return Ok(done?),
            }
        }
    }

    pub(super) fn is_late(&self, deadline: Time) -> bool {
        (self.clock)() + super::RESERVE >= deadline
    }
}
