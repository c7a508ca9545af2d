//! The subscriptions of a device, for its app; of a tag or of a user, for backends, page by page. The items of the devices say
//! what they subscribe to, and whose they are.

use crate::{Tags, shown};
use aws::store::PAGE;
use aws::{Call, Failure, Page, Reply};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use form_urlencoded::Serializer;
use push::device::{Device, Policy, Record};
use push::tag::SHARDS;
use push::{DeviceId, Invalid, Span, TagId, TagName, Time, UserId, subscription};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A device that subscribes to a tag.
struct Found {
    device: DeviceId,
    tag: TagName,
    owner: Option<UserId>,
}

/// A part of what there is.
struct Part {
    subscriptions: Vec<Found>,
    /// The cursor of the next page, if there is one.
    next: Option<String>,
    /// How many there are on all pages, where that is known.
    total: Option<usize>,
}

/// The query parameters of a list for backends. `expand` is IBM's, and changes nothing.
const PARAMETERS: [&str; 7] = [
    "cursor", "deviceId", "expand", "offset", "size", "tagName", "userId",
];

/// So long the subscriptions of a page are looked for. Then the page is what was found, and the next one goes on.
const PATIENCE: Span = Span::from_seconds(5);

impl Tags {
    /// GET `…/subscriptions`.
    pub(crate) async fn list(&self, call: &Call) -> Result<Reply, Failure> {
        let device = call.query("deviceId").map(DeviceId::parse).transpose()?;
        let tag = call.query("tagName").map(TagName::parse).transpose()?;
        let user = call.query("userId").map(UserId::parse).transpose()?;
        let page = Page::of(call)?;
        if let Some(device) = device {
            let mut found = self.of_device(call, device).await?;
            found.retain(|found| tag.as_ref().is_none_or(|tag| found.tag == *tag));
            found.retain(|found| user.is_none() || found.owner == user);
            let shown = self.shown(call, found.into_iter().skip(page.offset).take(page.size));
            return Reply::json(200, &json!({"subscriptions": shown}));
        }
        self.secrets.backend(call).await?;
        call.expect_parameters(&PARAMETERS)?;
        let part = match (&user, &tag) {
            (Some(user), tag) => self.of_user(call, user, tag.as_ref(), page).await?,
            (None, Some(tag)) => self.of_tag(call, tag, page).await?,
            (None, None) => return Err(Failure::QueryParameterMissing("deviceId")),
        };
        let next = part.next.map(|cursor| {
            let mut query = Serializer::new(String::new());
            let names = [
                ("userId", user.as_ref().map(UserId::as_str)),
                ("tagName", tag.as_ref().map(TagName::as_str)),
            ];
            for (name, value) in names {
                query.extend_pairs(value.map(|value| (name, value)));
            }
            query.append_pair("size", &page.size.to_string());
            query.append_pair("cursor", &URL_SAFE_NO_PAD.encode(cursor));
            let path = format!("/subscriptions?{}", query.finish());
            self.settings.href(call, &path)
        });
        let shown = self.shown(call, part.subscriptions);
        let mut info = json!({
            "count": shown.len().to_string(),
            "next": next.unwrap_or_default(),
            "previous": "",
        });
        if let Some(total) = part.total {
            info["totalCount"] = total.to_string().into();
        }
        Reply::json(200, &json!({"subscriptions": shown, "pageInfo": info}))
    }

    fn shown(&self, call: &Call, found: impl IntoIterator<Item = Found>) -> Vec<Value> {
        let show = |Found { device, tag, owner }: Found| {
            shown::owned(&self.settings, call, &device, &tag, owner.as_ref())
        };
        found.into_iter().map(show).collect()
    }

    /// A secret that is wrong makes no difference here: what is not the caller's is not found, as for every read.
    async fn of_device(&self, call: &Call, id: DeviceId) -> Result<Vec<Found>, Failure> {
        let caller = match self.secrets.caller(call).await {
            Err(Failure::Unauthorized(_)) => return Err(Failure::NotFound),
            caller => caller?,
        };
        let admitted = caller.admit(self.settings.require_client_secret);
        admitted.map_err(|_| Failure::NotFound)?;
        let record = self.store().device(&id).await?;
        let policy = self.settings.policy();
        let device = subscription::read(call.now, record.as_ref(), &caller, &policy)?.clone();
        self.of_devices(call, vec![(id, device)]).await
    }

    /// What these devices subscribe to, in their order and in that of the tags' names.
    async fn of_devices(
        &self,
        call: &Call,
        devices: Vec<(DeviceId, Device)>,
    ) -> Result<Vec<Found>, Failure> {
        let policy = self.settings.policy();
        let subscribed = |device| policy.subscribed(device, call.now);
        let own = devices.iter().filter_map(|(_, device)| subscribed(device));
        let tags = self.store().tags(own.flat_map(|own| own.on.keys())).await?;
        let mut found = Vec::new();
        for (id, device) in &devices {
            let own = subscribed(device).into_iter().flat_map(|own| own.on.iter());
            let own = own.filter(|(name, own)| tags.get(*name) == Some(&own.tag));
            found.extend(own.map(|(tag, _)| Found {
                device: id.clone(),
                tag: tag.clone(),
                owner: policy.owner(device, call.now).cloned(),
            }));
        }
        Ok(found)
    }

