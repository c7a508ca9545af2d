//! What SNS reports of a push that failed comes to the queue that subscribes to it.

use super::{JOBS, bodies};
use crate::{APNS, Aws, GCM};
use serde_json::{Value, json};

impl Aws {
    /// The one report that came.
    async fn report(&self) -> Value {
        let received = self.receive(JOBS).await;
        let [body] = bodies(&received)[..] else {
            panic!("{received:?}");
        };
        serde_json::from_str(body).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_delivery_is_reported_as_by_sns() {
    let aws = Aws::start().await.queues();
    aws.cloud.subscribe("jobs".to_owned());
    let arn = aws.endpoint(GCM, "T").await;
    let publish = || aws.sns.publish().target_arn(&arn).message("x").send();
    publish().await.unwrap();
    let publish_id = publish().await.unwrap().message_id.unwrap();
    let failed = json!({"token": "T", "failureType": "InvalidPlatformToken", "time": "2026-01-02T03:04:05.678Z"});
    assert_eq!(aws.post("feedback", failed).await, (200, json!({})));
    assert_eq!(
        aws.report().await,
        json!({
            "DeliveryAttempts": 1,
            "EndpointArn": arn,
            "EventType": "DeliveryFailure",
            "FailureMessage": "Platform token associated with the endpoint is not valid",
            "FailureType": "InvalidPlatformToken",
            "MessageId": publish_id,
            "Resource": GCM,
            "Service": "SNS",
            "Time": "2026-01-02T03:04:05.678Z",
        })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_has_the_time_of_the_system_and_needs_an_endpoint() {
    let aws = Aws::start().await.queues();
    aws.cloud.subscribe("jobs".to_owned());
    let arn = aws.endpoint(APNS, "ab").await;
    let failed = |token: &str| json!({"token": token, "failureType": "Throttled"});
    let none = (404, json!({"message": "no endpoint has this token"}));
    assert_eq!(aws.post("feedback", failed("T")).await, none);
    let (_, moved) = aws
        .post("clock", json!({"advanceSeconds": 100_000_000}))
        .await;
    assert_eq!(aws.post("feedback", failed("ab")).await.0, 200);
    let report = aws.report().await;
    assert_eq!(
        (&report["EndpointArn"], &report["Resource"]),
        (&json!(arn), &json!(APNS))
    );
    // RFC 3339 in UTC sorts as text.
    assert!(report["Time"].as_str() >= moved["now"].as_str().map(|now| now.trim_end_matches('Z')));
    let (status, _) = aws.post("feedback", json!({"token": "ab"})).await;
    assert_eq!(status, 400);
}
