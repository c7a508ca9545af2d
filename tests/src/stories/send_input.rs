//! What a message may hold: one error refuses it, and nothing is sent or kept.

use crate::answer::{Answer, TOO_LARGE};
use crate::api::Api;
use crate::phone::{Phone, random_hex, user};
use crate::story::{Story, shared};
use reqwest::Method;
use serde_json::{Value, json};

pub(super) fn stories() -> Vec<Story> {
    vec![
        shared(a_message_needs_a_text),
        shared(a_target_is_of_one_kind),
        shared(a_target_that_names_nobody_is_refused),
        shared(a_target_of_a_wrong_type_is_named),
        shared(a_receiver_that_cannot_exist_is_named),
        shared(too_many_receivers_are_too_large),
        shared(too_large_a_body_is_refused),
        shared(a_broken_receiver_refuses_the_whole_send),
    ]
}

/// A phone of Alice's that a refused message must not reach.
pub(super) struct Stage {
    pub(super) api: Api,
    pub(super) alice: String,
    pub(super) phone: Phone,
}

impl Stage {
    pub(super) async fn set(api: Api) -> Self {
        let (alice, phone) = (user("alice"), Phone::android());
        let secret = api.secret(&alice).await;
        api.register(&phone, Some(&alice), Some(&secret))
            .await
            .ok(201);
        Self { api, alice, phone }
    }

    /// A good message with a text of its own, changed by `change`.
    pub(super) fn message(&self, change: impl FnOnce(&mut Value)) -> (String, Value) {
        let alert = random_hex(8);
        let mut message = json!({"message": {"alert": alert}, "settings": {}, "target": {"userIds": [self.alice]}});
        change(&mut message);
        (alert, message)
    }

    /// Sends it, and asserts that it is refused and has no effect, sent or dry.
    pub(super) async fn refused(&self, change: impl FnOnce(&mut Value), holds: impl Fn(&Answer)) {
        let (alert, message) = self.message(change);
        for route in ["/messages", "/messages?dryRun=true"] {
            let send = self.api.call(Method::POST, route).backend(&self.api);
            holds(&send.json(&message).send().await);
        }
        self.api.holds_no_trace(&[&alert]).await;
        assert_eq!(self.api.shown(&self.phone).await, [""; 0]);
    }

    pub(super) async fn invalid(&self, parameter: &str, change: impl FnOnce(&mut Value)) {
        self.refused(change, |answer| answer.invalid(parameter, ""))
            .await;
    }
}

async fn a_message_needs_a_text(api: Api) {
    let stage = Stage::set(api).await;
    for alert in [json!(""), json!(7), json!(["Hi"]), json!({}), Value::Null] {
        stage
            .invalid("message.alert", |message| {
                message["message"]["alert"] = alert;
            })
            .await;
    }
    stage
        .invalid("message.alert", |message| message["message"] = json!({}))
        .await;
    for wrong in [json!("Hi"), json!(7), json!([])] {
        stage
            .invalid("message", |message| message["message"] = wrong)
            .await;
    }
    stage
        .invalid("message.url", |message| {
            message["message"]["url"] = json!(7);
        })
        .await;
    let missing = json!({"target": {"userIds": [stage.alice]}});
    let answer = stage.api.send(&missing).await;
    assert_eq!(answer.ok(400)["code"], "FPWSE0005E");
    // Any text is one.
    for alert in ["x", " ", "\u{0}", "\"\\\n😀\u{2028}"] {
        let (_, mut message) = stage.message(|_| ());
        message["message"]["alert"] = alert.into();
        stage.api.send(&message).await.ok(202);
    }
    assert_eq!(
        stage.api.shown(&stage.phone).await,
        ["x", " ", "\u{0}", "\"\\\n😀\u{2028}"]
    );
}

async fn a_target_is_of_one_kind(api: Api) {
    let stage = Stage::set(api).await;
    for (one, other) in [
        ("userIds", "deviceIds"),
        ("userIds", "tagNames"),
        ("userIds", "platforms"),
        ("deviceIds", "tagNames"),
        ("deviceIds", "platforms"),
    ] {
        let target = json!({one: [stage.phone.device], other: ["A"]});
        stage
            .invalid("target", |message| message["target"] = target)
            .await;
    }
}

