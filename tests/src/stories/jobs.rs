//! Sends that do not fit into one request: on a queue, worked off by jobs, each device once.

use super::metrics::sums;
use super::publishing::{Stage, counts};
use super::subscriptions::{made, subscribe, subscriber};
use crate::answer::NOT_FOUND;
use crate::api::Api;
use crate::phone::{Phone, user};
use crate::story::{Story, own, shared};
use crate::waiting::{LONG, until};
use reqwest::Method;
use serde_json::{Value, json};

pub(super) fn stories() -> Vec<Story> {
    const FAULTS: &str = "it breaks what others need";
    vec![
        shared(a_message_to_more_than_a_hundred_users_reaches_each_of_their_phones_once),
        shared(a_message_to_more_than_a_hundred_devices_reaches_each_of_them_once),
        shared(a_job_ends_the_device_whose_token_is_dead_and_no_other),
        own(
            FAULTS,
            &[],
            a_publish_that_stays_throttled_goes_on_on_the_queue,
        ),
        own(FAULTS, &[], a_queued_publish_asks_again_whose_the_phone_is),
        own(
            FAULTS,
            &[],
            a_queued_publish_makes_a_lost_endpoint_again_for_its_owner_only,
        ),
        own(FAULTS, &[], a_job_whose_time_is_over_goes_on_in_another),
        own(
            FAULTS,
            &[],
            a_job_goes_on_in_twenty_others_and_tells_each_device_once,
        ),
        shared(a_message_of_exactly_4096_bytes_is_sent_by_a_job_whatever_numbers_it_has),
        own(
            "it closes connections of all",
            &[],
            connections_that_close_between_two_sends_cost_nothing,
        ),
        own(FAULTS, &[], a_message_that_waited_too_long_is_expired),
        own(
            FAULTS,
            &[],
            a_message_that_no_platform_keeps_goes_out_however_late,
        ),
        own(
            FAULTS,
            &[],
            the_messages_of_a_bulk_share_what_is_sent_at_once,
        ),
        own(
            "its pace is slow",
            &["PublishPerSecond=20"],
            a_deletion_stops_a_job_that_begins_meanwhile,
        ),
        own(
            FAULTS,
            &[],
            a_deleted_message_loses_what_is_left_of_its_sending,
        ),
    ]
}

/// So many users whom nobody knows, and these.
pub(super) fn crowd(users: &[&str]) -> Vec<String> {
    let strangers = (users.len()..150).map(|_| user("stranger"));
    users
        .iter()
        .map(|user| (*user).to_owned())
        .chain(strangers)
        .collect()
}

/// Sends to users; gives the message id.
pub(super) async fn told(api: &Api, users: &[String], alert: &str) -> String {
    let message = json!({"message": {"alert": alert}, "target": {"userIds": users}});
    let sent = api.send(&message).await.ok(202);
    assert_eq!(sent.get("recipients"), None, "it is not known yet");
    sent["messageId"].as_str().unwrap().to_owned()
}

pub(super) async fn heal(api: &Api) {
    api.control(Method::DELETE, "/faults", None).await;
}

async fn a_message_to_more_than_a_hundred_users_reaches_each_of_their_phones_once(api: Api) {
    let stage = Stage::set(api, 3).await;
    let (api, bob, zoe) = (&stage.api, user("bob"), user("zoë🦀"));
    let mut phones = stage.phones.clone();
    for name in [&bob, &zoe] {
        let phone = Phone::iphone();
        let secret = api.secret(name).await;
        api.register(&phone, Some(name), Some(&secret))
            .await
            .ok(201);
        phones.push(phone);
    }
    let id = told(api, &crowd(&[&stage.alice, &bob, &zoe]), "Crowd").await;
    assert_eq!(api.settled(&id).await, counts(&json!({"accepted": 5})));
    let mut uids = Vec::new();
    for phone in &phones {
        let pushes = api.pushes(phone).await;
        let [push] = &pushes[..] else {
            panic!("once: {pushes:?}")
        };
        let payload = push.payload();
        assert_eq!((push.alert(), &payload["nid"]), ("Crowd", &json!(id)));
        uids.push(payload["uid"].clone());
    }
    uids.dedup();
    assert_eq!(uids.len(), 3, "each push names its own user: {uids:?}");
    let kept = api.backend_get(&format!("/messages/{id}")).await.ok(200);
    assert_eq!(kept["target"]["userIds"].as_array().unwrap().len(), 100);
}

