//! What Userpush promises, as pure decisions: values in, decisions out. No call, no clock, no cloud.

pub mod address;
mod caller;
pub mod change;
pub mod device;
pub mod event;
pub mod filter;
mod id;
mod invalid;
pub mod message;
pub mod pace;
mod platform;
pub mod reading;
mod refusal;
pub mod registration;
pub mod repeat;
pub mod report;
mod secret;
pub mod subscription;
pub mod tag;
pub mod time;
mod token;
pub mod unregistration;
mod user_secret;
pub mod webhook;

pub use caller::{Caller, ClientSecretMode, RequireClientSecret};
pub use id::{ApplicationId, DeviceId, MessageId, UserId};
pub use invalid::Invalid;
pub use platform::Platform;
pub use refusal::Refusal;
pub use secret::{Secret, TooShort};
pub use tag::{TagId, TagName};
pub use time::{Span, Time};
pub use token::{Token, TokenKey};
pub use user_secret::{UserSecret, Verified};
