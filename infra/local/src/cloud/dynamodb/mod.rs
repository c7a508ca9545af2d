//! DynamoDB: calls go to a real store; on the way they are counted, held to the table's rules, and made to fail as asked.

mod account;
mod items;
mod locks;
mod partial;
mod store;
mod torn;

use super::Table;
use super::answer::{Answer, Refusal, Service, not_served};
use super::calls::{Calls, Units};
use super::fault::Fault;
use locks::Locks;
use serde_json::{Value, json};
use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;
use store::{Failure, Reply, Store};
use tokio::task::JoinSet;

/// The store and what is laid over it.
pub struct Dynamodb {
    store: Store,
    table: Table,
    locks: Locks,
}

/// The partition of the list of tags, which is answered for ten seconds after it was read: a second more does not matter.
const TAGS: &str = "TAGS";

/// The embedded store, with the table made where it was missing.
///
/// # Errors
/// The file cannot be opened or is damaged, and the error names it; or there is no port.
pub async fn embed(
    file: Option<PathBuf>,
    table: Table,
    servers: &mut JoinSet<()>,
) -> Result<Dynamodb, Box<dyn Error + Send + Sync>> {
    let opened = async {
        let url = store::embed(file.as_deref(), servers).await?;
        Dynamodb::open(&url, table).await
    };
    opened.await.map_err(|error| match &file {
        Some(file) => format!("{}: {error}", file.display()).into(),
        None => error,
    })
}

impl Dynamodb {
    /// The store at a URL, with the table made where it was missing.
    ///
    /// # Errors
    /// The store cannot be reached or refuses the table.
    pub async fn open(url: &str, table: Table) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let store = Store::at(url)?;
        store.provide(&table).await?;
        Ok(Self {
            locks: Locks::of(&table),
            store,
            table,
        })
    }

    /// Answers a call. Of the faults, those that only DynamoDB has are played here; `pause` lies between the items of a
    /// torn transaction.
    pub async fn answer(
        &self,
        operation: &str,
        mut input: Value,
        fault: Option<&Fault>,
        pause: Duration,
        calls: &Calls,
    ) -> Answer {
        if let Some(refusal) = self.inconsistent(operation, &input) {
            return refusal.answer(Service::Dynamodb);
        }
        if fault == Some(&Fault::Conflict) {
            return locks::conflict(operation, &input, |index| index == 0);
        }
        let meter = Meter::attach(operation, &mut input);
        let reply = match fault {
            Some(Fault::Torn) => self.torn(&input, pause).await,
            Some(Fault::Unprocessed) => self.partial(input).await,
            _ => self.whole(operation, &input).await,
        };
        match reply {
            Ok(mut reply) => {
                if reply.code() == Some("UnknownOperationException") {
                    reply.body["message"] = not_served(operation).into();
                }
                meter.read(&mut reply.body, calls);
                Answer::json(Service::Dynamodb, reply.status, &reply.body)
            }
            Err(failure) => {
                tracing::warn!(operation, failure = &*failure, "no answer from DynamoDB");
                Refusal::new("InternalServerError", "DynamoDB does not answer")
                    .with_status(500)
                    .answer(Service::Dynamodb)
            }
        }
    }

    /// The call as it is, unless it touches what a torn transaction holds.
    async fn whole(&self, operation: &str, input: &Value) -> Result<Reply, Failure> {
        let _others_wait = self.locks.enter().await;
        match self.locks.refuse(operation, input) {
            Some(refused) => Ok(refused),
            None => self.store.call(operation, input).await,
        }
    }

    /// Reads of the table are consistent; one that is not is a bug that only shows under load. The list of tags may be read
    /// otherwise.
    fn inconsistent(&self, operation: &str, input: &Value) -> Option<Refusal> {
        let reads = match operation {
            "GetItem" | "Query" => [input]
                .into_iter()
                .find(|input| self.names(&input["TableName"])),
            "BatchGetItem" => input["RequestItems"]
                .as_object()?
                .iter()
                .find(|(name, _)| self.names(&json!(name)))
                .map(|(_, read)| read),
            _ => None,
        };
        let is_of_tags = input["ExpressionAttributeValues"][":pk"]["S"] == TAGS;
        let read = reads.filter(|read| read["ConsistentRead"] != true && !is_of_tags)?;
        tracing::warn!(operation, input = %read["TableName"], "a read without ConsistentRead");
        Some(Refusal::new(
            "ValidationException",
            "Reads of this table need ConsistentRead: true",
        ))
    }

    fn names(&self, table: &Value) -> bool {
        self.locks.names(table)
    }
}

/// Measures what a call consumes, without the caller seeing it.
struct Meter {
    units: fn(f64) -> Units,
    asked: bool,
}

impl Meter {
    /// Makes the store tell the consumed capacity.
    fn attach(operation: &str, input: &mut Value) -> Self {
        let units: Option<fn(f64) -> Units> = match operation {
            "GetItem" | "BatchGetItem" | "Query" | "Scan" | "TransactGetItems" => Some(Units::Read),
            "PutItem" | "UpdateItem" | "DeleteItem" | "BatchWriteItem" | "TransactWriteItems" => {
                Some(Units::Write)
            }
            _ => None,
        };
        let wanted = input.get("ReturnConsumedCapacity").and_then(Value::as_str);
        // Anything else that was sent is for the store to judge.
        let asked = !matches!(wanted, None | Some("NONE"));
        if units.is_some()
            && !asked
            && let Some(fields) = input.as_object_mut()
        {
            fields.insert("ReturnConsumedCapacity".to_owned(), json!("TOTAL"));
        }
        Self {
            units: units.unwrap_or(Units::Read),
            asked: asked || units.is_none(),
        }
    }

    /// Adds it up, and takes it out of the answer where the caller had not asked.
    fn read(self, output: &mut Value, calls: &Calls) {
        let consumed = &output["ConsumedCapacity"];
        let tables = consumed.as_array().map_or_else(
            || std::slice::from_ref(consumed),
            |tables| tables.as_slice(),
        );
        let units: f64 = tables
            .iter()
            .filter_map(|table| table["CapacityUnits"].as_f64())
            .sum();
        calls.consume((self.units)(units));
        if !self.asked
            && let Some(fields) = output.as_object_mut()
        {
            fields.remove("ConsumedCapacity");
        }
    }
}
