//! What goes out to one device.

use super::fields::Fields;
use crate::{Invalid, Span};

/// A message as the platform's service takes it: nothing is left but to wrap it for whoever carries it there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rendered {
    /// For Apple: a body, and what goes beside it as headers.
    Apns {
        /// The JSON text of the notification.
        payload: String,
        /// `alert`, or `background` for a silent one.
        push_type: &'static str,
        /// 10 at once, or 5 for a silent one: Apple refuses 10 there.
        priority: u8,
        /// 1 to 64 printable ASCII characters: the caller's, or the message id, so that a repeat shows once.
        collapse_id: String,
        /// Seconds that Apple may keep it. With 0 it arrives at once or never.
        time_to_live: Option<u64>,
    },
    /// For Google.
    Fcm {
        /// The JSON text of the `message` object of FCM's HTTP v1 API, without its address: `android` and `data`. The time
        /// to live stands in it too.
        message: String,
        /// Seconds that Google may keep it. With 0 it arrives at once or never.
        time_to_live: Option<u64>,
    },
}

/// The longest that both services keep a message: four weeks, in seconds.
const LONGEST: u64 = 28 * 86_400;

/// The setting `timeToLive` of a platform, in seconds.
pub(super) fn time_to_live(settings: Fields) -> Result<Option<u64>, Invalid> {
    settings.number("timeToLive", 0..=LONGEST)
}

/// The seconds that are left of it so long after acceptance, a begun one counting whole; nothing if it is over. A time of 0
/// is never over here: it says that the platform does not keep the message.
pub(super) fn left(seconds: u64, age: Span) -> Option<u64> {
    let whole = Span::from_seconds(seconds).millis();
    let left = whole.saturating_sub(age.millis()).div_ceil(1000);
    (seconds == 0 || left > 0).then_some(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_that_is_left_counts_from_acceptance() {
        for (seconds, age, expected) in [
            (0, 0, Some(0)),
            (0, 999, Some(0)),
            (0, u64::MAX, Some(0)),
            (1, 999, Some(1)),
            (60, 0, Some(60)),
            (60, 1, Some(60)),
            (60, 59_000, Some(1)),
            (60, 59_999, Some(1)),
            (60, 60_000, None),
            (1, 1000, None),
            (LONGEST, 0, Some(2_419_200)),
            (LONGEST, u64::MAX, None),
        ] {
            assert_eq!(left(seconds, Span::from_millis(age)), expected, "{age}");
        }
    }
}
