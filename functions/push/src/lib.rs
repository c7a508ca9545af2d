//! What Userpush promises, as pure decisions: values in, decisions out. No call, no clock, no cloud.

mod id;
mod invalid;
mod refusal;
pub mod time;

pub use id::{ApplicationId, DeviceId, MessageId, UserId};
pub use invalid::Invalid;
pub use refusal::Refusal;
pub use time::{Span, Time};
