//! The stories that Userpush has to tell, through HTTP and JSON only, against any server that speaks its contract.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a story ends where an expectation is not met"
)]

mod answer;
mod api;
mod cast;
mod clock;
mod cloud;
mod control;
mod faults;
mod hooks;
mod jwt;
mod large;
mod message;
mod noted;
mod phone;
mod race;
mod raw;
mod runtime;
mod stories;
mod story;
mod table;
mod waiting;
mod written;

pub use clock::machine as now;
pub use cloud::Cloud;
pub use faults::faults;
pub use large::{Audience, Crowd, Large, Registry};
pub use race::{Outcome, Race};
pub use runtime::{Failed, Fed, Processes, Recipe, Source, feed};
pub use story::{Place, trials};
pub use written::Written;
