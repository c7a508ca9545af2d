//! What the world sends to an API: broken paths, odd headers, pages of other origins. Everything gets a clear answer.

use crate::answer::{NOT_FOUND, WRONG_METHOD};
use crate::api::Api;
use crate::phone::{Phone, device, user};
use crate::raw::Raw;
use crate::story::{Story, own, shared};
use reqwest::Method;
use serde_json::json;

const LOCAL: &str = "it speaks to the gateway of the local system";

pub(super) fn stories() -> Vec<Story> {
    vec![
        shared(a_path_without_a_device_id_is_not_found),
        shared(a_device_id_that_stands_for_nothing_is_not_found),
        shared(a_device_id_that_a_path_cannot_hold_is_refused),
        shared(an_encoded_path_reaches_its_device),
        shared(a_logout_with_any_body_works),
        shared(a_page_of_another_origin_may_call),
        shared(every_answer_to_a_page_is_readable),
        own(LOCAL, &[], a_hostile_query_does_no_harm),
        own(LOCAL, &[], a_request_line_that_is_no_http_does_no_harm),
        own(LOCAL, &[], a_hostile_header_does_no_harm),
        own(LOCAL, &[], a_href_leads_back_to_its_device),
    ]
}

async fn a_path_without_a_device_id_is_not_found(api: Api) {
    let body = Phone::android().body(None);
    api.backend_get("/devices/").await.refused(NOT_FOUND);
    for method in [Method::PUT, Method::DELETE] {
        let call = api.call(method, "/devices/").backend(&api).json(&body);
        let answer = call.send().await;
        let status = answer.status;
        assert!([404, 405].contains(&status), "{}: {status}", answer.request);
        answer.refused(if status == 404 {
            NOT_FOUND
        } else {
            WRONG_METHOD
        });
    }
    let phone = Phone::android();
    api.register(&phone, None, None).await.ok(201);
    for tail in ["/", "//", "/x", "/../x"] {
        let path = api.path(&format!("/devices/{}{tail}", phone.device));
        for method in ["GET", "PUT", "DELETE"] {
            let answer = Raw::new(method, &path).header("appSecret", api.app_secret());
            answer.send(&api).await.refused(NOT_FOUND);
        }
    }
    api.holds(&phone, None).await;
}

async fn a_device_id_that_stands_for_nothing_is_not_found(api: Api) {
    for id in ["null", "undefined", "(null)", "report", "."] {
        for method in ["GET", "PUT", "DELETE"] {
            let phone = Phone::android();
            let path = api.path(&format!("/devices/{id}"));
            let call = Raw::new(method, &path)
                .header("clientSecret", api.client_secret())
                .header("content-type", "application/json");
            let body = json!({"token": phone.token, "platform": "G"});
            let answer = call.body(body.to_string()).send(&api).await;
            let refused = matches!(
                (answer.status, answer.ok(answer.status)["code"].as_str()),
                (404, Some("FPWSE0001E")) | (400, Some("FPWSE0005E"))
            );
            assert!(refused, "{}: {}", answer.request, answer.text);
            assert!(method != "GET" || answer.status == 404, "a read is 404");
            api.holds_no_trace(&[&phone.token]).await;
        }
    }
}

async fn a_device_id_that_a_path_cannot_hold_is_refused(api: Api) {
    let unique = device();
    for id in [
        "%2F", "%2f..", "%3Fx", "%23", "%25", "%2525", "%5C", "%00", "%0A", "%20", "%22", "%3B",
        "%26", "%C3%A9", "%FF", "%", "%zz",
    ] {
        for method in ["GET", "PUT", "DELETE"] {
            let path = api.path(&format!("/devices/{unique}{id}"));
            let call = Raw::new(method, &path).header("content-type", "application/json");
            let body = json!({"token": crate::phone::fcm_token(), "platform": "G"});
            let answer = call.body(body.to_string()).send(&api).await;
            assert!(
                (400..500).contains(&answer.status),
                "{}: {}",
                answer.request,
                answer.status
            );
            serde_json::from_str::<serde_json::Value>(&answer.text).expect("a refusal is JSON");
        }
    }
    api.holds_no_trace(&[&unique]).await;
}

async fn an_encoded_path_reaches_its_device(api: Api) {
    let phone = Phone {
        device: format!("{}@+=,!", device()),
        ..Phone::android()
    };
    api.register(&phone, None, None).await.ok(201);
    let encoded: Vec<String> = (phone.device.bytes())
        .map(|byte| format!("%{byte:02X}"))
        .collect();
    let path = api.path(&format!("/devices/{}", encoded.concat()));
    let read = Raw::new("GET", &path).header("clientSecret", api.client_secret());
    assert_eq!(read.send(&api).await.ok(200)["deviceId"], phone.device);
    Raw::new("DELETE", &path).send(&api).await.empty(204);
}

async fn a_logout_with_any_body_works(api: Api) {
    let alice = user("alice");
    let secret = api.secret(&alice).await;
    for (content_type, body) in [
        (Some("application/json"), Some("null")),
        (Some("application/json; charset = UTF-8"), Some("null")),
        (Some("application/json; charset=utf-8"), Some("")),
        (Some("text/plain"), Some("x")),
        (None, Some("{")),
        (None, None),
    ] {
        let phone = Phone::android();
        api.register(&phone, Some(&alice), Some(&secret))
            .await
            .ok(201);
        let path = api.path(&format!("/devices/{}", phone.device));
        let mut call = Raw::new("DELETE", &path).header("clientSecret", &secret);
        if let Some(content_type) = content_type {
            call = call.header("content-type", content_type);
        }
        if let Some(body) = body {
            call = call.body(body);
        }
        call.send(&api).await.empty(204);
        api.read(&phone, Some(api.client_secret()))
            .await
            .refused(NOT_FOUND);
    }
}

