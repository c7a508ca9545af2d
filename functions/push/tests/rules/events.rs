//! What a change is to webhooks.

use push::change::{Action, Case, Change};
use push::device::{Binding, Device, Policy, Record, State, Version};
use push::event::{Event, Reason, What};
use push::logout::LogoutMarkers;
use push::subscription::{Subscription, Subscriptions, Tags, Way, Wish, decide};
use push::{Caller, DeviceId, Platform, Span, TagId, TagName, Time, Token, UserId};

const NOW: Time = Time::from_seconds(1_800_000_000);
const DAY: Span = Span::from_days(1);

fn policy() -> Policy {
    crate::policy(Span::from_days(270))
}

fn id() -> DeviceId {
    DeviceId::parse("D1").unwrap()
}

fn user(name: &str) -> UserId {
    UserId::parse(name).unwrap()
}

/// The item of a device of a user, or of nobody, with a token of this letter.
fn live(owner: Option<&str>, letter: &str) -> Record {
    let lease = NOW + DAY;
    let device = Device {
        binding: owner.map(|owner| Binding {
            user: user(owner),
            lease,
        }),
        token: Token::parse(Platform::Apns, &letter.repeat(64)).unwrap(),
        endpoint: "arn".to_owned(),
        checked: NOW,
        revived: None,
        created: NOW,
        updated: NOW,
        since: NOW,
        subscriptions: Subscriptions::default(),
    };
    Record {
        version: Version([1; 16]),
        place: NOW,
        expires: lease,
        logouts: LogoutMarkers::default(),
        state: State::Live(device),
    }
}

fn ended() -> Record {
    Record::tombstone(NOW, NOW, Version([2; 16]), LogoutMarkers::default(), None)
}

/// What becomes of one device.
fn of(before: Option<&Record>, after: Record, now: Time) -> Vec<(What, Option<UserId>)> {
    let id = id();
    let put = Action::PutDevice {
        id: id.clone(),
        record: after,
        seen: before.map(|record| record.version),
    };
    let change = Change {
        case: Case::Renewal,
        actions: vec![put],
    };
    let before: Vec<_> = before.map(|record| (&id, record)).into_iter().collect();
    let events = Event::of_change(now, &change, None, &before, &policy());
    let part = |event: Event| {
        assert_eq!((&event.device, event.platform), (&id, Platform::Apns));
        (event.what, event.user)
    };
    events.into_iter().map(part).collect()
}

#[test]
fn a_change_is_told_by_what_it_makes_of_a_device() {
    let alice = Some(user("alice"));
    let owned = live(Some("alice"), "a");
    for (before, after, expected) in [
        (None, owned.clone(), Some((What::Registered, alice.clone()))),
        (
            Some(ended()),
            owned.clone(),
            Some((What::Registered, alice.clone())),
        ),
        (None, live(None, "a"), Some((What::Registered, None))),
        (Some(owned.clone()), owned.clone(), None),
        (
            Some(owned.clone()),
            live(Some("alice"), "b"),
            Some((What::Updated, alice.clone())),
        ),
        (
            Some(owned.clone()),
            live(Some("bob"), "a"),
            Some((What::Updated, Some(user("bob")))),
        ),
        (
            Some(owned.clone()),
            live(None, "a"),
            Some((What::Updated, None)),
        ),
        (
            Some(owned.clone()),
            ended(),
            Some((What::Unregistered(Reason::OwnerChange), alice)),
        ),
        (
            Some(live(None, "a")),
            ended(),
            Some((What::Unregistered(Reason::Reinstall), None)),
        ),
        (Some(ended()), ended(), None),
        (None, ended(), None),
    ] {
        let events = of(before.as_ref(), after, NOW);
        assert_eq!(events, Vec::from_iter(expected));
    }
    // What has expired was no device any more.
    let late = NOW + DAY;
    assert_eq!(of(Some(&owned), ended(), late), []);
    let again = of(Some(&owned), live(None, "a"), late);
    assert_eq!(again, [(What::Registered, None)]);
}

#[test]
fn the_end_of_a_device_has_its_reason() {
    let (alice, bob) = (user("alice"), user("bob"));
    let reason = |case, owner: Option<&str>, registrant: Option<&UserId>| {
        let (id, before) = (id(), live(owner, "a"));
        let put = Action::PutDevice {
            id: id.clone(),
            record: ended(),
            seen: Some(before.version),
        };
        let change = Change {
            case,
            actions: vec![put],
        };
        let events = Event::of_change(NOW, &change, registrant, &[(&id, &before)], &policy());
        let [
            Event {
                what: What::Unregistered(reason),
                ..
            },
        ] = events[..]
        else {
            panic!("{events:?}");
        };
        reason
    };
    for (case, expected) in [
        (Case::Unregister, Reason::Logout),
        (Case::Removal, Reason::DeadToken),
        (Case::Eviction, Reason::Surplus),
        (Case::Erasure, Reason::Erased),
    ] {
        assert_eq!(reason(case, Some("alice"), None), expected);
        assert_eq!(reason(case, None, None), expected);
    }
    for case in [
        Case::Reinstall,
        Case::OwnerChangeAndReinstall,
        Case::Overtaken,
    ] {
        for (owner, registrant, expected) in [
            (Some("alice"), Some(&alice), Reason::Reinstall),
            (None, None, Reason::Reinstall),
            (Some("alice"), Some(&bob), Reason::OwnerChange),
            (Some("alice"), None, Reason::OwnerChange),
            (None, Some(&alice), Reason::OwnerChange),
        ] {
            assert_eq!(reason(case, owner, registrant), expected, "{case:?}");
        }
    }
}

#[test]
fn a_wish_that_a_later_call_has_overtaken_is_no_event() {
    let names = ["a", "b", "c"].map(|name| TagName::parse(name).unwrap());
    let tags: Tags = names
        .iter()
        .map(|name| (name.clone(), TagId([7; 16])))
        .collect();
    let mut record = live(None, "a");
    let State::Live(device) = &mut record.state else {
        unreachable!();
    };
    let second = Span::from_seconds(1);
    device.since = NOW - DAY;
    let subscription = |arrived| Subscription {
        tag: TagId([7; 16]),
        arrived,
    };
    let on = [(0, NOW - second), (1, NOW + second)];
    let on = on.map(|(n, arrived)| (names[n].clone(), subscription(arrived)));
    device.subscriptions.on = on.into();
    device.subscriptions.off = [(names[2].clone(), NOW + second)].into();
    let told = |way| {
        let wish = Wish {
            way,
            names: &names,
            caller: &Caller::Nobody,
            arrived: NOW,
        };
        let id = id();
        let found = (&id, Some(&record));
        let outcome = decide(NOW, found, wish, &tags, Version([3; 16]), &policy()).unwrap();
        let events = Event::of_subscribing(NOW, found, &outcome, &policy());
        events
            .into_iter()
            .map(|event| event.what)
            .collect::<Vec<_>>()
    };
    // The first it had already; the third was let go of later.
    assert_eq!(told(Way::On), []);
    // The second was subscribed to later.
    assert_eq!(told(Way::Off), [What::Unsubscribed(names[0].clone())]);
}
