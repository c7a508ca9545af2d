//! Moments and spans. Nothing here reads a clock.

use std::fmt;
use std::ops::{Add, Sub};

/// A moment, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(u64);

/// A span of time, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(u64);

impl Time {
    /// The moment of an RFC 3339 text in UTC, as [`Display`](fmt::Display) writes it or with a fraction of the second, of
    /// which milliseconds count; nothing where it is none, or before 1970.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
        let number = |text: &str, length: usize| {
            let digits = text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse::<u64>().ok().filter(|_| digits)
        };
        let mut date = date.splitn(3, '-');
        let mut part = |length| number(date.next()?, length);
        let (year, month, day) = (part(4)?, part(2)?, part(2)?);
        let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
        let mut time = time.splitn(3, ':');
        let mut part = || number(time.next()?, 2);
        let (hour, minute, second) = (part()?, part()?, part()?);
        let fraction = number(fraction, fraction.len())
            .and_then(|_| format!("{fraction:0<3}").get(..3)?.parse::<u64>().ok())?;
        if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) {
            return None;
        }
        // Years begin in March here, as in the date of a day.
        let (since_march, year) = if month > 2 {
            (month - 3, year)
        } else {
            (month + 9, year - 1)
        };
        let days = year * 365 + year / 4 - year / 100 + year / 400;
        let days = days + (since_march * 153 + 2) / 5 + day - 1;
        // Days from 0000-03-01 to 1970-01-01.
        let seconds = (days.checked_sub(719_468)? * 24 + hour) * 3600 + minute * 60 + second;
        let parsed = Self::from_millis(seconds * 1000 + fraction);
        // What does not exist, such as a 30 February, does not come back as it was.
        let whole = Self::from_seconds(parsed.seconds()).to_string();
        (whole.trim_end_matches('Z') == text.get(..19)?).then_some(parsed)
    }

    /// So many milliseconds after the epoch.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// So many seconds after the epoch.
    #[must_use]
    pub const fn from_seconds(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub const fn millis(self) -> u64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    #[must_use]
    pub const fn seconds(self) -> u64 {
        self.0 / 1000
    }

    /// Its day in UTC: `2026-05-20`.
    #[must_use]
    pub fn day(self) -> String {
        let (year, month, day) = date(self.seconds() / 86_400);
        format!("{year:04}-{month:02}-{day:02}")
    }

    /// RFC 3339 in UTC with milliseconds: `2026-05-20T11:42:11.007Z`.
    #[must_use]
    pub fn to_millis_text(self) -> String {
        let (whole, millis) = (self.to_string(), self.0 % 1000);
        format!("{}.{millis:03}Z", whole.trim_end_matches('Z'))
    }

    /// How long ago `earlier` was; nothing where it is not earlier.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
}

impl Span {
    /// So many milliseconds.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// So many seconds.
    #[must_use]
    pub const fn from_seconds(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// So many days of 24 hours.
    #[must_use]
    pub const fn from_days(days: u64) -> Self {
        Self::from_seconds(days.saturating_mul(86_400))
    }

    /// The length in milliseconds.
    #[must_use]
    pub const fn millis(self) -> u64 {
        self.0
    }

    /// Half of it, rounded down.
    #[must_use]
    pub const fn half(self) -> Self {
        Self(self.0 / 2)
    }
}

impl Add<Span> for Time {
    type Output = Self;

    fn add(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl Sub<Span> for Time {
    type Output = Self;

    fn sub(self, span: Span) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
}

/// RFC 3339 in UTC with whole seconds: `2026-05-20T11:42:11Z`.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let second = self.seconds() % 86_400;
        write!(
            f,
            "{}T{:02}:{:02}:{:02}Z",
            self.day(),
            second / 3600,
            second / 60 % 60,
            second % 60
        )
    }
}

/// The Gregorian date of a day counted from the epoch. The year is taken to begin in March, so that the leap day is its
/// last one and the lengths of the months before it follow one line.
fn date(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_prints_as_rfc_3339() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_779_277_331, "2026-05-20T11:42:11Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(Time::from_seconds(seconds).to_string(), text);
            assert_eq!(Time::parse(text), Some(Time::from_seconds(seconds)));
        }
    }

    #[test]
    fn a_moment_prints_its_milliseconds_and_is_read_back() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_779_277_331_007, "2026-05-20T11:42:11.007Z"),
            (1_779_277_331_999, "2026-05-20T11:42:11.999Z"),
        ] {
            let time = Time::from_millis(millis);
            assert_eq!(time.to_millis_text(), text);
            assert_eq!(Time::parse(text), Some(time));
        }
    }

    #[test]
    fn a_moment_is_read_to_the_millisecond() {
        let parse = |text| Time::parse(text).map(Time::millis);
        for (text, millis) in [
            ("1970-01-01T00:00:01.5Z", Some(1500)),
            ("1970-01-01T00:00:01.0029Z", Some(1002)),
            ("1970-01-01T00:00:01.123456789Z", Some(1123)),
            ("1970-01-01T00:00:01", None),
            ("1970-01-01T00:00:01+00:00", None),
            ("1970-01-01 00:00:01Z", None),
            ("1969-12-31T23:59:59Z", None),
            ("2026-02-29T00:00:00Z", None),
            ("2026-01-01T24:00:00Z", None),
            ("2026-01-01T00:00:00.Z", None),
            ("2026-13-01T00:00:00Z", None),
            ("2026-1-01T00:00:00Z", None),
            ("2026-01-01T00:00:0éZ", None),
            ("", None),
            ("Z", None),
        ] {
            assert_eq!(parse(text), millis, "{text}");
        }
    }

    #[test]
    fn spans_stop_at_the_ends_of_time() {
        assert_eq!(
            Time::from_seconds(1) - Span::from_days(1),
            Time::from_millis(0)
        );
        assert_eq!(
            Time::from_seconds(1).since(Time::from_seconds(2)),
            Span::default()
        );
        assert_eq!(
            Time::from_millis(u64::MAX) + Span::from_days(1),
            Time::from_millis(u64::MAX)
        );
    }
}
