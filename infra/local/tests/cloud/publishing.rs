//! Publishing to endpoints.

use super::{APNS, Aws, GCM, SANDBOX, refusal, refused};
use aws_sdk_sns::operation::publish::builders::PublishFluentBuilder;
use aws_sdk_sns::types::MessageAttributeValue;
use serde_json::{Value, json};

impl Aws {
    pub fn publish(&self, arn: &str, message: &Value) -> PublishFluentBuilder {
        let publish = self.sns.publish().target_arn(arn);
        publish
            .message_structure("json")
            .message(message.to_string())
    }

    pub async fn pushes(&self, token: &str) -> Vec<Value> {
        let shown = self.get(&format!("pushes?token={token}")).await;
        shown["pushes"].as_array().unwrap().clone()
    }
}

/// A message for Android of exactly so many bytes.
pub fn gcm(bytes: usize) -> Value {
    let data = |text: &str| json!({"alert": text});
    let data = data(&"x".repeat(bytes - data("").to_string().len()));
    json!({"GCM": json!({"fcmV1Message": {"message": {"data": data}}}).to_string()})
}

fn apns(bytes: usize) -> Value {
    let of = |text: &str| json!({"aps": {"alert": text}}).to_string();
    json!({"APNS": of(&"x".repeat(bytes - of("").len()))})
}

fn text(value: &str) -> MessageAttributeValue {
    let attribute = MessageAttributeValue::builder().data_type("String");
    attribute.string_value(value).build().unwrap()
}

#[tokio::test]
async fn a_disabled_application_reaches_nobody() {
    let aws = Aws::start().await;
    let arn = aws.endpoint(GCM, "T").await;
    let switch = json!({"platform": "G", "enabled": false});
    assert_eq!(aws.post("applications", switch).await, (200, json!({})));
    let (status, code, _) = refusal(aws.publish(&arn, &gcm(100)).send().await);
    assert_eq!(
        (status, code.as_str()),
        (400, "PlatformApplicationDisabled")
    );
    let phone = aws.endpoint(APNS, "ab").await;
    aws.publish(&phone, &apns(100)).send().await.unwrap();
}

#[tokio::test]
async fn a_phone_receives_the_payload_of_its_platform() {
    let aws = Aws::start().await;
    let (android, apple, sandbox) = (
        aws.endpoint(GCM, "T").await,
        aws.endpoint(APNS, "ab").await,
        aws.endpoint(SANDBOX, "cd").await,
    );
    let fcm = json!({"fcmV1Message": {"validate_only": false, "message": {"data": {"alert": "Hi <&> \u{1F600}"},
        "android": {"priority": "HIGH", "ttl": "60s"}}}});
    let aps = json!({"aps": {"alert": {"body": "Hi"}}});
    let development = json!({"aps": {"alert": "dev"}});
    let message = json!({"default": "d", "GCM": fcm.to_string(), "APNS": aps.to_string(), "APNS_SANDBOX": development.to_string()});
    let published = aws
        .publish(&android, &message)
        .message_attributes("AWS.SNS.MOBILE.FCM.TTL", text("60"))
        .send()
        .await
        .unwrap();
    aws.publish(&apple, &message)
        .message_attributes("AWS.SNS.MOBILE.APNS.PUSH_TYPE", text("alert"))
        .message_attributes("AWS.SNS.MOBILE.APNS.PRIORITY", text("10"))
        .send()
        .await
        .unwrap();
    aws.publish(&sandbox, &message).send().await.unwrap();
    let mut received = aws.pushes("T").await;
    let at = received[0]["at"].take();
    assert_eq!(
        received,
        [
            json!({"token": "T", "platform": "G", "endpointArn": android, "publishId": published.message_id.unwrap(),
        "at": null, "payload": fcm, "attributes": {"AWS.SNS.MOBILE.FCM.TTL": "60"}})
        ]
    );
    assert_eq!(at.as_str().unwrap().len(), "2026-05-20T11:42:11.007Z".len());
    let received = aws.pushes("ab").await;
    assert_eq!(
        (&received[0]["platform"], &received[0]["payload"]),
        (&json!("A"), &aps)
    );
    assert_eq!(
        received[0]["attributes"],
        json!({"AWS.SNS.MOBILE.APNS.PUSH_TYPE": "alert", "AWS.SNS.MOBILE.APNS.PRIORITY": "10"})
    );
    assert_eq!(aws.pushes("cd").await[0]["payload"], development);
}

