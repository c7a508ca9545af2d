//! Sends that do not fit into one request: on a queue, worked off by jobs, each device once.

use super::publishing::Stage;
use crate::answer::{NOT_FOUND, UNAVAILABLE};
use crate::api::Api;
use crate::phone::{Phone, random_hex, user};
use crate::story::{Story, alone, own, shared};
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
        own(FAULTS, &[], a_job_that_comes_twice_sends_once),
        own(
            FAULTS,
            &[],
            a_job_that_the_queue_does_not_take_at_once_is_put_again,
        ),
        own(
            FAULTS,
            &[],
            a_send_that_did_not_get_all_its_jobs_on_the_queue_is_unavailable_and_goes_on,
        ),
        own(FAULTS, &[], a_job_whose_time_is_over_goes_on_in_another),
        own(FAULTS, &[], a_message_that_waited_too_long_is_expired),
        own(
            FAULTS,
            &[],
            a_job_that_keeps_failing_ends_among_the_dead_letters_and_can_be_sent_back,
        ),
        own(
            FAULTS,
            &[],
            what_is_no_job_ends_among_the_dead_letters_and_stops_nothing,
        ),
        own(FAULTS, &[], a_lost_answer_to_a_note_counts_nobody_twice),
        own(
            FAULTS,
            &[],
            the_messages_of_a_bulk_share_what_is_sent_at_once,
        ),
        own(
            FAULTS,
            &[],
            a_deleted_message_loses_what_is_left_of_its_sending,
        ),
        alone(
            "it lists all messages",
            &[],
            a_send_without_a_key_that_did_not_get_on_the_queue_is_withdrawn,
        ),
    ]
}

const DEAD: &str = "JobDeadLetterQueue";
/// Longer than a message of the queue is hidden from others.
const VISIBILITY: u64 = 721;

/// So many users whom nobody knows, and these.
fn crowd(users: &[&str]) -> Vec<String> {
    let strangers = (users.len()..150).map(|_| user("stranger"));
    users
        .iter()
        .map(|user| (*user).to_owned())
        .chain(strangers)
        .collect()
}

/// Sends to users; gives the message id.
async fn told(api: &Api, users: &[String], alert: &str) -> String {
    let message = json!({"message": {"alert": alert}, "target": {"userIds": users}});
    let sent = api.send(&message).await.ok(202);
    assert_eq!(sent.get("recipients"), None, "it is not known yet");
    sent["messageId"].as_str().unwrap().to_owned()
}

/// Counts of a message; those that are not named are 0.
fn counts(named: &Value) -> Value {
    let mut counts = json!({"accepted": 0, "dead": 0, "refused": 0, "retried": 0, "misconfigured": 0, "expired": 0});
    for (name, count) in named.as_object().unwrap() {
        counts[name] = count.clone();
    }
    counts
}

