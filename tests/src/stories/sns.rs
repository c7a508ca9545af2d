//! Registering at SNS: whatever state the endpoint is in, afterwards it is enabled and has the token.

use crate::api::Api;
use crate::phone::{Phone, user};
use crate::story::{Story, quiet, shared};
use reqwest::Method;
use serde_json::{Value, json};

pub(super) fn stories() -> Vec<Story> {
    vec![
        shared(a_registration_makes_an_endpoint_that_is_enabled),
        shared(a_disabled_endpoint_is_enabled_by_a_registration),
        shared(an_endpoint_that_exists_with_other_attributes_is_used),
        shared(a_token_that_sns_refuses_is_the_callers_mistake),
        shared(a_token_that_sns_has_elsewhere_is_the_callers_mistake),
        shared(a_new_token_is_a_new_endpoint),
        shared(user_ids_are_not_kept_at_sns),
        // It changes a platform for all.
        quiet(a_platform_that_is_disabled_still_registers),
    ]
}

/// The endpoint that SNS has for a phone.
pub(super) async fn endpoint(api: &Api, phone: &Phone) -> Value {
    let endpoint = api.endpoint(&phone.token).await;
    endpoint.unwrap_or_else(|| panic!("{} has no endpoint", phone.device))
}

async fn a_registration_makes_an_endpoint_that_is_enabled(api: Api) {
    for phone in [Phone::android(), Phone::iphone()] {
        api.register(&phone, None, None).await.ok(201);
        let endpoint = endpoint(&api, &phone).await;
        let arn = endpoint["endpointArn"].as_str().unwrap();
        assert_eq!(endpoint["enabled"], true);
        let kind = if phone.platform == "A" {
            ":endpoint/APNS"
        } else {
            ":endpoint/GCM/"
        };
        assert!(arn.contains(kind), "{arn}");
    }
}

async fn a_disabled_endpoint_is_enabled_by_a_registration(api: Api) {
    let (alice, phone) = (user("alice"), Phone::android());
    let secret = api.secret(&alice).await;
    api.register(&phone, Some(&alice), Some(&secret))
        .await
        .ok(201);
    let before = endpoint(&api, &phone).await;
    api.unregister(&phone, Some(&secret)).await.empty(204);
    api.set_endpoint(&phone.token, "enabled", false).await;
    api.register(&phone, Some(&alice), Some(&secret))
        .await
        .ok(201);
    assert_eq!(endpoint(&api, &phone).await, before);
    api.tell(&[&alice], "Hi").await;
    assert_eq!(api.shown(&phone).await, ["Hi"]);
}

/// Calls SNS as anybody with rights in the account may.
async fn sns(api: &Api, action: &str, parameters: &[(&str, &str)]) {
    let info = api.control(Method::GET, "/info", None).await;
    let url = info["awsEndpointUrl"].as_str().unwrap();
    let mut form = reqwest::Url::parse(url).unwrap();
    form.query_pairs_mut()
        .extend_pairs([("Action", action), ("Version", "2010-03-31")])
        .extend_pairs(parameters);
    let body = form.query().unwrap().to_owned();
    let call = reqwest::Client::new().post(url).body(body);
    let call = call
        .header("content-type", "application/x-www-form-urlencoded")
        .header(
            "authorization",
            "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/sns/aws4_request, SignedHeaders=host, Signature=0",
        );
    let answer = call.send().await.unwrap();
    let status = answer.status();
    assert!(
        status.is_success(),
        "{status}: {}",
        answer.text().await.unwrap()
    );
}

