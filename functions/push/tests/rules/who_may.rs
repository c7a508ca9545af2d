//! Who may do what: every cell of the table, and the case that each registration comes to.

use crate::{device, device_record, registered, token, user};
use push::change::{Action, Case};
use push::device::{Ended, Policy, Record, State, Version};
use push::logout::{LoggedOut, UserHash};
use push::reading::{Renewal, read};
use push::registration::{
    Assessment, Further, IfAbsent, Look, Missing, Registration, Snapshot, assess,
};
use push::token_item::TokenItem;
use push::unregistration::{Erased, Found, TokenSeen, erase, unregister};
use push::{Caller, ClientSecretMode, Denial, Refusal, RequireClientSecret, Span, Time};

const NOW: Time = Time::from_seconds(1_800_000_000);
const DAY: Span = Span::from_days(1);

fn policy() -> Policy {
    crate::policy(Span::from_days(270))
}

/// The callers of the table, in its order; the user of each secret is alice, but for the last.
fn callers() -> [Caller; 5] {
    let secret = |name, expires| Caller::User {
        user: user(name),
        issued: NOW - DAY,
        expires,
    };
    [
        Caller::Nobody,
        Caller::Provisioned,
        secret("alice", NOW + DAY),
        secret("alice", NOW),
        secret("bob", NOW + DAY),
    ]
}

/// A device with token `a`, bound or not, registered a day ago.
fn record(owner: Option<&str>) -> Record {
    device_record(owner.map(user), token("a"), NOW - DAY, &policy())
}

fn ended(owner: Option<&str>) -> Record {
    Record {
        expires: NOW + DAY,
        state: State::Ended(Ended {
            user: owner.map(|name| UserHash::of(&user(name))),
        }),
        ..record(None)
    }
}

fn wanted(owner: Option<&str>, letter: &str) -> Registration {
    Registration {
        device: device("D"),
        user: owner.map(user),
        token: token(letter),
        arrived: NOW,
        issued: None,
        if_absent: IfAbsent::Create,
    }
}

/// The item of a token: the device that holds it, or held it last, and the token's place.
fn held_by(name: &str, place: Time) -> TokenItem {
    TokenItem {
        version: Version([4; 16]),
        device: device(name),
        place,
        expires: NOW + DAY,
    }
}

/// What stands where D has the token `a` and is bound so.
fn known(owner: Option<&str>) -> Snapshot {
    let record = record(owner);
    Snapshot {
        token: Some(held_by("D", record.place)),
        link: owner.map(|_| record.expires - push::device::GRACE),
        device: Some(record),
        erasure: None,
    }
}

fn may_register(found: &Snapshot, wanted: &Registration) -> [bool; 5] {
    callers().map(
        |caller| match assess(NOW, found, wanted, &caller, &policy()) {
            Ok(_) => true,
            Err(refusal) => {
                assert!(matches!(refusal, Refusal::Unauthorized(_)), "{refusal:?}");
                false
            }
        },
    )
}

#[test]
fn a_refused_registration_says_why() {
    use Denial::{Expired, Missing, OtherUser};
    let bound = known(Some("alice"));
    let why = |wanted: &Registration| {
        callers().map(
            |caller| match assess(NOW, &bound, wanted, &caller, &policy()) {
                Err(Refusal::Unauthorized(denial)) => Some(denial),
                _ => None,
            },
        )
    };
    for (owner, letter, expected) in [
        (
            Some("alice"),
            "a",
            [Some(Missing), None, None, Some(Expired), Some(OtherUser)],
        ),
        (
            None,
            "b",
            [Some(Missing), None, None, None, Some(OtherUser)],
        ),
        (None, "a", [None; 5]),
    ] {
        assert_eq!(why(&wanted(owner, letter)), expected, "{owner:?} {letter}");
    }
}

#[test]
fn who_may_register() {
    let unknown = Snapshot::default();
    let (bound, anonymous) = (known(Some("alice")), known(None));
    for (found, wanted, expected) in [
        (
            &unknown,
            wanted(Some("alice"), "a"),
            [false, true, true, false, false],
        ),
        (
            &anonymous,
            wanted(Some("alice"), "a"),
            [false, true, true, false, false],
        ),
        // Handing a phone over is a login like any other: whose it was is not asked.
        (
            &bound,
            wanted(Some("bob"), "a"),
            [false, true, false, false, true],
        ),
        (&unknown, wanted(None, "a"), [true; 5]),
        (&anonymous, wanted(None, "a"), [true; 5]),
        (&anonymous, wanted(None, "b"), [true; 5]),
        (&bound, wanted(None, "a"), [true; 5]),
        (&bound, wanted(None, "b"), [false, true, true, true, false]),
    ] {
        assert_eq!(may_register(found, &wanted), expected, "{wanted:?}");
    }
}

