//! What a client secret has to be: every forgery is refused, on a write with 401, on a read with 404.

use crate::answer::{NOT_FOUND, UNAUTHORIZED};
use crate::api::Api;
use crate::jwt;
use crate::noted::note;
use crate::phone::{Phone, user};
use crate::raw::Raw;
use crate::story::{Story, shared};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Method;
use serde_json::{Value, json};

pub(super) fn stories() -> Vec<Story> {
    vec![
        shared(a_secret_of_init_is_a_token_for_one_user_and_a_day),
        shared(a_secret_signed_by_a_holder_of_the_key_is_right),
        shared(a_secret_with_another_header_is_refused),
        shared(a_secret_with_other_claims_is_refused),
        shared(a_secret_that_was_changed_is_refused),
        shared(a_text_that_is_no_secret_is_refused),
        shared(bytes_that_are_no_text_are_refused),
        shared(the_other_secret_does_not_count),
        shared(the_name_of_the_header_may_have_any_case),
    ]
}

/// A phone of Alice's, and claims with which a right secret speaks for her.
async fn stage(api: &Api) -> (String, Phone, Value) {
    let alice = user("alice");
    let (secret, phone) = (api.secret(&alice).await, Phone::android());
    api.register(&phone, Some(&alice), Some(&secret))
        .await
        .ok(201);
    let claims = json!({"iss": api.application(), "sub": alice, "iat": 1_700_000_000, "exp": 4_000_000_000_u64});
    (alice, phone, claims)
}

/// Asserts that a secret proves nothing: to bind, to read, to end, or as nobody.
async fn proves_nothing(api: &Api, alice: &str, phone: &Phone, secret: &str) {
    let secret = Some(secret);
    let new = Phone::android();
    api.register(&new, Some(alice), secret)
        .await
        .refused(UNAUTHORIZED);
    api.register(&new, None, secret).await.refused(UNAUTHORIZED);
    api.unregister(phone, secret).await.refused(UNAUTHORIZED);
    api.read(phone, secret).await.refused(NOT_FOUND);
    api.holds(phone, Some(alice)).await;
}

async fn a_secret_of_init_is_a_token_for_one_user_and_a_day(api: Api) {
    let alice = user("alice");
    let secret = api.secret(&alice).await;
    assert_eq!(jwt::part(&secret, 0), jwt::header(api.client_secret()));
    let claims = jwt::part(&secret, 1);
    let issued = claims["iat"].as_u64().unwrap();
    assert_eq!(
        claims,
        json!({"iss": api.application(), "sub": alice, "iat": issued, "exp": issued + 24 * 3600})
    );
}

async fn a_secret_signed_by_a_holder_of_the_key_is_right(api: Api) {
    let (alice, phone, claims) = stage(&api).await;
    let key = api.client_secret();
    let secret = jwt::sign(key, &jwt::header(key), &claims);
    assert_eq!(
        api.read(&phone, Some(&secret)).await.ok(200)["userId"],
        alice
    );
    api.unregister(&phone, Some(&secret)).await.empty(204);
}

async fn a_secret_with_another_header_is_refused(api: Api) {
    let (alice, phone, claims) = stage(&api).await;
    let key = api.client_secret();
    for (name, value) in [
        ("alg", json!("none")),
        ("alg", json!("hs256")),
        ("alg", json!("HS512")),
        ("alg", json!("RS256")),
        ("alg", json!(["HS256"])),
        ("alg", Value::Null),
        ("kid", json!("00000000")),
        ("kid", json!("")),
        ("kid", json!(7)),
        ("kid", Value::Null),
        ("jku", json!("https://example.com/keys")),
        ("x5u", json!("https://example.com/cert")),
        ("jwk", json!({})),
        ("crit", json!(["exp"])),
    ] {
        let mut header = jwt::header(key);
        header[name] = value;
        let secret = jwt::sign(key, &header, &claims);
        proves_nothing(&api, &alice, &phone, &secret).await;
    }
    let no_header = jwt::sign(key, &json!([]), &claims);
    proves_nothing(&api, &alice, &phone, &no_header).await;
}

