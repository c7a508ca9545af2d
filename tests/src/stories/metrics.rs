//! What an operator sees: metrics of what happened, once each, and of nothing else.

use super::publishing::Stage;
use crate::api::Api;
use crate::cast::{Cast, With};
use crate::phone::{random_hex, user};
use crate::story::{Story, own};
use crate::waiting::{LONG, until};
use reqwest::Method;
use serde_json::{Map, Value, json};

pub(super) fn stories() -> Vec<Story> {
    const COUNTS: &str = "it counts all that happens";
    vec![
        own(COUNTS, &[], registrations_and_logouts_are_counted),
        own(COUNTS, &[], a_message_is_counted_with_what_became_of_it),
        own(
            COUNTS,
            &["MaxRemovalsPerHour=0"],
            a_dead_device_that_the_budget_keeps_is_counted,
        ),
        own(COUNTS, &[], a_fault_of_ours_is_counted_by_function),
        own(COUNTS, &[], a_job_is_counted_with_the_age_of_its_message),
        own(COUNTS, &[], a_job_that_fails_is_counted),
        own(COUNTS, &[], reports_of_sns_are_counted_by_platform_and_kind),
    ]
}

/// The metrics since the last look: the sum of each series, or its values in a list.
async fn counted(api: &Api) -> Value {
    let sums = sums(api).await;
    api.control(Method::DELETE, "/metrics", None).await;
    sums
}

/// The same without forgetting it.
pub(super) async fn sums(api: &Api) -> Value {
    let answer = api.control(Method::GET, "/metrics", None).await;
    let mut sums = Map::new();
    for line in answer["metrics"].as_array().unwrap() {
        let about = &line["_aws"];
        assert!(about["Timestamp"].is_u64(), "{line}");
        assert_eq!(line["Application"], api.application(), "{line}");
        let [directive] = &about["CloudWatchMetrics"].as_array().unwrap()[..] else {
            panic!("one directive: {line}");
        };
        assert_eq!(directive["Namespace"], "Userpush", "{line}");
        let mut series = Vec::new();
        for dimension in directive["Dimensions"][0].as_array().unwrap() {
            series.push(line[dimension.as_str().unwrap()].as_str().unwrap());
        }
        for metric in directive["Metrics"].as_array().unwrap() {
            let name = metric["Name"].as_str().unwrap();
            let series = [&[name], &series[1..]].concat().join(" ");
            let sum = sums.entry(series).or_insert(json!(0));
            *sum = match (metric["Unit"].as_str().unwrap(), &*sum) {
                ("Count", _) => json!(sum.as_u64().unwrap() + line[name].as_u64().unwrap()),
                (_, Value::Array(before)) => json!([&before[..], &[line[name].clone()]].concat()),
                _ => json!([line[name]]),
            };
        }
    }
    sums.into()
}

async fn registrations_and_logouts_are_counted(api: Api) {
    let cast = Cast::new(&api).await;
    let phone = cast.phone_of_alice().await;
    assert_eq!(counted(&api).await, json!({"Registrations new": 1}));
    for _ in 0..2 {
        let same = cast.post(With::Own, &phone, Some(&cast.alice));
        same.send().await.ok(201);
    }
    assert_eq!(counted(&api).await, json!({"Registrations unchanged": 2}));
    api.read(&phone, Some(cast.own())).await.ok(200);
    assert_eq!(counted(&api).await, json!({}), "a look changes nothing");

    let his = cast.post(With::Another, &phone, Some(&cast.bob));
    his.send().await.ok(201);
    assert_eq!(counted(&api).await, json!({"Registrations ownerChange": 1}));
    let theirs = cast.post(With::Nothing, &phone, Some(&cast.bob));
    theirs.send().await.ok(401);
    assert_eq!(counted(&api).await, json!({"Refusals register": 1}));
    api.unregister(&phone, Some(cast.another()))
        .await
        .empty(204);
    assert_eq!(counted(&api).await, json!({"Endings logout": 1}));
}

async fn a_message_is_counted_with_what_became_of_it(api: Api) {
    let stage = Stage::set(api, 2).await;
    let api = &stage.api;
    assert_eq!(counted(api).await, json!({"Registrations new": 2}));
    let message = json!({"message": {"alert": "Hi"}, "target": {"userIds": [stage.alice]}});
    let key = random_hex(8);
    // The repeat is not a message.
    for _ in 0..2 {
        let call = api.call(Method::POST, "/messages").backend(api);
        let call = call.header("idempotency-key", &key).json(&message);
        call.send().await.ok(202);
    }
    let accepted = json!({"Sends": 1, "Publishes A accepted": 1, "Publishes G accepted": 1});
    assert_eq!(counted(api).await, accepted);

    stage
        .fails("PlatformApplicationDisabled", 1, json!({}))
        .await;
    stage.told("not on Android", 1).await;
    assert_eq!(
        counted(api).await,
        json!({
            "Sends": 1, "Publishes A accepted": 1, "Publishes G misconfigured": 1, "Misconfigured G": 1,
        })
    );

    stage.fails("Throttling", 1, json!({})).await;
    stage.told("on Android a little later", 2).await;
    assert_eq!(
        counted(api).await,
        json!({
            "Sends": 1, "Publishes A accepted": 1, "Publishes G accepted": 1, "Publishes G retried": 1,
        })
    );

    let tablet = &stage.phones[0];
    api.kill(tablet).await;
    counted(api).await;
    stage.told("to the living", 1).await;
    assert_eq!(
        counted(api).await,
        json!({
            "Sends": 1, "Publishes A accepted": 1, "Publishes G dead": 1, "Endings dead": 1,
        })
    );

    api.send(&json!({"message": {}})).await.ok(400);
    assert_eq!(counted(api).await, json!({"Refusals send": 1}));
}

