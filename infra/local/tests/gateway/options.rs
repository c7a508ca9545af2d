//! What the command line chooses beyond parameters.

use super::{answered, init, raw, request, token};
use axum::Router;
use axum::body::Bytes;
use axum::http::HeaderMap;
use futures_util::future::join_all;
use hmac::{Hmac, KeyInit, Mac};
use local::{Local, Options};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sha2::Sha256;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

async fn started(options: Options) -> Local {
    let options = Options { port: 0, ..options };
    Local::start(options).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_is_served_where_it_is_an_emulators_or_allowed_and_a_refusal_says_how() {
    let local = started(Options {
        allow_host: vec!["phone.test".to_owned()],
        ..Options::default()
    })
    .await;
    let (_, info) = answered(request(&local, Method::GET, "/_local/info")).await;
    let aws = info["awsEndpointUrl"].as_str().unwrap();
    for (host, status) in [
        ("10.0.2.2:3000", 200),
        ("10.0.3.2", 200),
        ("phone.test:3000", 200),
        ("other.test:3000", 403),
    ] {
        let answer = request(&local, Method::GET, "/_local/info").header("Host", host);
        let (found, body) = answered(answer).await;
        assert_eq!(found, status, "{host}");
        if status == 403 {
            assert_eq!(
                body["message"],
                "Forbidden: the host name 'other.test' is not served. Start the local system with --allow-host other.test to serve it."
            );
        }
        let sns = reqwest::Client::new()
            .get(format!("{aws}/?Action=ListPlatformApplications"))
            .header("Host", host);
        assert_eq!(sns.send().await.unwrap().status(), status, "{host}");
    }
    let refused = raw(&local, "GET / HTTP/1.1\r\nConnection: close\r\n\r\n").await;
    assert!(
        refused.ends_with(r#"{"message":"Forbidden: the request must have one Host header."}"#),
        "{refused}"
    );
}

/// How many of six registrations at once were taken, and the answer to those that were not.
async fn six_registrations(local: &Local) -> (usize, Option<Value>) {
    let path = format!("/imfpush/v1/apps/{}/devices", local.application());
    let register = (0..6).map(|n| {
        let device = format!("phone-{n}");
        let phone = json!({"deviceId": device, "token": device.repeat(8), "platform": "G"});
        answered(request(local, Method::POST, &path).json(&phone))
    });
    let (taken, refused): (Vec<_>, Vec<_>) = join_all(register)
        .await
        .into_iter()
        .partition(|(status, _)| *status == 201);
    for (status, answer) in &refused {
        assert_eq!(*status, StatusCode::TOO_MANY_REQUESTS, "{answer}");
    }
    (
        taken.len(),
        refused.into_iter().next().map(|(_, answer)| answer),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn the_limits_of_the_gateway_hold_where_they_are_asked_for() {
    let one_a_second = |limits| Options {
        limits,
        parameter_overrides: vec![("RegisterPerSecond".to_owned(), "1".to_owned())],
        ..Options::default()
    };
    let local = started(one_a_second(false)).await;
    assert_eq!(six_registrations(&local).await, (6, None));

    let local = started(one_a_second(true)).await;
    let began = Instant::now();
    let (taken, refused) = six_registrations(&local).await;
    let seconds = usize::try_from(began.elapsed().as_secs()).unwrap();
    assert!((1..=2 + seconds).contains(&taken), "{taken} of 6");
    assert_eq!(refused, Some(json!({"message": "Too Many Requests"})));
    // Another route has a limit of its own.
    let alice = token(&local, json!({"userId": "alice"})).await;
    let init = request(&local, Method::GET, &init(&local)).bearer_auth(alice);
    assert_eq!(answered(init).await.0, 200);
    let later = request(&local, Method::POST, "/_local/clock").json(&json!({"advanceSeconds": 1}));
    assert_eq!(answered(later).await.0, 200);
    assert!(six_registrations(&local).await.0 >= 1);
}

/// A receiver of webhooks that refuses the first call: where it is, and the calls it gets.
async fn receiver() -> (String, mpsc::UnboundedReceiver<(HeaderMap, String)>) {
    let (calls, called) = mpsc::unbounded_channel();
    let first = std::sync::atomic::AtomicBool::new(true);
    let receive = async move |headers: HeaderMap, body: Bytes| {
        let body = String::from_utf8(body.to_vec()).unwrap();
        calls.send((headers, body)).unwrap();
        if first.swap(false, std::sync::atomic::Ordering::Relaxed) {
            StatusCode::INTERNAL_SERVER_ERROR
        } else {
            StatusCode::NO_CONTENT
        }
    };
    let receive = std::sync::Arc::new(receive);
    let route = axum::routing::post(async move |headers: HeaderMap, body: Bytes| {
        receive(headers, body).await
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook?a=b", listener.local_addr().unwrap());
    let router = Router::new().route("/hook", route);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, called)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_of_ones_own_gets_what_webhooks_are_told_signed_and_again_where_it_fails() {
    let (url, mut called) = receiver().await;
    let local = started(Options {
        webhooks_to: Some(url.parse().unwrap()),
        ..Options::default()
    })
    .await;
    let (_, info) = answered(request(&local, Method::GET, "/_local/info")).await;
    let path = |path: &str| format!("/imfpush/v1/apps/{}{path}", local.application());
    let make = |name: &str, url: &str| {
        let webhook = json!({"name": name, "url": url, "eventTypes": ["onDeviceRegister"]});
        let make = request(&local, Method::POST, &path("/webhooks")).json(&webhook);
        answered(make.header("appSecret", info["appSecret"].as_str().unwrap()))
    };
    // Webhooks themselves lead where they lead on AWS.
    assert_eq!(make("house", &url).await.0, 400);
    let (status, webhook) = make("crm", "https://crm.example.com/push").await;
    assert_eq!(status, 201);
    let phone = json!({"deviceId": "phone", "token": "T".repeat(40), "platform": "G"});
    let register = request(&local, Method::POST, &path("/devices")).json(&phone);
    assert_eq!(answered(register).await.0, 201);

    let mut next = async || {
        let next = tokio::time::timeout(Duration::from_secs(30), called.recv());
        next.await.unwrap().unwrap()
    };
    let (headers, body) = next().await;
    let event: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(event["event"], "onDeviceRegister");
    let header = |name: &str| headers[name].to_str().unwrap();
    assert_eq!(header("content-type"), "application/json");
    assert_eq!(header("user-agent"), "Userpush");
    let (seconds, signature) = header("userpush-signature").split_once(",v1=").unwrap();
    let key = webhook["signingKey"].as_str().unwrap();
    let mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    let seconds = seconds.strip_prefix("t=").unwrap();
    let mac = mac.chain_update(format!("{seconds}.{body}"));
    let byte = |at: usize| u8::from_str_radix(&signature[at..at + 2], 16).unwrap();
    let signature: Vec<u8> = (0..signature.len()).step_by(2).map(byte).collect();
    assert!(mac.verify_slice(&signature).is_ok());

    // It answered 500: the event comes again.
    let again = async {
        loop {
            let later = json!({"advanceSeconds": 20});
            let clock = request(&local, Method::POST, "/_local/clock").json(&later);
            answered(clock).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let second = tokio::select! {
        second = next() => second,
        () = again => unreachable!(),
    };
    assert_eq!(second.1, body);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_options_are_told() {
    let failed = |name: &str, value: &str| {
        let options = Options {
            port: 0,
            parameter_overrides: vec![(name.to_owned(), value.to_owned())],
            ..Options::default()
        };
        async move { Local::start(options).await.err().unwrap().to_string() }
    };
    assert!(
        failed("Nothing", "1")
            .await
            .starts_with("there is no parameter Nothing; there are ")
    );
    for (name, value, rule) in [
        (
            "ClientSecretMode",
            "none",
            "must be one of per-user, shared, not 'none'",
        ),
        (
            "BindingLeaseDays",
            "x",
            "must be a number from 1 to 3650, not 'x'",
        ),
        (
            "PublicUrl",
            "http://host/path",
            "must match ^(https?://[A-Za-z0-9.-]+(:[0-9]+)?/?)?$, not 'http://host/path'. It is empty or a URL without a path.",
        ),
    ] {
        let error = format!("parameter {name} {rule}");
        assert_eq!(failed(name, value).await, error);
    }
    assert_eq!(
        failed("DomainName", "push.example.com").await,
        "DomainName needs CertificateArn."
    );
    let issuer = failed("IssuerUrl", "https://other").await;
    assert!(issuer.starts_with("the only issuer here is http://127.0.0.1:"));
}