#[test]
fn who_may_read() {
    let may = |record: &Record| {
        callers().map(|caller| read(NOW, Some(record), &caller, &policy()).is_ok())
    };
    assert_eq!(
        may(&record(Some("alice"))),
        [false, true, true, false, false]
    );
    assert_eq!(may(&record(None)), [false, true, false, false, false]);
    assert_eq!(may(&ended(Some("alice"))), [false; 5]);
    assert_eq!(
        read(NOW, None, &Caller::Backend, &policy()),
        Err(Refusal::NotFound)
    );
}

#[test]
fn a_reading_of_the_owner_renews_a_lease_that_is_half_over() {
    let half = Span::from_days(134); // The device was registered a day ago.
    let record = record(Some("alice"));
    for (later, owner, provisioned) in [
        (
            Span::from_millis(half.millis() - 1),
            Renewal::NotDue,
            Renewal::NotDue,
        ),
        (half, Renewal::Due, Renewal::NotDue),
    ] {
        let alice = Caller::User {
            user: user("alice"),
            issued: NOW,
            expires: NOW + Span::from_days(1000),
        };
        let reading = |caller: &Caller, policy: &Policy| {
            read(NOW + later, Some(&record), caller, policy)
                .unwrap()
                .renewal
        };
        assert_eq!(reading(&alice, &policy()), owner);
        assert_eq!(reading(&Caller::Provisioned, &policy()), provisioned);
        let shared = Policy {
            client_secret_mode: ClientSecretMode::Shared,
            ..policy()
        };
        assert_eq!(reading(&Caller::Provisioned, &shared), owner);
        assert_eq!(reading(&Caller::Backend, &shared), Renewal::NotDue);
    }
}

/// What unregistering D is answered, and what is written.
fn unregistered(record: Option<&Record>, caller: &Caller) -> (Result<(), Refusal>, Option<Case>) {
    let found = Found {
        id: &device("D"),
        record,
        token: TokenSeen::NotRead,
    };
    match unregister(NOW, found, caller, NOW, Version([2; 16]), &policy()) {
        Ok(done) => (done.answer, done.change.map(|change| change.case)),
        Err(refusal) => (Err(refusal), None),
    }
}

#[test]
fn who_may_unregister() {
    let answers = |record: Option<&Record>| callers().map(|caller| unregistered(record, &caller));
    let done = (Ok(()), Some(Case::Unregister));
    let marked = (Err(Refusal::NotFound), Some(Case::LogoutMarker));
    let again = (Ok(()), Some(Case::LogoutMarker));
    let unknown = (Err(Refusal::NotFound), None);
    let unauthorized = (Err(Refusal::Unauthorized(Denial::Missing)), None);
    assert_eq!(answers(Some(&record(None))), [done; 5]);
    assert_eq!(
        answers(Some(&record(Some("alice")))),
        [unauthorized, done, done, done, marked]
    );
    assert_eq!(answers(None), [unknown, marked, marked, marked, marked]);
    assert_eq!(
        answers(Some(&ended(Some("alice")))),
        [unknown, marked, again, again, marked]
    );
}

#[test]
fn a_caller_without_a_secret_is_turned_away_where_all_calls_need_one() {
    let admitted = callers().map(|caller| caller.admit(RequireClientSecret::Always).is_ok());
    assert_eq!(admitted, [false, true, true, true, true]);
    assert!(
        callers()
            .iter()
            .all(|caller| caller.admit(RequireClientSecret::Users).is_ok())
    );
}

/// The case that a registration by a trusted caller comes to, and how many actions it takes.
fn case(found: &Snapshot, further: &Further, wanted: &Registration) -> Option<(Case, usize)> {
    let (version, policy) = (Version([3; 16]), policy());
    let read = |_| further.clone();
    let change = registered(NOW, found, wanted, version, &policy, read).unwrap()?;
    Some((change.case, change.actions.len()))
}

#[test]
fn every_registration_is_one_of_the_cases() {
    let bound = known(Some("alice"));
    let none = Further::default();
    let former = Further {
        former: bound.token.clone(),
        ..Further::default()
    };
    let other = |owner| Further {
        holder: Some(Record {
            state: record(owner).state,
            ..record(None)
        }),
        ..former.clone()
    };
    let by = |snapshot: Snapshot, name: &str| Snapshot {
        token: Some(held_by(name, NOW)),
        ..snapshot
    };
    let missing_link = Snapshot {
        link: None,
        ..bound.clone()
    };
    let unchecked = {
        let mut snapshot = bound.clone();
        if let Some(State::Live(device)) = snapshot.device.as_mut().map(|record| &mut record.state)
        {
            device.checked = NOW - Span::from_days(7);
        }
        snapshot
    };
    for (found, further, wanted, expected) in [
        (&bound, &none, wanted(Some("alice"), "a"), None),
        (
            &Snapshot::default(),
            &none,
            wanted(Some("alice"), "a"),
            Some((Case::New, 4)),
        ),
        (
            &Snapshot::default(),
            &none,
            wanted(None, "a"),
            Some((Case::New, 2)),
        ),
        (
            &missing_link,
            &none,
            wanted(Some("alice"), "a"),
            Some((Case::Renewal, 4)),
        ),
        (
            &unchecked,
            &none,
            wanted(Some("alice"), "a"),
            Some((Case::Renewal, 4)),
        ),
        (
            &bound,
            &none,
            wanted(Some("bob"), "a"),
            Some((Case::OwnerChange, 5)),
        ),
        (
            &bound,
            &none,
            wanted(None, "a"),
            Some((Case::AnonymousTakeover, 3)),
        ),
        (
            &Snapshot {
                token: None,
                ..bound.clone()
            },
            &former,
            wanted(Some("alice"), "b"),
            Some((Case::TokenRefresh, 5)),
        ),
        (
            &by(Snapshot::default(), "H"),
            &other(Some("carol")),
            wanted(Some("alice"), "a"),
            Some((Case::Reinstall, 6)),
        ),
        (
            &by(Snapshot::default(), "H"),
            &none,
            wanted(Some("alice"), "a"),
            Some((Case::StaleToken, 5)),
        ),
        (
            &by(bound.clone(), "H"),
            &other(Some("carol")),
            wanted(Some("bob"), "a"),
            Some((Case::OwnerChangeAndReinstall, 7)),
        ),
    ] {
        assert_eq!(case(found, further, &wanted), expected, "{wanted:?}");
    }
}

