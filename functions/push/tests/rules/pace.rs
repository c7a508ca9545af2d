//! Workers that share a pace, simulated with the real rule: how much they publish, and when.

use push::pace::{Audience, Pace, Turns};
use push::{Span, Time};
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::time::Duration;

/// What the table and SNS take to answer.
const READ: Duration = Duration::from_millis(10);
const WRITE: Duration = Duration::from_millis(8);
const PUBLISH: Duration = Duration::from_millis(30);
/// A worker notes how far it is after this number of devices.
const PAGE: usize = 100;
const SECOND: Duration = Duration::from_secs(1);
const EPOCH: Duration = Duration::from_secs(1_000_000);

#[derive(Clone)]
struct Worker {
    audience: Audience,
    /// How far its clock is ahead.
    ahead: Duration,
    /// Devices that it has still to publish to.
    left: usize,
    held: Option<Turns>,
    /// Those of the slot after.
    then: Option<Turns>,
    /// When its last page is noted.
    ready: Duration,
    published: Vec<Duration>,
}

/// Workers, and the moment that they share.
struct Stage {
    pace: Pace,
    next: Option<Duration>,
    workers: Vec<Worker>,
    /// When each of them goes on.
    due: BinaryHeap<Reverse<(Duration, usize)>>,
    random: u64,
}

fn worker(audience: Audience, left: usize) -> Worker {
    Worker {
        audience,
        ahead: Duration::ZERO,
        left,
        held: None,
        then: None,
        ready: Duration::ZERO,
        published: Vec::new(),
    }
}

fn broadcasters(count: usize, left: usize) -> Vec<Worker> {
    vec![worker(Audience::Found, left); count]
}

impl Stage {
    /// All workers begin within a tenth of a second, but those that begin at a moment of their own.
    fn run(per_second: u32, workers: Vec<Worker>, begins: &[(usize, Duration)]) -> Vec<Worker> {
        let mut stage = Self {
            pace: Pace::new(per_second),
            next: None,
            due: BinaryHeap::new(),
            random: 1,
            workers,
        };
        for worker in 0..stage.workers.len() {
            let own = begins.iter().find(|(other, _)| *other == worker);
            let begin = own.map_or_else(|| stage.chance(100), |(_, begin)| *begin);
            stage.due.push(Reverse((EPOCH + begin, worker)));
        }
        while let Some(Reverse((now, n))) = stage.due.pop() {
            if let Some(then) = stage.step(now, n) {
                stage.due.push(Reverse((then, n)));
            }
        }
        stage.workers
    }

    /// Less than this number of milliseconds.
    fn chance(&mut self, millis: u64) -> Duration {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005);
        self.random = self.random.wrapping_add(1);
        Duration::from_micros((self.random >> 33) % (millis * 1000))
    }

    /// The worker asks for a slot, or publishes a page in the one that it has; when it goes on.
    fn step(&mut self, now: Duration, n: usize) -> Option<Duration> {
        let worker = &mut self.workers[n];
        let Some(mut turns) = worker.held.take().or_else(|| worker.then.take()) else {
            return Some(match self.reserve(now, n) {
                Ok(turns) => {
                    self.workers[n].held = Some(turns);
                    now + WRITE
                }
                Err(opens) => opens.max(now) + self.chance(1000),
            });
        };
        let due = worker.ready.max(turns.from().saturating_sub(worker.ahead));
        if due > now {
            worker.held = Some(turns);
            return Some(due);
        }
        let read = now + READ + READ;
        let mut last = read;
        for _ in 0..PAGE.min(worker.left) {
            let Some(turn) = turns.take(clock(read + worker.ahead)) else {
                break;
            };
            // A timer wakes up late by as much as a millisecond.
            let late = Duration::from_micros(worker.left as u64 % 1000);
            last = read.max(turn.saturating_sub(worker.ahead)) + late;
            worker.published.push(last);
            worker.left -= 1;
        }
        worker.ready = last + PUBLISH + WRITE;
        if worker.left == 0 {
            return None;
        }
        let more = turns.left(clock(last + worker.ahead));
        if worker.audience == Audience::Named
            && worker.then.is_none()
            && worker.left > more as usize
        {
            let then = self.reserve(now, n).ok();
            self.workers[n].then = then;
        }
        if more == 0 {
            // It asks for the next slot while the last answers arrive.
            return Some(last);
        }
        self.workers[n].held = Some(turns);
        Some(self.workers[n].ready)
    }

    /// The turns that the worker gets. Else when it may ask again.
    fn reserve(&mut self, now: Duration, n: usize) -> Result<Turns, Duration> {
        let worker = &self.workers[n];
        let turns = self.pace.share(worker.audience, Some(worker.left));
        let asked = clock(now + worker.ahead);
        let length = self.pace.span(turns);
        let slot = Pace::reserve(self.next, asked, worker.audience.ahead(), length);
        let slot = slot
            .map_err(|opens| Duration::from_millis(opens.millis()).saturating_sub(worker.ahead))?;
        self.next = Some(slot.until);
        Ok(slot.turns(turns))
    }
}

