//! Every row of the contract's table of errors that a device or a backend can meet.

use crate::answer::{
    COMPRESSED, INTERNAL, NOT_CONFIGURED, NOT_FOUND, NOT_JSON, NOT_SUPPORTED, TOO_LARGE,
    UNAUTHORIZED, UNAVAILABLE, WRONG_METHOD,
};
use crate::api::Api;
use crate::phone::{Phone, user};
use crate::story::{Story, own, shared};
use reqwest::Method;
use serde_json::json;

const BREAKS: &str = "it breaks DynamoDB for all";

pub(super) fn stories() -> Vec<Story> {
    vec![
        shared(an_unknown_application_is_not_found_before_any_secret_is_asked_for),
        shared(routes_of_the_original_that_are_not_served_are_not_found),
        shared(a_known_route_with_a_wrong_method_says_so),
        shared(a_body_that_is_no_json_is_refused),
        shared(a_body_of_another_type_is_refused),
        shared(every_type_that_is_json_is_taken),
        shared(a_compressed_body_is_refused),
        shared(a_byte_order_mark_is_skipped),
        shared(a_path_with_a_slash_at_its_end_is_told_the_path_without_it),
        shared(a_query_parameter_is_given_once),
        shared(a_read_for_backends_refuses_a_query_parameter_that_it_does_not_know),
        shared(a_body_over_the_limit_is_refused),
        shared(a_device_without_a_secret_is_unauthorized),
        own(
            "it needs a parameter",
            &["FcmSenderId="],
            a_sender_id_that_is_not_set_is_not_found,
        ),
        own(BREAKS, &[], a_throttled_table_is_unavailable_for_now),
        own(BREAKS, &[], a_refusing_table_is_an_internal_error),
    ]
}

async fn an_unknown_application_is_not_found_before_any_secret_is_asked_for(api: Api) {
    let phone = Phone::android();
    let message = json!({"message": {"alert": "Hi"}, "target": {"userIds": [user("alice")]}});
    for application in ["unknown", "null", "x"] {
        for (method, route) in [
            (Method::POST, "/devices".to_owned()),
            (Method::GET, format!("/devices/{}", phone.device)),
            (Method::PUT, format!("/devices/{}", phone.device)),
            (Method::DELETE, format!("/devices/{}", phone.device)),
            (Method::POST, "/messages".to_owned()),
            (Method::GET, "/messages/AAAAAAAA".to_owned()),
            (Method::GET, "/messages/AAAAAAAA/status".to_owned()),
            (Method::GET, "/settings/gcmConfPublic".to_owned()),
        ] {
            let path = format!("/imfpush/v1/apps/{application}{route}");
            let call = || api.at_path(method.clone(), &path);
            let body = if route == "/messages" {
                &message
            } else {
                &phone.body(Some("someone"))
            };
            for call in [call(), call().backend(&api), call().secret(Some("forged"))] {
                let call = if method == Method::POST || method == Method::PUT {
                    call.json(body)
                } else {
                    call
                };
                call.send().await.refused(NOT_FOUND);
            }
        }
        let token = api.login(json!({"userId": user("alice")})).await;
        let init = api.at_path(Method::GET, &format!("/imfpush/v1/apps/{application}/init"));
        let init = init.header("authorization", &format!("Bearer {token}"));
        init.send().await.refused(NOT_FOUND);
    }
    api.holds_no_trace(&[&phone.device, &phone.token]).await;
}

async fn routes_of_the_original_that_are_not_served_are_not_found(api: Api) {
    for route in [
        "",
        "/",
        "/nothing",
        "/devices/report",
        "/messages/report",
        "/messages/AAAAAAAA/deliverystatus",
        "/settings/gcmConf",
        "/settings/apnsConf",
        "/settings",
    ] {
        let answer = api.backend_get(route).await;
        answer.refused(NOT_FOUND);
    }
    for path in [
        "/",
        "/imfpush",
        "/imfpush/v1/apps",
        "/imfpush/v2/apps/x/devices",
        "/favicon.ico",
    ] {
        api.at_path(Method::GET, path)
            .send()
            .await
            .refused(NOT_FOUND);
    }
}

