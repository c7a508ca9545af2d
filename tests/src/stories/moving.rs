//! The platform applications are replaced: by others, in another account, in another region. The endpoints of all devices
//! belonged to those before; their tokens are known, and each device gets an endpoint again when it is next told or registers.

use crate::api::Api;
use crate::clock;
use crate::phone::{Phone, user};
use crate::story::{Story, alone};
use crate::waiting::{LONG, until};
use futures_util::future::join_all;
use local::{Local, Options};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

pub(super) fn stories() -> Vec<Story> {
    const TABLE: &str = "another system uses its table";
    vec![
        alone(
            TABLE,
            &[],
            all_devices_are_told_after_the_applications_are_replaced,
        ),
        alone(
            TABLE,
            &[],
            a_registration_after_the_applications_are_replaced_is_a_change,
        ),
    ]
}

/// Endpoints that sends make in a second, where `RegisterPerSecond` has its default.
const CREATES: u64 = 5;
/// Devices of one user.
const EACH: usize = 10;

/// The same system with other applications: it has the table of the one before, and knows none of its endpoints.
async fn moved(before: &Api) -> Api {
    let info = before.control(Method::GET, "/info", None).await;
    let application =
        |platform: &str| format!("arn:aws:sns:us-east-1:000000000001:app/{platform}/another");
    let parameters = [("FcmApplicationArn", "GCM"), ("ApnsApplicationArn", "APNS")];
    let parameters = parameters.map(|(name, platform)| (name.to_owned(), application(platform)));
    let options = Options {
        port: 0,
        dynamodb: info["awsEndpointUrl"].as_str().map(str::to_owned),
        parameter_overrides: parameters.to_vec(),
        ..Options::default()
    };
    let server = Local::start(options).await.unwrap();
    let url = server.base_url().to_owned();
    Api::at(&url, &url, Some(server)).await
}

/// How many devices there are: 30, or as many as `USERPUSH_MOVED` says.
#[expect(
    clippy::disallowed_methods,
    reason = "the suite has settings of its own, and reads them here only"
)]
fn devices() -> usize {
    let devices = std::env::var("USERPUSH_MOVED").ok();
    devices.map_or(30, |devices| devices.parse().expect("a number"))
}

async fn all_devices_are_told_after_the_applications_are_replaced(before: Api) {
    let phones: Vec<_> = (0..devices())
        .map(|n| {
            if n % 2 == 0 {
                Phone::android()
            } else {
                Phone::iphone()
            }
        })
        .collect();
    let users: Vec<_> = phones.chunks(EACH).map(|_| user("alice")).collect();
    for (phones, user) in phones.chunks(EACH).zip(&users) {
        let secret = Some(before.client_secret());
        let registrations = phones
            .iter()
            .map(|phone| before.register(phone, Some(user), secret));
        for answer in join_all(registrations).await {
            answer.ok(201);
        }
    }
    let api = moved(&before).await;
    let users: Vec<_> = users.iter().map(String::as_str).collect();
    api.forget_calls().await;
    let (started, begun) = (clock::machine(), Instant::now());
    let id = api.tell(&users, "moved").await;
    assert!(begun.elapsed() < Duration::from_secs(15), "a backend waits");
    // Registrations do not wait for the endpoints of others.
    let is_told = async {
        let patience = LONG + Duration::from_secs(phones.len() as u64);
        let done = |status: &Value| status["status"] == "Dispatched";
        until(patience, done, || api.status(&id)).await
    };
    let (status, registered) = tokio::join!(is_told, register_meanwhile(&api));
    let status = status.unwrap_or_else(|status| panic!("not dispatched: {status}"));
    let accepted = json!({"accepted": phones.len(), "dead": 0, "refused": 0, "retried": 0, "misconfigured": 0, "expired": 0});
    assert_eq!(status["counts"], accepted);
    let calls = api.calls().await;
    assert_eq!(calls["sns.Publish"], phones.len(), "{calls}");
    let creates = phones.len() + registered;
    assert_eq!(calls["sns.CreatePlatformEndpoint"], creates, "{calls}");
    let pushes = api.control(Method::GET, "/pushes", None).await;
    let pushes = pushes["pushes"].as_array().unwrap();
    let mut told = BTreeMap::<_, usize>::new();
    for push in pushes {
        *told.entry(push["token"].as_str().unwrap()).or_default() += 1;
    }
    let once: BTreeMap<_, _> = phones
        .iter()
        .map(|phone| (phone.token.as_str(), 1))
        .collect();
    assert_eq!(told, once);
    let owner = |n: usize| Some(users[n / EACH]);
    for (n, phone) in phones.iter().enumerate() {
        api.holds(phone, owner(n)).await;
    }
    // A push follows its endpoint, however late a busy machine makes both: so many are not made before their turns.
    for (n, push) in (0_u64..).zip(pushes) {
        let since = clock::parsed(push["at"].as_str().unwrap()).saturating_sub(started);
        assert!(since >= n * 1000 / CREATES, "push {n} after {since} ms");
    }
    // From here on it is as it was.
    api.forget_calls().await;
    api.tell(&users, "again").await;
    let calls = api.calls().await;
    assert_eq!(calls["sns.Publish"], phones.len(), "{calls}");
    assert_eq!(calls["sns.CreatePlatformEndpoint"], Value::Null, "{calls}");
}

/// New phones register one after the other while sends make the endpoints of others. Gives how many.
async fn register_meanwhile(api: &Api) -> usize {
    const PHONES: usize = 20;
    let bob = user("bob");
    for _ in 0..PHONES {
        let (asked, phone) = (Instant::now(), Phone::android());
        let registration = api.register(&phone, Some(&bob), Some(api.client_secret()));
        registration.await.ok(201);
        let took = asked.elapsed();
        assert!(
            took < Duration::from_secs(5),
            "a registration took {took:?}"
        );
    }
    PHONES
}

async fn a_registration_after_the_applications_are_replaced_is_a_change(before: Api) {
    let (alice, phone) = (user("alice"), Phone::android());
    let nobodys = Phone::iphone();
    for (phone, user) in [(&phone, Some(alice.as_str())), (&nobodys, None)] {
        let secret = Some(before.client_secret());
        before.register(phone, user, secret).await.ok(201);
    }
    let api = moved(&before).await;
    for (phone, user) in [(&phone, Some(alice.as_str())), (&nobodys, None)] {
        let secret = Some(api.client_secret());
        api.forget_calls().await;
        api.update(phone, user, secret).await.ok(200);
        let calls = api.calls().await;
        assert_eq!(calls["sns.CreatePlatformEndpoint"], 1, "{calls}");
        assert_eq!(calls["sns.GetEndpointAttributes"], 1, "{calls}");
        assert_eq!(calls["dynamodb.TransactWriteItems"], 1, "{calls}");
        // Once.
        api.forget_calls().await;
        api.register(phone, user, secret).await.ok(201);
        let calls = api.calls().await;
        assert_eq!(calls["dynamodb.BatchGetItem"], 1, "{calls}");
        assert_eq!(calls["sns.CreatePlatformEndpoint"], Value::Null, "{calls}");
        assert_eq!(calls["dynamodb.TransactWriteItems"], Value::Null, "{calls}");
    }
    api.forget_calls().await;
    api.tell(&[&alice], "moved").await;
    assert_eq!(api.shown(&phone).await, ["moved"]);
    let calls = api.calls().await;
    assert_eq!(calls["sns.CreatePlatformEndpoint"], Value::Null, "{calls}");
}
