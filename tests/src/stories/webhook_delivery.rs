//! How webhooks are told: signed, again where it failed and not too often, and only who still wants it.

use super::webhooks::{ALL, NEEDS, ON, call, made, url_of};
use crate::api::Api;
use crate::hooks::Hook;
use crate::noted::note;
use crate::phone::Phone;
use crate::story::{Story, alone};
use reqwest::Method;
use serde_json::{Value, json};

pub(super) fn stories() -> Vec<Story> {
    vec![
        alone(NEEDS, ON, what_is_told_is_signed_for_its_receiver),
        alone(NEEDS, ON, a_rotation_breaks_no_receiver),
        alone(
            NEEDS,
            ON,
            what_fails_is_tried_four_times_more_and_then_is_a_dead_letter,
        ),
        alone(NEEDS, ON, only_the_webhook_that_failed_is_told_again),
        alone(NEEDS, ON, a_receiver_that_is_gone_is_not_told_again),
        alone(NEEDS, ON, a_redirect_is_a_failure_and_leads_nowhere),
        alone(NEEDS, ON, a_webhook_that_was_deleted_is_told_nothing),
        alone(NEEDS, ON, a_webhook_that_moved_is_told_where_it_is_now),
        alone(
            NEEDS,
            ON,
            an_event_that_the_queue_does_not_take_fails_nothing,
        ),
    ]
}

const DEAD: &str = "WebhookDeadLetterQueue";
const QUEUE: &str = "WebhookQueue";

/// Something happens: a device registers.
async fn happens(api: &Api) {
    let phone = Phone::android();
    api.register(&phone, None, None).await.ok(201);
}

/// What one event that happens now is told.
async fn told(api: &Api) -> Hook {
    happens(api).await;
    let hooks = api.heard().await;
    let [hook] = &hooks[..] else {
        panic!("one call: {hooks:?}");
    };
    hook.clone()
}

async fn what_is_told_is_signed_for_its_receiver(api: Api) {
    let key = made(&api, "crm", &ALL).await;
    let since = api.now().await;
    let hook = told(&api).await;
    hook.is_a_call_of_ours();
    assert_eq!(hook.url(), url_of("crm"));
    let (seconds, signatures) = hook.signed();
    let seconds: u64 = seconds.parse().unwrap();
    assert!(*hook.time() >= *since.trim_end_matches('Z') && seconds > 1_700_000_000);
    assert_eq!(
        signatures.len(),
        1,
        "there is one version of the app secret"
    );
    assert!(hook.is_signed_with(&key));
    assert!(!hook.is_signed_with(api.app_secret()));
    assert!(!hook.is_signed_with(&key.to_uppercase()));
    // Another webhook has another key.
    let other = made(&api, "audit", &["onUnsubscribe"]).await;
    assert!(!told(&api).await.is_signed_with(&other));
}

async fn a_rotation_breaks_no_receiver(api: Api) {
    let old = made(&api, "crm", &ALL).await;
    let shown = async || {
        let webhook = api.backend_get("/webhooks/crm").await.ok(200);
        note(webhook["signingKey"].as_str().unwrap())
    };
    assert_eq!(shown().await, old);
    told(&api).await;
    api.rotate("appSecret").await;
    // Within a minute everybody knows the new secret, and after two it makes the key that is shown.
    api.advance(61).await;
    let hook = told(&api).await;
    assert_eq!(hook.signed().1.len(), 2);
    assert!(hook.is_signed_with(&old));
    assert_eq!(shown().await, old);
    api.advance(61).await;
    let new = shown().await;
    assert_ne!(new, old);
    assert!(hook.is_signed_with(&new));
    assert!(told(&api).await.is_signed_with(&old));
}

async fn what_fails_is_tried_four_times_more_and_then_is_a_dead_letter(api: Api) {
    let key = made(&api, "crm", &ALL).await;
    api.hooks_answer(None, 500, 5).await;
    happens(&api).await;
    for (before, wait) in [(1, 10), (2, 60), (3, 300), (4, 900)] {
        api.attempts_ended("failed", before).await;
        // Half of the time is not enough, and a tenth more than it is.
        api.advance(wait / 2).await;
        let hidden = |held: &Value| held["visible"] == 0 && held["inFlight"] == 1;
        api.queue_is(QUEUE, hidden).await;
        assert_eq!(api.hooks().await.len() as u64, before);
        api.advance(wait * 6 / 10 + 2).await;
    }
    api.attempts_ended("failed", 5).await;
    api.queue_is(DEAD, |held| held["visible"] == 1).await;
    api.emptied(QUEUE).await;
    let hooks = api.hooks().await;
    assert_eq!(hooks.len(), 5);
    let mut moments = Vec::new();
    for hook in &hooks {
        assert_eq!(hook.body(), hooks[0].body());
        assert!(hook.is_signed_with(&key));
        moments.push(hook.signed().0);
    }
    assert!(
        moments.is_sorted() && moments[0] < moments[4],
        "{moments:?}"
    );
    // Mended, it is sent back, and told.
    let dead = json!({"queue": DEAD});
    api.control(Method::POST, "/queues/redrive", Some(dead))
        .await;
    api.attempts_ended("delivered", 1).await;
    let last = api.heard().await.pop().unwrap();
    assert_eq!(last.body(), hooks[0].body());
    api.queue_is(DEAD, |held| held["visible"] == 0).await;
}

