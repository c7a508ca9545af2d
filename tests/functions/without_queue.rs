//! The function `send` where no queue is configured, as under plain `sam local`: everything is sent within the request, or
//! the request is answered 503.

use aws::{Function, Metrics, Settings, Start};
use aws_sdk_secretsmanager::config::{Credentials, Region, SharedCredentialsProvider};
use aws_types::SdkConfig;
use lambda_http::{Context, LambdaEvent};
use local::{Local, Options};
use push::Time;
use reqwest::{Client, Method};
use send::Sender;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// The local system, and a `send` beside it that knows of no queue.
struct Without {
    system: Local,
    http: Client,
    info: Value,
    function: Sender,
    metrics: Metrics,
}

/// The time-out of the function in the template.
const TIMEOUT: u64 = 25_000;

#[expect(
    clippy::disallowed_methods,
    reason = "the clock of the machine is that of the local system"
)]
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(since.as_millis()).unwrap()
}

impl Without {
    async fn start() -> Self {
        let options = Options {
            port: 0,
            ..Options::default()
        };
        let system = Local::start(options).await.unwrap();
        let http = Client::builder().no_proxy().build().unwrap();
        let info = format!("{}/_local/info", system.base_url());
        let info: Value = http.get(info).send().await.unwrap().json().await.unwrap();
        let environment = system.environment("SendFunction").unwrap();
        let settings = Settings::read(|name| match name {
            "JOB_QUEUE_URL" | "NAMED_JOB_QUEUE_URL" => None,
            name => environment.get(name).cloned(),
        });
        let aws = SdkConfig::builder()
            .endpoint_url(info["awsEndpointUrl"].as_str().unwrap())
            .region(Region::from_static("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
                "test", "test", None, None, "test",
            )));
        let clock = Arc::new(|| Time::from_millis(now()));
        let start = Start::new(settings.unwrap(), aws, clock).unwrap();
        let function = Sender::start(&start).await.unwrap();
        Self {
            system,
            http,
            info,
            function,
            metrics: start.metrics,
        }
    }

    async fn control(&self, method: Method, path: &str, body: Value) -> Value {
        let url = format!("{}/_local{path}", self.system.base_url());
        let answer = self.http.request(method, url).json(&body).send().await;
        answer.unwrap().json().await.unwrap()
    }

    /// Registers a phone for nobody; gives its token.
    async fn phone(&self, device: &str) -> String {
        let token = format!("fcm-token-of-a-phone-without-a-queue-{device}");
        let body = json!({"deviceId": device, "token": token, "platform": "G"});
        let url = format!("{}/devices", self.info["apiUrl"].as_str().unwrap());
        let answer = self.http.post(url).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 201);
        token
    }

    async fn shown(&self, token: &str) -> Vec<Value> {
        let path = format!("/pushes?token={token}");
        let mut pushes = self.control(Method::GET, &path, Value::Null).await;
        let pushes = pushes["pushes"].take();
        let alert = |push: &Value| {
            let message = &push["payload"]["fcmV1Message"]["message"];
            message["data"]["alert"].clone()
        };
        pushes.as_array().unwrap().iter().map(alert).collect()
    }

    async fn send(&self, message: &Value) -> (i64, Value) {
        self.posted("/messages", "", message, TIMEOUT).await
    }

    /// Calls the function, which has so many milliseconds; gives the status and the body.
    async fn posted(
        &self,
        path: &str,
        query: &str,
        body: &Value,
        milliseconds: u64,
    ) -> (i64, Value) {
        let route = format!("POST /imfpush/v1/apps/{{applicationId}}{path}");
        let application = self.system.application();
        let parameters: serde_json::Map<_, _> = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), json!(value)))
            .collect();
        let event = json!({
            "version": "2.0",
            "routeKey": route,
            "rawPath": format!("/imfpush/v1/apps/{application}{path}"),
            "rawQueryString": query,
            "headers": {"appsecret": self.info["appSecret"], "content-type": "application/json"},
            "queryStringParameters": parameters,
            "pathParameters": {"applicationId": application},
            "requestContext": {
                "routeKey": route, "domainName": "localhost", "stage": "$default", "requestId": "R",
                "timeEpoch": now(), "http": {"method": "POST", "path": "/", "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1", "userAgent": ""},
            },
            "body": body.to_string(),
            "isBase64Encoded": false,
        });
        let mut context = Context::default();
        context.deadline = now() + milliseconds;
        let event = LambdaEvent::new(serde_json::from_value(event).unwrap(), context);
        let clock = || Time::from_millis(now());
        let answer = aws::enter(&self.function, event, &clock, &self.metrics).await;
        let answer = serde_json::to_value(answer).unwrap();
        let body = answer["body"].as_str().unwrap();
        (
            answer["statusCode"].as_i64().unwrap(),
            serde_json::from_str(body).unwrap(),
        )
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_send_is_sent_at_once() {
    let without = Without::start().await;
    let mut devices: Vec<_> = (0..600).map(|n| format!("stranger-{n}")).collect();
    let mut tokens = Vec::new();
    for n in 0..3 {
        let device = format!("D{n}");
        tokens.push(without.phone(&device).await);
        devices.push(device);
    }
    let named = json!({"message": {"alert": "named"}, "target": {"deviceIds": devices}});
    let platform = json!({"message": {"alert": "platform"}, "target": {"platforms": ["G"]}});
    for message in [named, platform] {
        let (status, body) = without.send(&message).await;
        assert_eq!(status, 202, "{body}");
    }
    for token in tokens {
        assert_eq!(without.shown(&token).await, ["named", "platform"]);
    }
    let calls = without.control(Method::GET, "/calls", Value::Null).await;
    assert_eq!(calls.get("sqs.SendMessageBatch"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bulk_with_more_names_than_a_request_takes_is_sent_at_once() {
    let without = Without::start().await;
    let token = without.phone("D").await;
    let message = |alert: &str, strangers: usize| {
        let mut devices: Vec<_> = (0..strangers).map(|n| format!("stranger-{n}")).collect();
        devices.push("D".to_owned());
        json!({"message": {"alert": alert}, "target": {"deviceIds": devices}})
    };
    let bulk = json!([
        message("more than there is room for", 150),
        message("and more", 99),
        message("and one", 0),
    ]);
    let (status, body) = without.posted("/messages/bulk", "", &bulk, TIMEOUT).await;
    assert_eq!(status, 202, "{body}");
    let shown = without.shown(&token).await;
    assert_eq!(
        shown,
        ["more than there is room for", "and more", "and one"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_whose_table_is_silent_is_answered_in_time() {
    let without = Without::start().await;
    without.phone("D").await;
    let message =
        json!({"message": {"alert": "Hi"}, "target": {"deviceIds": ["D"], "platform": ["G"]}});
    let dry = |milliseconds| without.posted("/messages", "dryRun=true", &message, milliseconds);
    assert_eq!(dry(TIMEOUT).await.0, 200);
    for operation in ["BatchGetItem", "Query", "GetItem"] {
        let fault = json!({"service": "dynamodb", "operation": operation, "fault": "timeout", "times": 100_000});
        without.control(Method::POST, "/faults", fault).await;
    }
    for milliseconds in [2_000, 9_000] {
        let begun = now();
        let (status, body) = dry(milliseconds).await;
        let expected = json!({
            "code": "FPWSE0025E",
            "message": "Service Unavailable. Repeat the request after a while.",
            "requestId": "R",
        });
        assert_eq!((status, body), (503, expected));
        let took = now() - begun;
        assert!(took < milliseconds, "{took} of {milliseconds} ms");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stays_throttled_until_the_time_is_over_is_unavailable() {
    let without = Without::start().await;
    let token = without.phone("D").await;
    let fault =
        json!({"service": "sns", "operation": "Publish", "fault": "Throttling", "times": 5});
    without.control(Method::POST, "/faults", fault).await;
    let message = json!({"message": {"alert": "Hi"}, "target": {"deviceIds": ["D"]}});
    let (status, body) = without.send(&message).await;
    assert_eq!((status, &body["recipients"]), (202, &json!({"D": 1})));
    let fault =
        json!({"service": "sns", "operation": "Publish", "fault": "Throttling", "times": 100_000});
    without.control(Method::POST, "/faults", fault).await;
    let (status, body) = without.send(&message).await;
    assert_eq!((status, &body["code"]), (503, &json!("FPWSE0025E")));
    assert_eq!(without.shown(&token).await, ["Hi"]);
}
