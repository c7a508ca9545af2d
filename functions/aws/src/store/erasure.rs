//! Erasing a message: its item, its jobs and its entry in the list.

use super::listing::entry_key;
use super::messages::{MESSAGE, partition};
use super::rows::{self, Row, key};
use super::{Fault, Store};
use futures_util::future::try_join_all;
use push::device::Version;
use push::{MessageId, Time};

/// All that the table holds of one message.
#[derive(Debug)]
pub struct Traces {
    message: Row,
    entry: Row,
    jobs: Vec<Row>,
}

/// Jobs that are deleted at the same time.
const DELETES: usize = 16;

impl Store {
    /// What there is of a message; nothing where it is not known or has expired.
    ///
    /// # Errors
    /// [`Fault`], never a conflict.
    pub async fn traces(&self, id: &MessageId, now: Time) -> Result<Option<Traces>, Fault> {
        let (mut created, mut jobs) = (None, Vec::new());
        for row in self.message_rows(id).await? {
            match rows::string(&row, "sk")? {
                MESSAGE if rows::seconds(&row, "expires")? > now => {
                    created = Some(rows::millis(&row, "created")?);
                }
                MESSAGE => {}
                job => jobs.push(key(partition(id), job)),
            }
        }
        Ok(created.map(|created| Traces {
            message: key(partition(id), MESSAGE),
            entry: entry_key(id, created),
            jobs,
        }))
    }

    /// Nothing of it is left; safe to repeat. The message and its entry go together and first: a job without its message
    /// is not found by anybody, and expires.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn erase(&self, traces: &Traces, name: Version) -> Result<(), Fault> {
        let items = [&traces.message, &traces.entry].map(|key| self.delete(key.clone()));
        let items: Result<Vec<_>, _> = items.into_iter().collect();
        let items = items.map_err(|error| Fault::Broken(error.into()))?;
        self.transact(items, name).await?;
        for some in traces.jobs.chunks(DELETES) {
            try_join_all(some.iter().map(|key| self.delete_item(key))).await?;
        }
        Ok(())
    }

    async fn delete_item(&self, key: &Row) -> Result<(), Fault> {
        let call = self.client.delete_item().table_name(&self.table);
        let call = call.set_key(Some(key.clone()));
        call.send()
            .await
            .map(|_| ())
            .map_err(|error| Fault::of(&error))
    }
}
