//! Publishing again: every attempt looks anew whose the phone is, and what stays throttled is said.

use super::publishing::{GONE, Stage};
use crate::api::Api;
use crate::phone::user;
use crate::story::{Story, own, shared};
use serde_json::{Value, json};

pub(super) fn stories() -> Vec<Story> {
    vec![
        shared(a_throttled_publish_is_repeated),
        shared(a_publish_without_an_answer_is_repeated_under_the_same_id),
        shared(a_failing_publish_is_repeated),
        shared(a_publish_that_times_out_is_repeated),
        own(
            "it watches the calls",
            &[],
            a_repeated_publish_asks_again_whose_the_phone_is,
        ),
        own(
            "it watches the calls",
            &[],
            a_healed_endpoint_is_not_told_when_the_phone_changed_hands,
        ),
        own(
            "it watches the calls",
            &[],
            a_dead_endpoint_of_an_earlier_registration_removes_nothing,
        ),
    ]
}

async fn a_throttled_publish_is_repeated(api: Api) {
    let stage = Stage::set(api, 2).await;
    for fault in ["Throttling", "ThrottlingException"] {
        stage.fails(fault, 2, json!({})).await;
        let id = stage.told(fault, 2).await;
        stage
            .counted(&id, json!({"accepted": 2, "retried": 2}))
            .await;
    }
    for phone in &stage.phones {
        assert_eq!(
            stage.api.shown(phone).await,
            ["Throttling", "ThrottlingException"]
        );
    }
}

async fn a_publish_without_an_answer_is_repeated_under_the_same_id(api: Api) {
    let stage = Stage::set(api, 1).await;
    stage.fails("disconnect", 1, json!({})).await;
    stage.told("not done", 1).await;
    assert_eq!(stage.api.shown(&stage.phones[0]).await, ["not done"]);
    stage.fails("lostAnswer", 1, json!({})).await;
    let id = stage.told("done", 1).await;
    let pushes = stage.api.pushes(&stage.phones[0]).await;
    let [_, first, second] = &pushes[..] else {
        panic!("at least once, and the phone can tell: {pushes:?}")
    };
    assert_eq!((first.alert(), second.alert()), ("done", "done"));
    assert_eq!(first.payload(), second.payload());
    assert_eq!(first.payload()["nid"], id);
}

async fn a_publish_that_times_out_is_repeated(api: Api) {
    let stage = Stage::set(api, 2).await;
    stage.fails("timeout", 1, json!({})).await;
    // SNS is not waited for longer than that within the request.
    let id = stage.told("in time", 1).await;
    stage
        .counted(&id, json!({"accepted": 2, "retried": 1}))
        .await;
    for phone in &stage.phones {
        assert_eq!(stage.api.shown(phone).await, ["in time"]);
    }
}

async fn a_failing_publish_is_repeated(api: Api) {
    let stage = Stage::set(api, 1).await;
    stage.fails("InternalError", 2, json!({})).await;
    let id = stage.told("in the end", 1).await;
    stage
        .counted(&id, json!({"accepted": 1, "retried": 2}))
        .await;
    stage.api.holds(&stage.phones[0], Some(&stage.alice)).await;
}

/// Sends to Alice in the background; gives the answer when it is asked for.
fn sends(stage: &Stage) -> tokio::task::JoinHandle<Value> {
    let (api, alice) = (stage.api.clone(), stage.alice.clone());
    tokio::spawn(async move {
        let message = json!({"message": {"alert": "for alice"}, "target": {"userIds": [alice]}});
        api.send(&message).await.ok(202)
    })
}

async fn a_repeated_publish_asks_again_whose_the_phone_is(api: Api) {
    let stage = Stage::set(api, 1).await;
    let (api, tablet) = (&stage.api, &stage.phones[0]);
    let bob = user("bob");
    let his = api.secret(&bob).await;
    stage.fails("Throttling", 1, json!({"delayMs": 1500})).await;
    api.forget_calls().await;
    let sent = sends(&stage);
    api.called("sns.Publish", 1).await;
    api.update(tablet, Some(&bob), Some(&his)).await.ok(200);
    assert_eq!(sent.await.unwrap()["recipients"], json!({&stage.alice: 0}));
    assert_eq!(api.shown(tablet).await, [""; 0]);
    api.tell(&[&bob], "for bob").await;
    assert_eq!(api.shown(tablet).await, ["for bob"]);
}

async fn a_healed_endpoint_is_not_told_when_the_phone_changed_hands(api: Api) {
    let stage = Stage::set(api, 1).await;
    let (api, tablet) = (&stage.api, &stage.phones[0]);
    let bob = user("bob");
    let his = api.secret(&bob).await;
    stage
        .fails(
            "InvalidParameter",
            1,
            json!({"message": GONE, "delayMs": 1500}),
        )
        .await;
    api.forget_calls().await;
    let sent = sends(&stage);
    api.called("sns.Publish", 1).await;
    api.update(tablet, Some(&bob), Some(&his)).await.ok(200);
    assert_eq!(sent.await.unwrap()["recipients"], json!({&stage.alice: 0}));
    assert_eq!(api.shown(tablet).await, [""; 0]);
}

async fn a_dead_endpoint_of_an_earlier_registration_removes_nothing(api: Api) {
    let stage = Stage::set(api, 1).await;
    let (api, tablet) = (&stage.api, &stage.phones[0]);
    let bob = user("bob");
    let his = api.secret(&bob).await;
    stage
        .fails("EndpointDisabled", 1, json!({"delayMs": 1500}))
        .await;
    api.forget_calls().await;
    let sent = sends(&stage);
    api.called("sns.Publish", 1).await;
    api.update(tablet, Some(&bob), Some(&his)).await.ok(200);
    assert_eq!(sent.await.unwrap()["recipients"], json!({&stage.alice: 0}));
    api.holds(tablet, Some(&bob)).await;
}
