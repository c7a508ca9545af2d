//! What must not go wrong because something else does: housekeeping, lost answers, cached secrets, a capital letter.

use super::feedback::report;
use crate::answer::{NOT_FOUND, UNAUTHORIZED};
use crate::api::Api;
use crate::phone::{Phone, user};
use crate::story::{Story, alone, own, shared};
use reqwest::Method;
use serde_json::{Value, json};

const BREAKS: &str = "it breaks DynamoDB for all";

pub(super) fn stories() -> Vec<Story> {
    vec![
        own(
            BREAKS,
            &[],
            a_removal_that_is_throttled_does_not_fail_a_send,
        ),
        own(
            "it has a parameter",
            &["MaxDevicesPerUser=1"],
            evictions_that_fail_do_not_fail_a_send,
        ),
        own(
            "it rotates a secret",
            &[],
            a_failed_read_of_the_previous_secret_logs_nobody_out,
        ),
        own(
            "it breaks Secrets Manager",
            &[],
            a_secrets_manager_that_hangs_is_not_waited_for,
        ),
        own(
            BREAKS,
            &[],
            an_effect_whose_answer_is_lost_counts_whatever_comes_after,
        ),
        own(
            "it waits for calls",
            &["BindingLeaseDays=4"],
            a_device_that_was_removed_meanwhile_gets_a_working_endpoint,
        ),
        own(
            "it waits for calls",
            &[],
            an_update_that_came_too_late_is_answered_as_if_it_had_not,
        ),
        shared(a_dry_run_by_any_spelling_sends_nothing),
        shared(an_app_secret_that_is_no_text_is_wrong),
        alone(
            "it tells everybody",
            &["AllowBroadcast=true"],
            everybody_is_told_once,
        ),
        alone(
            "it tells everybody of a platform",
            &[],
            everybody_of_a_platform_is_told_once,
        ),
    ]
}

async fn bound(api: &Api, user: &str) -> Phone {
    let phone = Phone::android();
    api.register(&phone, Some(user), Some(api.client_secret()))
        .await
        .ok(201);
    phone
}

async fn fault(api: &Api, fault: Value) {
    api.control(Method::POST, "/faults", Some(fault)).await;
}

fn message(users: &[&str]) -> Value {
    json!({"message": {"alert": "Hi"}, "target": {"userIds": users}})
}

async fn a_removal_that_is_throttled_does_not_fail_a_send(api: Api) {
    let (alice, bob) = (user("alice"), user("bob"));
    let living = bound(&api, &alice).await;
    let mut dead = Vec::new();
    for _ in 0..5 {
        let phone = bound(&api, &bob).await;
        api.kill(&phone).await;
        dead.push(phone);
    }
    api.fault(
        "dynamodb",
        "TransactWriteItems",
        "ThrottlingException",
        1000,
    )
    .await;
    let sent = api.send(&message(&[&alice, &bob])).await.ok(202);
    assert_eq!(sent["recipients"], json!({&alice: 1, &bob: 0}));
    assert_eq!(api.shown(&living).await, ["Hi"]);
    let id = sent["messageId"].as_str().unwrap();
    let status = api.status(id).await;
    assert_eq!(
        (&status["status"], &status["counts"]["dead"]),
        (&json!("Dispatched"), &json!(5))
    );
    // The next send finds them again, and they go.
    api.control(Method::DELETE, "/faults", None).await;
    api.send(&message(&[&bob])).await.ok(202);
    for phone in &dead {
        api.read(phone, Some(api.client_secret()))
            .await
            .refused(NOT_FOUND);
    }
}

async fn evictions_that_fail_do_not_fail_a_send(api: Api) {
    let (alice, bob) = (user("alice"), user("bob"));
    let phone = bound(&api, &alice).await;
    for _ in 0..40 {
        bound(&api, &bob).await;
    }
    api.fault(
        "dynamodb",
        "TransactWriteItems",
        "ThrottlingException",
        1000,
    )
    .await;
    let sent = api.send(&message(&[&bob, &alice])).await.ok(202);
    assert_eq!(sent["recipients"], json!({&alice: 1, &bob: 1}));
    assert_eq!(api.shown(&phone).await, ["Hi"]);
}