async fn a_known_route_with_a_wrong_method_says_so(api: Api) {
    let device = "/devices/some-device".to_owned();
    for (route, methods) in [
        (
            "/devices",
            &[Method::PUT, Method::DELETE, Method::PATCH][..],
        ),
        (&device, &[Method::POST, Method::PATCH]),
        ("/messages", &[Method::PUT, Method::DELETE, Method::PATCH]),
        ("/messages/bulk", &[Method::PATCH]),
        ("/messages/AAAAAAAA", &[Method::POST, Method::PATCH]),
        (
            "/messages/AAAAAAAA/status",
            &[Method::POST, Method::PUT, Method::DELETE],
        ),
        ("/init", &[Method::POST, Method::PUT, Method::DELETE]),
        (
            "/settings/gcmConfPublic",
            &[Method::POST, Method::PUT, Method::DELETE],
        ),
    ] {
        for method in methods {
            let answer = api.call(method.clone(), route).backend(&api).send().await;
            answer.refused(WRONG_METHOD);
        }
    }
}

async fn a_body_that_is_no_json_is_refused(api: Api) {
    let secret = api.client_secret().to_owned();
    let phone = Phone::android();
    let whole = phone.body(None).to_string();
    let deep = format!("{}1{}", "[".repeat(1000), "]".repeat(1000));
    for body in [
        Vec::new(),
        b" ".to_vec(),
        b"{".to_vec(),
        b"nul".to_vec(),
        b"{'deviceId': 'D'}".to_vec(),
        b"deviceId=D&token=T&platform=G".to_vec(),
        b"<device/>".to_vec(),
        b"{\"deviceId\":\"\xff\xfe\"}".to_vec(),
        whole.as_bytes()[..whole.len() - 1].to_vec(),
        format!("{whole}{whole}").into_bytes(),
        format!("{whole},").into_bytes(),
        deep.into_bytes(),
    ] {
        for (method, route) in [
            (Method::POST, "/devices".to_owned()),
            (Method::PUT, format!("/devices/{}", phone.device)),
            (Method::POST, "/messages".to_owned()),
        ] {
            let call = api.call(method, &route).secret(Some(&secret)).backend(&api);
            let call = call.body("application/json", body.clone());
            call.send().await.refused(NOT_JSON);
        }
    }
    api.holds_no_trace(&[&phone.device, &phone.token]).await;
}

async fn a_body_of_another_type_is_refused(api: Api) {
    let secret = api.client_secret().to_owned();
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/xml",
        "application/jsonx",
        "application/octet-stream",
        "multipart/form-data; boundary=x",
        "json",
        "+json",
    ] {
        let phone = Phone::android();
        for (method, route) in [
            (Method::POST, "/devices".to_owned()),
            (Method::PUT, format!("/devices/{}", phone.device)),
            (Method::POST, "/messages".to_owned()),
        ] {
            let call = api.call(method, &route).secret(Some(&secret)).backend(&api);
            let call = call.body(content_type, phone.body(None).to_string());
            call.send().await.refused(NOT_SUPPORTED);
        }
        api.holds_no_trace(&[&phone.device, &phone.token]).await;
    }
}

async fn every_type_that_is_json_is_taken(api: Api) {
    for content_type in [
        "application/json",
        "application/json; charset = UTF-8",
        "application/json;charset=utf-8",
        "APPLICATION/JSON; q=1; x",
        "application/vnd.api+json",
        "application/merge-patch+json; charset=UTF-8",
    ] {
        let phone = Phone::android();
        let post = api.call(Method::POST, "/devices");
        let post = post.body(content_type, phone.body(None).to_string());
        post.send().await.ok(201);
        let put = api.device(Method::PUT, &phone, None);
        let put = put.body(content_type, phone.body(None).to_string());
        put.send().await.ok(200);
    }
    let phone = Phone::android();
    let post = crate::raw::Raw::new("POST", &api.path("/devices"));
    let post = post.body(phone.body(None).to_string());
    post.send(&api).await.ok(201);
}

async fn a_compressed_body_is_refused(api: Api) {
    for (encoding, right) in [
        ("gzip", false),
        ("br", false),
        ("GZIP", false),
        ("gzip, identity", false),
        ("aws-chunked", false),
        ("identity", true),
        ("Identity", true),
        ("", true),
    ] {
        let phone = Phone::android();
        let post = api
            .call(Method::POST, "/devices")
            .header("content-encoding", encoding);
        let answer = post.json(&phone.body(None)).send().await;
        if right {
            answer.ok(201);
        } else {
            answer.refused(COMPRESSED);
            api.holds_no_trace(&[&phone.device, &phone.token]).await;
        }
    }
    let zipped = b"\x1f\x8b\x08\x00\x00\x00\x00\x00".to_vec();
    for route in ["/messages", "/messages/bulk"] {
        let post = api.call(Method::POST, route).backend(&api);
        let post = post.header("content-encoding", "gzip");
        let post = post.body("application/json", zipped.clone());
        post.send().await.refused(COMPRESSED);
    }
}

