//! Whoever is called outside.

use super::Aws;
use aws::outside::Client;
use push::webhook::WebhookUrl;
use serde_json::json;

#[tokio::test]
async fn every_call_to_the_outside_is_kept_and_answered_as_scripted() {
    let aws = Aws::start().await;
    let client = Client::new(aws.cloud.outside()).unwrap();
    let post = async |url: &str, body: &str| {
        let url = WebhookUrl::parse(url).unwrap();
        let headers = [("x-one", "1")];
        client.post(&url, &headers, body.to_owned()).await.unwrap()
    };
    for script in [
        json!({"url": "https://one.example/a?b", "status": 500, "times": 2}),
        json!({"status": 302}),
    ] {
        assert_eq!(aws.post("hooks", script).await, (200, json!({})));
    }
    let mut answers = Vec::new();
    for (url, body) in [
        ("https://one.example/a?b", "1"),
        ("https://two.example:8443", "2"),
        ("https://one.example/a?b", "3"),
        ("https://one.example/a?b", "4"),
    ] {
        answers.push(post(url, body).await);
    }
    assert_eq!(answers, [500, 302, 500, 200]);
    let mut shown = aws.get("hooks").await;
    let hooks = shown["hooks"].as_array_mut().unwrap();
    for hook in hooks.iter_mut() {
        assert_eq!(hook["at"].take().as_str().unwrap().len(), 24);
    }
    let kept = |host: &str, target: &str, body: &str| {
        json!({
            "url": format!("https://{host}{target}"), "method": "POST", "body": body, "at": null,
            "headers": {"host": host, "x-one": "1", "content-length": "1"},
        })
    };
    let one = |body| kept("one.example", "/a?b", body);
    let two = kept("two.example:8443", "/", "2");
    assert_eq!(hooks[..], [one("1"), two, one("3"), one("4")]);
    aws.delete("hooks").await;
    assert_eq!(aws.get("hooks").await, json!({"hooks": []}));
}

#[tokio::test]
async fn an_answer_that_cannot_be_is_not_scripted() {
    let aws = Aws::start().await;
    for (status, good) in [(199, false), (200, true), (599, true), (600, false)] {
        let (answer, _) = aws.post("hooks", json!({"status": status})).await;
        assert_eq!(answer, if good { 200 } else { 400 }, "{status}");
    }
}