async fn a_failed_read_of_the_previous_secret_logs_nobody_out(api: Api) {
    let (alice, old) = (user("alice"), api.client_secret().to_owned());
    let phone = bound(&api, &alice).await;
    api.rotate("clientSecret").await;
    api.advance(61).await;
    api.read(&phone, Some(&old)).await.ok(200);
    // The current version is read first, then the previous one: each in turn cannot be.
    for current_can in [false, true, false, true] {
        api.advance(61).await;
        let operation = "GetSecretValue";
        if current_can {
            api.let_pass("secretsmanager", operation).await;
        }
        api.fault("secretsmanager", operation, "AccessDeniedException", 1)
            .await;
        api.read(&phone, Some(&old)).await.ok(200);
        api.control(Method::DELETE, "/faults", None).await;
    }
}

async fn a_secrets_manager_that_hangs_is_not_waited_for(api: Api) {
    let alice = user("alice");
    let phone = bound(&api, &alice).await;
    api.advance(61).await;
    api.fault("secretsmanager", "GetSecretValue", "timeout", 1000)
        .await;
    let begun = std::time::Instant::now();
    api.read(&phone, Some(api.client_secret())).await.ok(200);
    assert!(begun.elapsed().as_secs() < 10, "{:?}", begun.elapsed());
}

async fn an_effect_whose_answer_is_lost_counts_whatever_comes_after(api: Api) {
    let alice = user("alice");
    for (after, times) in [
        ("TransactionInProgressException", 2),
        ("ThrottlingException", 2),
    ] {
        let phone = bound(&api, &alice).await;
        let transaction = |fault: &str, times: u32| json!({"service": "dynamodb", "operation": "TransactWriteItems", "fault": fault, "times": times});
        fault(&api, transaction("lostAnswer", 1)).await;
        fault(&api, transaction(after, times)).await;
        api.unregister(&phone, Some(api.client_secret()))
            .await
            .empty(204);
        api.control(Method::DELETE, "/faults", None).await;
        api.read(&phone, Some(api.client_secret()))
            .await
            .refused(NOT_FOUND);
    }
}

async fn a_device_that_was_removed_meanwhile_gets_a_working_endpoint(api: Api) {
    let alice = user("alice");
    let phone = bound(&api, &alice).await;
    // Half of the lease is over, and SNS was asked a short time ago: the renewal does not ask it.
    api.advance(3 * 86_400).await;
    let held = json!({"service": "dynamodb", "operation": "TransactWriteItems", "times": 1, "delayMs": 1500});
    fault(&api, held).await;
    api.forget_calls().await;
    let renewal = {
        let (api, phone, alice) = (api.clone(), phone.clone(), alice.clone());
        tokio::spawn(async move {
            api.register(&phone, Some(&alice), Some(api.client_secret()))
                .await
        })
    };
    api.called("dynamodb.TransactWriteItems", 1).await;
    // The device goes before the renewal is written.
    api.set_endpoint(&phone.token, "enabled", false).await;
    report(&api, &phone, "InvalidPlatformToken", json!({})).await;
    renewal.await.unwrap().ok(201);
    let endpoint = api.endpoint(&phone.token).await.unwrap();
    assert_eq!(
        endpoint["enabled"], true,
        "whoever is registered can be reached"
    );
    api.send(&message(&[&alice])).await.ok(202);
    assert_eq!(api.shown(&phone).await, ["Hi"]);
}

async fn an_update_that_came_too_late_is_answered_as_if_it_had_not(api: Api) {
    let alice = user("alice");
    let phone = bound(&api, &alice).await;
    let refreshed = phone.refreshed();
    api.hold("CreatePlatformEndpoint", &refreshed.token, 600)
        .await;
    api.forget_calls().await;
    let slow = {
        let (api, refreshed, alice) = (api.clone(), refreshed.clone(), alice.clone());
        tokio::spawn(async move {
            api.update(&refreshed, Some(&alice), Some(api.client_secret()))
                .await
        })
    };
    api.called("sns.CreatePlatformEndpoint", 1).await;
    api.unregister(&phone, Some(api.client_secret()))
        .await
        .empty(204);
    assert_eq!(slow.await.unwrap().ok(200)["userId"], alice);
    api.read(&phone, Some(api.client_secret()))
        .await
        .refused(NOT_FOUND);
}

