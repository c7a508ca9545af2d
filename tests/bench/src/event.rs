//! Requests as API Gateway hands them to a function: payload format 2.0.

use crate::world::{DEVICE, USER, World, registration};
use serde_json::{Value, json};

/// A registration of the user's device of this number, as an app makes it.
#[must_use]
pub fn register(world: &World, n: usize) -> Value {
    let path = format!("/imfpush/v1/apps/{}/devices", world.application);
    let secret = ("clientsecret", world.user_secret.as_str());
    event(
        world,
        "POST",
        "/devices",
        &path,
        secret,
        Some(registration(USER, n)),
    )
}

/// The end of the registration of the user's first device.
#[must_use]
pub fn unregister(world: &World) -> Value {
    let path = format!("/imfpush/v1/apps/{}/devices/{DEVICE}", world.application);
    let secret = ("clientsecret", world.user_secret.as_str());
    let mut event = event(world, "DELETE", "/devices/{deviceId}", &path, secret, None);
    event["pathParameters"]["deviceId"] = json!(DEVICE);
    event
}

/// A message of a backend to a user.
#[must_use]
pub fn send(world: &World, user: &str) -> Value {
    let path = format!("/imfpush/v1/apps/{}/messages", world.application);
    let secret = ("appsecret", world.app_secret.as_str());
    let body = json!({"message": {"alert": "Your table is ready"}, "target": {"userIds": [user]}});
    event(world, "POST", "/messages", &path, secret, Some(body))
}

fn event(
    world: &World,
    method: &str,
    route: &str,
    path: &str,
    (header, secret): (&str, &str),
    body: Option<Value>,
) -> Value {
    let mut event = json!({
        "version": "2.0",
        "routeKey": format!("{method} /imfpush/v1/apps/{{applicationId}}{route}"),
        "rawPath": path,
        "rawQueryString": "",
        "headers": {
            "accept": "*/*", "accept-encoding": "gzip", "content-type": "application/json",
            "host": "abcdefghij.execute-api.us-east-1.amazonaws.com", "user-agent": "okhttp/4.12.0",
            "x-amzn-trace-id": "Root=1-5e6722a7-cc56xmpl46db7ae02d4da47e", "x-forwarded-for": "203.0.113.7",
            "x-forwarded-port": "443", "x-forwarded-proto": "https",
        },
        "requestContext": {
            "accountId": "123456789012", "apiId": "abcdefghij",
            "domainName": "abcdefghij.execute-api.us-east-1.amazonaws.com", "domainPrefix": "abcdefghij",
            "http": {
                "method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7",
                "userAgent": "okhttp/4.12.0",
            },
            "requestId": "JKJaXmPLvHcESHA=", "routeKey": format!("{method} /imfpush/v1/apps/{{applicationId}}{route}"),
            "stage": "$default", "time": "25/Nov/2026:10:00:00 +0000", "timeEpoch": tests::now(),
        },
        "pathParameters": {"applicationId": world.application},
        "isBase64Encoded": false,
    });
    event["headers"][header] = json!(secret);
    if let Some(body) = body {
        event["body"] = json!(body.to_string());
    }
    event
}
