//! What settings and payloads may be: a wrong one refuses the message, and nothing is sent or kept.

use super::send_input::Stage;
use crate::answer::Answer;
use crate::api::Api;
use crate::story::{Story, shared};
use reqwest::Method;
use serde_json::{Value, json};

pub(super) fn stories() -> Vec<Story> {
    vec![
        shared(a_setting_of_a_wrong_type_or_value_is_named),
        shared(a_setting_is_taken_on_both_sides_of_its_limit),
        shared(the_two_names_of_android_exclude_each_other),
        shared(a_payload_that_a_platform_would_refuse_is_refused),
        shared(a_payload_is_taken_on_both_sides_of_its_limit),
    ]
}

async fn a_setting_of_a_wrong_type_or_value_is_named(api: Api) {
    let stage = Stage::set(api).await;
    for (path, wrong) in [
        ("apns.badge", json!("3")),
        ("apns.badge", json!(1.5)),
        ("apns.sound", json!(7)),
        ("apns.type", json!("LOUD")),
        ("apns.titleLocArgs", json!("a")),
        ("apns.locArgs[0]", json!([7])),
        ("apns.payload", json!("no object")),
        ("apns.payload", json!("[1]")),
        ("apns.payload", json!(7)),
        ("apns.timeToLive", json!("60")),
        ("apns.timeToLive", json!(-1)),
        ("apns.apnsCollapseId", json!("c".repeat(65))),
        ("gcm.priority", json!("urgent")),
        ("gcm.visibility", json!("all")),
        ("gcm.type", json!("MIXED")),
        ("gcm.collapseKey", json!(7)),
        ("gcm.sync", json!("true")),
        ("gcm.payload", json!([])),
        ("gcm.timeToLive", json!(-1)),
        ("gcm.timeToLive", json!(2_419_201)),
        ("gcm.style", json!("big")),
        ("gcm.style.type", json!("huge_notification")),
        ("gcm.lights", json!(1)),
        ("gcm.lights.ledOnMs", json!([])),
        ("fcm.priority", json!("urgent")),
        ("apns", json!([])),
        ("gcm", json!("x")),
    ] {
        let mut settings = wrong;
        for name in path.trim_end_matches("[0]").rsplit('.') {
            settings = json!({name: settings});
        }
        let path = format!("settings.{path}");
        stage
            .invalid(&path, |message| message["settings"] = settings)
            .await;
    }
    for wrong in [json!([]), json!("x"), json!(7)] {
        stage
            .invalid("settings", |message| message["settings"] = wrong)
            .await;
    }
    for silent in [
        json!({"type": "SILENT", "badge": 1}),
        json!({"type": "SILENT", "sound": "x"}),
    ] {
        let settings = json!({"apns": silent});
        stage
            .refused(
                |message| message["settings"] = settings,
                |answer| assert_eq!(answer.ok(400)["code"], "FPWSE0005E"),
            )
            .await;
    }
}

async fn a_setting_is_taken_on_both_sides_of_its_limit(api: Api) {
    let stage = Stage::set(api).await;
    for settings in [
        json!({"gcm": {"timeToLive": 2_419_200}}),
        json!({"gcm": {"timeToLive": 60, "priority": "MiN", "type": "default"}}),
        json!({"fcm": {"payload": "{}"}, "apns": {"apnsCollapseId": "c".repeat(64), "badge": 0}}),
    ] {
        let (_, message) = stage.message(|message| message["settings"] = settings);
        stage.api.send(&message).await.ok(202);
    }
    assert_eq!(stage.api.pushes(&stage.phone).await.len(), 3);
}

async fn the_two_names_of_android_exclude_each_other(api: Api) {
    let stage = Stage::set(api).await;
    let both = json!({"gcm": {}, "fcm": {}});
    stage
        .invalid("settings", |message| message["settings"] = both)
        .await;
}

async fn a_payload_that_a_platform_would_refuse_is_refused(api: Api) {
    let stage = Stage::set(api).await;
    let refused = |answer: &Answer| assert_eq!(answer.ok(400)["code"], "FPWSE0005E");
    for alert in ["x".repeat(4096), "é".repeat(2048), "\u{1}".repeat(700)] {
        stage
            .refused(
                |message| message["message"]["url"] = format!("https://app.example/{alert}").into(),
                refused,
            )
            .await;
    }
    // A payload for iPhones alone is too large, and only an Android phone would get the message.
    let payload = json!({"apns": {"payload": {"x": "x".repeat(4096)}}});
    stage
        .refused(|message| message["settings"] = payload, refused)
        .await;
    let (alert, message) = stage.message(|message| {
        message["message"]["url"] = format!("https://app.example/{}", "x".repeat(3500)).into();
    });
    stage.api.send(&message).await.ok(202);
    assert_eq!(stage.api.shown(&stage.phone).await, [alert]);
}

async fn a_payload_is_taken_on_both_sides_of_its_limit(api: Api) {
    let stage = Stage::set(api).await;
    let dry = async |alert: &str| {
        let message = json!({"message": {"alert": alert}, "target": {"userIds": [stage.alice]}});
        let dry = stage
            .api
            .call(Method::POST, "/messages?dryRun=true")
            .backend(&stage.api);
        dry.json(&message).send().await
    };
    let largest = |dry: &Value| {
        dry["sizes"]
            .as_object()
            .unwrap()
            .values()
            .filter_map(Value::as_u64)
            .max()
    };
    let bare = largest(&dry("x").await.ok(200)).unwrap();
    let room = usize::try_from(4096 - bare + 1).unwrap();
    let full = dry(&"x".repeat(room)).await.ok(200);
    assert_eq!(largest(&full), Some(4096), "{full}");
    let over = "x".repeat(room + 1);
    assert_eq!(dry(&over).await.ok(400)["code"], "FPWSE0005E");
    for (alert, status) in [(over, 400), ("x".repeat(room), 202)] {
        let message = json!({"message": {"alert": alert}, "target": {"userIds": [stage.alice]}});
        stage.api.send(&message).await.ok(status);
    }
    let shown = stage.api.shown(&stage.phone).await;
    let lengths: Vec<usize> = shown.iter().map(String::len).collect();
    assert_eq!(lengths, [room], "the lengths of what arrived");
}
