//! Lambda for functions that are processes: this program is also the function, where its environment says so.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use aws::{Cause, Clock, Start, Worker};
use libtest_mimic::{Arguments, Failed, Trial};
use push::Time;
use serde_json::{Value, json};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tests::{Cloud, Fed, Processes, Recipe, Source};
use tokio::runtime::Runtime;

/// What this process is: a test, or a function.
const ROLE: &str = "ROLE";
const LONG: Duration = Duration::from_mins(1);

#[expect(
    clippy::disallowed_methods,
    reason = "the setting and the clock of this program"
)]
fn main() -> ExitCode {
    let runtime = Runtime::new().unwrap();
    let worked = match std::env::var(ROLE).as_deref() {
        Ok("rotate") => runtime.block_on(aws::work::<rotate::Rotate>(SystemTime::now)),
        Ok("obedient") => runtime.block_on(aws::work::<Obedient>(SystemTime::now)),
        _ => return test(),
    };
    worked.map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
}

fn test() -> ExitCode {
    let arguments = Arguments::from_args();
    let trial = |name: &str, told: fn() -> Result<(), Failed>| Trial::test(name, told);
    let trials = vec![
        trial("a_function_of_ours_runs_as_a_process", || tell(ours())),
        trial("a_failure_and_a_panic_leave_the_process_alive", || {
            tell(failures())
        }),
        trial("a_process_that_is_killed_is_replaced", || tell(kills())),
        trial("an_invocation_that_takes_too_long_ends_its_process", || {
            tell(too_long())
        }),
        trial("a_process_that_does_not_start_says_so", || tell(no_start())),
        trial(
            "what_is_not_done_stays_in_the_queue_and_comes_again",
            || tell(feeding()),
        ),
    ];
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn tell(test: impl Future<Output = ()>) -> Result<(), Failed> {
    Runtime::new()?.block_on(test);
    Ok(())
}

/// Does what the text of each message says.
struct Obedient {
    clock: Clock,
}

impl Worker for Obedient {
    const NAME: &'static str = "obedient";
    type Event = Value;
    type Answer = Value;

    async fn start(start: &Start) -> Result<Self, lambda_http::Error> {
        Ok(Self {
            clock: start.clock.clone(),
        })
    }

    async fn work(&self, event: Value, deadline: Time) -> Result<Value, Cause> {
        let record = &event["Records"][0];
        let first = record["attributes"]["ApproximateReceiveCount"] == "1";
        match record["body"].as_str() {
            Some("name it once") if first => {
                Ok(json!({"batchItemFailures": [{"itemIdentifier": record["messageId"]}]}))
            }
            Some("fail once") if first => Err("as told".into()),
            Some("panic") => panic!("as told"),
            Some("die once") if first => std::process::exit(7),
            Some("hang") => std::future::pending().await,
            _ => Ok(json!({"left": deadline.since((self.clock)()).millis()})),
        }
    }
}

/// A local system and the recipe of a function of this program, with the environment that the template gives `rotate`.
async fn local(role: &str) -> (local::Local, Recipe, Cloud) {
    let options = local::Options {
        port: 0,
        ..local::Options::default()
    };
    let local = local::Local::start(options).await.unwrap();
    let info = reqwest::get(format!("{}/_local/info", local.base_url()))
        .await
        .unwrap();
    let info: Value = info.json().await.unwrap();
    let cloud = Cloud::at(info["awsEndpointUrl"].as_str().unwrap());
    let mut environment = local.environment("RotateFunction").unwrap().clone();
    environment.insert(ROLE.to_owned(), role.to_owned());
    let recipe = Recipe {
        binary: std::env::current_exe().unwrap(),
        arguments: Vec::new(),
        name: role.to_owned(),
        memory: 128,
        environment,
        endpoint_url: cloud.url().to_owned(),
    };
    (local, recipe, cloud)
}

/// The event of one message.
fn message(body: &str) -> Value {
    json!({"Records": [{"messageId": "m", "body": body, "attributes": {"ApproximateReceiveCount": "1"}}]})
}

/// Waits until a process has something to do, and kills it.
async fn kill(processes: &Processes) -> u32 {
    loop {
        if let Some(id) = processes.kill_one_at_random() {
            return id;
        }
        tokio::task::yield_now().await;
    }
}

fn killed() -> tests::Failed {
    tests::Failed::Ended("signal: 9 (SIGKILL)".to_owned())
}

async fn ours() {
    let (_local, recipe, cloud) = local("rotate").await;
    let secret = recipe.environment["CLIENT_SECRET_ID"].clone();
    let version = "00000001-0000-4000-8000-000000000000";
    let processes = Processes::start(recipe, 1).await.unwrap();
    for step in ["createSecret", "setSecret", "testSecret", "finishSecret"] {
        let event = json!({"Step": step, "SecretId": secret, "ClientRequestToken": version});
        assert_eq!(processes.invoke(&event, LONG).await, Ok(Value::Null));
    }
    let current = json!({"SecretId": secret});
    let current = cloud.json("secretsmanager.GetSecretValue", &current).await;
    assert_eq!(current.unwrap()["VersionId"], version);
}

async fn failures() {
    let (_local, recipe, _) = local("obedient").await;
    let processes = Processes::start(recipe, 1).await.unwrap();
    for body in ["fail once", "panic"] {
        let failed = processes.invoke(&message(body), LONG).await;
        let Err(tests::Failed::Error(error)) = failed else {
            panic!("{body}: {failed:?}");
        };
        assert!(
            error["errorMessage"].as_str().unwrap().contains("as told"),
            "{error}"
        );
    }
    let answer = processes.invoke(&message("go on"), LONG).await.unwrap();
    let left = Duration::from_millis(answer["left"].as_u64().unwrap());
    assert!(left > LONG / 2 && left <= LONG, "{left:?}");
    // No process has ended.
    assert_eq!(processes.peak_memory().len(), 1);
}

async fn kills() {
    let (_local, recipe, _) = local("obedient").await;
    let processes = Processes::start(recipe, 2).await.unwrap();
    assert_eq!(processes.kill_one_at_random(), None);
    let hang = message("hang");
    let (failed, first) = tokio::join!(processes.invoke(&hang, LONG), kill(&processes));
    assert_eq!(failed, Err(killed()));
    let (failed, second) = tokio::join!(processes.invoke(&hang, LONG), kill(&processes));
    assert_eq!(failed, Err(killed()));
    assert_ne!(first, second);
    let go_on = message("go on");
    let (one, other) = tokio::join!(
        processes.invoke(&go_on, LONG),
        processes.invoke(&go_on, LONG)
    );
    assert!(one.is_ok() && other.is_ok(), "{one:?} {other:?}");
    let peaks = processes.peak_memory();
    assert_eq!(peaks.len(), 4);
    assert!(
        peaks.iter().all(|peak| (1024..1024 * 1024).contains(peak)),
        "{peaks:?}"
    );
}

async fn too_long() {
    let (_local, recipe, _) = local("obedient").await;
    let processes = Processes::start(recipe, 1).await.unwrap();
    let short = Duration::from_millis(200);
    let failed = processes.invoke(&message("hang"), short).await;
    assert_eq!(failed, Err(tests::Failed::TimedOut));
    assert!(processes.invoke(&message("go on"), LONG).await.is_ok());
    assert_eq!(processes.peak_memory().len(), 2);
}

async fn no_start() {
    let (_local, mut recipe, _) = local("obedient").await;
    recipe.environment.remove("TABLE_NAME");
    let failed = Processes::start(recipe, 1).await.err();
    assert_eq!(
        failed,
        Some(tests::Failed::Ended("exit status: 1".to_owned()))
    );
}

async fn feeding() {
    let (_local, recipe, cloud) = local("obedient").await;
    // A queue that nothing else in the local system reads.
    let queue_url = Source::queue_url(&cloud, "userpush-JobDeadLetterQueue")
        .await
        .unwrap();
    for body in ["go on", "name it once", "fail once", "die once", "go on"] {
        let input = json!({"QueueUrl": queue_url, "MessageBody": body});
        cloud.json("AmazonSQS.SendMessage", &input).await.unwrap();
    }
    let source = Source {
        cloud: cloud.clone(),
        queue_url,
        visibility: Duration::from_secs(1),
        at_once: 2,
        timeout: LONG,
        function: Arc::new(Processes::start(recipe, 2).await.unwrap()),
    };
    let fed = Arc::new(source).drain().await;
    assert_eq!(fed, Ok(Fed { done: 5, failed: 3 }));
}
