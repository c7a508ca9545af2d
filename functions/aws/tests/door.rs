//! The door: whatever event comes in, what goes out is the contract's.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use aws::{Call, Failure, Function, Metrics, Reply, Start};
use lambda_http::aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use lambda_http::{Context, LambdaEvent};
use proptest::prelude::*;
use push::{ApplicationId, Denial, Invalid, MessageId, Time};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::sync::{Arc, Mutex};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Answers with what it read of the call.
struct Echo;

impl Function for Echo {
    const NAME: &'static str = "echo";

    async fn start(_: &Start) -> Result<Self, lambda_http::Error> {
        Ok(Self)
    }

    async fn answer(&self, call: &Call) -> Result<Reply, Failure> {
        match call.header("do") {
            Some("panic") => panic!("a fault in the code"),
            Some("fail") => Err(Failure::Internal("the cause: a secret of ours".into())),
            Some("deny") => Err(Failure::Unauthorized(Denial::Expired)),
            Some("refuse") => {
                Err(Invalid::new("settings.gcm.payload.alice", "It is right.").into())
            }
            Some("send") => {
                let ids = ["AAAAAAA1", "AAAAAAA2"].map(|id| MessageId::parse(id).unwrap());
                Ok(Reply::empty(204).about(&ids))
            }
            Some("hang") => std::future::pending().await,
            Some("wait") => Err(Failure::Unavailable("throttled".into())),
            Some("body") => Reply::json(200, &call.json(8)?),
            _ => Reply::json(
                200,
                &json!({
                    "route": call.route(),
                    "device": call.path("deviceId"),
                    "q": call.query("q"),
                    "secret": call.header("CLIENTSECRET"),
                    "origin": call.origin(),
                    "arrived": call.arrived.millis(),
                    "claim": call.claim("sub"),
                }),
            ),
        }
    }
}

const NOW: Time = Time::from_millis(1_800_000_000_123);

fn event() -> Value {
    json!({
        "version": "2.0",
        "routeKey": "GET /imfpush/v1/apps/{applicationId}/devices/{deviceId}",
        "rawPath": "/imfpush/v1/apps/app/devices/D1",
        "rawQueryString": "q=1",
        "headers": {"clientsecret": "S", "host": "api.example.com", "x-forwarded-proto": "https"},
        "pathParameters": {"applicationId": "app", "deviceId": "D1"},
        "requestContext": {
            "routeKey": "GET /imfpush/v1/apps/{applicationId}/devices/{deviceId}",
            "domainName": "api.example.com",
            "stage": "$default",
            "requestId": "R1",
            "timeEpoch": NOW.millis() - 5,
            "http": {"method": "GET", "path": "/imfpush/v1/apps/app/devices/D1"}
        },
        "isBase64Encoded": false
    })
}

async fn answered(event: Value) -> ApiGatewayV2httpResponse {
    counted(event, Context::default()).await.0
}

/// The answer to the event, and the lines of metrics that were written by then.
async fn counted(event: Value, context: Context) -> (ApiGatewayV2httpResponse, Vec<Value>) {
    let payload: ApiGatewayV2httpRequest = serde_json::from_value(event).unwrap();
    let lines = Arc::new(Mutex::new(Vec::<Value>::new()));
    let written = Arc::clone(&lines);
    let metrics = Metrics::new(
        ApplicationId::parse("app").unwrap(),
        Arc::new(|| NOW),
        Arc::new(move |line| {
            let line = serde_json::from_str(line).unwrap();
            written.lock().unwrap().push(line);
        }),
    );
    let event = LambdaEvent::new(payload, context);
    let response = aws::enter(&Echo, event, &|| NOW, &metrics).await;
    let lines = lines.lock().unwrap().clone();
    (response, lines)
}

fn body(response: &ApiGatewayV2httpResponse) -> Value {
    let body = response.body.as_deref().unwrap_or_default();
    serde_json::from_slice(body).unwrap()
}

