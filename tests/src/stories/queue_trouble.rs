//! Trouble with the queue of jobs, and what the table does not tell: nothing is lost, nothing sent or counted twice.

use super::jobs::{crowd, heal, told};
use super::metrics::sums;
use super::publishing::{Stage, counts};
use crate::answer::UNAVAILABLE;
use crate::api::Api;
use crate::phone::random_hex;
use crate::story::{Story, alone, own};
use crate::waiting::{LONG, VISIBILITY, until};
use reqwest::Method;
use serde_json::{Value, json};

pub(super) fn stories() -> Vec<Story> {
    const FAULTS: &str = "it breaks what others need";
    vec![
        own(FAULTS, &[], a_job_that_comes_twice_sends_once),
        own(
            FAULTS,
            &[],
            a_job_that_the_queue_does_not_take_at_once_is_put_again,
        ),
        own(
            FAULTS,
            &[],
            a_send_that_did_not_get_all_its_jobs_on_the_queue_is_unavailable_and_goes_on,
        ),
        own(
            FAULTS,
            &[],
            a_job_that_keeps_failing_ends_among_the_dead_letters_and_can_be_sent_back,
        ),
        own(
            FAULTS,
            &[],
            what_is_no_job_ends_among_the_dead_letters_and_stops_nothing,
        ),
        own(FAULTS, &[], a_lost_answer_to_a_note_counts_nobody_twice),
        alone(
            "it lists all messages",
            &[],
            a_send_without_a_key_that_did_not_get_on_the_queue_is_withdrawn,
        ),
        own(
            FAULTS,
            &[],
            a_job_that_can_reserve_no_turn_publishes_nothing_and_does_not_fail,
        ),
    ]
}

const DEAD: &str = "JobDeadLetterQueue";

async fn a_job_that_comes_twice_sends_once(api: Api) {
    let stage = Stage::set(api, 4).await;
    let api = &stage.api;
    let all = json!({"oneIn": 1});
    api.control(Method::POST, "/queues/copies", Some(all)).await;
    let id = told(api, &crowd(&[&stage.alice]), "Once").await;
    assert_eq!(api.settled(&id).await, counts(&json!({"accepted": 4})));
    // Whoever came second and found the job held comes again, and finds it done.
    let none = json!({"oneIn": 0});
    api.control(Method::POST, "/queues/copies", Some(none))
        .await;
    api.advance(VISIBILITY).await;
    api.jobs_end().await;
    for phone in &stage.phones {
        assert_eq!(api.shown(phone).await, ["Once"]);
    }
    assert_eq!(api.settled(&id).await, counts(&json!({"accepted": 4})));
}

async fn a_job_that_the_queue_does_not_take_at_once_is_put_again(api: Api) {
    let stage = Stage::set(api, 1).await;
    let api = &stage.api;
    for (fault, times) in [
        ("PartialFailure", 2),
        ("InternalError", 4),
        ("lostAnswer", 4),
    ] {
        api.fault("sqs", "SendMessageBatch", fault, times).await;
        let id = told(api, &crowd(&[&stage.alice]), fault).await;
        assert_eq!(
            api.settled(&id).await,
            counts(&json!({"accepted": 1})),
            "{fault}"
        );
    }
    let shown = api.shown(&stage.phones[0]).await;
    assert_eq!(shown, ["PartialFailure", "InternalError", "lostAnswer"]);
}

async fn a_send_that_did_not_get_all_its_jobs_on_the_queue_is_unavailable_and_goes_on(api: Api) {
    let stage = Stage::set(api, 1).await;
    let (api, key) = (&stage.api, random_hex(8));
    let message =
        json!({"message": {"alert": "Hi"}, "target": {"userIds": crowd(&[&stage.alice])}});
    let post = || {
        let request = api.call(Method::POST, "/messages").backend(api);
        request
            .header("idempotency-key", &key)
            .json(&message)
            .send()
    };
    api.fault("sqs", "SendMessageBatch", "AccessDeniedException", 1)
        .await;
    assert_eq!(post().await.ok(500)["code"], "FPWSE0010E");
    assert_eq!(api.shown(&stage.phones[0]).await, [""; 0]);
    api.fault("sqs", "SendMessageBatch", "ServiceUnavailable", 1_000_000)
        .await;
    post().await.refused(UNAVAILABLE);
    heal(api).await;
    let sent = post().await.ok(202);
    let id = sent["messageId"].as_str().unwrap();
    assert_eq!(api.settled(id).await, counts(&json!({"accepted": 1})));
    assert_eq!(post().await.ok(202), sent);
    assert_eq!(api.shown(&stage.phones[0]).await, ["Hi"]);
}

