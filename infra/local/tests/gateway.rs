//! The gateway as a client meets it: over HTTP, with the real functions behind it.

#![expect(clippy::unwrap_used, reason = "what a test relies on")]

#[path = "gateway/options.rs"]
mod options;

use local::{Local, Options};
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

async fn started(parameters: &[(&str, &str)]) -> Local {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let options = Options {
        port: 0,
        parameter_overrides: parameters.iter().map(own).collect(),
        ..Options::default()
    };
    Local::start(options).await.unwrap()
}

fn request(local: &Local, method: Method, path: &str) -> RequestBuilder {
    Client::new().request(method, format!("{}{path}", local.base_url()))
}

async fn answered(request: RequestBuilder) -> (StatusCode, Value) {
    let response = request.send().await.unwrap();
    (response.status(), response.json().await.unwrap())
}

/// Sends bytes as they are and reads until the server closes.
async fn raw(local: &Local, bytes: &str) -> String {
    let address = local.base_url().strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let read = stream.read_to_string(&mut answer);
    tokio::time::timeout(Duration::from_secs(10), read)
        .await
        .unwrap()
        .unwrap();
    answer
}

async fn token(local: &Local, login: Value) -> String {
    let (status, answer) =
        answered(request(local, Method::POST, "/_local/login").json(&login)).await;
    assert_eq!(status, 200);
    answer["token"].as_str().unwrap().to_owned()
}

fn init(local: &Local) -> String {
    format!("/imfpush/v1/apps/{}/init", local.application())
}

