//! To what a device subscribes, in its own item, and the indexes of the tags: who subscribes, in parts.

use super::devices::Order;
use super::rows::{self, BadRow, Row, key, number};
use super::{Fault, Store};
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use push::subscription::{Subscription, Subscriptions};
use push::tag::shard_of;
use push::{DeviceId, TagId, TagName, Time};
use std::collections::HashMap;

/// The attributes of a device's item.
const ON: &str = "tags";
const OFF: &str = "untagged";

impl Store {
    /// The devices in a part of a tag's index in the order of their ids, at most `most` of them, and the one after which it
    /// goes on, if it does; expired entries are left out. Only a device's item says whether it still subscribes.
    ///
    /// # Errors
    /// [`Fault`], never a conflict.
    pub async fn subscribers(
        &self,
        tag: &TagName,
        shard: u8,
        after: Option<&DeviceId>,
        most: usize,
        now: Time,
    ) -> Result<(Vec<DeviceId>, Option<DeviceId>), Fault> {
        let partition = partition(tag, shard);
        let after = after.map(|device| key(partition.as_str(), device.as_str()));
        let (rows, last) = self
            .query(&partition, Order::Rising, after, Some(most))
            .await?;
        let entry = |row| {
            rows::link_of(row).inspect_err(|bad| tracing::error!(%bad, "a subscriber was left out"))
        };
        let devices = rows
            .iter()
            .filter_map(|row| entry(row).ok())
            .filter_map(|(device, expires)| (expires > now).then_some(device));
        let next = last
            .map(|last| Ok::<_, Fault>(device(&last)?))
            .transpose()?;
        Ok((devices.collect(), next))
    }
}

/// The key of a device's entry in the index of a tag.
pub(super) fn subscription_key(tag: &TagName, device: &DeviceId) -> Row {
    key(partition(tag, shard_of(device)), device.as_str())
}

fn partition(tag: &TagName, shard: u8) -> String {
    format!("TAG#{}#{shard}", tag.as_str())
}

fn device(row: &Row) -> Result<DeviceId, BadRow> {
    DeviceId::parse(rows::string(row, "sk")?).map_err(|_| rows::bad("sk"))
}

/// The attributes that hold this.
pub(super) fn values(
    subscriptions: &Subscriptions,
) -> impl Iterator<Item = (&'static str, AttributeValue)> {
    let subscription = |own: &Subscription| {
        let id = ("id".to_owned(), tag_id(own.tag));
        let at = ("at".to_owned(), number(own.arrived.millis()));
        AttributeValue::M(HashMap::from([id, at]))
    };
    let on = subscriptions.on.iter();
    let on = on.map(|(name, own)| (name.as_str().to_owned(), subscription(own)));
    let off = subscriptions.off.iter();
    let off = off.map(|(name, at)| (name.as_str().to_owned(), number(at.millis())));
    let maps: [(_, HashMap<_, _>); 2] = [(ON, on.collect()), (OFF, off.collect())];
    let some = maps.into_iter().filter(|(_, map)| !map.is_empty());
    some.map(|(name, map)| (name, AttributeValue::M(map)))
}

/// What the attributes say.
pub(super) fn of(row: &Row) -> Result<Subscriptions, BadRow> {
    let tag = |text: &String, attribute| TagName::parse(text).map_err(|_| rows::bad(attribute));
    let mut subscriptions = Subscriptions::default();
    for (name, own) in map(row, ON)? {
        let own = own.as_m().map_err(|_| rows::bad(ON))?;
        let subscription = Subscription {
            tag: tag_of(own, "id")?,
            arrived: rows::millis(own, "at")?,
        };
        subscriptions.on.insert(tag(name, ON)?, subscription);
    }
    for (name, at) in map(row, OFF)? {
        let at = at.as_n().ok().and_then(|at| at.parse().ok());
        let at = at.map(Time::from_millis).ok_or(rows::bad(OFF))?;
        subscriptions.off.insert(tag(name, OFF)?, at);
    }
    Ok(subscriptions)
}

fn map<'a>(
    row: &'a Row,
    name: &'static str,
) -> Result<impl Iterator<Item = (&'a String, &'a AttributeValue)>, BadRow> {
    let value = row.get(name).map(AttributeValue::as_m).transpose();
    let map = value.map_err(|_| rows::bad(name))?;
    Ok(map.into_iter().flatten())
}

pub(super) fn tag_id(id: TagId) -> AttributeValue {
    AttributeValue::B(Blob::new(id.0))
}

pub(super) fn tag_of(row: &Row, name: &'static str) -> Result<TagId, BadRow> {
    row.get(name)
        .and_then(|id| id.as_b().ok())
        .and_then(|id| <[u8; 16]>::try_from(id.as_ref()).ok())
        .map(TagId)
        .ok_or(rows::bad(name))
}
