//! How fast to publish, and to make endpoints. All workers share a moment: when the last turn that was reserved is over.

use crate::{Span, Time};
use std::time::Duration;

/// Turns of all workers together. They reserve them in slots, one after another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    per_second: u32,
}

/// A time that belongs to one worker, by the microsecond since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// It begins.
    pub from: Duration,
    /// It is over, and the next one begins.
    pub until: Duration,
}

/// The turns of a slot, spread over it.
#[derive(Clone, Debug)]
pub struct Turns {
    slot: Slot,
    /// No turn is earlier.
    next: Duration,
    left: u32,
    /// The least time between two turns.
    least: Duration,
    /// No turn can be taken later.
    last: Duration,
}

/// What a job sends to, as far as its turns depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Users or devices that it names: it goes before the others.
    Named,
    /// Devices that are found by tags, by platforms, or in all shards.
    Found,
}

/// A slot for a job that names nobody, or for an endpoint, begins within this time.
pub const AHEAD: Span = Span::from_seconds(1);
/// A slot for a job that names users or devices begins within this time.
const NAMED_AHEAD: Span = Span::from_seconds(2);
/// A tenth of a second is reserved at once, within these numbers of turns.
const TURNS: (u32, u32) = (10, 500);
/// No healthy clock reserves so far ahead: what does is not kept to.
pub const FARTHEST: Span = Span::from_seconds(60);
/// Timers wake up late by a millisecond or two. A second of turns is longer by this, or one that begins with late turns
/// could hold too many.
const LATENESS: Duration = Duration::from_millis(20);
/// A turn may be taken after the end of its slot: for this time for each turn of the slot, so that a worker that makes 250
/// publishes a second has its turns at any pace; and at least for this time, so that a slow answer of the table or a slow read
/// of a page does not lose a short slot, and the next one, and so on.
const GRACE: (Duration, Duration) = (Duration::from_millis(4), Duration::from_secs(1));
/// Sends make one endpoint again for this number of registrations that are let in: SNS takes about a fifth more of both
/// than a stack lets in of the first.
const REGISTRATIONS_FOR_A_CREATE: u32 = 5;

impl Audience {
    /// A slot begins within this time.
    #[must_use]
    pub const fn ahead(self) -> Span {
        match self {
            Self::Named => NAMED_AHEAD,
            Self::Found => AHEAD,
        }
    }
}

impl Pace {
    /// A pace of this number of turns a second, and at least one.
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

    /// How many turns a job reserves at once. It is at most what is left, if that is known, and at least one.
    #[must_use]
    pub fn share(self, audience: Audience, left: Option<usize>) -> u32 {
        let (least, most) = TURNS;
        let turns = match audience {
            Audience::Named => self.per_second,
            Audience::Found => self.per_second / 10,
        };
        let left = left.and_then(|left| u32::try_from(left).ok());
        turns.clamp(least, most).min(left.unwrap_or(most)).max(1)
    }

    /// How long these turns take, in whole microseconds.
    #[must_use]
    pub fn span(self, turns: u32) -> Duration {
        let second = u64::try_from((Duration::from_secs(1) + LATENESS).as_micros());
        let micros = second.unwrap_or(u64::MAX).saturating_mul(turns.into());
        Duration::from_micros(micros.div_ceil(self.per_second.into()))
    }

    /// The slot of this length that a worker gets now, where the last slot that was reserved is over at `next`. Its end is
    /// the next `next`. It begins within `ahead`.
    ///
    /// # Errors
    /// When the next slot may be reserved: too many are already.
    pub fn reserve(
        next: Option<Duration>,
        now: Time,
        ahead: Span,
        length: Duration,
    ) -> Result<Slot, Time> {
        let next = next.filter(|next| *next <= since_epoch(now + FARTHEST));
        let from = next.map_or(since_epoch(now), |next| next.max(since_epoch(now)));
        if from > since_epoch(now + ahead) {
            let opens = from.saturating_sub(Duration::from_millis(ahead.millis()));
            let millis = opens.as_micros().div_ceil(1000);
            return Err(Time::from_millis(u64::try_from(millis).unwrap_or(u64::MAX)));
        }
        let until = from + length;
        Ok(Slot { from, until })
    }
}

impl Slot {
    /// This number of turns, spread over the slot.
    #[must_use]
    pub fn turns(self, turns: u32) -> Turns {
        let length = self.until.saturating_sub(self.from);
        Turns {
            slot: self,
            next: self.from,
            left: turns,
            least: length / turns.max(1) / 2,
            last: self.until + (GRACE.0 * turns).max(GRACE.1),
        }
    }
}

impl Turns {
    /// When the slot begins.
    #[must_use]
    pub const fn from(&self) -> Duration {
        self.slot.from
    }

    /// When the slot is over.
    #[must_use]
    pub const fn until(&self) -> Duration {
        self.slot.until
    }