async fn an_endpoint_that_exists_with_other_attributes_is_used(api: Api) {
    // Any endpoint tells the name of the platform application.
    let (known, phone) = (Phone::android(), Phone::android());
    api.register(&known, None, None).await.ok(201);
    let known = endpoint(&api, &known).await;
    let arn = known["endpointArn"].as_str().unwrap();
    let application = arn
        .rsplit_once('/')
        .unwrap()
        .0
        .replace(":endpoint/", ":app/");
    sns(
        &api,
        "CreatePlatformEndpoint",
        &[
            ("PlatformApplicationArn", &application),
            ("Token", &phone.token),
            ("CustomUserData", "made by something else"),
        ],
    )
    .await;
    api.set_endpoint(&phone.token, "enabled", false).await;
    let before = endpoint(&api, &phone).await;

    let (alice, secret) = (user("alice"), Some(api.client_secret()));
    api.register(&phone, Some(&alice), secret).await.ok(201);
    let after = endpoint(&api, &phone).await;
    assert_eq!(after["endpointArn"], before["endpointArn"]);
    assert_eq!(after["enabled"], true);
    api.tell(&[&alice], "Hi").await;
    assert_eq!(api.shown(&phone).await, ["Hi"]);
}

async fn a_token_that_sns_refuses_is_the_callers_mistake(api: Api) {
    for (phone, text) in [
        (
            Phone::android(),
            "Invalid parameter: Token Reason: must be at most 8192 bytes long in UTF-8 encoding",
        ),
        (
            Phone::iphone(),
            "Invalid parameter: Token Reason: iOS device tokens must be no more than 400 hexadecimal characters",
        ),
    ] {
        let more = json!({"message": text});
        api.sns_fault(
            "CreatePlatformEndpoint",
            &phone.token,
            "InvalidParameter",
            1,
            more,
        )
        .await;
        let answer = api.register(&phone, None, None).await;
        answer.invalid("token", &phone.token);
        api.holds_no_trace(&[&phone.device, &phone.token]).await;
    }
}

async fn a_token_that_sns_has_elsewhere_is_the_callers_mistake(api: Api) {
    let phone = Phone::android();
    let more = json!({"message": "Invalid parameter: This endpoint is already registered with a different token."});
    api.sns_fault(
        "CreatePlatformEndpoint",
        &phone.token,
        "InvalidParameter",
        1,
        more,
    )
    .await;
    api.register(&phone, None, None)
        .await
        .invalid("token", &phone.token);
    api.holds_no_trace(&[&phone.device, &phone.token]).await;
}

async fn a_new_token_is_a_new_endpoint(api: Api) {
    let phone = Phone::android();
    api.register(&phone, None, None).await.ok(201);
    let before = endpoint(&api, &phone).await;
    let fresh = phone.refreshed();
    api.update(&fresh, None, None).await.ok(200);
    // An endpoint's token is never changed: whoever else holds the old one keeps it.
    assert_eq!(endpoint(&api, &phone).await, before);
    assert_ne!(
        endpoint(&api, &fresh).await["endpointArn"],
        before["endpointArn"]
    );
}

async fn user_ids_are_not_kept_at_sns(api: Api) {
    let (alice, phone) = (user("alice"), Phone::android());
    let secret = api.secret(&alice).await;
    api.register(&phone, Some(&alice), Some(&secret))
        .await
        .ok(201);
    let all = api
        .control(Method::GET, "/endpoints", None)
        .await
        .to_string();
    assert!(all.contains(&phone.token));
    assert!(!all.contains(&alice) && !all.contains(&phone.device));
}

async fn a_platform_that_is_disabled_still_registers(api: Api) {
    let body = json!({"platform": "G", "enabled": false});
    api.control(Method::POST, "/applications", Some(body)).await;
    let (alice, phone, secret) = (user("alice"), Phone::android(), Some(api.client_secret()));
    api.register(&phone, Some(&alice), secret).await.ok(201);
    api.tell(&[&alice], "lost").await;
    api.holds(&phone, Some(&alice)).await;
    let body = json!({"platform": "G", "enabled": true});
    api.control(Method::POST, "/applications", Some(body)).await;
    api.tell(&[&alice], "found").await;
    assert_eq!(api.shown(&phone).await, ["found"]);
}
