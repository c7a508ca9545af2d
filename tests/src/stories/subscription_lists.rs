//! Subscriptions in lists: of a user, to a tag, page by page, for backends.

use super::subscriptions::{made, made_some, subscribe, subscriber, unsubscribe};
use crate::api::Api;
use crate::phone::{Phone, random_hex, user};
use crate::story::{Story, shared};
use reqwest::Method;
use serde_json::{Value, json};

pub(super) fn stories() -> Vec<Story> {
    vec![
        shared(a_backend_lists_the_subscriptions_of_a_user),
        shared(a_backend_lists_the_subscriptions_to_a_tag_page_by_page),
        shared(only_a_backend_lists_those_of_others),
    ]
}

/// All pages of a list, and how many each one has.
async fn pages(api: &Api, query: &str) -> (Vec<Value>, Vec<usize>) {
    let (mut all, mut sizes) = (Vec::new(), Vec::new());
    let mut next = format!("{}{}?{query}", api.url(), api.path("/subscriptions"));
    while !next.is_empty() {
        let path = Api::path_of(&next).unwrap();
        let page = api.at_path(Method::GET, path).backend(api).send().await;
        let mut page = page.ok(200);
        let some = page["subscriptions"].as_array().unwrap().clone();
        let info = page["pageInfo"].take();
        assert_eq!(info["count"], some.len().to_string());
        assert_eq!(info["previous"], "");
        sizes.push(some.len());
        all.extend(some);
        info["next"].as_str().unwrap().clone_into(&mut next);
    }
    (all, sizes)
}

async fn a_backend_lists_the_subscriptions_of_a_user(api: Api) {
    let tags = made_some(&api, 3).await;
    let (alice, secret, first) = subscriber(&api, &[&tags[0], &tags[1], &tags[2]]).await;
    let second = Phone::iphone();
    api.register(&second, Some(&alice), Some(&secret))
        .await
        .ok(201);
    subscribe(&api, &second, &tags[1], Some(&secret))
        .await
        .ok(201);
    subscriber(&api, &[&tags[1]]).await;
    let mut expected = Vec::new();
    for phone in [&first, &second] {
        let route = format!("/subscriptions?deviceId={}", phone.device);
        let list = api.backend_get(&route).await.ok(200);
        expected.extend(list["subscriptions"].as_array().unwrap().clone());
    }
    expected.sort_by_key(|own| (own["deviceId"].to_string(), own["tagName"].to_string()));
    for (query, sizes) in [
        ("", &[4][..]),
        ("&size=3", &[3, 1]),
        ("&size=1", &[1, 1, 1, 1]),
    ] {
        let (all, found) = pages(&api, &format!("userId={alice}{query}")).await;
        assert_eq!((&all, &found[..]), (&expected, sizes), "{query}");
    }
    let route = format!("/subscriptions?userId={alice}&offset=1&size=2");
    let page = api.backend_get(&route).await.ok(200);
    assert_eq!(page["subscriptions"], json!(expected[1..3]));
    assert_eq!(page["pageInfo"]["totalCount"], "4");
    let (of_tag, _) = pages(&api, &format!("userId={alice}&tagName={}", tags[1])).await;
    expected.retain(|own| own["tagName"] == tags[1]);
    assert_eq!((of_tag.len(), of_tag), (2, expected));
    let nobody = format!("/subscriptions?userId={}", user("nobody"));
    let info = json!({"count": "0", "next": "", "previous": "", "totalCount": "0"});
    api.backend_get(&nobody)
        .await
        .is(200, &json!({"subscriptions": [], "pageInfo": info}));
}

async fn a_backend_lists_the_subscriptions_to_a_tag_page_by_page(api: Api) {
    let (tag, other) = (made(&api).await, made(&api).await);
    let mut expected = Vec::new();
    for n in 0..25 {
        let phone = Phone::android();
        api.register(&phone, None, None).await.ok(201);
        let subscribed = subscribe(&api, &phone, &tag, None).await.ok(201);
        subscribe(&api, &phone, &other, None).await.ok(201);
        if n % 5 == 0 {
            unsubscribe(&api, &phone, &tag, None).await.empty(204);
        } else {
            expected.push(subscribed);
        }
    }
    let sorted = |mut all: Vec<Value>| {
        all.sort_by_key(|own| own["deviceId"].to_string());
        all
    };
    let expected = sorted(expected);
    for size in [1, 7, 20, 500] {
        let (all, sizes) = pages(&api, &format!("tagName={tag}&size={size}")).await;
        assert!(
            sizes.iter().all(|found| *found <= size),
            "{size}: {sizes:?}"
        );
        assert_eq!(sorted(all), expected, "{size}");
    }
    let (rest, _) = pages(&api, &format!("tagName={tag}&size=4&offset=15")).await;
    assert_eq!(rest.len(), 5);
    let (none, _) = pages(&api, &format!("tagName={}", random_hex(8))).await;
    assert_eq!(none.len(), 0);
}

async fn only_a_backend_lists_those_of_others(api: Api) {
    let tag = made(&api).await;
    let (alice, secret, _) = subscriber(&api, &[&tag]).await;
    for query in [format!("userId={alice}"), format!("tagName={tag}")] {
        let route = format!("/subscriptions?{query}");
        api.is_for_backends(&Method::GET, &route, &secret).await;
    }
}
