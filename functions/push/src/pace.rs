//! How fast to publish, and to make endpoints: so many a second, in every second, whatever the timers do.

use crate::{Span, Time};
use std::time::Duration;

/// Turns to publish, each after the one before it. In no second that one could choose are more than `per_second` taken.
#[derive(Clone, Debug)]
pub struct Pace {
    per_second: u32,
    interval: Duration,
    /// When the next turn is, by the caller's clock.
    next: Duration,
}

/// How late a turn may be taken without the later ones being put off: timers wake up late, by a millisecond or two. The
/// interval makes up for it, or a second that begins with late turns could hold too many.
const LATENESS: Duration = Duration::from_millis(20);

impl Pace {
    /// So many turns a second, and at least one.
    #[must_use]
    pub fn new(per_second: u32) -> Self {
        let per_second = per_second.max(1);
        Self {
            per_second,
            interval: (Duration::from_secs(1) + LATENESS) / per_second,
            next: Duration::ZERO,
        }
    }

    /// Turns in a second.
    #[must_use]
    pub const fn per_second(&self) -> u32 {
        self.per_second
    }

    /// Takes the turn that has come. `now` is on any clock that only goes forward, the same in each call.
    ///
    /// # Errors
    /// How long it is until the next turn, where none has come yet.
    pub fn take(&mut self, now: Duration) -> Result<(), Duration> {
        let turn = self.next.max(now.saturating_sub(LATENESS));
        match turn.saturating_sub(now) {
            Duration::ZERO => {
                self.next = turn + self.interval;
                Ok(())
            }
            wait => Err(wait),
        }
    }
}

/// Turns of all workers together, which reserve them one after another by one moment that they share: when the last turn
/// that was reserved is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SharedPace {
    per_second: u32,
}

/// A time of one's own, for the turns that were reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// It begins.
    pub from: Time,
    /// It is over; the next one begins.
    pub until: Time,
}

/// No slot begins further ahead than this.
pub const AHEAD: Span = Span::from_seconds(1);

/// Of so many registrations that are let in, as many endpoints as one are made again by sends: SNS takes about a fifth more
/// of both than a stack lets in of the first.
const REGISTRATIONS_FOR_A_CREATE: u32 = 5;

impl SharedPace {
    /// So many turns a second, and at least one.
    #[must_use]
    pub fn new(per_second: u32) -> Self {
        Self {
            per_second: per_second.max(1),
        }
    }

    /// The pace at which sends make endpoints again, where so many registrations a second are let in. Registrations do not
    /// wait for it.
    #[must_use]
    pub fn of_creates(register_per_second: u32) -> Self {
        Self::new(register_per_second / REGISTRATIONS_FOR_A_CREATE)
    }

    /// Turns in a second.
    #[must_use]
    pub const fn per_second(self) -> u32 {
        self.per_second
    }

    /// How long so many turns take.
    #[must_use]
    pub fn span(self, turns: u32) -> Span {
        let second = Duration::from_secs(1) + LATENESS;
        let millis = u64::try_from(second.as_millis()).unwrap_or(u64::MAX);
        let millis = millis.saturating_mul(turns.into());
        Span::from_millis(millis.div_ceil(self.per_second.into()))
    }

