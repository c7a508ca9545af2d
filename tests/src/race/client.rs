//! What one client does, and what has to be so about every answer.

use super::event::Event;
use super::plan::{Door, Op, Proof, Trouble, Way, What};
use super::scene::Scene;
use crate::answer::{Answer, UNAVAILABLE};
use crate::phone::{Phone, random_hex};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Barrier;

/// Where clients wait for each other, by number.
pub(super) type Meetings = BTreeMap<usize, Barrier>;

impl What {
    pub(super) const fn client(&self) -> Option<usize> {
        match self {
            Self::Asked { client, .. }
            | Self::Befalls { client, .. }
            | Self::Pauses { client, .. }
            | Self::Meets { client, .. } => Some(*client),
            Self::Passes(_) => None,
        }
    }
}

impl Scene {
    /// What one client does in a round.
    pub(super) async fn act(self, turns: Vec<What>, meetings: Arc<Meetings>) -> Vec<Event> {
        let mut events = Vec::new();
        for turn in turns {
            match turn {
                What::Asked { op, .. } => events.push(self.ask(op).await),
                What::Befalls { trouble, .. } => self.befall(trouble).await,
                What::Pauses { long, .. } => {
                    tokio::time::sleep(Duration::from_millis(long)).await;
                }
                What::Meets { meeting, .. } => {
                    meetings[&meeting].wait().await;
                }
                What::Passes(_) => {}
            }
        }
        events
    }

    pub(super) async fn ask(&self, op: Op) -> Event {
        let begun = self.now();
        let answer = self.request(&op).await;
        let answered = self.now();
        if answer.status >= 500 {
            answer.refused(UNAVAILABLE);
        }
        let body = serde_json::from_str(&answer.text).unwrap_or(Value::Null);
        let id = answer.header("apigw-requestid").expect("a request id");
        let event = Event {
            round: self.round,
            op,
            begun,
            answered,
            id: id.to_owned(),
            arrived: 0,
            unchanged: false,
            status: answer.status,
            body,
        };
        self.hold(&event);
        event
    }

    async fn request(&self, op: &Op) -> Answer {
        match op {
            Op::Register {
                door,
                device,
                token,
                user,
                proof,
            } => {
                let phone = self.phone(*device, *token);
                let user = user.map(|user| self.users[user].as_str());
                match door {
                    Door::Post => self.api.register(&phone, user, self.secret(*proof)).await,
                    Door::Put => self.api.update(&phone, user, self.secret(*proof)).await,
                }
            }
            Op::Read { device, proof } => {
                let phone = self.phone(*device, 0);
                self.api.read(&phone, self.secret(*proof)).await
            }
            Op::Unregister { device, proof } => {
                let phone = self.phone(*device, 0);
                self.api.unregister(&phone, self.secret(*proof)).await
            }
            Op::Subscribe { device, user, way } => {
                let (device, tag) = (&self.devices[*device], &self.users[*user]);
                let query = format!("?deviceId={device}&tagName={tag}");
                let call = match way {
                    Way::On => self.api.call(Method::POST, "/subscriptions"),
                    Way::Off => self
                        .api
                        .call(Method::DELETE, &format!("/subscriptions{query}")),
                };
                let call = call.secret(self.secret(Proof::Own(*user)));
                let body = json!({"deviceId": device, "tagName": tag});
                call.json(&body).send().await
            }
            Op::Erase { user } => {
                let route = format!("/users/{}", self.users[*user]);
                let erase = self.api.call(Method::DELETE, &route);
                erase.backend(&self.api).send().await
            }
            Op::Send { users } => {
                let users: Vec<_> = users.iter().map(|user| &self.users[*user]).collect();
                let alert = format!("{} {}", self.name, random_hex(6));
                let message = json!({"message": {"alert": alert}, "target": {"userIds": users}});
                let mut answer = self.api.send(&message).await;
                if answer.status >= 500 {
                    // Which message it was does not stand in a refusal.
                    answer.text = json!({"message": {"message": {"alert": alert}}}).to_string();
                }
                answer
            }
        }
    }

