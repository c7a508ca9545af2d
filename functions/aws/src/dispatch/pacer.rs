//! When to publish: by a pace that all jobs share in the table.

use super::aftermath::Aftermath;
use super::source::{Piece, Walk};
use super::{Dispatch, Sending};
use crate::store::Fault;
use crate::{Clock, Failure, Store};
use futures_util::future::{Either, join, select};
use push::pace::{AHEAD, Audience, Pace, Turns, since_epoch};
use push::{Span, Time};
use std::pin::pin;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::sleep;

/// A pace whose slots are reserved in the table, under its name.
pub(super) struct SharedPace {
    pub name: &'static str,
    pub pace: Pace,
    pub clock: Clock,
}

/// The turns of one job to publish.
pub(super) struct Pacer<'a> {
    dispatch: &'a Dispatch,
    until: Time,
    audience: Audience,
    held: Mutex<Held>,
}

/// What a job has reserved.
#[derive(Default)]
struct Held {
    now: Option<Turns>,
    /// Those of the slot after, where it is reserved already.
    then: Option<Turns>,
    /// Devices of the page that have had no turn yet.
    waiting: usize,
    /// Why no more can be reserved.
    failure: Option<Failure>,
}

impl SharedPace {
    /// This number of turns, or when to ask again.
    ///
    /// # Errors
    /// [`Fault`], never a conflict.
    pub async fn reserve(
        &self,
        store: &Store,
        turns: u32,
        ahead: Span,
    ) -> Result<Result<Turns, Time>, Fault> {
        let (now, length) = ((self.clock)(), self.pace.span(turns));
        let slot = store.reserve_slot(self.name, now, ahead, length).await?;
        Ok(slot.map(|slot| slot.turns(turns)))
    }

    /// Returns at this moment.
    pub async fn reach(&self, moment: Duration) {
        sleep(moment.saturating_sub(since_epoch((self.clock)()))).await;
    }

    /// Waits until this moment, and by chance up to a second longer, so that not all who wait come at once; not past `until`.
    pub async fn pause(&self, opens: Time, until: Time) {
        let chance = Span::from_millis(crate::random::below(AHEAD.millis()));
        let opens = opens.max((self.clock)()) + chance;
        self.reach(since_epoch(opens.min(until))).await;
    }
}

impl Dispatch {
    /// The next devices, as [`next`](Self::next) finds them, once a job has turns for them; nothing where the time is over
    /// before. `turns` are the pacer of a job, the most devices, and whether they are the first.
    ///
    /// # Errors
    /// What stops the job: the devices cannot be read, no slot can be reserved.
    pub(super) async fn next_in_turn(
        &self,
        walk: &mut Walk<'_>,
        (pacer, most, first): (Option<&Pacer<'_>>, usize, bool),
        times: (Time, Time),
        aftermath: &mut Aftermath,
    ) -> Result<Option<Piece>, Failure> {
        let size = match pacer {
            Some(pacer) if !first => match pacer.begin(walk.left()).await? {
                0 => return Ok(None),
                turns => turns.min(most),
            },
            _ => most,
        };
        let mut piece = match self.next(walk, size, times, aftermath).await {
            // What cannot be read in time is for later, as what cannot be published.
            Err(Failure::Unavailable(_)) => return Ok(None),
            piece => piece?,
        };
        // The first page is found before a slot is reserved: many jobs have few devices, or none.
        if let Some(pacer) = pacer.filter(|_| first && !piece.aims.is_empty()) {
            let left = walk.left().map(|left| left + piece.aims.len());
            if pacer.begin(left).await? == 0 {
                return Ok(None);
            }
            piece.refresh((self.clock)());
        }
        Ok(Some(piece))
    }
}

impl<'a> Pacer<'a> {
    /// Nothing is reserved yet.
    pub fn new(dispatch: &'a Dispatch, sending: Sending<'a>) -> Self {
        let audience = if sending.part.is_named() {
            Audience::Named
        } else {
            Audience::Found
        };
        Self {
            dispatch,
            until: sending.until,
            audience,
            held: Mutex::default(),
        }
    }

    /// The most devices in a page: the last of them is published to within a second or so.
    pub fn most(&self) -> usize {
        let pace = self.dispatch.publishes.pace;
        let turns = pace.share(self.audience, None).min(pace.per_second());
        turns as usize
    }

