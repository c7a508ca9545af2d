//! What an operator can choose, each tried on a server that was started so.

use crate::answer::{NOT_CONFIGURED, NOT_FOUND, UNAUTHORIZED};
use crate::api::Api;
use crate::noted::note;
use crate::phone::{Phone, user};
use crate::story::{Story, own};
use reqwest::Method;
use serde_json::json;

const NEEDS: &str = "it needs a parameter";

pub(super) fn stories() -> Vec<Story> {
    vec![
        own(
            NEEDS,
            &["RequireClientSecret=always"],
            where_a_secret_is_always_required_no_call_goes_without,
        ),
        own(
            NEEDS,
            &["ClientSecretMode=shared"],
            in_shared_mode_init_hands_out_the_provisioned_secret,
        ),
        own(
            NEEDS,
            &["FcmApplicationArn="],
            without_an_android_application_only_iphones_register,
        ),
        own(
            NEEDS,
            &["ApnsApplicationArn="],
            without_an_iphone_application_only_android_registers,
        ),
        own(
            NEEDS,
            &["FcmSenderId=123456789012"],
            the_sender_id_is_public,
        ),
        own(
            NEEDS,
            &["AllowBroadcast=false"],
            without_a_target_nobody_is_told,
        ),
        own(
            NEEDS,
            &["ClientSecretHours=1"],
            a_client_secret_lasts_as_long_as_its_parameter_says,
        ),
        own(
            NEEDS,
            &["UserIdClaim=email"],
            a_user_id_that_is_an_address_has_to_be_verified,
        ),
        own(NEEDS, &["UserIdClaim=uid"], a_user_id_comes_from_its_claim),
        own(
            NEEDS,
            &["PublicUrl=https://push.example.com/"],
            a_href_begins_with_the_public_url,
        ),
        own(
            NEEDS,
            &["ApplicationId=my-app_1"],
            the_application_has_its_own_name,
        ),
    ]
}

async fn where_a_secret_is_always_required_no_call_goes_without(api: Api) {
    let (alice, phone) = (user("alice"), Phone::android());
    let secret = api.secret(&alice).await;
    for nothing in [None, Some("anonymous")] {
        api.register(&phone, None, nothing)
            .await
            .refused(UNAUTHORIZED);
        api.holds_no_trace(&[&phone.device, &phone.token]).await;
    }
    for something in [secret.as_str(), api.client_secret()] {
        api.register(&phone, None, Some(something)).await.ok(201);
        for nothing in [None, Some("anonymous")] {
            api.register(&phone, None, nothing)
                .await
                .refused(UNAUTHORIZED);
            api.update(&phone, None, nothing)
                .await
                .refused(UNAUTHORIZED);
            api.unregister(&phone, nothing).await.refused(UNAUTHORIZED);
            // A read never answers 401: the SDKs go on from a 404 only.
            api.read(&phone, nothing).await.refused(NOT_FOUND);
        }
        api.holds(&phone, None).await;
        api.unregister(&phone, Some(something)).await.empty(204);
    }
    let beside = api.call(Method::POST, "/devices").backend(&api);
    beside.json(&phone.body(None)).send().await.ok(201);
}

async fn in_shared_mode_init_hands_out_the_provisioned_secret(api: Api) {
    let alice = user("alice");
    let token = api.login(json!({"userId": alice})).await;
    let init = api
        .call(Method::GET, "/init")
        .header("authorization", &format!("Bearer {token}"));
    let init = init.send().await;
    assert_eq!(init.header("cache-control"), Some("no-store"));
    let mut body = init.ok(200);
    body.as_object_mut().unwrap().remove("senderId");
    assert_eq!(
        body,
        json!({"applicationId": api.application(), "userId": alice, "clientSecret": api.client_secret()})
    );
    let (phone, secret) = (Phone::android(), body["clientSecret"].as_str());
    api.register(&phone, Some(&alice), secret).await.ok(201);
    api.register(&phone, Some(&user("bob")), secret)
        .await
        .ok(201);
    api.register(&phone, Some(&alice), None)
        .await
        .refused(UNAUTHORIZED);
    api.unregister(&phone, secret).await.empty(204);
}

