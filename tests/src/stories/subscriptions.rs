//! Subscriptions: a device listens to tags for whom it belongs to, and for nobody else.

use crate::answer::{Answer, NO_SUBSCRIPTION, NOT_FOUND, UNAUTHORIZED};
use crate::api::Api;
use crate::cast::{Cast, EVERYONE, With};
use crate::phone::{Phone, random_hex, user};
use crate::story::{Story, own, quiet, shared};
use reqwest::Method;
use serde_json::{Value, json};

pub(super) fn stories() -> Vec<Story> {
    vec![
        shared(a_device_subscribes_shows_it_and_unsubscribes),
        shared(several_tags_at_once_are_answered_one_by_one),
        shared(a_bound_device_is_subscribed_by_its_user),
        shared(a_device_of_nobody_is_subscribed_by_everyone),
        shared(an_unknown_device_is_subscribed_by_nobody),
        // It makes many calls at once.
        quiet(calls_at_the_same_time_all_subscribe),
        own(
            "it breaks DynamoDB for all",
            &[],
            what_is_lost_on_the_way_is_found_done,
        ),
    ]
}

/// The route of a tag.
pub(super) fn route_of(tag: &str) -> String {
    let escaped = tag.bytes().map(|byte| format!("%{byte:02X}"));
    format!("/tags/{}", escaped.collect::<String>())
}

/// A tag that nobody else uses.
pub(super) async fn made(api: &Api) -> String {
    let name = format!("tag {}", random_hex(8));
    let make = api.call(Method::POST, "/tags").backend(api);
    make.json(&json!({"name": name})).send().await.ok(201);
    name
}

/// So many tags that nobody else uses, in the order of their names.
pub(super) async fn made_some(api: &Api, count: usize) -> Vec<String> {
    let mut tags = Vec::new();
    for _ in 0..count {
        tags.push(made(api).await);
    }
    tags.sort();
    tags
}

/// POST `/subscriptions` of one tag.
pub(super) async fn subscribe(api: &Api, phone: &Phone, tag: &str, secret: Option<&str>) -> Answer {
    let call = api.call(Method::POST, "/subscriptions").secret(secret);
    let body = json!({"deviceId": phone.device, "tagName": tag});
    call.json(&body).send().await
}

/// DELETE `/subscriptions` of one tag.
pub(super) async fn unsubscribe(
    api: &Api,
    phone: &Phone,
    tag: &str,
    secret: Option<&str>,
) -> Answer {
    let route = format!("/subscriptions?deviceId={}&tagName={tag}", phone.device);
    let call = api.call(Method::DELETE, &route).secret(secret);
    call.send().await
}

/// To which tags a device subscribes, as the backend sees it.
pub(super) async fn tags_of(api: &Api, phone: &Phone) -> Vec<String> {
    let route = format!("/subscriptions?deviceId={}", phone.device);
    names(&api.backend_get(&route).await.ok(200))
}

/// The tags in a list of subscriptions.
pub(super) fn names(list: &Value) -> Vec<String> {
    let subscriptions = list["subscriptions"].as_array().unwrap().iter();
    let name = |own: &Value| own["tagName"].as_str().unwrap().to_owned();
    subscriptions.map(name).collect()
}

/// The path under which a subscription is found.
fn path(api: &Api, phone: &Phone, tag: &str) -> String {
    let query = format!(
        "deviceId={}&tagName={}",
        phone.device,
        tag.replace(' ', "+")
    );
    format!("{}?{query}", api.path("/subscriptions"))
}

/// How many entries of the tags' indexes name the device.
pub(super) async fn entries(api: &Api, phone: &Phone) -> usize {
    let items = api.items().await;
    let entry = |item: &&Value| {
        item["pk"]["S"].as_str().unwrap().starts_with("TAG#") && item["sk"]["S"] == phone.device
    };
    items.iter().filter(entry).count()
}

/// A phone of a new user's that subscribes to these tags.
pub(super) async fn subscriber(api: &Api, tags: &[&str]) -> (String, String, Phone) {
    let (alice, phone) = (user("alice"), Phone::android());
    let secret = api.secret(&alice).await;
    api.register(&phone, Some(&alice), Some(&secret))
        .await
        .ok(201);
    for tag in tags {
        subscribe(api, &phone, tag, Some(&secret)).await.ok(201);
    }
    (alice, secret, phone)
}

