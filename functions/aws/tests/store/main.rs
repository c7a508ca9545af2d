//! The store on a DynamoDB: an embedded one, or the one that `USERPUSH_DYNAMODB` names.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use aws::form::Form;

mod devices;
mod dynamodb;
#[path = "../../src/fixtures.rs"]
mod fixtures;
mod forms;
mod jobs;
mod messages;
mod pace;
mod tags;
