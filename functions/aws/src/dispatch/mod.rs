//! A part of a send, worked off page by page: devices read afresh, published to with bounded concurrency and, by jobs, at
//! a pace; how far it is and what became of it noted after each page; repeated while SNS asks for patience.

mod aftermath;
mod creates;
mod cursor;
mod letters;
mod pacer;
mod page;
mod progress;
mod source;
mod tagged;

pub use source::Known;

use crate::bindings::Bindings;
use crate::jobs::Part;
use crate::sns::{Applications, Publisher};
use crate::store::{Counts, Holder};
use crate::{Clock, Failure, Metrics, Settings, Start};
use aftermath::Aftermath;
use creates::Creates;
use cursor::Cursor;
use pacer::{Pacer, SharedPace};
use page::{Health, Tally};
use progress::Progress;
use push::device::{Item, Version};
use push::message::Message;
use push::pace::Pace;
use push::subscription::Tags;
use push::{DeviceId, MessageId, Time};
use source::Walk;
use std::sync::Arc;
use std::time::Duration;

/// Sends messages to devices.
pub struct Dispatch {
    bindings: Bindings,
    publisher: Publisher,
    applications: Applications,
    creates: Creates,
    settings: Arc<Settings>,
    publishes: SharedPace,
    clock: Clock,
    metrics: Metrics,
}

/// A part of a message on its way.
#[derive(Clone, Copy)]
pub struct Sending<'a> {
    /// The message.
    pub message: &'a Message,
    /// Its id.
    pub id: &'a MessageId,
    /// When it was accepted: its time to live counts from here.
    pub accepted: Time,
    /// When it and what is noted of it expire.
    pub expires: Time,
    /// Who is to be sent to.
    pub part: &'a Part,
    /// Which job of the message this is.
    pub number: u64,
    /// The name under which progress is noted.
    pub holder: Version,
    /// Where it goes on, as it was noted; nothing at the beginning.
    pub cursor: Option<&'a str>,
    /// What [`Dispatch::read_ahead`] has found.
    pub known: Option<&'a Known>,
    /// Who is waiting.
    pub manner: Manner,
    /// No page begins later.
    pub until: Time,
    /// What is under way then is given up, and to be repeated.
    pub deadline: Time,
}

/// A sending, the tags that it is for, as they were when it began, and what gives a job its turns.
#[derive(Clone, Copy)]
struct Errand<'a> {
    sending: Sending<'a>,
    tags: &'a Tags,
    pacer: Option<&'a Pacer<'a>>,
}

/// Who is waiting for a send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// A backend: at once, and what is still throttled at this time is left.
    Request(Time),
    /// A queue: at the pace that all jobs share, and no page before the one before it is noted.
    Job,
}

/// What a send came to.
#[derive(Debug)]
pub struct Report {
    /// What became of the devices that were tried this time.
    pub counts: Counts,
    /// Devices accepted for each user or device that the part names, in its order.
    pub recipients: Vec<u64>,
    /// Whether all of that is noted.
    pub noted: bool,
    /// How it ended.
    pub end: End,
}

/// How the sending of a part ends.
#[derive(Debug)]
pub enum End {
    /// Every device was tried and needs no further attempt.
    Finished,
    /// The time is over, or what is left is throttled: it goes on where it was noted to be.
    Unfinished,
    /// Somebody else works on it.
    Superseded,
    /// It cannot go on now.
    Failed(Failure),
}

/// A device to be looked at, for one of the part's users or devices: people, not endpoints, so that every attempt finds
/// out anew who owns it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Aim {
    /// The place of the user or device in the part; 0 where it names none.
    target: usize,
    device: DeviceId,
    /// Attempts so far.
    attempts: u32,
    /// Whether its endpoint was found disabled, and is to be enabled.
    is_disabled: bool,
}

impl Aim {
    fn new(target: usize, device: DeviceId) -> Self {
        Self {
            target,
            device,
            attempts: 0,
            is_disabled: false,
        }
    }
}

/// The first pause while SNS is short of capacity, in milliseconds; each further one is twice as long, up to the second.
const PAUSE: (u64, u64) = (50, 1000);