async fn a_byte_order_mark_is_skipped(api: Api) {
    let phone = Phone::android();
    for (mark, right) in [("\u{feff}", true), ("\u{feff}\u{feff}", false)] {
        let post = api.call(Method::POST, "/devices");
        let body = format!("{mark}{}", phone.body(None));
        let answer = post.body("application/json", body).send().await;
        if right {
            answer.ok(201);
        } else {
            answer.refused(NOT_JSON);
        }
    }
}

async fn a_path_with_a_slash_at_its_end_is_told_the_path_without_it(api: Api) {
    let phone = Phone::android();
    for (route, path) in [
        ("/devices/", "/devices"),
        ("/messages/", "/messages"),
        ("/messages/bulk/", "/messages/bulk"),
        ("/subscriptions/?action=delete", "/subscriptions"),
        ("/tags/", "/tags"),
    ] {
        let call = api.call(Method::POST, route).backend(&api);
        let body = call.json(&phone.body(None)).send().await.ok(404);
        assert_eq!(body["code"], NOT_FOUND.1);
        let message = format!("Not Found. The path must be '{path}', without a slash at its end.");
        assert_eq!(body["message"], message);
    }
    let device = format!("/devices/{}/", phone.device);
    for (method, route) in [
        (Method::GET, "/devices/"),
        (Method::PUT, "/devices/"),
        (Method::DELETE, "/devices/"),
        (Method::PUT, &device),
        (Method::POST, "/devices//"),
        (Method::POST, "/nothing/"),
    ] {
        let call = api.call(method, route).backend(&api);
        call.json(&phone.body(None)).send().await.refused(NOT_FOUND);
    }
    let path = "/imfpush/v1/apps/unknown/devices/";
    let call = api.at_path(Method::POST, path).json(&phone.body(None));
    call.send().await.refused(NOT_FOUND);
    api.holds_no_trace(&[&phone.device]).await;
}

async fn a_query_parameter_is_given_once(api: Api) {
    let (alice, bob) = (user("alice"), user("bob"));
    let phones = [Phone::android(), Phone::iphone()];
    for (phone, user) in phones.iter().zip([&alice, &bob]) {
        let registered = api.register(phone, Some(user), Some(api.client_secret()));
        registered.await.ok(201);
    }
    for (method, route, parameter) in [
        (
            Method::DELETE,
            format!("/users?userId={alice}&userId={bob}"),
            "userId",
        ),
        (
            Method::DELETE,
            format!("/users?userId={alice}&userId={alice}"),
            "userId",
        ),
        (
            Method::GET,
            format!("/devices?userId={alice}&userId="),
            "userId",
        ),
        (Method::GET, "/devices?size=1&size=2".to_owned(), "size"),
        (
            Method::GET,
            "/messages?offset=0&offset=0".to_owned(),
            "offset",
        ),
        (
            Method::GET,
            "/subscriptions?tagName=a&tag%4Eame=b".to_owned(),
            "tagName",
        ),
        (Method::GET, "/tags?size=1&size=1".to_owned(), "size"),
        (
            Method::POST,
            "/messages?dryRun=false&dryRun=true".to_owned(),
            "dryRun",
        ),
        (
            Method::POST,
            "/devices?whatever=1&whatever=2".to_owned(),
            "query",
        ),
    ] {
        let call = api.call(method, &route).backend(&api);
        let answer = call.json(&json!({})).send().await;
        answer.invalid(parameter, &alice);
    }
    for (phone, user) in phones.iter().zip([&alice, &bob]) {
        api.holds(phone, Some(user)).await;
    }
    // Filters hold together.
    let both = "/devices?filter=platform==A&filter=platform==G";
    api.backend_get(both).await.ok(200);
}

