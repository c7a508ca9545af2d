//! Every fault at every call to AWS of every operation: what is answered, what there is then, and that a repeat by the
//! client makes it right. The table of it is `tests/faults/README.md`.

mod fault;
mod operation;
mod scene;
mod table;

use crate::answer::{INTERNAL, UNAVAILABLE};
use crate::api::Api;
use crate::story::Place;
use fault::{Call, Fault, Times};
use futures_util::FutureExt;
use futures_util::future::join_all;
use operation::{ALL, Operation};
use scene::{Scene, State};
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// One fault at one call of one operation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Case {
    operation: Operation,
    call: Call,
    fault: Fault,
    times: Times,
}

/// What there is before an operation, and after it when all goes well.
#[derive(Clone, Debug)]
struct Usual {
    before: State,
    after: State,
}

/// What became of a case.
#[derive(Clone, Debug)]
struct Seen {
    status: u16,
    state: State,
    /// Whether the status of a message that was sent says so.
    counted: bool,
    again: u16,
    healed: State,
}

/// Faults hit whoever calls next, so each case has a server to itself; many wait for long, so there are many of them.
const SERVERS: usize = 80;
/// The number of them that have webhooks.
const WITH_WEBHOOKS: usize = 8;
/// A request with a key that is under way is left alone for so long, in seconds.
const CLAIM: u64 = 61;
/// After this the secrets that a function knows are no longer fresh, in seconds.
const STALE: u64 = 61;

/// Tries all of them; gives the table as Markdown.
///
/// # Errors
/// The cases that went wrong, each with how; and the table.
pub async fn faults() -> Result<String, (Vec<String>, String)> {
    let usual = Mutex::new(BTreeMap::new());
    let cases = Mutex::new(Vec::new());
    let seen = Mutex::new(BTreeMap::new());
    let wrong = Mutex::new(Vec::new());
    let servers = join_all((0..SERVERS).map(|n| server(n < WITH_WEBHOOKS))).await;
    let operations = Mutex::new(ALL.to_vec());
    join_all(servers.iter().map(|(api, webhooks)| async {
        let fits = |operation: &Operation| operation.needs_webhooks() == *webhooks;
        while let Some(operation) = next(&operations, fits) {
            let (known, found) = plan(api, operation).await;
            locked(&usual).insert(operation, known);
            locked(&cases).extend(found);
        }
    }))
    .await;
    // The longest begin first.
    locked(&cases).sort_by_key(|case: &Case| (case.time(), case.clone()));
    join_all(servers.iter().map(|(api, webhooks)| async {
        let fits = |case: &Case| case.operation.needs_webhooks() == *webhooks;
        while let Some(case) = next(&cases, fits) {
            let known = locked(&usual)[&case.operation].clone();
            match AssertUnwindSafe(tried(api, &case)).catch_unwind().await {
                Ok((found, took)) => {
                    locked(&wrong).extend(case.wrong(&found, &known, took));
                    locked(&seen).insert(case, found);
                }
                Err(_) => locked(&wrong).push(format!("{}: it cannot be told", case.name())),
            }
        }
    }))
    .await;
    let table = table::table(&locked(&usual), &locked(&seen));
    let wrong = wrong.into_inner().unwrap_or_else(PoisonError::into_inner);
    if wrong.is_empty() {
        Ok(table)
    } else {
        Err((wrong, table))
    }
}

