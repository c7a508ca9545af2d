//! Slow calls: one that arrived earlier never overwrites one that arrived later, however late it ends.

use crate::answer::NOT_FOUND;
use crate::api::Api;
use crate::phone::{Phone, user};
use crate::story::{Story, own, quiet};
use serde_json::json;
use tokio::task::JoinHandle;

const WATCHES: &str = "it watches the calls to hold one of them";

/// Longer than the calls in between take, and shorter than the 10 s after which no transaction starts.
const HELD: u64 = 2000;

pub(super) fn stories() -> Vec<Story> {
    vec![
        own(
            WATCHES,
            &[],
            a_slow_registration_does_not_bind_after_the_logout,
        ),
        own(
            WATCHES,
            &[],
            a_slow_token_refresh_does_not_bind_after_the_logout,
        ),
        own(
            WATCHES,
            &[],
            a_slow_registration_does_not_bind_after_another_login,
        ),
        own(
            WATCHES,
            &[],
            a_slow_registration_does_not_bind_after_another_login_and_logout,
        ),
        own(
            WATCHES,
            &[],
            a_slow_registration_does_not_bind_after_an_anonymous_one,
        ),
        own(WATCHES, &[], a_slow_reinstall_does_not_end_a_later_login),
        own(
            WATCHES,
            &[],
            a_slow_registration_does_not_take_the_token_back_after_a_reinstall_and_logout,
        ),
        own(
            WATCHES,
            &[],
            a_logout_of_one_user_does_not_stop_the_slow_login_of_another,
        ),
        // It makes many calls at once.
        quiet(racing_registrations_leave_one_owner_of_one_device),
    ]
}

/// Registers in the background, and waits until the call is held at SNS. It is answered as if nothing were.
async fn slow(api: &Api, phone: &Phone, user: &str, secret: &str) -> JoinHandle<()> {
    api.hold("CreatePlatformEndpoint", &phone.token, HELD).await;
    api.forget_calls().await;
    let (call, phone, user, secret) = (
        api.clone(),
        phone.clone(),
        user.to_owned(),
        secret.to_owned(),
    );
    let slow = tokio::spawn(async move {
        let answer = call.register(&phone, Some(&user), Some(&secret)).await;
        let device = answer.ok(201);
        assert_eq!(
            (&device["userId"], &device["token"]),
            (&json!(user), &json!(phone.token))
        );
    });
    api.called("sns.CreatePlatformEndpoint", 1).await;
    slow
}

/// Whom a push to each of the users reaches.
async fn reached(api: &Api, users: &[&str]) -> Vec<u64> {
    let message = json!({"message": {"alert": "Hi"}, "target": {"userIds": users}});
    let sent = api.send(&message).await.ok(202);
    let count = |user: &&str| sent["recipients"][*user].as_u64().unwrap();
    users.iter().map(count).collect()
}

async fn a_slow_registration_does_not_bind_after_the_logout(api: Api) {
    let (alice, phone) = (user("alice"), Phone::android());
    let hers = api.secret(&alice).await;
    let slow = slow(&api, &phone, &alice, &hers).await;
    // The device is not known yet; the logout counts all the same.
    api.unregister(&phone, Some(&hers)).await.refused(NOT_FOUND);
    assert!(!slow.is_finished());
    slow.await.unwrap();
    api.read(&phone, Some(api.client_secret()))
        .await
        .refused(NOT_FOUND);
    assert_eq!(reached(&api, &[&alice]).await, [0]);
    // A later login works.
    api.register(&phone, Some(&alice), Some(&hers))
        .await
        .ok(201);
    assert_eq!(reached(&api, &[&alice]).await, [1]);
}

async fn a_slow_registration_does_not_take_the_token_back_after_a_reinstall_and_logout(api: Api) {
    let (alice, bob) = (user("alice"), user("bob"));
    let old = Phone::android();
    let new = old.reinstalled();
    let (hers, his) = (api.secret(&alice).await, api.secret(&bob).await);
    let slow = slow(&api, &old, &alice, &hers).await;
    api.register(&new, Some(&bob), Some(&his)).await.ok(201);
    api.unregister(&new, Some(&his)).await.empty(204);
    assert!(!slow.is_finished());
    slow.await.unwrap();
    api.read(&old, Some(api.client_secret()))
        .await
        .refused(NOT_FOUND);
    assert_eq!(reached(&api, &[&alice, &bob]).await, [0, 0]);
    // A later login under the old id works.
    api.register(&old, Some(&alice), Some(&hers)).await.ok(201);
    assert_eq!(reached(&api, &[&alice, &bob]).await, [1, 0]);
}

async fn a_slow_token_refresh_does_not_bind_after_the_logout(api: Api) {
    let (alice, phone) = (user("alice"), Phone::android());
    let hers = api.secret(&alice).await;
    api.register(&phone, Some(&alice), Some(&hers))
        .await
        .ok(201);
    let slow = slow(&api, &phone.refreshed(), &alice, &hers).await;
    api.unregister(&phone, Some(&hers)).await.empty(204);
    assert!(!slow.is_finished());
    slow.await.unwrap();
    api.read(&phone, Some(api.client_secret()))
        .await
        .refused(NOT_FOUND);
    assert_eq!(reached(&api, &[&alice]).await, [0]);
    api.unregister(&phone, Some(&hers)).await.empty(204);
}

