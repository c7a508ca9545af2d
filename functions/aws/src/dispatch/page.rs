//! One page of a send: a look at its devices, an attempt at each, and what the answers mean for them.

use super::aftermath::Aftermath;
use super::letters::Letters;
use super::source::Piece;
use super::{Aim, Dispatch, Errand, Report};
use crate::jobs::Part;
use crate::sns::{Letter, Outcome};
use crate::store::{Counts, Fault};
use crate::{Failure, random};
use futures_util::{Stream, StreamExt, stream};
use push::device::{Reach, uid};
use push::removal::{DeadEndpoint, Evidence};
use push::{DeviceId, Platform, Span, Time};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Devices that one read looks at, and that a job tries before it notes how far it is.
pub(super) const MOST: usize = crate::store::PAGE;
/// Devices that a request tries before it notes how far it is: nobody waits between its reads.
pub(super) const MOST_OF_REQUEST: usize = 5 * MOST;
/// Looks that are taken while the devices of the one before are published to.
const AHEAD: usize = 2;
/// A look at a device is good for so long.
pub(super) const GOOD: Span = Span::from_seconds(2);
/// Attempts at an endpoint that is made again and yet not found.
const HEALS: u32 = 3;
/// Where at least so many devices of a send are dead, and more than a quarter of them, it is not the devices.
const SUSPICIOUS: usize = 20;

/// What became of one aim.
enum Step {
    /// It is not meant for this device (any more).
    Skipped,
    /// The time to live is over.
    Expired,
    /// It was too long ago that the device was looked at, or nothing should be begun now.
    LookAgain,
    /// The table could not show the device now.
    Unread,
    /// Its endpoint has to be made, and as many as may be are being made.
    Waits,
    /// Its endpoint is disabled, as a publish begun then has found, and was not enabled since SNS was last asked about it.
    Disabled(String, Time),
    /// SNS answered, about this endpoint, to a publish begun then.
    Published(Outcome, String, Time),
}

/// What became of devices, by platform.
pub(super) type Tally = BTreeMap<Platform, Counts>;

/// How many devices were tried since the sending began here, and how many of them are dead: a page may be small.
#[derive(Default)]
pub(super) struct Health {
    published: usize,
    dead: usize,
}

/// What has to be tried again.
#[derive(Default)]
pub(super) struct Again {
    pub aims: Vec<Aim>,
    /// How many of them because somebody asked for patience.
    pub pressed: usize,
    /// How many because their endpoints have to be made, and not yet.
    pub waiting: usize,
    /// How many were tried at all.
    pub tried: usize,
    /// Why some cannot be read.
    pub failure: Option<Failure>,
}

impl Again {
    /// Whether somebody asked for patience with most that were tried.
    pub fn mostly(&self) -> bool {
        self.pressed * 2 > self.tried
    }

    /// Whether some have to be tried again later.
    pub fn is_held_up(&self) -> bool {
        self.pressed + self.waiting > 0
    }

    /// Whether most that were tried have to be.
    pub fn is_mostly_held_up(&self) -> bool {
        (self.pressed + self.waiting) * 2 > self.tried
    }

    /// Whether nothing came of the attempts but that endpoints have to be made later.
    pub fn only_waits(&self) -> bool {
        self.waiting > 0 && self.waiting == self.tried
    }
}

/// What the attempts of a page share.
struct Page<'a> {
    errand: Errand<'a>,
    letters: Letters,
    strain: Strain,
}

/// How SNS takes the attempts of a page.
#[derive(Default)]
struct Strain {
    tried: AtomicUsize,
    pressed: AtomicUsize,
}

