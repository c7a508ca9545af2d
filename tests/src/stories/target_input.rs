//! A target that is misspelt is a mistake, and never everybody.

use super::send_input::Stage;
use crate::api::Api;
use crate::phone::Phone;
use crate::story::{Story, alone, shared};
use reqwest::Method;
use serde_json::{Value, json};

pub(super) fn stories() -> Vec<Story> {
    vec![
        shared(a_target_that_is_unknown_is_named_with_those_that_are_known),
        alone(
            "it could tell everybody",
            &["AllowBroadcast=true"],
            a_misspelt_target_is_not_everybody,
        ),
    ]
}

/// What a message may be instead of one for somebody, and what is wrong with it.
fn misspelt(alice: &str) -> Vec<(Value, &'static str)> {
    let targets = [
        (json!({"userId": [alice]}), "'userId' is unknown"),
        (json!({"users": [alice]}), "'users' is unknown"),
        (json!({"userIds": null}), "'userIds' is null"),
        (json!({"platform": "G", "user": alice}), "'user' is unknown"),
        (Value::Null, "it is null"),
        (json!([alice]), "it is no object"),
        (json!("G"), "it is no object"),
    ];
    let messages = [
        (
            json!({"targets": {"userIds": [alice]}}),
            "'targets' is unknown",
        ),
        (json!({"userIds": [alice]}), "'userIds' is unknown"),
        (json!({"target": {}, "to": alice}), "'to' is unknown"),
    ];
    let targets = targets.map(|(target, fault)| (json!({"target": target}), fault));
    targets.into_iter().chain(messages).collect()
}

fn must(fault: &str) -> String {
    format!(
        "Invalid value was provided. Check the 'target' parameter value. target must have one of userIds, deviceIds, \
         tagNames, platforms; {fault}."
    )
}

async fn a_target_that_is_unknown_is_named_with_those_that_are_known(api: Api) {
    let stage = Stage::set(api).await;
    for (message, fault) in misspelt(&stage.alice) {
        stage
            .refused(
                |asked| {
                    let asked = asked.as_object_mut().unwrap();
                    asked.remove("target");
                    asked.extend(message.as_object().unwrap().clone());
                },
                |answer| assert_eq!(answer.ok(400)["message"], must(fault), "{message}"),
            )
            .await;
    }
}

async fn a_misspelt_target_is_not_everybody(api: Api) {
    let stage = Stage::set(api).await;
    let others = [Phone::android(), Phone::iphone()];
    for phone in &others {
        stage.api.register(phone, None, None).await.ok(201);
    }
    for (message, fault) in misspelt(&stage.alice) {
        let mut message = message;
        message["message"] = json!({"alert": "for one"});
        let sent = stage.api.send(&message).await;
        assert_eq!(sent.ok(400)["message"], must(fault), "{message}");
        let list =
            json!([{"message": {"alert": "Hi"}, "target": {"userIds": [stage.alice]}}, message]);
        let bulk = stage.api.call(Method::POST, "/messages/bulk");
        let bulk = bulk.backend(&stage.api).json(&list).send().await;
        bulk.invalid("[1].target", &stage.alice);
    }
    for target in [json!({"target": {}}), json!({})] {
        let mut message = target;
        message["message"] = json!({"alert": "All"});
        message["validate"] = json!(true);
        let sent = stage.api.send(&message).await.ok(202);
        let id = sent["messageId"].as_str().unwrap();
        assert_eq!(stage.api.settled(id).await["accepted"], 3);
    }
    for phone in others.iter().chain([&stage.phone]) {
        assert_eq!(stage.api.shown(phone).await, ["All", "All"]);
    }
}