async fn a_slow_registration_does_not_bind_after_another_login(api: Api) {
    let (alice, bob, phone) = (user("alice"), user("bob"), Phone::android());
    let (hers, his) = (api.secret(&alice).await, api.secret(&bob).await);
    let slow = slow(&api, &phone, &alice, &hers).await;
    api.register(&phone, Some(&bob), Some(&his)).await.ok(201);
    assert!(!slow.is_finished());
    slow.await.unwrap();
    api.holds(&phone, Some(&bob)).await;
    assert_eq!(reached(&api, &[&alice, &bob]).await, [0, 1]);
}

async fn a_slow_registration_does_not_bind_after_another_login_and_logout(api: Api) {
    let (alice, bob, phone) = (user("alice"), user("bob"), Phone::android());
    let (hers, his) = (api.secret(&alice).await, api.secret(&bob).await);
    let slow = slow(&api, &phone, &alice, &hers).await;
    api.unregister(&phone, Some(&hers)).await.refused(NOT_FOUND);
    api.register(&phone, Some(&bob), Some(&his)).await.ok(201);
    api.unregister(&phone, Some(&his)).await.empty(204);
    assert!(!slow.is_finished());
    slow.await.unwrap();
    api.read(&phone, Some(api.client_secret()))
        .await
        .refused(NOT_FOUND);
    assert_eq!(reached(&api, &[&alice, &bob]).await, [0, 0]);
}

async fn a_slow_registration_does_not_bind_after_an_anonymous_one(api: Api) {
    let (alice, phone) = (user("alice"), Phone::android());
    let hers = api.secret(&alice).await;
    let slow = slow(&api, &phone, &alice, &hers).await;
    api.register(&phone, None, None).await.ok(201);
    assert!(!slow.is_finished());
    slow.await.unwrap();
    api.holds(&phone, None).await;
    assert_eq!(reached(&api, &[&alice]).await, [0]);
}

async fn a_slow_reinstall_does_not_end_a_later_login(api: Api) {
    let (alice, bob, old) = (user("alice"), user("bob"), Phone::android());
    let (hers, his) = (api.secret(&alice).await, api.secret(&bob).await);
    let new = old.reinstalled();
    let slow = slow(&api, &new, &alice, &hers).await;
    // The device that the slow call would end is changed by a later one.
    api.register(&old, Some(&bob), Some(&his)).await.ok(201);
    assert!(!slow.is_finished());
    slow.await.unwrap();
    api.holds(&old, Some(&bob)).await;
    api.read(&new, Some(api.client_secret()))
        .await
        .refused(NOT_FOUND);
    assert_eq!(reached(&api, &[&alice, &bob]).await, [0, 1]);
}

async fn a_logout_of_one_user_does_not_stop_the_slow_login_of_another(api: Api) {
    let (alice, bob, phone) = (user("alice"), user("bob"), Phone::android());
    let (hers, his) = (api.secret(&alice).await, api.secret(&bob).await);
    let slow = slow(&api, &phone, &alice, &hers).await;
    // The logout counts for bob alone.
    api.unregister(&phone, Some(&his)).await.refused(NOT_FOUND);
    assert!(!slow.is_finished());
    slow.await.unwrap();
    api.holds(&phone, Some(&alice)).await;
    assert_eq!(reached(&api, &[&alice, &bob]).await, [1, 0]);
}

async fn racing_registrations_leave_one_owner_of_one_device(api: Api) {
    let (first, users) = (
        Phone::android(),
        [user("alice"), user("bob"), user("carol")],
    );
    let second = first.reinstalled();
    let mut secrets = Vec::new();
    for user in &users {
        secrets.push(api.secret(user).await);
    }
    for _ in 0..5 {
        let mut calls = Vec::new();
        for (user, secret) in users.iter().zip(&secrets) {
            for phone in [&first, &second] {
                let (api, phone) = (api.clone(), phone.clone());
                let (user, secret) = (user.clone(), secret.clone());
                calls.push(tokio::spawn(async move {
                    api.register(&phone, Some(&user), Some(&secret))
                        .await
                        .status
                }));
            }
        }
        for call in calls {
            let status = call.await.unwrap();
            assert!(status == 201 || status == 503, "{status}");
        }
        let names: Vec<&str> = users.iter().map(String::as_str).collect();
        let sum: u64 = reached(&api, &names).await.iter().sum();
        assert_eq!(sum, 1, "one owner of the one device that holds the token");
        let mut known = 0;
        for phone in [&first, &second] {
            known += u32::from(api.read(phone, Some(api.client_secret())).await.status == 200);
        }
        assert_eq!(known, 1, "one device holds the token");
    }
}
