//! The control surface: log in as anyone, see the phones, script what goes wrong.

use crate::api::Api;
use crate::message::Push;
use crate::noted::note;
use crate::phone::Phone;
use reqwest::Method;
use serde_json::{Value, json};

impl Api {
    /// A signed identity token, as the user's identity provider gives it.
    pub(crate) async fn login(&self, body: Value) -> String {
        let answer = self.control(Method::POST, "/login", Some(body)).await;
        note(answer["token"].as_str().unwrap())
    }

    /// What GET `/init` hands out to this user.
    pub(crate) async fn secret(&self, user: &str) -> String {
        let token = self.login(json!({"userId": user})).await;
        let init = self.call(Method::GET, "/init");
        let init = init.header("authorization", &format!("Bearer {token}"));
        note(init.send().await.ok(200)["clientSecret"].as_str().unwrap())
    }

    /// What reached this phone's token, in order.
    pub(crate) async fn pushes(&self, phone: &Phone) -> Vec<Push> {
        let path = format!("/pushes?token={}", phone.token);
        let answer = self.control(Method::GET, &path, None).await;
        let pushes = answer["pushes"].as_array().unwrap().clone();
        pushes.into_iter().map(Push).collect()
    }

    /// The texts that reached this phone's token, in order.
    pub(crate) async fn shown(&self, phone: &Phone) -> Vec<String> {
        let pushes = self.pushes(phone).await;
        pushes.iter().map(|push| push.alert().to_owned()).collect()
    }

    /// The next `times` of these SNS calls for this token fail so; `more` holds `message` and `delayMs`.
    pub(crate) async fn sns_fault(
        &self,
        operation: &str,
        token: &str,
        fault: &str,
        times: u32,
        more: Value,
    ) {
        let mut body = json!({"service": "sns", "operation": operation, "token": token, "fault": fault, "times": times});
        if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
            body.extend(more);
        }
        self.control(Method::POST, "/faults", Some(body)).await;
    }

    /// The next `times` calls of this operation of any caller fail so.
    pub(crate) async fn fault(&self, service: &str, operation: &str, fault: &str, times: u32) {
        let body =
            json!({"service": service, "operation": operation, "fault": fault, "times": times});
        self.control(Method::POST, "/faults", Some(body)).await;
    }

    /// The next call of this operation meets none of the faults that are asked for after this.
    pub(crate) async fn let_pass(&self, service: &str, operation: &str) {
        let body = json!({"service": service, "operation": operation, "times": 1, "delayMs": 1});
        self.control(Method::POST, "/faults", Some(body)).await;
    }

    /// The next call for this token is held so long, and then goes on as if nothing were.
    pub(crate) async fn hold(&self, operation: &str, token: &str, milliseconds: u64) {
        let body = json!({"service": "sns", "operation": operation, "token": token, "times": 1, "delayMs": milliseconds});
        self.control(Method::POST, "/faults", Some(body)).await;
    }

    pub(crate) async fn advance(&self, seconds: u64) {
        let body = json!({"advanceSeconds": seconds});
        self.control(Method::POST, "/clock", Some(body)).await;
    }

    /// The time of the system, in whole seconds.
    pub(crate) async fn now(&self) -> String {
        let body = json!({"advanceSeconds": 0});
        let clock = self.control(Method::POST, "/clock", Some(body)).await;
        clock["now"].as_str().unwrap().to_owned()
    }

    /// The secret that is current after a rotation.
    pub(crate) async fn rotate(&self, secret: &str) -> String {
        let body = json!({"secret": secret});
        self.control(Method::POST, "/secrets/rotate", Some(body))
            .await;
        let info = self.control(Method::GET, "/info", None).await;
        note(info[secret].as_str().unwrap())
    }

    pub(crate) async fn forget_calls(&self) {
        self.control(Method::DELETE, "/calls", None).await;
    }

    /// How often each AWS operation was called since they were forgotten.
    pub(crate) async fn calls(&self) -> Value {
        let calls = self.control(Method::GET, "/calls", None).await;
        let counts = calls.as_object().unwrap().iter();
        counts
            .filter(|(name, _)| name.contains('.'))
            .map(|(name, count)| (name.clone(), count.clone()))
            .collect()
    }

    /// Sends a message to a queue, as anything might.
    pub(crate) async fn enqueue(&self, queue: &str, body: &str) {
        let info = self.control(Method::GET, "/info", None).await;
        let url = format!("https://sqs.us-east-1.amazonaws.com/000000000000/userpush-{queue}");
        let request = reqwest::Client::new()
            .post(info["awsEndpointUrl"].as_str().unwrap())
            .header("x-amz-target", "AmazonSQS.SendMessage")
            .header("content-type", "application/x-amz-json-1.0")
            .body(json!({"QueueUrl": url, "MessageBody": body}).to_string());
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
    }

    /// All that the table holds.
    pub(crate) async fn items(&self) -> Vec<Value> {
        let items = self.control(Method::GET, "/items", None).await;
        items["items"]
            .as_array()
            .unwrap_or_else(|| items.as_array().unwrap())
            .clone()
    }

    /// The endpoint that SNS has for a token.
    pub(crate) async fn endpoint(&self, token: &str) -> Option<Value> {
        let all = self.control(Method::GET, "/endpoints", None).await;
        let mut all = all["endpoints"].as_array().unwrap().iter();
        all.find(|endpoint| endpoint["token"] == token).cloned()
    }

    /// SNS disables or deletes the endpoint of a token.
    pub(crate) async fn set_endpoint(&self, token: &str, property: &str, value: bool) {
        let body = json!({"token": token, property: value});
        self.control(Method::POST, "/endpoints", Some(body)).await;
    }

    /// The token of a registered phone is dead: a send has enabled its endpoint once more, and SNS has disabled it again.
    pub(crate) async fn kill(&self, phone: &Phone) {
        self.set_endpoint(&phone.token, "enabled", false).await;
        let target = json!({"deviceIds": [phone.device]});
        let message = json!({"message": {"alert": "Is it there?"}, "target": target});
        let sent = self.send(&message).await.ok(202);
        assert_eq!(sent["recipients"][&phone.device], 1);
        self.set_endpoint(&phone.token, "enabled", false).await;
    }

    /// Asserts that a refused call left nothing: no item, no endpoint.
    pub(crate) async fn holds_no_trace(&self, words: &[&str]) {
        self.holds_no_item_of(words).await;
        let endpoints = self.control(Method::GET, "/endpoints", None).await;
        let endpoints = endpoints.to_string();
        for word in words {
            assert!(
                !endpoints.contains(&escaped(word)),
                "an endpoint holds {word}"
            );
        }
    }

    /// Asserts that no item of the table holds any of the words.
    pub(crate) async fn holds_no_item_of(&self, words: &[&str]) {
        let items = serde_json::to_string(&self.items().await).unwrap();
        for word in words {
            assert!(!items.contains(&escaped(word)), "an item holds {word}");
        }
    }
}

/// A word as it stands inside of a JSON string.
fn escaped(word: &str) -> String {
    let quoted = serde_json::to_string(word).unwrap();
    quoted[1..quoted.len() - 1].to_owned()
}
