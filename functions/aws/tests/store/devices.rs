//! The table for real: what the rules decide is written under its conditions, and read back as it was.

use crate::dynamodb::table;
use aws::store::{Fault, Position, ReadErasure};
use aws::{Store, random};
use push::change::{Action, Case, Change, TokenCondition};
use push::device::{Binding, Device, Ended, Reach, Record, State, Version, shard};
use push::erasure::Erasure;
use push::logout::{LoggedOut, LogoutMarkers, UserHash};
use push::registration::{Further, Missing, Snapshot};
use push::subscription::{Subscription, Subscriptions};
use push::token_item::TokenItem;
use push::{DeviceId, Platform, Span, TagId, TagName, Time, Token, UserId};
use std::collections::{BTreeSet, HashMap};

const NOW: Time = Time::from_seconds(1_800_000_000);

fn device(name: &str) -> DeviceId {
    DeviceId::parse(name).unwrap()
}

fn user(name: &str) -> UserId {
    UserId::parse(name).unwrap()
}

fn token(letter: &str) -> Token {
    Token::parse(Platform::Fcm, &letter.repeat(40)).unwrap()
}

fn record(owner: Option<&str>, letter: &str, version: u8) -> Record {
    let live = Device {
        binding: owner.map(|name| Binding {
            user: user(name),
            lease: NOW + Span::from_days(1),
        }),
        token: token(letter),
        endpoint: "arn:aws:sns:us-east-1:000000000000:endpoint/GCM/userpush/e".to_owned(),
        checked: NOW,
        revived: owner.map(|_| NOW),
        created: NOW - Span::from_days(1),
        updated: NOW,
        since: NOW - Span::from_days(1),
        subscriptions: Subscriptions::default(),
    };
    Record {
        version: Version([version; 16]),
        place: NOW - Span::from_millis(7),
        expires: NOW + Span::from_days(31),
        logouts: LogoutMarkers {
            latest: [
                (LoggedOut::User(UserHash::of(&user("carol é"))), NOW),
                (LoggedOut::Everybody, NOW - Span::from_millis(1)),
            ]
            .into(),
            barrier: Some(NOW - Span::from_millis(2)),
        },
        state: State::Live(live),
    }
}

fn put(id: &str, record: Record, seen: Option<u8>) -> Action {
    Action::PutDevice {
        id: device(id),
        record,
        seen: seen.map(|n| Version([n; 16])),
    }
}

fn put_token(letter: &str, id: &str, version: u8, seen: Option<u8>) -> Action {
    let seen = seen.map(|n| Version([n; 16]));
    take(letter, id, version, TokenCondition::AsSeen(seen))
}

fn take(letter: &str, id: &str, version: u8, condition: TokenCondition) -> Action {
    Action::PutToken {
        key: token(letter).key(),
        item: token_item(id, version),
        condition,
    }
}

fn token_item(id: &str, version: u8) -> TokenItem {
    TokenItem {
        version: Version([version; 16]),
        device: device(id),
        place: NOW,
        expires: NOW + Span::from_days(31),
    }
}

fn put_link(name: &str, id: &str) -> Action {
    Action::PutLink {
        user: user(name),
        device: device(id),
        expires: NOW + Span::from_days(1),
    }
}

async fn applied(store: &Store, actions: Vec<Action>) -> bool {
    match store
        .apply(
            &Change {
                case: Case::New,
                actions,
            },
            random::version().unwrap(),
        )
        .await
    {
        Ok(()) => true,
        Err(Fault::Conflict) => false,
        Err(fault) => panic!("{fault:?}"),
    }
}

async fn registered(store: &Store) {
    let actions = vec![
        put("D", record(Some("alice"), "a", 1), None),
        put_token("a", "D", 1, None),
        put_link("alice", "D"),
    ];
    assert!(applied(store, actions).await);
}

