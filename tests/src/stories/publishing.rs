//! Publishing: a dead token removes its device, and nothing else does; what is throttled is repeated.

use crate::answer::NOT_FOUND;
use crate::api::Api;
use crate::phone::{Phone, user};
use crate::story::{Story, alone, quiet, shared};
use serde_json::{Value, json};

pub(super) fn stories() -> Vec<Story> {
    vec![
        shared(a_dead_token_removes_its_device_and_leaves_the_others),
        shared(a_refused_message_keeps_the_device),
        shared(a_misconfigured_platform_keeps_the_device),
        // All who make endpoints again share a pace.
        quiet(an_endpoint_that_is_gone_is_made_again_and_told_once),
        quiet(an_endpoint_that_goes_again_is_healed_again),
        // It clears all faults.
        quiet(an_endpoint_that_stays_away_is_given_up_and_the_device_kept),
        alone(
            "it uses up the budget of all",
            &["MaxRemovalsPerHour=1"],
            dead_tokens_remove_no_more_devices_than_the_budget,
        ),
        alone(
            "it is about the budget of all",
            &[],
            a_platform_on_which_everything_looks_dead_removes_nothing,
        ),
    ]
}

/// What SNS says of an endpoint that it does not know.
pub(super) const GONE: &str =
    "Invalid parameter: TargetArn Reason: No endpoint found for the target arn specified";

/// Alice and her phones.
pub(super) struct Stage {
    pub(super) api: Api,
    pub(super) alice: String,
    pub(super) phones: Vec<Phone>,
}

impl Stage {
    /// Alice with so many phones.
    pub(super) async fn set(api: Api, phones: usize) -> Self {
        let alice = user("alice");
        let secret = api.secret(&alice).await;
        let phones: Vec<_> = (0..phones)
            .map(|n| {
                if n % 2 == 0 {
                    Phone::android()
                } else {
                    Phone::iphone()
                }
            })
            .collect();
        for phone in &phones {
            api.register(phone, Some(&alice), Some(&secret))
                .await
                .ok(201);
        }
        Self { api, alice, phones }
    }

    /// The next publishes to the first phone fail so.
    pub(super) async fn fails(&self, fault: &str, times: u32, more: Value) {
        let token = &self.phones[0].token;
        self.api
            .sns_fault("Publish", token, fault, times, more)
            .await;
    }

    /// Sends to Alice; holds how many devices took it, and gives the id.
    pub(super) async fn told(&self, alert: &str, accepted: usize) -> String {
        let message = json!({"message": {"alert": alert}, "target": {"userIds": [self.alice]}});
        let answer = self.api.send(&message).await.ok(202);
        assert_eq!(
            answer["recipients"],
            json!({&self.alice: accepted}),
            "{alert}"
        );
        answer["messageId"].as_str().unwrap().to_owned()
    }

    /// Holds the counts of a message; those that are not named are 0.
    pub(super) async fn counted(&self, id: &str, named: Value) {
        assert_eq!(self.api.settled(id).await, counts(&named));
    }

    async fn gone(&self, phone: &Phone) {
        let read = self.api.read(phone, Some(self.api.client_secret())).await;
        read.refused(NOT_FOUND);
    }
}

/// The counts of a message; those that are not named are 0.
pub(super) fn counts(named: &Value) -> Value {
    let mut counts = json!({"accepted": 0, "dead": 0, "refused": 0, "retried": 0, "misconfigured": 0, "expired": 0});
    for (name, count) in named.as_object().unwrap() {
        counts[name] = count.clone();
    }
    counts
}

async fn a_dead_token_removes_its_device_and_leaves_the_others(api: Api) {
    let stage = Stage::set(api, 3).await;
    let dead = &stage.phones[0];
    stage.api.kill(dead).await;
    let id = stage.told("first", 2).await;
    stage.counted(&id, json!({"accepted": 2, "dead": 1})).await;
    stage.gone(dead).await;
    for phone in &stage.phones[1..] {
        stage.api.holds(phone, Some(&stage.alice)).await;
        assert_eq!(stage.api.shown(phone).await, ["first"]);
    }
    let id = stage.told("second", 2).await;
    stage.counted(&id, json!({"accepted": 2})).await;
    // The app registers again: the endpoint is enabled, and the phone is back.
    let secret = Some(stage.api.client_secret());
    stage
        .api
        .register(dead, Some(&stage.alice), secret)
        .await
        .ok(201);
    stage.told("third", 3).await;
    let shown = stage.api.shown(dead).await;
    assert_eq!(shown.last().map(String::as_str), Some("third"));
}