    async fn of_user(
        &self,
        call: &Call,
        user: &UserId,
        tag: Option<&TagName>,
        page: Page,
    ) -> Result<Part, Failure> {
        let policy = self.settings.policy();
        let links = self.store().links(user, call.now).await?;
        let ids: BTreeSet<_> = links.into_iter().map(|(id, _)| id).collect();
        let records = self.records(&ids).await?;
        let theirs = records.into_iter().filter_map(|(id, record)| {
            let device = policy.receives(&record, user, call.now)?.clone();
            Some((id, device))
        });
        let mut found = self.of_devices(call, theirs.collect()).await?;
        found.retain(|found| tag.is_none_or(|tag| found.tag == *tag));
        let total = Some(found.len());
        let place = |found: &Found| format!("{} {}", found.device.as_str(), found.tag.as_str());
        if let Some(after) = cursor(call)? {
            let after = after.split_once(' ').ok_or_else(wrong_cursor)?;
            found.retain(|found| (found.device.as_str(), found.tag.as_str()) > after);
        }
        let more = found.len() > page.offset + page.size;
        let rest = found.into_iter().skip(page.offset).take(page.size);
        let subscriptions: Vec<_> = rest.collect();
        let next = subscriptions.last().filter(|_| more).map(place);
        Ok(Part {
            subscriptions,
            next,
            total,
        })
    }

    /// Part after part of the tag's index.
    async fn of_tag(&self, call: &Call, tag: &TagName, page: Page) -> Result<Part, Failure> {
        let policy = self.settings.policy();
        let (mut shard, mut after) = match cursor(call)? {
            Some(text) => place(&text).ok_or_else(wrong_cursor)?,
            None => (0, None),
        };
        let mut left_out = page.offset;
        let mut part = Part {
            subscriptions: Vec::new(),
            next: None,
            total: None,
        };
        let Some(known) = self.store().tag(tag).await? else {
            return Ok(part);
        };
        while shard < SHARDS {
            let late = (self.clock)().since(call.now) > PATIENCE;
            let room = page.size - part.subscriptions.len();
            if late || room == 0 {
                let device = after.as_ref().map_or("", DeviceId::as_str);
                part.next = Some(format!("{shard}.{device}"));
                break;
            }
            let most = (room + left_out).min(PAGE);
            let (ids, next) = self
                .store()
                .subscribers(tag, shard, after.as_ref(), most, call.now)
                .await?;
            let records = self.records(&ids.into_iter().collect()).await?;
            let found = records
                .into_iter()
                .filter_map(|(id, record)| listener(&policy, id, &record, tag, known.id, call.now));
            for found in found {
                if left_out > 0 {
                    left_out -= 1;
                } else {
                    part.subscriptions.push(found);
                }
            }
            if next.is_none() {
                shard += 1;
            }
            after = next;
        }
        Ok(part)
    }

    /// The items of these devices, in the order of their ids.
    async fn records(&self, ids: &BTreeSet<DeviceId>) -> Result<Vec<(DeviceId, Record)>, Failure> {
        let ids: Vec<_> = ids.iter().cloned().collect();
        let mut records = Vec::with_capacity(ids.len());
        for some in ids.chunks(PAGE) {
            let some = some.iter().cloned().collect();
            records.extend(self.store().devices(&some).await?);
        }
        records.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(records)
    }
}

/// The device, if it subscribes to this very tag.
fn listener(
    policy: &Policy,
    id: DeviceId,
    record: &Record,
    tag: &TagName,
    known: TagId,
    now: Time,
) -> Option<Found> {
    let device = record.live(now)?;
    let subscribed = policy.subscribed(device, now)?;
    subscribed.has(tag, known).then(|| Found {
        device: id,
        tag: tag.clone(),
        owner: policy.owner(device, now).cloned(),
    })
}

/// What the cursor says, where there is one.
fn cursor(call: &Call) -> Result<Option<String>, Invalid> {
    let text = |cursor| {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        String::from_utf8(bytes).ok()
    };
    call.query("cursor")
        .map(|cursor| text(cursor).ok_or_else(wrong_cursor))
        .transpose()
}

fn wrong_cursor() -> Invalid {
    Invalid::new("cursor", "It is one that an answer gave.")
}

/// A part of a tag's index, and the device after which it goes on, from a cursor.
fn place(text: &str) -> Option<(u8, Option<DeviceId>)> {
    let (shard, device) = text.split_once('.')?;
    let shard = shard.parse().ok().filter(|shard| *shard < SHARDS)?;
    let device = (!device.is_empty()).then(|| DeviceId::parse(device));
    Some((shard, device.transpose().ok()?))
}
