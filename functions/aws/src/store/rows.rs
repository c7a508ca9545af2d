//! Items as the table holds them, read as strictly as requests: a row that is not what was written is an error.

use super::subscriptions;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use push::device::{Binding, Device, Ended, Reach, Record, State, Version, shard};
use push::erasure::Erasure;
use push::logout::{LoggedOut, LogoutMarkers, UserHash};
use push::token_item::TokenItem;
use push::{DeviceId, Platform, Time, Token, TokenKey, UserId};
use std::collections::HashMap;
use std::fmt;

/// One item: attributes by name.
pub(crate) type Row = HashMap<String, AttributeValue>;

/// A row that cannot have been written by these functions. It names the attribute, never its value.
#[derive(Debug)]
pub struct BadRow(&'static str);

impl fmt::Display for BadRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an item of the table has no valid attribute {}", self.0)
    }
}

impl std::error::Error for BadRow {}

/// The sort key of a token's item.
pub(crate) const TOKEN: &str = "TOKEN";
/// The sort key of the item of a user's erasure.
const ERASED: &str = "ERASED";

pub(crate) fn device_key(id: &DeviceId) -> Row {
    key(format!("DEVICES#{}", shard(id)), id.as_str())
}

pub(crate) fn token_key(token: &TokenKey) -> Row {
    key(format!("TOKEN#{}", token.as_str()), TOKEN)
}

pub(crate) fn erasure_key(user: &UserHash) -> Row {
    key(format!("ERASED#{}", user.as_str()), ERASED)
}

pub(crate) fn link_partition(user: &UserId) -> String {
    format!("USER#{}", user.as_str())
}

pub(crate) fn link_key(user: &UserId, device: &DeviceId) -> Row {
    key(link_partition(user), device.as_str())
}

pub(crate) fn key(pk: impl Into<String>, sk: impl Into<String>) -> Row {
    Row::from([("pk".to_owned(), text(pk)), ("sk".to_owned(), text(sk))])
}

pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(crate) fn number(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

pub(crate) fn version(version: &Version) -> AttributeValue {
    AttributeValue::B(Blob::new(version.0))
}

/// The whole item of a device.
pub(crate) fn device_row(id: &DeviceId, record: &Record) -> Row {
    let mut row = device_key(id);
    let mut set = |name: &str, value| row.insert(name.to_owned(), value);
    set("v", version(&record.version));
    set("arrived", number(record.place.millis()));
    set("expires", number(record.expires.seconds()));
    let LogoutMarkers { latest, barrier } = &record.logouts;
    if !latest.is_empty() {
        let mark = |(who, at): (&LoggedOut, &Time)| (who.as_str().to_owned(), number(at.millis()));
        set(
            "marks",
            AttributeValue::M(latest.iter().map(mark).collect()),
        );
    }
    if let Some(barrier) = barrier {
        set("barrier", number(barrier.millis()));
    }
    match &record.state {
        State::Live(device) => {
            if let Some(binding) = &device.binding {
                set("owner", text(binding.user.as_str()));
                set("lease", number(binding.lease.seconds()));
            }
            set("platform", text(device.token.platform().letter()));
            set("token", text(device.token.expose()));
            set("endpoint", text(&device.endpoint));
            set("checked", number(device.checked.millis()));
            if let Some(revived) = device.revived {
                set("revived", number(revived.millis()));
            }
            set("created", number(device.created.millis()));
            set("updated", number(device.updated.millis()));
            set("since", number(device.since.millis()));
            for (name, value) in subscriptions::values(&device.subscriptions) {
                set(name, value);
            }
        }
        State::Ended(ended) => {
            set("ended", AttributeValue::Bool(true));
            if let Some(user) = &ended.user {
                set("left", text(user.as_str()));
            }
        }
    }
    row
}

/// The device that an item is of, and what it says.
pub(crate) fn device_of(row: &Row) -> Result<(DeviceId, Record), BadRow> {
    let id = DeviceId::parse(string(row, "sk")?).map_err(|_| BadRow("sk"))?;
    let state = if row.contains_key("ended") {
        State::Ended(Ended {
            user: optional(row, "left", UserHash::parse)?,
        })
    } else {
        let token = string(row, "token")?;
        State::Live(Device {
            binding: binding(row)?,
            token: Token::parse(platform(row)?, token).map_err(|_| BadRow("token"))?,
            endpoint: string(row, "endpoint")?.to_owned(),
            checked: millis(row, "checked")?,
            revived: row
                .contains_key("revived")
                .then(|| millis(row, "revived"))
                .transpose()?,
            created: millis(row, "created")?,
            updated: millis(row, "updated")?,
            // What was written before there were subscriptions has none.
            since: if row.contains_key("since") {
                millis(row, "since")?
            } else {
                Time::default()
            },
            subscriptions: subscriptions::of(row)?,
        })
    };
    let record = Record {
        version: version_of(row)?,
        place: millis(row, "arrived")?,
        expires: seconds(row, "expires")?,
        logouts: logouts(row)?,
        state,
    };
    Ok((id, record))
}

pub(crate) fn version_of(row: &Row) -> Result<Version, BadRow> {
    let version = row.get("v").and_then(|v| v.as_b().ok());
    let version = version.and_then(|v| <[u8; 16]>::try_from(v.as_ref()).ok());
    version.map(Version).ok_or(BadRow("v"))
}

/// The attributes that [`reach_of`] reads; one of their names is a word of DynamoDB's own.
pub(crate) const REACH: Projection = Projection {
    expression: "sk,expires,ended,#owner,lease,updated,platform,endpoint,revived,tags,untagged",
    name: ("#owner", "owner"),
};

/// Some attributes of items, in place of all of them.
#[derive(Clone, Copy)]
pub(crate) struct Projection {
    pub expression: &'static str,
    /// What stands for which name.
    pub name: (&'static str, &'static str),
}

/// The same, of what a send needs to know; nothing where the device has ended.
pub(crate) fn reach_of(row: &Row) -> Result<Option<(DeviceId, Reach)>, BadRow> {
    if row.contains_key("ended") {
        return Ok(None);
    }
    let id = DeviceId::parse(string(row, "sk")?).map_err(|_| BadRow("sk"))?;
    let reach = Reach {
        expires: seconds(row, "expires")?,
        binding: binding(row)?,
        updated: millis(row, "updated")?,
        platform: platform(row)?,
        endpoint: string(row, "endpoint")?.to_owned(),
        is_revived: row.contains_key("revived"),
        subscriptions: subscriptions::of(row)?,
    };
    Ok(Some((id, reach)))
}

fn platform(row: &Row) -> Result<Platform, BadRow> {
    Platform::parse(string(row, "platform")?).map_err(|_| BadRow("platform"))
}

fn binding(row: &Row) -> Result<Option<Binding>, BadRow> {
    let Some(user) = optional(row, "owner", |text| UserId::parse(text).ok())? else {
        return Ok(None);
    };
    let lease = seconds(row, "lease")?;
    Ok(Some(Binding { user, lease }))
}

fn logouts(row: &Row) -> Result<LogoutMarkers, BadRow> {
    let mut logouts = LogoutMarkers::default();
    if row.contains_key("barrier") {
        logouts.barrier = Some(millis(row, "barrier")?);
    }
    let Some(marks) = row.get("marks") else {
        return Ok(logouts);
    };
    for (who, at) in marks.as_m().map_err(|_| BadRow("marks"))? {
        let at = at.as_n().ok().and_then(|at| at.parse().ok());
        let (who, at) = LoggedOut::parse(who).zip(at).ok_or(BadRow("marks"))?;
        logouts.latest.insert(who, Time::from_millis(at));
    }
    Ok(logouts)
}

/// An attribute that need not be there, and is parsed where it is.
fn optional<T>(
    row: &Row,
    name: &'static str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, BadRow> {
    if !row.contains_key(name) {
        return Ok(None);
    }
    parse(string(row, name)?).map(Some).ok_or(BadRow(name))
}

/// The device that a link is to, and when it expires.
pub(crate) fn link_of(row: &Row) -> Result<(DeviceId, Time), BadRow> {
    let device = DeviceId::parse(string(row, "sk")?).map_err(|_| BadRow("sk"))?;
    Ok((device, seconds(row, "expires")?))
}

/// What a token's item says.
pub(crate) fn token_item_of(row: &Row) -> Result<TokenItem, BadRow> {
    Ok(TokenItem {
        version: version_of(row)?,
        device: DeviceId::parse(string(row, "d")?).map_err(|_| BadRow("d"))?,
        place: millis(row, "arrived")?,
        expires: seconds(row, "expires")?,
    })
}

/// The whole item of a token.
pub(crate) fn token_row(token: &TokenKey, item: &TokenItem) -> Row {
    let mut row = token_key(token);
    row.insert("v".to_owned(), version(&item.version));
    row.insert("d".to_owned(), text(item.device.as_str()));
    row.insert("arrived".to_owned(), number(item.place.millis()));
    row.insert("expires".to_owned(), number(item.expires.seconds()));
    row
}

/// What the item of a user's erasure says.
pub(crate) fn erasure_of(row: &Row) -> Result<Erasure, BadRow> {
    Ok(Erasure {
        arrived: millis(row, "arrived")?,
        secrets_until: seconds(row, "at")?,
        expires: seconds(row, "expires")?,
    })
}

/// The whole item of a user's erasure.
pub(crate) fn erasure_row(user: &UserHash, erasure: &Erasure) -> Row {
    let mut row = erasure_key(user);
    row.insert("arrived".to_owned(), number(erasure.arrived.millis()));
    row.insert("at".to_owned(), number(erasure.secrets_until.seconds()));
    row.insert("expires".to_owned(), number(erasure.expires.seconds()));
    row
}

pub(crate) fn string<'a>(row: &'a Row, name: &'static str) -> Result<&'a str, BadRow> {
    row.get(name)
        .and_then(|value| value.as_s().ok())
        .map(String::as_str)
        .ok_or(BadRow(name))
}

pub(crate) fn integer(row: &Row, name: &'static str) -> Result<u64, BadRow> {
    row.get(name)
        .and_then(|value| value.as_n().ok())
        .and_then(|text| text.parse().ok())
        .ok_or(BadRow(name))
}

pub(crate) fn seconds(row: &Row, name: &'static str) -> Result<Time, BadRow> {
    integer(row, name).map(Time::from_seconds)
}

pub(crate) fn millis(row: &Row, name: &'static str) -> Result<Time, BadRow> {
    integer(row, name).map(Time::from_millis)
}

pub(crate) const fn bad(attribute: &'static str) -> BadRow {
    BadRow(attribute)
}
