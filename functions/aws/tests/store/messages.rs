//! Messages in the table for real: kept with their request and their places in the list, read, deleted.

use crate::dynamodb::table;
use aws::store::{Counts, Entry, Fault, Holder, NewRequest, Step, StoredMessage};
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
    let stored = message(created);
    for id in letters.chars().map(id) {
        store.put_message(&id, &stored, KEEP).await?;
        let entry = Entry::of(&id, Some(id.as_str()), &stored).unwrap();
        store.put_entry(entry, KEEP).await?;
    }
    Ok(())
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
    kept(&store, "a", NOW).await.unwrap();
    let later = NOW + Span::from_millis(1);
    assert!(
        matches!(kept(&store, "a", later).await, Err(Fault::Conflict)),
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
        [None, found]
    );
    assert_eq!(
        store.message(&id, NOW + KEEP).await.unwrap(),
        None,
        "it has expired"
    );
}

#[tokio::test]
async fn a_request_is_kept_once_until_it_expires() {
    let store = table().await;
    let (name, body) = (Digested::of(b"key"), Digested::of(b"body"));
    let ids: Vec<_> = ('A'..='Z').chain('a'..='z').map(id).collect();
    let request = |made| NewRequest {
        name: &name,
        body: &body,
        messages: &ids,
        made,
    };
    store.put_request(&request(NOW)).await.unwrap();
    for made in [NOW, NOW + KEPT - Span::from_seconds(1)] {
        let again = store.put_request(&request(made)).await;
        assert!(matches!(again, Err(Fault::Conflict)));
    }
    let kept = |made: Time| Kept {
        body: body.clone(),
        messages: ids.clone(),
        until: made + CLAIM,
        answer: None,
        expires: made + KEPT,
    };
    assert_eq!(store.request(&name).await.unwrap(), Some(kept(NOW)));
    let later = NOW + KEPT;
    store.put_request(&request(later)).await.unwrap();
    assert_eq!(store.request(&name).await.unwrap(), Some(kept(later)));
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
        let expected = Entry {
            id: id.clone(),
            alert: kept,
            created: NOW,
        };
        let entry = Entry::of(&id, Some(&alert), &stored).unwrap();
        assert_eq!(entry, expected);
        store.put_entry(entry, KEEP).await.unwrap();
        assert_eq!(store.newest(NOW, KEEP, 1).await.unwrap(), [expected]);
    }
    assert_eq!(Entry::of(&id, None, &stored), None, "it shows nothing");
}

#[tokio::test]
async fn a_deleted_message_leaves_nothing_and_the_others_alone() {
    let store = table().await;
    kept(&store, "ab", NOW).await.unwrap();
    for n in 0..20 {
        done(&store, &id('a'), n, Counts::default()).await;
    }
    for _ in 0..2 {
        store.delete_message(&id('a'), NOW).await.unwrap();
    }
    assert_eq!(store.message(&id('a'), NOW).await.unwrap(), None);
    assert_eq!(listed(&store, NOW, 9).await, "b");
    // Under the same id a new message has no job yet.
    kept(&store, "a", NOW).await.unwrap();
    let found = store.message(&id('a'), NOW).await.unwrap();
    assert_eq!(found, Some((message(NOW), vec![])));
}
