//! Writes of one item, beside the rules: what removals cost, where a healed endpoint is, who was erased.

use super::rows::{device_key, erasure_row, key, number, text, version};
use super::{Fault, Store};
use push::device::Version;
use push::erasure::Erasure;
use push::logout::UserHash;
use push::{DeviceId, Platform, Time};

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
}