async fn a_dry_run_by_any_spelling_sends_nothing(api: Api) {
    let alice = user("alice");
    let phone = bound(&api, &alice).await;
    for query in [
        "dryRun=true",
        "dryRun=True",
        "dryrun=TRUE",
        "dryRun=",
        "dryRun",
        "DRYRUN=true",
    ] {
        let call = api
            .call(Method::POST, &format!("/messages?{query}"))
            .backend(&api);
        let dry = call.json(&message(&[&alice])).send().await.ok(200);
        assert_eq!(dry["recipients"], json!({&alice: 1}), "{query}");
    }
    let call = api
        .call(Method::POST, "/messages?dryRun=maybe")
        .backend(&api);
    call.json(&message(&[&alice]))
        .send()
        .await
        .invalid("dryRun", "maybe");
    assert_eq!(api.shown(&phone).await, [""; 0]);
    let call = api
        .call(Method::POST, "/messages?dryRun=False")
        .backend(&api);
    call.json(&message(&[&alice])).send().await.ok(202);
    assert_eq!(api.shown(&phone).await, ["Hi"]);
}

async fn an_app_secret_that_is_no_text_is_wrong(api: Api) {
    let phone = Phone::android();
    let call = api.call(Method::POST, "/devices").header("appSecret", "é");
    call.json(&phone.body(None))
        .send()
        .await
        .refused(UNAUTHORIZED);
    api.holds_no_trace(&[&phone.token]).await;
}

async fn everybody_is_told_once(api: Api) {
    let phones = [Phone::android(), Phone::iphone(), Phone::android()];
    let alice = user("alice");
    for (phone, user) in phones.iter().zip([Some(alice.as_str()), None, None]) {
        api.register(phone, user, Some(api.client_secret()))
            .await
            .ok(201);
    }
    let gone = bound(&api, &alice).await;
    api.unregister(&gone, Some(api.client_secret()))
        .await
        .empty(204);
    let sent = api
        .send(&json!({"message": {"alert": "All"}}))
        .await
        .ok(202);
    assert_eq!(sent.get("recipients"), None);
    let id = sent["messageId"].as_str().unwrap();
    assert_eq!(api.settled(id).await["accepted"], 3);
    for phone in &phones {
        assert_eq!(api.shown(phone).await, ["All"]);
        assert_eq!(
            api.pushes(phone).await[0].payload().get("uid"),
            None,
            "it is for nobody in particular"
        );
    }
    assert_eq!(api.shown(&gone).await, [""; 0]);
    let lone = json!({"message": {"alert": "iPhones"}, "target": {"platform": "A"}});
    let sent = api.send(&lone).await.ok(202);
    api.settled(sent["messageId"].as_str().unwrap()).await;
    for phone in &phones {
        let expected = if phone.platform == "A" {
            &["All", "iPhones"][..]
        } else {
            &["All"]
        };
        assert_eq!(api.shown(phone).await, expected);
    }
}

async fn everybody_of_a_platform_is_told_once(api: Api) {
    let (android, iphone) = (Phone::android(), Phone::iphone());
    for phone in [&android, &iphone] {
        api.register(phone, None, None).await.ok(201);
    }
    let message = json!({"message": {"alert": "iPhones"}, "target": {"platforms": ["A"]}});
    let sent = api.send(&message).await.ok(202);
    api.settled(sent["messageId"].as_str().unwrap()).await;
    assert_eq!(api.shown(&iphone).await, ["iPhones"]);
    assert_eq!(api.shown(&android).await, [""; 0]);
    // What a client says of the target when its list of devices is empty.
    let lone = json!({"message": {"alert": "All"}, "target": {"platform": ["A", "G"]}});
    api.send(&lone).await.invalid("target", "");
    let web = json!({"message": {"alert": "Web"}, "target": {"platforms": ["WEB_CHROME"]}});
    api.send(&web).await.ok(202);
    assert_eq!(api.shown(&iphone).await, ["iPhones"]);
}
