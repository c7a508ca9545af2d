//! Every device there is, shard by shard and page by page: without a scan, and device items only.

use super::rows::{Row, key};
use super::{Fault, Store};
use push::DeviceId;
use push::device::Record;
use std::collections::HashMap;

impl Store {
    /// The items of the devices of a shard after `after`, at most `most` of them, and the device after which it goes on;
    /// nothing at the end. An item that cannot be read is left out and logged.
    ///
    /// # Errors
    /// [`Fault`], never a conflict.
    pub async fn shard(
        &self,
        shard: u8,
        after: Option<&DeviceId>,
        most: usize,
    ) -> Result<(HashMap<DeviceId, Record>, Option<DeviceId>), Fault> {
        let partition = format!("DEVICES#{shard}");
        let after = after.map(|id| key(partition.as_str(), id.as_str()));
        let (rows, last) = self.query(&partition, after, Some(most)).await?;
        let last = last.map(|last| id_of(&last)).transpose()?;
        Ok((super::devices::readable(&rows), last))
    }
}

fn id_of(row: &Row) -> Result<DeviceId, Fault> {
    let id = super::rows::string(row, "sk")?;
    DeviceId::parse(id).map_err(|_| Fault::Broken("a shard names no device".into()))
}
