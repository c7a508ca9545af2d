//! Functions that are started with settings that no route of the local system reaches.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod rotate;
mod without_queue;