#[test]
fn a_logout_does_not_wait_for_sns_and_a_login_makes_sure() {
    let look = |owner| match assess(
        NOW,
        &known(Some("alice")),
        &wanted(owner, "a"),
        &Caller::Provisioned,
        &policy(),
    ) {
        Ok(Assessment::Binds { look, .. }) => look,
        other => panic!("{other:?}"),
    };
    let kept = Look::Kept {
        endpoint: "arn:a".to_owned(),
        checked: NOW - DAY,
    };
    assert_eq!(look(None), kept);
    assert_eq!(look(Some("bob")), Look::Needed);
}

#[test]
fn a_registration_that_finds_an_endpoint_of_another_application_asks_sns_and_is_a_change() {
    for owner in [Some("alice"), None] {
        let (found, wanted) = (known(owner), wanted(owner, "a"));
        let assessed = |found: &Snapshot| {
            assess(NOW, found, &wanted, &Caller::Provisioned, &policy()).unwrap()
        };
        assert!(matches!(assessed(&found), Assessment::Unchanged(_)));
        let device = found.device.clone().map(Record::with_useless_endpoint);
        let useless = Snapshot {
            device,
            ..found.clone()
        };
        let look = Look::Needed;
        let missing = Missing::default();
        assert_eq!(assessed(&useless), Assessment::Binds { missing, look });
        let (version, read) = (Version([3; 16]), |_| Further::default());
        let change = registered(NOW, &useless, &wanted, version, &policy(), read);
        let change = change.unwrap().unwrap();
        assert_eq!(change.case, Case::Renewal);
        let put = change.actions.iter().find_map(|action| match action {
            Action::PutDevice { record, .. } => record.device(),
            _ => None,
        });
        let put = put.unwrap();
        assert_eq!((put.endpoint.as_str(), put.checked), ("arn:new", NOW));
    }
}

#[test]
fn what_was_granted_before_a_restore_counts_for_nobody() {
    let restored = Policy {
        bindings_not_before: NOW,
        ..policy()
    };
    let record = record(Some("alice"));
    assert!(policy().receives(&record, &user("alice"), NOW).is_some());
    assert!(restored.receives(&record, &user("alice"), NOW).is_none());
    assert!(policy().receives(&record, &user("bob"), NOW).is_none());
}

/// What erasing alice, by a call that arrived then, does to D.
fn erased(record: &Record, arrived: Time) -> Erased {
    let found = Found {
        id: &device("D"),
        record: Some(record),
        token: TokenSeen::NotRead,
    };
    erase(NOW, found, &user("alice"), arrived, Version([2; 16]))
}

#[test]
fn an_erasure_leaves_a_marker_and_nothing_else_that_names_the_user() {
    let Erased::Write(change) = erased(&record(Some("alice")), NOW) else {
        panic!("it ends");
    };
    let [Action::PutDevice { record: left, .. }, ..] = &change.actions[..] else {
        panic!("{change:?}");
    };
    assert_eq!((left.left_by(), left.place), (None, NOW - DAY));
    let alice = LoggedOut::User(UserHash::of(&user("alice")));
    assert!(left.logouts.has(&alice, NOW));
    assert_eq!(change.actions.len(), 3);
}

#[test]
fn an_erasure_passes_over_what_was_registered_later() {
    let record = record(Some("alice"));
    let earlier = record.place - Span::from_millis(1);
    assert_eq!(erased(&record, earlier), Erased::PassedOver);
    assert!(matches!(erased(&record, record.place), Erased::Write(_)));
}

#[test]
fn an_erasure_clears_the_index_of_what_is_anothers() {
    let Erased::Write(change) = erased(&record(Some("bob")), NOW) else {
        panic!("it is written");
    };
    assert!(matches!(
        change.actions[..],
        [Action::CheckDevice { .. }, Action::DeleteLink { .. }]
    ));
}
