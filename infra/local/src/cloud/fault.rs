//! Failures that are asked for: the next so many matching calls, or one in so many, fail in a given way.

mod request;
mod usual;

pub use request::Request;

use super::answer::{Refusal, Service};
use super::random::Seeded;
use serde_json::{Value, json};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How a call fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is not carried out, and the answer does not come within a minute.
    Timeout,
    /// It is not carried out, and the connection closes.
    Disconnect,
    /// It is carried out, but the connection closes instead of an answer.
    LostAnswer,
    /// A transaction becomes visible item by item.
    Torn,
    /// A write meets another transaction on the same item.
    Conflict,
    /// A batch read leaves keys out.
    Unprocessed,
    /// One entry of a batch fails, the others do not.
    PartialFailure(Refusal),
    /// It is not carried out; the service answers with an error.
    Error(Refusal),
}

/// What happens to one call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fate {
    /// How long the call is held before anything else happens.
    pub delay: Duration,
    /// How it fails, if it does.
    pub fault: Option<Fault>,
}

/// The faults that are still to come, in the order they were asked for.
#[derive(Default)]
pub struct Faults {
    rules: Mutex<Vec<Rule>>,
}

struct Rule {
    service: Service,
    operation: Option<String>,
    token: Option<String>,
    fate: Fate,
    /// What the fault is called.
    name: Option<String>,
    /// Whether a matching call is hit; without it every one is.
    chance: Option<Chance>,
    /// How many calls it still hits; without it no number ends it.
    left: Option<u64>,
    /// How many it has hit.
    hits: u64,
}

/// One call in so many, drawn for each.
struct Chance {
    one_in: u32,
    draws: Seeded,
}

impl Faults {
    /// Adds one.
    ///
    /// # Errors
    /// What is wrong with the request.
    pub fn add(&self, request: Request) -> Result<(), &'static str> {
        let rule = Rule::parse(request)?;
        self.rules
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(rule);
        Ok(())
    }

    /// Forgets all of them.
    pub fn clear(&self) {
        self.rules
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// The faults that are still to come, each with the number of calls that it has hit.
    pub fn show(&self) -> Value {
        let rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        let shown = rules.iter().map(|rule| {
            json!({
                "service": rule.service.name(), "operation": rule.operation, "fault": rule.name,
                "hits": rule.hits, "left": rule.left,
            })
        });
        json!({"faults": shown.collect::<Vec<_>>()})
    }

    /// What happens to this call: the first fault that fits and, where it comes by chance, is drawn. `concerns` tells
    /// whether the call is about a token.
    pub fn next(&self, service: Service, operation: &str, concerns: impl Fn(&str) -> bool) -> Fate {
        let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(rule) = rules.iter_mut().find_map(|rule| {
            let fits = rule.service == service
                && rule.operation.as_deref().is_none_or(|of| of == operation)
                && rule.token.as_deref().is_none_or(&concerns);
            (fits && rule.is_drawn()).then_some(rule)
        }) else {
            return Fate::default();
        };
        rule.hits += 1;
        rule.left = rule.left.map(|left| left - 1);
        let fate = rule.fate.clone();
        rules.retain(|rule| rule.left != Some(0));
        fate
    }
}