async fn a_message_to_more_than_a_hundred_devices_reaches_each_of_them_once(api: Api) {
    let phones = [Phone::android(), Phone::iphone()];
    for phone in &phones {
        api.register(phone, None, None).await.ok(201);
    }
    let strangers = (0..600).map(|_| Phone::android().device);
    let devices: Vec<_> = phones
        .iter()
        .map(|phone| phone.device.clone())
        .chain(strangers)
        .collect();
    let message = json!({"message": {"alert": "Devices"}, "target": {"deviceIds": devices}});
    let sent = api.send(&message).await.ok(202);
    let id = sent["messageId"].as_str().unwrap();
    assert_eq!(api.settled(id).await, counts(&json!({"accepted": 2})));
    for phone in &phones {
        assert_eq!(api.shown(phone).await, ["Devices"]);
    }
}

async fn a_job_ends_the_device_whose_token_is_dead_and_no_other(api: Api) {
    let stage = Stage::set(api, 4).await;
    let api = &stage.api;
    let [dead, refused, misconfigured, good] = &stage.phones[..] else {
        panic!("four phones")
    };
    api.kill(dead).await;
    for (phone, fault) in [
        (refused, "InvalidParameter"),
        (misconfigured, "PlatformApplicationDisabled"),
    ] {
        api.sns_fault("Publish", &phone.token, fault, 1, json!({}))
            .await;
    }
    let id = told(api, &crowd(&[&stage.alice]), "Hi").await;
    let expected = json!({"accepted": 1, "dead": 1, "refused": 1, "misconfigured": 1});
    assert_eq!(api.settled(&id).await, counts(&expected));
    let read = api.read(dead, Some(api.client_secret())).await;
    read.refused(NOT_FOUND);
    for phone in [refused, misconfigured, good] {
        api.holds(phone, Some(&stage.alice)).await;
    }
    assert_eq!(api.shown(good).await, ["Hi"]);
}

/// A stage whose first phone is throttled, and a message to it that has been answered.
async fn throttled(api: Api, alert: &str) -> (Stage, String) {
    let stage = Stage::set(api, 2).await;
    stage.fails("Throttling", 1_000_000, json!({})).await;
    let id = stage.told(alert, 1).await;
    (stage, id)
}

async fn a_publish_that_stays_throttled_goes_on_on_the_queue(api: Api) {
    let (stage, id) = throttled(api, "Hi").await;
    let api = &stage.api;
    let status = api.status(&id).await;
    assert_eq!(
        (&status["status"], &status["counts"]["accepted"]),
        (&json!("Processing"), &json!(1))
    );
    assert_eq!(api.shown(&stage.phones[0]).await, [""; 0]);
    heal(api).await;
    let counts = api.settled(&id).await;
    assert_eq!(counts["accepted"], 2);
    assert!(counts["retried"].as_u64().unwrap() > 1, "{counts}");
    for phone in &stage.phones {
        assert_eq!(api.shown(phone).await, ["Hi"]);
    }
    api.holds(&stage.phones[0], Some(&stage.alice)).await;
}

async fn a_queued_publish_asks_again_whose_the_phone_is(api: Api) {
    let (stage, id) = throttled(api, "for Alice").await;
    let (api, tablet, bob) = (&stage.api, &stage.phones[0], user("bob"));
    let his = api.secret(&bob).await;
    api.update(tablet, Some(&bob), Some(&his)).await.ok(200);
    heal(api).await;
    assert_eq!(api.settled(&id).await["accepted"], 1);
    assert_eq!(api.shown(tablet).await, [""; 0]);
    api.tell(&[&bob], "for Bob").await;
    assert_eq!(api.shown(tablet).await, ["for Bob"]);
}