fn clock(now: Duration) -> Time {
    Time::default() + Span::from_millis(u64::try_from(now.as_millis()).unwrap())
}

/// When all of them published, in order.
fn all(workers: &[Worker]) -> Vec<Duration> {
    let mut all: Vec<_> = workers
        .iter()
        .flat_map(|worker| worker.published.clone())
        .collect();
    all.sort_unstable();
    all
}

/// The most that any window of this length holds, its beginning included and its end not.
fn most_within(times: &[Duration], window: Duration) -> usize {
    let mut begin = 0;
    let mut most = 0;
    for (n, time) in times.iter().enumerate() {
        while time.saturating_sub(times[begin]) >= window {
            begin += 1;
        }
        most = most.max(n + 1 - begin);
    }
    most
}

/// How many thousandths of the pace are used by the first nine tenths of the publishes.
fn used(times: &[Duration], per_second: u32) -> u128 {
    let times = &times[..times.len() * 9 / 10];
    let span = times[times.len() - 1].saturating_sub(times[0]);
    let publishes = u128::try_from(times.len()).unwrap();
    publishes * 1_000_000_000 / span.as_micros() / u128::from(per_second)
}

/// From this moment to the last publish, in milliseconds.
fn took(worker: &Worker, begin: Duration) -> u128 {
    let last = worker.published.last().unwrap();
    last.saturating_sub(EPOCH + begin).as_millis()
}

#[test]
fn any_number_of_workers_keeps_the_pace_and_uses_it_up() {
    for workers in [1, 2, 10, 50] {
        let devices = 20_000 / workers;
        let times = all(&Stage::run(240, broadcasters(workers, devices), &[]));
        assert_eq!(times.len(), devices * workers);
        let (second, tenth) = (
            most_within(&times, SECOND),
            most_within(&times, SECOND / 10),
        );
        let used = used(&times, 240);
        println!(
            "{workers} workers: {second} in a second, {tenth} in a tenth, {used} ‰ of the pace"
        );
        assert!(second <= 241, "{workers} workers: {second} in a second");
        assert!(
            tenth <= 27,
            "{workers} workers: {tenth} in a tenth of a second"
        );
        assert!(used > 930, "{workers} workers: {used} ‰ of the pace");
    }
}

/// By a number of workers that fits each quota: one of them makes about 1,000 publishes a second.
#[test]
fn a_large_send_takes_what_the_quota_takes_and_a_tenth_at_most() {
    for (quota, workers) in [(240, 10), (1200, 10), (7200, 20), (24_000, 50)] {
        let times = all(&Stage::run(
            quota,
            broadcasters(workers, 20 * quota as usize / workers),
            &[],
        ));
        let used = used(&times, quota);
        let second = most_within(&times, SECOND);
        println!("{quota} a second: {used} ‰ of it, {second} in a second");
        assert!(used > 970, "{quota}: {used} ‰");
        assert!(second <= quota as usize * 11 / 10, "{quota}: {second}");
    }
}

#[test]
fn clocks_that_are_apart_stay_within_a_tenth_of_the_pace() {
    let mut workers = broadcasters(10, 2000);
    for worker in workers.iter_mut().step_by(2) {
        worker.ahead = Duration::from_millis(50);
    }
    let times = all(&Stage::run(240, workers, &[]));
    let second = most_within(&times, SECOND);
    println!("clocks apart: {second} in a second");
    assert!(second <= 264, "{second} in a second");
}

#[test]
fn a_job_that_names_somebody_gets_its_turn_beside_ten_that_do_not() {
    for (users, most) in [(101, 1600), (500, 3300)] {
        for begin in 0..20 {
            let mut workers = broadcasters(10, 2000);
            workers.push(worker(Audience::Named, users));
            let begin = Duration::from_secs(20) + Duration::from_millis(begin * 37);
            let done = Stage::run(240, workers, &[(10, begin)]);
            let took = took(&done[10], begin);
            let second = most_within(&all(&done), SECOND);
            assert!(took < most, "{users} users: {took} ms");
            assert!(second <= 241, "{second} in a second");
        }
    }
}

#[test]
fn a_job_of_500_users_alone_is_done_within_three_seconds() {
    let done = Stage::run(240, vec![worker(Audience::Named, 500)], &[]);
    let took = took(&done[0], Duration::ZERO);
    assert!(took < 2500, "{took} ms");
}

#[test]
fn no_slot_overlaps_another_whoever_reserves_them() {
    let pace = Pace::new(240);
    let (mut next, mut begins) = (None, BTreeSet::new());
    let mut random = 7_u64;
    for ask in 0..10_000_u64 {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let now = Time::from_millis(1_000_000 + ask * 40 + (random >> 33) % 50);
        let audience = [Audience::Named, Audience::Found][usize::from(!random.is_multiple_of(3))];
        let turns = pace.share(audience, Some((random >> 40) as usize % 300));
        if let Ok(slot) = Pace::reserve(next, now, audience.ahead(), pace.span(turns)) {
            assert!(next.is_none_or(|next| slot.from >= next));
            assert!(begins.insert(slot.from));
            next = Some(slot.until);
        }
    }
    assert!(begins.len() > 500, "{}", begins.len());
}
