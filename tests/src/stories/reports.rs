//! What devices report of a message, and what that does on the other devices of its reader.

use crate::answer::{NOT_FOUND, UNAUTHORIZED, UNAVAILABLE};
use crate::api::{Api, Request};
use crate::cast::{Cast, EVERYONE, With};
use crate::phone::{Phone, user};
use crate::story::{Story, own, shared};
use crate::waiting::{LONG, until};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

pub(super) fn stories() -> Vec<Story> {
    vec![
        shared(a_device_counts_once_as_seen_and_once_as_opened),
        shared(very_many_devices_report_at_the_same_time),
        shared(a_bound_device_reports_for_its_user),
        shared(a_device_of_nobody_reports_for_everyone),
        shared(only_devices_and_messages_that_there_are_report),
        shared(a_wrong_report_is_named),
        shared(an_opened_message_goes_away_on_the_other_android_phones),
        shared(what_does_not_sync_goes_away_nowhere),
        shared(a_phone_that_changed_hands_takes_nothing_away_from_its_former_owner),
        shared(a_dismissal_that_is_throttled_is_repeated),
        own(
            "it breaks DynamoDB for all",
            &[],
            a_report_whose_answer_was_lost_counts_once,
        ),
        own(
            "it breaks what others need",
            &[],
            an_open_whose_dismissal_failed_is_not_noted,
        ),
    ]
}

const DISMISS: &str = "com.ibm.mobilefirstplatform.clientsdk.android.push.DISMISS_NOTIFICATION";

/// Registers phones for somebody; gives who, and their secret.
async fn owned(api: &Api, phones: &[&Phone]) -> (String, String) {
    let alice = user("alice");
    let secret = api.secret(&alice).await;
    for phone in phones {
        let registered = api.register(phone, Some(&alice), Some(&secret)).await;
        registered.ok(201);
    }
    (alice, secret)
}

fn report(call: Request, phone: &Phone, status: &str) -> Request {
    call.json(&json!({"deviceId": phone.device, "status": status}))
}

async fn reported(api: &Api, id: &str, phone: &Phone, status: &str, secret: &str) {
    let call = api
        .call(Method::PUT, &format!("/messages/{id}"))
        .secret(Some(secret));
    let answer = report(call, phone, status).send().await;
    answer.is(200, &json!({}));
}

async fn reports(api: &Api, id: &str) -> (u64, u64) {
    let status = api.status(id).await;
    let number = |name: &str| status["reports"][name].as_u64().unwrap();
    (number("seen"), number("opened"))
}

/// Sends a message to a user; with `sync`, it goes away everywhere once it is opened.
async fn sent(api: &Api, alice: &str, sync: bool) -> String {
    let message = json!({"message": {"alert": "Hi"}, "target": {"userIds": [alice]}, "settings": {"gcm": {"sync": sync}}});
    let sent = api.send(&message).await.ok(202);
    sent["messageId"].as_str().unwrap().to_owned()
}

/// What took messages away on this phone: the data of each.
async fn dismissals(api: &Api, phone: &Phone) -> Vec<Value> {
    let pushes = api.pushes(phone).await;
    let data = pushes.iter().map(|push| push.data().clone());
    data.filter(|data| data.get("action").is_some()).collect()
}

fn dismissal(id: &str) -> Vec<Value> {
    vec![json!({"action": DISMISS, "nid": id})]
}

async fn a_device_counts_once_as_seen_and_once_as_opened(api: Api) {
    let (first, second) = (Phone::android(), Phone::iphone());
    let (alice, secret) = owned(&api, &[&first, &second]).await;
    let id = sent(&api, &alice, false).await;
    for (phone, status, expected) in [
        (&first, "SEEN", (1, 0)),
        (&first, "SEEN", (1, 0)),
        (&first, "OPEN", (1, 1)),
        (&first, "seen", (1, 1)),
        (&first, "OPEN", (1, 1)),
        // It was seen, though nobody said so.
        (&second, "open", (2, 2)),
        (&second, "SEEN", (2, 2)),
    ] {
        reported(&api, &id, phone, status, &secret).await;
        assert_eq!(reports(&api, &id).await, expected, "{status}");
    }
    let other = sent(&api, &alice, false).await;
    assert_eq!(reports(&api, &other).await, (0, 0));
}