async fn a_read_for_backends_refuses_a_query_parameter_that_it_does_not_know(api: Api) {
    let (alice, phone) = (user("alice"), Phone::android());
    let registered = api.register(&phone, Some(&alice), Some(api.client_secret()));
    registered.await.ok(201);
    let id = api.tell(&[&alice], "Hi").await;
    let pages = "'expand', 'offset', 'size'";
    let devices = "'cursor', 'expand', 'filter', 'offset', 'size', 'userId'";
    let subscriptions = "'cursor', 'deviceId', 'expand', 'offset', 'size', 'tagName', 'userId'";
    for (route, unknown, known) in [
        (format!("/devices?userid={alice}"), "'userid'", devices),
        (
            format!("/devices?userId={alice}&user_id=x&User=y"),
            "'User', 'user_id'",
            devices,
        ),
        ("/messages?userId=".to_owned(), "'userId'", pages),
        ("/messages/?limit=5".to_owned(), "'limit'", pages),
        (format!("/messages/{id}?full=1"), "'full'", pages),
        (format!("/messages/{id}/status?wait=1"), "'wait'", pages),
        (
            "/subscriptions?tagname=news&userId=x".to_owned(),
            "'tagname'",
            subscriptions,
        ),
        ("/tags/news?x".to_owned(), "'x'", pages),
    ] {
        let answer = api.backend_get(&route).await;
        let body = answer.ok(400);
        assert_eq!(body["code"], "FPWSE0007E", "{route}");
        let message =
            format!("Bad Request. The query parameters {unknown} are unknown. Known are {known}.");
        assert_eq!(body["message"], message, "{route}");
        // Who may comes first.
        api.call(Method::GET, &route)
            .send()
            .await
            .refused(UNAUTHORIZED);
    }
    let many: Vec<_> = (10..30).map(|n| format!("x{n}={n}")).collect();
    let answer = api
        .backend_get(&format!("/messages?{}", many.join("&")))
        .await;
    let message = answer.ok(400)["message"].as_str().unwrap().to_owned();
    assert!(
        message.contains("'x19'") && !message.contains("x20"),
        "{message}"
    );
    // Devices are asked less strictly: their SDKs are not ours to mend.
    let read = api.call(Method::GET, &format!("/devices/{}?x=1", phone.device));
    read.secret(Some(api.client_secret())).send().await.ok(200);
    api.call(Method::GET, "/tags?x=1").send().await.ok(200);
}

async fn a_body_over_the_limit_is_refused(api: Api) {
    const LIMIT: usize = 1024 * 1024;
    for (size, right) in [(LIMIT, true), (LIMIT + 1, false), (5 * LIMIT, false)] {
        let phone = Phone::android();
        let mut body = phone.body(None);
        body["variables"] = "".into();
        let bare = body.to_string().len();
        body["variables"] = "x".repeat(size - bare).into();
        let post = api.call(Method::POST, "/devices");
        let answer = post.body("application/json", body.to_string()).send().await;
        if right {
            answer.ok(201);
        } else {
            answer.refused(TOO_LARGE);
            api.holds_no_trace(&[&phone.device, &phone.token]).await;
        }
    }
}

async fn a_device_without_a_secret_is_unauthorized(api: Api) {
    let (alice, phone) = (user("alice"), Phone::android());
    let answer = api.register(&phone, Some(&alice), None).await;
    answer.refused(UNAUTHORIZED);
    assert_eq!(answer.header("www-authenticate"), None);
    api.holds_no_trace(&[&alice, &phone.device, &phone.token])
        .await;
}

async fn a_sender_id_that_is_not_set_is_not_found(api: Api) {
    let answer = api
        .call(Method::GET, "/settings/gcmConfPublic")
        .send()
        .await;
    answer.refused(NOT_CONFIGURED);
}

async fn a_throttled_table_is_unavailable_for_now(api: Api) {
    let phone = Phone::android();
    api.register(&phone, None, None).await.ok(201);
    for operation in ["BatchGetItem", "TransactWriteItems"] {
        let fresh = phone.refreshed();
        api.fault("dynamodb", operation, "ThrottlingException", 10_000)
            .await;
        api.update(&fresh, None, None).await.refused(UNAVAILABLE);
        api.control(Method::DELETE, "/faults", None).await;
        api.holds(&phone, None).await;
    }
    let message = json!({"message": {"alert": "Hi"}, "target": {"userIds": [user("alice")]}});
    api.fault("dynamodb", "PutItem", "ThrottlingException", 10_000)
        .await;
    api.send(&message).await.refused(UNAVAILABLE);
}

async fn a_refusing_table_is_an_internal_error(api: Api) {
    let phone = Phone::android();
    api.fault("dynamodb", "BatchGetItem", "AccessDeniedException", 1)
        .await;
    api.register(&phone, None, None).await.refused(INTERNAL);
    api.fault("dynamodb", "TransactWriteItems", "ValidationException", 1)
        .await;
    api.register(&phone, None, None).await.refused(INTERNAL);
    api.holds_no_trace(&[&phone.device]).await;
    // The process lives on.
    api.register(&phone, None, None).await.ok(201);
}
