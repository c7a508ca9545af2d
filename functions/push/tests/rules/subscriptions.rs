//! Who may subscribe a device, what that changes, and with what a subscription ends.

use crate::device_record;
use push::change::{Action, Case, Change};
use push::device::{Policy, Record, State, Version};
use push::registration::{Further, IfAbsent, Registration, Snapshot};
use push::subscription::{MOST, Outcome, Refused, Subscription, Tags, Way, Wish, decide, read};
use push::unregistration::{Found, TokenSeen, unregister};
use push::{
    Caller, Denial, DeviceId, Platform, Refusal, Span, TagId, TagName, Time, Token, UserId,
};

const NOW: Time = Time::from_seconds(1_800_000_000);
const DAY: Span = Span::from_days(1);

fn policy() -> Policy {
    crate::policy(Span::from_days(10))
}

fn user(name: &str) -> UserId {
    UserId::parse(name).unwrap()
}

fn id() -> DeviceId {
    DeviceId::parse("D").unwrap()
}

fn name(text: &str) -> TagName {
    TagName::parse(text).unwrap()
}

fn names(texts: &[&str]) -> Vec<TagName> {
    texts.iter().map(|text| name(text)).collect()
}

/// Tags of these names, each with the id that its name has here.
fn tags(texts: &[&str]) -> Tags {
    texts.iter().map(|text| (name(text), tag(text))).collect()
}

fn tag(text: &str) -> TagId {
    let mut id = [7; 16];
    id.iter_mut()
        .zip(text.bytes())
        .for_each(|(to, byte)| *to = byte);
    TagId(id)
}

fn token() -> Token {
    Token::parse(Platform::Fcm, &"a".repeat(40)).unwrap()
}

/// A device that came to its owner a day ago, and subscribes to these tags since then.
fn record(owner: Option<&str>, on: &[&str]) -> Record {
    let then = NOW - DAY;
    let subscription = |text: &&str| {
        let subscription = Subscription {
            tag: tag(text),
            arrived: then,
        };
        (name(text), subscription)
    };
    let mut record = device_record(owner.map(user), token(), then, &policy());
    if let State::Live(device) = &mut record.state {
        device.subscriptions.on = on.iter().map(subscription).collect();
    }
    record
}

fn caller(name: &str) -> Caller {
    Caller::User {
        user: user(name),
        issued: NOW,
        expires: NOW + DAY,
    }
}

/// A wish of alice's that arrives now.
fn asked(record: &Record, way: Way, texts: &[&str], tags: &Tags) -> Result<Outcome, Refused> {
    asked_at(NOW, record, way, texts, tags)
}

fn asked_at(
    arrived: Time,
    record: &Record,
    way: Way,
    texts: &[&str],
    tags: &Tags,
) -> Result<Outcome, Refused> {
    let (names, caller) = (names(texts), caller("alice"));
    let wish = Wish {
        way,
        names: &names,
        caller: &caller,
        arrived,
    };
    let found = (&id(), Some(record));
    decide(NOW, found, wish, tags, Version([2; 16]), &policy())
}

/// The device's new item, and which tags' indexes get and lose the device.
fn written(change: &Change) -> (Record, Vec<&str>, Vec<&str>) {
    let (mut record, mut put, mut deleted) = (None, Vec::new(), Vec::new());
    for action in &change.actions {
        match action {
            Action::PutDevice {
                id: device,
                record: new,
                ..
            } if *device == id() => record = Some(new.clone()),
            Action::PutSubscription { tag, expires, .. } => {
                assert_eq!(*expires, record.as_ref().unwrap().expires);
                put.push(tag.as_str());
            }
            Action::DeleteSubscription { tag, .. } => deleted.push(tag.as_str()),
            _ => {}
        }
    }
    (record.unwrap(), put, deleted)
}

fn on(record: &Record) -> Vec<&str> {
    let on = record.device().unwrap().subscriptions.on.keys();
    on.map(TagName::as_str).collect()
}

