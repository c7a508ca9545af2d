//! Plays a history to a server, with real requests by clients that run at the same time, and notes what shows of it.

use super::client::Meetings;
use super::event::{Event, Landed, Quiet, Record, Violation};
use super::plan::{
    CLIENTS, DAY, GRACE_DAYS, LEASE_DAYS, Op, Passing, Plan, Proof, STRANGERS, What,
};
use crate::api::Api;
use crate::clock::{machine, parsed};
use crate::jwt::{self, uid};
use crate::message::Push;
use crate::phone::{apns_token, device, fcm_token, random_hex, user};
use crate::table::Table;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::sync::Barrier;

/// Secrets that a user gets so many seconds after an erasure are good.
const ERASED: u64 = 10;
/// What the server notes, and gives away at quiet moments.
const NOTED: [&str; 3] = ["/pushes", "/requests", "/metrics"];

/// A server, and how far its clock is ahead of the machine's.
pub(super) struct Stage {
    pub(super) api: Api,
    ahead: u64,
}

/// The names in one run of a history, and what its clients know.
#[derive(Clone)]
pub(super) struct Scene {
    pub(super) api: Api,
    ahead: u64,
    pub(super) round: usize,
    /// What the texts of its messages begin with.
    pub(super) name: String,
    pub(super) users: Arc<Vec<String>>,
    pub(super) secrets: Arc<Vec<String>>,
    pub(super) expired: Arc<Vec<String>>,
    pub(super) devices: Arc<Vec<String>>,
    pub(super) tokens: Arc<Vec<(&'static str, String)>>,
}

impl Stage {
    /// With a server that nobody else uses, started a moment ago.
    pub(super) const fn new(api: Api) -> Self {
        Self { api, ahead: 0 }
    }

    /// Plays a history. At its end everything has expired and was swept.
    ///
    /// # Errors
    /// An answer that may not be, or items that stay.
    pub(super) async fn play(&mut self, plan: &Plan) -> Result<Record, Violation> {
        let mut scene = self.scene(plan);
        let mut record = Record {
            users: scene.users.to_vec(),
            devices: scene.devices.to_vec(),
            tokens: scene
                .tokens
                .iter()
                .map(|(_, token)| token.clone())
                .collect(),
            events: Vec::new(),
            landed: Vec::new(),
            quiets: Vec::new(),
        };
        for noted in NOTED {
            self.api.control(Method::DELETE, noted, None).await;
        }
        let rounds = plan.steps.iter().map(|step| step.round).max();
        let mut begun = scene.now();
        for round in 0..=rounds.unwrap_or_default() {
            let steps = plan.steps.iter().filter(|step| step.round == round);
            for step in steps.clone() {
                if let What::Passes(passing) = &step.what {
                    self.pass(*passing, begun).await;
                }
            }
            let erases = |event: &Event| matches!(event.op, Op::Erase { .. });
            if (record.events.iter()).any(|event| event.round + 1 == round && erases(event)) {
                self.advance(ERASED).await;
            }
            scene.round = round;
            if round == 0 {
                scene.make_tags().await;
            }
            if round == 0 || scene.ahead != self.ahead {
                scene.ahead = self.ahead;
                scene.log_in().await;
                scene.look(&mut record).await;
            }
            begun = scene.now();
            let mut meetings: BTreeMap<usize, usize> = BTreeMap::new();
            for step in steps.clone() {
                if let What::Meets { meeting, .. } = step.what {
                    *meetings.entry(meeting).or_default() += 1;
                }
            }
            let meetings = meetings
                .into_iter()
                .map(|(meeting, who)| (meeting, Barrier::new(who)));
            let meetings: Arc<Meetings> = Arc::new(meetings.collect());
            let mut clients = Vec::new();
            for client in 0..CLIENTS {
                let turns: Vec<What> = steps
                    .clone()
                    .map(|step| step.what.clone())
                    .filter(|what| what.client() == Some(client))
                    .collect();
                clients.push(tokio::spawn(
                    scene.clone().act(turns, Arc::clone(&meetings)),
                ));
            }
            let mut wrong = None;
            for client in clients {
                match client.await {
                    Ok(events) => record.events.extend(events),
                    Err(failed) => wrong = Some(failed),
                }
            }
            if let Some(failed) = wrong {
                let how = failed.try_into_panic().ok();
                let how = how.and_then(|how| how.downcast::<String>().ok());
                return Err(Violation {
                    promise: "every answer is one that may be",
                    how: how.map_or_else(String::new, |how| *how),
                    round,
                    devices: (0..plan.devices()).collect(),
                });
            }
            self.api.control(Method::DELETE, "/faults", None).await;
            scene.rest(&mut record).await;
        }
        self.advance((LEASE_DAYS + GRACE_DAYS + 1) * DAY).await;
        let all = json!({"fraction": 1.0});
        self.api.control(Method::POST, "/sweep", Some(all)).await;
        let items = self.api.items().await;
        let left = Table::of(&items, &record.devices.iter().cloned().collect());
        if !left.is_empty() {
            return Err(Violation {
                promise: "what has expired can be swept",
                how: format!("{left:#?}"),
                round: rounds.unwrap_or_default(),
                devices: (0..plan.devices()).collect(),
            });
        }
        Ok(record)
    }

