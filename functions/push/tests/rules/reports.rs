//! What a report of a device comes to, by what it has reported before.

use crate::{device_record, token};
use push::device::{Policy, Record};
use push::report::{News, Report, decide};
use push::{Caller, Denial, Platform, Refusal, Span, Time, UserId};

const NOW: Time = Time::from_seconds(1_800_000_000);

fn policy() -> Policy {
    crate::policy(Span::from_days(10))
}

fn alice() -> UserId {
    UserId::parse("alice").unwrap()
}

/// A device that was registered that long ago, for alice or for nobody.
fn record(owner: Option<UserId>, ago: Span) -> Record {
    device_record(owner, token("a"), NOW - ago, &policy())
}

#[test]
fn a_report_counts_what_was_not_said_before() {
    use Report::{Opened, Seen};
    let record = record(Some(alice()), Span::from_days(1));
    let caller = Caller::Provisioned;
    for (before, report, expected) in [
        (None, Seen, Some((1, 0))),
        (None, Opened, Some((1, 1))),
        (Some(Seen), Seen, None),
        (Some(Seen), Opened, Some((0, 1))),
        (Some(Opened), Seen, None),
        (Some(Opened), Opened, None),
    ] {
        let news = decide(NOW, Some(&record), before, report, &caller, &policy());
        let expected = expected.map(|(seen, opened)| News {
            seen,
            opened,
            owner: Some(alice()),
            platform: Platform::Fcm,
        });
        assert_eq!(news, Ok(expected), "{before:?} {report:?}");
    }
}

#[test]
fn the_owner_is_whoever_the_device_belongs_to_now() {
    let opened = |record: &Record, caller: &Caller| {
        decide(NOW, Some(record), None, Report::Opened, caller, &policy())
            .map(|news| news.unwrap().owner)
    };
    let (day, lease) = (Span::from_days(1), Span::from_days(10));
    let nobodys = record(None, day);
    assert_eq!(opened(&nobodys, &Caller::Nobody), Ok(None));
    // At the end of the lease it is nobody's, and everybody reports.
    let last = record(Some(alice()), Span::from_seconds(10 * 86_400 - 1));
    let missing = Err(Refusal::Unauthorized(Denial::Missing));
    assert_eq!(opened(&last, &Caller::Nobody), missing);
    assert_eq!(opened(&last, &Caller::Backend), Ok(Some(alice())));
    let over = record(Some(alice()), lease);
    assert_eq!(opened(&over, &Caller::Nobody), Ok(None));
}

#[test]
fn an_expired_secret_reports_for_its_user_and_for_nobody_else() {
    let secret = |name: &str, expires| Caller::User {
        user: UserId::parse(name).unwrap(),
        issued: NOW - Span::from_days(2),
        expires,
    };
    let record = record(Some(alice()), Span::from_days(1));
    let (day, later) = (Span::from_days(1), NOW + Span::from_seconds(1));
    for (caller, expected) in [
        (secret("alice", later), Ok(Some(alice()))),
        (secret("alice", NOW), Ok(Some(alice()))),
        (secret("alice", NOW - day), Ok(Some(alice()))),
        (secret("bob", later), Err(Refusal::NotFound)),
        (secret("bob", NOW), Err(Refusal::NotFound)),
    ] {
        let news = decide(NOW, Some(&record), None, Report::Seen, &caller, &policy());
        assert_eq!(news.map(|news| news.unwrap().owner), expected, "{caller:?}");
    }
}

#[test]
fn no_device_reports_nothing() {
    for caller in [Caller::Nobody, Caller::Provisioned, Caller::Backend] {
        let news = decide(NOW, None, None, Report::Seen, &caller, &policy());
        assert_eq!(news, Err(Refusal::NotFound));
    }
}
