//! How Userpush keeps its promises on AWS. Membership test: everything here knows AWS, HTTP or the environment.

mod call;
mod door;
mod failure;
mod http;
pub mod log;
mod reply;
pub mod settings;
mod start;

pub use call::Call;
pub use door::{Function, enter, serve};
pub use failure::{Cause, Failure};
pub use reply::Reply;
pub use settings::Settings;
pub use start::{Clock, Start};