#[tokio::test]
async fn a_message_without_a_part_for_the_platform_falls_back_to_its_default() {
    let aws = Aws::start().await;
    let (android, apple) = (aws.endpoint(GCM, "T").await, aws.endpoint(APNS, "ab").await);
    // A value that is no string is ignored.
    aws.publish(&android, &json!({"default": "d", "GCM": {"data": {}}}))
        .send()
        .await
        .unwrap();
    aws.sns
        .publish()
        .target_arn(&apple)
        .message("plain")
        .send()
        .await
        .unwrap();
    assert_eq!(
        aws.pushes("T").await[0]["payload"],
        json!({"data": {"default": "d"}})
    );
    assert_eq!(
        aws.pushes("ab").await[0]["payload"],
        json!({"aps": {"alert": "plain"}})
    );
    let none = aws.publish(&android, &json!({"APNS": "{}"})).send().await;
    assert_eq!(
        refusal(none),
        refused(
            400,
            "InvalidParameter",
            "Invalid parameter: JSON must contain an entry for 'default' or 'GCM'."
        )
    );
}

#[tokio::test]
async fn a_broken_message_fails_the_call() {
    let aws = Aws::start().await;
    let arn = aws.endpoint(GCM, "T").await;
    let parse = "Invalid parameter: Message Structure - JSON message body failed to parse";
    let malformed = "Invalid parameter: Message Reason: Invalid notification for protocol GCM: Notification payload is malformed";
    for (message, text) in [
        ("{", parse),
        ("[]", parse),
        (r#"{"GCM":"{"}"#, malformed),
        (r#"{"GCM":"7"}"#, malformed),
        (r#"{"GCM":"{\"fcmV1Message\":{}}"}"#, malformed),
        (
            r#"{"GCM":"{\"fcmV1Message\":{\"message\":{\"data\":{\"n\":1}}}}"}"#,
            malformed,
        ),
    ] {
        let published = aws
            .sns
            .publish()
            .target_arn(&arn)
            .message_structure("json")
            .message(message);
        assert_eq!(
            refusal(published.send().await),
            refused(400, "InvalidParameter", text),
            "{message}"
        );
    }
    let empty = aws.sns.publish().target_arn(&arn).message("").send().await;
    assert_eq!(
        refusal(empty),
        refused(400, "InvalidParameter", "Invalid parameter: Empty message")
    );
    assert_eq!(aws.pushes("T").await, [Value::Null; 0]);
}

#[tokio::test]
async fn payloads_are_held_to_4096_bytes_and_calls_to_256_kibibytes() {
    let aws = Aws::start().await;
    let (android, apple) = (aws.endpoint(GCM, "T").await, aws.endpoint(APNS, "ab").await);
    aws.publish(&android, &gcm(4096)).send().await.unwrap();
    aws.publish(&apple, &apns(4096)).send().await.unwrap();
    let reason = "Invalid parameter: Message Reason: Invalid notification for protocol";
    assert_eq!(
        refusal(aws.publish(&android, &gcm(4097)).send().await),
        refused(
            400,
            "InvalidParameter",
            &format!("{reason} GCM: Notification data is larger than allowed limit")
        )
    );
    assert_eq!(
        refusal(aws.publish(&apple, &apns(4097)).send().await),
        refused(
            400,
            "InvalidParameter",
            &format!("{reason} APNS: Notification is too long")
        )
    );
    let whole = |length: usize| {
        aws.sns
            .publish()
            .target_arn(&android)
            .message("m".repeat(length))
    };
    whole(262_144).send().await.unwrap();
    assert_eq!(
        refusal(whole(262_145).send().await),
        refused(
            400,
            "InvalidParameter",
            "Invalid parameter: Message too long"
        )
    );
}

#[tokio::test]
async fn attributes_refuse_what_apple_and_sns_would() {
    let aws = Aws::start().await;
    let arn = aws.endpoint(APNS, "ab").await;
    let with = |name: &str, value: &str| {
        aws.publish(&arn, &apns(100))
            .message_attributes(name, text(value))
            .send()
    };
    for (name, good, bad) in [
        ("any", "\u{E4}\t\u{FFFD}", "\u{1F600}"),
        ("any", "a", "a\u{1}"),
        (
            "AWS.SNS.MOBILE.APNS.COLLAPSE_ID",
            &"c".repeat(64),
            &"c".repeat(65),
        ),
        ("AWS.SNS.MOBILE.APNS.PUSH_TYPE", "background", "silent"),
        ("AWS.SNS.MOBILE.APNS.PRIORITY", "5", "high"),
        ("AWS.SNS.MOBILE.APNS.TTL", "0", "-1"),
        ("AWS.SNS.MOBILE.APNS_SANDBOX.TTL", "2419200", "2419201"),
    ] {
        with(name, good).await.unwrap();
        let (status, code, _) = refusal(with(name, bad).await);
        assert_eq!(
            (status, code.as_str()),
            (400, "ParameterValueInvalid"),
            "{name} {bad}"
        );
    }
}