#[test]
fn who_may_subscribe_a_device_is_as_the_table_says() {
    use Refusal::{NotFound, Unauthorized};
    let expired = |name| Caller::User {
        user: user(name),
        issued: NOW - DAY,
        expires: NOW,
    };
    for (caller, bound) in [
        (Caller::Nobody, Err(Unauthorized(Denial::Missing))),
        (Caller::Provisioned, Ok(())),
        (Caller::Backend, Ok(())),
        (caller("alice"), Ok(())),
        (expired("alice"), Err(Unauthorized(Denial::Expired))),
        (caller("bob"), Err(NotFound)),
        (expired("bob"), Err(NotFound)),
    ] {
        for (owner, expected) in [(Some("alice"), bound), (None, Ok(()))] {
            let record = record(owner, &[]);
            for way in [Way::On, Way::Off] {
                let names = names(&["a"]);
                let wish = Wish {
                    way,
                    names: &names,
                    caller: &caller,
                    arrived: NOW,
                };
                let found = (&id(), Some(&record));
                let version = Version([2; 16]);
                let done = decide(NOW, found, wish, &tags(&["a"]), version, &policy());
                assert_eq!(
                    done.map(|_| ()),
                    expected.map_err(Refused::Caller),
                    "{caller:?} {owner:?}"
                );
                let unknown = decide(NOW, (&id(), None), wish, &tags(&["a"]), version, &policy());
                assert_eq!(unknown, Err(Refused::Caller(NotFound)), "{caller:?}");
            }
            let seen = read(NOW, Some(&record), &caller, &policy());
            assert_eq!(
                seen.map(|_| ()),
                expected.map_err(|_| NotFound),
                "{caller:?} {owner:?}"
            );
        }
    }
}

#[test]
fn each_named_tag_is_new_there_already_or_not_found() {
    let record = record(Some("alice"), &["a", "b"]);
    let known = tags(&["a", "b", "c"]);
    let outcome = asked(&record, Way::On, &["c", "b", "x"], &known).unwrap();
    assert_eq!(
        (&outcome.done, &outcome.already, &outcome.not_found),
        (&names(&["c"]), &names(&["b"]), &names(&["x"]))
    );
    let change = outcome.change.unwrap();
    let (after, put, deleted) = written(&change);
    assert_eq!(
        (on(&after), put, deleted),
        (vec!["a", "b", "c"], vec!["c"], vec![])
    );
    assert_eq!(
        (change.case, after.place, after.version),
        (Case::Subscription, record.place, Version([2; 16]))
    );

    let outcome = asked(
        &after,
        Way::Off,
        &["a", "x", "d"],
        &tags(&["a", "b", "c", "d"]),
    )
    .unwrap();
    assert_eq!(
        (&outcome.done, &outcome.already, &outcome.not_found),
        (&names(&["a"]), &names(&["d"]), &names(&["x"]))
    );
    let change = outcome.change.unwrap();
    let (after, put, deleted) = written(&change);
    assert_eq!(
        (on(&after), put, deleted),
        (vec!["b", "c"], vec![], vec!["a"])
    );

    let nothing = asked(&after, Way::On, &["b", "x"], &known).unwrap();
    assert_eq!((nothing.change, nothing.done), (None, vec![]));
}

#[test]
fn a_device_subscribes_to_forty_tags_and_no_more() {
    let all: Vec<String> = (0..=MOST).map(|n| format!("t{n:02}")).collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let record = record(Some("alice"), &all[..MOST - 1]);
    let (last, beyond) = (&all[MOST - 1..MOST], &all[MOST - 1..]);
    let full = asked(&record, Way::On, last, &tags(&all)).unwrap();
    assert_eq!(full.done, names(last));
    let refused = asked(&record, Way::On, beyond, &tags(&all));
    assert_eq!(refused, Err(Refused::TooMany));
    // A tag that is gone does not count.
    let known = tags(&all[1..]);
    let outcome = asked(&record, Way::On, beyond, &known).unwrap();
    let change = outcome.change.unwrap();
    let (after, put, deleted) = written(&change);
    assert_eq!(
        (on(&after), put, deleted),
        (all[1..].to_vec(), beyond.to_vec(), vec!["t00"])
    );
}

#[test]
fn a_tag_that_was_made_again_is_another_one() {
    let record = record(Some("alice"), &["a"]);
    let again = Tags::from([(name("a"), TagId([9; 16]))]);
    assert!(policy().listens(&record, &tags(&["a"]), NOW).is_some());
    assert!(policy().listens(&record, &again, NOW).is_none());
    let outcome = asked(&record, Way::On, &["a"], &again).unwrap();
    assert_eq!(outcome.done, names(&["a"]));
    let (after, ..) = written(&outcome.change.unwrap());
    assert!(policy().listens(&after, &again, NOW).is_some());
}