/// The event with the member at `path` changed.
fn with(path: &str, value: Value) -> Value {
    let mut event = event();
    let (parent, name) = path.rsplit_once('/').unwrap();
    event.pointer_mut(parent).unwrap()[name] = value;
    event
}

#[tokio::test]
async fn a_call_is_read_from_the_event() {
    let expected = json!({
        "route": ["GET", "/devices/{deviceId}"],
        "device": "D1",
        "q": "1",
        "secret": "S",
        "origin": "https://api.example.com",
        "arrived": NOW.millis() - 5,
        "claim": null,
    });
    let response = answered(event()).await;
    assert_eq!((response.status_code, body(&response)), (200, expected));
    let claims = with(
        "/requestContext/authorizer",
        json!({"jwt": {"claims": {"sub": "alice"}, "scopes": null}}),
    );
    assert_eq!(body(&answered(claims).await)["claim"], "alice");
}

#[tokio::test]
async fn what_no_uri_can_hold_does_not_stop_a_call() {
    for (path, value) in [
        ("/rawQueryString", json!("q=\"<a b>\"")),
        ("/rawQueryString", json!("q=é\u{0}\n")),
        ("/rawQueryString", json!("q=%zz%")),
        (
            "/rawPath",
            json!("/imfpush/v1/apps/app/devices/a b\"<>|\\^`{}[]"),
        ),
        ("/rawPath", json!("no slash")),
        ("/rawPath", json!("//host:99999/é")),
        ("/headers/x-forwarded-proto", json!("java script")),
        ("/headers/x-forwarded-proto", json!("")),
        ("/headers/x-forwarded-proto", json!("https,http")),
        ("/headers/host", json!("a b")),
        ("/headers/host", json!("[::1")),
        ("/headers/host", json!("host:port")),
        ("/headers/host", json!("")),
        ("/headers/host", json!("xn--")),
        ("/headers/host", json!("1.2.3.999")),
        ("/headers/clientsecret", json!("é")),
        ("/requestContext/domainName", json!("a b")),
        ("/requestContext/stage", json!("a b\"")),
        ("/cookies", json!(["a\nb"])),
    ] {
        assert_eq!(
            answered(with(path, value.clone())).await.status_code,
            200,
            "{path} {value}"
        );
    }
}

#[tokio::test]
async fn the_gateways_clock_is_believed_as_far_as_clocks_differ() {
    let now = NOW.millis();
    for (epoch, arrived) in [
        (now - 60_000, Some(now - 60_000)),
        (now - 60_001, None),
        (now + 60_000, Some(now + 60_000)),
        (now + 60_001, None),
        (0, Some(now)),
        (now / 1000, Some(now)),
    ] {
        let event = with("/requestContext/timeEpoch", json!(epoch));
        let (response, lines) = counted(event, Context::default()).await;
        let differ = lines.iter().any(|line| line["ClocksDiffer"] == 1);
        assert_eq!(differ, arrived.is_none());
        match arrived {
            Some(arrived) => assert_eq!(body(&response)["arrived"], arrived),
            None => assert_eq!(response.status_code, 503),
        }
    }
}

/// A call with this content type and body that the function reads as JSON of at most 8 bytes.
async fn posted(content_type: Option<&str>, text: &str, base64: bool) -> (i64, Value) {
    let mut event = with("/headers/do", json!("body"));
    if let Some(content_type) = content_type {
        event["headers"]["content-type"] = json!(content_type);
    }
    event["body"] = json!(text);
    event["isBase64Encoded"] = json!(base64);
    let response = answered(event).await;
    let body = body(&response);
    (
        response.status_code,
        if response.status_code == 200 {
            body
        } else {
            body["code"].clone()
        },
    )
}

