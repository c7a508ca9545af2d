//! Whom a part names, as devices to look at, read piece by piece.

use super::aftermath::Aftermath;
use super::cursor::{Cursor, Place};
use super::page::GOOD;
use super::tagged::Merge;
use super::{Aim, Dispatch};
use crate::Failure;
use crate::jobs::Part;
use crate::store::{Fault, Position};
use futures_util::future::try_join_all;
use push::device::Reach;
use push::removal::surplus;
use push::subscription::Tags;
use push::{DeviceId, Time, UserId, tag};
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

/// A walk through the devices of a part.
pub(super) struct Walk<'a> {
    part: &'a Part,
    /// The tags of the message.
    tags: &'a Tags,
    /// Their indexes, as far as they were read, in a part of tags.
    pub merge: Option<Merge>,
    /// The links of the first users, where they were read before.
    known: Option<&'a Known>,
    /// Where reading goes on.
    pub read: Place,
    /// Read, and not taken yet.
    pub ahead: VecDeque<Aim>,
    /// Up to here everything was taken.
    taken: Place,
    /// To be tried again.
    pub pending: Vec<Aim>,
}

/// What the first users of a part are linked with.
pub struct Known(Vec<Links>);

type Links = Vec<(DeviceId, Time)>;

/// The next devices of a walk.
#[derive(Default)]
pub(super) struct Piece {
    pub aims: Vec<Aim>,
    /// Those of them that were found by reading their items.
    pub looked: HashMap<DeviceId, Reach>,
    /// When those were read.
    pub at: Option<Time>,
}

impl Piece {
    /// The devices that were found by reading their items are looked at again, if that was long ago.
    pub fn refresh(&mut self, now: Time) {
        if self.at.is_some_and(|at| now.since(at) > GOOD.half()) {
            self.looked.clear();
            self.at = None;
        }
    }
}

/// Users whose links are read at the same time.
const READS: usize = 16;

impl<'a> Walk<'a> {
    /// From a cursor on.
    pub fn new(part: &'a Part, tags: &'a Tags, cursor: Cursor, known: Option<&'a Known>) -> Self {
        Self {
            part,
            tags,
            merge: None,
            known: known.filter(|_| cursor.place == Place::default()),
            read: cursor.place.clone(),
            ahead: VecDeque::new(),
            taken: cursor.place,
            pending: cursor.pending,
        }
    }

    /// How far it is.
    pub fn cursor(&self) -> Cursor {
        Cursor {
            place: self.taken.clone(),
            pending: self.pending.clone(),
        }
    }

    /// Whether there is nothing left to take. It may turn out later that what is left is nobody.
    pub fn is_over(&self) -> bool {
        self.pending.is_empty() && self.is_read()
    }

    /// Whether only what is to be tried again is left.
    pub fn is_read(&self) -> bool {
        self.ahead.is_empty() && self.read.is_last(self.part)
    }

    /// How many devices are left, as far as that is known: a user counts as one until its devices are read.
    pub fn left(&self) -> Option<usize> {
        let named = self.part.names().saturating_sub(self.read.at);
        let known = self.is_read() || self.part.is_named();
        known.then(|| self.pending.len() + self.ahead.len() + named)
    }

    /// Takes what was read ahead, as far as there is room.
    fn take(&mut self, piece: &mut Piece, most: usize) {
        while piece.aims.len() < most
            && let Some(aim) = self.ahead.pop_front()
        {
            self.taken = match self.part {
                Part::Users(_) => Place {
                    at: aim.target,
                    after: Some(aim.device.clone()),
                },
                Part::TagShards(..) => Place {
                    at: tag::shard_of(&aim.device).into(),
                    after: Some(aim.device.clone()),
                },
                Part::Devices(_) | Part::Shards(..) => Place {
                    at: aim.target + 1,
                    after: None,
                },
            };
            piece.aims.push(aim);
        }
        if self.ahead.is_empty() {
            self.taken = self.read.clone();
        }
    }
}

impl Dispatch {
    /// What the first users of the part are linked with, for a send of it that begins in a moment: links only say where to
    /// look. Nothing where the part has no users, or where they cannot be read now.
    pub async fn read_ahead(&self, part: &Part) -> Option<Known> {
        let Part::Users(users) = part else {
            return None;
        };
        let now = (self.clock)();
        let links = |user| self.bindings.store().links(user, now);
        let links = try_join_all(users.iter().take(READS).map(links)).await;
        links.ok().map(Known)
    }

