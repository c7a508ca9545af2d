//! With what subscriptions end, and with what they do not.

use super::subscriptions::{
    entries, made, made_some, names, route_of, subscribe, subscriber, tags_of, unsubscribe,
};
use crate::answer::NO_SUBSCRIPTION;
use crate::api::Api;
use crate::phone::{Phone, user};
use crate::story::{Story, alone, shared};
use reqwest::Method;
use serde_json::json;

pub(super) fn stories() -> Vec<Story> {
    vec![
        shared(subscriptions_end_with_whom_the_device_belongs_to),
        shared(subscriptions_stay_as_long_as_the_owner_does),
        alone(
            "it deletes what has expired by a clock that it moves",
            &[],
            subscriptions_end_with_the_lease,
        ),
        shared(a_device_subscribes_to_forty_tags_and_no_more),
        shared(with_a_tag_its_subscriptions_end),
    ]
}

async fn subscriptions_end_with_whom_the_device_belongs_to(api: Api) {
    let tags = made_some(&api, 2).await;
    let both: Vec<&str> = tags.iter().map(String::as_str).collect();
    let trusted = Some(api.client_secret());
    for end in [
        "login",
        "nobody",
        "logout",
        "reinstall",
        "reinstall of another",
        "erasure",
    ] {
        let (alice, secret, phone) = subscriber(&api, &both).await;
        assert_eq!(tags_of(&api, &phone).await, tags, "{end}");
        assert_eq!(entries(&api, &phone).await, 2, "{end}");
        let bob = user("bob");
        match end {
            "login" => {
                api.update(&phone, Some(&bob), trusted).await.ok(200);
            }
            "nobody" => {
                api.register(&phone, None, None).await.ok(201);
            }
            "logout" => api.unregister(&phone, Some(&secret)).await.empty(204),
            "reinstall" => {
                let again = phone.reinstalled();
                api.register(&again, Some(&alice), Some(&secret))
                    .await
                    .ok(201);
                assert_eq!(tags_of(&api, &again).await, [""; 0], "{end}");
            }
            "reinstall of another" => {
                let (_, _, other) = subscriber(&api, &both).await;
                let other = Phone {
                    device: other.device,
                    ..phone.clone()
                };
                api.register(&other, Some(&bob), trusted).await.ok(201);
                assert_eq!(tags_of(&api, &other).await, [""; 0], "{end}");
                assert_eq!(entries(&api, &other).await, 0, "{end}");
            }
            _ => {
                let erase = api.call(Method::DELETE, &format!("/users/{alice}"));
                erase.backend(&api).send().await.empty(204);
            }
        }
        assert_eq!(entries(&api, &phone).await, 0, "{end}");
        // Nor do they come back with their user; her secret is from before the erasure.
        api.register(&phone, Some(&alice), trusted).await.ok(201);
        assert_eq!(tags_of(&api, &phone).await, [""; 0], "{end}");
    }
}

async fn subscriptions_stay_as_long_as_the_owner_does(api: Api) {
    let tag = made(&api).await;
    let (alice, secret, phone) = subscriber(&api, &[&tag]).await;
    let (alice, secret) = (Some(alice.as_str()), Some(secret.as_str()));
    api.register(&phone, alice, secret).await.ok(201);
    assert_eq!(tags_of(&api, &phone).await, [tag.as_str()]);
    api.update(&phone.refreshed(), alice, secret).await.ok(200);
    assert_eq!(tags_of(&api, &phone).await, [tag.as_str()]);
    assert_eq!(entries(&api, &phone).await, 1);
    // The token of another device, which ends.
    let (_, _, other) = subscriber(&api, &[&tag]).await;
    let moved = Phone {
        token: other.token.clone(),
        ..phone.clone()
    };
    api.update(&moved, alice, secret).await.ok(200);
    assert_eq!(tags_of(&api, &phone).await, [tag.as_str()]);
    assert_eq!(
        (entries(&api, &phone).await, entries(&api, &other).await),
        (1, 0)
    );
    // A phone that is nobody's.
    let phone = Phone::iphone();
    api.register(&phone, None, None).await.ok(201);
    subscribe(&api, &phone, &tag, None).await.ok(201);
    api.update(&phone.refreshed(), None, None).await.ok(200);
    assert_eq!(tags_of(&api, &phone).await, [tag.as_str()]);
    // They stay with its first user, and end with the next one.
    api.update(&phone.refreshed(), alice, secret).await.ok(200);
    assert_eq!(tags_of(&api, &phone).await, [tag.as_str()]);
    let (bob, trusted) = (user("bob"), Some(api.client_secret()));
    api.register(&phone, Some(&bob), trusted).await.ok(201);
    assert_eq!(tags_of(&api, &phone).await, [""; 0]);
}

