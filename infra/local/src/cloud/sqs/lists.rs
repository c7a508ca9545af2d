//! The calls that list queues.

use super::{Sqs, check, name, no_queue, url};
use crate::cloud::answer::Refusal;
use serde_json::{Value, json};

/// The most queues that a page has.
const PAGE: u64 = 1000;

impl Sqs {
    pub(super) fn list(&self, input: &Value) -> Result<Value, Refusal> {
        let prefix = input["QueueNamePrefix"].as_str().unwrap_or_default();
        self.queues.read(|queues| {
            let names = queues.0.keys().filter(|name| name.starts_with(prefix));
            page("QueueUrls", names, input)
        })
    }

    /// The queues whose messages go to this one when they die.
    pub(super) fn list_sources(&self, input: &Value) -> Result<Value, Refusal> {
        let dead = name(input)?;
        self.queues.read(|queues| {
            if !queues.0.contains_key(dead) {
                return Err(no_queue());
            }
            let sources = queues.0.iter().filter(|(_, queue)| {
                let redrive = queue.spec.redrive.as_ref();
                redrive.is_some_and(|redrive| redrive.queue == dead)
            });
            page("queueUrls", sources.map(|(name, _)| name), input)
        })
    }
}

/// The URLs of the names after `NextToken`, as many as `MaxResults` says. The list is absent where it is empty.
fn page<'a>(
    list: &str,
    names: impl Iterator<Item = &'a String>,
    input: &Value,
) -> Result<Value, Refusal> {
    let most = check::number(input, "MaxResults", 1, PAGE, PAGE)?;
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let after = input["NextToken"].as_str().unwrap_or_default();
    let mut names = names.filter(|name| name.as_str() > after);
    let taken: Vec<_> = names.by_ref().take(most).collect();
    let mut output = json!({});
    if let Some(last) = taken.last() {
        output[list] = taken.iter().map(|name| url(name)).collect();
        if names.next().is_some() {
            output["NextToken"] = json!(last);
        }
    }
    Ok(output)
}
