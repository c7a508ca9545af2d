//! The pace that all senders share, in the table for real: the conditions of its updates decide as the rule does.

use crate::dynamodb::table;
use aws::Store;
use push::pace::{AHEAD, SharedPace, Slot};
use push::{Span, Time};

const NOW: Time = Time::from_seconds(1_800_000_000);

async fn reserved(store: &Store, now: Time, millis: u64) -> Result<Slot, Time> {
    let span = Span::from_millis(millis);
    store.reserve_creates(now, span).await.unwrap()
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
        let expected = SharedPace::reserve(next, later, Span::from_millis(span));
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
    assert_eq!(slots[0].from, NOW);
    for pair in slots.windows(2) {
        assert_eq!(pair[1].from, pair[0].until);
    }
    assert!(slots.iter().all(|slot| slot.from <= NOW + AHEAD));
}
