//! Sends to tags: every device that subscribes to one of them once, by what its own item says.

use super::jobs::heal;
use super::publishing::counts;
use super::subscriptions::{made, subscribe, subscriber, unsubscribe};
use crate::api::Api;
use crate::phone::{Phone, random_hex, user};
use crate::story::{Story, own, shared};
use reqwest::Method;
use serde_json::{Value, json};

pub(super) fn stories() -> Vec<Story> {
    vec![
        shared(a_device_in_two_of_the_tags_gets_one_push),
        shared(a_device_that_has_unsubscribed_or_changed_hands_gets_none),
        shared(a_tag_that_nobody_made_or_subscribed_to_reaches_nobody),
        shared(a_platform_narrows_tags),
        shared(a_list_of_messages_may_name_tags),
        shared(a_dry_run_names_no_recipients),
        shared(a_dead_subscriber_is_removed_from_the_index),
        own(
            "its pace is slow",
            &["PublishPerSecond=16", "DeliverConcurrency=16"],
            many_subscribers_are_reached_once_page_by_page,
        ),
        own(
            "it breaks what others need",
            &[],
            a_job_of_tags_whose_time_is_over_goes_on_in_another,
        ),
    ]
}

/// Sends to tags; gives the message id.
async fn told(api: &Api, tags: &[&str], alert: &str) -> String {
    let message = json!({"message": {"alert": alert}, "target": {"tagNames": tags}});
    let sent = api.send(&message).await.ok(202);
    assert_eq!(sent.get("recipients"), None, "it is not known yet");
    sent["messageId"].as_str().unwrap().to_owned()
}

async fn a_device_in_two_of_the_tags_gets_one_push(api: Api) {
    let (news, sports, other) = (made(&api).await, made(&api).await, made(&api).await);
    let (_, _, both) = subscriber(&api, &[&news, &sports]).await;
    let (_, _, one) = subscriber(&api, &[&sports, &other]).await;
    let (_, _, none) = subscriber(&api, &[&other]).await;
    let anonymous = Phone::iphone();
    api.register(&anonymous, None, None).await.ok(201);
    subscribe(&api, &anonymous, &news, None).await.ok(201);
    let id = told(&api, &[&news, &sports], "Goal").await;
    assert_eq!(api.settled(&id).await, counts(&json!({"accepted": 3})));
    for phone in [&both, &one, &anonymous] {
        let pushes = api.pushes(phone).await;
        let [push] = &pushes[..] else {
            panic!("once: {pushes:?}")
        };
        assert_eq!((push.alert(), push.payload()), ("Goal", json!({"nid": id})));
    }
    assert_eq!(api.shown(&none).await, [""; 0]);
    let kept = api.backend_get(&format!("/messages/{id}")).await.ok(200);
    assert_eq!(kept["target"], json!({"tagNames": [news, sports]}));
    let id = told(&api, &[&news, &news], "Once").await;
    assert_eq!(api.settled(&id).await["accepted"], 2);
}

async fn a_device_that_has_unsubscribed_or_changed_hands_gets_none(api: Api) {
    let (news, sports) = (made(&api).await, made(&api).await);
    let (_, secret, left) = subscriber(&api, &[&news, &sports]).await;
    let (_, _, sold) = subscriber(&api, &[&news]).await;
    let (_, gone_secret, gone) = subscriber(&api, &[&news]).await;
    unsubscribe(&api, &left, &news, Some(&secret))
        .await
        .empty(204);
    let bob = user("bob");
    let his = api.secret(&bob).await;
    api.update(&sold, Some(&bob), Some(&his)).await.ok(200);
    api.unregister(&gone, Some(&gone_secret)).await.empty(204);
    let id = told(&api, &[&news], "Hi").await;
    assert_eq!(api.settled(&id).await, counts(&json!({})));
    for phone in [&left, &sold, &gone] {
        assert_eq!(api.shown(phone).await, [""; 0]);
    }
    let id = told(&api, &[&news, &sports], "Goal").await;
    assert_eq!(api.settled(&id).await["accepted"], 1);
    assert_eq!(api.shown(&left).await, ["Goal"]);
}

async fn a_tag_that_nobody_made_or_subscribed_to_reaches_nobody(api: Api) {
    let (lonely, news) = (made(&api).await, made(&api).await);
    let (_, _, phone) = subscriber(&api, &[&news]).await;
    let id = told(&api, &[&random_hex(8), &lonely], "Hi").await;
    assert_eq!(api.settled(&id).await, counts(&json!({})));
    let id = told(&api, &[&random_hex(8), &news], "News").await;
    assert_eq!(api.settled(&id).await["accepted"], 1);
    assert_eq!(api.shown(&phone).await, ["News"]);
}

