//! Which items a torn transaction holds, and what others get that touch them.

use super::super::Table;
use super::super::answer::{Answer, Refusal, Service};
use super::store::Reply;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

/// The text of `TransactionConflict`, in both places where it stands.
const ONGOING: &str = "Transaction is ongoing for the item";

/// The members of a transaction's action, whatever it does.
const ACTIONS: [&str; 5] = ["Put", "Update", "Delete", "ConditionCheck", "Get"];

/// The items that are held, by key.
pub struct Locks {
    table: String,
    key_names: Vec<String>,
    held: Mutex<HashSet<String>>,
    /// Calls that are under way; a torn transaction begins when there is none, so that its conditions hold when it does.
    gate: RwLock<()>,
}

impl Locks {
    /// None yet, for the items of a table.
    pub fn of(table: &Table) -> Self {
        let schema = table.create["KeySchema"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        let names = schema
            .iter()
            .filter_map(|key| key["AttributeName"].as_str());
        Self {
            table: table.name.clone(),
            key_names: names.map(str::to_owned).collect(),
            held: Mutex::default(),
            gate: RwLock::new(()),
        }
    }

    /// Whether a request's `TableName` is this table, by name or ARN.
    pub fn names(&self, table: &Value) -> bool {
        table.as_str().is_some_and(|name| {
            name == self.table
                || name
                    .rsplit_once(":table/")
                    .is_some_and(|(_, name)| name == self.table)
        })
    }

    /// The names of the key attributes.
    pub fn key_names(&self) -> &[String] {
        &self.key_names
    }

    /// While it is kept, no torn transaction begins.
    pub async fn enter(&self) -> RwLockReadGuard<'_, ()> {
        self.gate.read().await
    }

    /// While it is kept, no other call is under way.
    pub async fn alone(&self) -> RwLockWriteGuard<'_, ()> {
        self.gate.write().await
    }

    /// Holds the items of a transaction until the guard goes.
    pub fn hold(&self, input: &Value) -> Held<'_> {
        let keys: Vec<_> = actions(input).filter_map(|of| self.key(of)).collect();
        self.with(|held| held.extend(keys.iter().cloned()));
        Held { locks: self, keys }
    }

    /// The refusal of a call that touches a held item.
    pub fn refuse(&self, operation: &str, input: &Value) -> Option<Reply> {
        let held = self.with(|held| held.clone());
        if held.is_empty() {
            return None;
        }
        let held = |action: &Value| self.key(action).is_some_and(|key| held.contains(&key));
        let touched: Vec<bool> = match operation {
            "PutItem" | "UpdateItem" | "DeleteItem" => vec![held(input)],
            "TransactWriteItems" | "TransactGetItems" => actions(input).map(held).collect(),
            _ => return None,
        };
        if !touched.contains(&true) {
            return None;
        }
        let answer = conflict(operation, input, |index| touched.get(index) == Some(&true));
        Some(Reply {
            status: answer.status,
            body: serde_json::from_str(&answer.body).unwrap_or_default(),
        })
    }

    /// The item that an action or a single call is about: nothing for other tables.
    fn key(&self, action: &Value) -> Option<String> {
        if !self.names(&action["TableName"]) {
            return None;
        }
        let item = action.get("Key").or_else(|| action.get("Item"))?;
        let values: Vec<_> = self.key_names.iter().map(|name| &item[name]).collect();
        Some(json!(values).to_string())
    }

    fn with<R>(&self, then: impl FnOnce(&mut HashSet<String>) -> R) -> R {
        then(&mut self.held.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Items that are held as long as this lives.
pub struct Held<'a> {
    locks: &'a Locks,
    keys: Vec<String>,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.locks
            .with(|held| held.retain(|key| !self.keys.contains(key)));
    }
}

/// The actions of a transaction, each without the member that says what it does.
pub fn actions(input: &Value) -> impl Iterator<Item = &Value> {
    let items = input["TransactItems"].as_array();
    items.into_iter().flatten().map(|item| {
        ACTIONS
            .iter()
            .find_map(|name| item.get(*name))
            .unwrap_or(&Value::Null)
    })
}

/// What AWS answers where another transaction holds items: for a transaction one reason per action, `None` for those
/// that were not in the way.
pub fn conflict(operation: &str, input: &Value, in_the_way: impl Fn(usize) -> bool) -> Answer {
    if !operation.starts_with("Transact") {
        return Refusal::new("TransactionConflictException", ONGOING).answer(Service::Dynamodb);
    }
    let conflicts = (0..actions(input).count()).map(in_the_way);
    let reasons = conflicts.map(|conflicts| {
        if conflicts {
            json!({"Code": "TransactionConflict", "Message": ONGOING})
        } else {
            json!({"Code": "None"})
        }
    });
    Answer::json(
        Service::Dynamodb,
        400,
        &cancelled(&reasons.collect::<Vec<_>>()),
    )
}

/// The body of `TransactionCanceledException`; its message repeats the codes.
pub fn cancelled(reasons: &[Value]) -> Value {
    let codes: Vec<_> = reasons
        .iter()
        .map(|reason| reason["Code"].as_str().unwrap_or("None"))
        .collect();
    json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": format!("Transaction cancelled, please refer cancellation reasons for specific reasons [{}]", codes.join(", ")),
        "CancellationReasons": reasons,
    })
}
