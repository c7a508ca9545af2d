//! The jobs of a message: who works on one, how far it is, and what became of it, in one item each, so that nothing is
//! counted twice.

use super::messages::{Counts, partition, readable};
use super::rows::{self, Row, key, number, text};
use super::{Fault, Store};
use crate::form::{self, Form};
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{
    AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure as OnFailure,
};
use push::device::Version;
use push::{MessageId, Span, Time};
use std::fmt::Write;

/// Its forms.
pub const FORM: Form = Form {
    what: "a job's item",
    written: 2,
    read: 2,
};

/// A part of the sending of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobState {
    /// What became of it so far.
    pub counts: Counts,
    /// Whether it is finished.
    pub done: bool,
    /// Who worked on it last.
    pub holder: Option<Version>,
    /// Where it goes on; nothing at the beginning.
    pub cursor: Option<String>,
    /// Until when whoever works on it is left alone; whole seconds.
    pub until: Time,
    /// Whether whoever works on it is the last one to try.
    pub last_try: bool,
}

impl JobState {
    /// Whether the last one to try has failed: the job is a dead letter.
    #[must_use]
    pub fn is_given_up(&self, now: Time) -> bool {
        !self.done && self.last_try && self.until <= now
    }
}

/// What trying to work on a job comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// It is the caller's for a while, and goes on here.
    Taken(Option<String>),
    /// It is finished.
    Done,
    /// Somebody else works on it.
    Held,
}

/// A job and whoever works on it.
#[derive(Clone, Copy, Debug)]
pub struct Holder<'a> {
    /// The message.
    pub message: &'a MessageId,
    /// Which of its jobs.
    pub number: u64,
    /// A name that nobody else has.
    pub name: Version,
    /// When the item of the job expires: with its message.
    pub expires: Time,
    /// Whether the job was claimed under this name: then a step on an item that is gone, with its message, is none.
    pub claimed: bool,
}

/// What comes after a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GoesOn {
    /// A new message of the queue is to go on with it.
    Later,
    /// Another try, if there is one left.
    Unknown,
}

/// A step on the way.
#[derive(Clone, Debug)]
pub struct Step {
    /// Where it was before; nothing at the beginning.
    pub before: Option<String>,
    /// Where it is from now on.
    pub after: String,
    /// What became of the devices in between.
    pub counts: Counts,
    /// Whether it is finished.
    pub done: bool,
}

/// Whoever works on a job is left alone for so long after each step; a step takes a few seconds.
const CLAIM: Span = Span::from_seconds(60);

