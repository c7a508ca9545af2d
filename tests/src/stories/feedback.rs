//! What SNS reports after it has taken a push: a dead token ends its device, nothing else does.

use crate::api::Api;
use crate::cast::Cast;
use crate::phone::Phone;
use crate::story::{Story, alone, own, quiet};
use reqwest::Method;
use serde_json::{Value, json};

pub(super) fn stories() -> Vec<Story> {
    const QUEUE: &str = "it waits until the queue is empty";
    vec![
        quiet(a_token_that_is_reported_dead_ends_its_device),
        quiet(a_report_of_anything_else_leaves_the_device),
        own(
            QUEUE,
            &[],
            a_report_from_before_the_last_registration_leaves_the_device,
        ),
        own(
            QUEUE,
            &[],
            a_report_about_an_endpoint_that_sns_does_not_know_is_nothing,
        ),
        alone(
            "it uses up the budget of all",
            &["MaxRemovalsPerHour=1"],
            reports_beyond_the_budget_leave_the_devices,
        ),
        own(QUEUE, &[], a_report_that_the_table_did_not_take_comes_again),
        own(QUEUE, &[], what_is_no_report_ends_among_the_dead_letters),
    ]
}

/// SNS reports that a push to the phone failed so; the report has been worked off.
pub(super) async fn report(api: &Api, phone: &Phone, failure: &str, more: Value) {
    let mut body = json!({"token": phone.token, "failureType": failure});
    if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
        body.extend(more);
    }
    api.control(Method::POST, "/feedback", Some(body)).await;
    api.emptied("FeedbackQueue").await;
}

async fn is_gone(api: &Api, phone: &Phone) {
    let read = api.read(phone, Some(api.client_secret())).await;
    assert_eq!(read.ok(404)["code"], "FPWSE0001E");
}

async fn a_token_that_is_reported_dead_ends_its_device(api: Api) {
    let cast = Cast::new(&api).await;
    for failure in ["InvalidPlatformToken", "EndpointDisabled"] {
        for phone in [cast.phone_of_alice().await, cast.phone_of_nobody().await] {
            report(&api, &phone, failure, json!({})).await;
            is_gone(&api, &phone).await;
        }
    }
    let iphone = Phone::iphone();
    api.register(&iphone, Some(&cast.alice), Some(cast.own()))
        .await
        .ok(201);
    report(&api, &iphone, "InvalidPlatformToken", json!({})).await;
    is_gone(&api, &iphone).await;
    let message = json!({"message": {"alert": "Hi"}, "target": {"userIds": [cast.alice]}});
    let sent = api.send(&message).await.ok(202);
    assert_eq!(sent["recipients"], json!({&cast.alice: 0}));
}

async fn a_report_of_anything_else_leaves_the_device(api: Api) {
    let cast = Cast::new(&api).await;
    let phone = cast.phone_of_alice().await;
    for failure in [
        "InvalidNotification",
        "NotificationTTLExpired",
        "DependencyUnavailable",
        "UnexpectedFailure",
        "Throttled",
        "DeliveryFailedPerm",
        "InvalidCredentials",
        "SomethingNew",
    ] {
        report(&api, &phone, failure, json!({})).await;
    }
    api.holds(&phone, Some(&cast.alice)).await;
}

async fn a_report_from_before_the_last_registration_leaves_the_device(api: Api) {
    let cast = Cast::new(&api).await;
    let tablet = cast.phone_of_alice().await;
    let before = json!({"time": api.now().await});
    api.advance(2).await;
    let his = Some(cast.another());
    api.update(&tablet, Some(&cast.bob), his).await.ok(200);
    report(&api, &tablet, "InvalidPlatformToken", before).await;
    api.holds(&tablet, Some(&cast.bob)).await;
    // The same token, so the same endpoint: what is reported of it after the login counts.
    api.advance(2).await;
    let after = json!({"time": api.now().await});
    report(&api, &tablet, "InvalidPlatformToken", after).await;
    is_gone(&api, &tablet).await;
}

async fn a_report_about_an_endpoint_that_sns_does_not_know_is_nothing(api: Api) {
    let cast = Cast::new(&api).await;
    let phone = cast.phone_of_alice().await;
    let sources = |enabled: bool| json!({"function": "FeedbackFunction", "enabled": enabled});
    api.control(Method::POST, "/sources", Some(sources(false)))
        .await;
    let body = json!({"token": phone.token, "failureType": "InvalidPlatformToken"});
    api.control(Method::POST, "/feedback", Some(body)).await;
    api.set_endpoint(&phone.token, "deleted", true).await;
    api.control(Method::POST, "/sources", Some(sources(true)))
        .await;
    api.emptied("FeedbackQueue").await;
    api.holds(&phone, Some(&cast.alice)).await;
    api.tell(&[&cast.alice], "made again").await;
    assert_eq!(api.shown(&phone).await, ["made again"]);
}

async fn reports_beyond_the_budget_leave_the_devices(api: Api) {
    let cast = Cast::new(&api).await;
    let (first, second) = (cast.phone_of_alice().await, cast.phone_of_alice().await);
    report(&api, &first, "InvalidPlatformToken", json!({})).await;
    report(&api, &second, "InvalidPlatformToken", json!({})).await;
    is_gone(&api, &first).await;
    api.holds(&second, Some(&cast.alice)).await;
    api.advance(3600).await;
    report(&api, &second, "InvalidPlatformToken", json!({})).await;
    is_gone(&api, &second).await;
}

async fn a_report_that_the_table_did_not_take_comes_again(api: Api) {
    let cast = Cast::new(&api).await;
    let phone = cast.phone_of_alice().await;
    api.fault("dynamodb", "TransactWriteItems", "ValidationException", 1)
        .await;
    let body = json!({"token": phone.token, "failureType": "InvalidPlatformToken"});
    api.control(Method::POST, "/feedback", Some(body)).await;
    api.called("dynamodb.TransactWriteItems", 2).await;
    api.queue_is("FeedbackQueue", |held| held["visible"] == 0)
        .await;
    api.holds(&phone, Some(&cast.alice)).await;
    api.advance(181).await;
    api.emptied("FeedbackQueue").await;
    is_gone(&api, &phone).await;
}

async fn what_is_no_report_ends_among_the_dead_letters(api: Api) {
    api.enqueue("FeedbackQueue", "no report").await;
    for _ in 1..=5 {
        api.queue_is("FeedbackQueue", |held| {
            held["visible"] == 0 && held["inFlight"] == 1
        })
        .await;
        api.advance(181).await;
    }
    api.queue_is("FeedbackDeadLetterQueue", |held| held["visible"] == 1)
        .await;
}
