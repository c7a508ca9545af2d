//! How Userpush keeps its promises on AWS. Membership test: everything here knows AWS, HTTP or the environment.

mod account;
mod agent;
mod ascii;
pub mod bindings;
mod body;
mod call;
pub mod dispatch;
mod door;
mod failure;
#[cfg(test)]
mod fixtures;
pub mod form;
mod http;
pub mod jobs;
mod json;
pub mod log;
pub mod metrics;
pub mod outside;
mod page;
mod queue;
pub mod queue_event;
pub mod random;
mod reply;
pub mod secrets;
pub mod settings;
pub mod shown;
pub mod sns;
mod start;
pub mod store;
pub mod webhooks;
mod worker;

pub use body::{Body, missing};
pub use call::Call;
pub use door::{Function, enter, serve};
pub use failure::{Cause, Failure, causes};
pub use metrics::{Metric, Metrics};
pub use page::Page;
pub use reply::Reply;
pub use settings::Settings;
pub use start::{Clock, Start};
pub use store::Store;
pub use worker::{Worker, work};

#[cfg(test)]
use form::Form;
