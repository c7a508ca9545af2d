//! Reads of devices, tokens and links: always consistent, and nothing that is missing from an answer is taken for absent.

use super::rows::{
    self, BadRow, Projection, REACH, Row, device_key, device_of, erasure_key, erasure_of, link_key,
    link_of, link_partition, reach_of, text, token_item_of, token_key,
};
use super::{Fault, Store};
use aws_sdk_dynamodb::types::KeysAndAttributes;
use push::device::{Reach, Record};
use push::logout::UserHash;
use push::registration::{Further, Missing, Snapshot};
use push::token_item::TokenItem;
use push::{DeviceId, Time, TokenKey, UserId};
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

/// Whether a snapshot has the erasure of the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadErasure {
    /// It has: something was not as the change needed it, and that may be why.
    Yes,
    /// It has not.
    No,
}

/// The most keys that one `BatchGetItem` takes.
pub const PAGE: usize = 100;

/// Links of a user that one read looks for: twice as many as a user may have devices. Those that are beyond end as surplus.
pub const LINKS: usize = 20_000;

/// The order in which the items of a partition are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// By their sort keys.
    Rising,
    /// The other way round.
    Falling,
}

/// What a read sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consistency {
    /// Every write that was answered before it.
    Strong,
    /// Mostly the writes of more than a second ago, for half the price.
    Eventual,
}

impl Store {
    /// The items that a registration starts from: one call. The erasure of its user is one of them where `erasure` says so.
    ///
    /// # Errors
    /// [`Fault`], never a conflict.
    pub async fn snapshot(
        &self,
        device: &DeviceId,
        token: &TokenKey,
        user: Option<&UserId>,
        erasure: ReadErasure,
    ) -> Result<Snapshot, Fault> {
        let mut keys = vec![device_key(device), token_key(token)];
        if let Some(user) = user {
            keys.push(link_key(user, device));
            if erasure == ReadErasure::Yes {
                keys.push(erasure_key(&UserHash::of(user)));
            }
        }
        let mut snapshot = Snapshot::default();
        for row in self.read(keys).await? {
            match rows::string(&row, "pk")? {
                pk if pk.starts_with("DEVICES#") => snapshot.device = Some(device_of(&row)?.1),
                pk if pk.starts_with("TOKEN#") => snapshot.token = Some(token_item_of(&row)?),
                pk if pk.starts_with("ERASED#") => snapshot.erasure = Some(erasure_of(&row)?),
                _ => snapshot.link = Some(rows::seconds(&row, "expires")?),
            }
        }
        Ok(snapshot)
    }

    /// What a registration has to know besides: one call, or none.
    ///
    /// # Errors
    /// [`Fault`], never a conflict.
    pub async fn further(&self, missing: &Missing) -> Result<Further, Fault> {
        let keys: Vec<_> = missing
            .holder
            .iter()
            .map(device_key)
            .chain(missing.former.iter().map(token_key))
            .collect();
        let mut further = Further::default();
        if keys.is_empty() {
            return Ok(further);
        }
        for row in self.read(keys).await? {
            if rows::string(&row, "pk")?.starts_with("DEVICES#") {
                further.holder = Some(device_of(&row)?.1);
            } else {
                further.former = Some(token_item_of(&row)?);
            }
        }
        Ok(further)
    }

