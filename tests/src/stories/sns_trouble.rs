//! Registering while SNS is in trouble: a short spell is overcome, a long one is said, and nothing half done stays.

use super::sns::endpoint;
use crate::answer::{INTERNAL, NOT_FOUND, UNAVAILABLE};
use crate::api::Api;
use crate::phone::{Phone, user};
use crate::story::{Story, shared};
use serde_json::json;

pub(super) fn stories() -> Vec<Story> {
    vec![
        shared(an_endpoint_that_vanishes_at_the_look_is_made_again),
        shared(a_registration_that_sns_throttles_is_unavailable_for_now),
        shared(a_registration_that_sns_refuses_is_an_internal_error),
        shared(a_registration_whose_endpoint_call_lost_its_answer_succeeds),
    ]
}

async fn an_endpoint_that_vanishes_at_the_look_is_made_again(api: Api) {
    let phone = Phone::iphone();
    api.sns_fault(
        "GetEndpointAttributes",
        &phone.token,
        "NotFound",
        1,
        json!({}),
    )
    .await;
    api.register(&phone, None, None).await.ok(201);
    assert_eq!(endpoint(&api, &phone).await["enabled"], true);
    // It is not tried for ever.
    let phone = Phone::iphone();
    api.sns_fault(
        "GetEndpointAttributes",
        &phone.token,
        "NotFound",
        100,
        json!({}),
    )
    .await;
    let answer = api.register(&phone, None, None).await;
    answer.refused(if answer.status == 503 {
        UNAVAILABLE
    } else {
        INTERNAL
    });
    api.read(&phone, Some(api.client_secret()))
        .await
        .refused(NOT_FOUND);
}

async fn a_registration_that_sns_throttles_is_unavailable_for_now(api: Api) {
    for (operation, fault) in [
        ("CreatePlatformEndpoint", "Throttling"),
        ("CreatePlatformEndpoint", "ThrottlingException"),
        ("GetEndpointAttributes", "Throttling"),
        ("CreatePlatformEndpoint", "InternalError"),
    ] {
        let (phone, secret) = (Phone::android(), Some(api.client_secret()));
        let alice = user("alice");
        api.sns_fault(operation, &phone.token, fault, 10_000, json!({}))
            .await;
        let answer = api.register(&phone, Some(&alice), secret).await;
        answer.refused(UNAVAILABLE);
        api.read(&phone, secret).await.refused(NOT_FOUND);
    }
    // A short spell is overcome.
    let phone = Phone::android();
    api.sns_fault(
        "CreatePlatformEndpoint",
        &phone.token,
        "Throttling",
        1,
        json!({}),
    )
    .await;
    api.register(&phone, None, None).await.ok(201);
}

async fn a_registration_that_sns_refuses_is_an_internal_error(api: Api) {
    let phone = Phone::android();
    api.sns_fault(
        "CreatePlatformEndpoint",
        &phone.token,
        "AuthorizationError",
        1,
        json!({}),
    )
    .await;
    api.register(&phone, None, None).await.refused(INTERNAL);
    api.holds_no_trace(&[&phone.device, &phone.token]).await;
    api.register(&phone, None, None).await.ok(201);
}

async fn a_registration_whose_endpoint_call_lost_its_answer_succeeds(api: Api) {
    let phone = Phone::android();
    for operation in ["CreatePlatformEndpoint", "GetEndpointAttributes"] {
        api.sns_fault(operation, &phone.token, "disconnect", 1, json!({}))
            .await;
    }
    api.sns_fault(
        "CreatePlatformEndpoint",
        &phone.token,
        "lostAnswer",
        1,
        json!({}),
    )
    .await;
    api.register(&phone, None, None).await.ok(201);
    assert_eq!(endpoint(&api, &phone).await["enabled"], true);
    let slow = Phone::iphone();
    api.sns_fault(
        "CreatePlatformEndpoint",
        &slow.token,
        "timeout",
        1,
        json!({}),
    )
    .await;
    api.register(&slow, None, None).await.ok(201);
}
