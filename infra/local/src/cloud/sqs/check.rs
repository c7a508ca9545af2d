//! What SQS refuses before it looks at a queue.

use crate::cloud::answer::Refusal;
use serde_json::Value;
use std::collections::BTreeSet;

/// The most that a message, and all messages of a batch together, may have, in bytes.
pub const MOST_BYTES: usize = 1024 * 1024;
const MOST_ENTRIES: usize = 10;

/// The entries of a batch call, each with an id of its own.
pub fn entries(input: &Value) -> Result<&[Value], Refusal> {
    let entries = input["Entries"].as_array().map(Vec::as_slice);
    let entries = entries.unwrap_or_default();
    if entries.is_empty() {
        return Err(Refusal::new(
            "EmptyBatchRequest",
            "There should be at least one entry in the request.",
        ));
    }
    if entries.len() > MOST_ENTRIES {
        return Err(Refusal::new(
            "TooManyEntriesInBatchRequest",
            format!(
                "Maximum number of entries per request are {MOST_ENTRIES}. You have sent {}.",
                entries.len()
            ),
        ));
    }
    let mut ids = BTreeSet::new();
    for entry in entries {
        let id = entry["Id"].as_str().unwrap_or_default();
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if id.is_empty() || id.len() > 80 || !id.chars().all(plain) {
            return Err(Refusal::new(
                "InvalidBatchEntryId",
                "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.",
            ));
        }
        if !ids.insert(id) {
            return Err(Refusal::new(
                "BatchEntryIdsNotDistinct",
                format!("Id {id} repeated."),
            ));
        }
    }
    Ok(entries)
}

/// Refuses a batch of messages that is too long as a whole.
pub fn batch_size(entries: &[Value]) -> Result<(), Refusal> {
    let size: usize = entries.iter().map(size).sum();
    if size > MOST_BYTES {
        return Err(Refusal::new(
            "BatchRequestTooLong",
            format!(
                "Batch requests cannot be longer than {MOST_BYTES} bytes. You have sent {size} bytes."
            ),
        ));
    }
    Ok(())
}

/// The text of a message.
pub fn body(message: &Value) -> Result<&str, Refusal> {
    let body = message["MessageBody"].as_str().unwrap_or_default();
    if body.is_empty() {
        return Err(missing("MessageBody"));
    }
    if size(message) > MOST_BYTES {
        return Err(invalid(format!(
            "One or more parameters are invalid. Reason: Message must be shorter than {MOST_BYTES} bytes."
        )));
    }
    if let Some(refused) = body.chars().find(|c| !admitted(*c)) {
        return Err(Refusal::new(
            "InvalidMessageContents",
            format!(
                "Invalid binary character '#x{:X}' was found in the message body, the set of allowed characters is #x9 | #xA | #xD | [#x20 to #xD7FF] | [#xE000 to #xFFFD] | [#x10000 to #x10FFFF]",
                u32::from(refused)
            ),
        ));
    }
    Ok(body)
}

/// A whole number within its limits, or what is so where it is not given.
pub fn number(
    input: &Value,
    name: &str,
    least: u64,
    most: u64,
    usual: u64,
) -> Result<u64, Refusal> {
    let value = &input[name];
    if value.is_null() {
        return Ok(usual);
    }
    let number = value
        .as_u64()
        .filter(|number| (least..=most).contains(number));
    number.ok_or_else(|| {
        invalid(format!(
            "Value {value} for parameter {name} is invalid. Reason: Must be between {least} and {most}, if provided."
        ))
    })
}

/// A parameter that is not as it has to be.
pub fn invalid(message: String) -> Refusal {
    Refusal::new("InvalidParameterValue", message)
}

/// A parameter that has to be there.
pub fn missing(name: &str) -> Refusal {
    Refusal::new(
        "MissingParameter",
        format!("The request must contain the parameter {name}."),
    )
}

/// The text and the attributes count.
fn size(message: &Value) -> usize {
    let attributes = message["MessageAttributes"]
        .as_object()
        .into_iter()
        .flatten();
    let attributes = attributes.map(|(name, value)| {
        let part = |key: &str| value[key].as_str().map_or(0, str::len);
        name.len() + part("DataType") + part("StringValue") + part("BinaryValue") * 3 / 4
    });
    message["MessageBody"].as_str().map_or(0, str::len) + attributes.sum::<usize>()
}

/// The characters of XML 1.0.
const fn admitted(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}
