//! Slow subscriptions: one that arrived earlier neither outlives its owner nor undoes what came later.

use super::subscriptions::{made, subscribe, subscriber, tags_of, unsubscribe};
use crate::answer::Answer;
use crate::api::Api;
use crate::phone::{Phone, user};
use crate::story::{Story, own, quiet};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

const WATCHES: &str = "it watches the calls to hold one of them";

pub(super) fn stories() -> Vec<Story> {
    vec![
        own(WATCHES, &[], a_slow_subscription_is_not_the_next_owners),
        own(
            WATCHES,
            &[],
            a_slow_subscription_does_not_outlive_the_logout,
        ),
        own(
            WATCHES,
            &[],
            a_slow_subscription_is_not_that_of_a_later_login_of_the_same_user,
        ),
        own(
            WATCHES,
            &[],
            a_slow_subscription_survives_a_new_token_of_the_same_user,
        ),
        own(
            WATCHES,
            &[],
            a_slow_subscription_does_not_undo_a_later_end_of_it,
        ),
        own(
            WATCHES,
            &[],
            a_slow_end_of_a_subscription_does_not_undo_a_later_one,
        ),
        // It makes many calls at once.
        quiet(racing_logins_and_subscriptions_leave_only_those_of_the_owner),
    ]
}

/// Makes a call in the background, and waits until its first write is held at the table.
async fn slow<C>(api: &Api, call: C) -> JoinHandle<Answer>
where
    C: Future<Output = Answer> + Send + 'static,
{
    let hold = json!({"service": "dynamodb", "operation": "TransactWriteItems", "times": 1, "delayMs": 2000});
    api.control(Method::POST, "/faults", Some(hold)).await;
    api.forget_calls().await;
    let slow = tokio::spawn(call);
    api.called("dynamodb.TransactWriteItems", 1).await;
    slow
}

/// A subscription whose write is held.
async fn slow_subscription(
    api: &Api,
    phone: &Phone,
    tag: &str,
    secret: &str,
) -> JoinHandle<Answer> {
    let (own, phone) = (api.clone(), phone.clone());
    let (tag, secret) = (tag.to_owned(), secret.to_owned());
    let call = async move { subscribe(&own, &phone, &tag, Some(&secret)).await };
    slow(api, call).await
}

/// Asserts that a push to the tag reaches the phone, or not, and that nothing but what the phone subscribes to is indexed.
async fn reached(api: &Api, phone: &Phone, tag: &str, expected: bool) {
    let message = json!({"message": {"alert": "Hi"}, "target": {"tagNames": [tag]}});
    let sent = api.send(&message).await.ok(202);
    let counts = api.settled(sent["messageId"].as_str().unwrap()).await;
    assert_eq!(counts["accepted"], u64::from(expected));
    let items = api.items().await;
    let entry = |item: &&Value| {
        item["pk"]["S"].as_str().unwrap().starts_with("TAG#") && item["sk"]["S"] == phone.device
    };
    assert_eq!(items.iter().filter(entry).count(), usize::from(expected));
}

async fn a_slow_subscription_is_not_the_next_owners(api: Api) {
    let tag = made(&api).await;
    let (_, hers, phone) = subscriber(&api, &[]).await;
    let slow = slow_subscription(&api, &phone, &tag, &hers).await;
    let bob = user("bob");
    let his = api.secret(&bob).await;
    api.update(&phone, Some(&bob), Some(&his)).await.ok(200);
    assert!(!slow.is_finished());
    slow.await.unwrap().refused(crate::answer::NOT_FOUND);
    assert_eq!(tags_of(&api, &phone).await, [""; 0]);
    reached(&api, &phone, &tag, false).await;
}

async fn a_slow_subscription_does_not_outlive_the_logout(api: Api) {
    let tag = made(&api).await;
    let (_, hers, phone) = subscriber(&api, &[]).await;
    let slow = slow_subscription(&api, &phone, &tag, &hers).await;
    api.unregister(&phone, Some(&hers)).await.empty(204);
    assert!(!slow.is_finished());
    slow.await.unwrap().refused(crate::answer::NOT_FOUND);
    reached(&api, &phone, &tag, false).await;
}