async fn heal(api: &Api) {
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
    api.set_endpoint(&dead.token, "enabled", false).await;
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
    let status = api
        .backend_get(&format!("/messages/{id}/status"))
        .await
        .ok(200);
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

async fn a_job_that_comes_twice_sends_once(api: Api) {
    let stage = Stage::set(api, 4).await;
    let api = &stage.api;
    let all = json!({"oneIn": 1});
    api.control(Method::POST, "/queues/copies", Some(all)).await;
    let id = told(api, &crowd(&[&stage.alice]), "Once").await;
    assert_eq!(api.settled(&id).await, counts(&json!({"accepted": 4})));
    // Whoever came second and found the job held comes again, and finds it done.
    let none = json!({"oneIn": 0});
    api.control(Method::POST, "/queues/copies", Some(none))
        .await;
    api.advance(VISIBILITY).await;
    api.emptied("JobQueue").await;
    for phone in &stage.phones {
        assert_eq!(api.shown(phone).await, ["Once"]);
    }
    assert_eq!(api.settled(&id).await, counts(&json!({"accepted": 4})));
}

async fn a_job_that_the_queue_does_not_take_at_once_is_put_again(api: Api) {
    let stage = Stage::set(api, 1).await;
    let api = &stage.api;
    for (fault, times) in [
        ("PartialFailure", 2),
        ("InternalError", 4),
        ("lostAnswer", 4),
    ] {
        api.fault("sqs", "SendMessageBatch", fault, times).await;
        let id = told(api, &crowd(&[&stage.alice]), fault).await;
        assert_eq!(
            api.settled(&id).await,
            counts(&json!({"accepted": 1})),
            "{fault}"
        );
    }
    let shown = api.shown(&stage.phones[0]).await;
    assert_eq!(shown, ["PartialFailure", "InternalError", "lostAnswer"]);
}

async fn a_send_that_did_not_get_all_its_jobs_on_the_queue_is_unavailable_and_goes_on(api: Api) {
    let stage = Stage::set(api, 1).await;
    let (api, key) = (&stage.api, random_hex(8));
    let message =
        json!({"message": {"alert": "Hi"}, "target": {"userIds": crowd(&[&stage.alice])}});
    let post = || {
        let request = api.call(Method::POST, "/messages").backend(api);
        request
            .header("idempotency-key", &key)
            .json(&message)
            .send()
    };
    api.fault("sqs", "SendMessageBatch", "AccessDeniedException", 1)
        .await;
    assert_eq!(post().await.ok(500)["code"], "FPWSE0010E");
    assert_eq!(api.shown(&stage.phones[0]).await, [""; 0]);
    api.fault("sqs", "SendMessageBatch", "ServiceUnavailable", 1_000_000)
        .await;
    post().await.refused(UNAVAILABLE);
    heal(api).await;
    let sent = post().await.ok(202);
    let id = sent["messageId"].as_str().unwrap();
    assert_eq!(api.settled(id).await, counts(&json!({"accepted": 1})));
    assert_eq!(post().await.ok(202), sent);
    assert_eq!(api.shown(&stage.phones[0]).await, ["Hi"]);
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
    api.emptied("JobQueue").await;
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

async fn a_job_that_keeps_failing_ends_among_the_dead_letters_and_can_be_sent_back(api: Api) {
    let stage = Stage::set(api, 1).await;
    let api = &stage.api;
    api.fault("dynamodb", "BatchGetItem", "ValidationException", 1_000_000)
        .await;
    api.forget_calls().await;
    let id = told(api, &crowd(&[&stage.alice]), "Hi").await;
    for tries in 1..=5 {
        // The job is claimed and released.
        api.called("dynamodb.UpdateItem", 2 * tries).await;
        let queues = api.control(Method::GET, "/queues", None).await;
        assert_eq!(queues[DEAD]["visible"], 0, "{tries}");
        api.advance(VISIBILITY).await;
    }
    api.queue_is(DEAD, |held| held["visible"] == 1).await;
    assert_eq!(api.comes_to(&id, "Failed").await, counts(&json!({})));
    heal(api).await;
    let other = told(api, &crowd(&[&stage.alice]), "not stopped").await;
    api.settled(&other).await;
    let dead = json!({"queue": DEAD});
    let moved = api
        .control(Method::POST, "/queues/redrive", Some(dead))
        .await;
    assert_eq!(moved, json!({"moved": 1}));
    assert_eq!(api.settled(&id).await, counts(&json!({"accepted": 1})));
    assert_eq!(api.shown(&stage.phones[0]).await, ["not stopped", "Hi"]);
}

async fn what_is_no_job_ends_among_the_dead_letters_and_stops_nothing(api: Api) {
    let stage = Stage::set(api, 1).await;
    let api = &stage.api;
    api.enqueue("JobQueue", "{\"poison\":true}").await;
    for _ in 1..=5 {
        api.queue_is("JobQueue", |held| {
            held["visible"] == 0 && held["inFlight"] == 1
        })
        .await;
        let id = told(api, &crowd(&[&stage.alice]), "Hi").await;
        api.settled(&id).await;
        api.advance(VISIBILITY).await;
    }
    api.queue_is(DEAD, |held| held["visible"] == 1).await;
    assert_eq!(api.shown(&stage.phones[0]).await, ["Hi"; 5]);
}

async fn a_lost_answer_to_a_note_counts_nobody_twice(api: Api) {
    let stage = Stage::set(api, 3).await;
    let api = &stage.api;
    // Of the claim and of the page: as often as the SDK asks by itself, and less often.
    for times in [1, 2, 3, 4, 6] {
        api.fault("dynamodb", "UpdateItem", "lostAnswer", times)
            .await;
        let id = told(api, &crowd(&[&stage.alice]), "queued").await;
        assert_eq!(
            api.settled(&id).await,
            counts(&json!({"accepted": 3})),
            "{times}"
        );
        api.fault("dynamodb", "UpdateItem", "lostAnswer", times)
            .await;
        let id = stage.told("at once", 3).await;
        assert_eq!(
            api.settled(&id).await,
            counts(&json!({"accepted": 3})),
            "{times}"
        );
    }
    for phone in &stage.phones {
        assert_eq!(api.shown(phone).await, ["queued", "at once"].repeat(5));
    }
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
    api.emptied("JobQueue").await;
    assert_eq!(api.shown(&stage.phones[0]).await, [""; 0]);
    assert_eq!(api.shown(&stage.phones[1]).await, ["Hi"]);
    api.backend_get(&format!("{route}/status"))
        .await
        .refused(NOT_FOUND);
    let left = format!("MESSAGE#{id}");
    api.holds_no_item_of(&[&left]).await;
}

async fn a_send_without_a_key_that_did_not_get_on_the_queue_is_withdrawn(api: Api) {
    let stage = Stage::set(api, 1).await;
    let api = &stage.api;
    api.fault("sqs", "SendMessageBatch", "AccessDeniedException", 1)
        .await;
    let message =
        json!({"message": {"alert": "Hi"}, "target": {"userIds": crowd(&[&stage.alice])}});
    assert_eq!(api.send(&message).await.ok(500)["code"], "FPWSE0010E");
    let kept = api.backend_get("/messages").await.ok(200);
    assert_eq!(kept, json!({"messages": []}));
    assert_eq!(api.shown(&stage.phones[0]).await, [""; 0]);
}
