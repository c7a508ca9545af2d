//! Randomness from the operating system.

use crate::{Cause, Failure};
use push::MessageId;
use push::device::Version;

fn bytes<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::Internal(Cause::from(error.to_string())))?;
    Ok(bytes)
}

/// A version that was never written before.
///
/// # Errors
/// [`Failure::Internal`] where the system has no randomness.
pub fn version() -> Result<Version, Failure> {
    bytes().map(Version)
}

/// The id of a new message.
///
/// # Errors
/// [`Failure::Internal`] where the system has no randomness.
pub fn message_id() -> Result<MessageId, Failure> {
    loop {
        if let Some(id) = MessageId::from_random(&bytes::<32>()?) {
            return Ok(id);
        }
    }
}

/// A number under `limit`, for pauses: no more even than they need.
#[must_use]
pub fn below(limit: u64) -> u64 {
    getrandom::u64().unwrap_or_default() % limit.max(1)
}