    /// Returns when a slot has begun, with the number of its turns; 0 where the time is over before. `left` devices are left,
    /// as far as that is known.
    ///
    /// # Errors
    /// No slot can be reserved.
    pub async fn begin(&self, left: Option<usize>) -> Result<usize, Failure> {
        let mut held = self.held.lock().await;
        loop {
            let Some(turns) = self.some(&mut held, left).await else {
                return held.failure.take().map_or(Ok(0), Err);
            };
            self.dispatch.publishes.reach(turns.from()).await;
            match turns.left((self.dispatch.clock)()) {
                0 => {}
                turns => return Ok(turns as usize),
            }
        }
    }

    /// Returns when it is the caller's turn; `false` where the time is over before, or no slot can be reserved.
    pub async fn turn(&self) -> bool {
        let turn = {
            let mut held = self.held.lock().await;
            loop {
                // Where the page was too slow for its slot, all that wait share another one.
                let waiting = held.waiting;
                let Some(turns) = self.some(&mut held, Some(waiting)).await else {
                    return false;
                };
                if let Some(turn) = turns.take((self.dispatch.clock)()) {
                    held.waiting = waiting.saturating_sub(1);
                    break turn;
                }
            }
        };
        self.dispatch.publishes.reach(turn).await;
        true
    }

    /// Does a page with this number of devices, and reserves the slot after it meanwhile, where there will be a need: at
    /// once for a job that names somebody; else when the present slot is over, so that others come in between.
    pub async fn during<T>(
        &self,
        page: impl Future<Output = T>,
        devices: usize,
        left: Option<usize>,
    ) -> T {
        let Some((begin, turns)) = self.after(devices, left).await else {
            return page.await;
        };
        let (page, begin) = (pin!(page), pin!(self.dispatch.publishes.reach(begin)));
        match select(page, begin).await {
            Either::Left((done, _)) => done,
            Either::Right(((), page)) => {
                let (done, reserved) = join(page, self.reserve(turns)).await;
                // What is refused or goes wrong here is asked for again once it is needed.
                if let Ok(Ok(turns)) = reserved {
                    self.held.lock().await.then = Some(turns);
                }
                done
            }
        }
    }

    /// When the slot after the present one is to be reserved, and for how many turns, if at all.
    async fn after(&self, devices: usize, left: Option<usize>) -> Option<(Duration, u32)> {
        let mut held = self.held.lock().await;
        held.waiting = devices;
        let turns = held.now.as_ref().filter(|_| held.then.is_none())?;
        let now = (self.dispatch.clock)();
        let unused = (turns.left(now) as usize).saturating_sub(devices);
        let left = left.map(|left| left.saturating_sub(unused));
        let begin = match self.audience {
            _ if left == Some(0) => return None,
            Audience::Named => since_epoch(now),
            Audience::Found if unused == 0 => turns.until(),
            Audience::Found => return None,
        };
        Some((
            begin,
            self.dispatch.publishes.pace.share(self.audience, left),
        ))
    }

    /// The turns that are held, or others where none is left of them.
    async fn some<'h>(&self, held: &'h mut Held, left: Option<usize>) -> Option<&'h mut Turns> {
        let publishes = &self.dispatch.publishes;
        loop {
            let now = (self.dispatch.clock)();
            if held.now.as_ref().is_none_or(|turns| turns.left(now) == 0) {
                held.now = held.then.take();
            }
            if held.now.as_ref().is_some_and(|turns| turns.left(now) > 0) {
                return held.now.as_mut();
            }
            if now >= self.until || held.failure.is_some() {
                return None;
            }
            match self
                .reserve(publishes.pace.share(self.audience, left))
                .await
            {
                Ok(Ok(turns)) => held.now = Some(turns),
                Ok(Err(opens)) => publishes.pause(opens, self.until).await,
                // Nothing is published without a turn.
                Err(Fault::Broken(cause)) => held.failure = Some(Failure::Internal(cause)),
                Err(_) => publishes.pause(now, self.until).await,
            }
        }
    }

    async fn reserve(&self, turns: u32) -> Result<Result<Turns, Time>, Fault> {
        let store = self.dispatch.bindings.store();
        let ahead = self.audience.ahead();
        self.dispatch.publishes.reserve(store, turns, ahead).await
    }
}