async fn only_the_webhook_that_failed_is_told_again(api: Api) {
    made(&api, "good", &ALL).await;
    made(&api, "bad", &ALL).await;
    api.hooks_answer(Some(&url_of("bad")), 503, 1).await;
    happens(&api).await;
    api.attempts_ended("failed", 1).await;
    api.attempts_ended("delivered", 1).await;
    api.advance(12).await;
    let hooks = api.heard().await;
    let mut urls: Vec<_> = hooks.iter().map(Hook::url).collect();
    urls.sort_unstable();
    assert_eq!(urls, [url_of("bad"), url_of("bad"), url_of("good")]);
    let ids: std::collections::BTreeSet<_> = hooks.iter().map(Hook::id).collect();
    assert_eq!(ids.len(), 1, "it is one event");
}

async fn a_receiver_that_is_gone_is_not_told_again(api: Api) {
    made(&api, "crm", &ALL).await;
    for (status, outcome) in [(410, "gone"), (299, "delivered")] {
        api.hooks_answer(None, status, 1).await;
        happens(&api).await;
        api.attempts_ended(outcome, 1).await;
        assert_eq!(api.heard().await.len(), 1);
    }
    // It is there for the next event.
    told(&api).await;
    api.queue_is(DEAD, |held| held["visible"] == 0).await;
}

async fn a_redirect_is_a_failure_and_leads_nowhere(api: Api) {
    made(&api, "crm", &ALL).await;
    for (n, status) in [(1, 301), (2, 302), (3, 307), (4, 308)] {
        api.hooks_answer(None, status, 1).await;
        happens(&api).await;
        api.attempts_ended("failed", n).await;
        api.advance(12).await;
        let hooks = api.heard().await;
        let urls: Vec<_> = hooks.iter().map(Hook::url).collect();
        assert_eq!(urls, [url_of("crm"), url_of("crm")], "{status}");
    }
}

async fn a_webhook_that_was_deleted_is_told_nothing(api: Api) {
    made(&api, "crm", &ALL).await;
    api.hooks_answer(None, 500, 1).await;
    happens(&api).await;
    api.attempts_ended("failed", 1).await;
    let delete = call(&api, Method::DELETE, "/webhooks/crm");
    delete.send().await.empty(204);
    // One that is made under its name is another one.
    made(&api, "crm", &ALL).await;
    api.advance(12).await;
    api.attempts_ended("dropped", 1).await;
    assert_eq!(api.heard().await.len(), 1);
    // Where there is none, an event is told to nobody.
    let delete = call(&api, Method::DELETE, "/webhooks/crm");
    delete.send().await.empty(204);
    happens(&api).await;
    assert_eq!(api.heard().await.len(), 0);
}

async fn a_webhook_that_moved_is_told_where_it_is_now(api: Api) {
    let key = made(&api, "crm", &ALL).await;
    api.hooks_answer(None, 500, 2).await;
    happens(&api).await;
    api.attempts_ended("failed", 1).await;
    let change = async |types: &[&str]| {
        let body = json!({"url": url_of("moved"), "eventTypes": types});
        let change = call(&api, Method::PUT, "/webhooks/crm").json(&body);
        change.send().await.ok(200);
    };
    change(&ALL).await;
    api.advance(12).await;
    api.attempts_ended("failed", 2).await;
    let hooks = api.hooks().await;
    let urls: Vec<_> = hooks.iter().map(Hook::url).collect();
    assert_eq!(urls, [url_of("crm"), url_of("moved")]);
    assert!(hooks.iter().all(|hook| hook.is_signed_with(&key)));
    // It does not want such events any more.
    change(&["onSubscribe"]).await;
    api.advance(70).await;
    api.attempts_ended("dropped", 1).await;
    assert_eq!(api.heard().await.len(), 2);
}

async fn an_event_that_the_queue_does_not_take_fails_nothing(api: Api) {
    made(&api, "crm", &ALL).await;
    api.fault("sqs", "SendMessageBatch", "AccessDenied", 1)
        .await;
    let phone = Phone::android();
    api.register(&phone, None, None).await.ok(201);
    api.holds(&phone, None).await;
    assert_eq!(api.heard().await.len(), 0);
    let metrics = api.control(Method::GET, "/metrics", None).await;
    let lines = metrics["metrics"].as_array().unwrap().iter();
    let lost: Vec<_> = lines.filter(|line| line["Outcome"] == "lost").collect();
    assert_eq!(lost.len(), 1, "{metrics}");
    assert_eq!(lost[0]["WebhookEvents"], 1);
    // The next one is told.
    told(&api).await;
}
