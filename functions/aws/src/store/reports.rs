//! What devices report of messages: an item for each that has, and their numbers.

use super::rows::{self, Row, key, number, text, version};
use super::{Fault, Store};
use push::device::{Version, shard};
use push::report::{News, Report};
use push::{DeviceId, MessageId, Time};

/// What a device reports that it has not reported before.
#[derive(Clone, Copy, Debug)]
pub struct NewReport<'a> {
    /// Of which message.
    pub message: &'a MessageId,
    /// Which device.
    pub device: &'a DeviceId,
    /// What it had reported before.
    pub before: Option<Report>,
    /// What it reports.
    pub report: Report,
    /// What that changes.
    pub news: &'a News,
    /// Until when the message is kept.
    pub expires: Time,
}

/// How many devices have reported of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reports {
    /// That it was shown, or opened.
    pub seen: u64,
    /// That it was opened.
    pub opened: u64,
}

/// The reports of a message are spread over so many partitions, of which each keeps a sum: very many devices report at
/// nearly the same time. They expire with the message, and where it is deleted before that, they stay until then.
const PARTITIONS: u8 = 16;

/// The sort key of a sum, which no device can be called.
const SUM: &str = "#SUM";

impl Store {
    /// What the device has reported of the message.
    ///
    /// # Errors
    /// [`Fault`], never a conflict.
    pub async fn report(
        &self,
        message: &MessageId,
        device: &DeviceId,
    ) -> Result<Option<Report>, Fault> {
        let call = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key(partition_of(message, device), device.as_str())))
            .consistent_read(true);
        let item = call.send().await.map_err(|error| Fault::of(&error))?.item;
        item.map(|row| report_of(&row)).transpose()
    }

    /// The report is noted, also for a repeat in the same words and with the same name. It is [counted](Self::count_report)
    /// after that: a crash in between loses one of a statistic.
    ///
    /// # Errors
    /// [`Fault::Conflict`] where the device has reported something else meanwhile.
    pub async fn put_report(&self, new: NewReport<'_>, name: Version) -> Result<(), Fault> {
        let mut row = key(partition_of(new.message, new.device), new.device.as_str());
        row.insert("report".to_owned(), text(new.report.as_str()));
        row.insert("v".to_owned(), version(&name));
        row.insert("expires".to_owned(), number(new.expires.seconds()));
        let call = self.client.put_item().table_name(&self.table);
        let call = call
            .set_item(Some(row))
            .expression_attribute_names("#report", "report")
            .expression_attribute_names("#v", "v")
            .expression_attribute_values(":v", version(&name));
        let call = match new.before {
            None => call.condition_expression("attribute_not_exists(#report) OR #v = :v"),
            Some(before) => call
                .condition_expression("#report = :before OR #v = :v")
                .expression_attribute_values(":before", text(before.as_str())),
        };
        call.send().await.map_err(|error| Fault::of(&error))?;
        Ok(())
    }

    /// What is new of the report is added to the message's sums. It is no part of a transaction: very many devices report at
    /// nearly the same time, and conflicts are paid for.
    ///
    /// # Errors
    /// [`Fault`], never a conflict. Where an answer was lost, it may count twice.
    pub async fn count_report(&self, new: NewReport<'_>) -> Result<(), Fault> {
        let call = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(partition_of(new.message, new.device), SUM)))
            .update_expression("ADD #seen :seen, #opened :opened SET #expires = :expires")
            .expression_attribute_names("#seen", "seen")
            .expression_attribute_names("#opened", "opened")
            .expression_attribute_names("#expires", "expires")
            .expression_attribute_values(":seen", number(new.news.seen))
            .expression_attribute_values(":opened", number(new.news.opened))
            .expression_attribute_values(":expires", number(new.expires.seconds()));
        call.send().await.map_err(|error| Fault::of(&error))?;
        Ok(())
    }

    /// How many devices have reported of the message.
    ///
    /// # Errors
    /// [`Fault`], never a conflict.
    pub async fn reports(&self, message: &MessageId) -> Result<Reports, Fault> {
        let keys = (0..PARTITIONS).map(|n| key(partition(message, n), SUM));
        let mut sum = Reports::default();
        for row in self.read(keys.collect()).await? {
            sum.seen += rows::integer(&row, "seen")?;
            sum.opened += rows::integer(&row, "opened")?;
        }
        Ok(sum)
    }
}

fn partition(message: &MessageId, n: u8) -> String {
    format!("REPORTS#{}#{n}", message.as_str())
}

fn partition_of(message: &MessageId, device: &DeviceId) -> String {
    partition(message, shard(device) % PARTITIONS)
}

fn report_of(row: &Row) -> Result<Report, Fault> {
    let report = Report::parse(rows::string(row, "report")?);
    Ok(report.map_err(|_| rows::bad("report"))?)
}