/// A server, and whether it has webhooks.
async fn server(webhooks: bool) -> (Api, bool) {
    // Fast enough for a job to have one page.
    let mut parameters = vec!["PublishPerSecond=10000"];
    if webhooks {
        parameters.push("Webhooks=true");
    }
    let place = Place::Here { dynamodb: None };
    (place.own(&parameters).await, webhooks)
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The last one that fits.
fn next<T>(list: &Mutex<Vec<T>>, fits: impl Fn(&T) -> bool) -> Option<T> {
    let mut list = locked(list);
    let at = list.iter().rposition(fits)?;
    Some(list.remove(at))
}

/// What an operation comes to when all goes well, and everything that can go wrong with it.
async fn plan(api: &Api, operation: Operation) -> (Usual, Vec<Case>) {
    let scene = Scene::set(api, operation).await;
    let before = scene.state().await;
    let calls = scene.calls().await;
    let after = scene.state().await;
    let mut calls = Call::of(&calls);
    let fresh = calls.iter().all(|call| call.service != "secretsmanager");
    assert!(fresh, "{operation:?} asks for secrets that it should know");
    // One more, as soon as what is known of the secrets is no longer fresh.
    calls.push(Call {
        service: "secretsmanager".to_owned(),
        operation: "GetSecretValue".to_owned(),
        nth: 0,
    });
    let mut cases = Vec::new();
    for call in calls {
        for fault in call.faults() {
            if operation == Operation::ToldGone && fault == Fault::OtherAttributes {
                // What is gone has no attributes.
                continue;
            }
            for times in [Times::Once, Times::Always] {
                cases.push(Case {
                    operation,
                    call: call.clone(),
                    fault,
                    times,
                });
            }
        }
    }
    (Usual { before, after }, cases)
}

/// Plays a case; gives what was seen, and how long the answer took.
async fn tried(api: &Api, case: &Case) -> (Seen, Duration) {
    let scene = Scene::set(api, case.operation).await;
    let endpoint = match case.fault {
        Fault::OtherAttributes => scene.with_endpoint().await,
        Fault::Named(_) => String::new(),
    };
    if case.call.service == "secretsmanager" {
        api.advance(STALE).await;
    }
    for fault in case.call.fail(case.fault, case.times, &endpoint) {
        api.control(reqwest::Method::POST, "/faults", Some(fault))
            .await;
    }
    let begun = Instant::now();
    let answer = scene.act().await;
    let took = begun.elapsed();
    api.control(reqwest::Method::DELETE, "/faults", None).await;
    match answer.status {
        503 => answer.refused(UNAVAILABLE),
        500.. => answer.refused(INTERNAL),
        _ => {}
    }
    let counted = scene.settle(&answer).await;
    let state = scene.state().await;
    let mut again = scene.act().await;
    if case.operation.has_key() && again.status == 503 {
        // Whoever worked on it is left alone for so long.
        api.advance(CLAIM).await;
        again = scene.act().await;
    }
    scene.settle(&again).await;
    let seen = Seen {
        status: answer.status,
        state,
        counted,
        again: again.status,
        healed: scene.state().await,
    };
    (seen, took)
}

impl Case {
    /// About how long the function tries, in seconds.
    fn time(&self) -> u64 {
        match (self.times, self.operation.sends()) {
            (Times::Once, _) => 0,
            (Times::Always, false) => 10,
            (Times::Always, true) => 12,
        }
    }

    /// Whether it says what becomes of the device's push, rather than that somebody asks for patience.
    fn is_an_outcome(&self) -> bool {
        let outcomes = [
            "AuthorizationError",
            "NotFound",
            "PlatformApplicationDisabled",
            "InvalidParameter",
        ];
        self.call.service == "sns"
            && matches!(self.fault, Fault::Named(name) if outcomes.contains(&name))
    }

    fn name(&self) -> String {
        let (call, fault) = (self.call.title(), self.fault.title());
        format!(
            "{}, {call}: {fault}, {}",
            self.operation.title(),
            self.times.title()
        )
    }

    /// Where what was seen is not as it has to be, whatever the fault.
    fn wrong(&self, seen: &Seen, usual: &Usual, took: Duration) -> Option<String> {
        let success = self.operation.success();
        let (state, healed) = (seen.state.devices(), seen.healed.devices());
        // The time-outs of the functions in the template, and what a busy machine adds on the way: a function that is
        // ended by its time-out gives no answer in the contract's shape.
        let limit = Duration::from_secs(3 + if self.operation.sends() { 29 } else { 15 });
        // What SNS says of an application that is not there is the answer.
        let no_application = self.fault == Fault::Named("NotFound")
            && self.call.operation == "CreatePlatformEndpoint";
        let fitting =
            [success, 500, 503].contains(&seen.status) || (no_application && seen.status == 404);
        // A send has to reach people, not to change anything; and a read goes well where the renewal does not.
        let changes = !self.operation.sends() && self.operation != Operation::ReadAndRenewed;
        let answered = self.operation.has_key() && seen.status == success;
        let told = !self.operation.sends()
            || seen.healed.pushes >= usual.after.pushes
            || (answered && self.is_an_outcome());
        let lost = seen.status == success
            && self.operation.sends()
            && !self.is_an_outcome()
            && seen.state.pushes < usual.after.pushes;
        let twice = answered && seen.healed.pushes != seen.state.pushes;
        let how = if !fitting {
            format!("{} is answered", seen.status)
        } else if seen.status == success && changes && state != usual.after.devices() {
            format!("{success} is answered, and {state}")
        } else if lost {
            format!("{success} is answered, and nobody is told")
        } else if twice {
            "the repeat is a second send".to_owned()
        } else if took >= limit {
            format!("the answer takes {took:?}")
        } else if seen.again != success || healed != usual.after.devices() || !told {
            format!("the repeat is answered {}, and {healed}", seen.again)
        } else {
            return None;
        };
        Some(format!("{}: {how}", self.name()))
    }
}