async fn a_secret_with_other_claims_is_refused(api: Api) {
    let (alice, phone, right) = stage(&api).await;
    let key = api.client_secret();
    for (name, value) in [
        ("iss", json!("another application")),
        ("iss", Value::Null),
        ("sub", json!("")),
        ("sub", json!("anonymous")),
        ("sub", json!("a".repeat(255))),
        ("sub", json!([alice])),
        ("sub", Value::Null),
        ("iat", Value::Null),
        ("exp", Value::Null),
        ("exp", json!("4000000000")),
        ("exp", json!(-1)),
    ] {
        let mut claims = right.clone();
        claims[name] = value;
        let secret = jwt::sign(key, &jwt::header(key), &claims);
        proves_nothing(&api, &alice, &phone, &secret).await;
        if claims[name].is_null() {
            claims.as_object_mut().unwrap().remove(name);
            let secret = jwt::sign(key, &jwt::header(key), &claims);
            proves_nothing(&api, &alice, &phone, &secret).await;
        }
    }
    let no_claims = jwt::sign(key, &jwt::header(key), &json!("claims"));
    proves_nothing(&api, &alice, &phone, &no_claims).await;
}

async fn a_secret_that_was_changed_is_refused(api: Api) {
    let (alice, phone, _) = stage(&api).await;
    let bob = user("bob");
    let his = api.secret(&bob).await;
    let [header, claims, mac] = his.split('.').collect::<Vec<_>>()[..] else {
        panic!("not three parts")
    };
    let mut hers = jwt::part(&his, 1);
    hers["sub"] = alice.clone().into();
    let hers = URL_SAFE_NO_PAD.encode(hers.to_string());
    let flipped = if mac.starts_with('A') { "B" } else { "A" };
    for changed in [
        format!("{header}.{hers}.{mac}"),
        format!("{header}.{hers}."),
        format!("{header}.{claims}."),
        format!("{header}.{claims}"),
        format!("{header}.{claims}.{mac}="),
        format!("{header}.{claims}.{mac}.{mac}"),
        format!("{header}.{claims}.{flipped}{}", &mac[1..]),
        format!("{header}.{claims}.{}", &mac[..mac.len() - 4]),
        format!("{claims}.{header}.{mac}"),
    ] {
        let changed = note(changed);
        proves_nothing(&api, &alice, &phone, &changed).await;
    }
}

async fn a_text_that_is_no_secret_is_refused(api: Api) {
    let (alice, phone, _) = stage(&api).await;
    let provisioned = api.client_secret();
    for text in [
        "x",
        "a.b.c",
        "..",
        "Anonymous",
        "null",
        "undefined",
        "%61nonymous",
        &"x".repeat(4000),
        &"x".repeat(provisioned.len()),
        &provisioned[1..],
        &format!("{provisioned}x"),
        &provisioned.to_uppercase(),
    ] {
        proves_nothing(&api, &alice, &phone, text).await;
    }
}

async fn bytes_that_are_no_text_are_refused(api: Api) {
    let (alice, phone, _) = stage(&api).await;
    let new = Phone::android();
    let path = api.path(&format!("/devices/{}", phone.device));
    for secret in [&b"\xff\xfe"[..], "sécret".as_bytes(), b"\x80.\x80.\x80"] {
        let post = Raw::new("POST", &api.path("/devices")).header("clientSecret", secret);
        let post = post.header("content-type", "application/json");
        let answer = post
            .body(new.body(Some(&alice)).to_string())
            .send(&api)
            .await;
        answer.refused(UNAUTHORIZED);
        let read = Raw::new("GET", &path).header("clientSecret", secret);
        read.send(&api).await.refused(NOT_FOUND);
        let end = Raw::new("DELETE", &path).header("clientSecret", secret);
        end.send(&api).await.refused(UNAUTHORIZED);
    }
    api.holds(&phone, Some(&alice)).await;
    api.holds_no_trace(&[&new.device, &new.token]).await;
}

async fn the_other_secret_does_not_count(api: Api) {
    let (alice, phone, _) = stage(&api).await;
    // The app secret is none of a device's secrets, nor is the device's one of a backend's.
    let app_secret = api.app_secret().to_owned();
    proves_nothing(&api, &alice, &phone, &app_secret).await;
    let new = Phone::android();
    let post = api
        .call(Method::POST, "/devices")
        .json(&new.body(Some(&alice)));
    let post = post.header("appSecret", api.client_secret());
    post.send().await.refused(UNAUTHORIZED);
    api.holds_no_trace(&[&new.device, &new.token]).await;
}

async fn the_name_of_the_header_may_have_any_case(api: Api) {
    let (alice, phone, _) = stage(&api).await;
    let path = api.path(&format!("/devices/{}", phone.device));
    for name in [
        "clientSecret",
        "clientsecret",
        "ClientSecret",
        "CLIENTSECRET",
    ] {
        let read = Raw::new("GET", &path).header(name, api.client_secret());
        assert_eq!(read.send(&api).await.ok(200)["userId"], alice, "{name}");
    }
}