    /// The next devices, at most `most` and none at the end: first those that are to be tried again, then those that the
    /// next users are linked with, that are named, or that are next in their shard or in the indexes of the tags. Nothing is
    /// read after the first of the times, and nothing again after the second.
    pub(super) async fn next(
        &self,
        walk: &mut Walk<'_>,
        most: usize,
        (until, patience): (Time, Time),
        aftermath: &mut Aftermath,
    ) -> Result<Piece, Failure> {
        let again = walk.pending.len().min(most);
        let mut piece = Piece {
            aims: walk.pending.drain(..again).collect(),
            ..Piece::default()
        };
        walk.take(&mut piece, most);
        while piece.aims.len() < most && !walk.read.is_last(walk.part) && !self.is_late(until) {
            match walk.part {
                Part::Users(users) => {
                    self.read_users(walk, users, patience, aftermath).await?;
                    walk.take(&mut piece, most);
                }
                Part::Devices(devices) => {
                    let aim =
                        |(target, device): (usize, &DeviceId)| Aim::new(target, device.clone());
                    walk.ahead = devices
                        .iter()
                        .enumerate()
                        .skip(walk.read.at)
                        .map(aim)
                        .collect();
                    walk.read.at = devices.len();
                    walk.take(&mut piece, most);
                }
                Part::Shards(..) => self.read_shard(walk, &mut piece, most, patience).await?,
                Part::TagShards(..) => {
                    let room = most - piece.aims.len();
                    self.read_tags(walk, walk.tags, room, patience).await?;
                    walk.take(&mut piece, most);
                }
            }
        }
        Ok(piece)
    }

    async fn read_users(
        &self,
        walk: &mut Walk<'_>,
        users: &[UserId],
        patience: Time,
        aftermath: &mut Aftermath,
    ) -> Result<(), Failure> {
        let place = std::mem::take(&mut walk.read);
        let some = users.iter().enumerate().skip(place.at).take(READS);
        let links = if let Some(Known(links)) = walk.known.take() {
            links.clone()
        } else {
            let reads = some.clone().map(|(_, user)| self.links(user, patience));
            try_join_all(reads).await?
        };
        let mut after = place.after.as_ref();
        for ((target, _), links) in some.clone().zip(links) {
            let mut devices = self.within_limit(target, links, aftermath);
            devices.sort_unstable();
            if let Some(after) = after.take() {
                devices.retain(|device| device > after);
            }
            let aims = devices.into_iter().map(|device| Aim::new(target, device));
            walk.ahead.extend(aims);
        }
        walk.read.at = place.at + some.count();
        Ok(())
    }

    /// The read that finds the devices is the look at them: they are taken at once.
    async fn read_shard(
        &self,
        walk: &mut Walk<'_>,
        piece: &mut Piece,
        most: usize,
        patience: Time,
    ) -> Result<(), Failure> {
        let Ok(shard) = u8::try_from(walk.read.at) else {
            walk.read.at = usize::MAX;
            return Ok(());
        };
        let position = Position::at(shard, walk.read.after.clone());
        let room = most - piece.aims.len();
        let read = || self.bindings.store().reach_of_shard(&position, room);
        let now = (self.clock)();
        let (devices, next) = self.patiently(patience, read).await?;
        piece.at = piece.at.or(Some(now));
        let aims = devices
            .iter()
            .map(|(device, _)| Aim::new(0, device.clone()));
        piece.aims.extend(aims);
        piece.looked.extend(devices);
        walk.read = next.map_or(
            Place {
                at: walk.read.at + 1,
                after: None,
            },
            |next| {
                let (shard, after) = next.place();
                let at = usize::from(shard);
                Place { at, after }
            },
        );
        walk.taken = walk.read.clone();
        Ok(())
    }

    async fn links(&self, user: &UserId, patience: Time) -> Result<Links, Failure> {
        let read = || self.bindings.store().links(user, (self.clock)());
        self.patiently(patience, read).await
    }

    /// The devices in a user's index, without those that are too many.
    fn within_limit(
        &self,
        target: usize,
        mut links: Links,
        aftermath: &mut Aftermath,
    ) -> Vec<DeviceId> {
        if !surplus(&mut links, self.settings.max_devices_per_user).is_empty() {
            aftermath.surplus.insert(target);
        }
        links.into_iter().map(|(device, _)| device).collect()
    }

    /// Reads again while the table asks for patience, as long as there is time.
    pub(super) async fn patiently<T, R>(
        &self,
        patience: Time,
        read: impl Fn() -> R,
    ) -> Result<T, Failure>
    where
        R: Future<Output = Result<T, Fault>>,
    {
        loop {
            match read().await {
                Err(Fault::Pressure(_) | Fault::Lost(_)) if !self.is_late(patience) => {
                    let pause = 50 + crate::random::below(100);
                    tokio::time::sleep(Duration::from_millis(pause)).await;
                }
                done => return Ok(done?),
            }
        }
    }

    pub(super) fn is_late(&self, until: Time) -> bool {
        (self.clock)() >= until
    }
}