impl Rule {
    fn is_drawn(&mut self) -> bool {
        self.chance.as_mut().is_none_or(|chance| {
            let drawn = chance.draws.fraction() * f64::from(chance.one_in);
            drawn < 1.0
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn add(faults: &Faults, request: Value) -> Result<(), &'static str> {
        faults.add(serde_json::from_value(request).unwrap())
    }

    #[test]
    fn a_fault_hits_so_many_matching_calls_and_no_other() {
        let faults = Faults::default();
        add(
            &faults,
            json!({"service": "sns", "operation": "Publish", "token": "T", "fault": "Throttling", "times": 2, "delayMs": 5}),
        )
        .unwrap();
        let hit = |service, operation, token: &str| {
            faults.next(service, operation, |asked| asked == token)
        };
        assert_eq!(hit(Service::Sns, "Publish", "U"), Fate::default());
        assert_eq!(hit(Service::Sns, "DeleteEndpoint", "T"), Fate::default());
        assert_eq!(hit(Service::Dynamodb, "Publish", "T"), Fate::default());
        let fate = Fate {
            delay: Duration::from_millis(5),
            fault: Some(throttling()),
        };
        assert_eq!(hit(Service::Sns, "Publish", "T"), fate);
        assert_eq!(hit(Service::Sns, "Publish", "T"), fate);
        assert_eq!(hit(Service::Sns, "Publish", "T"), Fate::default());
    }

    /// Which of so many calls to SNS are hit, and how.
    fn hits(faults: &Faults, calls: usize) -> Vec<Option<Fault>> {
        let next = || faults.next(Service::Sns, "Publish", |_| false).fault;
        std::iter::repeat_with(next).take(calls).collect()
    }

    fn throttling() -> Fault {
        Fault::Error(Refusal::new("Throttling", "Rate exceeded"))
    }

    #[test]
    fn one_in_so_many_calls_is_hit_as_the_seed_says() {
        let seeded = |seed: u64| {
            let faults = Faults::default();
            let request =
                json!({"service": "sns", "fault": "Throttling", "oneIn": 20, "seed": seed});
            add(&faults, request).unwrap();
            hits(&faults, 10_000)
        };
        assert_eq!(seeded(1), seeded(1));
        assert_ne!(seeded(1), seeded(2));
        let hit = seeded(1)
            .iter()
            .filter(|hit| **hit == Some(throttling()))
            .count();
        assert!((400..600).contains(&hit), "{hit} of 10,000");
    }

    #[test]
    fn one_in_one_is_every_call_and_times_ends_it() {
        let faults = Faults::default();
        let request = json!({"service": "sns", "fault": "Throttling", "oneIn": 1, "times": 2});
        add(&faults, request).unwrap();
        assert_eq!(
            hits(&faults, 3),
            [Some(throttling()), Some(throttling()), None]
        );
    }

    #[test]
    fn without_a_seed_chance_differs() {
        let drawn = || {
            let faults = Faults::default();
            let request = json!({"service": "sns", "fault": "Throttling", "oneIn": 2});
            add(&faults, request).unwrap();
            hits(&faults, 200)
        };
        assert_ne!(drawn(), drawn());
    }

    #[test]
    fn several_faults_by_chance_go_together_and_tell_what_they_hit() {
        let faults = Faults::default();
        for (fault, one_in, seed) in [("Throttling", 20, 1), ("timeout", 100, 2)] {
            let request = json!({"service": "sns", "operation": "Publish", "fault": fault, "oneIn": one_in, "seed": seed});
            add(&faults, request).unwrap();
        }
        let hits = hits(&faults, 10_000);
        let count = |fault: Option<Fault>| hits.iter().filter(|hit| **hit == fault).count();
        let (throttled, timed_out) = (count(Some(throttling())), count(Some(Fault::Timeout)));
        assert!((400..600).contains(&throttled), "{throttled} of 10,000");
        assert!((60..140).contains(&timed_out), "{timed_out} of 10,000");
        let shown = |fault: &str, hits: usize| json!({"service": "sns", "operation": "Publish", "fault": fault, "hits": hits, "left": null});
        let faults = faults.show();
        assert_eq!(
            faults["faults"],
            json!([shown("Throttling", throttled), shown("timeout", timed_out)])
        );
    }

    #[test]
    fn a_fault_that_could_not_happen_is_refused() {
        let faults = Faults::default();
        for (request, reason) in [
            (
                json!({"service": "s3", "fault": "Throttling"}),
                "service is sns, dynamodb, secretsmanager or sqs",
            ),
            (
                json!({"service": "sns", "fault": "Torn"}),
                "Torn, Conflict and Unprocessed are for dynamodb",
            ),
            (
                json!({"service": "dynamodb", "operation": "PutItem", "fault": "Torn"}),
                "Torn is for TransactWriteItems",
            ),
            (
                json!({"service": "dynamodb", "fault": "Throttling", "token": "T"}),
                "token is for sns",
            ),
            (
                json!({"service": "sns", "fault": "PartialFailure"}),
                "PartialFailure is for sqs",
            ),
            (
                json!({"service": "sqs", "operation": "SendMessage", "fault": "PartialFailure"}),
                "PartialFailure is for SendMessageBatch",
            ),
            (json!({"service": "sns"}), "give fault, delayMs or both"),
            (
                json!({"service": "sns", "fault": "Throttling", "times": 0}),
                "times is at least 1",
            ),
            (
                json!({"service": "sns", "fault": "Throttling", "oneIn": 0}),
                "oneIn is at least 1",
            ),
            (
                json!({"service": "sns", "fault": "Throttling", "seed": 1}),
                "seed is for oneIn",
            ),
            (
                json!({"service": "sns", "fault": "no code"}),
                "fault is an AWS error code, timeout, disconnect or lostAnswer",
            ),
        ] {
            assert_eq!(add(&faults, request), Err(reason));
        }
    }
}
