//! A function and a worker that do what ours must not, in environments.

use super::*;
use aws::{Call, Cause, Failure, Reply};
use push::Time;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Semaphore;

static STARTED: AtomicUsize = AtomicUsize::new(0);
static HIDDEN: AtomicUsize = AtomicUsize::new(0);
static LEFT: AtomicUsize = AtomicUsize::new(0);
static WAITING: Semaphore = Semaphore::const_new(0);
static GO: Semaphore = Semaphore::const_new(0);

/// Does what the path says, and answers the number of its environment.
struct Odd(usize);

impl Function for Odd {
    const NAME: &'static str = "odd";

    async fn start(start: &Start) -> Result<Self, lambda_http::Error> {
        if start.settings.table == "none" {
            return Err("no table".into());
        }
        Ok(Self(STARTED.fetch_add(1, Ordering::SeqCst)))
    }

    async fn answer(&self, call: &Call) -> Result<Reply, Failure> {
        match call.route().1 {
            "/hang" => std::future::pending().await,
            "/panic" => panic!("as told"),
            "/leave" => {
                tokio::spawn(async {
                    tokio::task::yield_now().await;
                    LEFT.fetch_add(1, Ordering::SeqCst);
                });
            }
            "/wait" => {
                WAITING.add_permits(1);
                let _ = GO.acquire().await.map(tokio::sync::SemaphorePermit::forget);
            }
            // Others get their turn meanwhile, if there are any.
            _ => {
                for _ in 0..10 {
                    tokio::task::yield_now().await;
                }
            }
        }
        let left = call.deadline.since(call.now).millis();
        Reply::json(200, &json!([self.0, left]))
    }
}

/// The same behind the scenes: answers what it is given, its number and the deadline.
struct Hidden(usize);

impl Worker for Hidden {
    const NAME: &'static str = "hidden";
    type Event = String;
    type Answer = Value;

    async fn start(_: &Start) -> Result<Self, lambda_http::Error> {
        Ok(Self(HIDDEN.fetch_add(1, Ordering::SeqCst)))
    }

    async fn work(&self, event: String, deadline: Time) -> Result<Value, Cause> {
        match event.as_str() {
            "hang" => std::future::pending().await,
            "panic" => panic!("as told"),
            "fail" => Err("as told".into()),
            _ => Ok(json!([event, self.0, deadline.millis()])),
        }
    }
}

async fn environments(table: &str, timeout: Duration) -> Result<Environments, Error> {
    Environments::serve::<Odd>(recipe(table, timeout)).await
}

fn recipe(table: &str, timeout: Duration) -> Recipe {
    let names = [
        "APPLICATION_ID",
        "CLIENT_SECRET_ID",
        "APP_SECRET_ID",
        "TABLE_NAME",
    ];
    Recipe {
        name: "Odd".to_owned(),
        environment: names.map(|name| (name.to_owned(), table.to_owned())).into(),
        timeout,
        endpoint_url: "http://127.0.0.1:1".to_owned(),
        outside: aws::outside::Outside::Internet,
        clock: Arc::new(|| Time::from_seconds(1_000_000)),
        metrics: Arc::new(|_, _| {}),
    }
}

/// The body of the answer, or nothing where the function died.
async fn called(environments: &Environments, path: &str) -> Option<Value> {
    let event = json!({
        "rawPath": path,
        "requestContext": {"routeKey": "$default", "http": {"method": "GET"}},
    });
    let answer = environments.invoke(event.to_string(), None).await?;
    let answer: Value = serde_json::from_str(&answer).unwrap();
    Some(serde_json::from_str(answer["body"].as_str().unwrap()).unwrap())
}

const LONG: Duration = Duration::from_secs(20);

#[tokio::test]
async fn calls_one_after_the_other_meet_one_environment() {
    let environments = environments("t", LONG).await.unwrap();
    let first = called(&environments, "/").await.unwrap();
    assert_eq!(first[1], 20_000);
    for _ in 0..20 {
        assert_eq!(called(&environments, "/").await.unwrap(), first);
    }
    assert_eq!(environments.0.state().environments, 1);
}

#[tokio::test]
async fn calls_at_once_meet_environments_of_their_own_and_no_more_than_there_may_be() {
    let environments = Arc::new(environments("t", LONG).await.unwrap());
    let calls: Vec<_> = (0..=MOST)
        .map(|_| {
            let environments = Arc::clone(&environments);
            tokio::spawn(async move { called(&environments, "/wait").await.unwrap() })
        })
        .collect();
    let full = WAITING.acquire_many(u32::try_from(MOST).unwrap()).await;
    full.unwrap().forget();
    {
        let state = environments.0.state();
        assert_eq!((state.environments, state.calls.len()), (MOST, 1));
    }
    GO.add_permits(MOST + 1);
    let mut met = std::collections::BTreeSet::new();
    for call in calls {
        met.insert(call.await.unwrap()[0].as_u64().unwrap());
    }
    assert_eq!(met.len(), MOST);
}

#[tokio::test]
async fn what_runs_on_after_the_answer_never_completes() {
    let environments = environments("t", LONG).await.unwrap();
    for path in ["/leave", "/", "/"] {
        assert!(called(&environments, path).await.is_some());
    }
    assert_eq!(LEFT.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_call_that_takes_too_long_ends_its_environment() {
    // So little time that the function cannot give up by itself before it is over.
    let environments = environments("t", Duration::from_millis(400)).await.unwrap();
    let first = called(&environments, "/").await.unwrap();
    assert_eq!(called(&environments, "/hang").await, None);
    let second = called(&environments, "/").await.unwrap();
    assert_ne!(first[0], second[0]);
}

#[tokio::test]
async fn a_panic_is_answered_and_the_environment_lives_on() {
    let environments = environments("t", LONG).await.unwrap();
    let first = called(&environments, "/").await.unwrap();
    assert_eq!(
        called(&environments, "/panic").await.unwrap()["code"],
        "FPWSE0010E"
    );
    assert_eq!(called(&environments, "/").await.unwrap(), first);
}

#[tokio::test]
async fn what_keeps_a_function_from_starting_is_told() {
    let error = |table| async move {
        environments(table, LONG)
            .await
            .err()
            .map(|error| error.to_string())
    };
    assert_eq!(error("none").await.as_deref(), Some("no table"));
    let unset = "environment variable APPLICATION_ID must be set";
    assert_eq!(error("").await.as_deref(), Some(unset));
}

#[tokio::test]
async fn a_worker_takes_json_gives_json_and_knows_its_deadline() {
    let timeout = Duration::from_millis(400);
    let environments = Environments::work::<Hidden>(recipe("t", timeout))
        .await
        .unwrap();
    let invoke = |event: &str| environments.invoke(event.to_owned(), None);
    let answer = r#"["x",0,1000000400]"#;
    assert_eq!(invoke(r#""x""#).await.as_deref(), Some(answer));
    for event in [r#""fail""#, r#""panic""#, "{}"] {
        assert_eq!(invoke(event).await, None, "{event}");
    }
    assert_eq!(invoke(r#""x""#).await.as_deref(), Some(answer));
    assert_eq!(invoke(r#""hang""#).await, None);
    let second = r#"["x",1,1000000400]"#;
    assert_eq!(invoke(r#""x""#).await.as_deref(), Some(second));
}