#[test]
fn the_later_of_two_calls_counts_whichever_ends_first() {
    let known = tags(&["a"]);
    let at = |n| NOW - Span::from_seconds(10) + Span::from_seconds(n);
    let decided = |record: &Record, n, way| {
        let outcome = asked_at(at(n), record, way, &["a"], &known).unwrap();
        let after = outcome.change.map(|change| written(&change).0);
        (after, outcome.done.len())
    };
    let none = record(Some("alice"), &[]);
    // Unsubscribed later, and answered first.
    let (left, done) = decided(&none, 2, Way::Off);
    assert_eq!(done, 0);
    let left = left.unwrap();
    assert_eq!(decided(&left, 1, Way::On), (None, 1));
    let (on, _) = decided(&left, 3, Way::On);
    let on = on.unwrap();
    assert_eq!(decided(&on, 2, Way::Off), (None, 1));
    assert!(policy().listens(&on, &known, NOW).is_some());
    let (off, done) = decided(&on, 4, Way::Off);
    assert_eq!(
        (policy().listens(&off.unwrap(), &known, NOW), done),
        (None, 1)
    );
    // Before the device came to its owner.
    let early = asked_at(NOW - DAY - DAY, &none, Way::On, &["a"], &known).unwrap();
    assert_eq!((early.change, early.done.len()), (None, 1));
}

#[test]
fn with_the_lease_the_subscriptions_of_its_user_end() {
    let mut lapsed = record(Some("alice"), &["a", "b"]);
    let State::Live(device) = &mut lapsed.state else {
        panic!()
    };
    device.binding.as_mut().unwrap().lease = NOW;
    assert!(
        policy()
            .listens(&lapsed, &tags(&["a"]), NOW - DAY)
            .is_some()
    );
    assert!(policy().listens(&lapsed, &tags(&["a"]), NOW).is_none());
    let outcome = asked(&lapsed, Way::On, &["b"], &tags(&["a", "b"])).unwrap();
    let change = outcome.change.unwrap();
    let (after, put, deleted) = written(&change);
    assert_eq!((on(&after), put, deleted), (vec!["b"], vec![], vec!["a"]));
    let device = after.device().unwrap();
    assert_eq!((&device.binding, device.since), (&None, NOW));
    let unlinked = Action::DeleteLink {
        user: user("alice"),
        device: id(),
    };
    assert!(change.actions.contains(&unlinked));
}

/// What a registration for this user makes, at that time, of a device of alice's that subscribes to two tags.
fn registered(now: Time, owner: Option<&str>) -> (Record, usize, Vec<TagName>) {
    let snapshot = Snapshot {
        device: Some(record(Some("alice"), &["a", "b"])),
        ..Snapshot::default()
    };
    let wanted = Registration {
        device: id(),
        user: owner.map(user),
        token: token(),
        arrived: now,
        issued: None,
        if_absent: IfAbsent::Create,
    };
    let further = Further::default();
    let (endpoint, version) = (("arn:a", now), Version([2; 16]));
    let (change, _) = push::registration::bind(
        now,
        &snapshot,
        &further,
        &wanted,
        endpoint,
        version,
        &policy(),
    );
    let (after, put, deleted) = written(&change);
    (after, put.len(), names(&deleted))
}

#[test]
fn subscriptions_stay_with_their_owner_and_end_with_another() {
    let (after, put, deleted) = registered(NOW, Some("alice"));
    assert_eq!((on(&after), put, deleted), (vec!["a", "b"], 2, vec![]));
    assert_eq!(after.device().unwrap().since, NOW - DAY);
    for owner in [Some("bob"), None] {
        let (after, put, deleted) = registered(NOW, owner);
        assert_eq!((on(&after), put, deleted), (vec![], 0, names(&["a", "b"])));
        assert_eq!(after.device().unwrap().since, NOW);
    }
}

#[test]
fn subscriptions_wait_for_an_owner_whose_lease_has_run_out() {
    let lapsed = NOW + policy().lease;
    let (after, ..) = registered(lapsed, Some("alice"));
    assert_eq!(on(&after), ["a", "b"]);
    let (after, ..) = registered(lapsed, Some("bob"));
    assert!(on(&after).is_empty());
}

#[test]
fn a_logout_takes_the_device_out_of_every_index() {
    let record = record(Some("alice"), &["a", "b"]);
    let (id, version) = (id(), Version([2; 16]));
    let found = Found {
        id: &id,
        record: Some(&record),
        token: TokenSeen::NotRead,
    };
    let done = unregister(NOW, found, &caller("alice"), NOW, version, &policy()).unwrap();
    let (_, put, deleted) = written(done.change.as_ref().unwrap());
    assert_eq!((put, deleted), (vec![], vec!["a", "b"]));
}
