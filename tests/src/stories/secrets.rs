//! Getting a client secret, and what a rotation of the provisioned ones means.

use crate::answer::{NOT_FOUND, UNAUTHORIZED};
use crate::api::Api;
use crate::jwt;
use crate::noted::note;
use crate::phone::{Phone, user};
use crate::story::{Story, own, shared};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Instant;

const ROTATES: &str = "it rotates a secret and moves the clock";

pub(super) fn stories() -> Vec<Story> {
    vec![
        shared(init_hands_out_a_secret_for_the_signed_in_user),
        shared(init_needs_a_token_of_the_identity_provider),
        shared(init_refuses_a_user_id_that_cannot_be_one),
        own(
            "it moves the clock",
            &[],
            init_refuses_a_token_that_has_expired,
        ),
        own(ROTATES, &[], one_rotation_logs_nobody_out),
        own(ROTATES, &[], after_two_rotations_the_first_secret_is_wrong),
        own(ROTATES, &[], the_app_secret_rotates_alike),
        own(
            "it rotates a secret",
            &[],
            a_new_secret_counts_at_once_and_a_guess_fetches_it_once,
        ),
        own(
            ROTATES,
            &[],
            after_each_of_three_rotations_the_newest_secret_counts_at_once,
        ),
        own(
            "it breaks Secrets Manager",
            &[],
            a_failed_fetch_drops_no_secret,
        ),
    ]
}

async fn init(api: &Api, token: &str) -> crate::answer::Answer {
    let init = api.call(Method::GET, "/init");
    init.header("authorization", &format!("Bearer {token}"))
        .send()
        .await
}

async fn init_hands_out_a_secret_for_the_signed_in_user(api: Api) {
    for alice in [
        user("alice"),
        user("ünïcödé 😀 \"quoted\" \\ name"),
        user(" two  spaces "),
        note("x".repeat(254)),
    ] {
        let token = api.login(json!({"userId": alice})).await;
        let answer = init(&api, &token).await;
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let body = answer.ok(200);
        let secret = note(body["clientSecret"].as_str().unwrap());
        let expires = jwt::part(&secret, 1)["exp"].as_u64().unwrap();
        let mut expected = json!({"applicationId": api.application(), "userId": alice, "clientSecret": secret,
            "expiresAt": rfc_3339(expires)});
        if let Some(sender) = body.get("senderId") {
            expected["senderId"] = sender.clone();
        }
        assert_eq!(body, expected);
        let phone = Phone::iphone();
        let device = api.register(&phone, Some(&alice), Some(&secret)).await;
        assert_eq!(device.ok(201)["userId"], alice);
    }
}

/// A moment after 2001 and before 2100, as JSON says it.
fn rfc_3339(seconds: u64) -> String {
    let (mut days, rest) = (seconds / 86_400, seconds % 86_400);
    let mut year = 1970;
    let leap = |year: u64| year.is_multiple_of(4);
    while days >= 365 + u64::from(leap(year)) {
        days -= 365 + u64::from(leap(year));
        year += 1;
    }
    let mut month = 1;
    for length in [
        31,
        28 + u64::from(leap(year)),
        31,
        30,
        31,
        30,
        31,
        31,
        30,
        31,
        30,
        31,
    ] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!(
        "{year}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z",
        days + 1
    )
}

async fn init_needs_a_token_of_the_identity_provider(api: Api) {
    let alice = user("alice");
    let good = api.login(json!({"userId": alice})).await;
    let [header, claims, signature] = good.split('.').collect::<Vec<_>>()[..] else {
        panic!("not three parts")
    };
    // The gateway's authorizer answers these before any function runs, with a body of its own.
    let none = api.call(Method::GET, "/init").send().await;
    assert_eq!(none.status, 401);
    let secret = api
        .call(Method::GET, "/init")
        .secret(Some(api.client_secret()));
    assert_eq!(secret.send().await.status, 401);
    let other_audience = api
        .login(json!({"userId": alice, "claims": {"aud": "another app"}}))
        .await;
    let other_issuer = api
        .login(json!({"userId": alice, "claims": {"iss": "https://idp.example"}}))
        .await;
    let key = api.client_secret();
    let hmac = jwt::sign(key, &json!({"alg": "HS256"}), &jwt::part(&good, 1));
    for token in [
        "",
        "x",
        key,
        &api.secret(&alice).await,
        &hmac,
        &other_audience,
        &other_issuer,
        &format!("{header}.{claims}."),
        &format!(
            "{header}.{claims}.{}",
            signature.chars().rev().collect::<String>()
        ),
    ] {
        let answer = init(&api, token).await;
        assert_eq!(answer.status, 401, "{token}: {}", answer.text);
        assert!(!answer.text.contains("clientSecret"));
        serde_json::from_str::<Value>(&answer.text).expect("a refusal is JSON");
    }
}

async fn init_refuses_a_user_id_that_cannot_be_one(api: Api) {
    for sub in [
        Value::Null,
        json!(""),
        json!("anonymous"),
        json!("a\u{7}b"),
        json!("a".repeat(255)),
    ] {
        let login = json!({"userId": user("nobody"), "claims": {"sub": sub}});
        let token = api.login(login).await;
        init(&api, &token).await.refused(UNAUTHORIZED);
    }
}

async fn init_refuses_a_token_that_has_expired(api: Api) {
    let token = api
        .login(json!({"userId": user("alice"), "expiresInSeconds": 600}))
        .await;
    init(&api, &token).await.ok(200);
    api.advance(700).await;
    assert_eq!(init(&api, &token).await.status, 401);
}