impl Dispatch {
    /// For the table and the platform applications in the settings.
    #[must_use]
    pub fn new(start: &Start) -> Self {
        Self {
            bindings: Bindings::new(start),
            publisher: Publisher::new(start),
            applications: Applications::new(&start.settings),
            creates: Creates::new(start),
            settings: Arc::clone(&start.settings),
            publishes: SharedPace {
                name: "PUBLISH",
                pace: Pace::new(start.settings.publish_per_second),
                clock: start.clock.clone(),
            },
            clock: start.clock.clone(),
            metrics: start.metrics.clone(),
        }
    }

    /// Publishes to every device of the part that a look at it, at most two seconds old, shows to be meant. What SNS
    /// throttles or does not answer is tried again, each time after a new look, as long as there is time, and so is what waits
    /// for an endpoint that has to be made. After each page
    /// devices that were found dead end, and those that their user has too many of; then what was reached is noted.
    pub async fn send(&self, sending: Sending<'_>) -> Report {
        let mut report = Report {
            counts: Counts::default(),
            recipients: vec![0; sending.part.names()],
            noted: true,
            end: End::Finished,
        };
        report.end = match self.work(sending, &mut report).await {
            Ok(end) => end,
            Err(failure) => End::Failed(failure),
        };
        if report.counts.misconfigured > 0 {
            let (id, misconfigured) = (sending.id.as_str(), report.counts.misconfigured);
            tracing::error!(
                messageId = id,
                misconfigured,
                "a platform does not work as it is configured"
            );
        }
        report
    }

    async fn work(&self, sending: Sending<'_>, report: &mut Report) -> Result<End, Failure> {
        let tags = match self.tags(sending).await {
            Err(Failure::Unavailable(_)) => return Ok(End::Unfinished),
            tags => tags?,
        };
        let pacer = (sending.manner == Manner::Job).then(|| Pacer::new(self, sending));
        let errand = Errand {
            sending,
            tags: &tags,
            pacer: pacer.as_ref(),
        };
        let cursor = Cursor::parse(sending.cursor, sending.part)?;
        let mut walk = Walk::new(sending.part, &tags, cursor, sending.known);
        let mut progress = Progress::new(self, sending);
        let size = match (sending.manner, sending.part) {
            (Manner::Request(_), Part::Users(_) | Part::Devices(_)) => page::MOST_OF_REQUEST,
            // What finds their devices is the look at them, which does not keep.
            (Manner::Request(_), Part::Shards(..) | Part::TagShards(..)) | (Manner::Job, _) => {
                page::MOST
            }
        };
        let size = pacer.as_ref().map_or(size, |pacer| pacer.most().min(size));
        let (mut pause, mut health) = (PAUSE.0, Health::default());
        let mut first = true;
        loop {
            if self.is_late(sending.until) {
                return Ok(End::Unfinished);
            }
            let mut aftermath = Aftermath::default();
            let mut tally = Tally::new();
            let times = (sending.until, sending.patience());
            let turns = (pacer.as_ref(), size, std::mem::take(&mut first));
            let piece = self.next_in_turn(&mut walk, turns, times, &mut aftermath);
            let Some(piece) = piece.await? else {
                return Ok(End::Unfinished);
            };
            let devices = piece.aims.len();
            let work = self.page(
                errand,
                piece,
                &mut tally,
                report,
                &mut aftermath,
                &mut health,
            );
            let left = sending.deadline.since((self.clock)());
            let left = Duration::from_millis(left.millis());
            let work = async {
                match &pacer {
                    Some(pacer) => pacer.during(work, devices, walk.left()).await,
                    None => work.await,
                }
            };
            let Ok(again) = tokio::time::timeout(left, work).await else {
                return Ok(End::Unfinished);
            };
            let mut again = again?;
            walk.pending.append(&mut again.aims);
            // Before it is noted: what the budget does not let go counts otherwise. A crash in between repeats the page, which
            // does not find those that have ended, and leaves them uncounted.
            for platform in self.clear_away(aftermath, sending).await {
                let counts = tally.entry(platform).or_default();
                *counts = counts.over_budget();
            }
            let mut counts = Counts::default();
            for (platform, some) in tally {
                self.metrics.published(platform, some);
                counts = counts.plus(some);
            }
            report.counts = report.counts.plus(counts);
            let done = walk.is_over();
            if !progress.note(walk.cursor(), counts, done).await? {
                return Ok(End::Superseded);
            }
            report.noted = progress.is_noted();
            if let Some(failure) = again.failure.take() {
                return Err(failure);
            }
            if done {
                return Ok(End::Finished);
            }
            // A few that are throttled wait for the next page. Where most are, so do we.
            if let Manner::Request(hand_over) = sending.manner
                && again.is_held_up()
                && (again.is_mostly_held_up() || walk.is_read())
                && self.is_late(hand_over)
            {
                return Ok(End::Unfinished);
            }
            if again.mostly() {
                let span = pause / 2 + crate::random::below(pause / 2);
                tokio::time::sleep(Duration::from_millis(span)).await;
                pause = (pause * 2).min(PAUSE.1);
            } else {
                pause = PAUSE.0;
                if again.only_waits() {
                    self.creates.pause(sending.patience()).await;
                }
            }
        }
    }

