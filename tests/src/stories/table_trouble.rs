//! What DynamoDB may do: let others see a transaction item by item, refuse one, lose an answer, leave keys out of a read.

use crate::answer::{NOT_FOUND, UNAVAILABLE};
use crate::api::Api;
use crate::jwt::uid;
use crate::phone::{Phone, user};
use crate::story::{Story, own};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

const BREAKS: &str = "it breaks DynamoDB for all";

pub(super) fn stories() -> Vec<Story> {
    vec![
        own(
            BREAKS,
            &[],
            while_a_phone_changes_hands_at_most_one_user_is_told,
        ),
        own(
            BREAKS,
            &[],
            while_a_logout_is_under_way_nothing_is_told_twice,
        ),
        own(
            BREAKS,
            &[],
            a_transaction_whose_answer_is_lost_counts_as_done,
        ),
        own(BREAKS, &[], a_conflict_is_decided_again),
    ]
}

/// The next transaction takes its time between any two of its items.
async fn tear(api: &Api) {
    let torn = json!({"service": "dynamodb", "operation": "TransactWriteItems", "fault": "Torn", "times": 1, "delayMs": 60});
    api.control(Method::POST, "/faults", Some(torn)).await;
}

/// Sends to all of them until the other call has been answered; gives what each send counted, in order of the users.
async fn meanwhile(api: &Api, users: &[&str], other: JoinHandle<()>) -> Vec<Vec<u64>> {
    let mut counts = Vec::new();
    while !other.is_finished() {
        counts.push(told(api, users).await);
    }
    other.await.unwrap();
    counts
}

async fn told(api: &Api, users: &[&str]) -> Vec<u64> {
    let message = json!({"message": {"alert": "Hi"}, "target": {"userIds": users}});
    let sent = api.send(&message).await.ok(202);
    let count = |user: &&str| sent["recipients"][*user].as_u64().unwrap();
    users.iter().map(count).collect()
}

async fn while_a_phone_changes_hands_at_most_one_user_is_told(api: Api) {
    let (alice, bob, tablet) = (user("alice"), user("bob"), Phone::android());
    let secret = api.client_secret().to_owned();
    api.register(&tablet, Some(&alice), Some(&secret))
        .await
        .ok(201);
    let mut expected = 0;
    for (from, to) in [
        (&alice, &bob),
        (&bob, &alice),
        (&alice, &bob),
        (&bob, &alice),
    ] {
        tear(&api).await;
        let (switch, phone, user, key) = (api.clone(), tablet.clone(), to.clone(), secret.clone());
        let switch = tokio::spawn(async move {
            switch
                .register(&phone, Some(&user), Some(&key))
                .await
                .ok(201);
        });
        let counts = meanwhile(&api, &[from, to], switch).await;
        assert!(!counts.is_empty(), "no send came in between");
        let mut hers = true;
        for count in &counts {
            assert!(count.iter().sum::<u64>() <= 1, "{counts:?}");
            // Once the phone is not the former user's, it never is again.
            hers &= count[0] == 1;
            assert!(hers || count[0] == 0, "{counts:?}");
            expected += count.iter().sum::<u64>();
        }
        assert_eq!(told(&api, &[from, to]).await, [0, 1]);
        expected += 1;
    }
    let pushes = api.pushes(&tablet).await;
    assert_eq!(
        pushes.len() as u64,
        expected,
        "what was counted arrived, and nothing else"
    );
    let known = [&alice, &bob].map(|user| Value::from(uid(api.application(), user)));
    for push in pushes {
        assert!(known.contains(&push.payload()["uid"]));
    }
}

async fn while_a_logout_is_under_way_nothing_is_told_twice(api: Api) {
    let (alice, phone) = (user("alice"), Phone::iphone());
    let secret = api.client_secret().to_owned();
    for _ in 0..3 {
        api.register(&phone, Some(&alice), Some(&secret))
            .await
            .ok(201);
        tear(&api).await;
        let (logout, same, key) = (api.clone(), phone.clone(), secret.clone());
        let logout = tokio::spawn(async move {
            logout.unregister(&same, Some(&key)).await.empty(204);
        });
        let counts = meanwhile(&api, &[&alice], logout).await;
        let gone = counts
            .iter()
            .position(|count| count[0] == 0)
            .unwrap_or(counts.len());
        assert!(
            counts[gone..].iter().all(|count| count[0] == 0),
            "{counts:?}"
        );
        assert_eq!(told(&api, &[&alice]).await, [0]);
    }
}

async fn a_transaction_whose_answer_is_lost_counts_as_done(api: Api) {
    let (alice, phone) = (user("alice"), Phone::android());
    let hers = api.secret(&alice).await;
    for _ in 0..2 {
        api.fault("dynamodb", "TransactWriteItems", "lostAnswer", 1)
            .await;
        api.register(&phone, Some(&alice), Some(&hers))
            .await
            .ok(201);
        api.holds(&phone, Some(&alice)).await;
        api.fault("dynamodb", "TransactWriteItems", "lostAnswer", 1)
            .await;
        api.unregister(&phone, Some(&hers)).await.empty(204);
        api.read(&phone, Some(api.client_secret()))
            .await
            .refused(NOT_FOUND);
    }
}

async fn a_conflict_is_decided_again(api: Api) {
    let (alice, phone) = (user("alice"), Phone::android());
    let hers = api.secret(&alice).await;
    for fault in ["Conflict", "Torn", "TransactionInProgressException"] {
        api.fault("dynamodb", "TransactWriteItems", fault, 2).await;
        api.register(&phone, Some(&alice), Some(&hers))
            .await
            .ok(201);
        assert_eq!(told(&api, &[&alice]).await, [1], "{fault}");
        api.control(Method::DELETE, "/faults", None).await;
        api.fault("dynamodb", "TransactWriteItems", fault, 2).await;
        api.unregister(&phone, Some(&hers)).await.empty(204);
        assert_eq!(told(&api, &[&alice]).await, [0], "{fault}");
        api.control(Method::DELETE, "/faults", None).await;
    }
    api.fault("dynamodb", "BatchGetItem", "Unprocessed", 2)
        .await;
    api.register(&phone, Some(&alice), Some(&hers))
        .await
        .ok(201);
    api.fault("dynamodb", "BatchGetItem", "Unprocessed", 2)
        .await;
    assert_eq!(told(&api, &[&alice]).await, [1]);
    // A conflict that stays is not waited out for ever.
    api.fault("dynamodb", "TransactWriteItems", "Conflict", 100)
        .await;
    let refused = api.unregister(&phone, Some(&hers)).await;
    refused.refused(UNAVAILABLE);
    api.holds(&phone, Some(&alice)).await;
}
