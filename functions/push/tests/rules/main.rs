//! The rules by their public interface: tables of who may do what, and random histories.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod events;
mod histories;
mod reports;
mod subscriptions;
mod table;
mod who_may;