#[tokio::test]
async fn a_body_is_json_by_type_form_and_size() {
    for content_type in [
        None,
        Some(""),
        Some("application/json"),
        Some("application/json; charset = UTF-8"),
        Some("APPLICATION/JSON;charset=utf-8"),
        Some("application/vnd.api+json"),
    ] {
        assert_eq!(
            posted(content_type, "[1]", false).await,
            (200, json!([1])),
            "{content_type:?}"
        );
    }
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "json",
        "+json",
        "application/jsonp",
    ] {
        assert_eq!(
            posted(Some(content_type), "[1]", false).await,
            (415, json!("FPWSE0415E")),
            "{content_type}"
        );
    }
    assert_eq!(
        posted(None, "[1]", true).await,
        (400, json!("FPWSE0004E")),
        "no base64"
    );
    assert_eq!(posted(None, "WzFd", true).await, (200, json!([1])));
    assert_eq!(
        posted(None, "/w==", true).await,
        (400, json!("FPWSE0004E")),
        "no UTF-8"
    );
    assert_eq!(posted(None, "[1", false).await, (400, json!("FPWSE0004E")));
    assert_eq!(posted(None, "", false).await, (400, json!("FPWSE0004E")));
    assert_eq!(posted(None, "[12345]", false).await, (200, json!([12345])));
    assert_eq!(
        posted(None, "[123456]", false).await,
        (200, json!([123_456]))
    );
    assert_eq!(
        posted(None, "[1234567]", false).await,
        (413, json!("FPWSE0413E"))
    );
}

#[tokio::test]
async fn a_panic_and_a_fault_are_answered_in_the_contracts_shape() {
    for (what, status, code, message) in [
        (
            "panic",
            500,
            "FPWSE0010E",
            "Internal Server Error. The request can be repeated.",
        ),
        (
            "fail",
            500,
            "FPWSE0010E",
            "Internal Server Error. The request can be repeated.",
        ),
        (
            "wait",
            503,
            "FPWSE0025E",
            "Service Unavailable. Repeat the request after a while.",
        ),
    ] {
        let response = answered(with("/headers/do", json!(what))).await;
        let expected = json!({"code": code, "message": message, "requestId": "R1"});
        assert_eq!((response.status_code, body(&response)), (status, expected));
        assert_eq!(
            response.headers.get("content-type").unwrap(),
            "application/json"
        );
        assert_eq!(response.headers.contains_key("retry-after"), status == 503);
    }
}

#[tokio::test]
async fn a_request_that_is_not_answered_as_asked_is_counted_by_its_function() {
    let line = |name: &str| {
        json!({
            "_aws": {
                "Timestamp": NOW.millis(),
                "CloudWatchMetrics": [{
                    "Namespace": "Userpush",
                    "Dimensions": [["Application", "Function"]],
                    "Metrics": [{"Name": name, "Unit": "Count"}],
                }],
            },
            "Application": "app", "Function": "echo", name: 1,
        })
    };
    // Of `body` the function reads no body: 400.
    for (what, lines) in [
        ("panic", vec![line("Failures")]),
        ("fail", vec![line("Failures")]),
        ("wait", vec![line("Failures")]),
        ("body", vec![line("Refusals")]),
        ("answer", vec![]),
    ] {
        let event = with("/headers/do", json!(what));
        assert_eq!(counted(event, Context::default()).await.1, lines, "{what}");
    }
}

