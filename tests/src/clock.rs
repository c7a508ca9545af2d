//! Moments as milliseconds since 1970, the way answers and pushes write them.

use std::time::{SystemTime, UNIX_EPOCH};

/// The machine's own time, from which that of a local server starts.
///
/// # Panics
/// It is before 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "what a client observes is compared with what the server notes by the same clock"
)]
#[must_use]
pub fn machine() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    u64::try_from(since.expect("after 1970").as_millis()).expect("before the end of time")
}

/// The moment that a text like `2026-05-20T11:42:11.007Z` means, with or without its milliseconds.
pub(crate) fn parsed(text: &str) -> u64 {
    let number = |part: &str| part.parse::<u64>().expect("a number in a moment");
    let (date, time) = text
        .trim_end_matches('Z')
        .split_once('T')
        .expect("a date and a time");
    let date: Vec<u64> = date.split('-').map(number).collect();
    let (time, millis) = time.split_once('.').unwrap_or((time, "0"));
    let seconds = time.split(':').fold(0, |sum, part| sum * 60 + number(part));
    let [year, month, day] = date[..] else {
        panic!("not a date: {text}")
    };
    // Years that begin in March have their leap day at the end.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
    ((days - 719_468) * 86_400 + seconds) * 1000 + number(millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_read_as_it_is_written() {
        assert_eq!(parsed("1970-01-01T00:00:00Z"), 0);
        assert_eq!(parsed("2026-05-20T11:42:11.007Z"), 1_779_277_331_007);
        assert_eq!(parsed("2024-02-29T23:59:59Z"), 1_709_251_199_000);
        assert_eq!(parsed("2100-03-01T00:00:00.500Z"), 4_107_542_400_500);
    }
}