async fn a_platform_narrows_tags(api: Api) {
    let tag = made(&api).await;
    let phones = [Phone::android(), Phone::iphone()];
    for phone in &phones {
        api.register(phone, None, None).await.ok(201);
        subscribe(&api, phone, &tag, None).await.ok(201);
    }
    let target = json!({"tagNames": [tag], "platform": "A"});
    let message = json!({"message": {"alert": "Hi"}, "target": target});
    let sent = api.send(&message).await.ok(202);
    let id = sent["messageId"].as_str().unwrap();
    assert_eq!(api.settled(id).await["accepted"], 1);
    assert_eq!(api.shown(&phones[0]).await, [""; 0]);
    assert_eq!(api.shown(&phones[1]).await, ["Hi"]);
}

async fn a_list_of_messages_may_name_tags(api: Api) {
    let tag = made(&api).await;
    let (alice, _, phone) = subscriber(&api, &[&tag]).await;
    let message =
        |alert: &str, target: Value| json!({"message": {"alert": alert}, "target": target});
    let bulk = json!([
        message("to the tag", json!({"tagNames": [tag]})),
        message("to her", json!({"userIds": [alice]})),
    ]);
    let request = api.call(Method::POST, "/messages/bulk").backend(&api);
    let sent = request.json(&bulk).send().await.ok(202);
    for message in sent["messages"].as_array().unwrap() {
        let id = message["messageId"].as_str().unwrap();
        assert_eq!(api.settled(id).await, counts(&json!({"accepted": 1})));
    }
    let mut shown = api.shown(&phone).await;
    shown.sort();
    assert_eq!(shown, ["to her", "to the tag"]);
}

async fn a_dry_run_names_no_recipients(api: Api) {
    let tag = made(&api).await;
    let (_, _, phone) = subscriber(&api, &[&tag]).await;
    let message = json!({"message": {"alert": "Hi"}, "target": {"tagNames": [tag]}});
    let call = api
        .call(Method::POST, "/messages?dryRun=true")
        .backend(&api);
    let answer = call.json(&message).send().await.ok(200);
    assert_eq!(answer["recipients"], json!({}));
    assert_eq!(api.shown(&phone).await, [""; 0]);
}

async fn a_dead_subscriber_is_removed_from_the_index(api: Api) {
    let tag = made(&api).await;
    let (_, _, phone) = subscriber(&api, &[&tag]).await;
    api.kill(&phone).await;
    let id = told(&api, &[&tag], "Hi").await;
    assert_eq!(api.settled(&id).await, counts(&json!({"dead": 1})));
    let items = api.items().await;
    let entry = |item: &&Value| item["pk"]["S"].as_str().unwrap().starts_with("TAG#");
    let mut entries = items.iter().filter(entry);
    assert!(entries.all(|item| item["sk"]["S"] != phone.device));
}

async fn many_subscribers_are_reached_once_page_by_page(api: Api) {
    let tags = [made(&api).await, made(&api).await, made(&api).await];
    let mut phones = Vec::new();
    for n in 0..60 {
        let phone = Phone::android();
        api.register(&phone, None, None).await.ok(201);
        let call = api.call(Method::POST, "/subscriptions");
        let some: Vec<_> = (0..3)
            .filter(|tag| (n >> tag) & 1 == 1 || n % 3 == *tag)
            .collect();
        let names: Vec<_> = some.iter().map(|tag| &tags[*tag]).collect();
        let body = json!({"deviceId": phone.device, "tagNames": names});
        call.json(&body).send().await.ok(207);
        phones.push(phone);
    }
    // A job makes one publish a second, and a page of each.
    let names: Vec<&str> = tags.iter().map(String::as_str).collect();
    let id = told(&api, &names, "All").await;
    assert_eq!(api.settled(&id).await, counts(&json!({"accepted": 60})));
    for phone in &phones {
        assert_eq!(api.shown(phone).await, ["All"]);
    }
}

async fn a_job_of_tags_whose_time_is_over_goes_on_in_another(api: Api) {
    let (news, sports) = (made(&api).await, made(&api).await);
    let (_, _, first) = subscriber(&api, &[&news, &sports]).await;
    let (_, _, second) = subscriber(&api, &[&sports]).await;
    let fault = json!({});
    api.sns_fault("Publish", &first.token, "Throttling", 1_000_000, fault)
        .await;
    let id = told(&api, &[&news, &sports], "Hi").await;
    api.called("sns.Publish", 5).await;
    api.forget_calls().await;
    // The job's time is 100 seconds; it is on the queue again afterwards, in a new message.
    api.advance(101).await;
    api.called("sqs.SendMessageBatch", 1).await;
    heal(&api).await;
    assert_eq!(api.settled(&id).await["accepted"], 2);
    for phone in [&first, &second] {
        assert_eq!(api.shown(phone).await, ["Hi"]);
    }
}
