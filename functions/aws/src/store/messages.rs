//! Messages that were accepted, and what became of them.

use super::jobs::{JobState, job_of};
use super::rows::{self, BadRow, Row, key, number, text};
use super::{Fault, Store};
use push::{MessageId, Span, Time};
use serde_json::Value;

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
    /// Handed over to the platform's service.
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

    /// The same, after so many of the dead turned out to be good, and the platform to be wrong.
    #[must_use]
    pub const fn over_budget(mut self, devices: u64) -> Self {
        self.dead = self.dead.saturating_sub(devices);
        self.misconfigured += devices;
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

const MESSAGE: &str = "MESSAGE";

pub(super) fn partition(id: &MessageId) -> String {
    format!("MESSAGE#{}", id.as_str())
}

impl Store {
    /// Keeps a new message for `retention`.
    ///
    /// # Errors
    /// [`Fault::Conflict`] where the id is taken.
    pub async fn put_message(
        &self,
        id: &MessageId,
        message: &StoredMessage,
        retention: Span,
    ) -> Result<(), Fault> {
        let row = message_row(id, message, retention);
        let call = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(row));
        let call = call
            .condition_expression("attribute_not_exists(#pk)")
            .expression_attribute_names("#pk", "pk");
        call.send()
            .await
            .map(|_| ())
            .map_err(|error| Fault::of(&error))
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
        let mut next = None;
        loop {
            let (rows, last) = self.query(&partition(id), next, None).await?;
            for row in &rows {
                if rows::seconds(row, "expires")? <= now {
                    continue;
                }
                if rows::string(row, "sk")? == MESSAGE {
                    message = Some(message_of(row)?);
                } else {
                    jobs.push(job_of(row)?);
                }
            }
            next = last;
            if next.is_none() {
                return Ok(message.map(|message| (message, jobs)));
            }
        }
    }
}

/// The whole item of a message.
pub(super) fn message_row(id: &MessageId, message: &StoredMessage, retention: Span) -> Row {
    let mut row = key(partition(id), MESSAGE);
    row.insert("asked".to_owned(), text(message.asked.to_string()));
    row.insert("created".to_owned(), number(message.created.millis()));
    row.insert("jobs".to_owned(), number(message.jobs));
    row.insert(
        "expires".to_owned(),
        number((message.created + retention).seconds()),
    );
    row
}

fn message_of(row: &Row) -> Result<StoredMessage, BadRow> {
    let asked =
        serde_json::from_str(rows::string(row, "asked")?).map_err(|_| rows::bad("asked"))?;
    Ok(StoredMessage {
        asked,
        created: rows::millis(row, "created")?,
        jobs: rows::integer(row, "jobs")?,
    })
}
