//! Logouts that come late, or twice, or while the next login is under way; and bindings that nobody ended.

use crate::answer::{NOT_FOUND, UNAUTHORIZED};
use crate::api::Api;
use crate::cast::{Cast, With};
use crate::phone::{Phone, user};
use crate::story::{Story, own, shared};
use reqwest::Method;
use serde_json::json;
use std::future::Future;
use tokio::task::JoinHandle;

const WATCHES: &str = "it watches the calls to hold one of them";
const CLOCK: &str = "it moves the clock";

/// Longer than the calls in between take, and shorter than the store waits for an answer.
pub(super) const HELD: u64 = 1500;
const DAY: u64 = 86_400;

pub(super) fn stories() -> Vec<Story> {
    vec![
        shared(a_logout_can_be_repeated),
        shared(a_repeated_logout_does_not_end_the_next_login),
        own(
            WATCHES,
            &[],
            a_logout_with_an_expired_secret_stops_a_slow_login,
        ),
        own(WATCHES, &[], a_slow_logout_does_not_end_the_next_login),
        own(
            WATCHES,
            &[],
            a_slow_logout_with_an_expired_secret_does_not_end_the_next_login,
        ),
        own(
            WATCHES,
            &[],
            a_slow_anonymous_registration_does_not_end_the_next_login,
        ),
        own(CLOCK, &[], an_expired_link_is_skipped_before_it_is_swept),
    ]
}

/// Whom a push to each of the users reaches.
async fn reached(api: &Api, users: [&str; 2]) -> [u64; 2] {
    let message = json!({"message": {"alert": "Hi"}, "target": {"userIds": users}});
    let sent = api.send(&message).await.ok(202);
    users.map(|user| sent["recipients"][user].as_u64().unwrap())
}

/// A call whose operation at AWS is held: it has got there when this returns, and is not answered yet.
pub(super) async fn held<T: Send + 'static>(
    api: &Api,
    operation: (&str, &str),
    call: impl Future<Output = T> + Send + 'static,
) -> JoinHandle<T> {
    held_for(api, operation, HELD, call).await
}

/// The same, held for so many milliseconds.
pub(super) async fn held_for<T: Send + 'static>(
    api: &Api,
    (service, operation): (&str, &str),
    milliseconds: u64,
    call: impl Future<Output = T> + Send + 'static,
) -> JoinHandle<T> {
    let hold =
        json!({"service": service, "operation": operation, "times": 1, "delayMs": milliseconds});
    api.control(Method::POST, "/faults", Some(hold)).await;
    api.forget_calls().await;
    let call = tokio::spawn(call);
    api.called(&format!("{service}.{operation}"), 1).await;
    call
}

pub(super) const WRITE: (&str, &str) = ("dynamodb", "TransactWriteItems");
pub(super) const LOOK: (&str, &str) = ("sns", "CreatePlatformEndpoint");

async fn a_logout_can_be_repeated(api: Api) {
    let cast = Cast::new(&api).await;
    let phone = cast.phone_of_alice().await;
    let route = format!("/devices/{}", phone.device);
    for with in [
        With::Own,
        With::Own,
        With::Expired,
        With::Own,
        With::Expired,
    ] {
        let logout = cast.call(with, Method::DELETE, &route);
        logout.send().await.empty(204);
    }
    // To nobody else it is hers that she left.
    for with in [
        With::Another,
        With::AnotherExpired,
        With::Provisioned,
        With::Nothing,
    ] {
        let logout = cast.call(with, Method::DELETE, &route);
        logout.send().await.refused(NOT_FOUND);
    }
    assert_eq!(reached(&api, [&cast.alice, &cast.bob]).await, [0, 0]);
}

async fn a_repeated_logout_does_not_end_the_next_login(api: Api) {
    let cast = Cast::new(&api).await;
    let phone = cast.phone_of_alice().await;
    api.unregister(&phone, Some(cast.own())).await.empty(204);
    let login = api.register(&phone, Some(&cast.bob), Some(cast.another()));
    login.await.ok(201);
    for with in [With::Own, With::Expired] {
        let route = format!("/devices/{}", phone.device);
        let again = cast.call(with, Method::DELETE, &route);
        again.send().await.refused(NOT_FOUND);
    }
    api.unregister(&phone, None).await.refused(UNAUTHORIZED);
    api.holds(&phone, Some(&cast.bob)).await;
    assert_eq!(reached(&api, [&cast.alice, &cast.bob]).await, [0, 1]);
}