async fn a_refused_message_keeps_the_device(api: Api) {
    let stage = Stage::set(api, 1).await;
    for text in [
        "Invalid parameter: Message Reason: Invalid notification for protocol GCM: Notification data is larger than allowed limit",
        "Invalid parameter: Message Reason: Invalid notification for protocol APNS: Notification is too long",
        "Invalid parameter: Message too long",
    ] {
        stage
            .fails("InvalidParameter", 1, json!({"message": text}))
            .await;
        let id = stage.told("refused", 0).await;
        stage.counted(&id, json!({"refused": 1})).await;
        stage.api.holds(&stage.phones[0], Some(&stage.alice)).await;
    }
    stage.told("good", 1).await;
    assert_eq!(stage.api.shown(&stage.phones[0]).await, ["good"]);
}

async fn a_misconfigured_platform_keeps_the_device(api: Api) {
    let stage = Stage::set(api, 1).await;
    for fault in ["PlatformApplicationDisabled", "AuthorizationError"] {
        stage.fails(fault, 1, json!({})).await;
        let id = stage.told("lost", 0).await;
        stage.counted(&id, json!({"misconfigured": 1})).await;
        stage.api.holds(&stage.phones[0], Some(&stage.alice)).await;
    }
    stage.told("good", 1).await;
    assert_eq!(stage.api.shown(&stage.phones[0]).await, ["good"]);
}

async fn an_endpoint_that_is_gone_is_made_again_and_told_once(api: Api) {
    let stage = Stage::set(api, 2).await;
    for round in ["first", "second"] {
        for phone in &stage.phones {
            stage.api.set_endpoint(&phone.token, "deleted", true).await;
        }
        let id = stage.told(round, 2).await;
        let status = stage.api.status(&id).await;
        assert_eq!(status["counts"]["accepted"], 2);
        assert_eq!(status["counts"]["dead"], 0);
    }
    for phone in &stage.phones {
        assert_eq!(stage.api.shown(phone).await, ["first", "second"]);
        stage.api.holds(phone, Some(&stage.alice)).await;
    }
}

async fn an_endpoint_that_goes_again_is_healed_again(api: Api) {
    let stage = Stage::set(api, 1).await;
    for (alert, times) in [("once", 1), ("twice", 2), ("three times", 3)] {
        stage
            .fails("InvalidParameter", times, json!({"message": GONE}))
            .await;
        stage.told(alert, 1).await;
    }
    assert_eq!(
        stage.api.shown(&stage.phones[0]).await,
        ["once", "twice", "three times"]
    );
}

async fn an_endpoint_that_stays_away_is_given_up_and_the_device_kept(api: Api) {
    let stage = Stage::set(api, 2).await;
    stage
        .fails("InvalidParameter", 1_000_000, json!({"message": GONE}))
        .await;
    let id = stage.told("to the other", 1).await;
    let status = stage.api.status(&id).await;
    let counts = &status["counts"];
    assert_eq!(
        (&counts["accepted"], &counts["dead"]),
        (&json!(1), &json!(0)),
        "{status}"
    );
    stage.api.holds(&stage.phones[0], Some(&stage.alice)).await;
    stage
        .api
        .control(reqwest::Method::DELETE, "/faults", None)
        .await;
    stage.told("to both", 2).await;
    assert_eq!(stage.api.shown(&stage.phones[0]).await, ["to both"]);
}

async fn dead_tokens_remove_no_more_devices_than_the_budget(api: Api) {
    let stage = Stage::set(api, 3).await;
    for phone in &stage.phones {
        stage.api.kill(phone).await;
    }
    // One Android phone of two, and the only iPhone.
    let id = stage.told("dead", 0).await;
    stage
        .counted(&id, json!({"dead": 2, "misconfigured": 1}))
        .await;
    let secret = Some(stage.api.client_secret());
    let mut left = 0;
    for phone in &stage.phones {
        left += u32::from(stage.api.read(phone, secret).await.status == 200);
    }
    assert_eq!(left, 1);
    // The budget is for an hour.
    stage.api.advance(3601).await;
    let id = stage.told("dead", 0).await;
    stage.counted(&id, json!({"dead": 1})).await;
}

async fn a_platform_on_which_everything_looks_dead_removes_nothing(api: Api) {
    let stage = Stage::set(api, 40).await;
    for phone in &stage.phones {
        stage.api.set_endpoint(&phone.token, "enabled", false).await;
    }
    let id = stage.told("dead", 0).await;
    stage.counted(&id, json!({"misconfigured": 40})).await;
    for phone in &stage.phones {
        stage.api.holds(phone, Some(&stage.alice)).await;
    }
}
