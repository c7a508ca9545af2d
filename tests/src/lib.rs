//! The stories that Userpush has to tell, through HTTP and JSON only, against any server that speaks its contract.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a story ends where an expectation is not met"
)]

mod answer;
mod api;
mod cast;
mod control;
mod jwt;
mod message;
mod noted;
mod phone;
mod raw;
mod stories;
mod story;

pub use noted::noted;
pub use story::{Place, trials};
