//! The rules by their public interface: tables of who may do what, and random histories.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod arrival;
mod events;
mod histories;
mod reports;
mod subscriptions;
mod table;
mod who_may;

use push::device::Policy;
use push::{ClientSecretMode, RequireClientSecret, Span, Time};

/// The template's defaults for all but the lease.
fn policy(lease: Span) -> Policy {
    Policy {
        lease,
        bindings_not_before: Time::default(),
        require_client_secret: RequireClientSecret::Users,
        client_secret_mode: ClientSecretMode::PerUser,
    }
}
