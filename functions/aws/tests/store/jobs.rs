//! What the table does with jobs: one worker at a time, each step once.

use crate::dynamodb::table;
use aws::Store;
use aws::store::{Claim, Counts, Fault, GoesOn, Holder, JobState, Step};
use push::device::Version;
use push::{MessageId, Span, Time};

const NOW: Time = Time::from_seconds(1_800_000_000);
/// As long as a claim lasts.
const CLAIM: Span = Span::from_seconds(60);
const SECOND: Span = Span::from_seconds(1);

fn holder(message: &MessageId, name: u8) -> Holder<'_> {
    Holder {
        message,
        number: 3,
        name: Version([name; 16]),
        expires: NOW + Span::from_days(1),
        claimed: false,
    }
}

fn step(before: Option<&str>, after: &str, accepted: u64) -> Step {
    Step {
        before: before.map(str::to_owned),
        after: after.to_owned(),
        counts: Counts {
            accepted,
            ..Counts::default()
        },
        done: false,
    }
}

async fn state(store: &Store, message: &MessageId) -> JobState {
    store.job_state(message, 3).await.unwrap().unwrap()
}

async fn is_conflict(step: impl Future<Output = Result<(), Fault>>) -> bool {
    matches!(step.await, Err(Fault::Conflict))
}

#[tokio::test]
async fn a_job_is_one_workers_until_its_claim_runs_out() {
    let (store, id) = (table().await, MessageId::parse("AAAAAAAA").unwrap());
    let (one, other) = (holder(&id, 1), holder(&id, 2));
    let claim = |who, now| store.claim(who, false, now);
    assert_eq!(claim(one, NOW).await.unwrap(), Claim::Taken(None));
    assert_eq!(claim(other, NOW).await.unwrap(), Claim::Held);
    assert_eq!(
        claim(one, NOW).await.unwrap(),
        Claim::Taken(None),
        "the answer to the first was lost"
    );
    store.step(one, &step(None, "a", 5), NOW).await.unwrap();
    assert_eq!(claim(other, NOW + CLAIM).await.unwrap(), Claim::Held);
    let later = NOW + CLAIM + SECOND;
    assert_eq!(
        claim(other, later).await.unwrap(),
        Claim::Taken(Some("a".to_owned()))
    );
    assert!(is_conflict(store.step(one, &step(Some("a"), "b", 1), later)).await);
    assert_eq!(state(&store, &id).await.counts.accepted, 5);
}

#[tokio::test]
async fn a_step_counts_once_and_only_from_where_the_job_is() {
    let (store, id) = (table().await, MessageId::parse("AAAAAAAA").unwrap());
    let one = holder(&id, 1);
    store.claim(one, false, NOW).await.unwrap();
    store.step(one, &step(None, "a", 5), NOW).await.unwrap();
    assert!(is_conflict(store.step(one, &step(None, "a", 5), NOW)).await);
    assert!(is_conflict(store.step(one, &step(Some("b"), "c", 5), NOW)).await);
    let last = Step {
        done: true,
        ..step(Some("a"), "b", 2)
    };
    store.step(one, &last, NOW).await.unwrap();
    let found = state(&store, &id).await;
    assert_eq!((found.counts.accepted, found.done), (7, true));
    assert_eq!(store.claim(one, false, NOW).await.unwrap(), Claim::Done);
}

#[tokio::test]
async fn a_job_that_nobody_has_claimed_is_the_first_ones_that_notes_a_step() {
    let (store, id) = (table().await, MessageId::parse("AAAAAAAA").unwrap());
    let (one, other) = (holder(&id, 1), holder(&id, 2));
    store.step(one, &step(None, "a", 1), NOW).await.unwrap();
    assert!(is_conflict(store.step(other, &step(None, "a", 1), NOW)).await);
    assert!(is_conflict(store.step(other, &step(Some("a"), "b", 1), NOW)).await);
    assert_eq!(store.claim(other, false, NOW).await.unwrap(), Claim::Held);
}

#[tokio::test]
async fn a_released_job_is_free_and_only_its_worker_releases_it() {
    let (store, id) = (table().await, MessageId::parse("AAAAAAAA").unwrap());
    let (one, other) = (holder(&id, 1), holder(&id, 2));
    store.claim(one, false, NOW).await.unwrap();
    store.release(other, GoesOn::Unknown).await.unwrap();
    assert_eq!(store.claim(other, false, NOW).await.unwrap(), Claim::Held);
    store.release(one, GoesOn::Unknown).await.unwrap();
    assert_eq!(
        store.claim(other, true, NOW).await.unwrap(),
        Claim::Taken(None)
    );
    assert!(!state(&store, &id).await.is_given_up(NOW));
    assert!(state(&store, &id).await.is_given_up(NOW + CLAIM));
    store.release(other, GoesOn::Unknown).await.unwrap();
    assert!(state(&store, &id).await.is_given_up(NOW));
    // Sent back from among the dead letters it is tried anew.
    store.claim(one, false, NOW).await.unwrap();
    assert!(!state(&store, &id).await.is_given_up(NOW + CLAIM));
}

#[tokio::test]
async fn a_job_that_was_deleted_is_not_made_again_by_whoever_claimed_it() {
    let (store, id) = (table().await, MessageId::parse("AAAAAAAA").unwrap());
    let claimed = Holder {
        claimed: true,
        ..holder(&id, 1)
    };
    assert!(is_conflict(store.step(claimed, &step(None, "a", 1), NOW)).await);
    assert_eq!(store.job_state(&id, 3).await.unwrap(), None);
    store.claim(claimed, false, NOW).await.unwrap();
    store.step(claimed, &step(None, "a", 1), NOW).await.unwrap();
}

#[tokio::test]
async fn a_last_try_that_goes_on_in_another_message_is_none() {
    let (store, id) = (table().await, MessageId::parse("AAAAAAAA").unwrap());
    let one = holder(&id, 1);
    store.claim(one, true, NOW).await.unwrap();
    store.release(one, GoesOn::Later).await.unwrap();
    assert!(!state(&store, &id).await.is_given_up(NOW + CLAIM));
}