impl Store {
    /// The job is the caller's from now on, if it is neither finished nor somebody else's.
    ///
    /// # Errors
    /// [`Fault`], never a conflict.
    pub async fn claim(
        &self,
        holder: Holder<'_>,
        last_try: bool,
        now: Time,
    ) -> Result<Claim, Fault> {
        let call = self
            .job(holder)
            .update_expression(
                "SET #holder = :me, #until = :until, #last = :last, #form = :form, #expires = if_not_exists(#expires, :expires)",
            )
            // Taken by the same name: the answer to that was lost. An item of a newer form is left as it is.
            .condition_expression(
                "attribute_not_exists(#done) AND (attribute_not_exists(#until) OR #until < :now OR #holder = :me) AND (attribute_not_exists(#form) OR #form <= :read)",
            )
            .expression_attribute_names("#done", "done")
            .expression_attribute_names("#expires", "expires")
            .expression_attribute_names("#last", "last")
            .expression_attribute_values(":last", AttributeValue::Bool(last_try))
            .expression_attribute_values(":until", number((now + CLAIM).seconds()))
            .expression_attribute_values(":now", number(now.seconds()))
            .expression_attribute_values(":read", number(FORM.read))
            .expression_attribute_names("#form", form::NAME)
            .expression_attribute_values(":form", number(FORM.written))
            .expression_attribute_values(":expires", number(holder.expires.seconds()))
            .return_values(ReturnValue::AllNew)
            // What a job's item holds are device ids at most.
            .return_values_on_condition_check_failure(OnFailure::AllOld);
        match call.send().await {
            Ok(answer) => {
                let row = answer.attributes.unwrap_or_default();
                Ok(Claim::Taken(job_of(&row)?.cursor))
            }
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                    if let Some(row) = failed.item() {
                        readable(FORM, row)?;
                    }
                    let done = failed.item().is_some_and(|row| row.contains_key("done"));
                    Ok(if done { Claim::Done } else { Claim::Held })
                }
                _ => Err(Fault::of(&error)),
            },
        }
    }

    /// The step is noted: how far the job is and what is counted, together and once. The caller's first step on a job that
    /// nobody has begun makes it the caller's.
    ///
    /// # Errors
    /// [`Fault::Conflict`] where the job is not the caller's any more, or not where it was.
    pub async fn step(&self, holder: Holder<'_>, step: &Step, now: Time) -> Result<(), Fault> {
        let mut set =
            "SET #holder = :me, #until = :until, #cursor = :after, #form = :form, #expires = :expires".to_owned();
        let mut call = self.job(holder);
        if step.done {
            set.push_str(", #done = :done");
            call = call
                .expression_attribute_names("#done", "done")
                .expression_attribute_values(":done", AttributeValue::Bool(true));
        }
        let condition = if let Some(before) = &step.before {
            call = call.expression_attribute_values(":before", text(before));
            "#holder = :me AND #cursor = :before"
        } else if holder.claimed {
            "#holder = :me AND attribute_not_exists(#cursor)"
        } else {
            "(attribute_not_exists(#holder) OR #holder = :me) AND attribute_not_exists(#cursor)"
        };
        let call = call
            .condition_expression(condition)
            .expression_attribute_names("#cursor", "cursor")
            .expression_attribute_names("#form", form::NAME)
            .expression_attribute_values(":form", number(FORM.written))
            .expression_attribute_names("#expires", "expires")
            .expression_attribute_values(":after", text(&step.after))
            .expression_attribute_values(":until", number((now + CLAIM).seconds()))
            .expression_attribute_values(":expires", number(holder.expires.seconds()));
        let call = counted(call, &set, step.counts);
        call.send()
            .await
            .map(|_| ())
            .map_err(|error| Fault::of(&error))
    }

    /// Whoever wants the job next need not wait. Where it goes on in another message, this was not its last try.
    ///
    /// # Errors
    /// [`Fault`], never a conflict.
    pub async fn release(&self, holder: Holder<'_>, goes_on: GoesOn) -> Result<(), Fault> {
        let mut call = self
            .job(holder)
            .condition_expression("#holder = :me")
            .expression_attribute_values(":never", number(0));
        call = match goes_on {
            GoesOn::Later => call
                .update_expression("SET #until = :never, #last = :no")
                .expression_attribute_names("#last", "last")
                .expression_attribute_values(":no", AttributeValue::Bool(false)),
            GoesOn::Unknown => call.update_expression("SET #until = :never"),
        };
        match call.send().await.map_err(|error| Fault::of(&error)) {
            Ok(_) | Err(Fault::Conflict) => Ok(()),
            Err(fault) => Err(fault),
        }
    }

    /// The job, if it was begun.
    ///
    /// # Errors
    /// [`Fault`], never a conflict.
    pub async fn job_state(
        &self,
        message: &MessageId,
        number: u64,
    ) -> Result<Option<JobState>, Fault> {
        let call = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(job_key(message, number)))
            .consistent_read(true);
        let item = call.send().await.map_err(|error| Fault::of(&error))?.item;
        item.map(|row| job_of(&row)).transpose()
    }

    fn job(&self, holder: Holder<'_>) -> UpdateItemFluentBuilder {
        self.client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(job_key(holder.message, holder.number)))
            .expression_attribute_names("#holder", "holder")
            .expression_attribute_names("#until", "until")
            .expression_attribute_values(":me", rows::version(&holder.name))
    }
}

/// The update with what is counted added to what was; what is nothing is left out.
fn counted(
    mut call: UpdateItemFluentBuilder,
    set: &str,
    counts: Counts,
) -> UpdateItemFluentBuilder {
    let mut add = String::new();
    for (name, count) in counts.named() {
        if count > 0 {
            add.push_str(if add.is_empty() { " ADD " } else { ", " });
            let _ = write!(add, "#{name} :{name}");
            call = call
                .expression_attribute_names(format!("#{name}"), name)
                .expression_attribute_values(format!(":{name}"), number(count));
        }
    }
    call.update_expression(format!("{set}{add}"))
}

fn job_key(message: &MessageId, n: u64) -> Row {
    key(partition(message), format!("JOB#{n}"))
}

/// What the item of a job says.
pub(super) fn job_of(row: &Row) -> Result<JobState, Fault> {
    readable(FORM, row)?;
    // What was never counted is not there.
    let count = |name| {
        if row.contains_key(name) {
            rows::integer(row, name)
        } else {
            Ok(0)
        }
    };
    Ok(JobState {
        counts: Counts {
            accepted: count("accepted")?,
            dead: count("dead")?,
            refused: count("refused")?,
            retried: count("retried")?,
            misconfigured: count("misconfigured")?,
            expired: count("expired")?,
        },
        done: row.contains_key("done"),
        holder: row
            .get("holder")
            .and_then(|holder| holder.as_b().ok())
            .and_then(|holder| <[u8; 16]>::try_from(holder.as_ref()).ok())
            .map(Version),
        cursor: row
            .contains_key("cursor")
            .then(|| rows::string(row, "cursor").map(str::to_owned))
            .transpose()?,
        until: rows::seconds(row, "until")?,
        last_try: row.get("last").and_then(|last| last.as_bool().ok()) == Some(&true),
    })
}