async fn a_queued_publish_makes_a_lost_endpoint_again_for_its_owner_only(api: Api) {
    let (stage, id) = throttled(api, "for Alice").await;
    let (api, tablet) = (&stage.api, &stage.phones[0]);
    api.set_endpoint(&tablet.token, "deleted", true).await;
    heal(api).await;
    assert_eq!(api.settled(&id).await["accepted"], 2);
    assert_eq!(api.shown(tablet).await, ["for Alice"]);

    stage.fails("Throttling", 1_000_000, json!({})).await;
    let id = stage.told("still for Alice", 1).await;
    let bob = user("bob");
    let his = api.secret(&bob).await;
    api.update(tablet, Some(&bob), Some(&his)).await.ok(200);
    api.set_endpoint(&tablet.token, "deleted", true).await;
    heal(api).await;
    assert_eq!(api.settled(&id).await["accepted"], 1);
    assert_eq!(api.shown(tablet).await, ["for Alice"]);
}

async fn a_job_whose_time_is_over_goes_on_in_another(api: Api) {
    let stage = Stage::set(api, 5).await;
    let api = &stage.api;
    stage.fails("Throttling", 1_000_000, json!({})).await;
    let id = told(api, &crowd(&[&stage.alice]), "Hi").await;
    api.called("sns.Publish", 10).await;
    api.forget_calls().await;
    // The job's time is 100 seconds; it is on the queue again afterwards, in a new message.
    api.advance(101).await;
    api.called("sqs.SendMessageBatch", 1).await;
    heal(api).await;
    assert_eq!(api.settled(&id).await["accepted"], 5);
    for phone in &stage.phones {
        assert_eq!(api.shown(phone).await, ["Hi"]);
    }
    api.jobs_end().await;
}

async fn a_job_goes_on_in_twenty_others_and_tells_each_device_once(api: Api) {
    let stage = Stage::set(api, 3).await;
    let api = &stage.api;
    for (phone, times) in stage.phones.iter().zip([10, 1_000_000]) {
        api.sns_fault("Publish", &phone.token, "Throttling", times, json!({}))
            .await;
    }
    let id = told(api, &crowd(&[&stage.alice]), "Hi").await;
    for _ in 0..20 {
        // The job is under way: its time counts from before this publish.
        api.called("sns.Publish", 1).await;
        api.forget_calls().await;
        api.advance(101).await;
        api.called("sqs.SendMessageBatch", 1).await;
        api.forget_calls().await;
    }
    heal(api).await;
    assert_eq!(api.settled(&id).await["accepted"], 3);
    for phone in &stage.phones {
        assert_eq!(api.shown(phone).await, ["Hi"]);
    }
    api.jobs_end().await;
    let jobs = sums(api).await;
    let count = |outcome: &str| jobs[format!("Jobs {outcome}")].as_u64().unwrap();
    assert!(count("continued") >= 20, "{jobs}");
    assert_eq!(count("finished"), 1, "{jobs}");
}

async fn a_message_of_exactly_4096_bytes_is_sent_by_a_job_whatever_numbers_it_has(api: Api) {
    let stage = Stage::set(api, 2).await;
    let api = &stage.api;
    // So it is written: many a reader makes another number of it than a writer gives back.
    let number = "7.967090e-24";
    let users: Vec<_> = [stage.alice.clone()]
        .into_iter()
        .chain((0..101).map(|_| user("stranger")))
        .collect();
    let attempt = async |letters: usize| {
        let message = json!({
            "message": {"alert": "a".repeat(letters)},
            "settings": {"apns": {"payload": {"n": "NUMBER"}}, "gcm": {"payload": {"n": "NUMBER"}}},
            "target": {"userIds": users},
        });
        let message = message.to_string().replace("\"NUMBER\"", number);
        let post = api.call(Method::POST, "/messages").backend(api);
        post.body("application/json", message).send().await
    };
    let over = attempt(5000).await.ok(400)["message"].to_string();
    let size = over.split("it has ").nth(1).unwrap();
    let size: usize = size.split(' ').next().unwrap().parse().unwrap();
    let letters = 5000 + 4096 - size;
    attempt(letters + 1).await.ok(400);
    let sent = attempt(letters).await.ok(202);
    let id = sent["messageId"].as_str().unwrap();
    assert_eq!(api.settled(id).await, counts(&json!({"accepted": 2})));
    for phone in &stage.phones {
        assert_eq!(api.shown(phone).await, ["a".repeat(letters)]);
    }
}

