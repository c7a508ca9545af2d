//! How many calls were made to AWS, and what they would have consumed.

use super::answer::Service;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Counts since the last reset.
#[derive(Default)]
pub struct Calls {
    counted: Mutex<Counted>,
}

#[derive(Default)]
struct Counted {
    operations: BTreeMap<String, u64>,
    read_units: f64,
    write_units: f64,
}

/// Capacity units of one kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Units {
    /// Read capacity units.
    Read(f64),
    /// Write capacity units.
    Write(f64),
}

impl Calls {
    /// One more call, whatever becomes of it.
    pub fn count(&self, service: Service, operation: &str) {
        let name = format!("{}.{operation}", service.name());
        self.with(|counted| *counted.operations.entry(name).or_default() += 1);
    }

    /// Adds what a call consumed.
    pub fn consume(&self, units: Units) {
        self.with(|counted| match units {
            Units::Read(units) => counted.read_units += units,
            Units::Write(units) => counted.write_units += units,
        });
    }

    /// Starts again from nothing.
    pub fn reset(&self) {
        self.with(|counted| *counted = Counted::default());
    }

    /// `{"dynamodb.BatchGetItem":1,…,"readUnits":3.0}`; what is zero is left out.
    pub fn show(&self) -> Value {
        self.with(|counted| {
            let mut shown: Map<_, _> = counted
                .operations
                .iter()
                .map(|(name, count)| (name.clone(), json!(count)))
                .collect();
            for (name, units) in [
                ("readUnits", counted.read_units),
                ("writeUnits", counted.write_units),
            ] {
                if units > 0.0 {
                    shown.insert(name.to_owned(), json!(units));
                }
            }
            Value::Object(shown)
        })
    }

    fn with<R>(&self, then: impl FnOnce(&mut Counted) -> R) -> R {
        then(&mut self.counted.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_called_and_consumed_is_counted_until_the_reset() {
        let calls = Calls::default();
        assert_eq!(calls.show(), json!({}));
        calls.count(Service::Sns, "Publish");
        calls.count(Service::Sns, "Publish");
        calls.consume(Units::Read(0.5));
        calls.consume(Units::Read(1.0));
        calls.consume(Units::Write(2.0));
        assert_eq!(
            calls.show(),
            json!({"sns.Publish": 2, "readUnits": 1.5, "writeUnits": 2.0})
        );
        calls.reset();
        assert_eq!(calls.show(), json!({}));
    }
}