async fn very_many_devices_report_at_the_same_time(api: Api) {
    let phones: Vec<_> = (0..40).map(|_| Phone::android()).collect();
    let (alice, secret) = owned(&api, &phones.iter().collect::<Vec<_>>()).await;
    let id = sent(&api, &alice, false).await;
    let each = phones
        .iter()
        .map(|phone| reported(&api, &id, phone, "OPEN", &secret));
    join_all(each).await;
    assert_eq!(reports(&api, &id).await, (40, 40));
}

async fn a_bound_device_reports_for_its_user(api: Api) {
    let cast = Cast::new(&api).await;
    let phone = cast.phone_of_alice().await;
    for with in EVERYONE {
        let id = sent(&api, &cast.alice, false).await;
        let call = cast.call(with, Method::PUT, &format!("/messages/{id}"));
        let answer = report(call, &phone, "SEEN").send().await;
        let seen = match with {
            // An app that was asleep for a day reports with the secret that it has.
            With::Own
            | With::Expired
            | With::Provisioned
            | With::AppSecret
            | With::AppSecretBesideForged => {
                answer.is(200, &json!({}));
                1
            }
            With::Another | With::AnotherExpired => {
                answer.refused(NOT_FOUND);
                0
            }
            With::Nothing | With::TheWordAnonymous | With::Forged | With::Malformed => {
                answer.refused(UNAUTHORIZED);
                0
            }
        };
        assert_eq!(reports(&api, &id).await, (seen, 0), "{with:?}");
    }
}

async fn a_device_of_nobody_reports_for_everyone(api: Api) {
    let cast = Cast::new(&api).await;
    let phone = cast.phone_of_nobody().await;
    for with in EVERYONE {
        let id = sent(&api, &cast.alice, true).await;
        let call = cast.call(with, Method::PUT, &format!("/messages/{id}"));
        let answer = report(call, &phone, "OPEN").send().await;
        if matches!(with, With::Forged | With::Malformed) {
            answer.refused(UNAUTHORIZED);
        } else {
            answer.is(200, &json!({}));
            assert_eq!(reports(&api, &id).await, (1, 1), "{with:?}");
        }
    }
}

async fn only_devices_and_messages_that_there_are_report(api: Api) {
    let phone = Phone::android();
    let (alice, secret) = owned(&api, &[&phone]).await;
    let id = sent(&api, &alice, false).await;
    for (message, phone) in [
        (id.as_str(), &Phone::android()),
        ("AAAAAAA0", &phone),
        ("null", &phone),
    ] {
        let call = api.call(Method::PUT, &format!("/messages/{message}"));
        let call = call.secret(Some(&secret));
        report(call, phone, "SEEN").send().await.refused(NOT_FOUND);
    }
    let delete = api.call(Method::DELETE, &format!("/messages/{id}"));
    delete.backend(&api).send().await.empty(204);
    let call = api.call(Method::PUT, &format!("/messages/{id}"));
    let answer = report(call.secret(Some(&secret)), &phone, "SEEN");
    answer.send().await.refused(NOT_FOUND);
}

async fn a_wrong_report_is_named(api: Api) {
    let phone = Phone::android();
    let (alice, secret) = owned(&api, &[&phone]).await;
    let id = sent(&api, &alice, false).await;
    for (body, parameter) in [
        (json!({"status": "SEEN"}), "deviceId"),
        (json!({"deviceId": "", "status": "SEEN"}), "deviceId"),
        (json!({"deviceId": 7, "status": "SEEN"}), "deviceId"),
        (json!({"deviceId": phone.device}), "status"),
        (json!({"deviceId": phone.device, "status": null}), "status"),
        (
            json!({"deviceId": phone.device, "status": "OPENED"}),
            "status",
        ),
        (json!([]), "body"),
    ] {
        let call = api.call(Method::PUT, &format!("/messages/{id}"));
        let answer = call.secret(Some(&secret)).json(&body).send().await;
        answer.invalid(parameter, "OPENED");
    }
    assert_eq!(reports(&api, &id).await, (0, 0));
}

