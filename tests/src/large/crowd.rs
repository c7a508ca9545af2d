//! Many devices, written straight into the table as registrations would have left them, with their endpoints at SNS.

use crate::api::Api;
use crate::clock;
use crate::cloud::Cloud;
use crate::phone::{Phone, hex, random_hex};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::{StreamExt, TryStreamExt, stream};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Devices and their users.
pub struct Crowd {
    name: String,
    users: usize,
    pub(super) phones: Vec<Phone>,
}

/// Where a crowd registers: what the functions are told of the table and the applications.
pub struct Registry {
    pub(super) cloud: Cloud,
    table: String,
    fcm: String,
    apns: String,
    lease_days: u64,
}

/// A tag that there is.
pub struct Tag {
    pub(super) name: String,
    /// Its id, in Base64.
    id: String,
}

/// Devices that are written with one call: a transaction takes 100 items, and each device has three, or four. The embedded store
/// commits a transaction once, and a `BatchWriteItem` once for each item, which takes the longer the more it holds.
const BATCH: usize = 25;
/// Batches under way.
const AT_ONCE: usize = 8;
/// Calls of SNS under way in each.
const ENDPOINTS: usize = 4;
/// An anonymous device stays known for so long after its lease.
const GRACE_DAYS: u64 = 30;
const DAY: u64 = 24 * 60 * 60;

impl Crowd {
    /// So many devices, every other one an iPhone, dealt out evenly to so many users.
    #[must_use]
    pub fn new(devices: usize, users: usize) -> Self {
        let name = random_hex(4);
        let phone = |n: usize| {
            let text = hex(&Sha256::digest(format!("{name} {n}")));
            let device = format!("device-{name}-{n:06}");
            if n.is_multiple_of(2) {
                Phone {
                    device,
                    token: format!("{}:APA91b{text}", &text[..22]),
                    platform: "G",
                }
            } else {
                Phone {
                    device,
                    token: text,
                    platform: "A",
                }
            }
        };
        Self {
            phones: (0..devices).map(phone).collect(),
            users,
            name,
        }
    }

    /// The owner of a device.
    #[must_use]
    pub fn owner(&self, device: usize) -> String {
        format!("user-{}-{:05}", self.name, device % self.users)
    }

    /// What the app on each device sends to register for its user, in their order.
    pub fn registrations(&self) -> impl Iterator<Item = Value> {
        let phones = self.phones.iter().enumerate();
        phones.map(|(n, phone)| phone.body(Some(&self.owner(n))))
    }

    /// All users.
    #[must_use]
    pub fn users(&self) -> Vec<String> {
        (0..self.users.min(self.phones.len()))
            .map(|user| self.owner(user))
            .collect()
    }

    /// Puts them all into the table, with a tag they subscribed to, and makes their endpoints.
    ///
    /// # Errors
    /// What a service answered instead.
    pub async fn register(&self, registry: &Registry, tag: Option<&Tag>) -> Result<(), String> {
        let batches = self.phones.chunks(BATCH).enumerate();
        let batches =
            batches.map(|(batch, phones)| self.batch(registry, batch * BATCH, phones, tag));
        // Collected first: a stream that borrows from what makes it is no future that can be sent.
        let batches: Vec<_> = batches.collect();
        stream::iter(batches)
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await
    }

    async fn batch(
        &self,
        registry: &Registry,
        first: usize,
        phones: &[Phone],
        tag: Option<&Tag>,
    ) -> Result<(), String> {
        let endpoints: Vec<_> = phones
            .iter()
            .map(|phone| registry.endpoint(phone))
            .collect();
        let endpoints = stream::iter(endpoints).buffered(ENDPOINTS);
        let endpoints: Vec<String> = endpoints.try_collect().await?;
        let mut actions = Vec::new();
        for (n, (phone, endpoint)) in phones.iter().zip(&endpoints).enumerate() {
            let items = registry.items(phone, &self.owner(first + n), endpoint, tag);
            let put = |item: Value| json!({"Put": {"TableName": registry.table, "Item": item}});
            actions.extend(items.into_iter().map(put));
        }
        let input = json!({ "TransactItems": actions });
        let written = registry
            .cloud
            .json("DynamoDB_20120810.TransactWriteItems", &input);
        written.await.map(drop)
    }
}

