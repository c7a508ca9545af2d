//! Reading a device: what its owner sees, and the sign of life that this is.

use crate::device::{Device, Policy, Record, UNKNOWN};
use crate::{Caller, ClientSecretMode, Refusal, Time};

/// What a reader gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading<'a> {
    /// The device.
    pub device: &'a Device,
    /// Whether the device should be renewed: the SDKs only read while nothing has changed, so reading counts as
    /// registering.
    pub renewal: Renewal,
}

/// Whether a reading renews the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewal {
    /// The owner reads, and half of the lease is over, or SNS has to be asked about the endpoint.
    Due,
    /// Anything else.
    NotDue,
}

/// What reading a device comes to.
///
/// # Errors
/// [`Refusal::NotFound`] where there is none or it is not the caller's, and never anything else: the original SDKs go on
/// from a 404 by registering, and from no other refusal.
pub fn read<'a>(
    now: Time,
    record: Option<&'a Record>,
    caller: &Caller,
    policy: &Policy,
) -> Result<Reading<'a>, Refusal> {
    let record = record.ok_or(Refusal::NotFound)?;
    let device = record.live(now).ok_or(Refusal::NotFound)?;
    let owner = policy.owner(device, now);
    let own = owner.is_some_and(|owner| caller.is(owner, now));
    if !own && !caller.is_trusted() {
        return Err(Refusal::NotFound);
    }
    // In shared mode the provisioned secret is what the apps themselves hold.
    let app = own
        || (*caller == Caller::Provisioned
            && policy.client_secret_mode == ClientSecretMode::Shared);
    let due = policy.is_due(record, now) || device.checked == UNKNOWN;
    let renewal = if app && owner.is_some() && due {
        Renewal::Due
    } else {
        Renewal::NotDue
    };
    Ok(Reading { device, renewal })
}
