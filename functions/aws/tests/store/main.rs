//! The store on a DynamoDB: an embedded one, or the one that `USERPUSH_DYNAMODB` names.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod devices;
mod dynamodb;
mod jobs;
mod messages;
mod pace;
mod tags;
