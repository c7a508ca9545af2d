//! One try at an operation: what there is before, the call, and what there is then.

use super::operation::Operation;
use crate::answer::{Answer, NOT_FOUND};
use crate::api::Api;
use crate::clock::machine;
use crate::cloud::Cloud;
use crate::message::Push;
use crate::phone::{Phone, random_hex, user};
use crate::table::Table;
use reqwest::Method;
use serde_json::{Value, json};

/// Users and phones of one try at an operation.
pub(super) struct Scene {
    api: Api,
    operation: Operation,
    alice: String,
    bob: String,
    /// The secret of who calls.
    secret: String,
    phone: Phone,
    other: Phone,
    fresh: Phone,
    /// The idempotency key of a send.
    key: String,
    /// A tag, which is there where somebody subscribes to it.
    tag: String,
}

/// What the table and the phones show of a scene.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct State {
    /// Of each device that has an item: its owner and its token, or that it ended; and where the webhook is, if there is one.
    devices: Vec<String>,
    /// How often the phone was pushed to.
    pub(super) pushes: usize,
}

const DAY: u64 = 86_400;
const WEBHOOK: &str = "/webhooks/crm";
/// Where the webhook is before and after it is changed.
const HERE: &str = "https://here.example/";
const THERE: &str = "https://there.example/";
/// A logout that a device's item notes counts for so long, in seconds.
const LOGOUT_COUNTS: u64 = 120;

impl Scene {
    /// The state that the operation starts from.
    pub(super) async fn set(api: &Api, operation: Operation) -> Self {
        let (alice, bob) = (user("alice"), user("bob"));
        let phone = Phone::android();
        let mut scene = Self {
            api: api.clone(),
            operation,
            secret: api.client_secret().to_owned(),
            other: match operation {
                Operation::Reinstalled => phone.reinstalled(),
                _ => Phone::android(),
            },
            fresh: phone.refreshed(),
            key: random_hex(8),
            tag: random_hex(8),
            alice,
            bob,
            phone,
        };
        let bind = async |phone: &Phone, user: &str| {
            let answer = api.register(phone, Some(user), Some(api.client_secret()));
            answer.await.ok(201);
        };
        match operation {
            Operation::Registered | Operation::LeftUnknown => {}
            Operation::WebhookChanged => scene.make_webhook().await,
            Operation::ReboundAndReinstalled => {
                bind(&scene.phone, &scene.alice).await;
                bind(&scene.other, &scene.bob).await;
            }
            Operation::Overtaken => {
                bind(&scene.phone, &scene.alice).await;
                bind(&scene.other, &scene.alice).await;
            }
            _ => bind(&scene.phone, &scene.alice).await,
        }
        match operation {
            Operation::Renewed | Operation::ReadAndRenewed => {
                api.advance(136 * DAY).await;
                scene.secret = api.secret(&scene.alice).await;
            }
            Operation::Read | Operation::Unregistered | Operation::LeftUnknown => {
                scene.secret = api.secret(&scene.alice).await;
            }
            Operation::UnregisteredAgain => {
                scene.secret = api.secret(&scene.alice).await;
                let first = api.unregister(&scene.phone, Some(&scene.secret));
                first.await.empty(204);
                // The table tells its note from that of the second one.
                api.advance(LOGOUT_COUNTS + 1).await;
            }
            Operation::Subscribed | Operation::SubscribedAndRebound => {
                let make = api.call(Method::POST, "/tags").backend(api);
                let answer = make.json(&json!({"name": scene.tag})).send().await;
                answer.ok(201);
                if operation == Operation::SubscribedAndRebound {
                    scene.subscribe().await.ok(201);
                }
            }
            Operation::LeftAnothers => scene.secret = api.secret(&scene.bob).await,
            Operation::Overtaken => {
                scene.secret = api.secret(&scene.bob).await;
                let logout = api.unregister(&scene.other, Some(&scene.secret));
                logout.await.refused(NOT_FOUND);
                scene.postpone_logouts().await;
            }
            Operation::ToldDead => api.kill(&scene.phone).await,
            Operation::ToldDisabled => {
                api.set_endpoint(&scene.phone.token, "enabled", false).await;
            }
            Operation::ToldGone => api.set_endpoint(&scene.phone.token, "deleted", true).await,
            _ => {}
        }
        scene.warm().await;
        scene
    }

