//! Writes of one item, beside the rules: what removals cost, where a healed endpoint is, which slots of a pace are
//! reserved, who was erased.

use super::rows::{BadRow, Row, device_key, erasure_row, integer, key, number, text, version};
use super::{Fault, Store};
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use push::device::Version;
use push::erasure::Erasure;
use push::logout::UserHash;
use push::pace::{FARTHEST, Pace, Slot, since_epoch};
use push::{DeviceId, Platform, Span, Time};
use std::time::Duration;

/// When the last slot that was reserved is over, in microseconds: a publish may take less than a millisecond.
const NEXT: &str = "next";
/// A slot that others are faster at is asked for as often.
const RESERVATIONS: usize = 2;

impl Store {
    /// The user was erased, by this call or by a later one. An erasure that arrived later is not overwritten.
    ///
    /// # Errors
    /// [`Fault`], never a conflict.
    pub async fn erased(&self, user: &UserHash, erasure: &Erasure) -> Result<(), Fault> {
        let call = self.client.put_item().table_name(&self.table);
        let call = call.set_item(Some(erasure_row(user, erasure)));
        let call = call.condition_expression("attribute_not_exists(#pk) OR #arrived < :arrived");
        let call = call
            .expression_attribute_names("#pk", "pk")
            .expression_attribute_names("#arrived", "arrived")
            .expression_attribute_values(":arrived", number(erasure.arrived.millis()));
        match call.send().await.map_err(|error| Fault::of(&error)) {
            Ok(_) | Err(Fault::Conflict) => Ok(()),
            Err(fault) => Err(fault),
        }
    }

    /// Counts one removal of a device of the platform in this hour; `false` where the hour's budget is spent.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn spend_removal(
        &self,
        platform: Platform,
        now: Time,
        budget: u32,
    ) -> Result<bool, Fault> {
        const HOUR: u64 = 3600;
        let hour = now.seconds() / HOUR;
        let call = self.client.update_item().table_name(&self.table);
        let call = call.set_key(Some(key(
            format!("BUDGET#{}", platform.letter()),
            hour.to_string(),
        )));
        let call = call.update_expression("ADD #count :one SET #expires = :expires");
        let call = call.condition_expression("attribute_not_exists(#count) OR #count < :budget");
        let call = call
            .expression_attribute_names("#count", "count")
            .expression_attribute_names("#expires", "expires");
        let call = call
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":budget", number(budget.into()));
        let call = call.expression_attribute_values(":expires", number((hour + 25) * HOUR));
        match call.send().await.map_err(|error| Fault::of(&error)) {
            Ok(_) => Ok(budget > 0),
            Err(Fault::Conflict) => Ok(false),
            Err(fault) => Err(fault),
        }
    }

    /// The device's endpoint is `endpoint` from now on, if its item is still as it was seen; else nothing happens.
    ///
    /// # Errors
    /// [`Fault`], never a conflict.
    pub async fn move_endpoint(
        &self,
        id: &DeviceId,
        seen: Version,
        endpoint: &str,
        fresh: Version,
    ) -> Result<(), Fault> {
        let call = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(device_key(id)));
        let call = call
            .update_expression("SET #endpoint = :endpoint, #v = :fresh")
            .condition_expression("#v = :seen");
        let call = call
            .expression_attribute_names("#endpoint", "endpoint")
            .expression_attribute_names("#v", "v");
        let call = call
            .expression_attribute_values(":endpoint", text(endpoint))
            .expression_attribute_values(":fresh", version(&fresh));
        match call
            .expression_attribute_values(":seen", version(&seen))
            .send()
            .await
            .map_err(|error| Fault::of(&error))
        {
            Ok(_) | Err(Fault::Conflict) => Ok(()),
            Err(fault) => Err(fault),
        }
    }

    /// Reserves a slot of this length, as [`Pace::reserve`] decides by what the table has under this name; else when one
    /// may be reserved.
    ///
    /// # Errors
    /// [`Fault`], never a conflict. A slot that is lost with an answer is nobody's.
    pub async fn reserve_slot(
        &self,
        name: &str,
        now: Time,
        ahead: Span,
        length: Duration,
    ) -> Result<Result<Slot, Time>, Fault> {
        let call = || {
            let call = self.client.update_item().table_name(&self.table);
            call.set_key(Some(key("PACE", name)))
                .expression_attribute_names("#next", NEXT)
                .expression_attribute_values(":now", micros(since_epoch(now)))
        };
        for _ in 0..RESERVATIONS {
            // The most likely first: others are at it.
            let behind = call()
                .update_expression("SET #next = #next + :length")
                .condition_expression("#next BETWEEN :now AND :latest")
                .expression_attribute_values(":length", micros(length))
                .expression_attribute_values(":latest", micros(since_epoch(now + ahead)));
            let next = match moved(behind).await? {
                Moved::To(until) => {
                    let from = until.saturating_sub(length);
                    return Ok(Ok(Slot { from, until }));
                }
                Moved::Not(next) => next,
            };
            let slot = match Pace::reserve(next, now, ahead, length) {
                Ok(slot) => slot,
                refused => return Ok(refused),
            };
            let first = call()
                .update_expression("SET #next = :until")
                .condition_expression(
                    "attribute_not_exists(#next) OR #next < :now OR #next > :farthest",
                )
                .expression_attribute_values(":farthest", micros(since_epoch(now + FARTHEST)))
                .expression_attribute_values(":until", micros(slot.until));
            if let Moved::To(_) = moved(first).await? {
                return Ok(Ok(slot));
            }
            // Somebody was faster: there is a slot behind that one.
        }
        Ok(Err(now))
    }
}

/// Whether the shared moment was moved.
enum Moved {
    To(Duration),
    /// It is still this one, if there is one.
    Not(Option<Duration>),
}

async fn moved(call: UpdateItemFluentBuilder) -> Result<Moved, Fault> {
    let call = call
        .return_values(ReturnValue::UpdatedNew)
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    match call.send().await {
        Ok(answer) => {
            let row = answer.attributes.unwrap_or_default();
            Ok(Moved::To(next_of(&row)?))
        }
        Err(error) => match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                let next = failed.item().map(next_of).transpose()?;
                Ok(Moved::Not(next))
            }
            _ => Err(Fault::of(&error)),
        },
    }
}

fn micros(time: Duration) -> AttributeValue {
    number(u64::try_from(time.as_micros()).unwrap_or(u64::MAX))
}

fn next_of(row: &Row) -> Result<Duration, BadRow> {
    integer(row, NEXT).map(Duration::from_micros)
}
