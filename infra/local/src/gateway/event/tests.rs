//! Requests and the whole events that AWS makes of them.

use super::*;
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use lambda_http::http::Request;

fn event(request: Request<&[u8]>, claims: Option<&Map<String, Value>>) -> Value {
    let (parts, body) = request.into_parts();
    let route = Route {
        key: "PUT /a/{b}".to_owned(),
        function: "F".to_owned(),
        authorizer: None,
    };
    let event = Incoming {
        parts: &parts,
        path: "/a/x y",
        body,
        source: "127.0.0.1:5000".parse().unwrap(),
        port: 3000,
        now: Time::from_millis(1_779_277_331_042),
        request_id: "JKJaXmPLvHcESHA=",
        trace_id: "Root=1-6a0d9fd3-0123456789abcdef01234567",
        route: &route,
        parameters: &[("b", "x y".to_owned())],
        claims,
    }
    .event();
    assert!(serde_json::from_value::<ApiGatewayV2httpRequest>(event.clone()).is_ok());
    event
}

#[test]
fn a_request_becomes_the_event_that_aws_makes_of_it() {
    let request = Request::put("/a/x%20y?q=1&q=%C3%A9+&e&&f=")
        .header("Host", "localhost:3000")
        .header("User-Agent", "curl/8")
        .header("Content-Type", "application/json; charset = UTF-8")
        .header("X-Twice", "1")
        .header("x-twice", "2")
        .header("X-Forwarded-For", "10.0.0.1")
        .header("X-Forwarded-Proto", "gopher")
        .header("Connection", "keep-alive")
        .header("Cookie", "a=1; b=2")
        .body(br#"{"a":1}"#.as_slice())
        .unwrap();
    let claims = Map::from_iter([("sub".to_owned(), json!("alice"))]);
    assert_eq!(
        event(request, Some(&claims)),
        json!({
            "version": "2.0",
            "routeKey": "PUT /a/{b}",
            "rawPath": "/a/x y",
            "rawQueryString": "q=1&q=%C3%A9+&e&&f=",
            "cookies": ["a=1", "b=2"],
            "headers": {
                "content-length": "7",
                "content-type": "application/json; charset = UTF-8",
                "host": "localhost:3000",
                "user-agent": "curl/8",
                "x-amzn-trace-id": "Root=1-6a0d9fd3-0123456789abcdef01234567",
                "x-forwarded-for": "10.0.0.1, 127.0.0.1",
                "x-forwarded-port": "3000",
                "x-forwarded-proto": "http",
                "x-twice": "1,2",
            },
            "queryStringParameters": {"q": "1,é ", "e": "", "f": ""},
            "pathParameters": {"b": "x y"},
            "requestContext": {
                "accountId": "000000000000",
                "apiId": "local",
                "authorizer": {"jwt": {"claims": {"sub": "alice"}, "scopes": null}},
                "domainName": "localhost:3000",
                "domainPrefix": "localhost:3000",
                "http": {
                    "method": "PUT",
                    "path": "/a/x y",
                    "protocol": "HTTP/1.1",
                    "sourceIp": "127.0.0.1",
                    "userAgent": "curl/8",
                },
                "requestId": "JKJaXmPLvHcESHA=",
                "routeKey": "PUT /a/{b}",
                "stage": "$default",
                "time": "20/May/2026:11:42:11 +0000",
                "timeEpoch": 1_779_277_331_042_u64,
            },
            "body": "{\"a\":1}",
            "isBase64Encoded": false,
        })
    );
}

#[test]
fn what_a_request_does_not_have_its_event_does_not_have() {
    let request = Request::get("/").body(b"".as_slice()).unwrap();
    let event = event(request, None);
    let keys = |value: &Value| {
        let mut keys: Vec<_> = value.as_object().unwrap().keys().cloned().collect();
        keys.sort();
        keys
    };
    assert_eq!(
        keys(&event),
        [
            "headers",
            "isBase64Encoded",
            "pathParameters",
            "rawPath",
            "rawQueryString",
            "requestContext",
            "routeKey",
            "version"
        ]
    );
    assert!(!keys(&event["requestContext"]).contains(&"authorizer".to_owned()));
    assert_eq!(event["headers"]["content-length"], "0");
    assert_eq!(event["isBase64Encoded"], false);
}

#[test]
fn a_body_that_is_no_text_is_base64() {
    for (content_type, body, text) in [
        (Some("text/plain"), b"a".as_slice(), Some("a")),
        (Some("Application/XML"), b"a", Some("a")),
        (Some("application/javascript"), b"a", Some("a")),
        (Some("application/problem+json"), b"a", None),
        (Some("application/x-www-form-urlencoded"), b"a", None),
        (None, b"a", None),
        (Some("application/json"), b"\xff", None),
    ] {
        let mut request = Request::get("/");
        if let Some(content_type) = content_type {
            request = request.header("Content-Type", content_type);
        }
        let event = event(request.body(body).unwrap(), None);
        assert_eq!(event["isBase64Encoded"], text.is_none(), "{content_type:?}");
        let encoded = BASE64_STANDARD.encode(body);
        assert_eq!(event["body"], text.unwrap_or(&encoded), "{content_type:?}");
    }
}