async fn an_opened_message_goes_away_on_the_other_android_phones(api: Api) {
    let (opened, other, tablet) = (Phone::android(), Phone::android(), Phone::android());
    let (iphone, strange) = (Phone::iphone(), Phone::android());
    let (alice, secret) = owned(&api, &[&opened, &other, &tablet, &iphone]).await;
    owned(&api, &[&strange]).await;
    let id = sent(&api, &alice, true).await;
    reported(&api, &id, &opened, "SEEN", &secret).await;
    assert_eq!(dismissals(&api, &other).await, [Value::Null; 0]);
    reported(&api, &id, &opened, "OPEN", &secret).await;
    for phone in [&other, &tablet] {
        assert_eq!(dismissals(&api, phone).await, dismissal(&id));
    }
    // Once, however often the app says so.
    reported(&api, &id, &opened, "OPEN", &secret).await;
    for (phone, count) in [
        (&opened, 1),
        (&other, 2),
        (&tablet, 2),
        (&iphone, 1),
        (&strange, 0),
    ] {
        assert_eq!(api.pushes(phone).await.len(), count);
    }
    // It is no message that a backend sent.
    let listed = api.backend_get("/messages?size=500").await.ok(200);
    let listed = listed["messages"].as_array().unwrap();
    assert!(listed.iter().all(|entry| entry["alert"] != ""));
    let status = api.status(&id).await;
    assert_eq!(status["counts"]["accepted"], 4);
}

async fn what_does_not_sync_goes_away_nowhere(api: Api) {
    let (opened, other) = (Phone::android(), Phone::android());
    let (alice, secret) = owned(&api, &[&opened, &other]).await;
    let id = sent(&api, &alice, false).await;
    reported(&api, &id, &opened, "OPEN", &secret).await;
    assert_eq!(dismissals(&api, &other).await, [Value::Null; 0]);
    // Nor does what nobody is known to have opened.
    let id = sent(&api, &alice, true).await;
    let nobodys = Phone::android();
    api.register(&nobodys, None, None).await.ok(201);
    reported(&api, &id, &nobodys, "OPEN", "anonymous").await;
    assert_eq!(dismissals(&api, &other).await, [Value::Null; 0]);
}

async fn a_phone_that_changed_hands_takes_nothing_away_from_its_former_owner(api: Api) {
    let (shared, other) = (Phone::android(), Phone::android());
    let (alice, _) = owned(&api, &[&shared, &other]).await;
    let id = sent(&api, &alice, true).await;
    let bob = user("bob");
    let his = api.secret(&bob).await;
    let bobs = Phone::android();
    for phone in [&shared, &bobs] {
        api.register(phone, Some(&bob), Some(&his)).await.ok(201);
    }
    reported(&api, &id, &shared, "OPEN", &his).await;
    assert_eq!(dismissals(&api, &other).await, [Value::Null; 0]);
    assert_eq!(dismissals(&api, &bobs).await, dismissal(&id));
}

async fn a_dismissal_that_is_throttled_is_repeated(api: Api) {
    let (opened, other) = (Phone::android(), Phone::android());
    let (alice, secret) = owned(&api, &[&opened, &other]).await;
    let id = sent(&api, &alice, true).await;
    api.sns_fault("Publish", &other.token, "Throttling", 3, json!({}))
        .await;
    reported(&api, &id, &opened, "OPEN", &secret).await;
    let gone = |found: &Vec<Value>| *found == dismissal(&id);
    let found = until(LONG, gone, || dismissals(&api, &other)).await;
    assert_eq!(found, Ok(dismissal(&id)));
}

async fn a_report_whose_answer_was_lost_counts_once(api: Api) {
    let phone = Phone::android();
    let (alice, secret) = owned(&api, &[&phone]).await;
    let id = sent(&api, &alice, false).await;
    for fault in ["lostAnswer", "Conflict", "disconnect"] {
        api.fault("dynamodb", "PutItem", fault, 1).await;
        reported(&api, &id, &phone, "OPEN", &secret).await;
        assert_eq!(reports(&api, &id).await, (1, 1), "{fault}");
    }
}

async fn an_open_whose_dismissal_failed_is_not_noted(api: Api) {
    let (opened, other) = (Phone::android(), Phone::android());
    let (alice, secret) = owned(&api, &[&opened, &other]).await;
    let id = sent(&api, &alice, true).await;
    api.fault("dynamodb", "PutItem", "Throttling", 10_000).await;
    let call = api.call(Method::PUT, &format!("/messages/{id}"));
    let answer = report(call.secret(Some(&secret)), &opened, "OPEN");
    answer.send().await.refused(UNAVAILABLE);
    api.control(Method::DELETE, "/faults", None).await;
    assert_eq!(reports(&api, &id).await, (0, 0));
    reported(&api, &id, &opened, "OPEN", &secret).await;
    assert_eq!(dismissals(&api, &other).await, dismissal(&id));
    assert_eq!(reports(&api, &id).await, (1, 1));
}