async fn connections_that_close_between_two_sends_cost_nothing(api: Api) {
    let stage = Stage::set(api, 2).await;
    let api = &stage.api;
    for n in 0..5 {
        let id = stage.told(&format!("at once {n}"), 2).await;
        stage.counted(&id, json!({"accepted": 2})).await;
        api.control(Method::DELETE, "/connections", None).await;
        let id = told(api, &crowd(&[&stage.alice]), &format!("queued {n}")).await;
        stage.counted(&id, json!({"accepted": 2})).await;
        api.control(Method::DELETE, "/connections", None).await;
    }
    let expected: Vec<_> = (0..5)
        .flat_map(|n| [format!("at once {n}"), format!("queued {n}")])
        .collect();
    for phone in &stage.phones {
        assert_eq!(api.shown(phone).await, expected);
    }
}

async fn a_message_that_waited_too_long_is_expired(api: Api) {
    let stage = Stage::set(api, 1).await;
    let api = &stage.api;
    stage.fails("Throttling", 1_000_000, json!({})).await;
    let message = json!({
        "message": {"alert": "Now or never"},
        "target": {"userIds": crowd(&[&stage.alice])},
        "settings": {"gcm": {"timeToLive": 60}},
    });
    let sent = api.send(&message).await.ok(202);
    let id = sent["messageId"].as_str().unwrap();
    api.called("sns.Publish", 1).await;
    api.advance(61).await;
    let counts = api.settled(id).await;
    assert_eq!(
        (&counts["expired"], &counts["accepted"]),
        (&json!(1), &json!(0))
    );
    heal(api).await;
    assert_eq!(api.shown(&stage.phones[0]).await, [""; 0]);
}

async fn a_message_that_no_platform_keeps_goes_out_however_late(api: Api) {
    let news = made(&api).await;
    let (_, _, android) = subscriber(&api, &[&news]).await;
    let stage = Stage::set(api, 2).await;
    let api = &stage.api;
    let iphone = &stage.phones[1];
    subscribe(api, iphone, &news, Some(api.client_secret()))
        .await
        .ok(201);
    let turn = |enabled: bool| json!({"function": "DeliverFunction", "enabled": enabled});
    api.control(Method::POST, "/sources", Some(turn(false)))
        .await;
    let mut ids = Vec::new();
    for target in [
        json!({"userIds": crowd(&[&stage.alice])}),
        json!({"tagNames": [news]}),
    ] {
        let settings = json!({"gcm": {"timeToLive": 0}, "apns": {"timeToLive": 0}});
        let message = json!({"message": {"alert": "Now"}, "target": target, "settings": settings});
        let sent = api.send(&message).await.ok(202);
        ids.push(sent["messageId"].as_str().unwrap().to_owned());
    }
    api.advance(600).await;
    api.control(Method::POST, "/sources", Some(turn(true)))
        .await;
    for id in &ids {
        assert_eq!(api.settled(id).await, counts(&json!({"accepted": 2})));
    }
    let pushes = api.pushes(&android).await;
    assert_eq!(pushes[0].fcm()["android"]["ttl"], "0s");
    let pushes = api.pushes(iphone).await;
    assert_eq!(pushes.len(), 2);
    assert_eq!(pushes[0].0["attributes"]["AWS.SNS.MOBILE.APNS.TTL"], "0");
}

