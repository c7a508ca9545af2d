//! A send to 500 users at the pace of the defaults, alone and while a message to everybody is on its way.

use super::check::Told;
use super::{ALERT, Crowd, Large, dispatched};
use crate::api::Api;
use crate::clock;
use reqwest::Method;
use serde_json::{Value, json};

/// Users, each with one device.
const USERS: usize = 500;
/// What is not optimised, and runs beside other tests, may take three times as long.
const SLOWER: u64 = if cfg!(debug_assertions) { 3 } else { 1 };
/// The last of them is reached so long after the request, in milliseconds: alone, and beside a broadcast.
const ALONE: u64 = 3_000 * SLOWER;
const BESIDE: u64 = 5_000 * SLOWER;
/// The broadcast is on its way once it reached this number of devices.
const UNDER_WAY: u64 = 300;
/// No second has more pushes than SNS accepts in most regions.
const QUOTA: u64 = 300 * SLOWER;

/// How a send kept its time.
struct Sent {
    /// From the request to the last push, in milliseconds.
    took: u64,
    /// When each push came, in order.
    pushes: Vec<u64>,
    /// What is wrong with them.
    wrong: Vec<String>,
}

impl Large {
    /// Sends to 500 users twice, at the defaults. Gives what it took.
    ///
    /// # Errors
    /// A send took too long, missed somebody, or a second had too many pushes.
    ///
    /// # Panics
    /// Where it cannot go on: the API does not do what it is asked for.
    pub async fn in_turn(&self) -> Result<String, String> {
        let parameters = vec![("AllowBroadcast".to_owned(), "true".to_owned())];
        let (api, registry, _) = self.start(parameters).await?;
        let (users, everybody) = (
            Crowd::new(USERS, USERS),
            Crowd::new(self.devices, self.users),
        );
        users.register(&registry, None).await?;
        let alone = send(&api, &users).await;

        everybody.register(&registry, None).await?;
        api.control(Method::DELETE, "/pushes", None).await;
        api.forget_calls().await;
        let broadcast = json!({"message": {"alert": "to everybody"}});
        api.send(&broadcast).await.ok(202);
        api.called("sns.Publish", UNDER_WAY).await;
        let beside = send(&api, &users).await;

        let mut wrong = Vec::new();
        let mut report = String::new();
        for (sent, what, most) in [
            (&alone, "alone", ALONE),
            (&beside, "beside a broadcast", BESIDE),
        ] {
            let second = most_in_a_second(&sent.pushes);
            let line = format!(
                "500 users {what}: the last push after {} ms, at most {second} in a second\n",
                sent.took
            );
            report.push_str(&line);
            wrong.extend(sent.wrong.clone());
            if sent.took > most {
                wrong.push(format!("{what}: the last push came after {} ms", sent.took));
            }
            if second as u64 > QUOTA {
                wrong.push(format!("{what}: {second} pushes in a second"));
            }
        }
        let length = beside.pushes.last().unwrap() - beside.pushes[0];
        let rate = beside.pushes.len() as u64 * 1000 / length.max(1);
        let line = format!("beside a broadcast: {rate} pushes a second\n");
        report.push_str(&line);
        if wrong.is_empty() {
            Ok(report)
        } else {
            Err(format!("{report}{}", wrong.join("\n")))
        }
    }
}

async fn send(api: &Api, users: &Crowd) -> Sent {
    let begun = clock::machine();
    let message = json!({"message": {"alert": ALERT}, "target": {"userIds": users.users()}});
    let answer = api.send(&message).await.ok(202);
    let id = answer["messageId"].as_str().unwrap();
    dispatched(api, id).await;
    let all = api.control(Method::GET, "/pushes", None).await;
    let all = all["pushes"].as_array().unwrap();
    let at = |push: &Value| clock::parsed(push["at"].as_str().unwrap());
    let own = |push: &&Value| crate::message::Push((*push).clone()).alert() == ALERT;
    let own: Vec<_> = all.iter().filter(own).cloned().collect();
    let told = Told {
        message: id,
        alert: ALERT,
        application: api.application(),
        crowds: &[users],
        names_users: true,
    };
    let last = own.iter().map(at).max().unwrap_or_default();
    let (received, mut wrong) = told.received(&json!({"pushes": own}));
    if received.repeats > 0 {
        wrong.push(format!("{} pushes came twice", received.repeats));
    }
    let mut pushes: Vec<_> = all.iter().map(at).collect();
    pushes.sort_unstable();
    Sent {
        took: last.saturating_sub(begun),
        pushes,
        wrong,
    }
}

fn most_in_a_second(times: &[u64]) -> usize {
    let within = |first: usize| times.partition_point(|time| *time < times[first] + 1000) - first;
    (0..times.len()).map(within).max().unwrap_or_default()
}