impl Registry {
    /// With the environment variables of a function that registers.
    ///
    /// # Panics
    /// One of them is missing.
    #[must_use]
    pub fn new(cloud: Cloud, environment: &BTreeMap<String, String>) -> Self {
        let lease = environment.get("BINDING_LEASE_DAYS");
        Self {
            cloud,
            table: environment["TABLE_NAME"].clone(),
            fcm: environment["FCM_APPLICATION_ARN"].clone(),
            apns: environment["APNS_APPLICATION_ARN"].clone(),
            lease_days: lease.expect("a lease").parse().expect("days"),
        }
    }

    async fn endpoint(&self, phone: &Phone) -> Result<String, String> {
        let application = if phone.platform == "A" {
            &self.apns
        } else {
            &self.fcm
        };
        let parameters = [
            ("PlatformApplicationArn", application.as_str()),
            ("Token", &phone.token),
        ];
        let made = self
            .cloud
            .sns("CreatePlatformEndpoint", &parameters)
            .await?;
        let arn = made
            .split_once("<EndpointArn>")
            .and_then(|(_, rest)| rest.split_once('<'));
        arn.map(|(arn, _)| arn.to_owned())
            .ok_or_else(|| format!("an endpoint without an ARN: {made}"))
    }

    /// A new tag.
    ///
    /// # Errors
    /// What the table answered instead.
    pub(super) async fn tag(&self, api: &Api) -> Result<Tag, String> {
        let name = format!("tag-{}", random_hex(4));
        let make = api.call(Method::POST, "/tags").backend(api);
        make.json(&json!({"name": name})).send().await.ok(201);
        let key = json!({"pk": {"S": "TAGS"}, "sk": {"S": name}});
        let input = json!({"TableName": self.table, "Key": key, "ConsistentRead": true});
        let read = self.cloud.json("DynamoDB_20120810.GetItem", &input).await?;
        let id = read["Item"]["id"]["B"].as_str();
        let id = id.ok_or_else(|| format!("a tag without an id: {read}"))?;
        Ok(Tag {
            name,
            id: id.to_owned(),
        })
    }

    /// The items of a device, of its user's link and of its token, after a registration now; with a tag, of its entry in
    /// the index of that.
    fn items(&self, phone: &Phone, user: &str, endpoint: &str, tag: Option<&Tag>) -> Vec<Value> {
        let now = clock::machine();
        let lease = now / 1000 + self.lease_days * DAY;
        let expires = lease + GRACE_DAYS * DAY;
        let (now, lease, expires) = (now.to_string(), lease.to_string(), expires.to_string());
        let shard = Sha256::digest(&phone.device)[0];
        let token = hex(&Sha256::digest(format!(
            "{}:{}",
            phone.platform, phone.token
        )));
        let mut version = [0; 16];
        getrandom::fill(&mut version).unwrap();
        let mut items = vec![
            json!({
                "pk": {"S": format!("DEVICES#{shard}")}, "sk": {"S": phone.device},
                "v": {"B": STANDARD.encode(version)}, "arrived": {"N": now}, "expires": {"N": expires},
                "owner": {"S": user}, "lease": {"N": lease}, "platform": {"S": phone.platform},
                "token": {"S": phone.token}, "endpoint": {"S": endpoint},
                "checked": {"N": now}, "created": {"N": now}, "updated": {"N": now}, "since": {"N": now},
            }),
            json!({
                "pk": {"S": format!("USER#{user}")}, "sk": {"S": phone.device}, "expires": {"N": lease},
            }),
            json!({
                "pk": {"S": format!("TOKEN#{token}")}, "sk": {"S": "TOKEN"},
                "v": {"B": STANDARD.encode(version)}, "d": {"S": phone.device}, "arrived": {"N": now}, "expires": {"N": expires},
            }),
        ];
        if let Some(Tag { name, id }) = tag {
            items[0]["tags"] = json!({"M": {name: {"M": {"id": {"B": id}, "at": {"N": now}}}}});
            items.push(json!({
                "pk": {"S": format!("TAG#{name}#{}", shard / 16)}, "sk": {"S": phone.device}, "expires": {"N": expires},
            }));
        }
        items
    }
}
