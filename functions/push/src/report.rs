//! What a device reports of a message: that it was shown there, and that it was opened.

use crate::device::{Policy, Record};
use crate::subscription::authorise;
use crate::{Caller, Invalid, Platform, Refusal, Time, UserId};

/// How far a message has come on a device; what was opened was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Report {
    /// It was shown.
    Seen,
    /// Its reader has opened it.
    Opened,
}

/// What is new of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    /// How many devices more have seen the message: 1 or 0.
    pub seen: u64,
    /// How many more have opened it.
    pub opened: u64,
    /// Whose the device is.
    pub owner: Option<UserId>,
    /// Its platform.
    pub platform: Platform,
}

impl Report {
    /// The word of the contract, in any letter case.
    ///
    /// # Errors
    /// [`Invalid`] names `status`.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if text.eq_ignore_ascii_case("SEEN") {
            Ok(Self::Seen)
        } else if text.eq_ignore_ascii_case("OPEN") {
            Ok(Self::Opened)
        } else {
            Err(Invalid::new("status", "It is SEEN or OPEN."))
        }
    }

    /// The word of the contract.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Seen => "SEEN",
            Self::Opened => "OPEN",
        }
    }
}

/// What a report comes to, given the device's item and what the device has reported of the message before; nothing where
/// that says as much. The owner's secret reports also when it has expired: an app that was asleep for a day reports with the
/// secret that it has, and all that comes of it is a count and a dismissal on the same person's phones.
///
/// # Errors
/// [`Refusal::NotFound`] where there is no such device or it is another's, [`Refusal::Unauthorized`].
pub fn decide(
    now: Time,
    record: Option<&Record>,
    before: Option<Report>,
    report: Report,
    caller: &Caller,
    policy: &Policy,
) -> Result<Option<News>, Refusal> {
    let device = record.and_then(|record| record.live(now));
    let device = device.ok_or(Refusal::NotFound)?;
    let owner = policy.owner(device, now);
    if !owner.is_some_and(|owner| caller.was(owner)) {
        authorise(now, device, caller, policy)?;
    }
    Ok((before < Some(report)).then(|| News {
        seen: u64::from(before.is_none()),
        opened: u64::from(report == Report::Opened),
        owner: owner.cloned(),
        platform: device.token.platform(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_one_of_two_words_in_any_letter_case() {
        for (text, expected) in [
            ("SEEN", Some(Report::Seen)),
            ("seen", Some(Report::Seen)),
            ("Open", Some(Report::Opened)),
            ("OPENED", None),
            ("", None),
            (" OPEN", None),
        ] {
            assert_eq!(Report::parse(text).ok(), expected, "{text}");
        }
        assert_eq!(Report::parse("x").unwrap_err().parameter(), "status");
        for report in [Report::Seen, Report::Opened] {
            assert_eq!(Report::parse(report.as_str()), Ok(report));
        }
    }
}
