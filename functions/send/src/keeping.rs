//! Keeping messages: as many as one transaction takes at a time, each under an id that nobody else has.

use crate::Sender;
use aws::store::{Attempts, Fault, NewMessage, NewRequest, StoredMessage};
use aws::{Failure, random};
use push::message::Message;
use push::{MessageId, Time};
use serde_json::Value;

/// A message that has no id yet.
#[derive(Clone)]
pub(crate) struct Draft<'a> {
    alert: Option<&'a str>,
    pub stored: StoredMessage,
}

/// What became of an attempt to keep messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Put {
    /// They are kept.
    Kept,
    /// None is: an id is taken, or the key of the request.
    Taken,
}

/// A transaction takes 100 actions: two for each message, and one for the request that they came from.
const MOST: usize = 49;
/// It takes 4 MB. So many bytes of what was asked leave room for the rest.
const BYTES: usize = 3_000_000;

impl<'a> Draft<'a> {
    /// The message as it is accepted now, its sending cut into so many jobs.
    pub fn of(message: &'a Message, jobs: u64, now: Time) -> Self {
        let stored = StoredMessage {
            asked: message.echo().clone(),
            created: now,
            jobs,
        };
        Self {
            alert: message.alert(),
            stored,
        }
    }

    /// Whether this is what the table gives back of it.
    pub fn is_kept_as(&self, stored: &StoredMessage) -> bool {
        let text = self.stored.asked.to_string();
        serde_json::from_str::<Value>(&text).is_ok_and(|asked| asked == stored.asked)
    }
}

impl Sender {
    /// Keeps the messages; gives their ids, in their order.
    pub(crate) async fn keep(
        &self,
        drafts: &[Draft<'_>],
        attempts: &mut Attempts,
    ) -> Result<Vec<MessageId>, Failure> {
        let mut ids = Vec::with_capacity(drafts.len());
        while ids.len() < drafts.len() {
            let left = drafts.get(ids.len()..).unwrap_or_default();
            let some = fresh(left.len())?;
            let messages = new(&some, left);
            let chunk = chunks(&messages).next().unwrap_or_default();
            match self.put(None, chunk, attempts).await? {
                Put::Kept => ids.extend(chunk.iter().map(|message| message.id.clone())),
                Put::Taken => attempts.again(Fault::Conflict).await?,
            }
        }
        Ok(ids)
    }

    /// Keeps the messages under the ids that they have.
    pub(crate) async fn keep_under(
        &self,
        messages: &[NewMessage<'_>],
        attempts: &mut Attempts,
    ) -> Result<(), Failure> {
        for chunk in chunks(messages) {
            while self.put(None, chunk, attempts).await? == Put::Taken {
                attempts.again(Fault::Conflict).await?;
            }
        }
        Ok(())
    }

    /// One transaction. A lost answer and a lack of capacity are met with the same words again, until it is known what
    /// became of them: only a conflict says that nothing was kept.
    pub(crate) async fn put(
        &self,
        request: Option<&NewRequest<'_>>,
        messages: &[NewMessage<'_>],
        attempts: &mut Attempts,
    ) -> Result<Put, Failure> {
        let (name, retention) = (random::version()?, self.settings.message_retention);
        loop {
            let put = self
                .store
                .put_messages(request, messages, retention, name)
                .await;
            match put {
                Ok(()) => return Ok(Put::Kept),
                Err(Fault::Conflict) => return Ok(Put::Taken),
                Err(fault) => attempts.again(fault).await?,
            }
        }
    }
}

/// So many new ids.
pub(crate) fn fresh(count: usize) -> Result<Vec<MessageId>, Failure> {
    (0..count).map(|_| random::message_id()).collect()
}

/// The messages under these ids.
pub(crate) fn new<'a>(ids: &'a [MessageId], drafts: &'a [Draft<'_>]) -> Vec<NewMessage<'a>> {
    let message = |(id, draft): (&'a MessageId, &'a Draft<'_>)| NewMessage {
        id,
        alert: draft.alert,
        stored: &draft.stored,
    };
    ids.iter().zip(drafts).map(message).collect()
}

/// The messages, by what one transaction takes.
pub(crate) fn chunks<'a, 'b>(
    messages: &'b [NewMessage<'a>],
) -> impl Iterator<Item = &'b [NewMessage<'a>]> {
    let mut left = messages;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = |message: &NewMessage<'_>| {
            bytes += message.stored.asked.to_string().len();
            bytes <= BYTES
        };
        let count = if left.len() < 2 {
            // What stands alone goes alone: it is not measured.
            left.len()
        } else {
            let fitting = left.iter().take(MOST).map(fits).take_while(|fits| *fits);
            fitting.count().max(1)
        };
        let (chunk, rest) = left.split_at(count);
        left = rest;
        (!chunk.is_empty()).then_some(chunk)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// The sizes of the transactions for messages of so many bytes each.
    fn sizes(lengths: &[usize]) -> Vec<usize> {
        let id = MessageId::parse("AAAAAAAA").unwrap();
        let stored = lengths.iter().map(|length| StoredMessage {
            asked: json!("x".repeat(length - 2)),
            created: Time::default(),
            jobs: 1,
        });
        let stored: Vec<_> = stored.collect();
        let messages = stored.iter().map(|stored| NewMessage {
            id: &id,
            alert: None,
            stored,
        });
        let messages: Vec<_> = messages.collect();
        chunks(&messages).map(<[_]>::len).collect()
    }

    #[test]
    fn a_transaction_takes_49_messages() {
        assert_eq!(sizes(&[]), [0; 0]);
        assert_eq!(sizes(&[10; 49]), [49]);
        assert_eq!(sizes(&[10; 50]), [49, 1]);
        assert_eq!(sizes(&[10; 100]), [49, 49, 2]);
    }

    #[test]
    fn a_transaction_takes_3_million_bytes_and_at_least_one_message() {
        assert_eq!(sizes(&[BYTES - 10, 10, 10]), [2, 1]);
        assert_eq!(sizes(&[BYTES - 10, 11, 10]), [1, 2]);
        assert_eq!(sizes(&[BYTES + 1, BYTES + 1]), [1, 1]);
    }
}