async fn a_job_that_keeps_failing_ends_among_the_dead_letters_and_can_be_sent_back(api: Api) {
    let stage = Stage::set(api, 1).await;
    let api = &stage.api;
    api.fault("dynamodb", "BatchGetItem", "ValidationException", 1_000_000)
        .await;
    let id = told(api, &crowd(&[&stage.alice]), "Hi").await;
    for tries in 1..=5 {
        let failed = |sums: &Value| sums["Jobs failed"].as_u64() == Some(tries);
        let sums = until(LONG, failed, || sums(api)).await;
        assert!(sums.is_ok(), "{tries}: {sums:?}");
        let queues = api.control(Method::GET, "/queues", None).await;
        assert_eq!(queues[DEAD]["visible"], 0, "{tries}");
        api.advance(VISIBILITY).await;
    }
    api.queue_is(DEAD, |held| held["visible"] == 1).await;
    heal(api).await;
    assert_eq!(api.comes_to(&id, "Failed").await, counts(&json!({})));
    let other = told(api, &crowd(&[&stage.alice]), "not stopped").await;
    api.settled(&other).await;
    let dead = json!({"queue": DEAD});
    let moved = api
        .control(Method::POST, "/queues/redrive", Some(dead))
        .await;
    assert_eq!(moved, json!({"moved": 1}));
    assert_eq!(api.settled(&id).await, counts(&json!({"accepted": 1})));
    assert_eq!(api.shown(&stage.phones[0]).await, ["not stopped", "Hi"]);
}

async fn what_is_no_job_ends_among_the_dead_letters_and_stops_nothing(api: Api) {
    let stage = Stage::set(api, 1).await;
    let api = &stage.api;
    api.enqueue("JobQueue", "{\"poison\":true}").await;
    for _ in 1..=5 {
        api.queue_is("JobQueue", |held| {
            held["visible"] == 0 && held["inFlight"] == 1
        })
        .await;
        let id = told(api, &crowd(&[&stage.alice]), "Hi").await;
        api.settled(&id).await;
        api.advance(VISIBILITY).await;
    }
    api.queue_is(DEAD, |held| held["visible"] == 1).await;
    assert_eq!(api.shown(&stage.phones[0]).await, ["Hi"; 5]);
}

async fn a_lost_answer_to_a_note_counts_nobody_twice(api: Api) {
    let stage = Stage::set(api, 3).await;
    let api = &stage.api;
    // Of the claim and of the page: as often as the SDK asks by itself, and less often.
    for times in [1, 2, 3, 4, 6] {
        api.fault("dynamodb", "UpdateItem", "lostAnswer", times)
            .await;
        let id = told(api, &crowd(&[&stage.alice]), "queued").await;
        assert_eq!(
            api.settled(&id).await,
            counts(&json!({"accepted": 3})),
            "{times}"
        );
        api.fault("dynamodb", "UpdateItem", "lostAnswer", times)
            .await;
        let id = stage.told("at once", 3).await;
        assert_eq!(
            api.settled(&id).await,
            counts(&json!({"accepted": 3})),
            "{times}"
        );
    }
    for phone in &stage.phones {
        assert_eq!(api.shown(phone).await, ["queued", "at once"].repeat(5));
    }
}

async fn a_send_without_a_key_that_did_not_get_on_the_queue_is_withdrawn(api: Api) {
    let stage = Stage::set(api, 1).await;
    let api = &stage.api;
    api.fault("sqs", "SendMessageBatch", "AccessDeniedException", 1)
        .await;
    let message =
        json!({"message": {"alert": "Hi"}, "target": {"userIds": crowd(&[&stage.alice])}});
    assert_eq!(api.send(&message).await.ok(500)["code"], "FPWSE0010E");
    let kept = api.backend_get("/messages").await.ok(200);
    assert_eq!(kept, json!({"messages": []}));
    assert_eq!(api.shown(&stage.phones[0]).await, [""; 0]);
}

async fn a_job_that_can_reserve_no_turn_publishes_nothing_and_does_not_fail(api: Api) {
    let stage = Stage::set(api, 2).await;
    let api = &stage.api;
    for fault in ["ThrottlingException", "lostAnswer"] {
        api.control(Method::DELETE, "/metrics", None).await;
        // The claim of the job comes before its turns.
        api.let_pass("dynamodb", "UpdateItem").await;
        api.fault("dynamodb", "UpdateItem", fault, 1_000_000).await;
        api.forget_calls().await;
        let id = told(api, &crowd(&[&stage.alice]), fault).await;
        api.called("dynamodb.UpdateItem", 8).await;
        assert_eq!(api.calls().await.get("sns.Publish"), None, "{fault}");
        heal(api).await;
        assert_eq!(api.settled(&id).await, counts(&json!({"accepted": 2})));
        api.jobs_end().await;
        let jobs = sums(api).await;
        assert_eq!(jobs["Jobs finished"], 1, "{jobs}");
        assert_eq!(jobs.get("Jobs failed"), None, "{jobs}");
    }
}