    /// How many turns can be taken yet.
    #[must_use]
    pub fn left(&self, now: Time) -> u32 {
        if since_epoch(now) > self.last {
            0
        } else {
            self.left
        }
    }

    /// Takes a turn, and gives its moment: now or later. Those that are left are spread over what is left of the slot, but
    /// never come more than twice as fast as all of them would.
    pub fn take(&mut self, now: Time) -> Option<Duration> {
        let left = self.left(now);
        if left == 0 {
            return None;
        }
        let turn = self.next.max(since_epoch(now));
        let apart = self.slot.until.saturating_sub(turn) / left;
        self.next = turn + apart.max(self.least);
        self.left = left - 1;
        Some(turn)
    }
}

/// The moment as a length of time.
#[must_use]
pub const fn since_epoch(now: Time) -> Duration {
    Duration::from_millis(now.millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time::from_seconds(1000);

    fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn a_fifth_of_what_registers_is_made_again() {
        for (registrations, creates) in [(1, 1), (4, 1), (9, 1), (10, 2), (25, 5), (10_000, 2000)] {
            let pace = Pace::of_creates(registrations);
            assert_eq!(pace.per_second(), creates, "{registrations}");
        }
        assert_eq!(Pace::new(0).per_second(), 1);
    }

    #[test]
    fn a_slot_is_as_long_as_its_turns_to_the_microsecond() {
        for (per_second, turns, micros) in [
            (5, 1, 204_000),
            (5, 5, 1_020_000),
            (1, 1, 1_020_000),
            // Never shorter than they take.
            (7, 1, 145_715),
            (240, 24, 102_000),
            (9000, 7, 794),
            (1_000_000, 1, 2),
            (1_000_000, 500, 510),
        ] {
            let span = Pace::new(per_second).span(turns);
            assert_eq!(span, Duration::from_micros(micros), "{per_second} {turns}");
        }
    }

    #[test]
    fn a_job_reserves_a_tenth_of_a_second_and_one_that_names_somebody_a_second() {
        use Audience::{Found, Named};
        for (per_second, audience, left, turns) in [
            (240, Found, None, 24),
            (240, Found, Some(23), 23),
            (240, Found, Some(0), 1),
            (2, Found, None, 10),
            (2, Named, Some(500), 10),
            (240, Named, Some(500), 240),
            (240, Named, Some(101), 101),
            (30_000, Found, None, 500),
            (30_000, Named, Some(7000), 500),
        ] {
            let share = Pace::new(per_second).share(audience, left);
            assert_eq!(share, turns, "{per_second} {audience:?} {left:?}");
        }
    }

    #[test]
    fn a_slot_begins_now_or_behind_the_last_one_or_is_refused() {
        let (now, length) = (since_epoch(NOW), millis(204));
        let slot = |from| {
            let until = from + length;
            Ok(Slot { from, until })
        };
        let opens = |after| Err(NOW + Span::from_millis(after));
        for (ahead, most) in [(AHEAD, millis(1000)), (NAMED_AHEAD, millis(2000))] {
            for (next, expected) in [
                (None, slot(now)),
                (Some(now.saturating_sub(millis(1))), slot(now)),
                (Some(now), slot(now)),
                (Some(now + millis(1)), slot(now + millis(1))),
                (Some(now + most), slot(now + most)),
                (Some(now + most + Duration::from_micros(1)), opens(1)),
                (Some(now + most + millis(1)), opens(1)),
                (Some(now + most + millis(4000)), opens(4000)),
                (Some(now + millis(60_000)), opens(60_000 - ahead.millis())),
                (Some(now + millis(60_001)), slot(now)),
            ] {
                assert_eq!(
                    Pace::reserve(next, NOW, ahead, length),
                    expected,
                    "{next:?}"
                );
            }
        }
    }

    /// The turns that are taken at these milliseconds after the slot of 100 ms and four turns begins.
    fn taken(at: &[u64]) -> Vec<Option<u64>> {
        let from = since_epoch(NOW);
        let until = from + millis(100);
        let mut turns = Slot { from, until }.turns(4);
        let take = |at: &u64| turns.take(NOW + Span::from_millis(*at));
        let taken = at.iter().map(take);
        let after = |turn: Duration| u64::try_from(turn.saturating_sub(from).as_millis()).unwrap();
        taken.map(|turn| turn.map(after)).collect()
    }

    #[test]
    fn turns_are_spread_over_what_is_left_of_the_slot() {
        assert_eq!(
            taken(&[0; 5]),
            [Some(0), Some(25), Some(50), Some(75), None]
        );
        assert_eq!(taken(&[40; 4]), [Some(40), Some(55), Some(70), Some(85)]);
        // Never more than twice as fast.
        assert_eq!(taken(&[90; 4]), [Some(90), Some(102), Some(115), Some(127)]);
        // A worker that is slow takes what is left a second longer.
        assert_eq!(
            taken(&[0, 1100, 1100, 1101]),
            [Some(0), Some(1100), Some(1112), None]
        );
    }
}