async fn subscriptions_end_with_the_lease(api: Api) {
    const DAY: u64 = 86_400;
    let tag = made(&api).await;
    let (alice, _, phone) = subscriber(&api, &[&tag]).await;
    let trusted = Some(api.client_secret());
    // Past half of the lease, a sign of the app renews it and what depends on it.
    api.advance(200 * DAY).await;
    api.register(&phone, Some(&alice), trusted).await.ok(201);
    api.advance(269 * DAY).await;
    assert_eq!(tags_of(&api, &phone).await, [tag.as_str()]);
    api.advance(2 * DAY).await;
    api.holds(&phone, None).await;
    assert_eq!(tags_of(&api, &phone).await, [""; 0]);
    let message = json!({"message": {"alert": "Hi"}, "target": {"tagNames": [tag]}});
    let sent = api.send(&message).await.ok(202);
    let id = sent["messageId"].as_str().unwrap();
    assert_eq!(api.settled(id).await["accepted"], 0);
    // Whoever has the phone now subscribes for nobody.
    subscribe(&api, &phone, &tag, None).await.ok(201);
    assert_eq!(tags_of(&api, &phone).await, [tag.as_str()]);
    api.register(&phone, Some(&alice), trusted).await.ok(201);
    assert_eq!(tags_of(&api, &phone).await, [tag.as_str()]);
    assert_eq!(entries(&api, &phone).await, 1);
    // What has expired is swept from the index too.
    subscribe(&api, &phone, &tag, trusted).await.ok(201);
    api.advance(301 * DAY).await;
    let sweep = json!({"fraction": 1, "seed": 1});
    api.control(Method::POST, "/sweep", Some(sweep)).await;
    api.holds_no_item_of(&[&phone.device]).await;
}

async fn a_device_subscribes_to_forty_tags_and_no_more(api: Api) {
    let tags = made_some(&api, 41).await;
    let (alice, secret, phone) = subscriber(&api, &[]).await;
    let secret = Some(secret.as_str());
    let several = async |names: &[String]| {
        let call = api.call(Method::POST, "/subscriptions").secret(secret);
        let body = json!({"deviceId": phone.device, "tagNames": names});
        call.json(&body).send().await
    };
    several(&tags).await.invalid("tagNames", "");
    assert_eq!(tags_of(&api, &phone).await, [""; 0]);
    several(&tags[..40]).await.ok(207);
    assert_eq!(tags_of(&api, &phone).await, tags[..40]);
    subscribe(&api, &phone, &tags[40], secret)
        .await
        .invalid("tagName", &tags[40]);
    subscribe(&api, &phone, &tags[39], secret).await.ok(201);
    // A tag that is deleted makes room.
    let delete = api.call(Method::DELETE, &route_of(&tags[0])).backend(&api);
    delete.send().await.empty(204);
    subscribe(&api, &phone, &tags[40], secret).await.ok(201);
    assert_eq!(tags_of(&api, &phone).await, tags[1..]);

    // One transaction ends two devices that subscribe to as much as they can.
    let (_, _, other) = subscriber(&api, &[]).await;
    let call = api.call(Method::POST, "/subscriptions").backend(&api);
    let body = json!({"deviceId": other.device, "tagNames": tags[1..]});
    call.json(&body).send().await.ok(207);
    assert_eq!(
        (entries(&api, &phone).await, entries(&api, &other).await),
        (40, 40)
    );
    let taken = Phone {
        token: other.token.clone(),
        ..phone.clone()
    };
    api.register(&taken, Some(&alice), secret).await.ok(201);
    assert_eq!(
        (entries(&api, &phone).await, entries(&api, &other).await),
        (40, 0)
    );
    let other = other.refreshed();
    api.register(&other, Some(&alice), secret).await.ok(201);
    let call = api.call(Method::POST, "/subscriptions").backend(&api);
    call.json(&body).send().await.ok(207);
    let taken = Phone {
        token: other.token.clone(),
        ..phone.clone()
    };
    let (bob, trusted) = (user("bob"), Some(api.client_secret()));
    api.update(&taken, Some(&bob), trusted).await.ok(200);
    assert_eq!(
        (entries(&api, &phone).await, entries(&api, &other).await),
        (0, 0)
    );
}

async fn with_a_tag_its_subscriptions_end(api: Api) {
    let tag = made(&api).await;
    let (alice, secret, phone) = subscriber(&api, &[&tag]).await;
    let call = |method, route: &str| api.call(method, route).backend(&api);
    call(Method::DELETE, &route_of(&tag))
        .send()
        .await
        .empty(204);
    assert_eq!(tags_of(&api, &phone).await, [""; 0]);
    let made_again = call(Method::POST, "/tags").json(&json!({"name": tag}));
    made_again.send().await.ok(201);
    assert_eq!(tags_of(&api, &phone).await, [""; 0]);
    let lists = [format!("userId={alice}"), format!("tagName={tag}")];
    for query in &lists {
        let list = api.backend_get(&format!("/subscriptions?{query}")).await;
        assert_eq!(names(&list.ok(200)), [""; 0], "{query}");
    }
    let message = json!({"message": {"alert": "Hi"}, "target": {"tagNames": [tag]}});
    let sent = api.send(&message).await.ok(202);
    let id = sent["messageId"].as_str().unwrap();
    assert_eq!(api.settled(id).await["accepted"], 0);
    unsubscribe(&api, &phone, &tag, Some(&secret))
        .await
        .refused(NO_SUBSCRIPTION);
    subscribe(&api, &phone, &tag, Some(&secret)).await.ok(201);
    // A change is no new tag.
    let change = call(Method::PUT, &route_of(&tag)).json(&json!({"description": "x"}));
    change.send().await.ok(200);
    for query in &lists {
        let list = api.backend_get(&format!("/subscriptions?{query}")).await;
        assert_eq!(names(&list.ok(200)), [tag.as_str()], "{query}");
    }
}
