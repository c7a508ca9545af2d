//! Tags, subscriptions and the indexes of tags in the table.

use crate::dynamodb::table;
use aws::store::{Consistency, Fault};
use aws::{Store, random};
use push::change::{Action, Case, Change};
use push::device::{Device, Record, State, Version};
use push::logout::LogoutMarkers;
use push::subscription::{Subscription, Subscriptions, Tags};
use push::tag::{Description, SHARDS, Tag, shard_of};
use push::{DeviceId, Platform, Span, TagId, TagName, Time, Token};
use std::collections::BTreeMap;

const NOW: Time = Time::from_seconds(1_800_000_000);

fn name(text: &str) -> TagName {
    TagName::parse(text).unwrap()
}

fn tag(id: u8, description: &str) -> Tag {
    Tag {
        id: TagId([id; 16]),
        description: Description::parse(description).unwrap(),
        created: NOW - Span::from_millis(7),
        updated: NOW,
    }
}

fn device(n: usize) -> DeviceId {
    DeviceId::parse(&format!("D{n:03}")).unwrap()
}

/// Whether it was written.
fn held(done: Result<(), Fault>) -> bool {
    match done {
        Ok(()) => true,
        Err(Fault::Conflict) => false,
        Err(fault) => panic!("{fault:?}"),
    }
}

async fn put(store: &Store, text: &str, tag: &Tag, seen: Option<&Tag>) -> bool {
    let write = random::version().unwrap();
    held(store.put_tag(&name(text), tag, seen, write).await)
}

async fn apply(store: &Store, actions: Vec<Action>) {
    let change = Change {
        case: Case::Subscription,
        actions,
    };
    let write = random::version().unwrap();
    assert!(held(store.apply(&change, write).await));
}

#[tokio::test]
async fn what_a_device_subscribes_to_is_read_back_whole() {
    let store = table().await;
    let subscription = Subscription {
        tag: TagId([9; 16]),
        arrived: NOW - Span::from_millis(5),
    };
    let subscriptions = Subscriptions {
        on: BTreeMap::from([(name("zoë 🦀"), subscription), (name("a"), subscription)]),
        off: BTreeMap::from([(name("b"), NOW - Span::from_millis(3))]),
    };
    for subscriptions in [subscriptions, Subscriptions::default()] {
        let live = Device {
            binding: None,
            token: Token::parse(Platform::Fcm, &"a".repeat(40)).unwrap(),
            endpoint: "arn:e".to_owned(),
            checked: NOW,
            revived: None,
            created: NOW,
            updated: NOW,
            since: NOW - Span::from_millis(1),
            subscriptions,
        };
        let record = Record {
            version: Version([1; 16]),
            place: NOW,
            expires: NOW + Span::from_days(31),
            logouts: LogoutMarkers::default(),
            state: State::Live(live),
        };
        let id = DeviceId::parse(random::message_id().unwrap().as_str()).unwrap();
        let action = Action::PutDevice {
            id: id.clone(),
            record: record.clone(),
            seen: None,
        };
        apply(&store, vec![action]).await;
        assert_eq!(store.device(&id).await.unwrap(), Some(record));
    }
}

#[tokio::test]
async fn a_tag_is_written_and_deleted_only_as_it_was_seen() {
    let (store, first, second) = (table().await, tag(1, "é"), tag(2, ""));
    assert_eq!(store.tag(&name("t")).await.unwrap(), None);
    assert!(put(&store, "t", &first, None).await);
    assert!(!put(&store, "t", &second, None).await);
    assert!(!put(&store, "t", &second, Some(&second)).await);
    assert_eq!(store.tag(&name("t")).await.unwrap(), Some(first.clone()));
    let changed = Tag {
        updated: NOW + Span::from_millis(1),
        ..first.clone()
    };
    assert!(put(&store, "t", &changed, Some(&first)).await);
    assert!(!put(&store, "t", &first, Some(&first)).await);
    let write = || random::version().unwrap();
    assert!(!held(store.delete_tag(&name("t"), &first, write()).await));
    assert!(held(store.delete_tag(&name("t"), &changed, write()).await));
    assert!(!held(store.delete_tag(&name("t"), &changed, write()).await));
    assert_eq!(store.tag(&name("t")).await.unwrap(), None);
}

#[tokio::test]
async fn a_tag_whose_answer_was_lost_is_written_once() {
    let (store, first) = (table().await, tag(1, ""));
    let write = random::version().unwrap();
    for _ in 0..2 {
        assert!(held(store.put_tag(&name("t"), &first, None, write).await));
    }
    let write = random::version().unwrap();
    for _ in 0..2 {
        assert!(held(store.delete_tag(&name("t"), &first, write).await));
    }
}

#[tokio::test]
async fn tags_are_read_by_name_and_in_order() {
    let store = table().await;
    let names: Vec<_> = (0..105).map(|n| format!("t{n:03}")).collect();
    for (n, name) in names.iter().enumerate().skip(3) {
        assert!(put(&store, name, &tag(u8::try_from(n).unwrap(), ""), None).await);
    }
    let asked: Vec<_> = names.iter().map(|text| name(text)).collect();
    let expected: Tags = asked
        .iter()
        .enumerate()
        .skip(3)
        .map(|(n, name)| (name.clone(), TagId([u8::try_from(n).unwrap(); 16])))
        .collect();
    let twice = asked.iter().chain(&asked);
    assert_eq!(store.tags(twice).await.unwrap(), expected);
    assert_eq!(store.tags([]).await.unwrap(), Tags::new());
    for (most, found) in [(1, 1), (102, 102), (500, 102)] {
        let first = store.first_tags(most, Consistency::Strong).await.unwrap();
        let first: Vec<_> = first.into_iter().map(|(name, _)| name).collect();
        assert_eq!(first, asked[3..3 + found]);
    }
}

#[tokio::test]
async fn an_index_is_read_part_by_part_and_leaves_out_what_has_expired() {
    let store = table().await;
    let ids: Vec<_> = (0..60).map(device).collect();
    for (n, id) in ids.iter().enumerate() {
        let expires = if n % 5 == 0 {
            NOW
        } else {
            NOW + Span::from_seconds(1)
        };
        let entries = ["t", "u"].map(|tag| Action::PutSubscription {
            tag: name(tag),
            device: id.clone(),
            expires,
        });
        apply(&store, entries.to_vec()).await;
        if n % 7 == 0 {
            let gone = Action::DeleteSubscription {
                tag: name("t"),
                device: id.clone(),
            };
            apply(&store, vec![gone]).await;
        }
    }
    let mut all = Vec::new();
    for shard in 0..SHARDS {
        let mut after = None;
        loop {
            let (some, next) = store
                .subscribers(&name("t"), shard, after.as_ref(), 2, NOW)
                .await
                .unwrap();
            assert!(some.len() <= 2 && some.iter().all(|id| shard_of(id) == shard));
            assert!(some.is_sorted());
            all.extend(some);
            after = next;
            if after.is_none() {
                break;
            }
        }
    }
    all.sort();
    let expected = (0..60).filter(|n| n % 5 != 0 && n % 7 != 0).map(device);
    assert_eq!(all, expected.collect::<Vec<_>>());
}
