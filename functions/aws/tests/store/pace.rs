//! The pace that all senders share, in the table for real: the conditions of its updates decide as the rule does.

use crate::dynamodb::table;
use aws::Store;
use push::pace::{AHEAD, Pace, Slot, since_epoch};
use push::{Span, Time};
use std::time::Duration;

const NOW: Time = Time::from_seconds(1_800_000_000);

async fn reserved(store: &Store, now: Time, millis: u64) -> Result<Slot, Time> {
    let length = Duration::from_millis(millis);
    let slot = store.reserve_slot("TEST", now, AHEAD, length).await;
    slot.unwrap()
}

#[tokio::test]
async fn a_slot_is_reserved_as_the_rule_says() {
    let store = table().await;
    let mut next = None;
    // Milliseconds that pass, and how long the slot is to be.
    for (later, span) in [
        (0, 204),
        (0, 204),
        // The last one that may be reserved begins in a second.
        (0, 592),
        (0, 1),
        // Refused: it would begin in 1,001 ms.
        (0, 204),
        (1, 204),
        // At the very moment at which the last one is over, and a moment later.
        (1204, 100),
        (101, 100),
        (99, 7),
        // Long after.
        (1_000_000, 204),
        (204, 204),
        // A clock was an hour ahead.
        (3_600_000, 204),
        // Clocks are apart.
        (0, 5000),
        (0, 204),
        (3999, 204),
        (1, 204),
        (208, 204),
    ]
    .into_iter()
    .scan(NOW, |now, (later, span)| {
        *now = *now + Span::from_millis(later);
        Some((*now, span))
    }) {
        let expected = Pace::reserve(next, later, AHEAD, Duration::from_millis(span));
        assert_eq!(
            reserved(&store, later, span).await,
            expected,
            "{later} {span} {next:?}"
        );
        next = expected.map_or(next, |slot| Some(slot.until));
    }
}

#[tokio::test]
async fn slots_that_are_reserved_at_once_do_not_overlap() {
    let store = table().await;
    let asks = (0..20).map(|_| reserved(&store, NOW, 204));
    let answers = futures_util::future::join_all(asks).await;
    let mut slots: Vec<_> = answers.into_iter().filter_map(Result::ok).collect();
    slots.sort_by_key(|slot| slot.from);
    // At 0, 204, … 816: the next one begins after 1,020 ms.
    assert!(!slots.is_empty() && slots.len() <= 5, "{slots:?}");
    assert_eq!(slots[0].from, since_epoch(NOW));
    for pair in slots.windows(2) {
        assert_eq!(pair[1].from, pair[0].until);
    }
    assert!(
        slots
            .iter()
            .all(|slot| slot.from <= since_epoch(NOW + AHEAD))
    );
}

#[tokio::test]
async fn fractions_of_a_millisecond_are_kept_and_names_are_apart() {
    let store = table().await;
    let length = Pace::new(30_000).span(7);
    for n in 0..1000 {
        let slot = store.reserve_slot("PUBLISH", NOW, AHEAD, length).await;
        assert_eq!(slot.unwrap().unwrap().from, since_epoch(NOW) + length * n);
    }
    let other = store.reserve_slot("CREATE", NOW, AHEAD, length).await;
    assert_eq!(other.unwrap().unwrap().from, since_epoch(NOW));
}