async fn a_target_that_names_nobody_is_refused(api: Api) {
    let stage = Stage::set(api).await;
    for kind in ["userIds", "deviceIds", "platforms", "tagNames"] {
        let path = format!("target.{kind}");
        stage
            .invalid(&path, |message| message["target"] = json!({kind: []}))
            .await;
    }
    for nothing in [json!({}), Value::Null, json!({"userIds": null})] {
        stage
            .invalid("target", |message| message["target"] = nothing)
            .await;
    }
    stage
        .invalid("target", |message| {
            message.as_object_mut().unwrap().remove("target");
        })
        .await;
}

async fn a_target_of_a_wrong_type_is_named(api: Api) {
    let stage = Stage::set(api).await;
    for kind in ["userIds", "deviceIds"] {
        for wrong in [
            json!(stage.alice),
            json!(7),
            json!({"0": stage.alice}),
            json!(true),
        ] {
            let path = format!("target.{kind}");
            stage
                .invalid(&path, |message| message["target"] = json!({kind: wrong}))
                .await;
        }
        for wrong in [json!(7), Value::Null, json!([]), json!({})] {
            let path = format!("target.{kind}[1]");
            let list = json!({kind: [stage.phone.device, wrong]});
            stage
                .invalid(&path, |message| message["target"] = list)
                .await;
        }
    }
    for wrong in [json!([]), json!("userIds"), json!(7)] {
        stage
            .invalid("target", |message| message["target"] = wrong)
            .await;
    }
}

async fn a_receiver_that_cannot_exist_is_named(api: Api) {
    let stage = Stage::set(api).await;
    let long = "u".repeat(255);
    for bad in ["", "anonymous", "a\u{0}", &long] {
        let list = json!([stage.alice, bad]);
        stage
            .invalid("target.userIds[1]", |message| {
                message["target"]["userIds"] = list;
            })
            .await;
    }
    let long = "d".repeat(129);
    for bad in ["", "null", "a b", "a/b", &long] {
        let list = json!({"deviceIds": [stage.phone.device, bad]});
        stage
            .invalid("target.deviceIds[1]", |message| message["target"] = list)
            .await;
    }
}

async fn too_many_receivers_are_too_large(api: Api) {
    let stage = Stage::set(api).await;
    let names = |count: usize| (0..count).map(|n| format!("n{n}")).collect::<Vec<_>>();
    for kind in ["userIds", "deviceIds"] {
        let list = names(50_001);
        stage
            .refused(
                |message| message["target"] = json!({kind: list}),
                |answer| answer.refused(TOO_LARGE),
            )
            .await;
        // One fewer is not too many: what is refused is the last of them.
        let mut list = names(49_999);
        list.push(String::new());
        let path = format!("target.{kind}[49999]");
        stage
            .invalid(&path, |message| message["target"] = json!({kind: list}))
            .await;
    }
    let list = names(101);
    stage
        .refused(
            |message| message["target"] = json!({"tagNames": list}),
            |answer| answer.refused(TOO_LARGE),
        )
        .await;
    let mut list = names(99);
    list.push(String::new());
    stage
        .invalid("target.tagNames[99]", |message| {
            message["target"] = json!({"tagNames": list});
        })
        .await;
}

async fn too_large_a_body_is_refused(api: Api) {
    let stage = Stage::set(api).await;
    let filled =
        |size: usize| move |message: &mut Value| message["extra"] = "x".repeat(size).into();
    stage
        .refused(filled(5 * 1024 * 1024), |answer| answer.refused(TOO_LARGE))
        .await;
    let (alert, message) = stage.message(filled(4_990_000));
    stage.api.send(&message).await.ok(202);
    assert_eq!(stage.api.shown(&stage.phone).await, [alert]);
}

async fn a_broken_receiver_refuses_the_whole_send(api: Api) {
    let stage = Stage::set(api).await;
    stage
        .invalid("target.userIds[1]", |message| {
            message["target"]["userIds"]
                .as_array_mut()
                .unwrap()
                .push("anonymous".into());
        })
        .await;
}