#[tokio::test]
async fn what_was_written_is_read_back_whole() {
    let store = table().await;
    registered(&store).await;
    let found = store
        .snapshot(
            &device("D"),
            &token("a").key(),
            Some(&user("alice")),
            ReadErasure::Yes,
        )
        .await
        .unwrap();
    let expected = Snapshot {
        device: Some(record(Some("alice"), "a", 1)),
        token: Some(token_item("D", 1)),
        link: Some(NOW + Span::from_days(1)),
        erasure: None,
    };
    assert_eq!(found, expected);
    assert_eq!(store.device(&device("D")).await.unwrap(), expected.device);
    let nothing = store
        .snapshot(&device("E"), &token("b").key(), None, ReadErasure::Yes)
        .await
        .unwrap();
    assert_eq!(nothing, Snapshot::default());

    let state = State::Ended(Ended {
        user: Some(UserHash::of(&user("alice"))),
    });
    let tombstone = Record {
        state,
        version: Version([2; 16]),
        ..record(None, "a", 1)
    };
    assert!(applied(&store, vec![put("D", tombstone.clone(), Some(1))]).await);
    assert_eq!(store.device(&device("D")).await.unwrap(), Some(tombstone));
}

#[tokio::test]
async fn what_else_is_needed_is_read_in_one_go() {
    let store = table().await;
    registered(&store).await;
    let missing = Missing {
        holder: Some(device("D")),
        former: Some(token("a").key()),
    };
    let expected = Further {
        holder: Some(record(Some("alice"), "a", 1)),
        former: Some(token_item("D", 1)),
    };
    assert_eq!(store.further(&missing).await.unwrap(), expected);
    assert_eq!(
        store.further(&Missing::default()).await.unwrap(),
        Further::default()
    );
}

#[tokio::test]
async fn a_device_is_written_only_as_it_was_seen() {
    let store = table().await;
    let new = |version, seen| vec![put("D", record(None, "a", version), seen)];
    assert!(
        !applied(&store, new(1, Some(9))).await,
        "there is none to have been seen"
    );
    assert!(applied(&store, new(1, None)).await);
    assert!(!applied(&store, new(2, None)).await, "there is one");
    assert!(
        !applied(&store, new(2, Some(9))).await,
        "it has another version"
    );
    assert!(applied(&store, new(2, Some(1))).await);
}

#[tokio::test]
async fn a_check_holds_only_as_it_was_seen() {
    let store = table().await;
    registered(&store).await;
    let check = |id: &str, seen: Option<u8>| {
        vec![
            Action::CheckDevice {
                id: device(id),
                seen: seen.map(|n| Version([n; 16])),
            },
            put_link("bob", "E"),
        ]
    };
    assert!(!applied(&store, check("D", None)).await);
    assert!(!applied(&store, check("D", Some(2))).await);
    assert!(applied(&store, check("D", Some(1))).await);
    assert!(!applied(&store, check("E", Some(1))).await);
    assert!(applied(&store, check("E", None)).await);
}

#[tokio::test]
async fn a_token_changes_hands_only_as_it_was_seen() {
    let store = table().await;
    registered(&store).await;
    assert!(!applied(&store, vec![put_token("a", "E", 2, None)]).await);
    assert!(!applied(&store, vec![put_token("a", "E", 2, Some(2))]).await);
    assert!(applied(&store, vec![put_token("a", "E", 2, Some(1))]).await);
    assert!(
        !applied(&store, vec![put_token("b", "E", 2, Some(1))]).await,
        "nobody holds it"
    );

    let names_no_other = |id| TokenCondition::NamesNoOther(device(id));
    assert!(
        !applied(&store, vec![take("a", "D", 3, names_no_other("D"))]).await,
        "E has it"
    );
    assert!(applied(&store, vec![take("a", "E", 3, names_no_other("E"))]).await);
    assert!(
        applied(&store, vec![take("b", "E", 3, names_no_other("E"))]).await,
        "nobody has it"
    );
    let key = token("b").key();
    assert_eq!(
        store.token_item(&key).await.unwrap(),
        Some(token_item("E", 3))
    );
}

/// A login for alice that arrived then, with a client secret that was made then.
async fn passes(store: &Store, arrived: Time, issued: Option<Time>) -> bool {
    let check = Action::CheckErasure {
        user: UserHash::of(&user("alice")),
        arrived,
        issued,
    };
    applied(store, vec![check, put_link("alice", "D")]).await
}

