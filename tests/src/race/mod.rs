//! Races for real: random histories of many clients that fight over the same phones, over HTTP, and whether what they,
//! the phones and the table saw keeps the promises.

mod chance;
mod client;
mod event;
mod judge;
mod ledger;
mod plan;
mod random;
mod scene;
mod shrink;

use crate::story::Place;
use event::{Record, Violation};
use futures_util::future::try_join_all;
use judge::judge;
use plan::{CLIENTS, LEASE_DAYS, Plan};
use scene::Stage;
use shrink::{shrunk, tried};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long, and what.
#[derive(Clone, Debug)]
pub struct Race {
    /// At least so many requests are made.
    pub requests: usize,
    /// It goes on for so long, however many requests that are.
    pub minutes: u64,
    /// The first history; each further one has the next number. A random one where none is given.
    pub seed: Option<u64>,
}

/// What a race came to.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// The seed of the first history.
    pub first: u64,
    /// How many histories were played.
    pub histories: usize,
    /// Requests that clients made.
    pub requests: usize,
    /// How many of them were answered 503.
    pub unavailable: usize,
    /// Registrations, logouts and reads that did what was asked for.
    pub done: usize,
    /// Pushes that landed.
    pub pushes: usize,
    /// Moments at which all was quiet and the table was looked at.
    pub quiets: usize,
    /// How long it took.
    pub took: Duration,
}

/// So many histories are played at the same time, each on a server of its own: in each there is much waiting.
const LANES: usize = 3;
/// Histories on one server: its clock goes forward by some months in each of them.
const SERVED: usize = 25;
/// How long a history that broke a promise is made smaller.
const SHRINKING: Duration = Duration::from_mins(5);
/// So often a history that is asked for by its seed is played.
const REPEATS: usize = 10;

impl Race {
    /// `USERPUSH_RACE_REQUESTS` (default 2,000), `USERPUSH_RACE_MINUTES`, and `USERPUSH_RACE_SEED`, which plays the
    /// history of that seed alone, ten times.
    ///
    /// # Panics
    /// One of them is set and no number.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "the settings of the race are read here only"
    )]
    pub fn from_environment() -> Self {
        let number = |name: &str| {
            let text = std::env::var(name).ok().filter(|text| !text.is_empty());
            text.map(|text| text.parse::<u64>().expect(name))
        };
        let requests = number("USERPUSH_RACE_REQUESTS").unwrap_or(2_000);
        Self {
            requests: usize::try_from(requests).expect("so many requests"),
            minutes: number("USERPUSH_RACE_MINUTES").unwrap_or_default(),
            seed: number("USERPUSH_RACE_SEED"),
        }
    }

    /// Plays histories and judges each.
    ///
    /// # Errors
    /// The first history that broke a promise, made smaller, with its seed and how it did; or too many 503s.
    pub async fn run(&self, place: &Place) -> Result<Outcome, String> {
        if let Some(seed) = self.seed {
            return repeated(place, seed).await;
        }
        let first = u64::from(u32::from_le_bytes(entropy()));
        let begun = Instant::now();
        let outcome = Mutex::new(Outcome {
            first,
            ..Outcome::default()
        });
        let next = AtomicU64::new(first);
        // A sweep goes by the clock of its own server: on a table that servers share there may be only one.
        let lanes = if place.has_dynamodb() { 1 } else { LANES };
        let broken = AtomicBool::new(false);
        let lanes = (0..lanes).map(|_| self.lane(place, begun, &outcome, &next, &broken));
        try_join_all(lanes).await?;
        let outcome = outcome.into_inner().unwrap_or_else(PoisonError::into_inner);
        if outcome.unavailable * 100 > outcome.requests {
            return Err(format!(
                "more than 1 in 100 requests was answered 503: {outcome}"
            ));
        }
        Ok(outcome)
    }

    /// One history after another, until there were enough of them.
    async fn lane(
        &self,
        place: &Place,
        begun: Instant,
        outcome: &Mutex<Outcome>,
        next: &AtomicU64,
        broken: &AtomicBool,
    ) -> Result<(), String> {
        let so_far = || outcome.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let mut stage = stage(place).await;
            for _ in 0..SERVED {
                let time = begun.elapsed();
                if broken.load(Ordering::Relaxed) {
                    return Ok(());
                }
                if so_far().requests >= self.requests && time.as_secs() >= self.minutes * 60 {
                    return Ok(());
                }
                let seed = next.fetch_add(1, Ordering::Relaxed);
                let plan = Plan::random(seed);
                let played = stage.play(&plan).await;
                let judged = played.and_then(|record| judge(&record).map(|()| record));
                match judged {
                    Ok(record) => {
                        let mut outcome = so_far();
                        outcome.add(&record);
                        outcome.took = begun.elapsed();
                        println!("seed {seed}: {outcome}");
                    }
                    Err(_) if broken.swap(true, Ordering::Relaxed) => return Ok(()),
                    Err(violation) => {
                        println!("seed {seed}: {}; making it smaller", violation.promise);
                        return Err(smallest(&mut stage, plan, violation).await);
                    }
                }
            }
        }
    }
}

/// The history of one seed, again and again.
async fn repeated(place: &Place, seed: u64) -> Result<Outcome, String> {
    let mut stage = stage(place).await;
    let plan = Plan::random(seed);
    if let Some(violation) = tried(&mut stage, &plan, REPEATS, None).await {
        let (plan, violation) = shrunk(&mut stage, plan, violation, SHRINKING).await;
        return Err(format!(
            "{}\n{}\n\n{plan}",
            violation.promise, violation.how
        ));
    }
    Ok(Outcome {
        first: seed,
        histories: REPEATS,
        requests: REPEATS * plan.requests(),
        ..Outcome::default()
    })
}

/// The violation, with the smallest history that was found to show it.
async fn smallest(stage: &mut Stage, plan: Plan, violation: Violation) -> String {
    let (plan, violation) = shrunk(stage, plan, violation, SHRINKING).await;
    format!("{}\n{}\n\n{plan}", violation.promise, violation.how)
}

async fn stage(place: &Place) -> Stage {
    let lease = format!("BindingLeaseDays={LEASE_DAYS}");
    Stage::new(place.own(&[&lease, "MessageRetentionDays=1"]).await)
}

fn entropy<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system has randomness");
    bytes
}

impl Outcome {
    fn add(&mut self, record: &Record) {
        self.histories += 1;
        self.requests += record.events.len();
        self.unavailable += record
            .events
            .iter()
            .filter(|event| event.status == 503)
            .count();
        self.done += record.events.iter().filter(|event| event.done()).count();
        self.pushes += record.landed.len();
        self.quiets += record.quiets.len();
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} requests by {CLIENTS} clients each in {} histories from seed {}: {} did what was asked, {} answered 503, {} pushes, {} quiet moments, {} s",
            self.requests,
            self.histories,
            self.first,
            self.done,
            self.unavailable,
            self.pushes,
            self.quiets,
            self.took.as_secs()
        )
    }
}