async fn a_device_subscribes_shows_it_and_unsubscribes(api: Api) {
    let tags = made_some(&api, 2).await;
    let (alice, secret, phone) = subscriber(&api, &[]).await;
    let secret = Some(secret.as_str());
    let list = async |query: &str| {
        let route = format!("/subscriptions?deviceId={}{query}", phone.device);
        api.call(Method::GET, &route).secret(secret).send().await
    };
    list("").await.is(200, &json!({"subscriptions": []}));
    let first = subscribe(&api, &phone, &tags[0], secret).await.ok(201);
    let id = first["subscriptionId"].as_str().unwrap();
    assert_eq!(id.len(), 32);
    let href = first["href"].as_str().unwrap();
    let path = path(&api, &phone, &tags[0]);
    assert_eq!(Api::path_of(href), Some(path.as_str()));
    let expected = json!({
        "tagName": tags[0], "subscriptionId": id, "deviceId": phone.device, "userId": alice,
        "href": href,
    });
    assert_eq!(first, expected);
    // Once more is no error.
    subscribe(&api, &phone, &tags[0], secret)
        .await
        .is(201, &expected);
    list("")
        .await
        .is(200, &json!({"subscriptions": [expected]}));
    let second = subscribe(&api, &phone, &tags[1], secret).await.ok(201);
    list("&offset=0&expand=False&size=")
        .await
        .is(200, &json!({"subscriptions": [expected, second]}));
    list("&size=1")
        .await
        .is(200, &json!({"subscriptions": [expected]}));
    list("&offset=1")
        .await
        .is(200, &json!({"subscriptions": [second]}));
    list(&format!("&tagName={}", tags[1]))
        .await
        .is(200, &json!({"subscriptions": [second]}));
    assert_eq!(entries(&api, &phone).await, 2);

    unsubscribe(&api, &phone, &tags[0], secret).await.empty(204);
    unsubscribe(&api, &phone, &tags[0], secret)
        .await
        .refused(NO_SUBSCRIPTION);
    list("").await.is(200, &json!({"subscriptions": [second]}));
    assert_eq!(entries(&api, &phone).await, 1);
    let unknown = random_hex(8);
    subscribe(&api, &phone, &unknown, secret)
        .await
        .refused(NOT_FOUND);
    unsubscribe(&api, &phone, &unknown, secret)
        .await
        .refused(NO_SUBSCRIPTION);
    api.holds_no_item_of(&[&unknown]).await;
}

async fn several_tags_at_once_are_answered_one_by_one(api: Api) {
    let tags = made_some(&api, 3).await;
    let (_, secret, phone) = subscriber(&api, &[&tags[1]]).await;
    let unknown = random_hex(8);
    let not_found = json!({
        "tags": [unknown], "code": "FPWSE0001E",
        "message": "Not Found. The resource does not exist, or is not yours.",
    });
    let call = async |route: &str, names: &[&str]| {
        let call = api.call(Method::POST, route).secret(Some(&secret));
        let body = json!({"deviceId": phone.device, "tagNames": names});
        call.json(&body).send().await
    };
    let shown = async |tag: &str| {
        let route = format!("/subscriptions?deviceId={}&tagName={tag}", phone.device);
        let list = api.backend_get(&route).await.ok(200);
        let mut own = list["subscriptions"][0].clone();
        own.as_object_mut().unwrap().remove("userId");
        own
    };
    let some = [&tags[0], &unknown, &tags[1], &tags[0]].map(String::as_str);
    let answer = call("/subscriptions", &some).await;
    let expected = json!({
        "tagsNotFound": not_found,
        "subscriptionExists": [shown(&tags[1]).await],
        "subscribed": [shown(&tags[0]).await],
    });
    answer.is(207, &expected);
    assert_eq!(tags_of(&api, &phone).await, tags[..2]);

    let some = [&tags[1], &unknown, &tags[2]].map(String::as_str);
    let answer = call("/subscriptions?action=delete", &some).await;
    let pair = |tag: &str| json!({"tagName": tag, "deviceId": phone.device});
    let expected = json!({
        "tagsNotFound": not_found,
        "subscriptionNotExists": [pair(&tags[2])],
        "unsubscribed": [pair(&tags[1])],
    });
    answer.is(207, &expected);
    assert_eq!(tags_of(&api, &phone).await, tags[..1]);
    // All of them are known, and one stands alone.
    let call = api.call(Method::POST, "/subscriptions?action=delete");
    let body = json!({"deviceId": phone.device, "tagName": tags[0], "tagNames": null});
    let answer = call.secret(Some(&secret)).json(&body).send().await;
    let mut expected = expected;
    expected["tagsNotFound"]["tags"] = json!([]);
    expected["subscriptionNotExists"] = json!([]);
    expected["unsubscribed"] = json!([pair(&tags[0])]);
    answer.is(207, &expected);
    assert_eq!(tags_of(&api, &phone).await, [""; 0]);
}