    fn scene(&self, plan: &Plan) -> Scene {
        let names = ["alice", "bob", "carol", "dave"];
        let strangers = (0..STRANGERS).map(|_| user("stranger"));
        let users: Vec<_> = (names.into_iter().take(plan.users).map(user))
            .chain(strangers)
            .collect();
        let token = |n: usize| match n / 2 % 2 {
            0 => ("G", fcm_token()),
            _ => ("A", apns_token()),
        };
        let key = self.api.client_secret();
        let past = |user: &String| {
            let claims = json!({"iss": self.api.application(), "sub": user, "iat": 1_000_000_000, "exp": 1_000_086_400});
            jwt::sign(key, &jwt::header(key), &claims)
        };
        Scene {
            api: self.api.clone(),
            ahead: self.ahead,
            round: 0,
            name: random_hex(4),
            expired: Arc::new(users.iter().map(past).collect()),
            secrets: Arc::default(),
            users: Arc::new(users),
            devices: Arc::new((0..plan.devices()).map(|_| device()).collect()),
            tokens: Arc::new((0..plan.devices()).map(token).collect()),
        }
    }

    async fn pass(&mut self, passing: Passing, begun: u64) {
        let until = |end: u64| {
            // A second early, so that the ends come one by one while the clients are at it.
            (begun / 1000 + end).saturating_sub((machine() + self.ahead) / 1000 + 1)
        };
        let seconds = match passing {
            Passing::Seconds(seconds) => seconds,
            Passing::UntilLeasesEnd => until(LEASE_DAYS * DAY),
            Passing::UntilItemsExpire => until((LEASE_DAYS + GRACE_DAYS) * DAY),
        };
        self.advance(seconds).await;
    }

    async fn advance(&mut self, seconds: u64) {
        self.api.advance(seconds).await;
        self.ahead += seconds * 1000;
    }
}

impl Scene {
    pub(super) fn now(&self) -> u64 {
        machine() + self.ahead
    }

    /// Each user has a tag that nobody else subscribes to, called as the user is.
    async fn make_tags(&self) {
        for user in self.users.iter() {
            let make = self.api.call(Method::POST, "/tags").backend(&self.api);
            make.json(&json!({"name": user})).send().await.ok(201);
        }
    }

    /// Everybody gets a client secret that is good for a day.
    async fn log_in(&mut self) {
        let secrets = self.users.iter().map(|user| self.api.secret(user));
        self.secrets = Arc::new(join_all(secrets).await);
    }

    /// Looks at every device: some have lost their owner while time went by, or are known no more.
    async fn look(&self, record: &mut Record) {
        for device in 0..self.devices.len() {
            let proof = Proof::Provisioned;
            record
                .events
                .push(self.ask(Op::Read { device, proof }).await);
        }
    }

    /// What was noted since it was taken last.
    async fn taken(&self, noted: &str) -> Value {
        let taken = self.api.control(Method::GET, noted, None).await;
        self.api.control(Method::DELETE, noted, None).await;
        taken
    }

    /// Everybody is quiet: a send to all of them, a look at the table, at the phones and at the logs.
    async fn rest(&self, record: &mut Record) {
        let users = (0..self.users.len()).collect();
        let sent = record.events.len();
        record.events.push(self.ask(Op::Send { users }).await);
        let since = self.now();
        let items = self.api.items().await;
        let until = self.now();
        let table = Table::of(&items, &self.devices.iter().cloned().collect());
        record.quiets.push(Quiet {
            since,
            until,
            table,
            sent,
        });
        let [shown, requests, metrics] = NOTED.map(|noted| self.taken(noted));
        let (shown, requests, metrics) = tokio::join!(shown, requests, metrics);
        note_arrivals(record, &requests, &metrics);
        let uids: Vec<_> = (self.users.iter())
            .map(|user| uid(self.api.application(), user))
            .collect();
        let alerts: BTreeMap<String, usize> = (record.events.iter().enumerate())
            .filter_map(|(n, event)| {
                let alert = event.body["message"]["message"]["alert"].as_str()?;
                Some((alert.to_owned(), n))
            })
            .collect();
        for push in shown["pushes"].as_array().expect("a list") {
            let push = Push(push.clone());
            let Some(sent) = alerts.get(push.alert()).copied() else {
                assert!(
                    !push.alert().starts_with(&self.name),
                    "nobody sent {push:?}"
                );
                continue;
            };
            let token = self
                .tokens
                .iter()
                .position(|(_, token)| push.0["token"] == *token);
            let user = uids.iter().position(|uid| push.payload()["uid"] == *uid);
            record.landed.push(Landed {
                token: token.expect("a token of this history"),
                user: user.expect("a user of this history"),
                sent,
                at: parsed(push.0["at"].as_str().expect("a moment")),
            });
        }
    }
}

/// Notes of the events that are new when they arrived, and which registrations wrote nothing.
fn note_arrivals(record: &mut Record, requests: &Value, metrics: &Value) {
    let list = |shown: &Value, name: &str| shown[name].as_array().expect(name).clone();
    let id = |line: &Value| line["requestId"].as_str().map(str::to_owned);
    let arrived = |entry: Value| Some((id(&entry)?, entry["requestTimeEpoch"].as_u64()?));
    let arrived: BTreeMap<_, _> = list(requests, "requests")
        .into_iter()
        .filter_map(arrived)
        .collect();
    let unchanged: BTreeSet<_> = list(metrics, "metrics")
        .iter()
        .filter(|line| line["Outcome"] == "unchanged" && line["Registrations"] == 1)
        .filter_map(id)
        .collect();
    for event in record.events.iter_mut().filter(|event| event.arrived == 0) {
        event.arrived = *arrived.get(&event.id).expect("it is in the access log");
        event.unchanged = unchanged.contains(&event.id);
    }
}