async fn a_logout_with_an_expired_secret_stops_a_slow_login(api: Api) {
    let (cast, phone) = (Cast::new(&api).await, Phone::android());
    let login = cast.post(With::Own, &phone, Some(&cast.alice));
    let slow = held(&api, LOOK, login.send()).await;
    let route = format!("/devices/{}", phone.device);
    // The device is not known yet; who once was alice may say that she is not here.
    let logout = cast.call(With::Expired, Method::DELETE, &route);
    logout.send().await.refused(NOT_FOUND);
    assert!(!slow.is_finished());
    slow.await.unwrap().ok(201);
    api.read(&phone, Some(api.client_secret()))
        .await
        .refused(NOT_FOUND);
    assert_eq!(reached(&api, [&cast.alice, &cast.bob]).await, [0, 0]);
}

/// A logout of alice's is held at the table while bob logs in.
async fn logs_out_slowly(api: &Api, with: With) {
    let cast = Cast::new(api).await;
    let phone = cast.phone_of_alice().await;
    let route = format!("/devices/{}", phone.device);
    let logout = cast.call(with, Method::DELETE, &route);
    let slow = held(api, WRITE, logout.send()).await;
    let login = cast.post(With::Another, &phone, Some(&cast.bob));
    login.send().await.ok(201);
    assert!(!slow.is_finished());
    // When its turn comes, the device is another's.
    slow.await.unwrap().refused(NOT_FOUND);
    api.holds(&phone, Some(&cast.bob)).await;
    assert_eq!(reached(api, [&cast.alice, &cast.bob]).await, [0, 1]);
}

async fn a_slow_logout_does_not_end_the_next_login(api: Api) {
    logs_out_slowly(&api, With::Own).await;
}

async fn a_slow_logout_with_an_expired_secret_does_not_end_the_next_login(api: Api) {
    logs_out_slowly(&api, With::Expired).await;
}

async fn a_slow_anonymous_registration_does_not_end_the_next_login(api: Api) {
    let cast = Cast::new(&api).await;
    let phone = cast.phone_of_alice().await;
    let logout = cast.post(With::Nothing, &phone, None);
    let slow = held(&api, WRITE, logout.send()).await;
    let login = cast.post(With::Another, &phone, Some(&cast.bob));
    login.send().await.ok(201);
    assert!(!slow.is_finished());
    slow.await.unwrap();
    api.holds(&phone, Some(&cast.bob)).await;
    assert_eq!(reached(&api, [&cast.alice, &cast.bob]).await, [0, 1]);
}

async fn an_expired_link_is_skipped_before_it_is_swept(api: Api) {
    let (alice, bob, phone) = (user("alice"), user("bob"), Phone::android());
    let secret = Some(api.client_secret());
    api.register(&phone, Some(&alice), secret).await.ok(201);
    api.advance(269 * DAY).await;
    assert_eq!(reached(&api, [&alice, &bob]).await, [1, 0]);
    api.advance(DAY + 1).await;
    api.forget_calls().await;
    assert_eq!(reached(&api, [&alice, &bob]).await, [0, 0]);
    let calls = api.calls().await;
    assert_eq!(calls.get("sns.Publish"), None, "{calls}");
    // Its items are still there, all of them.
    let items = api.items().await;
    let link = format!("USER#{alice}");
    let of_hers = |item: &&serde_json::Value| item["pk"]["S"] == link.as_str();
    assert_eq!(items.iter().filter(of_hers).count(), 1);
    let device = |item: &&serde_json::Value| item["owner"]["S"] == alice.as_str();
    assert_eq!(items.iter().filter(device).count(), 1);
    // And nothing of them is in the way of the next login, hers or another's.
    api.register(&phone, Some(&bob), secret).await.ok(201);
    assert_eq!(reached(&api, [&alice, &bob]).await, [0, 1]);
}