async fn a_page_of_another_origin_may_call(api: Api) {
    for route in ["/devices", "/devices/D1", "/messages", "/init", "/nothing"] {
        for method in ["GET", "POST", "PUT", "DELETE"] {
            let preflight = api.call(Method::OPTIONS, route);
            let preflight = preflight
                .header("access-control-request-method", method)
                .header(
                    "access-control-request-headers",
                    "clientsecret,content-type",
                );
            let answer = preflight.send().await;
            answer.empty(204);
            let list = |name: &str| -> Vec<String> {
                let list = answer.header(name).unwrap_or_default().to_ascii_lowercase();
                list.split(',').map(|word| word.trim().to_owned()).collect()
            };
            let methods = list("access-control-allow-methods");
            let headers = list("access-control-allow-headers");
            for needed in ["get", "post", "put", "delete"] {
                assert!(methods.iter().any(|method| method == needed), "{methods:?}");
            }
            for needed in [
                "clientsecret",
                "content-type",
                "authorization",
                "idempotency-key",
            ] {
                assert!(headers.iter().any(|header| header == needed), "{headers:?}");
            }
        }
    }
}

async fn every_answer_to_a_page_is_readable(api: Api) {
    // Each assertion on an answer holds it to be readable; here are the ones that no function writes.
    let unsigned = api.call(Method::GET, "/init").send().await;
    assert_eq!(unsigned.status, 401);
    assert_eq!(unsigned.header("access-control-allow-origin"), Some("*"));
    let web = json!({"deviceId": device(), "token": "x".repeat(64), "platform": "WEB_CHROME"});
    let web = api.call(Method::POST, "/devices").json(&web).send().await;
    web.invalid("platform", "WEB_CHROME");
    api.call(Method::OPTIONS, "/devices")
        .send()
        .await
        .empty(204);
}

async fn a_hostile_query_does_no_harm(api: Api) {
    let phone = Phone::android();
    api.register(&phone, None, None).await.ok(201);
    let path = api.path(&format!("/devices/{}", phone.device));
    for query in [
        "a=%22b%22",
        "%3Cscript%3E",
        "a=%20b+c%0D%0A",
        "a='b'&c",
        "%",
        "%zz",
        "a=%FF%FE",
        "&&&===",
        "?a=b?c",
        "a=[b]|c",
        "a=%00",
        "a[b]=c;d",
        &"a".repeat(5000),
    ] {
        let read = Raw::new("GET", &format!("{path}?{query}"));
        let answer = read
            .header("clientSecret", api.client_secret())
            .send(&api)
            .await;
        assert_eq!(answer.ok(200)["deviceId"], phone.device, "{query}");
    }
}

async fn a_request_line_that_is_no_http_does_no_harm(api: Api) {
    let phone = Phone::android();
    api.register(&phone, None, None).await.ok(201);
    let path = api.path(&format!("/devices/{}", phone.device));
    for query in ["a=\"b\"", "<script>", "a b", "a=\u{e9}", "a\\b", "{}^`"] {
        let read = Raw::new("GET", &format!("{path}?{query}"));
        let read = read
            .header("clientSecret", api.client_secret())
            .send(&api)
            .await;
        // Whoever reads HTTP strictly refuses it before any code of ours runs; else the query does not matter.
        match read.status {
            400 => assert_eq!(read.text, "", "{query}"),
            status => assert_eq!(read.ok(status)["deviceId"], phone.device, "{query}"),
        }
        api.holds(&phone, None).await;
    }
}

async fn a_hostile_header_does_no_harm(api: Api) {
    let phone = Phone::android();
    api.register(&phone, None, None).await.ok(201);
    let path = api.path(&format!("/devices/{}", phone.device));
    for (name, value) in [
        ("x-forwarded-proto", &b"odd proto"[..]),
        ("x-forwarded-proto", b"http,https"),
        ("x-forwarded-proto", b"\"><"),
        ("x-forwarded-proto", b"\xff\xfe"),
        ("x-forwarded-proto", b""),
        ("x-forwarded-for", b"<,>"),
        ("x-forwarded-port", b"99999999"),
        ("x-forwarded-host", b"a b"),
        ("x-amzn-trace-id", b"\xff"),
        ("x-anything", b"\xff\xfe\x80"),
        ("content-type", b"\xff"),
        ("cookie", b"a=b; \"c\"; \xff"),
        ("accept", b"%%%"),
        ("authorization", b"Basic \xff"),
    ] {
        let read = Raw::new("GET", &path).header(name, value);
        let answer = read
            .header("clientSecret", api.client_secret())
            .send(&api)
            .await;
        assert_eq!(answer.ok(200)["deviceId"], phone.device, "{name}");
    }
}

async fn a_href_leads_back_to_its_device(api: Api) {
    let phone = Phone::android();
    let device = api.register(&phone, None, None).await.ok(201);
    let route = format!("/devices/{}", phone.device);
    assert_eq!(device["href"], format!("{}{}", api.url(), api.path(&route)));
}