#[tokio::test]
async fn an_erasure_stops_earlier_logins_and_earlier_secrets() {
    let store = table().await;
    let (alice, second) = (UserHash::of(&user("alice")), Span::from_seconds(1));
    let made = Some(NOW);
    assert!(passes(&store, NOW, made).await);
    let erasure = Erasure::new(NOW, NOW, Span::from_days(1));
    let after = Some(erasure.secrets_until + second);
    store.erased(&alice, &erasure).await.unwrap();
    assert!(!passes(&store, NOW + second, Some(erasure.secrets_until)).await);
    assert!(!passes(&store, NOW, after).await);
    assert!(!passes(&store, NOW, None).await);
    assert!(passes(&store, NOW + second, after).await);
    assert!(passes(&store, NOW + second, None).await);
    // One that arrived earlier, and comes later, changes nothing.
    let earlier = Erasure::new(NOW, NOW - second, Span::from_days(1));
    store.erased(&alice, &earlier).await.unwrap();
    let key = token("a").key();
    let (id, name) = (device("E"), user("alice"));
    let read = async |erasure| {
        let found = store.snapshot(&id, &key, Some(&name), erasure).await;
        found.unwrap().erasure
    };
    assert_eq!(read(ReadErasure::Yes).await, Some(erasure));
    assert_eq!(read(ReadErasure::No).await, None);
    let later = Erasure::new(NOW, NOW + second, Span::from_days(1));
    store.erased(&alice, &later).await.unwrap();
    assert_eq!(read(ReadErasure::Yes).await, Some(later));
}

#[tokio::test]
async fn a_change_whose_answer_was_lost_is_made_once() {
    let store = table().await;
    let change = Change {
        case: Case::New,
        actions: vec![put("D", record(None, "a", 1), None)],
    };
    let name = Version([1; 16]);
    assert!(store.apply(&change, name).await.is_ok());
    assert!(applied(&store, vec![put("D", record(None, "a", 2), Some(1))]).await);
    assert!(store.apply(&change, name).await.is_ok(), "it was made");
    assert_eq!(
        store.device(&device("D")).await.unwrap(),
        Some(record(None, "a", 2))
    );
    let other = store.apply(&change, Version([3; 16])).await;
    assert!(matches!(other, Err(Fault::Conflict)), "{other:?}");
}

#[tokio::test]
async fn a_change_is_made_whole_or_not_at_all() {
    let store = table().await;
    registered(&store).await;
    let actions = vec![
        Action::DeleteLink {
            user: user("alice"),
            device: device("D"),
        },
        put("E", record(None, "b", 1), None),
        put_token("a", "E", 2, None),
    ];
    assert!(!applied(&store, actions).await);
    assert_eq!(store.links(&user("alice"), NOW).await.unwrap().len(), 1);
    assert_eq!(store.device(&device("E")).await.unwrap(), None);
}

#[tokio::test]
async fn a_users_index_leaves_out_what_has_expired() {
    let store = table().await;
    registered(&store).await;
    let until = NOW + Span::from_days(1);
    assert_eq!(
        store.links(&user("alice"), NOW).await.unwrap(),
        [(device("D"), until)]
    );
    assert_eq!(store.links(&user("alice"), until).await.unwrap(), []);
    assert_eq!(store.links(&user("alic"), NOW).await.unwrap(), []);
    assert!(
        applied(
            &store,
            vec![Action::DeleteLink {
                user: user("alice"),
                device: device("D")
            }]
        )
        .await
    );
    assert_eq!(store.links(&user("alice"), NOW).await.unwrap(), []);
}

#[tokio::test]
async fn a_page_of_devices_is_read_by_id() {
    let store = table().await;
    let ids: BTreeSet<_> = (0..100).map(|n| device(&format!("D{n}"))).collect();
    for id in ids.iter().take(60) {
        assert!(applied(&store, vec![put(id.as_str(), record(None, "a", 1), None)]).await);
    }
    let found = store.devices(&ids).await.unwrap();
    assert_eq!(found.len(), 60);
    assert!(
        ids.iter()
            .take(60)
            .all(|id| found.get(id) == Some(&record(None, "a", 1)))
    );
}

