//! How fast to publish: so many a second, in every second, whatever the timers do.

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

    proptest! {
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
