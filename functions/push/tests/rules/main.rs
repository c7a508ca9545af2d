//! The rules by their public interface: tables of who may do what, and random histories.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod arrival;
mod events;
mod histories;
mod pace;
mod removal;
mod reports;
mod subscriptions;
mod table;
mod who_may;

use push::change::Change;
use push::device::{Binding, Device, GRACE, Policy, Record, State, Version};
use push::logout::LogoutMarkers;
use push::registration::{
    Assessment, Further, Missing, Registration, Snapshot, assess, bind, overtaken,
};
use push::subscription::Subscriptions;
use push::{
    Caller, ClientSecretMode, DeviceId, Platform, Refusal, RequireClientSecret, Span, Time, Token,
    UserId,
};

fn user(name: &str) -> UserId {
    UserId::parse(name).unwrap()
}

fn device(name: &str) -> DeviceId {
    DeviceId::parse(name).unwrap()
}

fn token(letter: &str) -> Token {
    Token::parse(Platform::Fcm, &letter.repeat(40)).unwrap()
}

/// The template's defaults for all but the lease.
fn policy(lease: Span) -> Policy {
    Policy {
        lease,
        bindings_not_before: Time::default(),
        require_client_secret: RequireClientSecret::Users,
        client_secret_mode: ClientSecretMode::PerUser,
    }
}

/// The item of a device that was registered then, for a user or for nobody, and for which SNS was asked then.
fn device_record(owner: Option<UserId>, token: Token, then: Time, policy: &Policy) -> Record {
    let lease = policy.lease_end(then);
    Record {
        version: Version([1; 16]),
        place: then,
        expires: lease + GRACE,
        logouts: LogoutMarkers::default(),
        state: State::Live(Device {
            binding: owner.map(|user| Binding { user, lease }),
            token,
            endpoint: "arn:a".to_owned(),
            checked: then,
            revived: None,
            created: then,
            updated: then,
            since: then,
            subscriptions: Subscriptions::default(),
        }),
    }
}

/// What a registration by a trusted caller writes; `read` gives what else it has to know.
fn registered(
    now: Time,
    found: &Snapshot,
    wanted: &Registration,
    version: Version,
    policy: &Policy,
    read: impl FnOnce(Missing) -> Further,
) -> Result<Option<Change>, Refusal> {
    Ok(
        match assess(now, found, wanted, &Caller::Provisioned, policy)? {
            Assessment::Unchanged(_) => None,
            Assessment::Overtaken(missing) => {
                overtaken(now, found, &read(missing), wanted, version, policy).0
            }
            Assessment::Binds { missing, .. } => {
                let (further, endpoint) = (read(missing), ("arn:new", now));
                let bound = bind(now, found, &further, wanted, endpoint, version, policy);
                Some(bound.0)
            }
        },
    )
}