async fn a_dead_device_that_the_budget_keeps_is_counted(api: Api) {
    let stage = Stage::set(api, 1).await;
    let (api, tablet) = (&stage.api, &stage.phones[0]);
    api.kill(tablet).await;
    counted(api).await;
    stage.told("lost", 0).await;
    assert_eq!(
        counted(api).await,
        json!({"Sends": 1, "Publishes G misconfigured": 1, "Misconfigured G": 1, "RemovalsOverBudget": 1})
    );
}

async fn a_fault_of_ours_is_counted_by_function(api: Api) {
    const UNKNOWN: &str = "/messages/Abcd1234";
    api.backend_get(UNKNOWN).await.ok(404);
    assert_eq!(counted(&api).await, json!({"Refusals query": 1}));
    api.fault("dynamodb", "Query", "ValidationException", 1)
        .await;
    api.backend_get(UNKNOWN).await.ok(500);
    assert_eq!(counted(&api).await, json!({"Failures query": 1}));
}

/// Sends to more users than a request serves, Alice among them; gives the message id.
async fn told(stage: &Stage) -> String {
    let users: Vec<_> = (0..150).map(|_| user("stranger")).collect();
    let users = [std::slice::from_ref(&stage.alice), &users[..]].concat();
    let message = json!({"message": {"alert": "Hi"}, "target": {"userIds": users}});
    let sent = stage.api.send(&message).await.ok(202);
    sent["messageId"].as_str().unwrap().to_owned()
}

async fn feed(api: &Api, enabled: bool) {
    let turn = json!({"function": "DeliverFunction", "enabled": enabled});
    api.control(Method::POST, "/sources", Some(turn)).await;
}

async fn a_job_is_counted_with_the_age_of_its_message(api: Api) {
    let stage = Stage::set(api, 2).await;
    let api = &stage.api;
    counted(api).await;
    feed(api, false).await;
    let id = told(&stage).await;
    assert_eq!(counted(api).await, json!({"Sends": 1}));
    api.advance(100).await;
    feed(api, true).await;
    api.settled(&id).await;
    api.jobs_end().await;
    let mut metrics = counted(api).await;
    let age = metrics["MessageAge"][0].as_u64().unwrap();
    assert!((100_000..200_000).contains(&age), "{age}");
    metrics["MessageAge"] = Value::Null;
    assert_eq!(
        metrics,
        json!({
            "Jobs finished": 1, "MessageAge": null, "Publishes A accepted": 1, "Publishes G accepted": 1,
        })
    );

    // The job's time is 100 seconds.
    stage.fails("Throttling", 1_000_000, json!({})).await;
    api.forget_calls().await;
    let id = told(&stage).await;
    api.called("sns.Publish", 3).await;
    api.forget_calls().await;
    api.advance(101).await;
    api.called("sqs.SendMessageBatch", 1).await;
    api.control(Method::DELETE, "/faults", None).await;
    api.settled(&id).await;
    api.jobs_end().await;
    let metrics = counted(api).await;
    assert_eq!(
        (&metrics["Jobs continued"], &metrics["Jobs finished"]),
        (&json!(1), &json!(1)),
        "{metrics}"
    );
    // The part that goes on later shows its age, and so does the end.
    let ages = metrics["MessageAge"].as_array().unwrap();
    let ages: Vec<_> = ages.iter().map(|age| age.as_u64().unwrap()).collect();
    assert!(
        matches!(ages[..], [first, last] if 101_000 <= first && first <= last),
        "{ages:?}"
    );
}

async fn a_job_that_fails_is_counted(api: Api) {
    let stage = Stage::set(api, 1).await;
    let api = &stage.api;
    counted(api).await;
    api.fault("dynamodb", "BatchGetItem", "ValidationException", 1)
        .await;
    told(&stage).await;
    let failed = |sums: &Value| sums.get("Jobs failed").is_some();
    let metrics = until(LONG, failed, || sums(api)).await.unwrap();
    assert_eq!(metrics, json!({"Sends": 1, "Jobs failed": 1}));
}

async fn reports_of_sns_are_counted_by_platform_and_kind(api: Api) {
    let cast = Cast::new(&api).await;
    let phone = cast.phone_of_alice().await;
    counted(&api).await;
    let report = async |failure: &str| {
        let body = json!({"token": phone.token, "failureType": failure});
        api.control(Method::POST, "/feedback", Some(body)).await;
        api.emptied("FeedbackQueue").await;
        counted(&api).await
    };
    assert_eq!(
        report("InvalidCredentials").await,
        json!({"FeedbackReports G InvalidCredentials": 1, "Misconfigured G": 1})
    );
    assert_eq!(
        report("InvalidNotification").await,
        json!({"FeedbackReports G InvalidNotification": 1})
    );
    assert_eq!(
        report("Throttled").await,
        json!({"FeedbackReports G Throttled": 1})
    );
    assert_eq!(
        report("SomethingNew").await,
        json!({"FeedbackReports G other": 1})
    );
    assert_eq!(
        report("InvalidPlatformToken").await,
        json!({"FeedbackReports G InvalidPlatformToken": 1, "Endings dead": 1})
    );
}
