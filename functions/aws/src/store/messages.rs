//! Messages that were accepted, and what became of them.

use super::devices::Order;
use super::jobs::{JobState, job_of};
use super::rows::{self, Row, key, number, text};
use super::{Fault, Store};
use crate::form::{self, Form};
use futures_util::future::try_join_all;
use push::{MessageId, Span, Time};
use serde_json::Value;

/// Its forms.
pub const FORM: Form = Form {
    what: "a message",
    written: 2,
    read: 2,
};

/// An accepted message.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredMessage {
    /// What was asked, with at most the first 100 of its targets.
    pub asked: Value,
    /// When it was accepted.
    pub created: Time,
    /// Into how many jobs its sending was cut.
    pub jobs: u64,
}

/// Devices by what became of a message on the way to them; `retried` counts attempts beyond the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Taken by SNS, which hands it to the platform's service.
    pub accepted: u64,
    /// The token is dead.
    pub dead: u64,
    /// The platform refused the message.
    pub refused: u64,
    /// Attempts that were repeated.
    pub retried: u64,
    /// The platform application or its credentials do not work.
    pub misconfigured: u64,
    /// The message's time to live had run out.
    pub expired: u64,
}

impl Counts {
    /// The counts by their names in the contract, the table and the log.
    #[must_use]
    pub const fn named(&self) -> [(&'static str, u64); 6] {
        [
            ("accepted", self.accepted),
            ("dead", self.dead),
            ("refused", self.refused),
            ("retried", self.retried),
            ("misconfigured", self.misconfigured),
            ("expired", self.expired),
        ]
    }

    /// The same, after one of the dead turned out to be good, and the platform to be wrong.
    #[must_use]
    pub const fn over_budget(mut self) -> Self {
        self.dead = self.dead.saturating_sub(1);
        self.misconfigured += 1;
        self
    }

    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            accepted: self.accepted + other.accepted,
            dead: self.dead + other.dead,
            refused: self.refused + other.refused,
            retried: self.retried + other.retried,
            misconfigured: self.misconfigured + other.misconfigured,
            expired: self.expired + other.expired,
        }
    }
}

pub(super) const MESSAGE: &str = "MESSAGE";

/// Messages that are read at the same time.
const READS: usize = 16;

pub(super) fn partition(id: &MessageId) -> String {
    format!("MESSAGE#{}", id.as_str())
}

impl Store {
    /// Keeps a new message for `retention`. A repeat in the same words finds what it has written.
    ///
    /// # Errors
    /// [`Fault::Conflict`] where the id is another message's. Two messages with one random id in one millisecond are taken
    /// for a repeat.
    pub async fn put_message(
        &self,
        id: &MessageId,
        message: &StoredMessage,
        retention: Span,
    ) -> Result<(), Fault> {
        let created = message.created;
        let call = self.client.put_item().table_name(&self.table);
        let call = call
            .set_item(Some(message_row(id, message, created + retention)))
            .condition_expression("attribute_not_exists(#pk) OR #created = :created")
            .expression_attribute_names("#pk", "pk")
            .expression_attribute_names("#created", "created")
            .expression_attribute_values(":created", number(created.millis()));
        call.send().await.map_err(|error| Fault::of(&error))?;
        Ok(())
    }

    /// A message without its jobs.
    ///
    /// # Errors
    /// [`Fault`], never a conflict.
    pub async fn stored_message(
        &self,
        id: &MessageId,
        now: Time,
    ) -> Result<Option<StoredMessage>, Fault> {
        let call = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key(partition(id), MESSAGE)))
            .consistent_read(true);
        let item = call.send().await.map_err(|error| Fault::of(&error))?.item;
        let Some(row) = item else {
            return Ok(None);
        };
        let message = message_of(&row)?;
        Ok((rows::seconds(&row, "expires")? > now).then_some(message))
    }

    /// A message and its jobs, as far as they were begun.
    ///
    /// # Errors
    /// [`Fault`], never a conflict.
    pub async fn message(
        &self,
        id: &MessageId,
        now: Time,
    ) -> Result<Option<(StoredMessage, Vec<JobState>)>, Fault> {
        let (mut message, mut jobs) = (None, Vec::new());
        for row in self.message_rows(id).await? {
            if rows::seconds(&row, "expires")? <= now {
                continue;
            }
            if rows::string(&row, "sk")? == MESSAGE {
                message = Some(message_of(&row)?);
            } else {
                jobs.push(job_of(&row)?);
            }
        }
        Ok(message.map(|message| (message, jobs)))
    }

    /// The same for several, in their order.
    ///
    /// # Errors
    /// [`Fault`], never a conflict.
    pub async fn messages(
        &self,
        ids: &[MessageId],
        now: Time,
    ) -> Result<Vec<Option<(StoredMessage, Vec<JobState>)>>, Fault> {
        let mut found = Vec::with_capacity(ids.len());
        for some in ids.chunks(READS) {
            found.extend(try_join_all(some.iter().map(|id| self.message(id, now))).await?);
        }
        Ok(found)
    }

    /// All items of a message, expired or not.
    pub(super) async fn message_rows(&self, id: &MessageId) -> Result<Vec<Row>, Fault> {
        let (mut all, mut next) = (Vec::new(), None);
        loop {
            let (rows, last) = self
                .query(&partition(id), Order::Rising, next, None)
                .await?;
            all.extend(rows);
            next = last;
            if next.is_none() {
                return Ok(all);
            }
        }
    }
}

/// The whole item of a message.
fn message_row(id: &MessageId, stored: &StoredMessage, expires: Time) -> Row {
    let mut row = key(partition(id), MESSAGE);
    row.insert(form::NAME.to_owned(), number(FORM.written));
    row.insert("asked".to_owned(), text(stored.asked.to_string()));
    row.insert("created".to_owned(), number(stored.created.millis()));
    row.insert("jobs".to_owned(), number(stored.jobs));
    row.insert("expires".to_owned(), number(expires.seconds()));
    row
}

fn message_of(row: &Row) -> Result<StoredMessage, Fault> {
    readable(FORM, row)?;
    let asked =
        serde_json::from_str(rows::string(row, "asked")?).map_err(|_| rows::bad("asked"))?;
    Ok(StoredMessage {
        asked,
        created: rows::millis(row, "created")?,
        jobs: rows::integer(row, "jobs")?,
    })
}

/// That this release reads the form of an item.
pub(super) fn readable(forms: Form, row: &Row) -> Result<(), Fault> {
    let form = if row.contains_key(form::NAME) {
        rows::integer(row, form::NAME)?
    } else {
        form::FIRST
    };
    let known = forms.check(form);
    known.map_err(|newer| Fault::Broken(newer.into()))
}