async fn a_slow_subscription_is_not_that_of_a_later_login_of_the_same_user(api: Api) {
    let tag = made(&api).await;
    let (alice, hers, phone) = subscriber(&api, &[]).await;
    let slow = slow_subscription(&api, &phone, &tag, &hers).await;
    api.unregister(&phone, Some(&hers)).await.empty(204);
    api.register(&phone, Some(&alice), Some(&hers))
        .await
        .ok(201);
    assert!(!slow.is_finished());
    // It is answered as it would have been before the logout, which has ended it.
    slow.await.unwrap().ok(201);
    assert_eq!(tags_of(&api, &phone).await, [""; 0]);
    reached(&api, &phone, &tag, false).await;
    subscribe(&api, &phone, &tag, Some(&hers)).await.ok(201);
    reached(&api, &phone, &tag, true).await;
}

async fn a_slow_subscription_survives_a_new_token_of_the_same_user(api: Api) {
    let tag = made(&api).await;
    let (alice, hers, phone) = subscriber(&api, &[]).await;
    let slow = slow_subscription(&api, &phone, &tag, &hers).await;
    let phone = phone.refreshed();
    api.update(&phone, Some(&alice), Some(&hers)).await.ok(200);
    assert!(!slow.is_finished());
    slow.await.unwrap().ok(201);
    assert_eq!(tags_of(&api, &phone).await, [tag.as_str()]);
    reached(&api, &phone, &tag, true).await;
}

async fn a_slow_subscription_does_not_undo_a_later_end_of_it(api: Api) {
    let tag = made(&api).await;
    let (_, hers, phone) = subscriber(&api, &[]).await;
    let slow = slow_subscription(&api, &phone, &tag, &hers).await;
    let refused = unsubscribe(&api, &phone, &tag, Some(&hers)).await;
    refused.refused(crate::answer::NO_SUBSCRIPTION);
    assert!(!slow.is_finished());
    slow.await.unwrap().ok(201);
    assert_eq!(tags_of(&api, &phone).await, [""; 0]);
    reached(&api, &phone, &tag, false).await;
}

async fn a_slow_end_of_a_subscription_does_not_undo_a_later_one(api: Api) {
    let tag = made(&api).await;
    let (_, hers, phone) = subscriber(&api, &[&tag]).await;
    let slow = {
        let (api_, phone, tag, hers) = (api.clone(), phone.clone(), tag.clone(), hers.clone());
        let call = async move { unsubscribe(&api_, &phone, &tag, Some(&hers)).await };
        slow(&api, call).await
    };
    unsubscribe(&api, &phone, &tag, Some(&hers))
        .await
        .empty(204);
    subscribe(&api, &phone, &tag, Some(&hers)).await.ok(201);
    assert!(!slow.is_finished());
    slow.await.unwrap().empty(204);
    assert_eq!(tags_of(&api, &phone).await, [tag.as_str()]);
    reached(&api, &phone, &tag, true).await;
}

async fn racing_logins_and_subscriptions_leave_only_those_of_the_owner(api: Api) {
    let users = [user("alice"), user("bob")];
    let mut secrets = Vec::new();
    for user in &users {
        secrets.push(api.secret(user).await);
    }
    let tags = [made(&api).await, made(&api).await];
    let phone = Phone::android();
    for round in 0..5 {
        let mut calls = Vec::new();
        for ((user, secret), tag) in users.iter().zip(&secrets).zip(&tags) {
            let (api, phone) = (api.clone(), phone.clone());
            let (user, secret, tag) = (user.clone(), secret.clone(), tag.clone());
            // Each user subscribes to a tag of their own.
            calls.push(tokio::spawn(async move {
                for _ in 0..3 {
                    let status = api
                        .register(&phone, Some(&user), Some(&secret))
                        .await
                        .status;
                    assert!(status == 201 || status == 503, "{status}");
                    let status = subscribe(&api, &phone, &tag, Some(&secret)).await.status;
                    assert!(matches!(status, 201 | 404 | 503), "{status}");
                }
            }));
        }
        for call in calls {
            call.await.unwrap();
        }
        let read = api.read(&phone, Some(api.client_secret())).await.ok(200);
        let owner = users
            .iter()
            .position(|user| read["userId"] == *user)
            .unwrap();
        let left = tags_of(&api, &phone).await;
        let only: Vec<_> = left.iter().filter(|tag| **tag == tags[owner]).collect();
        assert_eq!(only.len(), left.len(), "round {round}: {left:?}");
        let items = api.items().await;
        let entry = |item: &&Value| {
            item["pk"]["S"].as_str().unwrap().starts_with("TAG#") && item["sk"]["S"] == phone.device
        };
        assert_eq!(
            items.iter().filter(entry).count(),
            left.len(),
            "round {round}"
        );
    }
}