    /// Moves the logouts that the other device's item notes ten minutes ahead: they arrived later than any call of the
    /// scene, a repeat after a minute too.
    async fn postpone_logouts(&self) {
        let items = self.api.items().await;
        let mut device = items
            .into_iter()
            .find(|item| {
                item["sk"]["S"] == self.other.device.as_str() && item.get("checked").is_some()
            })
            .expect("the item of the other device");
        let marks = device["marks"]["M"].as_object_mut().expect("marks");
        for (_, mark) in marks {
            mark["N"] = (number(mark) + 600_000).to_string().into();
        }
        let info = self.api.control(Method::GET, "/info", None).await;
        let cloud = Cloud::at(info["awsEndpointUrl"].as_str().expect("a URL"));
        let call = async |operation: &str, input: Value| {
            let target = format!("DynamoDB_20120810.{operation}");
            cloud.json(&target, &input).await.expect("an answer")
        };
        let tables = call("ListTables", json!({})).await;
        let table = tables["TableNames"][0].clone();
        call("PutItem", json!({"TableName": table, "Item": device})).await;
    }

    /// Every function has fresh secrets now.
    async fn warm(&self) {
        let (nobody, secret) = (Phone::android(), Some(self.secret.as_str()));
        self.api.read(&nobody, secret).await;
        // The tombstone that this leaves is of a device that nobody looks at.
        self.api.unregister(&nobody, secret).await;
        let empty = json!({});
        self.api.send(&empty).await.ok(400);
        let subscriptions = format!("/subscriptions?deviceId={}", nobody.device);
        let subscriptions = self.api.call(Method::GET, &subscriptions);
        subscriptions.secret(secret).send().await.ok(404);
        self.erase(&user("nobody")).await;
    }

    /// The webhook is where it is before it is changed.
    async fn make_webhook(&self) {
        let former = self.api.call(Method::DELETE, WEBHOOK).backend(&self.api);
        former.send().await;
        let body = json!({"name": "crm", "url": HERE, "eventTypes": ["onSubscribe"]});
        let make = self.api.call(Method::POST, "/webhooks").backend(&self.api);
        make.json(&body).send().await.ok(201);
    }

    /// Where the webhook is.
    async fn webhook(&self) -> Option<String> {
        if self.operation != Operation::WebhookChanged {
            return None;
        }
        let webhook = self.api.backend_get(WEBHOOK).await.ok(200);
        Some(format!("the webhook is at {}", webhook["url"].as_str()?))
    }

    /// The endpoint of the token that the operation comes with exists already.
    pub(super) async fn with_endpoint(&self) -> String {
        let phone = self.coming();
        if self.api.endpoint(&phone.token).await.is_none() {
            let before = Phone {
                device: Phone::android().device,
                ..phone.clone()
            };
            let secret = Some(self.api.client_secret());
            self.api.register(&before, None, secret).await.ok(201);
            self.api.unregister(&before, secret).await.empty(204);
        }
        let endpoint = self.api.endpoint(&phone.token).await;
        let endpoint = endpoint.expect("an endpoint of the token");
        endpoint["endpointArn"].as_str().expect("an ARN").to_owned()
    }

    /// The device and the token that the operation comes with.
    fn coming(&self) -> Phone {
        match self.operation {
            Operation::Refreshed | Operation::Updated => self.fresh.clone(),
            Operation::Reinstalled => self.other.clone(),
            Operation::ReboundAndReinstalled | Operation::Overtaken => Phone {
                device: self.other.device.clone(),
                ..self.phone.clone()
            },
            _ => self.phone.clone(),
        }
    }

    /// The operation.
    pub(super) async fn act(&self) -> Answer {
        let (api, phone, secret) = (&self.api, self.coming(), Some(self.secret.as_str()));
        match self.operation {
            Operation::Registered
            | Operation::Unchanged
            | Operation::Renewed
            | Operation::Refreshed
            | Operation::Reinstalled
            | Operation::ReboundAndReinstalled => {
                api.register(&phone, Some(&self.alice), secret).await
            }
            Operation::Rebound | Operation::Overtaken | Operation::SubscribedAndRebound => {
                api.register(&phone, Some(&self.bob), secret).await
            }
            Operation::Subscribed => self.subscribe().await,
            Operation::TakenOver => api.register(&phone, None, None).await,
            Operation::Updated => {
                let body = json!({"token": phone.token, "userId": self.alice});
                let update = api.device(Method::PUT, &phone, secret);
                update.json(&body).send().await
            }
            Operation::Read | Operation::ReadAndRenewed => api.read(&phone, secret).await,
            Operation::Unregistered
            | Operation::UnregisteredAgain
            | Operation::LeftAnothers
            | Operation::LeftUnknown => api.unregister(&phone, secret).await,
            Operation::Told
            | Operation::ToldDead
            | Operation::ToldDisabled
            | Operation::ToldGone => {
                let message =
                    json!({"message": {"alert": "Hi"}, "target": {"userIds": [self.alice]}});
                api.send(&message).await
            }
            Operation::ToldWithKey | Operation::ToldByJob => {
                let strangers = match self.operation {
                    Operation::ToldByJob => 100,
                    _ => 0,
                };
                let users: Vec<_> = (0..strangers)
                    .map(|n| format!("stranger {n}"))
                    .chain([self.alice.clone()])
                    .collect();
                let message = json!({"message": {"alert": "Hi"}, "target": {"userIds": users}});
                let request = api.call(Method::POST, "/messages").backend(api);
                let request = request.header("idempotency-key", &self.key);
                request.json(&message).send().await
            }
            Operation::Erased => self.erase(&self.alice).await,
            Operation::WebhookChanged => {
                let body = json!({"url": THERE, "eventTypes": ["onSubscribe"]});
                let change = api.call(Method::PUT, WEBHOOK).backend(api);
                change.json(&body).send().await
            }
        }
    }

