//! Erasing a user: what is kept so that the user stays erased.

use crate::{Span, Time};

/// That a user was erased. It outlives every client secret that the user had by then and that lasts as long as such secrets
/// do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Erasure {
    /// When the call arrived: its place in the order of arrival. Earlier registrations no longer bind.
    pub arrived: Time,
    /// Client secrets of the user that were not made after this are refused; whole seconds.
    pub secrets_until: Time,
    /// When it may be forgotten: no such secret is valid any more; whole seconds.
    pub expires: Time,
}

/// `init` runs by another clock than the erasure. A secret that it makes in the seconds after one is refused as well.
const CLOCKS_DIFFER: Span = Span::from_seconds(5);
/// It is kept for so long after the last secret has expired.
const MARGIN: Span = Span::from_seconds(3600);

impl Erasure {
    /// The erasure that is carried out now, where client secrets last for `secret_life`.
    #[must_use]
    pub fn new(now: Time, arrived: Time, secret_life: Span) -> Self {
        let secrets_until = Time::from_seconds((now.max(arrived) + CLOCKS_DIFFER).seconds());
        Self {
            arrived,
            secrets_until,
            expires: secrets_until + secret_life + MARGIN,
        }
    }

    /// Whether it arrived after a registration that arrived then, or in the same millisecond.
    #[must_use]
    pub fn overtakes(&self, registration: Time) -> bool {
        self.arrived >= registration
    }

    /// Whether it refuses a client secret that was made then. `None` is a secret that was not made for a user.
    #[must_use]
    pub fn refuses(&self, issued: Option<Time>) -> bool {
        issued.is_some_and(|issued| issued <= self.secrets_until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_overtakes_what_came_before_and_refuses_older_secrets() {
        let now = Time::from_millis(1_700_000_000_700);
        let erasure = Erasure::new(now, now, Span::from_days(1));
        let second = Time::from_seconds(1_700_000_000);
        assert_eq!(erasure.secrets_until, second + Span::from_seconds(5));
        assert_eq!(
            erasure.expires,
            second + Span::from_seconds(5 + 86_400 + 3600)
        );
        assert!(erasure.overtakes(now));
        assert!(!erasure.overtakes(now + Span::from_millis(1)));
        assert!(erasure.refuses(Some(second + Span::from_seconds(5))));
        assert!(!erasure.refuses(Some(second + Span::from_seconds(6))));
        assert!(!erasure.refuses(None));
    }
}