    /// The slot that a worker gets now, for turns that take `span`, where the last one that was reserved is over at `next`;
    /// `until` is the next `next`.
    ///
    /// # Errors
    /// When the next slot may be reserved: too many are already.
    pub fn reserve(next: Option<Time>, now: Time, span: Span) -> Result<Slot, Time> {
        let from = next.map_or(now, |next| next.max(now));
        if from > now + AHEAD {
            return Err(from - AHEAD);
        }
        let until = from + span;
        Ok(Slot { from, until })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// When `turns` turns are taken by a caller that comes back at once and whose timers are late by what `late` says.
    fn taken(pace: &mut Pace, turns: usize, mut late: impl FnMut() -> Duration) -> Vec<Duration> {
        let mut now = Duration::from_secs(1000);
        let mut taken = Vec::with_capacity(turns);
        for _ in 0..turns {
            while let Err(wait) = pace.take(now) {
                now += wait + late();
            }
            taken.push(now);
        }
        taken
    }

    /// The most that any second holds, its beginning included and its end not.
    fn most_in_a_second(times: &[Duration]) -> usize {
        let mut begin = 0;
        let mut most = 0;
        for (n, time) in times.iter().enumerate() {
            while time.saturating_sub(times[begin]) >= SECOND {
                begin += 1;
            }
            most = most.max(n + 1 - begin);
        }
        most
    }

    #[test]
    fn a_caller_that_was_away_does_not_catch_up() {
        let mut pace = Pace::new(10);
        assert_eq!(pace.take(SECOND), Ok(()));
        let long_after = Duration::from_secs(100);
        assert_eq!(pace.take(long_after), Ok(()));
        assert_eq!(pace.take(long_after), Err(Duration::from_millis(82)));
    }

    #[test]
    fn none_a_second_is_one_a_second() {
        assert_eq!(Pace::new(0).per_second(), 1);
    }

    /// A million devices at the quotas of SNS, by as many workers as deliver has at the quota, each with its share.
    #[test]
    fn a_million_devices_take_what_the_quota_takes_and_a_tenth_at_most() {
        for (quota, workers) in [(300, 10), (1500, 10), (9000, 20), (30_000, 50)] {
            let share = quota / workers;
            let devices = 1_000_000 / workers as usize;
            let mut random = 1_u64;
            let mut all: Vec<_> = (0..workers)
                .flat_map(|worker| {
                    let late = || {
                        random = random
                            .wrapping_mul(6_364_136_223_846_793_005)
                            .wrapping_add(1);
                        Duration::from_micros((random >> 33) % 3000)
                    };
                    // They start at different moments of the same second.
                    let begin = Duration::from_millis(u64::from(worker) * 7919 % 1000);
                    let taken = taken(&mut Pace::new(share), devices, late);
                    taken.into_iter().map(move |time| time + begin)
                })
                .collect();
            all.sort_unstable();
            assert!(most_in_a_second(&all) <= quota as usize, "{quota} a second");
            let time = all[all.len() - 1].saturating_sub(all[0]).as_secs_f64();
            let bound = 1_000_000.0 / f64::from(quota);
            println!("{quota} a second: {time:.0} s, the quota's own bound is {bound:.0} s");
            assert!(time <= bound * 1.1, "{quota} a second: {time} s");
            assert!(time >= bound * 0.97, "{quota} a second: {time} s");
        }
    }

    #[test]
    fn a_fifth_of_what_registers_is_made_again() {
        for (registrations, creates) in [(1, 1), (4, 1), (9, 1), (10, 2), (25, 5), (10_000, 2000)] {
            let pace = SharedPace::of_creates(registrations);
            assert_eq!(pace.per_second(), creates, "{registrations}");
        }
    }

    #[test]
    fn a_slot_is_as_long_as_its_turns() {
        let pace = SharedPace::new(5);
        assert_eq!(pace.span(1), Span::from_millis(204));
        assert_eq!(pace.span(5), Span::from_millis(1020));
        assert_eq!(SharedPace::new(0).span(1), Span::from_millis(1020));
        // Never shorter than they take.
        assert_eq!(SharedPace::new(7).span(1), Span::from_millis(146));
        assert_eq!(SharedPace::new(2000).span(1), Span::from_millis(1));
    }

    #[test]
    fn a_slot_begins_now_or_behind_the_last_one_or_is_refused() {
        let (now, span) = (Time::from_seconds(1000), Span::from_millis(204));
        let millis = Span::from_millis;
        let slot = |from: Time| {
            let until = from + span;
            Ok(Slot { from, until })
        };
        for (next, expected) in [
            (None, slot(now)),
            (Some(now - millis(1)), slot(now)),
            (Some(now), slot(now)),
            (Some(now + millis(1)), slot(now + millis(1))),
            (Some(now + AHEAD), slot(now + AHEAD)),
            (Some(now + AHEAD + millis(1)), Err(now + millis(1))),
            (Some(now + millis(5000)), Err(now + millis(4000))),
        ] {
            assert_eq!(SharedPace::reserve(next, now, span), expected, "{next:?}");
        }
    }

    proptest! {
        /// Workers whose clocks are apart, each taking its turn when its own clock says so.
        #[test]
        fn no_second_holds_more_slots_than_the_pace_whoever_reserves(
            per_second in 1_u32..50,
            asks in prop::collection::vec((0_u64..300, 0_u64..50), 1..500),
        ) {
            let span = SharedPace::new(per_second).span(1);
            let (mut clock, mut next, mut taken) = (Time::from_seconds(1000), None, Vec::new());
            for (later, ahead) in asks {
                clock = clock + Span::from_millis(later);
                let now = clock + Span::from_millis(ahead);
                if let Ok(slot) = SharedPace::reserve(next, now, span) {
                    prop_assert!(slot.from >= now && slot.from <= now + AHEAD);
                    prop_assert!(next.is_none_or(|next| slot.from >= next));
                    next = Some(slot.until);
                    taken.push(Duration::from_millis(slot.from.millis()));
                }
            }
            prop_assert!(most_in_a_second(&taken) <= per_second as usize);
        }

        #[test]
        fn no_second_holds_more_than_the_pace(
            per_second in 1_u32..200,
            late in prop::collection::vec(0_u64..500, 1..50),
        ) {
            let mut n = 0;
            let late = || {
                n += 1;
                Duration::from_millis(late[n % late.len()])
            };
            let taken = taken(&mut Pace::new(per_second), 1000, late);
            prop_assert!(most_in_a_second(&taken) <= per_second as usize);
        }
    }
}
