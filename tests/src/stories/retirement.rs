//! The endpoint of a device that has ended: SNS keeps it until it is deleted, which has time and must not hit a new device.

use super::feedback::report;
use super::jobs::{crowd, told};
use super::publishing::Stage;
use crate::api::Api;
use crate::cast::Cast;
use crate::story::{Story, own, quiet};
use reqwest::Method;
use serde_json::json;

pub(super) fn stories() -> Vec<Story> {
    const QUEUE: &str = "it waits until the queue is empty";
    vec![
        own(
            QUEUE,
            &[],
            the_endpoint_of_a_device_that_has_ended_is_deleted_later,
        ),
        own(QUEUE, &[], an_endpoint_whose_token_is_held_again_stays),
        quiet(a_logout_puts_the_endpoint_by),
        quiet(a_token_that_a_send_finds_dead_puts_the_endpoint_by),
        quiet(a_token_that_a_job_finds_dead_puts_the_endpoint_by),
        quiet(a_token_that_is_reported_dead_puts_the_endpoint_by),
    ]
}

/// How many endpoints wait to be deleted.
async fn put_by(api: &Api) -> Option<u64> {
    api.control(Method::GET, "/queues", None).await["JobQueue"]["delayed"].as_u64()
}

/// Waits until there is one more.
async fn one_more_than(api: &Api, before: Option<u64>) {
    api.queue_is("JobQueue", |held| held["delayed"].as_u64() > before)
        .await;
}

async fn a_logout_puts_the_endpoint_by(api: Api) {
    let cast = Cast::new(&api).await;
    let phone = cast.phone_of_alice().await;
    let before = put_by(&api).await;
    api.unregister(&phone, Some(cast.own())).await.empty(204);
    one_more_than(&api, before).await;
}

async fn a_token_that_a_send_finds_dead_puts_the_endpoint_by(api: Api) {
    let stage = Stage::set(api, 1).await;
    let api = &stage.api;
    api.kill(&stage.phones[0]).await;
    let before = put_by(api).await;
    stage.told("Hi", 0).await;
    one_more_than(api, before).await;
}

async fn a_token_that_a_job_finds_dead_puts_the_endpoint_by(api: Api) {
    let stage = Stage::set(api, 1).await;
    let api = &stage.api;
    api.kill(&stage.phones[0]).await;
    let before = put_by(api).await;
    told(api, &crowd(&[&stage.alice]), "Hi").await;
    one_more_than(api, before).await;
}

async fn a_token_that_is_reported_dead_puts_the_endpoint_by(api: Api) {
    let cast = Cast::new(&api).await;
    let phone = cast.phone_of_alice().await;
    let before = put_by(&api).await;
    report(&api, &phone, "InvalidPlatformToken", json!({})).await;
    one_more_than(&api, before).await;
}

/// Longer than an endpoint without a device is left alone.
const RETIRED: u64 = 15 * 60 + 1;

async fn the_endpoint_of_a_device_that_has_ended_is_deleted_later(api: Api) {
    let cast = Cast::new(&api).await;
    let phone = cast.phone_of_alice().await;
    api.unregister(&phone, Some(cast.own())).await.empty(204);
    api.queue_is("JobQueue", |held| held["delayed"] == 1).await;
    assert!(api.endpoint(&phone.token).await.is_some());
    api.advance(RETIRED).await;
    api.called("sns.DeleteEndpoint", 1).await;
    api.emptied("JobQueue").await;
    assert_eq!(api.endpoint(&phone.token).await, None);
}

async fn an_endpoint_whose_token_is_held_again_stays(api: Api) {
    let cast = Cast::new(&api).await;
    let phone = cast.phone_of_alice().await;
    api.unregister(&phone, Some(cast.own())).await.empty(204);
    let again = phone.reinstalled();
    api.register(&again, Some(&cast.bob), Some(cast.another()))
        .await
        .ok(201);
    api.advance(RETIRED).await;
    api.queue_is("JobQueue", |held| {
        held["delayed"] == 0 && held["visible"] == 0 && held["inFlight"] == 0
    })
    .await;
    assert!(api.endpoint(&phone.token).await.is_some());
    api.tell(&[&cast.bob], "Hi").await;
    assert_eq!(api.shown(&again).await, ["Hi"]);
}