    /// Waits until what a send that was answered with success left to jobs is done; `false` where the message is not
    /// known to have been sent even then.
    pub(super) async fn settle(&self, answer: &Answer) -> bool {
        if !self.operation.sends() || answer.status != self.operation.success() {
            return true;
        }
        let sent: Value = serde_json::from_str(&answer.text).expect("JSON");
        let id = sent["messageId"].as_str().expect("an id");
        self.api.comes_to_rest(id).await
    }

    async fn subscribe(&self) -> Answer {
        let subscribe = self.api.call(Method::POST, "/subscriptions");
        let body = json!({"deviceId": self.phone.device, "tagName": self.tag});
        subscribe
            .secret(Some(&self.secret))
            .json(&body)
            .send()
            .await
    }

    async fn erase(&self, user: &str) -> Answer {
        let erase = self.api.call(Method::DELETE, &format!("/users/{user}"));
        erase.backend(&self.api).send().await
    }

    /// What there is now, and that the items agree with each other.
    pub(super) async fn state(&self) -> State {
        let devices = [&self.phone.device, &self.other.device].map(String::clone);
        let items = self.api.items().await;
        let table = Table::of(&items, &devices.iter().cloned().collect());
        // Nothing of it is near its end.
        let info = self
            .api
            .control(Method::POST, "/clock", Some(json!({"advanceSeconds": 0})))
            .await;
        let now = info["now"].as_str().map_or(machine(), crate::clock::parsed) / 1000;
        assert_eq!(table.contradictions(now, now), [""; 0], "{table:?}");
        let shown = devices.iter().filter_map(|id| {
            let name = if *id == self.phone.device {
                "the device"
            } else {
                "the other device"
            };
            let entry = table.devices.get(id)?;
            let noted = |item: &Value| {
                let marks = item["marks"]["M"].as_object();
                let arrived = marks.into_iter().flat_map(|marks| marks.values());
                let mut arrived = arrived.chain(item.get("barrier"));
                let counts = |at: &Value| number(at) / 1000 + LOGOUT_COUNTS > now;
                item["sk"]["S"] == id.as_str() && arrived.any(counts)
            };
            let logout = if self.operation.shows_logouts() && items.iter().any(noted) {
                ", a logout is noted"
            } else {
                ""
            };
            Some(match table.live(id, now) {
                Some((owner, token)) => {
                    let owner = owner.map_or("nobody's", |owner| {
                        if owner == self.alice {
                            "alice's"
                        } else {
                            "bob's"
                        }
                    });
                    let token = if token == self.fresh.token {
                        "a new"
                    } else if token == self.phone.token {
                        "its"
                    } else {
                        "another"
                    };
                    let renewed = entry.expires > now + 250 * DAY;
                    let lease = if renewed {
                        ""
                    } else {
                        ", half of its lease over"
                    };
                    let tags = if entry.tags.is_empty() {
                        ""
                    } else {
                        ", subscribed"
                    };
                    format!("{name} is {owner} with {token} token{lease}{tags}{logout}")
                }
                None => format!("{name} has ended{logout}"),
            })
        });
        State {
            devices: shown.chain(self.webhook().await).collect(),
            pushes: self.pushes().await,
        }
    }

    /// Pushes to the phone: those to its user carry her mark.
    async fn pushes(&self) -> usize {
        let pushes: Vec<Push> = self.api.pushes(&self.phone).await;
        pushes.len()
    }

    /// How often each AWS operation is called when all goes well.
    pub(super) async fn calls(&self) -> Value {
        self.api.forget_calls().await;
        let answer = self.act().await;
        assert_eq!(answer.status, self.operation.success(), "{}", answer.text);
        self.api.jobs_end().await;
        // Before the status is read, which makes calls as well.
        let calls = self.api.calls().await;
        assert!(self.settle(&answer).await, "it is sent");
        calls
    }
}

impl State {
    /// What devices there are, in words.
    pub(super) fn devices(&self) -> String {
        if self.devices.is_empty() {
            "no device".to_owned()
        } else {
            self.devices.join("; ")
        }
    }
}

/// The number that an attribute holds.
fn number(attribute: &Value) -> u64 {
    let number = attribute["N"].as_str().expect("a number");
    number.parse().expect("a whole number")
}