async fn the_messages_of_a_bulk_share_what_is_sent_at_once(api: Api) {
    let stage = Stage::set(api, 1).await;
    let api = &stage.api;
    let to = |count| {
        let strangers = (1..count).map(|_| user("stranger"));
        let users: Vec<_> = strangers.chain([stage.alice.clone()]).collect();
        json!({"message": {"alert": format!("to {count}")}, "target": {"userIds": users}})
    };
    api.forget_calls().await;
    // The third has no room left by the first, the second does.
    let bulk = json!([to(60), to(40), to(41)]);
    let request = api.call(Method::POST, "/messages/bulk").backend(api);
    let sent = request.json(&bulk).send().await.ok(202);
    assert_eq!(api.calls().await["sqs.SendMessageBatch"], 1);
    for message in sent["messages"].as_array().unwrap() {
        let id = message["messageId"].as_str().unwrap();
        assert_eq!(api.settled(id).await, counts(&json!({"accepted": 1})));
    }
    let shown = api.shown(&stage.phones[0]).await;
    assert_eq!(shown, ["to 60", "to 40", "to 41"]);
}

async fn a_deletion_stops_a_job_that_begins_meanwhile(api: Api) {
    let fed = |enabled: bool| json!({"function": "DeliverFunction", "enabled": enabled});
    api.control(Method::POST, "/sources", Some(fed(false)))
        .await;
    let mut devices = Vec::new();
    for _ in 0..120 {
        let phone = Phone::android();
        api.register(&phone, None, None).await.ok(201);
        devices.push(phone.device);
    }
    let message = json!({"message": {"alert": "Hi"}, "target": {"deviceIds": devices}});
    let sent = api.send(&message).await.ok(202);
    let id = sent["messageId"].as_str().unwrap().to_owned();
    // The deletion begins, the job begins, and then the message goes.
    let held =
        json!({"service": "dynamodb", "operation": "DeleteItem", "times": 1, "delayMs": 700});
    api.control(Method::POST, "/faults", Some(held)).await;
    api.forget_calls().await;
    let deletion = {
        let (api, route) = (api.clone(), format!("/messages/{id}"));
        tokio::spawn(async move {
            let delete = api.call(Method::DELETE, &route).backend(&api);
            delete.send().await.empty(204);
        })
    };
    api.called("dynamodb.DeleteItem", 1).await;
    api.control(Method::POST, "/sources", Some(fed(true))).await;
    deletion.await.unwrap();
    // The job stops, or would come to its end.
    let over = |sums: &Value| {
        ["held", "finished"]
            .map(|end| &sums[format!("Jobs {end}")])
            .iter()
            .any(|n| n.is_u64())
    };
    let sums = until(LONG, over, || sums(&api)).await;
    assert!(sums.is_ok(), "{sums:?}");
    let published = api.calls().await["sns.Publish"].as_u64().unwrap_or(0);
    assert!(published < 60, "{published} of 120 were told");
}

async fn a_deleted_message_loses_what_is_left_of_its_sending(api: Api) {
    let fed = |enabled: bool| json!({"function": "DeliverFunction", "enabled": enabled});
    api.control(Method::POST, "/sources", Some(fed(false)))
        .await;
    let (stage, id) = throttled(api, "Hi").await;
    let api = &stage.api;
    let route = format!("/messages/{id}");
    let delete = api.call(Method::DELETE, &route).backend(api);
    delete.send().await.empty(204);
    heal(api).await;
    api.control(Method::POST, "/sources", Some(fed(true))).await;
    api.jobs_end().await;
    assert_eq!(api.shown(&stage.phones[0]).await, [""; 0]);
    assert_eq!(api.shown(&stage.phones[1]).await, ["Hi"]);
    api.backend_get(&format!("{route}/status"))
        .await
        .refused(NOT_FOUND);
    let left = format!("MESSAGE#{id}");
    api.holds_no_item_of(&[&left]).await;
}
