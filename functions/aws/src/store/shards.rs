//! Every device there is, shard by shard and page by page: without a scan, and device items only.

use super::rows::{Row, key};
use super::{Fault, Store};
use push::DeviceId;
use push::device::Record;
use std::collections::HashMap;

/// A place in the shards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    shard: u8,
    /// The device after which the page begins.
    after: Option<DeviceId>,
}

impl Position {
    /// The beginning.
    #[must_use]
    pub fn first() -> Self {
        Self {
            shard: 0,
            after: None,
        }
    }
}

impl Store {
    /// The items of the next devices, at most [`super::PAGE`] of them, and where to go on; nowhere at the end. An item
    /// that cannot be read is left out and logged.
    ///
    /// # Errors
    /// [`Fault`], never a conflict.
    pub async fn shard(
        &self,
        position: &Position,
    ) -> Result<(HashMap<DeviceId, Record>, Option<Position>), Fault> {
        let partition = format!("DEVICES#{}", position.shard);
        let after = position
            .after
            .as_ref()
            .map(|id| key(partition.as_str(), id.as_str()));
        let (rows, last) = self.query(&partition, after, Some(super::PAGE)).await?;
        let next = match last {
            Some(last) => Some(Position {
                shard: position.shard,
                after: Some(id_of(&last)?),
            }),
            None => position
                .shard
                .checked_add(1)
                .map(|shard| Position { shard, after: None }),
        };
        Ok((super::devices::readable(&rows), next))
    }
}

fn id_of(row: &Row) -> Result<DeviceId, Fault> {
    let id = super::rows::string(row, "sk")?;
    DeviceId::parse(id).map_err(|_| Fault::Broken("a shard names no device".into()))
}