    /// The item of one device.
    ///
    /// # Errors
    /// [`Fault`], never a conflict.
    pub async fn device(&self, id: &DeviceId) -> Result<Option<Record>, Fault> {
        let call = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(device_key(id)))
            .consistent_read(true);
        let item = call.send().await.map_err(|error| Fault::of(&error))?.item;
        item.map(|row| Ok(device_of(&row)?.1)).transpose()
    }

    /// The item of a token, expired or not.
    ///
    /// # Errors
    /// [`Fault`], never a conflict.
    pub async fn token_item(&self, token: &TokenKey) -> Result<Option<TokenItem>, Fault> {
        let call = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(token_key(token)))
            .consistent_read(true);
        let item = call.send().await.map_err(|error| Fault::of(&error))?.item;
        item.map(|row| Ok(token_item_of(&row)?)).transpose()
    }

    /// The items of several devices, at most [`PAGE`] and not none, by id; those that have none are not part of it. An
    /// item that cannot be read is left out and logged: one of them does not keep a send from all the others.
    ///
    /// # Errors
    /// [`Fault`], never a conflict.
    pub async fn devices(
        &self,
        ids: &BTreeSet<DeviceId>,
    ) -> Result<HashMap<DeviceId, Record>, Fault> {
        let rows = self.read(ids.iter().map(device_key).collect()).await?;
        Ok(readable(&rows, whole).collect())
    }

    /// The same, of what a send needs to know of them; those that have ended are not part of it.
    ///
    /// # Errors
    /// [`Fault`], never a conflict.
    pub async fn reach(&self, ids: &BTreeSet<DeviceId>) -> Result<HashMap<DeviceId, Reach>, Fault> {
        let keys = ids.iter().map(device_key).collect();
        let rows = self.read_attributes(keys, Some(REACH)).await?;
        Ok(readable(&rows, reach_of).collect())
    }

    /// The devices in the index of `user`, and when each one's link expires; expired ones are left out. At most [`LINKS`] and
    /// what the last page has beyond.
    ///
    /// # Errors
    /// [`Fault`], never a conflict.
    pub async fn links(&self, user: &UserId, now: Time) -> Result<Vec<(DeviceId, Time)>, Fault> {
        let partition = link_partition(user);
        let mut links = Vec::new();
        let mut next = None;
        loop {
            let (rows, last) = self.query(&partition, Order::Rising, next, None).await?;
            let link =
                |row| link_of(row).inspect_err(|bad| tracing::error!(%bad, "a link was left out"));
            links.extend(
                rows.iter()
                    .filter_map(|row| link(row).ok())
                    .filter(|(_, expires)| *expires > now),
            );
            next = last;
            if next.is_none() || links.len() >= LINKS {
                return Ok(links);
            }
        }
    }

    /// A page of a partition in this order of its sort keys, and the key after which it goes on, if it does.
    pub(super) async fn query(
        &self,
        partition: &str,
        order: Order,
        after: Option<Row>,
        most: Option<usize>,
    ) -> Result<(Vec<Row>, Option<Row>), Fault> {
        self.query_as(Consistency::Strong, partition, order, after, most, None)
            .await
    }

    /// The same, or some attributes of the items.
    pub(super) async fn query_attributes(
        &self,
        partition: &str,
        order: Order,
        after: Option<Row>,
        most: Option<usize>,
        projection: Option<Projection>,
    ) -> Result<(Vec<Row>, Option<Row>), Fault> {
        self.query_as(
            Consistency::Strong,
            partition,
            order,
            after,
            most,
            projection,
        )
        .await
    }

    /// A page as [`query_attributes`](Self::query_attributes) reads it, with this consistency.
    pub(super) async fn query_as(
        &self,
        consistency: Consistency,
        partition: &str,
        order: Order,
        after: Option<Row>,
        most: Option<usize>,
        projection: Option<Projection>,
    ) -> Result<(Vec<Row>, Option<Row>), Fault> {
        let call = self
            .client
            .query()
            .table_name(&self.table)
            .scan_index_forward(order == Order::Rising)
            .consistent_read(consistency == Consistency::Strong);
        let mut call = call
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", text(partition));
        if let Some(Projection { expression, name }) = projection {
            call = call
                .projection_expression(expression)
                .expression_attribute_names(name.0, name.1);
        }
        let call = call.set_exclusive_start_key(after);
        let call = call.set_limit(most.and_then(|most| i32::try_from(most).ok()));
        let page = call.send().await.map_err(|error| Fault::of(&error))?;
        Ok((page.items.unwrap_or_default(), page.last_evaluated_key))
    }

    /// The items with these keys, as many as there are. Keys that DynamoDB did not get to are asked for again.
    pub(super) async fn read(&self, keys: Vec<Row>) -> Result<Vec<Row>, Fault> {
        self.read_attributes(keys, None).await
    }

    /// The same, or some of their attributes.
    async fn read_attributes(
        &self,
        keys: Vec<Row>,
        projection: Option<Projection>,
    ) -> Result<Vec<Row>, Fault> {
        let mut rows = Vec::with_capacity(keys.len());
        let mut pause = 10;
        let mut wanted = keys;
        loop {
            let mut request = KeysAndAttributes::builder()
                .set_keys(Some(wanted))
                .consistent_read(true);
            if let Some(Projection { expression, name }) = projection {
                request = request
                    .projection_expression(expression)
                    .expression_attribute_names(name.0, name.1);
            }
            let request = request
                .build()
                .map_err(|_| Fault::Broken("DynamoDB: a read without keys".into()))?;
            let call = self
                .client
                .batch_get_item()
                .request_items(&self.table, request);
            let mut answer = call.send().await.map_err(|error| Fault::of(&error))?;
            rows.extend(
                answer
                    .responses
                    .as_mut()
                    .and_then(|tables| tables.remove(&self.table))
                    .unwrap_or_default(),
            );
            let left = answer
                .unprocessed_keys
                .as_mut()
                .and_then(|tables| tables.remove(&self.table));
            let Some(left) = left.map(|left| left.keys).filter(|keys| !keys.is_empty()) else {
                return Ok(rows);
            };
            if pause > 1000 {
                return Err(Fault::Pressure("DynamoDB: keys stay unprocessed".into()));
            }
            tokio::time::sleep(Duration::from_millis(pause)).await;
            (wanted, pause) = (left, pause * 2);
        }
    }
}

/// What `of` reads of the rows, in their order; those that cannot be read are logged.
pub(super) fn readable<T>(
    rows: &[Row],
    of: impl Fn(&Row) -> Result<Option<(DeviceId, T)>, BadRow>,
) -> impl Iterator<Item = (DeviceId, T)> {
    let good = move |row| {
        of(row)
            .inspect_err(|bad| tracing::error!(%bad, "a device was left out"))
            .ok()
            .flatten()
    };
    rows.iter().filter_map(good)
}

/// All of a device's item.
pub(super) fn whole(row: &Row) -> Result<Option<(DeviceId, Record)>, BadRow> {
    device_of(row).map(Some)
}