    /// What has to be so about every answer, whatever the others do.
    fn hold(&self, event: &Event) {
        let may = match &event.op {
            Op::Register {
                door, user, proof, ..
            } => {
                let right = match (user, proof) {
                    (Some(user), Proof::Own(own)) => own == user,
                    (Some(_), Proof::Provisioned) | (None, _) => true,
                    (Some(_), _) => false,
                };
                // The judge knows whether the user was erased.
                let sure = right && *proof == Proof::Provisioned;
                match (event.status, door) {
                    (201, Door::Post) | (200 | 404, Door::Put) => right,
                    (401, _) => !sure,
                    _ => false,
                }
            }
            Op::Read { proof, .. } => match event.status {
                200 => matches!(proof, Proof::Own(_) | Proof::Provisioned),
                404 => true,
                _ => false,
            },
            Op::Unregister { proof, .. } => match event.status {
                204 | 404 => true,
                401 => *proof == Proof::Nothing,
                _ => false,
            },
            Op::Subscribe { way, .. } => match event.status {
                201 => *way == Way::On,
                204 => *way == Way::Off,
                404 => true,
                _ => false,
            },
            Op::Send { .. } => event.status == 202,
            Op::Erase { .. } => event.status == 204,
        };
        assert!(
            may || event.status == 503,
            "an answer that may not be: {event:?}"
        );
        if event.done()
            && let Op::Register {
                device,
                token,
                user,
                ..
            } = &event.op
        {
            let user = user.map_or("anonymous", |user| self.users[user].as_str());
            let shown = [
                &event.body["deviceId"],
                &event.body["token"],
                &event.body["userId"],
            ];
            let asked = [&self.devices[*device], &self.tokens[*token].1, user];
            assert_eq!(shown, asked, "{event:?}");
        }
    }

    fn phone(&self, device: usize, token: usize) -> Phone {
        let (platform, token) = &self.tokens[token];
        Phone {
            device: self.devices[device].clone(),
            token: token.clone(),
            platform,
        }
    }

    fn secret(&self, proof: Proof) -> Option<&str> {
        match proof {
            Proof::Nothing => None,
            Proof::Provisioned => Some(self.api.client_secret()),
            Proof::Own(user) => Some(&self.secrets[user]),
            Proof::Expired(user) => Some(&self.expired[user]),
        }
    }

    async fn befall(&self, trouble: Trouble) {
        let sns = |operation: &str, token: usize| json!({"service": "sns", "operation": operation, "token": self.tokens[token].1});
        let write = || json!({"service": "dynamodb", "operation": "TransactWriteItems"});
        let (mut fault, property, value) = match trouble {
            Trouble::SlowEndpoint(token, long) => {
                (sns("CreatePlatformEndpoint", token), "delayMs", json!(long))
            }
            Trouble::SlowPublish(token, long) => (sns("Publish", token), "delayMs", json!(long)),
            Trouble::ThrottledPublish(token) => {
                (sns("Publish", token), "fault", json!("Throttling"))
            }
            Trouble::LostEndpoint(token) => (sns("Publish", token), "fault", json!("NotFound")),
            Trouble::SlowTransaction(long) => (write(), "delayMs", json!(long)),
            Trouble::Torn(pause) => {
                let mut torn = write();
                torn["fault"] = json!("Torn");
                (torn, "delayMs", json!(pause))
            }
            Trouble::Conflict => (write(), "fault", json!("Conflict")),
            Trouble::LostAnswer => (write(), "fault", json!("lostAnswer")),
            Trouble::Unprocessed => (
                json!({"service": "dynamodb"}),
                "fault",
                json!("Unprocessed"),
            ),
            Trouble::DisabledEndpoint(token) => {
                let token = &self.tokens[token].1;
                if self.api.endpoint(token).await.is_some() {
                    self.api.set_endpoint(token, "enabled", false).await;
                }
                return;
            }
            Trouble::Sweep(seed, percent) => {
                let fraction = f64::from(u32::try_from(percent).expect("a percentage")) / 100.0;
                let sweep = json!({"fraction": fraction, "seed": seed});
                self.api.control(Method::POST, "/sweep", Some(sweep)).await;
                return;
            }
        };
        fault[property] = value;
        self.api.control(Method::POST, "/faults", Some(fault)).await;
    }
}
