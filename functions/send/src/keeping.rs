//! Keeping messages: each under an id that nobody else has, and with an entry in the list of messages.

use crate::Sender;
use aws::store::{Attempts, Entry, Fault, StoredMessage};
use aws::{Failure, Metric, random};
use futures_util::{StreamExt, TryStreamExt, stream};
use push::message::Message;
use push::{MessageId, Time};

/// Messages that are written at the same time.
const WRITES: usize = 16;

impl Sender {
    /// Keeps the messages under these ids, in their order. Safe to repeat in the same words.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] where an id is another message's, or the table does not answer in time. Some are kept then.
    pub(crate) async fn keep(
        &self,
        ids: &[MessageId],
        messages: &[StoredMessage],
        now: Time,
    ) -> Result<(), Failure> {
        let writes = ids.iter().zip(messages).map(|(id, message)| async move {
            let retention = self.settings.message_retention;
            let mut attempts = Attempts::new(self.clock.clone(), now);
            let put = || self.store.put_message(id, message, retention);
            if attempts.written(put).await? {
                Ok(())
            } else {
                Err(Failure::from(Fault::Conflict))
            }
        });
        let writes: Vec<_> = writes.collect();
        stream::iter(writes)
            .buffer_unordered(WRITES)
            .try_collect()
            .await
    }

    /// The list of messages shows the message, where it shows something. A list that misses one fails no send: it is
    /// counted.
    pub(crate) async fn list(&self, id: &MessageId, message: &Message, stored: &StoredMessage) {
        let Some(entry) = Entry::of(id, message.alert(), stored) else {
            return;
        };
        let put = self.store.put_entry(entry, self.settings.message_retention);
        if let Err(fault) = put.await {
            let (code, id) = (Failure::from(fault).code(), id.as_str());
            tracing::error!(code, messageId = id, "a message is not in the list");
            self.metrics.count(Metric::Unlisted, 1);
        }
    }
}

/// The message as it is accepted now, its sending cut into so many jobs.
pub(crate) fn accepted(message: &Message, jobs: u64, now: Time) -> StoredMessage {
    StoredMessage {
        asked: message.echo().clone(),
        created: now,
        jobs,
    }
}

/// So many new ids, in their order: the list of messages sorts those of one moment by them.
pub(crate) fn fresh(count: usize) -> Result<Vec<MessageId>, Failure> {
    let ids: Result<Vec<_>, _> = (0..count).map(|_| random::message_id()).collect();
    let mut ids = ids?;
    ids.sort();
    Ok(ids)
}
