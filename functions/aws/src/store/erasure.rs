//! Deleting a message: its item, its entry in the list, and its jobs.

use super::listing::entry_key;
use super::messages::{MESSAGE, partition};
use super::rows::{self, Row, key};
use super::{Fault, Store};
use futures_util::future::try_join_all;
use push::{MessageId, Time};

/// Jobs that are deleted at the same time.
const DELETES: usize = 16;

impl Store {
    /// The message, its entry in the list and its jobs are deleted. Safe to repeat.
    ///
    /// The message goes first, and its jobs are looked up after that. A worker claims its job and then reads the message again: it
    /// finds no message, or this finds the job that it has claimed. Either way it begins no further page.
    ///
    /// # Errors
    /// [`Fault`], never a conflict.
    pub async fn delete_message(&self, id: &MessageId, created: Time) -> Result<(), Fault> {
        self.delete_item(key(partition(id), MESSAGE)).await?;
        self.delete_item(entry_key(id, created)).await?;
        let rows = self.message_rows(id).await?;
        for some in rows.chunks(DELETES) {
            let delete = async |row: &Row| {
                let job = key(partition(id), rows::string(row, "sk")?);
                self.delete_item(job).await
            };
            try_join_all(some.iter().map(delete)).await?;
        }
        Ok(())
    }

    async fn delete_item(&self, key: Row) -> Result<(), Fault> {
        let call = self.client.delete_item().table_name(&self.table);
        let call = call.set_key(Some(key));
        call.send().await.map_err(|error| Fault::of(&error))?;
        Ok(())
    }
}
