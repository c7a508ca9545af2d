//! Messages in the table for real: kept with their request and their places in the list, read, erased.

use crate::dynamodb::table;
use aws::store::{Counts, Entry, Fault, Holder, NewMessage, NewRequest, Step, StoredMessage};
use aws::{Store, random};
use push::repeat::{CLAIM, Digested, KEPT, Kept};
use push::{MessageId, Span, Time};
use serde_json::json;

/// 2027-01-15, 08:00.
const NOW: Time = Time::from_seconds(1_800_000_000);
const KEEP: Span = Span::from_days(3);

fn id(letter: char) -> MessageId {
    MessageId::parse(&letter.to_string().repeat(8)).unwrap()
}

fn message(created: Time) -> StoredMessage {
    StoredMessage {
        asked: json!({"message": {"alert": "é"}}),
        created,
        jobs: 1,
    }
}

/// Keeps messages of that moment with these letters for ids.
async fn kept(store: &Store, letters: &str, created: Time) -> Result<(), Fault> {
    let ids: Vec<_> = letters.chars().map(id).collect();
    let stored = message(created);
    let new = ids.iter().map(|id| NewMessage {
        id,
        alert: Some(id.as_str()),
        stored: &stored,
    });
    let new: Vec<_> = new.collect();
    let name = random::version().unwrap();
    store.put_messages(None, &new, KEEP, name).await
}

/// The job of the message is done, and came to this.
async fn done(store: &Store, message: &MessageId, number: u64, counts: Counts) {
    let holder = Holder {
        message,
        number,
        name: random::version().unwrap(),
        expires: NOW + KEEP,
        claimed: false,
    };
    let step = Step {
        before: None,
        after: "end".to_owned(),
        counts,
        done: true,
    };
    store.step(holder, &step, NOW).await.unwrap();
}

async fn listed(store: &Store, now: Time, most: usize) -> String {
    let newest = store.newest(now, KEEP, most).await.unwrap();
    let letter = |entry: Entry| entry.id.as_str().chars().next().unwrap();
    newest.into_iter().map(letter).collect()
}

#[tokio::test]
async fn a_message_is_kept_with_what_became_of_it() {
    let store = table().await;
    let id = id('a');
    assert_eq!(store.message(&id, NOW).await.unwrap(), None);
    kept(&store, "a", NOW).await.unwrap();
    assert!(
        matches!(kept(&store, "ba", NOW).await, Err(Fault::Conflict)),
        "an id is taken"
    );
    assert_eq!(
        store.message(&id, NOW).await.unwrap(),
        Some((message(NOW), vec![]))
    );

    let counts = Counts {
        accepted: 1,
        dead: 2,
        refused: 3,
        retried: 4,
        misconfigured: 5,
        expired: 6,
    };
    done(&store, &id, 0, counts).await;
    let found = store.message(&id, NOW).await.unwrap();
    let (stored, jobs) = found.as_ref().unwrap();
    assert_eq!(*stored, message(NOW));
    let [job] = &jobs[..] else { panic!("{jobs:?}") };
    assert_eq!((job.counts, job.done), (counts, true));
    assert_eq!(
        store
            .messages(&[self::id('b'), id.clone()], NOW)
            .await
            .unwrap(),
        [None, found],
        "of a refused transaction nothing is kept"
    );
    assert_eq!(
        store.message(&id, NOW + KEEP).await.unwrap(),
        None,
        "it has expired"
    );
}

#[tokio::test]
async fn messages_are_kept_with_their_request_and_once() {
    let store = table().await;
    let (name, body) = (Digested::of(b"key"), Digested::of(b"body"));
    let ids: Vec<_> = ('A'..='Z').chain('a'..='z').take(50).map(id).collect();
    let stored = message(NOW);
    let new = ids.iter().map(|id| NewMessage {
        id,
        alert: Some("Hi"),
        stored: &stored,
    });
    let new: Vec<_> = new.take(49).collect();
    let request = NewRequest {
        name: &name,
        body: &body,
        messages: &ids,
        made: NOW,
    };
    let put = |name| store.put_messages(Some(&request), &new, KEEP, name);
    let (first, another) = (random::version().unwrap(), random::version().unwrap());
    put(first).await.unwrap();
    put(first).await.unwrap();
    assert!(matches!(put(another).await, Err(Fault::Conflict)));
    let expected = Kept {
        body: body.clone(),
        messages: ids.clone(),
        until: NOW + CLAIM,
        answer: None,
        expires: NOW + KEPT,
    };
    assert_eq!(store.request(&name).await.unwrap(), Some(expected));
    let found = store.messages(&ids, NOW).await.unwrap();
    assert_eq!(found.iter().flatten().count(), 49);
}

#[tokio::test]
async fn the_newest_messages_are_listed_first_across_days() {
    let store = table().await;
    let day = Span::from_days(1);
    assert_eq!(listed(&store, NOW, 9).await, "");
    kept(&store, "c", NOW - day).await.unwrap();
    kept(&store, "e", NOW).await.unwrap();
    kept(&store, "d", NOW - Span::from_millis(1)).await.unwrap();
    kept(&store, "ba", NOW - day - day).await.unwrap();
    assert_eq!(listed(&store, NOW, 9).await, "edcba");
    assert_eq!(listed(&store, NOW, 4).await, "edcb");
    assert_eq!(listed(&store, NOW, 1).await, "e");
    // The oldest expire three days after they were accepted, whatever is swept.
    let last = NOW + day - Span::from_seconds(1);
    assert_eq!(listed(&store, last, 9).await, "edcba");
    assert_eq!(listed(&store, NOW + day, 9).await, "edc");
}

#[tokio::test]
async fn an_entry_keeps_the_first_254_characters() {
    let store = table().await;
    let (stored, id) = (message(NOW), id('a'));
    for (alert, kept) in [
        ("é".repeat(254), "é".repeat(254)),
        ("ü".repeat(255), "ü".repeat(254)),
    ] {
        let new = NewMessage {
            id: &id,
            alert: Some(&alert),
            stored: &stored,
        };
        let expected = Entry {
            id: id.clone(),
            alert: kept,
            created: NOW,
        };
        assert_eq!(Entry::of(&new).as_ref(), Some(&expected));
        let name = random::version().unwrap();
        store.put_messages(None, &[new], KEEP, name).await.unwrap();
        assert_eq!(store.newest(NOW, KEEP, 1).await.unwrap(), [expected]);
        let traces = store.traces(&id, NOW).await.unwrap().unwrap();
        store
            .erase(&traces, random::version().unwrap())
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn an_erased_message_leaves_nothing_and_the_others_alone() {
    let store = table().await;
    kept(&store, "ab", NOW).await.unwrap();
    for n in 0..20 {
        done(&store, &id('a'), n, Counts::default()).await;
    }
    assert!(store.traces(&id('c'), NOW).await.unwrap().is_none());
    assert!(store.traces(&id('a'), NOW + KEEP).await.unwrap().is_none());
    let traces = store.traces(&id('a'), NOW).await.unwrap().unwrap();
    for _ in 0..2 {
        let name = random::version().unwrap();
        store.erase(&traces, name).await.unwrap();
    }
    assert!(store.traces(&id('a'), NOW).await.unwrap().is_none());
    assert_eq!(listed(&store, NOW, 9).await, "b");
    // Under the same id a new message has no job yet.
    kept(&store, "a", NOW).await.unwrap();
    let found = store.message(&id('a'), NOW).await.unwrap();
    assert_eq!(found, Some((message(NOW), vec![])));
}
