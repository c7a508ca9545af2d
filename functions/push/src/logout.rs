//! Markers of logouts: what registrations that are still under way must heed.
//!
//! A logout that arrives after a registration counts, even if it is carried out first. So it leaves a marker on the
//! device's item: whose logout it was, and when it arrived.

use crate::token::hex;
use crate::{Span, Time, UserId};
use sha2::{Digest, Sha256};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// A user in an item that may outlive everything else that is known of them: it can be compared, and is not their id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserHash(String);

/// Who is logged out by a call.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LoggedOut {
    /// Everybody: the caller holds a provisioned secret.
    Everybody,
    /// The user whose secret the caller holds.
    User(UserHash),
}

/// The logouts of one device: the latest of each user, and the latest of everybody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogoutMarkers {
    /// When the latest logout of each arrived.
    pub latest: BTreeMap<LoggedOut, Time>,
    /// When the latest logout arrived whose marker had to be dropped. Whose it was is no longer known.
    pub barrier: Option<Time>,
}

/// A marker is of use while a call that arrived before it can still write: [`PATIENCE`](crate::device::PATIENCE), and
/// the minute by which clocks may differ. It is kept a little longer.
const MARKER_LIFE: Span = Span::from_seconds(120);
/// The most markers on one device. The oldest beyond is replaced by the barrier.
const MAX_MARKERS: usize = 32;

impl UserHash {
    /// The first 32 hexadecimal digits of the SHA-256 of the user's id.
    #[must_use]
    pub fn of(user: &UserId) -> Self {
        let digest: [u8; 32] = Sha256::digest(user.as_str()).into();
        let (half, _) = digest.split_at(16);
        Self(hex(half))
    }

    /// Reads the hash as the table holds it. `None` where it is not 32 hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let fits = text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
        fits.then(|| Self(text.to_owned()))
    }

    /// 32 hexadecimal digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl LoggedOut {
    /// What stands for everybody in the table.
    const EVERYBODY: &str = "*";

    /// Reads what the table holds: a user's hash, or `*`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text == Self::EVERYBODY {
            return Some(Self::Everybody);
        }
        UserHash::parse(text).map(Self::User)
    }

    /// A user's hash, or `*`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Everybody => Self::EVERYBODY,
            Self::User(user) => user.as_str(),
        }
    }
}

impl LogoutMarkers {
    /// Whether a logout that concerns `user` arrived after `place`. Any logout concerns an anonymous registration.
    #[must_use]
    pub fn overtakes(&self, user: Option<&UserId>, place: Time) -> bool {
        let user = user.map(UserHash::of);
        let concerns = |who: &LoggedOut| match (who, &user) {
            (LoggedOut::User(who), Some(user)) => who == user,
            (LoggedOut::Everybody, _) | (_, None) => true,
        };
        self.latest
            .iter()
            .any(|(who, arrived)| *arrived > place && concerns(who))
    }

    /// Whether a marker was dropped that might overtake a call from `place`.
    #[must_use]
    pub fn may_have_overtaken(&self, place: Time) -> bool {
        self.barrier.is_some_and(|barrier| barrier > place)
    }

    /// Whether a logout of `who` is marked that did not arrive before `arrived`.
    #[must_use]
    pub fn has(&self, who: &LoggedOut, arrived: Time) -> bool {
        self.latest.get(who).is_some_and(|last| *last >= arrived)
    }

    /// The markers that still count, and that of the logout which arrived at `arrived`.
    #[must_use]
    pub fn with(&self, now: Time, who: LoggedOut, arrived: Time) -> Self {
        let mut markers = self.current(now);
        let last = markers.latest.entry(who).or_default();
        *last = arrived.max(*last);
        let mut newest_first: Vec<_> = markers.latest.into_iter().collect();
        newest_first.sort_by_key(|(_, arrived)| Reverse(*arrived));
        let dropped = newest_first.get(MAX_MARKERS).map(|(_, arrived)| *arrived);
        newest_first.truncate(MAX_MARKERS);
        Self {
            latest: newest_first.into_iter().collect(),
            barrier: markers.barrier.max(dropped),
        }
    }