#[tokio::test]
async fn a_send_reads_whose_a_device_is_and_where_it_is_reached_and_nothing_of_ended_ones() {
    let store = table().await;
    let mut listening = record(Some("alice"), "a", 1);
    let State::Live(live) = &mut listening.state else {
        unreachable!();
    };
    let subscription = Subscription {
        tag: TagId([7; 16]),
        arrived: NOW,
    };
    let name = TagName::parse("news").unwrap();
    live.subscriptions.on.insert(name, subscription);
    let anonymous = record(None, "b", 2);
    let ended = Record::tombstone(NOW, NOW, Version([3; 16]), LogoutMarkers::default(), None);
    let written = [("D1", &listening), ("D2", &anonymous), ("D3", &ended)];
    for (id, record) in written {
        assert!(applied(&store, vec![put(id, record.clone(), None)]).await);
    }
    let live = [("D1", &listening), ("D2", &anonymous)].map(|(id, record)| {
        let seen = record.device().unwrap();
        let reach = Reach {
            expires: record.expires,
            binding: seen.binding.clone(),
            updated: seen.updated,
            platform: seen.token.platform(),
            endpoint: seen.endpoint.clone(),
            is_revived: seen.revived.is_some(),
            subscriptions: seen.subscriptions.clone(),
        };
        (device(id), reach)
    });
    let ids: BTreeSet<_> = ["D1", "D2", "D3", "D4"].map(device).into();
    let expected = HashMap::from(live.clone());
    assert_eq!(store.reach(&ids).await.unwrap(), expected);
    for (id, reach) in live {
        let shard = Position::at(shard(&id), None);
        let (found, _) = store.reach_of_shard(&shard, 100).await.unwrap();
        assert!(found.contains(&(id, reach)));
    }
    let shard = Position::at(shard(&device("D3")), None);
    let (found, _) = store.reach_of_shard(&shard, 100).await.unwrap();
    assert!(found.iter().all(|(id, _)| *id != device("D3")));
}

#[tokio::test]
async fn a_removal_budget_is_spent_by_the_hour_and_platform() {
    let store = table().await;
    let hour = Span::from_seconds(3600);
    for (platform, now, expected) in [
        (Platform::Fcm, NOW, [true, true, false, false]),
        (Platform::Apns, NOW, [true, true, false, false]),
        (Platform::Fcm, NOW + hour, [true, true, false, false]),
    ] {
        for left in expected {
            assert_eq!(store.spend_removal(platform, now, 2).await.unwrap(), left);
        }
    }
    assert!(
        !store
            .spend_removal(Platform::Fcm, NOW + hour + hour, 0)
            .await
            .unwrap()
    );
}

#[tokio::test]
async fn an_endpoint_moves_only_with_the_device_that_was_seen() {
    let store = table().await;
    registered(&store).await;
    store
        .move_endpoint(&device("D"), Version([9; 16]), "arn:new", Version([2; 16]))
        .await
        .unwrap();
    assert_eq!(
        store.device(&device("D")).await.unwrap(),
        Some(record(Some("alice"), "a", 1))
    );
    store
        .move_endpoint(&device("D"), Version([1; 16]), "arn:new", Version([2; 16]))
        .await
        .unwrap();
    let moved = store.device(&device("D")).await.unwrap().unwrap();
    assert_eq!(
        (moved.version, moved.device().unwrap().endpoint.as_str()),
        (Version([2; 16]), "arn:new")
    );
    store
        .move_endpoint(&device("E"), Version([1; 16]), "arn:new", Version([2; 16]))
        .await
        .unwrap();
    assert_eq!(store.device(&device("E")).await.unwrap(), None);
}

#[tokio::test]
async fn the_shards_are_read_in_order_and_from_any_place() {
    let store = table().await;
    let mut ids: Vec<_> = (0..40).map(|n| device(&format!("D{n}"))).collect();
    for id in &ids {
        assert!(applied(&store, vec![put(id.as_str(), record(None, "a", 1), None)]).await);
    }
    ids.sort_by_key(|id| (shard(id), id.clone()));
    for begun in [0_usize, 1, 17, 39, 40] {
        let before = begun.checked_sub(1).and_then(|n| ids.get(n));
        let start = before.map_or(Position::first(), |id| Position::after(id.clone()));
        let (mut read, mut next) = (Vec::new(), Some(start));
        while let Some(position) = next {
            let (devices, further) = store.shard(&position, 1).await.unwrap();
            assert!(devices.len() <= 1);
            read.extend(devices.into_iter().map(|(id, _)| id));
            next = further;
        }
        assert_eq!(read, ids[begun..]);
    }
}
