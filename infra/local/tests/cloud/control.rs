//! The control surface itself.

use super::{Aws, GCM};
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn a_wrong_request_is_refused_with_a_reason() {
    let aws = Aws::start().await;
    for (path, body) in [
        ("faults", json!({"service": "s3", "fault": "Throttling"})),
        (
            "faults",
            json!({"service": "sns", "fault": "Throttling", "unknown": 1}),
        ),
        ("faults", json!([])),
        ("clock", json!({"advanceSeconds": -1})),
        ("sweep", json!({"fraction": 1.5})),
        ("secrets/rotate", json!({})),
        ("endpoints", json!({"token": "T"})),
        ("applications", json!({"platform": "WEB", "enabled": true})),
    ] {
        let (status, answer) = aws.post(path, body.clone()).await;
        assert_eq!(status, 400, "{path} {body}");
        assert!(
            !answer["message"].as_str().unwrap().is_empty(),
            "{path} {body}"
        );
    }
    let response = reqwest::get(format!("{}/pushes?limit=many", aws.control))
        .await
        .unwrap();
    assert_eq!(response.status(), 400);
}

#[tokio::test]
async fn pushes_are_shown_as_they_happen_and_until_they_are_forgotten() {
    let aws = Aws::start().await;
    let (one, two) = (aws.endpoint(GCM, "T").await, aws.endpoint(GCM, "U").await);
    let mut events = reqwest::get(format!("{}/events", aws.control))
        .await
        .unwrap();
    for (arn, text) in [(&one, "1"), (&two, "2"), (&one, "3")] {
        aws.sns
            .publish()
            .target_arn(arn)
            .message(text)
            .send()
            .await
            .unwrap();
    }
    let shown = aws.get("pushes").await;
    let texts = |shown: &serde_json::Value| -> Vec<_> {
        let pushes = shown["pushes"].as_array().unwrap().iter();
        pushes
            .map(|push| {
                push["payload"]["data"]["default"]
                    .as_str()
                    .unwrap()
                    .to_owned()
            })
            .collect()
    };
    assert_eq!(texts(&shown), ["1", "2", "3"]);
    assert_eq!(texts(&aws.get("pushes?token=T").await), ["1", "3"]);
    assert_eq!(texts(&aws.get("pushes?limit=2").await), ["2", "3"]);
    assert_eq!(texts(&aws.get("pushes?token=T&limit=1").await), ["3"]);
    let shown = shown["pushes"].as_array().unwrap().iter();
    let expected = shown.map(|push| format!("data: {push}\n\n"));
    let expected = expected.collect::<Vec<_>>().concat();
    let mut received = String::new();
    while received.len() < expected.len() {
        let chunk = tokio::time::timeout(Duration::from_secs(10), events.chunk())
            .await
            .unwrap()
            .unwrap();
        received.push_str(std::str::from_utf8(&chunk.unwrap()).unwrap());
    }
    assert_eq!(received, expected);
    aws.delete("pushes").await;
    assert_eq!(aws.get("pushes").await, json!({"pushes": []}));
}

#[tokio::test]
async fn only_the_loopbacks_names_reach_the_endpoint() {
    let aws = Aws::start().await;
    let ask = |host: &str| {
        reqwest::Client::new()
            .post(aws.cloud.endpoint_url())
            .header("host", host)
            .send()
    };
    assert_eq!(ask("attacker.example").await.unwrap().status(), 403);
    assert_eq!(ask("localhost:1").await.unwrap().status(), 400);
}

#[tokio::test]
async fn the_endpoint_ends_with_the_last_handle() {
    let aws = Aws::start().await;
    let url = aws.cloud.endpoint_url();
    let second = aws.cloud.clone();
    drop(aws);
    let address = url.trim_start_matches("http://");
    assert!(tokio::net::TcpStream::connect(address).await.is_ok());
    drop(second);
    let gone = async {
        while tokio::net::TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), gone)
        .await
        .unwrap();
}