thread_local! {
    /// What was logged on this thread, which is one test's.
    static LOGGED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// The log of all tests: what a library logs first with nobody listening it may never log again.
struct Log;

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOGGED.with_borrow_mut(|logged| logged.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn each_request_has_one_line_in_the_log() {
    tracing_subscriber::registry()
        .with(aws::log::layer(|| Log))
        .init();
    let route = "GET /imfpush/v1/apps/{applicationId}/devices/{deviceId}";
    let line = |level: &str, message: &str, more: Value| {
        let mut line = json!({
            "level": level, "message": message, "target": "aws::door", "function": "echo",
            "route": route, "request_id": "R1", "milliseconds": 0,
        });
        let more = more.as_object().unwrap().clone();
        line.as_object_mut().unwrap().extend(more);
        line
    };
    for (what, expected) in [
        (
            "answer",
            line("INFO", "request answered", json!({"status": 200})),
        ),
        (
            "body",
            line(
                "INFO",
                "request refused",
                json!({"status": 400, "code": "FPWSE0004E", "causes": "", "parameter": "body"}),
            ),
        ),
        (
            "refuse",
            line(
                "INFO",
                "request refused",
                json!({"status": 400, "code": "FPWSE0005E", "causes": "", "parameter": "settings.gcm.payload"}),
            ),
        ),
        (
            "deny",
            line(
                "INFO",
                "request refused",
                json!({"status": 401, "code": "FPWSE0401E", "causes": "", "denial": "expired"}),
            ),
        ),
        (
            "send",
            line(
                "INFO",
                "request answered",
                json!({"status": 204, "messageId": "AAAAAAA1 AAAAAAA2"}),
            ),
        ),
        (
            "fail",
            line(
                "ERROR",
                "request failed",
                json!({"status": 500, "code": "FPWSE0010E", "causes": "the cause: a secret of ours"}),
            ),
        ),
    ] {
        LOGGED.take();
        answered(with("/headers/do", json!(what))).await;
        let written = String::from_utf8(LOGGED.take()).unwrap();
        let lines = written.lines().map(serde_json::from_str);
        let lines: Vec<Value> = lines.collect::<Result<_, _>>().unwrap();
        assert_eq!(lines, [expected], "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_takes_too_long_is_answered_before_lambda_ends_it() {
    let mut context = Context::default();
    context.deadline = NOW.millis() + 15_000;
    let begun = tokio::time::Instant::now();
    let (response, _) = counted(with("/headers/do", json!("hang")), context).await;
    assert_eq!(
        (response.status_code, &body(&response)["code"]),
        (503, &json!("FPWSE0025E"))
    );
    assert_eq!(begun.elapsed().as_millis(), 14_500);
}

#[tokio::test]
async fn a_query_parameter_is_read_once() {
    for (query, right) in [
        ("q=1&r=2", true),
        ("filter=1&filter=2", true),
        ("q=1&&&===", true),
        ("q=1&q=1", false),
        ("q=1&Q=", false),
        ("q=1&%71=2", false),
        ("=1&=2", false),
    ] {
        let response = answered(with("/rawQueryString", json!(query))).await;
        let expected = if right { 200 } else { 400 };
        assert_eq!(response.status_code, expected, "{query}");
    }
}

/// Mostly a moment that both clocks could show, else any.
fn epoch() -> impl Strategy<Value = i64> {
    let now = i64::try_from(NOW.millis()).unwrap();
    prop_oneof![
        9 => (now - 60_000)..=(now + 60_000),
        1 => any::<i64>(),
    ]
}

proptest! {
    #[test]
    fn no_event_stops_the_process(
        query in ".{0,20}", path in ".{0,20}", host in ".{0,12}", proto in ".{0,8}", domain in ".{0,12}",
        stage in ".{0,5}", body in ".{0,10}", base64 in any::<bool>(), epoch in epoch(), route in ".{0,20}",
    ) {
        let mut event = event();
        event["rawQueryString"] = json!(query);
        event["rawPath"] = json!(path);
        event["routeKey"] = json!(route);
        event["body"] = json!(body);
        event["isBase64Encoded"] = json!(base64);
        event["requestContext"]["domainName"] = json!(domain);
        event["requestContext"]["stage"] = json!(stage);
        event["requestContext"]["timeEpoch"] = json!(epoch);
        event["requestContext"]["routeKey"] = json!(route);
        // What a header cannot hold does not come through the gateway.
        for (name, value) in [("host", host), ("x-forwarded-proto", proto)] {
            event["headers"][name] = json!(value.chars().filter(|c| !c.is_control()).collect::<String>());
        }
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let status = runtime.block_on(answered(event)).status_code;
        let differ = epoch >= 100_000_000_000 && epoch.abs_diff(i64::try_from(NOW.millis()).unwrap()) > 60_000;
        prop_assert!(matches!(status, 200 | 400) || (status == 503 && differ), "{status}");
    }
}
