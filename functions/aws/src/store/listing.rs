//! The list of messages: an entry for each, kept by the day on which the message was accepted.

use super::devices::Order;
use super::rows::{self, BadRow, Row, key, number, text};
use super::{Fault, Store, StoredMessage};
use futures_util::future::try_join_all;
use push::{MessageId, Span, Time};

/// A message as the list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its id.
    pub id: MessageId,
    /// The first [`ALERT`] characters of what it shows.
    pub alert: String,
    /// When it was accepted.
    pub created: Time,
}

/// So many characters of an alert are kept in the list.
pub const ALERT: usize = 254;

/// So many days are read at the same time, at most. Today is read alone: it often suffices.
const READS: usize = 16;

const DAY: Span = Span::from_days(1);

impl Entry {
    /// The entry of an accepted message; nothing where it shows no alert.
    #[must_use]
    pub fn of(id: &MessageId, alert: Option<&str>, message: &StoredMessage) -> Option<Self> {
        Some(Self {
            id: id.clone(),
            alert: alert?.chars().take(ALERT).collect(),
            created: message.created,
        })
    }
}

impl Store {
    /// The list has the entry for `retention` from its message's acceptance; safe to repeat.
    ///
    /// # Errors
    /// [`Fault`], never a conflict.
    pub async fn put_entry(&self, entry: Entry, retention: Span) -> Result<(), Fault> {
        let expires = entry.created + retention;
        let call = self.client.put_item().table_name(&self.table);
        let call = call.set_item(Some(entry_row(entry, expires)));
        call.send().await.map_err(|error| Fault::of(&error))?;
        Ok(())
    }

    /// The newest messages, the newest first: at most `most` of those that were accepted within `retention` and have not
    /// expired.
    ///
    /// # Errors
    /// [`Fault`], never a conflict.
    pub async fn newest(
        &self,
        now: Time,
        retention: Span,
        most: usize,
    ) -> Result<Vec<Entry>, Fault> {
        let mut entries = Vec::new();
        let mut days = days(now, retention);
        let mut reads = 1;
        while entries.len() < most {
            let some: Vec<_> = days.by_ref().take(reads).collect();
            if some.is_empty() {
                break;
            }
            let left = most - entries.len();
            let read = some.iter().map(|day| self.newest_of(day, now, left));
            entries.extend(try_join_all(read).await?.into_iter().flatten());
            reads = (reads * 4).min(READS);
        }
        entries.truncate(most);
        Ok(entries)
    }

    async fn newest_of(&self, day: &str, now: Time, most: usize) -> Result<Vec<Entry>, Fault> {
        let partition = partition(day);
        let (mut entries, mut next) = (Vec::new(), None);
        loop {
            let left = most - entries.len();
            let (rows, last) = self
                .query(&partition, Order::Falling, next, Some(left))
                .await?;
            let entry = |row| {
                entry_of(row)
                    .inspect_err(|bad| tracing::error!(%bad, "an entry of the list was left out"))
            };
            let read = rows.iter().filter_map(|row| entry(row).ok());
            entries.extend(read.filter_map(|(entry, expires)| (expires > now).then_some(entry)));
            next = last;
            if next.is_none() || entries.len() >= most {
                return Ok(entries);
            }
        }
    }
}

/// The key of the entry of a message.
pub(super) fn entry_key(id: &MessageId, created: Time) -> Row {
    let place = format!("{:013}#{}", created.millis(), id.as_str());
    key(partition(&created.day()), place)
}

/// The whole entry of a message.
fn entry_row(entry: Entry, expires: Time) -> Row {
    let Entry { id, alert, created } = entry;
    let mut row = entry_key(&id, created);
    row.insert("id".to_owned(), text(id.as_str()));
    row.insert("alert".to_owned(), text(alert));
    row.insert("created".to_owned(), number(created.millis()));
    row.insert("expires".to_owned(), number(expires.seconds()));
    row
}

/// An entry, and when it expires.
fn entry_of(row: &Row) -> Result<(Entry, Time), BadRow> {
    let entry = Entry {
        id: MessageId::parse(rows::string(row, "id")?).map_err(|_| rows::bad("id"))?,
        alert: rows::string(row, "alert")?.to_owned(),
        created: rows::millis(row, "created")?,
    };
    Ok((entry, rows::seconds(row, "expires")?))
}

fn partition(day: &str) -> String {
    format!("MESSAGES#{day}")
}

/// The days on which messages were accepted that are kept, from today backwards.
fn days(now: Time, retention: Span) -> impl Iterator<Item = String> {
    let count = retention.millis().div_ceil(DAY.millis());
    (0..=count).map(move |n| (now - Span::from_days(n)).day())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_days_that_are_read_reach_from_today_to_the_oldest_message_that_is_kept() {
        let now = Time::from_seconds(1_779_277_331);
        let read: Vec<_> = days(now, Span::from_days(2)).collect();
        assert_eq!(read, ["2026-05-20", "2026-05-19", "2026-05-18"]);
        assert_eq!(days(now, Span::from_days(90)).count(), 91);
    }
}