/// A call about the phone's subscription to the tag: to subscribe, to list, to unsubscribe.
async fn all_calls(cast: &Cast, with: With, phone: &Phone, tag: &str) -> [Answer; 3] {
    let one = format!("/subscriptions?deviceId={}", phone.device);
    let both = format!("{one}&tagName={tag}");
    let body = json!({"deviceId": phone.device, "tagName": tag});
    let subscribe = cast.call(with, Method::POST, "/subscriptions");
    [
        subscribe.json(&body).send().await,
        cast.call(with, Method::GET, &one).send().await,
        cast.call(with, Method::DELETE, &both).send().await,
    ]
}

async fn a_bound_device_is_subscribed_by_its_user(api: Api) {
    let (cast, tag) = (Cast::new(&api).await, made(&api).await);
    let phone = cast.phone_of_alice().await;
    for with in EVERYONE {
        let [subscribe, list, unsubscribe] = all_calls(&cast, with, &phone, &tag).await;
        match with {
            With::Own | With::Provisioned | With::AppSecret | With::AppSecretBesideForged => {
                assert_eq!(subscribe.ok(201)["userId"], cast.alice, "{with:?}");
                assert_eq!(names(&list.ok(200)), [tag.as_str()], "{with:?}");
                unsubscribe.empty(204);
                continue;
            }
            With::Another | With::AnotherExpired => {
                subscribe.refused(NOT_FOUND);
                unsubscribe.refused(NOT_FOUND);
            }
            With::Nothing
            | With::TheWordAnonymous
            | With::Expired
            | With::Forged
            | With::Malformed => {
                subscribe.refused(UNAUTHORIZED);
                unsubscribe.refused(UNAUTHORIZED);
            }
        }
        list.refused(NOT_FOUND);
        assert_eq!(tags_of(&api, &phone).await, [""; 0], "{with:?}");
    }
}

async fn a_device_of_nobody_is_subscribed_by_everyone(api: Api) {
    let (cast, tag) = (Cast::new(&api).await, made(&api).await);
    let phone = cast.phone_of_nobody().await;
    for with in EVERYONE {
        let [subscribe, list, unsubscribe] = all_calls(&cast, with, &phone, &tag).await;
        if matches!(with, With::Forged | With::Malformed) {
            subscribe.refused(UNAUTHORIZED);
            list.refused(NOT_FOUND);
            unsubscribe.refused(UNAUTHORIZED);
        } else {
            assert_eq!(subscribe.ok(201)["userId"], "anonymous", "{with:?}");
            assert_eq!(names(&list.ok(200)), [tag.as_str()], "{with:?}");
            unsubscribe.empty(204);
        }
    }
}

async fn an_unknown_device_is_subscribed_by_nobody(api: Api) {
    let (cast, tag) = (Cast::new(&api).await, made(&api).await);
    for with in EVERYONE {
        let phone = Phone::android();
        let [subscribe, list, unsubscribe] = all_calls(&cast, with, &phone, &tag).await;
        list.refused(NOT_FOUND);
        let refusal = if matches!(with, With::Forged | With::Malformed) {
            UNAUTHORIZED
        } else {
            NOT_FOUND
        };
        subscribe.refused(refusal);
        unsubscribe.refused(refusal);
        api.holds_no_item_of(&[&phone.device]).await;
    }
}

async fn calls_at_the_same_time_all_subscribe(api: Api) {
    let tags = made_some(&api, 8).await;
    let (_, secret, phone) = subscriber(&api, &[]).await;
    let calls: Vec<_> = tags
        .iter()
        .map(|tag| {
            let call = api
                .call(Method::POST, "/subscriptions")
                .secret(Some(&secret));
            let body = json!({"deviceId": phone.device, "tagName": tag});
            tokio::spawn(call.json(&body).send())
        })
        .collect();
    for call in calls {
        call.await.unwrap().ok(201);
    }
    assert_eq!(tags_of(&api, &phone).await, tags);
    assert_eq!(entries(&api, &phone).await, 8);
}

async fn what_is_lost_on_the_way_is_found_done(api: Api) {
    for fault in ["lostAnswer", "ThrottlingException", "Conflict", "Torn"] {
        let tag = made(&api).await;
        let (_, secret, phone) = subscriber(&api, &[]).await;
        let secret = Some(secret.as_str());
        api.fault("dynamodb", "TransactWriteItems", fault, 2).await;
        subscribe(&api, &phone, &tag, secret).await.ok(201);
        api.control(Method::DELETE, "/faults", None).await;
        assert_eq!(tags_of(&api, &phone).await, [tag.as_str()], "{fault}");
        assert_eq!(entries(&api, &phone).await, 1, "{fault}");
        api.fault("dynamodb", "TransactWriteItems", fault, 2).await;
        unsubscribe(&api, &phone, &tag, secret).await.empty(204);
        api.control(Method::DELETE, "/faults", None).await;
        assert_eq!(tags_of(&api, &phone).await, [""; 0], "{fault}");
        assert_eq!(entries(&api, &phone).await, 0, "{fault}");
    }
}
