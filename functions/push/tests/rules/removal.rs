//! Which device ends because its endpoint is dead, and which one stays.

use crate::{device, device_record, policy, token, user};
use push::change::{Action, Case, Change};
use push::device::{Record, UNKNOWN, Version};
use push::reading::{Renewal, read};
use push::registration::{Assessment, IfAbsent, Look, Registration, Snapshot, assess};
use push::removal::{DeadEndpoint, Evidence, remove, revive};
use push::token_item::TokenItem;
use push::unregistration::{Found, TokenSeen};
use push::{Caller, Span, Time};

const NOW: Time = Time::from_seconds(1_800_000_000);
const DAY: Span = Span::from_days(1);
const VERSION: Version = Version([2; 16]);

/// Alice's device, registered a day ago, when SNS was asked about its endpoint.
fn record() -> Record {
    let policy = policy(Span::from_days(270));
    device_record(Some(user("alice")), token("a"), NOW - DAY, &policy)
}

fn found(record: &Record) -> Found<'_> {
    static ID: std::sync::LazyLock<push::DeviceId> = std::sync::LazyLock::new(|| device("D"));
    Found {
        id: &ID,
        record: Some(record),
        token: TokenSeen::NotRead,
    }
}

fn removed(record: &Record, arn: &str, at: Time, evidence: Evidence) -> Option<Change> {
    let arn = arn.to_owned();
    let dead = DeadEndpoint { arn, at, evidence };
    remove(NOW, found(record), &dead, VERSION)
}

/// The item that the change writes.
fn put(change: &Change) -> Record {
    assert_eq!(change.case, Case::Revival);
    match &change.actions[..] {
        [Action::PutDevice { record, seen, .. }] => {
            assert_eq!(*seen, Some(Version([1; 16])));
            record.clone()
        }
        other => panic!("{other:?}"),
    }
}

/// The device after a publish at this time has found its endpoint disabled, and a send has enabled it then, or has not.
fn disabled(record: &Record, at: Time, revived: Option<Time>) -> Option<Record> {
    revive(NOW, found(record), ("arn:a", at), revived, VERSION).map(|change| put(&change))
}

#[test]
fn a_reported_token_ends_its_device_if_nothing_registered_since() {
    let (record, by) = (record(), Evidence::Reported);
    let change = removed(&record, "arn:a", NOW, by).unwrap();
    assert_eq!(change.actions.len(), 3);
    assert!(
        matches!(&change.actions[0], Action::PutDevice { record, .. } if record.place == NOW - DAY)
    );
    assert_eq!(removed(&record, "arn:b", NOW, by), None);
    let registered = removed(&record, "arn:a", NOW - DAY, by);
    assert_eq!(registered, None, "it was registered at that very moment");
}

#[test]
fn a_disabled_endpoint_ends_its_device_only_after_it_was_enabled_once_more() {
    let (fresh, by) = (record(), Evidence::Disabled);
    assert_eq!(removed(&fresh, "arn:a", NOW, by), None);
    let kept = disabled(&fresh, NOW, None).unwrap();
    assert_eq!(removed(&kept, "arn:a", NOW, by), None, "it was left so");
    let revived = disabled(&fresh, NOW, Some(NOW)).unwrap();
    let old = removed(&revived, "arn:a", NOW, by);
    assert_eq!(old, None, "that publish did not come after it");
    let later = NOW + Span::from_millis(1);
    assert!(removed(&revived, "arn:a", later, by).is_some());
    // It was left disabled first.
    let revived = disabled(&kept_version(kept), NOW, Some(NOW)).unwrap();
    assert!(removed(&revived, "arn:a", later, by).is_some());
}

/// As if it had been read again.
fn kept_version(record: Record) -> Record {
    Record {
        version: Version([1; 16]),
        ..record
    }
}

#[test]
fn a_disabled_endpoint_is_noted_once_and_not_after_sns_was_asked() {
    let fresh = record();
    let asked = disabled(&fresh, NOW - DAY, None);
    assert_eq!(asked, None, "SNS was asked at that very moment");
    let other = revive(NOW, found(&fresh), ("arn:b", NOW), None, VERSION);
    assert_eq!(other, None, "it has another endpoint by now");
    for revived in [None, Some(NOW)] {
        let noted = disabled(&fresh, NOW, revived).unwrap();
        let device = noted.device().unwrap();
        assert_eq!((device.checked, device.revived), (UNKNOWN, revived));
        assert_eq!((noted.place, noted.expires), (fresh.place, fresh.expires));
        let noted = kept_version(noted);
        assert_eq!(disabled(&noted, NOW, revived), None, "{revived:?}");
        assert_eq!(disabled(&noted, NOW, None), None, "{revived:?}");
    }
}

#[test]
fn after_that_the_next_registration_or_reading_of_the_owner_asks_sns() {
    let (fresh, alice) = (record(), user("alice"));
    let policy = policy(Span::from_days(270));
    for (record, asks) in [
        (fresh.clone(), false),
        (disabled(&fresh, NOW, None).unwrap(), true),
        (disabled(&fresh, NOW, Some(NOW)).unwrap(), true),
    ] {
        let snapshot = Snapshot {
            device: Some(record.clone()),
            token: Some(TokenItem {
                version: VERSION,
                device: device("D"),
                place: record.place,
                expires: record.expires,
            }),
            link: Some(NOW + DAY),
            erasure: None,
        };
        let wanted = Registration {
            device: device("D"),
            user: Some(alice.clone()),
            token: token("a"),
            arrived: NOW,
            issued: None,
            if_absent: IfAbsent::Create,
        };
        let assessed = assess(NOW, &snapshot, &wanted, &Caller::Provisioned, &policy).unwrap();
        match assessed {
            Assessment::Unchanged(_) => assert!(!asks),
            Assessment::Binds { look, .. } => assert_eq!((look, asks), (Look::Needed, true)),
            Assessment::Overtaken(_) => panic!("{assessed:?}"),
        }
        let own = Caller::User {
            user: alice.clone(),
            issued: NOW,
            expires: NOW + DAY,
        };
        for (caller, renews) in [(own, asks), (Caller::Provisioned, false)] {
            let reading = read(NOW, Some(&record), &caller, &policy).unwrap();
            assert_eq!(reading.renewal == Renewal::Due, renews);
        }
    }
}