async fn only(api: Api, good: Phone, bad: Phone) {
    let (alice, secret) = (user("alice"), Some(api.client_secret()));
    api.register(&bad, None, None).await.refused(NOT_CONFIGURED);
    api.register(&bad, Some(&alice), secret)
        .await
        .refused(NOT_CONFIGURED);
    api.holds_no_trace(&[&bad.device, &bad.token]).await;
    api.register(&good, Some(&alice), secret).await.ok(201);
    api.tell(&[&alice], "Hi").await;
    assert_eq!(api.shown(&good).await, ["Hi"]);
}

async fn without_an_android_application_only_iphones_register(api: Api) {
    only(api, Phone::iphone(), Phone::android()).await;
}

async fn without_an_iphone_application_only_android_registers(api: Api) {
    only(api, Phone::android(), Phone::iphone()).await;
}

async fn the_sender_id_is_public(api: Api) {
    let settings = || api.call(Method::GET, "/settings/gcmConfPublic");
    for request in [
        settings(),
        settings().secret(Some("anonymous")),
        settings().secret(Some(api.client_secret())),
    ] {
        request
            .send()
            .await
            .is(200, &json!({"senderId": "123456789012"}));
    }
    let token = api.login(json!({"userId": user("alice")})).await;
    let init = api
        .call(Method::GET, "/init")
        .header("authorization", &format!("Bearer {token}"));
    let init = init.send().await.ok(200);
    note(init["clientSecret"].as_str().unwrap());
    assert_eq!(init["senderId"], "123456789012");
}

async fn without_a_target_nobody_is_told(api: Api) {
    let phone = Phone::android();
    api.register(&phone, None, None).await.ok(201);
    for message in [
        json!({"message": {"alert": "all"}}),
        json!({"message": {"alert": "all"}, "target": {}}),
        json!({"message": {"alert": "all"}, "target": null}),
    ] {
        api.send(&message).await.invalid("target", "");
    }
    assert_eq!(api.shown(&phone).await, [""; 0]);
}

async fn a_client_secret_lasts_as_long_as_its_parameter_says(api: Api) {
    let (alice, phone) = (user("alice"), Phone::android());
    let secret = api.secret(&alice).await;
    api.advance(3540).await;
    api.register(&phone, Some(&alice), Some(&secret))
        .await
        .ok(201);
    api.advance(61).await;
    api.update(&phone, Some(&alice), Some(&secret))
        .await
        .refused(UNAUTHORIZED);
}

/// What `init` answers to a token with these claims.
async fn init(api: &Api, claims: serde_json::Value) -> crate::answer::Answer {
    let login = json!({"userId": user("subject"), "claims": claims});
    let token = api.login(login).await;
    let init = api.call(Method::GET, "/init");
    init.header("authorization", &format!("Bearer {token}"))
        .send()
        .await
}

async fn a_user_id_that_is_an_address_has_to_be_verified(api: Api) {
    let alice = user("alice@example.com");
    for (claims, right) in [
        (json!({"email": alice, "email_verified": true}), true),
        (json!({"email": alice, "email_verified": "true"}), true),
        (json!({"email": alice, "email_verified": false}), false),
        (json!({"email": alice, "email_verified": "yes"}), false),
        (json!({"email": alice}), false),
        (json!({"email_verified": true}), false),
    ] {
        let answer = init(&api, claims).await;
        if right {
            let body = answer.ok(200);
            note(body["clientSecret"].as_str().unwrap());
            assert_eq!(body["userId"], alice);
        } else {
            answer.refused(UNAUTHORIZED);
        }
    }
}

async fn a_user_id_comes_from_its_claim(api: Api) {
    let alice = user("alice");
    let body = init(&api, json!({"uid": alice})).await.ok(200);
    note(body["clientSecret"].as_str().unwrap());
    assert_eq!(body["userId"], alice);
    init(&api, json!({})).await.refused(UNAUTHORIZED);
}

async fn a_href_begins_with_the_public_url(api: Api) {
    let phone = Phone::android();
    let device = api.register(&phone, None, None).await.ok(201);
    let path = api.path(&format!("/devices/{}", phone.device));
    assert_eq!(device["href"], format!("https://push.example.com{path}"));
}

async fn the_application_has_its_own_name(api: Api) {
    assert_eq!(api.application(), "my-app_1");
    let phone = Phone::android();
    api.register(&phone, None, None).await.ok(201);
    let other = api.at_path(
        Method::GET,
        &format!("/imfpush/v1/apps/my-app/devices/{}", phone.device),
    );
    other.backend(&api).send().await.refused(NOT_FOUND);
}