#[tokio::test(flavor = "multi_thread")]
async fn info_tells_what_a_client_needs() {
    let local = started(&[("ApplicationId", "app-1")]).await;
    let (status, info) = answered(request(&local, Method::GET, "/_local/info")).await;
    assert_eq!(status, 200);
    assert_eq!(info["applicationId"], "app-1");
    assert_eq!(
        info["apiUrl"],
        format!("{}/imfpush/v1/apps/app-1", local.base_url())
    );
    assert_eq!(info["clientSecret"].as_str().unwrap().len(), 64);
    assert_eq!(info["appSecret"].as_str().unwrap().len(), 64);
    assert_eq!(info["audience"], "userpush");
    let discovery = format!(
        "{}/.well-known/openid-configuration",
        info["issuer"].as_str().unwrap()
    );
    let discovery: Value = reqwest::get(discovery).await.unwrap().json().await.unwrap();
    assert_eq!(discovery["issuer"], info["issuer"]);
    let keys = reqwest::get(discovery["jwks_uri"].as_str().unwrap())
        .await
        .unwrap();
    assert_eq!(keys.json::<Value>().await.unwrap()["keys"][0]["kty"], "RSA");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_token_of_the_issuer_passes_the_authorizer() {
    let local = started(&[]).await;
    let get = |token: &str| request(&local, Method::GET, &init(&local)).bearer_auth(token);
    let unauthorized = (StatusCode::UNAUTHORIZED, json!({"message": "Unauthorized"}));
    assert_eq!(
        answered(request(&local, Method::GET, &init(&local))).await,
        unauthorized
    );
    for login in [
        json!({"userId": "alice", "expiresInSeconds": -1}),
        json!({"userId": "alice", "claims": {"aud": "other"}}),
        json!({"userId": "alice", "claims": {"iss": "https://other"}}),
        json!({"userId": "alice", "claims": {"exp": null}}),
    ] {
        assert_eq!(
            answered(get(&token(&local, login).await)).await,
            unauthorized
        );
    }
    let (status, answer) = answered(get(&token(&local, json!({"userId": "alice"})).await)).await;
    assert_eq!(
        (status, &answer["userId"]),
        (StatusCode::OK, &json!("alice"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_expires_by_the_clock_of_the_system() {
    let local = started(&[]).await;
    let token = token(&local, json!({"userId": "alice", "expiresInSeconds": 60})).await;
    let get = || request(&local, Method::GET, &init(&local)).bearer_auth(&token);
    assert_eq!(answered(get()).await.0, 200);
    let clock = request(&local, Method::POST, "/_local/clock").json(&json!({"advanceSeconds": 61}));
    assert!(clock.send().await.unwrap().status().is_success());
    assert_eq!(answered(get()).await.0, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_makes_no_sense_is_400() {
    let local = started(&[]).await;
    for body in [
        "",
        "{",
        "{}",
        r#"{"userId":1}"#,
        r#"{"userId":"a","other":1}"#,
    ] {
        let login = request(&local, Method::POST, "/_local/login").body(body);
        let (status, answer) = answered(login).await;
        assert_eq!(status, 400, "{body}");
        assert!(answer["message"].is_string());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preflight_is_answered_by_the_gateway_and_every_answer_speaks_to_web_pages() {
    let local = started(&[]).await;
    let preflight = request(&local, Method::OPTIONS, "/imfpush/v1/apps/x/devices")
        .header("Origin", "https://app.example")
        .header("Access-Control-Request-Method", "PUT");
    let preflight = preflight.send().await.unwrap();
    assert_eq!(preflight.status(), 204);
    let header = |name: &str| preflight.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("access-control-allow-origin"), "*");
    assert_eq!(
        header("access-control-allow-methods"),
        "GET,POST,PUT,DELETE"
    );
    let headers = "clientsecret,content-type,authorization,idempotency-key";
    assert_eq!(header("access-control-allow-headers"), headers);
    assert_eq!(header("access-control-max-age"), "600");
    for path in [init(&local), "/nowhere".to_owned(), "/%FF".to_owned()] {
        let from_page = request(&local, Method::GET, &path).header("Origin", "https://app.example");
        let answer = from_page.send().await.unwrap();
        assert!(answer.status().is_client_error());
        assert_eq!(
            answer.headers()["access-control-allow-origin"],
            "*",
            "{path}"
        );
        let without = request(&local, Method::GET, &path).send().await.unwrap();
        assert!(
            !without
                .headers()
                .contains_key("access-control-allow-origin"),
            "{path}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_are_those_of_aws() {
    let local = started(&[]).await;
    let path = "/imfpush/v1/apps/x/devices";
    let too_large = (
        StatusCode::PAYLOAD_TOO_LARGE,
        json!({"message": "Request Entity Too Large"}),
    );
    let post = |length: usize| {
        let post = request(&local, Method::POST, path);
        post.header("Content-Type", "application/json")
            .body(" ".repeat(length))
    };
    assert_eq!(answered(post(10 * 1024 * 1024 + 1)).await, too_large);
    assert_eq!(answered(post(6 * 1024 * 1024)).await, too_large);
    assert_ne!(answered(post(1024)).await, too_large);
    let get = |length: usize| request(&local, Method::GET, path).header("X", "x".repeat(length));
    assert_eq!(answered(get(10_240)).await.0, 431);
    assert_ne!(answered(get(9_000)).await.0, 431);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_served_is_refused_in_json() {
    let local = started(&[]).await;
    assert_eq!(
        answered(request(&local, Method::GET, "/_local/nothing"))
            .await
            .0,
        404
    );
    assert_eq!(
        answered(request(&local, Method::GET, "/_local/login"))
            .await
            .0,
        405
    );
    let (status, answer) =
        answered(request(&local, Method::GET, "/").header("Host", "evil.example")).await;
    assert_eq!(status, 403);
    assert!(answer["message"].is_string());
    let refused = raw(&local, "GET / HTTP/1.1\r\nConnection: close\r\n\r\n").await;
    assert!(refused.starts_with("HTTP/1.1 403 "), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_gets_no_answer() {
    let local = started(&[]).await;
    for (line, statuses) in [
        (
            "GET /imfpush/v1/apps/x/devices?a=\"b\" HTTP/1.1",
            &["400"][..],
        ),
        ("GET /imfpush/v1/apps/x/devices?a=b c HTTP/1.1", &["400"]),
        ("GET /imfpush/v1/apps/x/devices/%FF HTTP/1.1", &["400"]),
        ("GET /imfpush/v1/apps/x/devices/a%3Fb HTTP/1.1", &["404"]),
        ("GET /imfpush/v1/apps/x/devices/ HTTP/1.1", &["404"]),
        ("GET // HTTP/1.1", &["404"]),
        ("OPTIONS * HTTP/1.1", &["204", "404"]),
        ("BREW /imfpush/v1/apps/x/devices HTTP/1.1", &["404", "405"]),
        ("GET /imfpush/v1/apps/x/devices HTTP/9.9", &["400"]),
        ("nonsense", &["400"]),
    ] {
        let bytes = format!(
            "{line}\r\nHost: localhost\r\nX-Forwarded-Proto: gopher\r\nX-Odd: é\r\nConnection: close\r\n\r\n"
        );
        let answer = raw(&local, &bytes).await;
        let status = answer.split(' ').nth(1).unwrap_or_default();
        assert!(statuses.contains(&status), "{line}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_dropped_is_gone() {
    let local = started(&[]).await;
    let address = local.base_url().strip_prefix("http://").unwrap().to_owned();
    let mut open = TcpStream::connect(&address).await.unwrap();
    let asked = format!("GET /_local/info HTTP/1.1\r\nHost: {address}\r\n\r\n");
    open.write_all(asked.as_bytes()).await.unwrap();
    assert!(open.read(&mut [0; 4096]).await.unwrap() > 0);
    drop(local);
    let mut rest = Vec::new();
    let rest = tokio::time::timeout(Duration::from_secs(10), open.read_to_end(&mut rest));
    assert!(rest.await.is_ok());
    assert!(TcpStream::connect(&address).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn queues_and_what_they_feed_are_steered_beside_the_api() {
    let local = started(&[]).await;
    let (status, queues) = answered(request(&local, Method::GET, "/_local/queues")).await;
    assert_eq!(status, 200);
    let empty = json!({"visible": 0, "inFlight": 0, "delayed": 0});
    assert_eq!(queues["JobQueue"], empty);
    for (path, body, message) in [
        (
            "/_local/feedback",
            json!({"token": "T", "failureType": "EndpointDisabled"}),
            "no endpoint has this token",
        ),
        (
            "/_local/sources",
            json!({"function": "InitFunction", "enabled": false}),
            "no queue feeds this function",
        ),
        (
            "/_local/queues/redrive",
            json!({"queue": "None"}),
            "there is no such queue",
        ),
    ] {
        let answer = answered(request(&local, Method::POST, path).json(&body)).await;
        assert_eq!(answer, (StatusCode::NOT_FOUND, json!({"message": message})));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_access_log_tells_when_each_request_came_as_the_function_is_told() {
    let local = started(&[]).await;
    let advance = json!({"advanceSeconds": 86_400});
    answered(request(&local, Method::POST, "/_local/clock").json(&advance)).await;
    let prefix = format!("/imfpush/v1/apps/{}", local.application());
    let phone = json!({"deviceId": "phone", "token": "T".repeat(40), "platform": "G"});
    let register = request(&local, Method::POST, &format!("{prefix}/devices")).json(&phone);
    let mut ids = Vec::new();
    for (call, status) in [
        (register, 201),
        (request(&local, Method::GET, &init(&local)), 401),
        (request(&local, Method::OPTIONS, &prefix), 204),
    ] {
        let answer = call.send().await.unwrap();
        assert_eq!(answer.status(), status);
        let id = answer.headers()["apigw-requestid"].to_str().unwrap();
        ids.push(id.to_owned());
    }
    let (_, log) = answered(request(&local, Method::GET, "/_local/requests")).await;
    let [registered, refused, preflight] = &log["requests"].as_array().unwrap()[..] else {
        panic!("three requests: {log}");
    };
    let words = |entry: &Value| {
        let text = |name: &str| entry[name].as_str().unwrap().to_owned();
        (text("requestId"), text("routeKey"), entry["status"].clone())
    };
    let route = |route: &str| route.replace("APP", "/imfpush/v1/apps/{applicationId}");
    let expected = [
        (registered, route("POST APP/devices"), 201),
        (refused, route("GET APP/init"), 401),
        (preflight, route("$default"), 204),
    ];
    for ((entry, route, status), id) in expected.into_iter().zip(ids.clone()) {
        assert_eq!(words(entry), (id, route, json!(status)));
    }
    let (_, items) = answered(request(&local, Method::GET, "/_local/items")).await;
    let mut items = items["items"].as_array().unwrap().iter();
    let device = items.find(|item| item["sk"]["S"] == "phone").unwrap();
    let time = registered["requestTimeEpoch"].as_u64().unwrap();
    assert_eq!(device["arrived"]["N"], time.to_string());

    let (_, metrics) = answered(request(&local, Method::GET, "/_local/metrics")).await;
    let mut lines = metrics["metrics"].as_array().unwrap().iter();
    let line = lines.find(|line| line["Registrations"] == 1).unwrap();
    assert_eq!(line["requestId"], ids[0]);

    let (_, none) = answered(request(&local, Method::DELETE, "/_local/requests")).await;
    assert_eq!(none, json!({}));
    let (_, log) = answered(request(&local, Method::GET, "/_local/requests")).await;
    assert_eq!(log, json!({"requests": []}));
}
