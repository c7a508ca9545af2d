//! Requests that may come again, by their idempotency keys.

use super::rows::{self, Row, key, number, text};
use super::{Fault, Store};
use aws_sdk_dynamodb::types::AttributeValue;
use push::repeat::{CLAIM, Digested, KEPT, Kept};
use push::{MessageId, Time};

/// A request with a key that is to be kept; whoever keeps it works on it.
#[derive(Clone, Copy, Debug)]
pub struct NewRequest<'a> {
    /// Its key.
    pub name: &'a Digested,
    /// Its body.
    pub body: &'a Digested,
    /// All messages that it becomes, in its order.
    pub messages: &'a [MessageId],
    /// When it was made.
    pub made: Time,
}

const REQUEST: &str = "REQUEST";

fn request_key(name: &Digested) -> Row {
    key(format!("REQUEST#{}", name.as_str()), REQUEST)
}

impl Store {
    /// What is kept under the key, expired or not.
    ///
    /// # Errors
    /// [`Fault`], never a conflict.
    pub async fn request(&self, name: &Digested) -> Result<Option<Kept>, Fault> {
        let call = self
            .client
            .get_item()
            .table_name(&self.table)
            .consistent_read(true);
        let item = call.set_key(Some(request_key(name))).send().await;
        let item = item.map_err(|error| Fault::of(&error))?.item;
        item.map(|row| kept_of(&row)).transpose()
    }

    /// Keeps the request, if its key is not in use.
    ///
    /// # Errors
    /// [`Fault::Conflict`] where it is: also by this request, if the answer to an attempt before was lost.
    pub async fn put_request(&self, request: &NewRequest<'_>) -> Result<(), Fault> {
        let NewRequest {
            name, body, made, ..
        } = request;
        let messages = request.messages.iter().map(|id| text(id.as_str()));
        let mut row = request_key(name);
        row.insert("hash".to_owned(), text(body.as_str()));
        row.insert("messages".to_owned(), AttributeValue::L(messages.collect()));
        row.insert("until".to_owned(), number((*made + CLAIM).seconds()));
        row.insert("expires".to_owned(), number((*made + KEPT).seconds()));
        let call = self.client.put_item().table_name(&self.table);
        let call = call
            .set_item(Some(row))
            .condition_expression("attribute_not_exists(#pk) OR #expires <= :now")
            .expression_attribute_names("#pk", "pk")
            .expression_attribute_names("#expires", "expires")
            .expression_attribute_values(":now", number(made.seconds()));
        call.send().await.map_err(|error| Fault::of(&error))?;
        Ok(())
    }

    /// Whoever does this works on the request from now on.
    ///
    /// # Errors
    /// [`Fault::Conflict`] where somebody else has taken it over, or it was answered.
    pub async fn take_over(&self, name: &Digested, kept: &Kept, now: Time) -> Result<(), Fault> {
        let call = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(request_key(name)));
        let call = call.update_expression("SET #until = :until");
        let call = call.condition_expression("#until = :seen AND attribute_not_exists(#answer)");
        let call = call.expression_attribute_names("#until", "until");
        let call = call.expression_attribute_names("#answer", "answer");
        let call = call.expression_attribute_values(":until", number((now + CLAIM).seconds()));
        let call = call.expression_attribute_values(":seen", number(kept.until.seconds()));
        call.send()
            .await
            .map(|_| ())
            .map_err(|error| Fault::of(&error))
    }

    /// The request is answered so from now on; or, without an answer, whoever repeats it goes on with it at once.
    ///
    /// # Errors
    /// [`Fault`], never a conflict.
    pub async fn finish(&self, name: &Digested, answer: Option<&str>) -> Result<(), Fault> {
        let call = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(request_key(name)));
        let (attribute, value) = match answer {
            Some(answer) => ("answer", text(answer)),
            None => ("until", number(0)),
        };
        let call = call
            .update_expression("SET #attribute = :value")
            .condition_expression("attribute_exists(#pk)");
        let call = call.expression_attribute_names("#attribute", attribute);
        let call = call
            .expression_attribute_names("#pk", "pk")
            .expression_attribute_values(":value", value);
        match call.send().await.map_err(|error| Fault::of(&error)) {
            // It has expired and was swept.
            Ok(_) | Err(Fault::Conflict) => Ok(()),
            Err(fault) => Err(fault),
        }
    }
}

fn kept_of(row: &Row) -> Result<Kept, Fault> {
    let bad = |name| Fault::from(rows::bad(name));
    Ok(Kept {
        body: Digested::parse(rows::string(row, "hash")?).ok_or(bad("hash"))?,
        messages: messages_of(row).ok_or(bad("messages"))?,
        until: rows::seconds(row, "until")?,
        answer: row
            .contains_key("answer")
            .then(|| rows::string(row, "answer"))
            .transpose()?
            .map(str::to_owned),
        expires: rows::seconds(row, "expires")?,
    })
}

fn messages_of(row: &Row) -> Option<Vec<MessageId>> {
    let list = row.get("messages")?.as_l().ok()?;
    let id = |value: &AttributeValue| MessageId::parse(value.as_s().ok()?).ok();
    list.iter().map(id).collect()
}
