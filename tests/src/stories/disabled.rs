//! Endpoints that SNS has disabled: a device that is still there is reached, and one that is not ends.

use crate::api::Api;
use crate::phone::{Phone, user};
use crate::story::{Story, own, shared};
use serde_json::json;

pub(super) fn stories() -> Vec<Story> {
    vec![
        shared(a_send_enables_a_disabled_endpoint_and_reaches_the_device),
        shared(an_endpoint_that_is_disabled_again_ends_its_device),
        shared(a_registration_gives_the_endpoint_another_chance),
        own(
            "it makes every token of a platform look dead",
            &[],
            devices_that_all_look_dead_come_back_when_their_apps_start,
        ),
    ]
}

/// A registered phone of a new user, and their secret.
async fn bound(api: &Api) -> (String, String, Phone) {
    let (alice, phone) = (user("alice"), Phone::android());
    let secret = api.secret(&alice).await;
    let registered = api.register(&phone, Some(&alice), Some(&secret)).await;
    registered.ok(201);
    (alice, secret, phone)
}

/// Sends to the user; gives how many devices it reached.
async fn reached(api: &Api, alice: &str) -> u64 {
    let message = json!({"message": {"alert": "Hi"}, "target": {"userIds": [alice]}});
    let sent = api.send(&message).await.ok(202);
    sent["recipients"][alice].as_u64().unwrap()
}

async fn disable(api: &Api, phone: &Phone) {
    api.set_endpoint(&phone.token, "enabled", false).await;
}

async fn a_send_enables_a_disabled_endpoint_and_reaches_the_device(api: Api) {
    let (alice, secret, phone) = bound(&api).await;
    disable(&api, &phone).await;
    // It changes nothing, so SNS is not asked.
    let again = api.register(&phone, Some(&alice), Some(&secret)).await;
    again.ok(201);
    assert_eq!(api.endpoint(&phone.token).await.unwrap()["enabled"], false);
    assert_eq!(reached(&api, &alice).await, 1);
    assert_eq!(api.shown(&phone).await, ["Hi"]);
    assert_eq!(api.endpoint(&phone.token).await.unwrap()["enabled"], true);
    api.holds(&phone, Some(&alice)).await;
}

async fn an_endpoint_that_is_disabled_again_ends_its_device(api: Api) {
    let (alice, secret, phone) = bound(&api).await;
    for reached_then in [1, 0] {
        disable(&api, &phone).await;
        assert_eq!(reached(&api, &alice).await, reached_then);
    }
    api.read(&phone, Some(&secret)).await.ok(404);
}

async fn a_registration_gives_the_endpoint_another_chance(api: Api) {
    let (alice, secret, phone) = bound(&api).await;
    for _ in 0..3 {
        disable(&api, &phone).await;
        assert_eq!(reached(&api, &alice).await, 1);
        let again = api.register(&phone, Some(&alice), Some(&secret)).await;
        again.ok(201);
    }
    disable(&api, &phone).await;
    assert_eq!(reached(&api, &alice).await, 1);
    // An app that only reads while nothing has changed, as IBM's do.
    api.read(&phone, Some(&secret)).await.ok(200);
    disable(&api, &phone).await;
    assert_eq!(reached(&api, &alice).await, 1);
}

async fn devices_that_all_look_dead_come_back_when_their_apps_start(api: Api) {
    let alice = user("alice");
    let secret = api.secret(&alice).await;
    let phones: Vec<_> = (0..30).map(|_| Phone::android()).collect();
    for phone in &phones {
        let registered = api.register(phone, Some(&alice), Some(&secret)).await;
        registered.ok(201);
    }
    for phone in &phones {
        disable(&api, phone).await;
    }
    assert_eq!(reached(&api, &alice).await, 0);
    for (n, phone) in phones.iter().enumerate() {
        let starts = async || {
            if n % 2 == 0 {
                let again = api.register(phone, Some(&alice), Some(&secret)).await;
                again.ok(201);
            } else {
                api.read(phone, Some(&secret)).await.ok(200);
            }
        };
        starts().await;
        // After that, starting is as cheap as before.
        api.forget_calls().await;
        starts().await;
        let calls = api.calls().await;
        assert_eq!(calls.as_object().unwrap().len(), 1, "{calls}");
    }
    assert_eq!(reached(&api, &alice).await, 30);
}