impl Strain {
    fn note(&self, step: &Step) {
        self.tried.fetch_add(1, Ordering::Relaxed);
        if matches!(step, Step::Published(Outcome::Again, ..)) {
            self.pressed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Whether SNS asks for patience so often that nothing more should be begun.
    fn is_too_much(&self) -> bool {
        let tried = self.tried.load(Ordering::Relaxed);
        tried >= MOST && self.pressed.load(Ordering::Relaxed) * 2 > tried
    }
}

/// Some devices of a page, as one look found them.
#[derive(Clone)]
struct Look {
    /// Those that there are; nothing where the table could not show them.
    found: Option<Arc<HashMap<DeviceId, Reach>>>,
    at: Time,
}

/// A look that failed; nothing says why where the table is short of capacity.
struct Missed {
    why: Option<Failure>,
    at: Time,
}

/// The devices of a page, each once.
pub(super) fn ids(page: &[Aim]) -> BTreeSet<DeviceId> {
    page.iter().map(|aim| aim.device.clone()).collect()
}

impl Dispatch {
    /// One attempt at each device, by the look that found it, or by a new one: those of a page that was not looked at are
    /// looked at as they come, so that the last of them are not published to by an old look.
    pub(super) async fn page(
        &self,
        errand: Errand<'_>,
        piece: Piece,
        tally: &mut Tally,
        report: &mut Report,
        aftermath: &mut Aftermath,
        health: &mut Health,
    ) -> Result<Again, Failure> {
        let page = Page {
            errand,
            letters: Letters::default(),
            strain: Strain::default(),
        };
        let (page, mut failure) = (&page, None);
        let attempts = self.looks(piece).flat_map(|(aims, look)| {
            let look = look.unwrap_or_else(|Missed { why, at }| {
                failure = failure.take().or(why);
                Look { found: None, at }
            });
            stream::iter(aims.into_iter().map(move |aim| (aim, look.clone())))
        });
        let attempts = attempts.map(|(aim, look)| self.try_out(page, look, aim));
        let attempts = attempts.buffer_unordered(self.settings.publish_concurrency);
        let steps: Vec<_> = attempts.collect().await;
        let nothing = steps
            .iter()
            .all(|(_, step, _)| matches!(step, Step::Unread));
        match failure {
            Some(failure) if nothing => Err(failure),
            // What was sent is counted first.
            failure => Ok(Again {
                failure,
                ..sort_out(steps, tally, &mut report.recipients, aftermath, health)
            }),
        }
    }

    /// Looks at the devices of a piece, as many as one read takes at a time, each with those that it is for.
    fn looks(&self, piece: Piece) -> impl Stream<Item = (Vec<Aim>, Result<Look, Missed>)> {
        let Piece {
            aims,
            looked,
            at: looked_at,
        } = piece;
        let (mut aims, mut looked) = (aims.into_iter(), Some(looked));
        let some = std::iter::from_fn(move || {
            let some: Vec<_> = aims.by_ref().take(MOST).collect();
            (!some.is_empty()).then(|| (some, looked.take().unwrap_or_default()))
        });
        let look = move |(aims, mut found): (Vec<Aim>, HashMap<DeviceId, Reach>)| async move {
            let mut missing = ids(&aims);
            missing.retain(|device| !found.contains_key(device));
            let now = (self.clock)();
            if !missing.is_empty() {
                match self.bindings.store().reach(&missing).await {
                    Ok(read) => found.extend(read),
                    Err(Fault::Pressure(_) | Fault::Lost(_)) => {
                        return (aims, Err(Missed { why: None, at: now }));
                    }
                    Err(fault) => {
                        let why = Some(fault.into());
                        return (aims, Err(Missed { why, at: now }));
                    }
                }
            }
            let look = Look {
                found: Some(Arc::new(found)),
                at: looked_at.unwrap_or(now),
            };
            (aims, Ok(look))
        };
        stream::iter(some).map(look).buffered(AHEAD)
    }

    /// One attempt at the device, as the look shows it.
    async fn try_out(
        &self,
        page: &Page<'_>,
        look: Look,
        aim: Aim,
    ) -> (Option<Platform>, Step, Aim) {
        let Some(found) = look.found else {
            return (None, Step::Unread, aim);
        };
        let device = found.get(&aim.device);
        let platform = device.map(|device| device.platform);
        let step = self.attempt(page, &aim, device, look.at).await;
        (platform, step, aim)
    }

    /// Publishes to the device if it is meant, by a look at it that is fresh enough.
    async fn attempt(
        &self,
        page: &Page<'_>,
        aim: &Aim,
        found: Option<&Reach>,
        looked: Time,
    ) -> Step {
        let (Errand { sending, tags, .. }, now) = (page.errand, (self.clock)());
        let meant = found.and_then(|device| self.meant(device, aim, sending.part, tags, now));
        let Some(device) = meant else {
            return Step::Skipped;
        };
        if !sending.message.reaches(device.platform) || sending.message.spares(&aim.device) {
            return Step::Skipped;
        }
        // What belongs to another application, or is disabled, cannot be published to. Healing it takes a turn of its own.
        let usable = self.applications.have(device.platform, &device.endpoint)
            && (!aim.is_disabled || device.is_revived);
        if usable && !page.errand.has_turn().await {
            return Step::LookAgain;
        }
        let now = (self.clock)();
        if now.since(looked) > GOOD || now >= sending.until || page.strain.is_too_much() {
            return Step::LookAgain;
        }
        let to = (device.platform, device.endpoint.as_str());
        if !usable {
            return self.heal(page, aim, to).await;
        }
        let step = self.publish(page, aim, to).await;
        page.strain.note(&step);
        match step {
            Step::Published(Outcome::Dead, endpoint, at) if !device.is_revived => {
                Step::Disabled(endpoint, at)
            }
            Step::Published(Outcome::Gone, gone, _) => {
                self.heal(page, aim, (device.platform, &gone)).await
            }
            step => step,
        }
    }

    async fn publish(&self, page: &Page<'_>, aim: &Aim, to: (Platform, &str)) -> Step {
        let ((_, endpoint), at) = (to, (self.clock)());
        match self.letter(page, aim, to, at) {
            Some(letter) => {
                let outcome = self.publisher.publish(endpoint, &letter).await;
                Step::Published(outcome, endpoint.to_owned(), at)
            }
            None => Step::Expired,
        }
    }

    /// What is published to the endpoint now; nothing where the time to live is over.
    fn letter(
        &self,
        page: &Page<'_>,
        aim: &Aim,
        (platform, endpoint): (Platform, &str),
        now: Time,
    ) -> Option<Arc<Letter>> {
        let sending = page.errand.sending;
        let user = match sending.part {
            Part::Users(users) => users.get(aim.target),
            Part::Devices(_) | Part::Shards(..) | Part::TagShards(..) => None,
        };
        let age = now.since(sending.accepted);
        let to = (platform, endpoint);
        page.letters.of(user.map(|_| aim.target), to, age, || {
            let uid = user.map(|user| uid(&self.settings.application, user));
            sending
                .message
                .render(platform, sending.id, uid.as_deref(), age)
        })
    }

    /// SNS does not know the endpoint, or it is another application's, or disabled: it is made again from the device's token, or
    /// enabled, and published to once, if a new look at the device shows that it is still meant and still had this endpoint. All
    /// who do this share a pace, as SNS takes few such calls, and registrations make the same.
    async fn heal(&self, page: &Page<'_>, aim: &Aim, (platform, gone): (Platform, &str)) -> Step {
        let Errand { sending, tags, .. } = page.errand;
        if self.applications.arn(platform).is_none() {
            return Step::Published(Outcome::Misconfigured, gone.to_owned(), (self.clock)());
        }
        // A message whose time to live is over needs no endpoint.
        if self
            .letter(page, aim, (platform, gone), (self.clock)())
            .is_none()
        {
            return Step::Expired;
        }
        if self.creates.turn(self.bindings.store()).await.is_err() {
            return Step::Waits;
        }
        // Before the look, as every wait.
        if !page.errand.has_turn().await {
            return Step::LookAgain;
        }
        let looked = (self.clock)();
        let published = |outcome| Step::Published(outcome, gone.to_owned(), looked);
        let Ok(record) = self.bindings.store().device(&aim.device).await else {
            return published(Outcome::Again);
        };
        let Some(record) = record else {
            return Step::Skipped;
        };
        let Some(device) = self.meant(&record, aim, sending.part, tags, looked) else {
            return Step::Skipped;
        };
        if device.endpoint != gone {
            return Step::LookAgain;
        }
        let made = if aim.is_disabled {
            self.bindings.enabled_endpoint(&device.token).await
        } else {
            self.bindings.endpoint(&device.token).await
        };
        let ready = (self.clock)();
        let endpoint = match made {
            Ok(endpoint) => endpoint,
            Err(Failure::Unavailable(_)) => return published(Outcome::Again),
            Err(Failure::Invalid(_)) => return published(Outcome::Refused),
            Err(_) => return published(Outcome::Misconfigured),
        };
        let step = if (self.clock)().since(looked) > GOOD {
            published(Outcome::Again)
        } else {
            let to = (device.token.platform(), endpoint.as_str());
            self.publish(page, aim, to).await
        };
        if aim.is_disabled && endpoint == gone {
            let found = (gone, looked);
            let noted = self
                .bindings
                .note_disabled(&aim.device, &record, found, Some(ready));
            if let Err(failure) = noted.await {
                tracing::warn!(code = failure.code(), "an enabled endpoint was not noted");
            }
        } else if endpoint != gone
            && let Ok(fresh) = random::version()
        {
            let moved =
                self.bindings
                    .store()
                    .move_endpoint(&aim.device, record.version, &endpoint, fresh);
            if let Err(fault) = moved.await {
                let code = Failure::from(fault).code();
                tracing::warn!(code, "a healed endpoint was not noted");
            }
        }
        step
    }
}

/// Counts what became of the aims, and says which are tried again and which devices should end.
fn sort_out(
    steps: Vec<(Option<Platform>, Step, Aim)>,
    tally: &mut Tally,
    recipients: &mut [u64],
    aftermath: &mut Aftermath,
    health: &mut Health,
) -> Again {
    let outcomes = steps.iter().filter_map(|(_, step, _)| match step {
        Step::Published(outcome, ..) => Some(*outcome),
        Step::Disabled(..) => Some(Outcome::Dead),
        Step::Skipped | Step::Expired | Step::LookAgain | Step::Unread | Step::Waits => None,
    });
    for outcome in outcomes {
        health.published += 1;
        health.dead += usize::from(outcome == Outcome::Dead);
    }
    let removable = health.dead < SUSPICIOUS || health.dead * 4 <= health.published;
    let mut again = Again::default();
    for (platform, step, mut aim) in steps {
        if matches!(step, Step::Unread) {
            again.tried += 1;
            again.pressed += 1;
            again.aims.push(aim);
            continue;
        }
        again.tried += usize::from(!matches!(step, Step::LookAgain));
        // Where there is no device, nothing was tried.
        let Some(platform) = platform else {
            continue;
        };
        let counts = tally.entry(platform).or_default();
        match step {
            Step::Skipped | Step::Unread => {}
            Step::Expired => counts.expired += 1,
            Step::LookAgain => again.aims.push(aim),
            Step::Waits => {
                again.waiting += 1;
                again.aims.push(aim);
            }
            Step::Published(Outcome::Accepted, ..) => {
                counts.accepted += 1;
                if let Some(count) = recipients.get_mut(aim.target) {
                    *count += 1;
                }
            }
            Step::Published(Outcome::Refused, ..) => counts.refused += 1,
            Step::Disabled(..) if removable => {
                counts.retried += 1;
                aim.is_disabled = true;
                again.aims.push(aim);
            }
            Step::Disabled(endpoint, at) => {
                counts.misconfigured += 1;
                aftermath.disabled.push((aim.device, endpoint, at));
            }
            Step::Published(Outcome::Dead, arn, at) if removable => {
                counts.dead += 1;
                let evidence = Evidence::Disabled;
                let dead = DeadEndpoint { arn, at, evidence };
                aftermath.dead.push((platform, aim.device, dead));
            }
            Step::Published(outcome @ (Outcome::Again | Outcome::Gone), ..)
                if outcome == Outcome::Again || aim.attempts < HEALS =>
            {
                counts.retried += 1;
                again.pressed += usize::from(outcome == Outcome::Again);
                aim.attempts += 1;
                again.aims.push(aim);
            }
            Step::Published(
                Outcome::Misconfigured | Outcome::Dead | Outcome::Gone | Outcome::Again,
                ..,
            ) => counts.misconfigured += 1,
        }
    }
    again
}
