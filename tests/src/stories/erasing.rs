//! Erasing a user: a privacy request is one call.

use crate::answer::{NOT_FOUND, UNAUTHORIZED};
use crate::api::Api;
use crate::phone::{Phone, user};
use crate::story::{Story, own, shared};
use reqwest::Method;
use serde_json::json;

pub(super) fn stories() -> Vec<Story> {
    vec![
        shared(an_erased_user_has_no_device_and_no_trace),
        shared(erasing_can_be_repeated_and_needs_nobody_to_be_there),
        shared(only_a_backend_erases),
        shared(an_id_that_no_path_can_hold_is_erased_by_query),
        shared(an_id_that_cannot_be_one_is_refused),
        own(
            "it waits for a call",
            &[],
            a_slower_earlier_registration_does_not_bring_an_erased_user_back,
        ),
        own("it moves the clock", &[], an_expired_binding_is_erased_too),
    ]
}

async fn erase(api: &Api, user: &str) {
    let route = format!("/users/{user}");
    api.call(Method::DELETE, &route)
        .backend(api)
        .send()
        .await
        .empty(204);
}

async fn an_erased_user_has_no_device_and_no_trace(api: Api) {
    let (alice, bob) = (user("alice"), user("bob"));
    let phones = [Phone::android(), Phone::iphone(), Phone::android()];
    let secret = api.secret(&alice).await;
    for phone in &phones {
        api.register(phone, Some(&alice), Some(&secret))
            .await
            .ok(201);
    }
    // A device that has changed hands is not hers, and a logout from it is remembered by no name.
    let bobs = Phone::android();
    api.register(&bobs, Some(&alice), Some(&secret))
        .await
        .ok(201);
    api.register(&bobs, Some(&bob), Some(&api.secret(&bob).await))
        .await
        .ok(201);
    api.unregister(&bobs, Some(&secret))
        .await
        .refused(NOT_FOUND);
    // Nor is one that she has left.
    let left = Phone::iphone();
    api.register(&left, Some(&alice), Some(&secret))
        .await
        .ok(201);
    api.unregister(&left, Some(&secret)).await.empty(204);

    erase(&api, &alice).await;
    for phone in &phones {
        api.read(phone, Some(api.client_secret()))
            .await
            .refused(NOT_FOUND);
    }
    api.holds_no_item_of(&[&alice]).await;
    let tokens: Vec<_> = phones.iter().map(|phone| phone.token.as_str()).collect();
    api.holds_no_item_of(&tokens).await;
    api.holds(&bobs, Some(&bob)).await;
}

async fn erasing_can_be_repeated_and_needs_nobody_to_be_there(api: Api) {
    let (alice, phone) = (user("alice"), Phone::android());
    erase(&api, &alice).await;
    // A secret that is made so soon after the erasure registers nothing yet; a trusted caller registers her.
    let trusted = Some(api.client_secret());
    api.register(&phone, Some(&alice), trusted).await.ok(201);
    erase(&api, &alice).await;
    erase(&api, &alice).await;
    api.tell(&[&alice], "to nobody").await;
    assert_eq!(api.shown(&phone).await, [""; 0]);
    // Whoever comes back is welcome.
    api.register(&phone, Some(&alice), trusted).await.ok(201);
    api.holds(&phone, Some(&alice)).await;
}

async fn only_a_backend_erases(api: Api) {
    let (alice, phone) = (user("alice"), Phone::android());
    let secret = api.secret(&alice).await;
    api.register(&phone, Some(&alice), Some(&secret))
        .await
        .ok(201);
    for secret in [None, Some(secret.as_str()), Some(api.client_secret())] {
        for route in [format!("/users/{alice}"), format!("/users?userId={alice}")] {
            let call = api.call(Method::DELETE, &route).secret(secret);
            call.send().await.refused(UNAUTHORIZED);
        }
    }
    api.holds(&phone, Some(&alice)).await;
}

async fn an_id_that_no_path_can_hold_is_erased_by_query(api: Api) {
    let (short, phone) = (user("a"), Phone::android());
    let long = crate::noted::note(format!("{short}?x=/é&%41 b"));
    let others = Phone::android();
    for (user, phone) in [(&short, &others), (&long, &phone)] {
        api.register(phone, Some(user), Some(api.client_secret()))
            .await
            .ok(201);
    }
    let escaped: String = long
        .bytes()
        .fold(String::new(), |text, byte| text + &format!("%{byte:02X}"));
    let call = api.call(Method::DELETE, &format!("/users?userId={escaped}"));
    call.backend(&api).send().await.empty(204);
    api.read(&phone, Some(api.client_secret()))
        .await
        .refused(NOT_FOUND);
    api.holds(&others, Some(&short)).await;
}

async fn an_id_that_cannot_be_one_is_refused(api: Api) {
    for route in ["/users", "/users?userId="] {
        let answer = api.call(Method::DELETE, route).backend(&api).send().await;
        let body = answer.ok(400);
        assert_eq!(body["code"], "FPWSE0008E");
        assert_eq!(
            body["message"],
            "Bad Request. The query parameter 'userId' is missing."
        );
    }
    let long = "x".repeat(255);
    let call = api.call(Method::DELETE, &format!("/users/{long}"));
    call.backend(&api).send().await.invalid("userId", &long);
    let call = api.at_path(Method::DELETE, "/imfpush/v1/apps/other/users/alice");
    call.backend(&api).send().await.refused(NOT_FOUND);
}

async fn a_slower_earlier_registration_does_not_bring_an_erased_user_back(api: Api) {
    let (alice, phone) = (user("alice"), Phone::android());
    let secret = api.secret(&alice).await;
    api.register(&phone, Some(&alice), Some(&secret))
        .await
        .ok(201);
    let refreshed = phone.refreshed();
    api.forget_calls().await;
    api.hold("CreatePlatformEndpoint", &refreshed.token, 700)
        .await;
    let slow = {
        let (api, refreshed, alice, secret) = (
            api.clone(),
            refreshed.clone(),
            alice.clone(),
            secret.clone(),
        );
        tokio::spawn(async move { api.register(&refreshed, Some(&alice), Some(&secret)).await })
    };
    api.called("sns.CreatePlatformEndpoint", 1).await;
    erase(&api, &alice).await;
    slow.await.unwrap().ok(201);
    api.holds_no_item_of(&[&alice]).await;
}

async fn an_expired_binding_is_erased_too(api: Api) {
    let (alice, phone) = (user("alice"), Phone::android());
    api.register(&phone, Some(&alice), Some(api.client_secret()))
        .await
        .ok(201);
    api.advance(271 * 86_400).await;
    let held = serde_json::to_string(&api.items().await).unwrap();
    assert!(
        held.contains(&alice),
        "it was not swept: {}",
        json!(held.len())
    );
    erase(&api, &alice).await;
    api.holds_no_item_of(&[&alice]).await;
}