    /// The markers that still count.
    #[must_use]
    pub fn current(&self, now: Time) -> Self {
        let counts = |arrived: Time| arrived + MARKER_LIFE > now;
        let latest = self.latest.iter().filter(|(_, arrived)| counts(**arrived));
        Self {
            latest: latest.map(|(who, at)| (who.clone(), *at)).collect(),
            barrier: self.barrier.filter(|barrier| counts(*barrier)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time::from_seconds(1_700_000_000);

    fn user(n: u64) -> UserId {
        UserId::parse(&format!("user{n}")).unwrap()
    }

    fn logged_out(n: u64) -> LoggedOut {
        LoggedOut::User(UserHash::of(&user(n)))
    }

    /// So many users log out, a millisecond after each other, the first at `NOW`.
    fn logouts(users: u64) -> LogoutMarkers {
        (0..users).fold(LogoutMarkers::default(), |markers, n| {
            markers.with(NOW, logged_out(n), NOW + Span::from_millis(n))
        })
    }

    #[test]
    fn a_logout_overtakes_its_users_earlier_registrations() {
        let markers = LogoutMarkers::default().with(NOW, logged_out(1), NOW);
        let before = NOW - Span::from_millis(1);
        assert!(markers.overtakes(Some(&user(1)), before));
        assert!(!markers.overtakes(Some(&user(1)), NOW));
        assert!(!markers.overtakes(Some(&user(2)), before));
        assert!(markers.overtakes(None, before));
    }

    #[test]
    fn everybodys_logout_overtakes_all_earlier_registrations() {
        let markers = LogoutMarkers::default().with(NOW, LoggedOut::Everybody, NOW);
        let before = NOW - Span::from_millis(1);
        assert!(markers.overtakes(Some(&user(1)), before));
        assert!(!markers.overtakes(Some(&user(1)), NOW));
    }

    #[test]
    fn a_later_logout_is_not_moved_back_by_an_earlier_one() {
        let earlier = NOW - Span::from_millis(5);
        let markers = LogoutMarkers::default().with(NOW, logged_out(1), NOW).with(
            NOW,
            logged_out(1),
            earlier,
        );
        assert_eq!(markers.latest[&logged_out(1)], NOW);
        assert!(markers.has(&logged_out(1), NOW));
        assert!(!markers.has(&logged_out(1), NOW + Span::from_millis(1)));
    }

    #[test]
    fn the_oldest_of_33_markers_leaves_a_barrier() {
        let all = logouts(32);
        assert_eq!((all.latest.len(), all.barrier), (32, None));
        let more = logouts(34);
        assert_eq!(more.latest.len(), 32);
        assert_eq!(more.barrier, Some(NOW + Span::from_millis(1)));
        assert!(more.may_have_overtaken(NOW));
        assert!(!more.may_have_overtaken(NOW + Span::from_millis(1)));
        assert!(!more.overtakes(Some(&user(0)), Time::default()));
        assert!(more.overtakes(Some(&user(2)), NOW));
    }

    #[test]
    fn markers_and_the_barrier_count_for_two_minutes() {
        let markers = logouts(33);
        let counting = markers.current(NOW + MARKER_LIFE);
        assert_eq!((counting.latest.len(), counting.barrier), (32, None));
        let none = markers.current(NOW + MARKER_LIFE + Span::from_seconds(1));
        assert_eq!(none, LogoutMarkers::default());
    }

    #[test]
    fn a_marker_is_read_back_from_its_text() {
        for who in [LoggedOut::Everybody, logged_out(1)] {
            assert_eq!(LoggedOut::parse(who.as_str()), Some(who));
        }
        for bad in ["", "**", "user1", &"g".repeat(32)] {
            assert_eq!(LoggedOut::parse(bad), None, "{bad}");
        }
    }
}