/// Whether a client secret is still good for what it was good for.
async fn reads(api: &Api, phone: &Phone, secret: &str, right: bool) {
    let answer = api.read(phone, Some(secret)).await;
    if right {
        answer.ok(200);
    } else {
        answer.refused(NOT_FOUND);
    }
}

async fn one_rotation_logs_nobody_out(api: Api) {
    let (alice, phone) = (user("alice"), Phone::android());
    let (first, provisioned) = (api.secret(&alice).await, api.client_secret().to_owned());
    api.register(&phone, Some(&alice), Some(&first))
        .await
        .ok(201);
    let new = api.rotate("clientSecret").await;
    assert_ne!(new, provisioned);
    for rotated in [&provisioned, &new] {
        // What is new is known within a minute.
        for secret in [&first, &provisioned, rotated] {
            reads(&api, &phone, secret, true).await;
        }
        // A secret that is handed out right after a rotation works in every function.
        let fresh = api.secret(&alice).await;
        reads(&api, &phone, &fresh, true).await;
        api.advance(61).await;
    }
    // A new key signs once it is old enough to be known everywhere.
    api.advance(121).await;
    let fresh = api.secret(&alice).await;
    assert_eq!(jwt::part(&fresh, 0), jwt::header(&new));
    reads(&api, &phone, &fresh, true).await;
    reads(&api, &phone, &first, true).await;
}

async fn after_two_rotations_the_first_secret_is_wrong(api: Api) {
    let (alice, phone) = (user("alice"), Phone::android());
    let (first, provisioned) = (api.secret(&alice).await, api.client_secret().to_owned());
    api.register(&phone, Some(&alice), Some(&first))
        .await
        .ok(201);
    let second = api.rotate("clientSecret").await;
    api.advance(181).await;
    let later = api.secret(&alice).await;
    let third = api.rotate("clientSecret").await;
    api.advance(61).await;
    for (secret, right) in [
        (&first, false),
        (&provisioned, false),
        (&second, true),
        (&later, true),
        (&third, true),
    ] {
        reads(&api, &phone, secret, right).await;
    }
    for dead in [&first, &provisioned] {
        api.register(&Phone::android(), Some(&alice), Some(dead))
            .await
            .refused(UNAUTHORIZED);
        api.unregister(&phone, Some(dead))
            .await
            .refused(UNAUTHORIZED);
    }
    api.unregister(&phone, Some(&later)).await.empty(204);
}

async fn the_app_secret_rotates_alike(api: Api) {
    let message = json!({"message": {"alert": "Hi"}, "target": {"userIds": [user("alice")]}});
    let first = api.app_secret().to_owned();
    let with = async |secret: &str| {
        let send = api
            .call(Method::POST, "/messages")
            .header("appSecret", secret);
        send.json(&message).send().await
    };
    with(&first).await.ok(202);
    let second = api.rotate("appSecret").await;
    api.advance(61).await;
    with(&first).await.ok(202);
    with(&second).await.ok(202);
    let third = api.rotate("appSecret").await;
    api.advance(61).await;
    with(&first).await.refused(UNAUTHORIZED);
    with(&second).await.ok(202);
    with(&third).await.ok(202);
}

async fn a_new_secret_counts_at_once_and_a_guess_fetches_it_once(api: Api) {
    let (alice, phone) = (user("alice"), Phone::android());
    api.register(&phone, Some(&alice), Some(&api.secret(&alice).await))
        .await
        .ok(201);
    // The cache is warm and good for a minute; a secret that it does not know makes it look again.
    api.read(&phone, Some(api.client_secret())).await.ok(200);
    let new = api.rotate("clientSecret").await;
    reads(&api, &phone, &new, true).await;
    api.forget_calls().await;
    let begun = Instant::now();
    for _ in 0..5 {
        let guess = "x".repeat(new.len());
        reads(&api, &phone, &guess, false).await;
    }
    // The previous version, which nobody needed before, and a look in two seconds.
    let calls = api.calls().await["secretsmanager.GetSecretValue"].clone();
    let looks = 1 + begun.elapsed().as_secs() / 2;
    assert!(calls.as_u64().unwrap() <= 1 + looks, "{calls}");
}

async fn after_each_of_three_rotations_the_newest_secret_counts_at_once(api: Api) {
    let (alice, phone) = (user("alice"), Phone::android());
    api.register(&phone, Some(&alice), Some(api.client_secret()))
        .await
        .ok(201);
    let message = json!({"message": {"alert": "Hi"}, "target": {"userIds": [alice]}});
    for _ in 0..3 {
        let [client, app] = [
            api.rotate("clientSecret").await,
            api.rotate("appSecret").await,
        ];
        reads(&api, &phone, &client, true).await;
        let bearer = format!("Bearer {app}");
        for (name, secret) in [("appSecret", &app), ("authorization", &bearer)] {
            let send = api.call(Method::POST, "/messages").header(name, secret);
            send.json(&message).send().await.ok(202);
            let read = api.device(Method::GET, &phone, None).header(name, secret);
            read.send().await.ok(200);
        }
        api.advance(2).await;
    }
}

async fn a_failed_fetch_drops_no_secret(api: Api) {
    let (alice, phone) = (user("alice"), Phone::android());
    let secret = api.secret(&alice).await;
    api.register(&phone, Some(&alice), Some(&secret))
        .await
        .ok(201);
    api.fault(
        "secretsmanager",
        "GetSecretValue",
        "InternalServiceError",
        1000,
    )
    .await;
    api.advance(120).await;
    reads(&api, &phone, &secret, true).await;
    api.unregister(&phone, Some(&secret)).await.empty(204);
}
