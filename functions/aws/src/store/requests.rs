//! Requests that may come again, by their idempotency keys.

use super::messages::{StoredMessage, message_row};
use super::rows::{self, Row, key, number, text};
use super::{Fault, Store};
use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use push::repeat::{CLAIM, Digested, KEPT, Kept};
use push::{MessageId, Span, Time};

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

    /// Keeps a new message, and the request that it came from, together; whoever does so works on it.
    ///
    /// # Errors
    /// [`Fault::Conflict`] where the key is in use, or the message's id.
    pub async fn put_requested(
        &self,
        name: &Digested,
        body: &Digested,
        id: &MessageId,
        message: &StoredMessage,
        retention: Span,
    ) -> Result<(), Fault> {
        let now = message.created;
        let mut row = request_key(name);
        row.insert("hash".to_owned(), text(body.as_str()));
        row.insert("message".to_owned(), text(id.as_str()));
        row.insert("until".to_owned(), number((now + CLAIM).seconds()));
        row.insert("expires".to_owned(), number((now + KEPT).seconds()));
        let request = Put::builder()
            .table_name(&self.table)
            .set_item(Some(row))
            .condition_expression("attribute_not_exists(#pk) OR #expires <= :now")
            .expression_attribute_names("#pk", "pk")
            .expression_attribute_names("#expires", "expires")
            .expression_attribute_values(":now", number(now.seconds()));
        let message = Put::builder()
            .table_name(&self.table)
            .set_item(Some(message_row(id, message, retention)))
            .condition_expression("attribute_not_exists(#pk)")
            .expression_attribute_names("#pk", "pk");
        let mut items = Vec::new();
        for put in [request, message] {
            let put = put.build().map_err(|error| Fault::Broken(error.into()))?;
            items.push(TransactWriteItem::builder().put(put).build());
        }
        let call = self
            .client
            .transact_write_items()
            .set_transact_items(Some(items));
        call.send()
            .await
            .map_err(|error| Fault::of_transaction(&error))?;
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
        message: MessageId::parse(rows::string(row, "message")?).map_err(|_| bad("message"))?,
        until: rows::seconds(row, "until")?,
        answer: row
            .contains_key("answer")
            .then(|| rows::string(row, "answer"))
            .transpose()?
            .map(str::to_owned),
        expires: rows::seconds(row, "expires")?,
    })
}