    /// How many devices each user or device that the part names has that are meant now, in its order; nothing is sent, and
    /// where it names none, nothing is counted.
    ///
    /// # Errors
    /// [`Failure::Unavailable`], [`Failure::Internal`] where the devices cannot be read.
    pub async fn count(
        &self,
        message: &Message,
        part: &Part,
        until: Time,
    ) -> Result<Vec<u64>, Failure> {
        let tags = Tags::new();
        let mut walk = Walk::new(part, &tags, Cursor::parse(None, part)?, None);
        let mut recipients = vec![0; part.names()];
        let mut unused = Aftermath::default();
        while !walk.is_over() && !recipients.is_empty() {
            if self.is_late(until) {
                return Err(Failure::Unavailable(
                    "not every device was counted in time".into(),
                ));
            }
            let times = (until, until);
            let piece = self.next(&mut walk, page::MOST, times, &mut unused).await?;
            if piece.aims.is_empty() {
                continue;
            }
            let found = self.bindings.store().reach(&page::ids(&piece.aims)).await?;
            let now = (self.clock)();
            for aim in &piece.aims {
                let device = found.get(&aim.device);
                let device = device.and_then(|device| self.meant(device, aim, part, &tags, now));
                if let Some(count) = recipients.get_mut(aim.target)
                    && device.is_some_and(|device| message.reaches(device.platform))
                {
                    *count += 1;
                }
            }
        }
        Ok(recipients)
    }

    /// The device, if the send is meant for it by what its item shows now.
    fn meant<'a, I: Item>(
        &self,
        item: &'a I,
        aim: &Aim,
        part: &Part,
        tags: &Tags,
        now: Time,
    ) -> Option<&'a I::Device> {
        match part {
            Part::Users(users) => {
                let user = users.get(aim.target)?;
                self.bindings.policy().receives(item, user, now)
            }
            Part::Devices(_) | Part::Shards(..) => item.live(now),
            Part::TagShards(..) => self.bindings.policy().listens(item, tags, now),
        }
    }
}

impl Errand<'_> {
    /// Returns when it is the turn of a job to publish, and at once where somebody waits for the answer; `false` where no
    /// turn comes in time.
    async fn has_turn(&self) -> bool {
        match self.pacer {
            Some(pacer) => pacer.turn().await,
            None => true,
        }
    }
}

impl Sending<'_> {
    /// Until when a table that is short of capacity is asked again.
    fn patience(&self) -> Time {
        match self.manner {
            Manner::Request(hand_over) => hand_over.min(self.until),
            Manner::Job => self.until,
        }
    }

    /// The job, and who works on it.
    fn job(&self) -> Holder<'_> {
        Holder {
            message: self.id,
            number: self.number,
            name: self.holder,
            expires: self.expires,
            claimed: self.manner == Manner::Job,
        }
    }
}
